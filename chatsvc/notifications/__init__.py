"""Mail that follows facts: written with its cause, sent by the worker."""
