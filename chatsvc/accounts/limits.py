"""How often something may be tried, so that guessing is slow and nobody can lock somebody else out (T10, T28).

Attempts are counted before the work, in windows of fixed length that keep their end however often somebody tries; a successful sign-in
gives its count back. Over a window's edge twice the number can pass: that is accepted, the windows are short.

An account as such is never locked. Many failures against it from everywhere only slow strangers down, to one attempt in thirty seconds,
while a browser that has signed in to this account before passes with a count of its own.
"""

import hashlib
import ipaddress
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from chatsvc.kernel.clock import Clock
from chatsvc.kernel.errors import TooMany
from chatsvc.keyspace import keys
from chatsvc.keyspace.counters import Counters

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Rate(NamedTuple):
    """So many in each window of this length."""

    most: int
    within: timedelta


_QUARTER = timedelta(minutes=15)
_HOUR = timedelta(hours=1)


class LimitRules(NamedTuple):
    """The numbers."""

    # Failed sign-ins from one address, over all accounts: an office behind one address fits.
    address: Rate = Rate(60, _QUARTER)
    # ... against one account from one address.
    account_and_address: Rate = Rate(8, _QUARTER)
    # ... against one account from everywhere; from then on strangers pass at the slow rate.
    account: Rate = Rate(20, _HOUR)
    account_slow: Rate = Rate(1, timedelta(seconds=30))
    # ... from one known browser.
    device: Rate = Rate(10, _QUARTER)
    # The present password, typed wrong by somebody who is signed in.
    old_password: Rate = Rate(5, _QUARTER)
    # Forgotten-password forms from one address, and mails to one account (T28).
    reset_address: Rate = Rate(20, _HOUR)
    reset_account: Rate = Rate(3, _HOUR)
    # Posts of a telephone system whose signature does not fit, from one address; a second wrong secret is noticed in the first minute.
    forged_post: Rate = Rate(30, timedelta(minutes=1))
    # First mails to new people, caused by one person; more than enough for an afternoon of adding contacts.
    invitation: Rate = Rate(60, _HOUR)


def digest_of(text: str) -> str:
    """Return what stands for a mail address in keys and cookies: 32 hexadecimal digits."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32]


def origin_of(address: str) -> str:
    """Return what is counted for a client's address: a whole /64 for IPv6, because one line has all of it; anything else as it is."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


class _Counted(NamedTuple):
    """One count that an attempt was added to."""

    scope: str
    subject: str
    rate: Rate


class Attempt(NamedTuple):
    """A sign-in that was let through; give it back when it succeeds."""

    counted: tuple[_Counted, ...]
    at: datetime


class Limits:
    """Counts, and refuses what is too much."""

    def __init__(self, counters: Counters, clock: Clock, rules: LimitRules | None = None) -> None:
        self._counters = counters
        self._clock = clock
        self.rules = rules or LimitRules()

    async def sign_in(self, account: str, *, address: str, device: str | None) -> Attempt:
        """Count an attempt to sign in.

        Args:
            account: digest of the mail address, whether or not there is such an account.
            address: where it comes from.
            device: name of the known browser for this account; None for a stranger.

        Raises:
            TooMany: ``sign_in.too_many``.
        """
        origin = origin_of(address)
        if device is not None:
            counts: tuple[_Counted, ...] = (_Counted("sign_in.device", f"{account}.{device}", self.rules.device),)
        else:
            # In this order, and ending at the first refusal: one noisy address must not fill the account's own count.
            counts = (
                _Counted("sign_in.address", digest_of(origin), self.rules.address),
                _Counted(
                    "sign_in.account_and_address", f"{account}.{digest_of(origin)}", self.rules.account_and_address
                ),
            )
        at = self._clock.now()
        for counted in counts:
            await self._require(counted, at, "sign_in.too_many")
        if device is None:
            overall = _Counted("sign_in.account", account, self.rules.account)
            counts = (*counts, overall)
            if await self._count(overall, at) > overall.rate.most:
                await self._require(_Counted("sign_in.slow", account, self.rules.account_slow), at, "sign_in.too_many")
        return Attempt(counts, at)

    async def succeeded(self, attempt: Attempt) -> None:
        """Give an attempt back: only failures count."""
        for counted in attempt.counted:
            await self._count(counted, attempt.at, -1)

    async def reset_asked(self, address: str) -> None:
        """Count a forgotten-password form from an address.

        Raises:
            TooMany: ``too_many``.
        """
        await self._require(
            _Counted("reset.address", digest_of(origin_of(address)), self.rules.reset_address), self._clock.now()
        )

    async def may_mail_reset(self, account: str) -> bool:
        """Count a reset mail to an account; whether it may go out. The one who asks is not told (T11)."""
        counted = _Counted("reset.account", account, self.rules.reset_account)
        return await self._count(counted, self._clock.now()) <= counted.rate.most

    async def old_password_typed(self, person: str) -> None:
        """Count an attempt to change the password.

        Raises:
            TooMany: ``too_many``.
        """
        await self._require(_Counted("old_password", person, self.rules.old_password), self._clock.now())

    async def invited(self, by: str) -> None:
        """Count a first mail to somebody, by the one who causes it.

        Raises:
            TooMany: ``too_many``.
        """
        await self._require(_Counted("invitation", by, self.rules.invitation), self._clock.now())

    async def read_post(self, address: str) -> None:
        """Ask, before a post of a telephone system is read, whether its address has forged too many; genuine ones never count.

        Raises:
            TooMany: ``too_many``.
        """
        counted = _Counted("forged_post", digest_of(origin_of(address)), self.rules.forged_post)
        at = self._clock.now()
        if await self._count(counted, at, 0) >= counted.rate.most:
            raise _too_many(counted, at)

    async def post_was_forged(self, address: str) -> None:
        """Count a forged post from an address."""
        counted = _Counted("forged_post", digest_of(origin_of(address)), self.rules.forged_post)
        await self._count(counted, self._clock.now())

    async def _require(self, counted: _Counted, at: datetime, key: str = "too_many") -> None:
        if await self._count(counted, at) > counted.rate.most:
            raise _too_many(counted, at, key)

    async def _count(self, counted: _Counted, at: datetime, by: int = 1) -> int:
        window = (at - _EPOCH) // counted.rate.within
        key = keys.attempts(counted.scope, counted.subject, window)
        return await self._counters.add(key, by, ttl=2 * counted.rate.within)


def _too_many(counted: _Counted, at: datetime, key: str = "too_many") -> TooMany:
    retry_after = counted.rate.within - (at - _EPOCH) % counted.rate.within
    return TooMany(key, retry_after=retry_after.total_seconds(), scope=counted.scope)
