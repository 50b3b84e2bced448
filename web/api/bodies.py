"""What programs send, as types: decoded strictly, and drawn into the OpenAPI document as they stand here."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from chatsvc.conversations.model import WrapUp
from chatsvc.hub.frames import Code, Id, Key, Number, Text

# Texts that are stored as they are: PostgreSQL takes no NUL.
Line = Annotated[str, Meta(min_length=1, max_length=200, pattern="^[^\\x00-\\x1f\\x7f]*$(?!\\n)")]
Prose = Annotated[str, Meta(min_length=1, max_length=8_000, pattern="^[^\\x00]*$")]
Note = Annotated[str, Meta(max_length=2_000, pattern="^[^\\x00]*$")]
Files = Annotated[tuple[Id, ...], Meta(max_length=10)]
Epoch = Annotated[int, Meta(ge=0, le=2**31)]


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a request carries."""


class SignInBody(Body, frozen=True):
    """Mail address and password."""

    email: Annotated[str, Meta(min_length=1, max_length=320)]
    # Case-sensitive (P3).
    password: Annotated[str, Meta(min_length=1, max_length=200)]


class JoinBody(Body, frozen=True):
    """What happened, before standing in line."""

    # A line of the catalogue.
    line: Code
    subject: Line
    description: Prose
    # Question code -> answer code, of the catalogue.
    impact: Annotated[dict[Code, Code], Meta(max_length=20)] = {}
    # Uploaded before by the same person.
    files: Files = ()
    # Whom to reach about a critical request, and that they speak English (V3); needed when the answers propose something critical.
    contact_name: Annotated[str, Meta(max_length=200, pattern="^[^\\x00]*$")] = ""
    contact_phone: Annotated[str, Meta(max_length=200, pattern="^[^\\x00]*$")] = ""
    speaks_english: bool = False


class AppendBody(Body, frozen=True):
    """Words for a log."""

    kind: Literal["message", "note"] = "message"
    text: Text = ""
    files: Files = ()
    # The owner's epoch, from ``Desk``: representatives in a live conversation send it.
    epoch: Epoch | None = None
    # The client key, for those who cannot set a header; equal to ``Idempotency-Key`` when both are there.
    key: Key | None = None


class SeenBody(Body, frozen=True):
    """A reading mark."""

    number: Number


class CommentBody(Body, frozen=True):
    """A comment on a ticket."""

    text: Text = ""
    files: Files = ()


class AskBody(Body, frozen=True):
    """What the customer is asked for."""

    # Words that the customer reads (T8).
    needed: Prose


class SolutionBody(Body, frozen=True):
    """How a ticket was solved."""

    # Words that the customer reads (T1).
    solution: Prose


class TeamBody(Body, frozen=True):
    """Which team is responsible."""

    # A team of the catalogue.
    team: Code
    # For the team; the customer never sees it.
    note: Note = ""
    # Who of it works on the ticket; null: nobody yet.
    owner: Id | None = None


class OwnerBody(Body, frozen=True):
    """Who works on a ticket."""

    # Somebody who works here; null: nobody.
    person: Id | None


class IncidentBody(Body, frozen=True):
    """To which incident a ticket belongs."""

    # Its number, such as ``2026-17``; null: to none.
    incident: Annotated[str, Meta(min_length=1, max_length=20, pattern="^[^\\x00]*$")] | None


class MergeBody(Body, frozen=True):
    """Where a duplicate goes on."""

    # The other ticket's number.
    into: Annotated[int, Meta(ge=1, le=10**15 - 1)]


class TicketBody(Body, frozen=True):
    """What the request form takes: fields come and become mandatory with the reason and with each other, as the catalogue says (T3)."""

    # A reason of the catalogue.
    reason: Code
    # Field of the catalogue -> key or text.
    fields: Annotated[
        dict[Code, Annotated[str, Meta(max_length=8_000, pattern="^[^\\x00]*$")]],
        Meta(max_length=60),
    ]
    # A code of the languages, in which the customer writes (V5); null: the person's own.
    language: Annotated[str, Meta(min_length=2, max_length=10, pattern="^[A-Za-z_]+$(?!\\n)")] | None = None
    # Uploaded before by the same person.
    files: Files = ()


class DraftBody(Body, frozen=True):
    """What was typed into a form and not sent yet: field -> text."""

    texts: Annotated[
        dict[Annotated[str, Meta(max_length=60)], Annotated[str, Meta(max_length=8_000, pattern="^[^\\x00]*$")]],
        Meta(max_length=60),
    ]


class HandOverBody(Body, frozen=True):
    """To whom a conversation goes: exactly one of a line and a person."""

    line: Code | None = None
    person: Id | None = None
    # For whoever takes it; the customer never sees it.
    note: Note = ""


class RatingBody(Body, frozen=True):
    """How well it helped."""

    rating: Annotated[int, Meta(ge=1, le=5)]
    comment: Annotated[str, Meta(max_length=1_000, pattern="^[^\\x00]*$")] = ""


