"""The support desk: every rule, every table, and the live hub."""
