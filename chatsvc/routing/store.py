"""SQL of places, offers and desks. Every change says what it expects to find, and whether it found it; nothing here is decided.

All changes of lines and desks take turns: on SQLite by its write lock, on PostgreSQL by one advisory lock. The compare-and-swaps and
unique constraints hold without it; with it nobody ever has to be told "try again".
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.db.columns import Moment
from chatsvc.db.engine import Database
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel import ids
from chatsvc.kernel.apart import Apart
from chatsvc.kernel.errors import Conflict
from chatsvc.kernel.ids import CompanyId, OfferId, PersonId, PlaceId, TicketId
from chatsvc.routing import policy
from chatsvc.routing.model import DeskState, Made, OfferState, Pair, PlaceState
from chatsvc.routing.policy import Correction, Told
from chatsvc.routing.tables import desk_lines, desks, line_corrections, line_events, offers, places
from chatsvc.routing.telling import Word, columns, word_of
from chatsvc.tickets.tables import ticket_numbers

logger = logging.getLogger(__name__)

# Any number; the same in every process (PostgreSQL's advisory lock of all routing decisions).
_LOCK = 4_812_002
# Units a person who was never given a desk may have at once (ux.md, 6.2: typical default 3).
USUAL_CAPACITY = 3


@asynccontextmanager
async def deciding(database: Database) -> AsyncIterator[UnitOfWork]:
    """Open a unit of work in which lines and desks stand still for everybody else."""
    async with database.begin() as uow:
        if uow.dialect == "postgresql":
            await uow.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        yield uow


async def decide_each(
    database: Database,
    names: Iterable[str],
    find: Callable[[AsyncConnection, str], Awaitable[Iterable[Any]]],
    act: Callable[[UnitOfWork, Any], Awaitable[None]],
) -> None:
    """Act on rows, each in a turn of its own and as it stands then; one that cannot be done keeps no other from being done.

    Args:
        database: the store.
        names: of the rows.
        find: returns the row of a name, and nothing where there is nothing left to do.
        act: does it; a ``Conflict`` means that somebody was quicker and has decided.

    Raises:
        ExceptionGroup: of what failed.
        Unavailable: the store cannot.
    """
    with Apart() as apart:
        for name in names:
            with apart.one(name):
                try:
                    async with deciding(database) as uow:
                        for still in await find(uow.connection, name):
                            await act(uow, still)
                except Conflict as conflict:
                    logger.warning("sweep_conflict", extra={"of": name, "key": conflict.key})


async def note(uow: UnitOfWork, line: str, place: PlaceId, kind: str, facts: Mapping[str, Any] | None = None) -> None:
    """Write down what happened in a line (R8)."""
    await uow.execute(
        insert(line_events).values(line=line, place_id=place, kind=kind, facts=dict(facts or {}), at=uow.now)
    )


# Places ---------------------------------------------------------------------------------------------------------------------------------


async def next_seq(uow: UnitOfWork) -> int:
    """Return the next admission number of the store."""
    insertion = uow.insertion(ticket_numbers)
    statement = (
        insertion.values(name="place", last=1)
        .on_conflict_do_update(index_elements=[ticket_numbers.c.name], set_={"last": ticket_numbers.c.last + 1})
        .returning(ticket_numbers.c.last)
    )
    return int((await uow.execute(statement)).scalar_one())


async def admit(
    uow: UnitOfWork,
    *,
    seq: int,
    line: str,
    ticket: TicketId,
    company: CompanyId,
    contact: PersonId,
    rank: int,
    quote: Told | None,
    serving: int = 0,
    closes_at: datetime | None = None,
) -> PlaceId:
    """Put somebody in line for a chat, in hours that are over at ``closes_at``; None: they do not end.

    ``quote`` is what they are told of their wait, None for nothing, and ``serving`` how many representatives are there.

    Raises:
        sqlalchemy.exc.IntegrityError: the contact has a live place in this line (R11).
    """
    place = ids.place_id()
    await uow.execute(
        insert(places).values(
            id=place,
            seq=seq,
            line=line,
            ticket_id=ticket,
            company_id=company,
            contact_id=contact,
            waiting_for="chat",
            state=PlaceState.WAITING,
            rank=rank,
            epoch=0,
            round=1,
            admitted_at=uow.now,
            seen_at=uow.now,
            **quoted(quote),
            closes_at=closes_at,
            **columns(None if quote is None else word_of(quote, serving, uow.now)),
        )
    )
    await note(uow, line, place, "admitted", {"rank": rank, "seq": seq})
    return place


async def place_of(connection: AsyncConnection, ticket: TicketId) -> Row[Any] | None:
    """Return the place that belongs to a ticket; None when there is none."""
    return (await connection.execute(select(places).where(places.c.ticket_id == ticket))).one_or_none()


async def change_place(uow: UnitOfWork, place: Row[Any], **values: Any) -> bool:
    """Change a place that was just read; False, and nothing changed, when its state or epoch is another by now."""
    return await uow.changes_one(
        update(places)
        .where(places.c.id == place.id, places.c.state == place.state, places.c.epoch == place.epoch)
        .values(**values)
    )


_TELLING = (
    update(places)
    .where(
        places.c.id == bindparam("place"),
        places.c.state == PlaceState.WAITING,
        places.c.told_at.is_not_distinct_from(bindparam("before", type_=Moment())),
    )
    .values({name: bindparam(f"new_{name}") for name in columns(None)})
)


async def tell(uow: UnitOfWork, words: Sequence[tuple[PlaceId, Word | None, Word | None]]) -> None:
    """Write down what people in line are told of their wait: place, what it was told before, what it is told now; None: nothing.

    Where somebody else has told something meanwhile, or the place waits no longer, nothing is changed.
    """
    rows = [
        {"place": place, "before": before and before.at} | {f"new_{name}": each for name, each in columns(now).items()}
        for place, before, now in words
    ]
    await uow.execute(_TELLING, rows)


def quoted(quote: Told | None) -> dict[str, int | None]:
    """Return the columns of a place that keep what was told at first; None: nothing was."""
    low, high, median = quote or (None, None, None)
    return {"quoted_low_s": low, "quoted_high_s": high, "quoted_median_s": median}


async def learn(uow: UnitOfWork, place: Row[Any]) -> None:
    """Correct what a line is told by a wait that comes to its end now; all such changes take turns (``deciding``).

    Nothing is learned of a place that was told nothing, nor of whoever asked for later: they have not waited as they were told.
    """
    if place.quoted_high_s is None or place.not_before_at is not None:
        return
    # Before the median was kept, it was what was told.
    median_s = place.quoted_low_s if place.quoted_median_s is None else place.quoted_median_s
    told = Told(place.quoted_low_s, place.quoted_high_s, median_s)
    line, waited_s = place.line, (uow.now - place.admitted_at).total_seconds()
    names = line_corrections.c
    found = (await uow.execute(select(line_corrections).where(names.line == line))).one_or_none()
    before = Correction() if found is None else Correction(found.median, found.bound)
    after = policy.learned(before, told, waited_s)
    missed = int(waited_s > told.high_s)
    if found is None:
        values: dict[str, Any] = {"line": line, "told": 1, "missed": missed}
        await uow.execute(insert(line_corrections).values(**values, **after._asdict()))
    else:
        counts = {"told": names.told + 1, "missed": names.missed + missed}
        await uow.execute(update(line_corrections).where(names.line == line).values(**counts, **after._asdict()))


# Offers ---------------------------------------------------------------------------------------------------------------------------------


async def make_offer(uow: UnitOfWork, pair: Pair, offer_for: timedelta) -> Made | None:
    """Offer a place to a person; None, and nothing changed, when either is no longer what it was."""
    place, person = pair.place, pair.person
    if not await _reserve_units(uow, person, pair.units):
        return None
    epoch = place.epoch + 1
    offered = await uow.changes_one(
        update(places)
        .where(places.c.id == place.id, places.c.state == PlaceState.WAITING, places.c.epoch == place.epoch)
        .values(state=PlaceState.OFFERED, epoch=epoch, round=pair.round)
    )
    if not offered:
        await release_units(uow, person, pair.units)
        return None
    made = Made(ids.offer_id(), place.id, place.ticket, place.line, person, epoch, uow.now + offer_for)
    await uow.execute(
        insert(offers).values(
            id=made.offer,
            place_id=place.id,
            person_id=person,
            epoch=epoch,
            round=pair.round,
            units=pair.units,
            state=OfferState.OPEN,
            made_at=uow.now,
            deadline_at=made.deadline_at,
        )
    )
    await note(uow, place.line, place.id, "offered", {"person": person, "epoch": epoch, "passed": pair.passed})
    uow.ring(f"desk:{person}")
    uow.ring(f"visit:{place.ticket}")
    uow.ring(f"line:{place.line}")
    return made


async def find_offer(connection: AsyncConnection, offer: OfferId) -> Row[Any] | None:
    """Return an offer with its place's ``ticket_id``, ``line`` and ``waiting_for``; None when there is none."""
    return (await connection.execute(_offers_with_place().where(offers.c.id == offer))).one_or_none()