class WrapUpBody(Body, frozen=True):
    """The wrap-up of a conversation, whole."""

    subject: Line
    # Keys of the catalogue.
    reason: Code | None
    product: Code
    environment: Code | None
    severity: Literal["P1", "P2", "P3", "P4"]
    team: Code
    # Solved, or left open for the team.
    solved: bool
    # What the customer reads about the severity; needed where a claim waits for judgement.
    judgement: Annotated[str, Meta(max_length=1_000, pattern="^[^\\x00]*$")] = ""

    def fields(self) -> WrapUp:
        """Return it as the room takes it."""
        return WrapUp(**{name: getattr(self, name) for name in self.__struct_fields__})


class WrapUpDraftBody(Body, frozen=True):
    """Fields of the wrap-up that have been touched; those left out stay as they are."""

    subject: Line | msgspec.UnsetType = msgspec.UNSET
    reason: Code | msgspec.UnsetType | None = msgspec.UNSET
    product: Code | msgspec.UnsetType = msgspec.UNSET
    environment: Code | msgspec.UnsetType | None = msgspec.UNSET
    severity: Literal["P1", "P2", "P3", "P4"] | msgspec.UnsetType = msgspec.UNSET
    team: Code | msgspec.UnsetType = msgspec.UNSET
    solved: bool | msgspec.UnsetType = msgspec.UNSET
    judgement: Annotated[str, Meta(max_length=1_000, pattern="^[^\\x00]*$")] | msgspec.UnsetType = msgspec.UNSET

    def fields(self) -> dict[str, object]:
        """Return those that were sent."""
        return {name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not msgspec.UNSET}


class JudgeBody(Body, frozen=True):
    """How urgent a ticket is, as somebody who works here has judged."""

    severity: Literal["P1", "P2", "P3", "P4"]
    # What the customer reads; needed to lower the priority, and to turn a claim down.
    reason: Annotated[str, Meta(max_length=1_000, pattern="^[^\\x00]*$")] = ""
    # The ticket's, as the judge saw it; null: whatever it is.
    version: Annotated[int, Meta(ge=1, le=2**31)] | None = None


class AppealBody(Body, frozen=True):
    """Why somebody should look again."""

    reason: Annotated[str, Meta(min_length=1, max_length=1_000, pattern="^[^\\x00]*$")]


class DeskBody(Body, frozen=True):
    """What a representative chooses."""

    state: Literal["ready", "away"]
    # A reason of the catalogue; with ``away`` only.
    reason: Code | None = None


class AcceptBody(Body, frozen=True):
    """Which offer exactly."""

    epoch: Epoch


class DeclineBody(Body, frozen=True):
    """Which offer exactly, and why not."""

    epoch: Epoch
    # A reason of the catalogue.
    reason: Code


class UploadBody(Body, frozen=True):
    """The fields beside the file."""

    # The ticket it is meant for; checked when the message that carries it is sent.
    ticket: Id | None = None
    staff_only: Literal["true", "false"] = "false"


class EntriesQuery(Body, frozen=True):
    """Which part of a log."""

    # The last number that is known already; 0 for none.
    after: Number = 0
    # Seconds to wait for something after it.
    wait: Annotated[float, Meta(ge=0, le=25)] = 0
    limit: Annotated[int, Meta(ge=1, le=500)] = 500


class TicketsQuery(Body, frozen=True):
    """Which part of the list; whatever is left out narrows nothing."""

    # ``next`` of the page before.
    cursor: Annotated[int, Meta(ge=1, le=2**53)] | None = None
    state: Literal["open", "awaiting", "solved", "closed"] | None = None
    # Keys of the catalogue.
    product: Code | None = None
    team: Code | None = None
    reason: Code | None = None
    severity: Literal["P1", "P2", "P3", "P4"] | None = None
    # Opened by the person, or followed by them.
    whose: Literal["all", "own", "followed"] = "all"
    # Who works on it.
    owner: Id | None = None
    # For staff; a contact reads of one company only.
    company: Id | None = None
    # Words of subject, description, comments or solution, or a number.
    text: Annotated[str, Meta(max_length=200, pattern="^[^\\x00]*$")] = ""


class ListQuery(Body, frozen=True):
    """Which list of those who work here, and which part of it; whatever else is left out narrows nothing."""

    view: Literal["mine", "my_team", "unassigned", "due", "breached", "open"] = "mine"
    # ``next`` of the page before.
    cursor: Annotated[str, Meta(min_length=1, max_length=40, pattern="^[0-9-]+$(?!\\n)")] | None = None
    # Keys of the catalogue.
    product: Code | None = None
    team: Code | None = None
    severity: Literal["P1", "P2", "P3", "P4"] | None = None
    # Words of subject, description, comments or solution, or a number.
    text: Annotated[str, Meta(max_length=200, pattern="^[^\\x00]*$")] = ""


class FileQuery(Body, frozen=True):
    """How a file is answered."""

    # 1: shown in the page, for pictures only; 0: saved.
    inline: Literal["0", "1"] = "0"


class RepliesQuery(Body, frozen=True):
    """For which line."""

    line: Code | None = None


class WaitsQuery(Body, frozen=True):
    """Of how many days, that of today and those before on one's own clock."""

    days: Annotated[int, Meta(ge=2, le=90)] = 28


class ColleaguesQuery(Body, frozen=True):
    """For a conversation of which line."""

    line: Code
