"""Saved replies that staff keep themselves, beside those of the catalogue."""
