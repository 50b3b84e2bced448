"""What the forms of the calendar pages carry. Their fields have the names of the inputs in the templates."""

from typing import Annotated, Literal

from msgspec import Meta

from web.api.bodies import Line
from web.pages.forms import Form, YesNo

Hours = Annotated[str, Meta(max_length=120)]
Day = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Version = Annotated[str, Meta(pattern=r"^\d{1,9}$")]
# First shown, then done.
Do = Literal["preview", "save"]


class AskQuery(Form, frozen=True):
    """An instant to ask about; nothing asked: now, for a P3 by chat."""

    day: Annotated[str, Meta(max_length=10)] = ""
    time: Annotated[str, Meta(max_length=8)] = ""
    severity: Literal["P1", "P2", "P3", "P4", "proposed"] = "P3"
    channel: Literal["chat", "phone", "ticket"] = "chat"


class HoursForm(Form, frozen=True):
    """The hours of a company, its zone, and whose holidays it keeps."""

    version: Version
    zone: Line
    country: Annotated[str, Meta(min_length=2, max_length=2)]
    region: Annotated[str, Meta(max_length=8)] = ""
    always: YesNo = "no"
    monday: Hours = ""
    tuesday: Hours = ""
    wednesday: Hours = ""
    thursday: Hours = ""
    friday: Hours = ""
    saturday: Hours = ""
    sunday: Hours = ""
    do: Do = "preview"


class OwnDayForm(Form, frozen=True):
    """A day that the company makes different; without hours it is closed."""

    version: Version
    day: Day
    hours: Hours = ""
    name: Annotated[str, Meta(max_length=80)] = ""
    do: Do = "preview"


class OwnDayRemovedForm(Form, frozen=True):
    """A day that is no longer different."""

    version: Version
    day: Day
