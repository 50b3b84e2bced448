"""Session tokens: opaque, 256 random bits, stored only as their SHA-256 (T5).

A fast hash is right here and wrong for passwords: nobody guesses 256 bits, and every request computes it.
"""

import hashlib
import secrets


def new_token() -> str:
    """Return a new token, 43 characters that are safe in a cookie."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """Return what is stored instead of a token: 64 hexadecimal digits. Takes any text, as browsers may send any."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
