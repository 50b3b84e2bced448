"""Lines, places, desks and offers: who is served next, and by whom."""
