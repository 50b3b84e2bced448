"""The telephone: reservations that keep a place in the line, slots that are kept, and the dialling of both."""
