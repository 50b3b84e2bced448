"""Urgency as pages show it: sentences in place of keys."""

from typing import Any, Final

import msgspec

from chatsvc.kernel.ids import TicketId
from web.pages.entries import name_in
from web.pages.hours import hours_of
from web.site import Call


def N_(message: str) -> str:
    """Mark a text for extraction; it is translated where it is shown."""
    return message


# What is promised, in words (V1).
PROMISES: Final = {"initial": N_("First answer"), "ongoing": N_("Next update"), "target": N_("Target")}


async def urgency_of(call: Call, ticket: TicketId) -> dict[str, Any]:
    """Return how urgent a ticket is, for ``components/urgency.html``."""
    found = await call.services.urgencies.of_ticket(call.identity, ticket)
    texts, proposals = call.reader.texts, call.services.catalog.proposals
    shown = msgspec.structs.asdict(found)
    shown["reasons"] = [name_in(proposals, key, call.reader) for key in found.reasons]
    shown["due"] = [msgspec.structs.asdict(due) | {"label": texts.gettext(PROMISES[due.promise])} for due in found.due]
    return shown


async def coverage_of(call: Call, ticket: TicketId) -> dict[str, Any]:
    """Return whether a ticket's customer is covered now, and why, for ``components/urgency.html``."""
    return hours_of(call, await call.services.urgencies.coverage_of_ticket(ticket))
