"""The frames of the socket: JSON text, one object each, told apart by ``t``. Decoded strictly; what is not here is refused.

The same types make the AsyncAPI document, the Python client and the tests; ``docs/reference/frames.md`` explains them to people.
``ref`` is a number of the client's own, rising; the answer to a frame carries it back.
"""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from chatsvc.conversations.views import Desk, Visit
from chatsvc.kernel.ids import LogId, PersonId
from chatsvc.tickets.model import Entry

Ref = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Number = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Id = Annotated[str, msgspec.Meta(min_length=4, max_length=40, pattern="^[a-z]{2}_[0-9a-z]+$(?!\\n)")]
Key = Annotated[str, msgspec.Meta(min_length=8, max_length=64, pattern="^[A-Za-z0-9_-]+$(?!\\n)")]
# Long enough for a stack trace that somebody pastes, short enough for one frame.
# Without NUL, which PostgreSQL does not store.
Text = Annotated[str, msgspec.Meta(min_length=0, max_length=8_000, pattern="^[^\\x00]*$")]
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern="^[a-z0-9_]+$(?!\\n)")]


class FromClient(msgspec.Struct, frozen=True, tag_field="t", forbid_unknown_fields=True):
    """What a client may send."""


class Open(FromClient, frozen=True, tag="open"):
    """Follow a log: everything after ``after``, a ``caught_up``, then live; or a ``reset``."""

    ref: Ref
    log: Id
    # The last number the client has; 0 for none.
    after: Number
    # The store epoch that number belongs to, from ``welcome``; None together with 0.
    store: Annotated[str, msgspec.Meta(max_length=40)] | None = None


class Close(FromClient, frozen=True, tag="close"):
    """Stop following a log."""

    log: Id


class AppendFrame(FromClient, frozen=True, tag="append"):
    """Say something. Answered with ``stored`` after the commit, or with ``refused``."""

    ref: Ref
    log: Id
    key: Key
    kind: Literal["message", "note"]
    text: Text
    files: Annotated[tuple[Id, ...], msgspec.Meta(max_length=10)] = ()
    # The conversation's epoch, from ``desk``: representatives in a live conversation send it.
    epoch: Annotated[int, msgspec.Meta(ge=0, le=2**31)] | None = None


class SeenFrame(FromClient, frozen=True, tag="seen"):
    """Everything up to this number was on the screen, with the window in front."""

    log: Id
    number: Number


class TypingFrame(FromClient, frozen=True, tag="typing"):
    """Somebody is typing; at most every three seconds, and anew once words were sent; forgotten after five, and when words arrive."""

    log: Id


class LookingFrame(FromClient, frozen=True, tag="looking"):
    """Somebody who works here has the ticket of this log in front of them; at most every ten seconds, forgotten after twenty-five."""

    log: Id


class Watch(FromClient, frozen=True, tag="watch"):
    """Follow a picture: ``visit`` of a ticket (customers), or the ``desk`` (representatives; no ticket). Sent at once and on every change."""

    ref: Ref
    view: Literal["visit", "desk"]
    ticket: Id | None = None


class Unwatch(FromClient, frozen=True, tag="unwatch"):
    """Stop following a picture."""

    view: Literal["visit", "desk"]
    ticket: Id | None = None


class SetDesk(FromClient, frozen=True, tag="set_desk"):
    """Choose ready or away. Answered with ``done``."""

    ref: Ref
    state: Literal["ready", "away"]
    # A reason key of the catalogue; with ``away`` only.
    reason: Code | None = None


class Accept(FromClient, frozen=True, tag="accept"):
    """Take an offer. Answered with ``done``; the next ``desk`` has the conversation."""

    ref: Ref
    offer: Id
    epoch: Annotated[int, msgspec.Meta(ge=0, le=2**31)]


class Decline(FromClient, frozen=True, tag="decline"):
    """Leave an offer to somebody else. Answered with ``done``."""

    ref: Ref
    offer: Id
    epoch: Annotated[int, msgspec.Meta(ge=0, le=2**31)]
    reason: Code


class ClientBeat(FromClient, frozen=True, tag="beat"):
    """The client is alive; sent as the answer to each ``beat`` of the server."""


ClientFrame = (
    Open
    | Close
    | AppendFrame
    | SeenFrame
    | TypingFrame
    | LookingFrame
    | Watch
    | Unwatch
    | SetDesk
    | Accept
    | Decline
    | ClientBeat
)


class FromServer(msgspec.Struct, frozen=True, tag_field="t", omit_defaults=True):
    """What the server may send."""


class Welcome(FromServer, frozen=True, tag="welcome"):
    """First frame of every connection."""

    person: PersonId
    name: str
    role: str
    # The store's epoch; a client that remembers another one starts from 0.
    store: str
    # Seconds between two beats; two missed ones mean that the line is dead.
    beat_s: float
    at: datetime


class Entries(FromServer, frozen=True, tag="entries"):
    """Consecutive entries of a log, in order."""

    log: LogId
    entries: tuple[Entry, ...]


class CaughtUp(FromServer, frozen=True, tag="caught_up"):
    """The answer to ``open`` is complete; from here on it is live."""

    ref: int
    log: LogId
    head: int
    # How far each person has seen it.
    seen: dict[str, int]


class Reset(FromServer, frozen=True, tag="reset"):
    """What the client has does not belong to this store or log: throw it away and open from 0."""

    ref: int
    log: LogId
    store: str


class StoredFrame(FromServer, frozen=True, tag="stored"):
    """Committed, under this number (R1)."""

    ref: int
    log: LogId
    key: str
    number: int
    at: datetime


class Done(FromServer, frozen=True, tag="done"):
    """A wish was carried out and committed."""

    ref: int


class RefusedFrame(FromServer, frozen=True, tag="refused"):
    """A wish was not carried out. ``code`` is one of the published table; ``correlation`` finds it in the log."""

    # None when the frame could not be read at all.
    ref: int | None
    code: str
    correlation: str
    # Seconds; None when trying again makes no sense.
    retry_after: float | None = None
    # With ``coverage.closed``: when somebody serves this customer again; None when no opening is in sight.
    opens_at: datetime | None = None


class SeenMark(FromServer, frozen=True, tag="seen"):
    """Somebody has seen a log up to this number."""

    log: LogId
    person: PersonId
    number: int


class TypingMark(FromServer, frozen=True, tag="typing"):
    """Somebody is typing; forget it after five seconds."""

    log: LogId
    person: PersonId
    name: str


class LookingMark(FromServer, frozen=True, tag="looking"):
    """A colleague has the ticket of this log in front of them; forget it after twenty-five seconds. Told to those who work here only."""

    log: LogId
    person: PersonId
    name: str


class VisitFrame(FromServer, frozen=True, tag="visit"):
    """The picture of a visit, whole."""

    visit: Visit


class DeskFrame(FromServer, frozen=True, tag="desk"):
    """The picture of a desk, whole."""

    desk: Desk


class ServerBeat(FromServer, frozen=True, tag="beat"):
    """The server is alive, and the logs this connection follows are at these numbers (R5)."""

    heads: dict[str, int]


ServerFrame = (
    Welcome
    | Entries
    | CaughtUp
    | Reset
    | StoredFrame
    | Done
    | RefusedFrame
    | SeenMark
    | TypingMark
    | LookingMark
    | VisitFrame
    | DeskFrame
    | ServerBeat
)