async def open_offers(connection: AsyncConnection, *conditions: Any) -> Sequence[Row[Any]]:
    """Return the open offers that meet conditions on ``offers``, ``places`` and ``desks``, those that are due first; shape as ``find_offer``."""
    statement = (
        _offers_with_place()
        .join(desks, desks.c.person_id == offers.c.person_id)
        .where(offers.c.state == OfferState.OPEN, *conditions)
        .order_by(offers.c.deadline_at, places.c.seq)
        .limit(500)
    )
    return (await connection.execute(statement)).all()


def _offers_with_place() -> Any:
    return select(offers, places.c.ticket_id, places.c.line, places.c.waiting_for).select_from(
        offers.join(places, places.c.id == offers.c.place_id)
    )


async def answer_offer(uow: UnitOfWork, offer: Row[Any], state: OfferState, reason: str | None = None) -> bool:
    """End an open offer; False when it has ended already."""
    return await uow.changes_one(
        update(offers)
        .where(offers.c.id == offer.id, offers.c.state == OfferState.OPEN)
        .values(state=state, reason=reason, answered_at=uow.now)
    )


async def void_offer(uow: UnitOfWork, offer: Row[Any], state: OfferState, reason: str | None = None) -> bool:
    """End an open offer without acceptance: the place waits where it was, for everybody; the person's units are free again."""
    if not await answer_offer(uow, offer, state, reason):
        return False
    await uow.changes_one(
        update(places)
        .where(places.c.id == offer.place_id, places.c.state == PlaceState.OFFERED, places.c.epoch == offer.epoch)
        .values(state=PlaceState.WAITING, reserved_for=None)
    )
    await release_units(uow, offer.person_id, offer.units)
    await note(uow, offer.line, offer.place_id, str(state), {"person": offer.person_id, "epoch": offer.epoch})
    uow.ring(f"desk:{offer.person_id}")
    uow.ring(f"visit:{offer.ticket_id}")
    uow.ring(f"line:{offer.line}")
    return True


