"""Every template with sample values, in every state it has: for the tests, and for ``scripts/gallery.py`` that makes pictures of them."""
