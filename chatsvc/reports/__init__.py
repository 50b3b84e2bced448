"""Reports as Excel files: small ones at once, large ones in the background (T12)."""
