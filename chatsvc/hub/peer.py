"""One side of the protocol, without I/O: a frame goes in, effects come out.

What is let through comes out as the frame itself, read strictly, allowed for this person's role and within the limits; what it then takes
(a commit, a read, a question to another room) is for others. Whatever is wrong comes out as a refusal with a code, or as a close.
The text of an exception never leaves this module.
"""

import logging
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from chatsvc.accounts.model import Identity
from chatsvc.hub import codes, metrics
from chatsvc.hub.buckets import Bucket
from chatsvc.hub.codes import CloseCode
from chatsvc.hub.frames import (
    AppendFrame,
    ClientBeat,
    ClientFrame,
    Close,
    FromClient,
    FromServer,
    LookingFrame,
    Open,
    RefusedFrame,
    SeenFrame,
    TypingFrame,
    Unwatch,
    Watch,
)
from chatsvc.hub.policies import POLICIES
from chatsvc.hub.rules import Rules

logger = logging.getLogger(__name__)

# A frame is one object, with one list in it at most.
_DEEPEST: Final = 2
_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
# Frames that get no answer, and so no refusal either.
_UNANSWERED: Final = (TypingFrame, LookingFrame, SeenFrame, ClientBeat)
# What a page sends by itself, whether or not somebody sits before it.
_BY_MACHINE: Final = (Open, Close, LookingFrame, Watch, Unwatch)

_frames: Final = msgspec.json.Decoder(ClientFrame, strict=True)


class _Numbered(msgspec.Struct):
    """Enough of a frame to answer it."""

    ref: int | None = None


class _Kind(msgspec.Struct):
    t: str


_numbered: Final = msgspec.json.Decoder(_Numbered)
_kind: Final = msgspec.json.Decoder(_Kind)
_KINDS: Final = frozenset(str(kind.__struct_config__.tag) for kind in POLICIES)


class Reply(NamedTuple):
    """Send this frame."""

    frame: FromServer


class Shut(NamedTuple):
    """Send what waits, then close with this code."""

    code: CloseCode


# What comes out: a refusal to send, a close, or a frame to be carried out.
Effect = Reply | Shut | FromClient


class Unfit(Exception):
    """The frame cannot be taken; ``fatal`` when there is no point in reading on."""

    def __init__(self, code: str, *, fatal: bool) -> None:
        super().__init__(code)
        self.code = code
        self.fatal = fatal


class Peer:
    """What one connection may say, and how fast."""

    __slots__ = ("_acted", "_entries", "_frames", "_rules", "_strikes", "heard_at", "identity")

    def __init__(self, identity: Identity, rules: Rules, now: float) -> None:
        self.identity = identity
        self._rules = rules
        self._frames = Bucket(rules.frames_per_s, rules.frames_burst, now)
        self._entries = Bucket(rules.entries_per_s, rules.entries_burst, now)
        self._strikes = Bucket(rules.strikes_forgiven_per_s, rules.strikes, now)
        # When the client was last heard, in seconds of the monotonic clock.
        self.heard_at = now
        self._acted = False

    def receive(self, data: str | bytes, now: float) -> Sequence[Effect]:
        """Take a frame in; return what is to be done, in order. ``bytes`` is a binary frame, which this protocol has not."""
        self.heard_at = now
        metrics.frames_in.inc()
        try:
            frame = self._read(data)
        except Unfit as unfit:
            return self._unfit(unfit, data, now)
        if not self._frames.take(now):
            return self._too_fast(frame, self._frames, now)
        if isinstance(frame, AppendFrame) and not self._entries.take(now):
            return self._too_fast(frame, self._entries, now)
        if not POLICIES[type(frame)].allows(self.identity.role, frame):
            return self._refuse(frame, "frame.not_allowed", now)
        if isinstance(frame, ClientBeat):
            return ()
        if isinstance(frame, AppendFrame) and not frame.files and not frame.text.strip():
            return self._refuse(frame, "message.empty", now)
        self._acted |= not isinstance(frame, _BY_MACHINE)
        return (frame,)

    def acted(self) -> bool:
        """Return whether the person did something since this was last asked; an open page alone does not keep a session."""
        acted, self._acted = self._acted, False
        return acted

    def silent_for(self, now: float) -> float:
        """Return for how many seconds nothing was heard."""
        return now - self.heard_at

    def _read(self, data: str | bytes) -> FromClient:
        if isinstance(data, bytes):
            raise Unfit("frame.unreadable", fatal=True)
        try:
            raw = data.encode()
        except UnicodeEncodeError:
            raise Unfit("frame.unreadable", fatal=True) from None
        return read(raw, self._rules.max_frame_bytes)

    def _unfit(self, unfit: Unfit, data: str | bytes, now: float) -> Sequence[Effect]:
        refusal = self._refusal(_ref_in(data) if not unfit.fatal else None, unfit.code)
        if unfit.fatal or not self._strikes.take(now):
            return (Reply(refusal), Shut(codes.BAD_FRAME))
        return (Reply(refusal),)

    def _refuse(self, frame: FromClient, code: str, now: float) -> Sequence[Effect]:
        refusal = self._refusal(getattr(frame, "ref", None), code)
        return (Reply(refusal),) if self._strikes.take(now) else (Reply(refusal), Shut(codes.BAD_FRAME))

    def _too_fast(self, frame: FromClient, bucket: Bucket, now: float) -> Sequence[Effect]:
        if not self._strikes.take(now):
            return (Shut(codes.TOO_FAST),)
        if isinstance(frame, _UNANSWERED):
            return ()
        return (Reply(self._refusal(getattr(frame, "ref", None), "frame.too_fast", round(bucket.wait_s(), 3))),)

    def _refusal(self, ref: int | None, code: str, retry_after: float | None = None) -> RefusedFrame:
        correlation = codes.correlation()
        metrics.refused_frames.labels(code).inc()
        logger.info("frame_refused", extra={"code": code, "correlation": correlation, "person": self.identity.person})
        return RefusedFrame(ref, code, correlation, retry_after)


