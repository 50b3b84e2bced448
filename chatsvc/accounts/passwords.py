"""Passwords: hashed and verified with argon2id, in threads of their own, so that the event loop never waits for one.

What a good password is stands in ``policy``. Nothing here keeps, logs or returns a password.
"""

import asyncio
import base64
import secrets
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError


class Profile(NamedTuple):
    """How dear one hash is."""

    # Passes over the memory.
    passes: int
    memory_kib: int
    lanes: int


# What OWASP's password storage sheet asks for. The library's own default takes four cores and 64 MiB for each sign-in.
STRONG = Profile(passes=2, memory_kib=19_456, lanes=1)
# For tests only, where thousands of people sign in.
CHEAP = Profile(passes=1, memory_kib=8, lanes=1)

_SALT_BYTES = 16
_HASH_BYTES = 32


class Passwords:
    """Hashes and verifies."""

    def __init__(self, profile: Profile = STRONG, *, at_once: int = 2) -> None:
        """Prepare.

        Args:
            profile: how dear a hash is; older ones with another profile stay valid and are renewed at the next sign-in.
            at_once: threads, and so the memory and cores that a flood of sign-ins can take.
        """
        self._hasher = PasswordHasher(
            time_cost=profile.passes,
            memory_cost=profile.memory_kib,
            parallelism=profile.lanes,
            hash_len=_HASH_BYTES,
            salt_len=_SALT_BYTES,
        )
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="passwords")
        # A well-formed hash of nothing: verifying against it costs the same as against a real one, and never succeeds.
        cost = f"m={profile.memory_kib},t={profile.passes},p={profile.lanes}"
        self.nobody = f"$argon2id$v=19${cost}${_random(_SALT_BYTES)}${_random(_HASH_BYTES)}"

    async def hash(self, password: str) -> str:
        """Return the hash to store."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hasher.hash, _bytes(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password is the one that was hashed. ``stored`` None (no such account, no password yet) takes as long and is False."""
        fits = await asyncio.get_running_loop().run_in_executor(
            self._threads, self._verify, self.nobody if stored is None else stored, _bytes(password)
        )
        return fits and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether a hash was made with another profile than today's."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify(self, stored: str, password: bytes) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def _bytes(password: str) -> bytes:
    """The bytes of a password: composed, so that "é" typed on a Mac and on a PC is one password; case is kept (P3)."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def _random(size: int) -> str:
    return base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=")
