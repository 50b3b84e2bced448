"""Any telephone system, over signed posts: Holdline asks it to ring, it posts what happens.

Duplicates, late posts and posts in the wrong order are harmless, because an attempt's own state decides what is news (``port.is_news``).
A status that nobody here knows never ends a call: it is logged and left. Where the posts go is the operator's setting and never a
customer's; redirections are not followed.
"""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Protocol
from urllib.parse import urlsplit

import httpx2
import msgspec

from callback.telephony import signing
from callback.telephony.port import (
    AllLinesBusy,
    AlreadyDialled,
    AttemptId,
    Call,
    Ended,
    EndedBy,
    Event,
    Facts,
    Ledger,
    Outcome,
    Progress,
    Stage,
)
from callback.telephony.signing import Secret
from chatsvc.kernel.clock import Clock
from chatsvc.kernel.errors import Invalid

logger = logging.getLogger(__name__)

# As it stands on attempts.
NAME: Final = "webhook"
ANSWER_WITHIN_S: Final = 5.0
# Pauses between tries of one post, in seconds. The same id goes out each time, so that the other side can tell.
RETRY_AFTER_S: Final = (0.5, 2.0)
# One day: longer talks are a mistake in the other system.
_LONGEST_S: Final = 86_400

_Seconds = Annotated[float, msgspec.Meta(ge=0, le=_LONGEST_S)]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRules:
    """Where the telephone system is, and the secrets shared with it."""

    # ``https://…``, or ``http://…`` on a network that is the operator's own.
    url: str
    # Signs what goes out.
    secret: Secret
    # Pauses between tries, in seconds; as many tries as pauses, and one.
    retry_after_s: tuple[float, ...] = RETRY_AFTER_S
    # How long each try may take, in seconds.
    answer_within_s: float = ANSWER_WITHIN_S

    def __post_init__(self) -> None:
        """Refuse an address that is none.

        Raises:
            ValueError: not http or https, without a host, or with a password in it.
        """
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.password is not None:
            raise ValueError("an address begins with https:// and carries no password")


class _Data(msgspec.Struct, frozen=True):
    """What a post says about an attempt. Fields that we do not know are ignored: another system may say more than we ask."""

    attempt: Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"\A[A-Za-z0-9_-]+\Z")]
    # A word of ``Stage`` or ``Outcome``; anything else changes nothing.
    status: Annotated[str, msgspec.Meta(max_length=64)]
    sip_code: Annotated[int, msgspec.Meta(ge=100, le=699)] | None = None
    ring_s: _Seconds | None = None
    talk_s: _Seconds | None = None
    # A word of ``EndedBy``; others count as unsaid.
    ended_by: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class _Post(msgspec.Struct, frozen=True):
    type: str
    data: _Data


class Unreachable(OSError):
    """No connection came about, so nothing was said: it is certain that nobody dials."""


class Poster(Protocol):
    """The way out; ``HTTPPoster`` in earnest."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Return the status of the answer.

        Raises:
            Unreachable: nothing was sent.
            OSError: something may have been sent, and there was no answer.
        """
        ...

    async def close(self) -> None:
        """Give connections back."""
        ...


