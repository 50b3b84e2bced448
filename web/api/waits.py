"""How what customers were told of their waits has held, for supervisors."""

from web.api.answers import WaitDay, WaitFigures, WaitsHeld
from web.api.bodies import WaitsQuery
from web.site import Call


async def show(call: Call, query: WaitsQuery) -> WaitsHeld:
    """Return how told waits have held: of all lines together, of each line, and day by day."""
    held = await call.services.queries.accuracy(query.days, call.reader.zone)
    return WaitsHeld(
        WaitFigures.of(held.together),
        {line: WaitFigures.of(found) for line, found in held.lines.items()},
        tuple(WaitDay(day, WaitFigures.of(found)) for day, found in held.days),
    )