# Desks ----------------------------------------------------------------------------------------------------------------------------------


async def _reserve_units(uow: UnitOfWork, person: PersonId, units: int) -> bool:
    """Take units of a person who is ready, present and has room."""
    return await uow.changes_one(
        update(desks)
        .where(
            desks.c.person_id == person,
            desks.c.state == DeskState.READY,
            desks.c.leased_until > uow.now,
            desks.c.load + units <= desks.c.capacity,
        )
        .values(load=desks.c.load + units)
    )


async def release_units(uow: UnitOfWork, person: PersonId, units: int, *, after_work: bool = False) -> None:
    """Give units back; ``after_work`` begins a new time without work (callback.md, section 5: not after a refusal)."""
    values: dict[str, Any] = {"load": desks.c.load - units}
    if after_work:
        values["idle_since_at"] = uow.now
    await uow.execute(update(desks).where(desks.c.person_id == person, desks.c.load >= units).values(values))
    uow.ring(f"desk:{person}")


async def change_desk(uow: UnitOfWork, person: PersonId, *conditions: Any, **values: Any) -> bool:
    """Change a desk that meets conditions; False when it does not."""
    return await uow.changes_one(update(desks).where(desks.c.person_id == person, *conditions).values(**values))


async def ensure_desk(uow: UnitOfWork, person: PersonId) -> None:
    """Give a person a desk unless they have one: away, empty, of the usual capacity."""
    insertion = uow.insertion(desks)
    values = {"person_id": person, "state": DeskState.AWAY, "capacity": USUAL_CAPACITY, "load": 0, "missed": 0}
    moments = {"idle_since_at": uow.now, "changed_at": uow.now}
    await uow.execute(insertion.values(values | moments).on_conflict_do_nothing())


async def serve_lines(uow: UnitOfWork, person: PersonId, lines: Collection[str]) -> None:
    """Let a representative serve exactly these lines from now on."""
    await uow.execute(delete(desk_lines).where(desk_lines.c.person_id == person))
    if lines:
        await uow.execute(insert(desk_lines), [{"person_id": person, "line": line} for line in sorted(set(lines))])