def read(raw: bytes, most_bytes: int) -> FromClient:
    """Read a frame strictly: known kind, exact types, no unknown field, no field twice, not deep, not large.

    Raises:
        Unfit: it is not such a frame.
    """
    if len(raw) > most_bytes:
        raise Unfit("frame.too_large", fatal=True)
    if (raw.count(b"{") > 1 or raw.count(b"[") > 1) and _depth(raw) > _DEEPEST:
        raise Unfit("frame.too_deep", fatal=True)
    try:
        frame: FromClient = _frames.decode(raw)
    except msgspec.ValidationError:
        raise Unfit(_unknown_or_invalid(raw), fatal=False) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unfit("frame.unreadable", fatal=True) from None
    if _names_twice(raw, frame):
        raise Unfit("frame.invalid", fatal=False)
    return frame


def _structure(raw: bytes) -> bytes:
    """Return a frame's JSON without its strings; without escapes, every second piece between quotes is one."""
    return _STRING.sub(b"", raw) if b"\\" in raw else b"".join(raw.split(b'"')[::2])


def _depth(raw: bytes) -> int:
    """Return how deep lists and objects nest."""
    depth = deepest = 0
    for byte in _structure(raw):
        if byte in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"}]":
            depth -= 1
    return deepest


def _names_twice(raw: bytes, frame: FromClient) -> bool:
    """Whether a field is named twice: another reader of the same bytes might take the other value.

    Fields that were named once each: the required ones, and those that differ from their default. Only when more pairs than these are
    there, one of them may be a default written out, and the names themselves are counted.
    """
    pairs = _structure(raw).count(b":")
    required, optional = _FIELDS[type(frame)]
    if pairs == required:
        return False
    given = [name for name, default in optional if getattr(frame, name) != default]
    return pairs != required + len(given) and pairs != len(msgspec.json.decode(raw))


def _fields_of(kind: type[FromClient]) -> tuple[int, tuple[tuple[str, object], ...]]:
    """Return how many fields a frame must have, the tag included, and the others with their defaults."""
    fields = msgspec.structs.fields(kind)
    return 1 + sum(field.required for field in fields), tuple((f.name, f.default) for f in fields if not f.required)


_FIELDS: Final = {kind: _fields_of(kind) for kind in POLICIES}


def _unknown_or_invalid(raw: bytes) -> str:
    try:
        known = _kind.decode(raw).t in _KINDS
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "frame.invalid"
    return "frame.invalid" if known else "frame.unknown_kind"


def _ref_in(data: str | bytes) -> int | None:
    try:
        ref = _numbered.decode(data).ref
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return ref if ref is not None and 0 <= ref <= 2**53 else None