class HTTPPoster:
    """Posts over HTTP; follows nothing, waits no longer than it was told, and reads no answer but its status."""

    def __init__(self, within_s: float = ANSWER_WITHIN_S) -> None:
        self._within_s = within_s
        # Made with the first post, for it loads certificates, and a process may only ever receive.
        self._client: httpx2.AsyncClient | None = None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Return the status of the answer."""
        if self._client is None:
            self._client = httpx2.AsyncClient(follow_redirects=False, timeout=self._within_s, trust_env=False)
        try:
            async with self._client.stream("POST", url, content=body, headers=dict(headers)) as answer:
                return int(answer.status_code)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise Unreachable(type(error).__name__) from error
        except httpx2.HTTPError as error:
            raise OSError(type(error).__name__) from error

    async def close(self) -> None:
        """Give connections back."""
        if self._client is not None:
            await self._client.aclose()


class Webhook:
    """The way to a telephone system behind two addresses; the way back is ``received``. It holds nothing, so any process takes any post."""

    name = NAME
    # The calls live in the other system; their ends come when they come, whichever process of ours is there.
    holds_calls = False

    def __init__(self, rules: WebhookRules, *, ledger: Ledger, clock: Clock, poster: Poster | None = None) -> None:
        self._rules = rules
        self._ledger = ledger
        self._clock = clock
        self._poster = poster or HTTPPoster(rules.answer_within_s)
        self._dialled: set[AttemptId] = set()

    async def dial(self, call: Call) -> None:
        """Ask the other system to ring. When it certainly does not, the attempt ends with ``trunk``.

        Where nobody can tell (no answer, or one that says that it broke), the attempt ends with ``unknown``: it may ring this moment, and
        is not dialled again by itself. A later post about it still counts.

        Raises:
            AlreadyDialled: this process has asked for it before.
            AllLinesBusy: the other system says that it can hold no further call (429 or 503); nothing was dialled.
        """
        if call.attempt in self._dialled:
            raise AlreadyDialled("attempt.already_dialled", attempt=call.attempt)
        self._dialled.add(call.attempt)
        status = await self._post(
            "call.dial",
            call.attempt,
            {
                "representative": call.representative,
                "customer": call.customer,
                "ring_limit_s": call.ring_limit.total_seconds(),
                "max_length_s": call.max_length.total_seconds(),
            },
        )
        if status in (429, 503):
            self._dialled.discard(call.attempt)
            raise AllLinesBusy("telephony.all_lines_busy")
        if status is None or status >= 500:
            await self._end(call.attempt, Outcome.UNKNOWN)
        elif not 200 <= status < 300:
            await self._end(call.attempt, Outcome.TRUNK)

    async def hang_up(self, attempt: AttemptId) -> None:
        """Ask the other system to end an attempt; its own post tells that it has."""
        await self._post("call.hang_up", attempt, {})

    def is_up(self, attempt: AttemptId) -> bool:
        """No call lives in this process."""
        return False

    async def recover(self, attempt: AttemptId, trace: str | None) -> Ended:
        """Ask the other system to release an attempt; what it posts about it later still counts."""
        del trace
        await self._post("call.hang_up", attempt, {})
        return Ended(attempt=attempt, outcome=Outcome.UNKNOWN, facts=Facts(), at=self._clock.now())

    async def close(self) -> None:
        """Give connections back; the calls go on."""
        await self._poster.close()

    async def _end(self, attempt: AttemptId, outcome: Outcome) -> None:
        facts = Facts(ended_by=EndedBy.TRUNK)
        await self._ledger.happened(Ended(attempt=attempt, outcome=outcome, facts=facts, at=self._clock.now()))

    async def _post(self, kind: str, attempt: AttemptId, data: Mapping[str, Any]) -> int | None:
        """The status of the last answer; 0 when certainly nothing was said, None when nobody can tell.

        Repeating is safe: the id stays the same, and the other side does nothing twice for one id.
        """
        moment = self._clock.now().isoformat()
        body = json.dumps({"type": kind, "timestamp": moment, "data": {"attempt": attempt, **data}}).encode()
        post = f"{attempt}-{kind.removeprefix('call.')}"
        may_have_arrived = False
        for pause in (*self._rules.retry_after_s, None):
            signed = signing.headers_of(post, self._clock.now(), body, self._rules.secret)
            status = await self._tried(body, {"content-type": "application/json", "user-agent": "Holdline", **signed})
            if status and status not in (502, 504):
                return status
            may_have_arrived |= status != 0
            if pause is not None:
                await asyncio.sleep(pause)
        return None if may_have_arrived else 0

    async def _tried(self, body: bytes, headers: Mapping[str, str]) -> int | None:
        try:
            async with asyncio.timeout(self._rules.answer_within_s):
                return await self._poster.post(self._rules.url, body, headers)
        except Unreachable:
            logger.warning("webhook_unreachable")
            return 0
        except (OSError, TimeoutError) as error:
            logger.warning("webhook_not_answered", extra={"error": type(error).__name__})
            return None


def received(headers: Mapping[str, str], body: bytes, *, secrets: Sequence[Secret], now: datetime) -> Event | None:
    """Return what a post of the other system says, once it is known to be genuine; None when that is nothing we know.

    Args:
        headers: of the request; names in any case.
        body: its bytes as they came.
        secrets: believed in what comes in, the newest first; without any, nothing is genuine.
        now: the moment.

    Raises:
        Forged: it is not genuine; nothing of it was read.
        Invalid: it is genuine and no post that can be understood; the other system has a mistake.
    """
    post = signing.verify(headers, body, secrets=secrets, now=now)
    event = event_in(body, at=now)
    if event is None:
        logger.warning("webhook_status_unknown", extra={"post": post})
    return event


def event_in(body: bytes, *, at: datetime) -> Event | None:
    """Return what a post says; None when that is nothing we know.

    Raises:
        Invalid: it cannot be understood at all.
    """
    try:
        post = msgspec.json.decode(body, type=_Post)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Invalid("webhook.body") from None
    if post.type != "call.status":
        return None
    attempt, status = AttemptId(post.data.attempt), post.data.status
    if status in set(Stage):
        return Progress(attempt=attempt, stage=Stage(status), at=at)
    if status in set(Outcome):
        return Ended(attempt=attempt, outcome=Outcome(status), facts=_facts(post.data), at=at)
    return None


def _facts(data: _Data) -> Facts:
    by = EndedBy(data.ended_by) if data.ended_by in set(EndedBy) else None
    return Facts(sip_code=data.sip_code, ring_s=data.ring_s, talk_s=data.talk_s, ended_by=by)
