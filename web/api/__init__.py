"""The REST twin of the socket, and what programs ask beside it; all of it under ``/api/v1``."""
