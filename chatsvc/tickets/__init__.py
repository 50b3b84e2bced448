"""The ticket, its two logs, and its life cycle."""
