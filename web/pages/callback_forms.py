"""What the forms of calls carry, as types. Their fields have the names of the inputs in the templates."""

from typing import Annotated, Literal

from msgspec import Meta

from chatsvc.hub.frames import Key
from web.pages.forms import Form

Typed = Annotated[str, Meta(max_length=60)]
Instant = Annotated[str, Meta(max_length=40)]
Country = Annotated[str, Meta(pattern=r"\A[A-Z]{2}\Z")]
DayText = Annotated[str, Meta(max_length=10)]
RequestNumber = Annotated[str, Meta(pattern=r"\A[0-9]{0,15}\Z")]


class CallHomeQuery(Form, frozen=True):
    """Which request the call is about; empty: a new one."""

    request: RequestNumber = ""


class CallQuery(Form, frozen=True):
    """Which day's slots are shown, and which request the call is about."""

    day: DayText = ""
    request: RequestNumber = ""


class CallForm(Form, frozen=True):
    """Book a call."""

    key: Key
    number: Typed
    country: Country
    # When the slot begins, ISO 8601; empty: as soon as possible.
    slot: Instant = ""
    subject: Annotated[str, Meta(max_length=200)] = ""
    description: Annotated[str, Meta(max_length=8_000)] = ""
    any_hour: Literal["yes", "no"] = "no"
    day: DayText = ""
    request: RequestNumber = ""


class CallPlaceForm(Form, frozen=True):
    """Keep the place by telephone."""

    key: Key
    number: Typed
    country: Country
    any_hour: Literal["yes", "no"] = "no"


class MoveForm(Form, frozen=True):
    """Move a call to another slot."""

    slot: Instant = ""
    # Which day's slots were shown, to show them again.
    day: DayText = ""


class NumberForm(Form, frozen=True):
    """Be called on another number."""

    number: Typed
    country: Country


class OutcomeForm(Form, frozen=True):
    """How a call went."""

    outcome: Literal["answered", "no_answer", "busy", "voicemail", "declined", "invalid_number", "rep_hung_up"]


class ShiftForm(Form, frozen=True):
    """Plan somebody; times are read in the planner's own zone."""

    person: Annotated[str, Meta(max_length=40)]
    day: DayText
    begins: Annotated[str, Meta(max_length=5)]
    ends: Annotated[str, Meta(max_length=5)]
    # Keys of the catalogue, separated by spaces, or one of them.
    lines: tuple[Annotated[str, Meta(max_length=40)], ...] = ()


ShiftText = Annotated[str, Meta(max_length=40)]
# Keys of the catalogue, separated by spaces.
LinesText = Annotated[str, Meta(max_length=1_000)]


class ShiftAgainForm(Form, frozen=True):
    """Put a shift back into the plan, as it was."""

    person: ShiftText
    lines: LinesText
    # ISO 8601.
    begins: Instant
    ends: Instant


class StaffingQuery(Form, frozen=True):
    """Which shift was just taken out of the plan, and what it was; None: none was."""

    removed: ShiftText | None = None
    person: ShiftText = ""
    lines: LinesText = ""
    begins: Instant = ""
    ends: Instant = ""


class RegionForm(Form, frozen=True):
    """Let a company be called in a further country."""

    company: Annotated[str, Meta(max_length=40)]
    region: Country
    region_reason: Annotated[str, Meta(max_length=200)] = ""


class RegionRemovedForm(Form, frozen=True):
    """Take a further country away again."""

    company: Annotated[str, Meta(max_length=40)]
    region: Country


class SilenceForm(Form, frozen=True):
    """Never call a number again."""

    number: Typed
    country: Country
    number_reason: Annotated[str, Meta(max_length=200)] = ""


class LetRingForm(Form, frozen=True):
    """Let a number be called again; it is named by its reference."""

    reference: Annotated[str, Meta(max_length=40)]


class TelephoneForm(Form, frozen=True):
    """Where a representative's own telephone is."""

    address: Annotated[str, Meta(max_length=255)] = ""
