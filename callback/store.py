"""SQL of reservations, seats, attempts and shifts. A change says which version it expects; nothing here is decided."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import Row, and_, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from callback.model import LIFE, LIVE, MERGEABLE, Event, ReservationId, Shift, ShiftId, Spent, State
from callback.policy import day_of
from callback.tables import attempts, regions, reservations, seats, silenced, telephones
from callback.telephony.port import AttemptId, EndedBy, Facts, Outcome
from chatsvc.accounts.model import PersonRole
from chatsvc.accounts.tables import companies, people
from chatsvc.conversations.tables import conversations
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel.errors import Conflict, NotFound
from chatsvc.kernel.ids import CompanyId, PersonId, TicketId, new_id
from chatsvc.routing.model import OfferState
from chatsvc.routing.tables import offers, shifts
from chatsvc.tickets.model import ENDED
from chatsvc.tickets.tables import tickets

# Reservations -------------------------------------------------------------------------------------------------------------------------


async def add(uow: UnitOfWork, **values: Any) -> ReservationId:
    """Add a reservation; ``values`` are columns.

    Raises:
        sqlalchemy.exc.IntegrityError: the key, the contact or the number has a live one already.
    """
    reservation = ReservationId(new_id("cb"))
    facts = {"reminded": 0, "snoozes": 0, "sequence": 0, "version": 1, "created_at": uow.now}
    await uow.execute(insert(reservations).values(id=reservation, **(facts | values)))
    return reservation


async def load(connection: AsyncConnection, *conditions: Any) -> Row[Any]:
    """Return the one reservation that meets conditions on ``reservations``.

    Raises:
        NotFound: there is none.
    """
    row = (await connection.execute(select(reservations).where(*conditions))).one_or_none()
    if row is None:
        raise NotFound("reservation.not_found")
    return row


async def by_id(connection: AsyncConnection, reservation: ReservationId) -> Row[Any]:
    """Return a reservation.

    Raises:
        NotFound: there is none.
    """
    return await load(connection, reservations.c.id == reservation)


async def find(connection: AsyncConnection, *conditions: Any, limit: int = 200) -> Sequence[Row[Any]]:
    """Return reservations that meet conditions, in the order in which they were made."""
    statement = select(reservations).where(*conditions).order_by(reservations.c.created_at, reservations.c.id)
    return (await connection.execute(statement.limit(limit))).all()


async def live_of(connection: AsyncConnection, contact: PersonId) -> Row[Any] | None:
    """Return a contact's live reservation; None when there is none."""
    statement = select(reservations).where(reservations.c.contact_id == contact, reservations.c.state.in_(LIVE))
    return (await connection.execute(statement)).one_or_none()


def answered_in_writing(by: datetime) -> Any:
    """Return the condition that a call's request was solved or closed after it was booked, by a moment, and not by completing a talk."""
    ended = (
        select(tickets.c.id)
        .select_from(tickets.outerjoin(conversations, conversations.c.ticket_id == tickets.c.id))
        .where(
            tickets.c.id == reservations.c.ticket_id,
            tickets.c.state.in_(ENDED),
            tickets.c.ended_at > reservations.c.created_at,
            tickets.c.ended_at <= by,
            # Whoever books while their talk is written up wants the call all the same.
            or_(conversations.c.closed_at.is_(None), conversations.c.closed_at != tickets.c.ended_at),
        )
        .correlate(reservations)
    )
    return and_(reservations.c.state.in_(MERGEABLE), ended.exists())


# When the representative who has a conversation took it.
_TAKEN: Final = (
    select(offers.c.answered_at)
    .select_from(
        conversations.join(
            offers, and_(offers.c.place_id == conversations.c.place_id, offers.c.epoch == conversations.c.epoch)
        )
    )
    .where(offers.c.state == OfferState.ACCEPTED, offers.c.person_id == conversations.c.rep_id)
)


async def looked_at_since(connection: AsyncConnection, ticket: TicketId) -> datetime | None:
    """Return when the representative who has a ticket's call took it; None: nobody has it."""
    found: datetime | None = (
        await connection.execute(_TAKEN.where(conversations.c.ticket_id == ticket))
    ).scalar_one_or_none()
    return found


def looked_at_by(by: datetime) -> Any:
    """Return the condition that a representative has had a call since before a moment."""
    mine = conversations.c.ticket_id == reservations.c.ticket_id
    return _TAKEN.where(mine, offers.c.answered_at <= by).correlate(reservations).exists()


async def live_number(connection: AsyncConnection, number: str) -> Row[Any] | None:
    """Return the live reservation of a number; None when there is none."""
    statement = select(reservations).where(reservations.c.number == number, reservations.c.state.in_(LIVE))
    return (await connection.execute(statement)).one_or_none()


async def of_ticket(connection: AsyncConnection, ticket: TicketId) -> Row[Any] | None:
    """Return the reservation of a ticket that is not over, else the newest; None when there is none."""
    statement = (
        select(reservations)
        .where(reservations.c.ticket_id == ticket)
        .order_by(reservations.c.ended_at.is_not(None), reservations.c.created_at.desc(), reservations.c.id)
        .limit(1)
    )
    return (await connection.execute(statement)).one_or_none()


async def move(uow: UnitOfWork, reservation: Row[Any], event: Event, **values: Any) -> Row[Any]:
    """Put a reservation that was just read into the state that follows an event; return it as it is now.

    Raises:
        IllegalTransition: the event means nothing in its state.
        Conflict: somebody changed it since.
    """
    return await change(uow, reservation, state=LIFE.next(State(reservation.state), event), **values)


async def change(uow: UnitOfWork, reservation: Row[Any], **values: Any) -> Row[Any]:
    """Change a reservation that was just read; return it as it is now.

    Raises:
        Conflict: somebody changed it since.
    """
    changed = await uow.changes_one(
        update(reservations)
        .where(reservations.c.id == reservation.id, reservations.c.version == reservation.version)
        .values(version=reservation.version + 1, **values)
    )
    if not changed:
        raise Conflict("reservation.changed", reservation=reservation.id)
    return await by_id(uow.connection, reservation.id)


async def booked_since(connection: AsyncConnection, contact: PersonId, since: datetime) -> int:
    """Return how many reservations a contact has made since a moment."""
    statement = select(func.count()).where(reservations.c.contact_id == contact, reservations.c.created_at >= since)
    return int((await connection.execute(statement)).scalar_one())


async def live_in_company(connection: AsyncConnection, company: CompanyId) -> int:
    """Return how many live reservations a company has."""
    statement = select(func.count()).where(reservations.c.company_id == company, reservations.c.state.in_(LIVE))
    return int((await connection.execute(statement)).scalar_one())


# Seats --------------------------------------------------------------------------------------------------------------------------------


async def taken(connection: AsyncConnection, begins: datetime, until: datetime) -> dict[datetime, dict[str, int]]:
    """Return for each slot that begins from one moment up to another: its beginning -> line -> seats taken."""
    statement = (
        select(seats.c.begins_at, seats.c.line, func.count())
        .where(seats.c.begins_at >= begins, seats.c.begins_at <= until)
        .group_by(seats.c.begins_at, seats.c.line)
    )
    found: dict[datetime, dict[str, int]] = defaultdict(dict)
    for begins_at, line, count in await connection.execute(statement):
        found[begins_at][line] = int(count)
    return dict(found)


async def take_seat(uow: UnitOfWork, line: str, begins_at: datetime, reservation: ReservationId) -> None:
    """Take the lowest free seat of a slot, however many it may have: that is asked before, in the same turn.

    Raises:
        sqlalchemy.exc.IntegrityError: somebody took it at the same instant.
    """
    statement = select(seats.c.seat).where(seats.c.line == line, seats.c.begins_at == begins_at)
    used = set((await uow.execute(statement)).scalars())
    seat = next(n for n in range(1, len(used) + 2) if n not in used)
    row = {"line": line, "begins_at": begins_at, "seat": seat, "reservation_id": reservation}
    await uow.execute(insert(seats).values(row))


async def free_seat(uow: UnitOfWork, reservation: ReservationId, begins_at: datetime | None = None) -> None:
    """Free the seat that a reservation has in a slot; ``begins_at`` None: in whatever slot."""
    conditions = [seats.c.reservation_id == reservation]
    if begins_at is not None:
        conditions.append(seats.c.begins_at == begins_at)
    await uow.execute(delete(seats).where(*conditions))


# Attempts -----------------------------------------------------------------------------------------------------------------------------


async def add_attempt(
    uow: UnitOfWork,
    reservation: Row[Any],
    *,
    rep: PersonId,
    epoch: int,
    adapter: str,
    leased_until: datetime | None,
) -> AttemptId:
    """Write down that somebody is about to be dialled.

    Raises:
        sqlalchemy.exc.IntegrityError: an attempt runs already, for this reservation or to this number (invariant 24).
    """
    attempt = AttemptId(new_id("at"))
    n = select(func.count()).where(attempts.c.reservation_id == reservation.id)
    earlier = int((await uow.execute(n)).scalar_one())
    await uow.execute(
        insert(attempts).values(
            id=attempt,
            reservation_id=reservation.id,
            n=earlier + 1,
            company_id=reservation.company_id,
            rep_id=rep,
            epoch=epoch,
            number=reservation.number,
            adapter=adapter,
            created_at=uow.now,
            counted=False,
            leased_until=leased_until,
        )
    )
    return attempt


async def attempt(connection: AsyncConnection, attempt_id: AttemptId) -> Row[Any]:
    """Return an attempt.

    Raises:
        NotFound: there is none.
    """
    row = (await connection.execute(select(attempts).where(attempts.c.id == attempt_id))).one_or_none()
    if row is None:
        raise NotFound("attempt.not_found")
    return row


async def attempts_of(connection: AsyncConnection, reservation: ReservationId) -> Sequence[Row[Any]]:
    """Return the attempts of a reservation, oldest first."""
    statement = select(attempts).where(attempts.c.reservation_id == reservation).order_by(attempts.c.n)
    return (await connection.execute(statement)).all()


async def running(connection: AsyncConnection, *conditions: Any) -> Sequence[Row[Any]]:
    """Return attempts without an outcome that meet conditions, oldest first."""
    statement = select(attempts).where(attempts.c.outcome.is_(None), *conditions).order_by(attempts.c.created_at)
    return (await connection.execute(statement.limit(200))).all()


async def outcomes_before(connection: AsyncConnection, reservation: ReservationId) -> list[Outcome]:
    """Return how a reservation's attempts ended so far, oldest first."""
    rows = await attempts_of(connection, reservation)
    return [Outcome(row.outcome) for row in rows if row.outcome is not None]


async def latest_through(connection: AsyncConnection, adapter: str, most: int) -> list[tuple[datetime, Outcome]]:
    """Return when and how the latest attempts through a telephone system ended, newest first."""
    statement = (
        select(attempts.c.ended_at, attempts.c.outcome)
        .where(attempts.c.adapter == adapter, attempts.c.outcome.is_not(None))
        .order_by(attempts.c.ended_at.desc())
        .limit(most)
    )
    return [(at, Outcome(outcome)) for at, outcome in await connection.execute(statement)]


async def handled(
    connection: AsyncConnection, since: datetime, until: datetime
) -> dict[str, list[tuple[timedelta, timedelta]]]:
    """Return line -> talk and wrap-up of each call that was dialled since a moment and completed before another.

    Left out are talks of which nobody knows how long they were.
    """
    statement = (
        select(reservations.c.line, attempts.c.talk_s, conversations.c.ended_at, conversations.c.closed_at)
        .select_from(
            attempts.join(reservations, reservations.c.id == attempts.c.reservation_id).join(
                conversations, conversations.c.ticket_id == reservations.c.ticket_id
            )
        )
        .where(
            attempts.c.created_at >= since,
            attempts.c.created_at < until,
            attempts.c.outcome == Outcome.ANSWERED.value,
            attempts.c.talk_s > 0,
            conversations.c.ended_at.is_not(None),
            conversations.c.closed_at < until,
        )
    )
    found: dict[str, list[tuple[timedelta, timedelta]]] = defaultdict(list)
    for line, talk_s, ended_at, closed_at in await connection.execute(statement):
        found[line].append((timedelta(seconds=talk_s), closed_at - ended_at))
    return dict(found)


async def change_attempt(uow: UnitOfWork, attempt_id: AttemptId, **values: Any) -> bool:
    """Change an attempt that still runs; False when it has ended."""
    return await uow.changes_one(
        update(attempts).where(attempts.c.id == attempt_id, attempts.c.outcome.is_(None)).values(**values)
    )


async def change_attempt_if(uow: UnitOfWork, attempt_id: AttemptId, condition: Any, **values: Any) -> bool:
    """Change an attempt that still runs and meets a condition on ``attempts``; False when it does not."""
    still = (attempts.c.id == attempt_id, attempts.c.outcome.is_(None), condition)
    return await uow.changes_one(update(attempts).where(*still).values(**values))


async def end_attempt(uow: UnitOfWork, attempt_id: AttemptId, outcome: Outcome, facts: Facts, *, counted: bool) -> bool:
    """End an attempt; False, and nothing changed, when it has ended already. What the port needed is dropped."""
    ended_by = None if facts.ended_by is None else EndedBy(facts.ended_by).value
    return await change_attempt(
        uow,
        attempt_id,
        outcome=outcome.value,
        counted=counted,
        ended_at=uow.now,
        sip_code=facts.sip_code,
        ring_s=facts.ring_s,
        talk_s=facts.talk_s,
        ended_by=ended_by,
        trace=None,
        leased_until=None,
    )


async def spent(connection: AsyncConnection, number: str, company: CompanyId, at: datetime) -> Spent:
    """Return what has been used today (UTC) of the caps for a number, a company, and in all."""
    begins, _ = day_of(at)
    today = attempts.c.created_at >= begins
    to_number = select(func.count()).where(today, attempts.c.number == number)
    talked = select(func.coalesce(func.sum(attempts.c.talk_s), 0.0)).where(today)
    return Spent(
        number_attempts=int((await connection.execute(to_number)).scalar_one()),
        company_minutes=float((await connection.execute(talked.where(attempts.c.company_id == company))).scalar_one())
        / 60,
        minutes=float((await connection.execute(talked)).scalar_one()) / 60,
    )


class Dialled(NamedTuple):
    """What is known of a number from earlier calls to a company."""

    times: int
    last_at: datetime | None


async def dialled_before(connection: AsyncConnection, number: str, company: CompanyId) -> Dialled:
    """Return how often a number was rung for a company so far, and when last."""
    statement = select(func.count(), func.max(attempts.c.created_at)).where(
        attempts.c.number == number, attempts.c.company_id == company, attempts.c.outcome.is_not(None)
    )
    times, last_at = (await connection.execute(statement)).one()
    return Dialled(int(times), last_at)


# Planned staffing ---------------------------------------------------------------------------------------------------------------------


async def add_shift(
    uow: UnitOfWork,
    person: PersonId,
    lines: Collection[str],
    begins_at: datetime,
    ends_at: datetime,
    *,
    shift: ShiftId | None = None,
) -> ShiftId:
    """Plan somebody for lines, from one moment to another; ``shift``: one that was in the plan before, and is in it once."""
    shift = shift or ShiftId(new_id("sh"))
    row = {"id": shift, "person_id": person, "lines": sorted(lines), "begins_at": begins_at, "ends_at": ends_at}
    await uow.execute(uow.insertion(shifts).values(row).on_conflict_do_nothing())
    return shift


async def works_here(connection: AsyncConnection, person: PersonId) -> bool:
    """Whether somebody works here and may sign in."""
    statement = select(people.c.id).where(
        people.c.id == person, people.c.company_id.is_(None), people.c.disabled_at.is_(None)
    )
    return (await connection.execute(statement)).first() is not None


async def supervisors(connection: AsyncConnection) -> Sequence[PersonId]:
    """Return the supervisors who may sign in."""
    statement = select(people.c.id).where(people.c.role == PersonRole.SUPERVISOR, people.c.disabled_at.is_(None))
    return [PersonId(person) for person in (await connection.execute(statement.order_by(people.c.id))).scalars()]


async def remove_shift(uow: UnitOfWork, shift: ShiftId) -> bool:
    """Take a shift out of the plan; False when it was not in it."""
    return await uow.changes_one(delete(shifts).where(shifts.c.id == shift))


async def shut_out(connection: AsyncConnection, at: datetime) -> Sequence[Any]:
    """Return who is still planned after a moment and can no longer sign in: ``id``, ``name``, ``disabled_at``."""
    coming = select(shifts.c.person_id).where(shifts.c.ends_at > at)
    statement = select(people.c.id, people.c.name, people.c.disabled_at).where(
        people.c.disabled_at.is_not(None), people.c.id.in_(coming)
    )
    return (await connection.execute(statement.order_by(people.c.id))).all()


async def planned(
    connection: AsyncConnection, begins: datetime, until: datetime, *, besides: PersonId | None = None
) -> list[Shift]:
    """Return the shifts that touch a stretch of time, by their beginning; those of disabled people are left out, ``besides`` one."""
    comes = or_(people.c.disabled_at.is_(None), people.c.id == besides)
    statement = (
        select(shifts)
        .join(people, people.c.id == shifts.c.person_id)
        .where(shifts.c.ends_at > begins, shifts.c.begins_at < until, comes)
        .order_by(shifts.c.begins_at, shifts.c.id)
    )
    return [
        Shift(row.id, row.person_id, frozenset(row.lines), row.begins_at, row.ends_at)
        for row in await connection.execute(statement)
    ]


# Numbers ------------------------------------------------------------------------------------------------------------------------------


async def regions_of(connection: AsyncConnection, company: CompanyId) -> frozenset[str]:
    """Return the regions in which a company's people may be rung: its own country, and those that were added."""
    own = select(companies.c.country).where(companies.c.id == company)
    more = select(regions.c.region).where(regions.c.company_id == company)
    return frozenset((await connection.execute(own)).scalars()) | frozenset((await connection.execute(more)).scalars())


async def is_company(connection: AsyncConnection, company: CompanyId) -> bool:
    """Whether there is such a company."""
    return (await connection.execute(select(companies.c.id).where(companies.c.id == company))).first() is not None


async def allow_region(uow: UnitOfWork, company: CompanyId, region: str, *, by: PersonId, reason: str) -> None:
    """Let a company's people be rung in a country besides its own.

    Raises:
        sqlalchemy.exc.IntegrityError: they may already.
    """
    row = {"company_id": company, "region": region, "by_id": by, "reason": reason, "since_at": uow.now}
    await uow.execute(insert(regions).values(row))


async def forbid_region(uow: UnitOfWork, company: CompanyId, region: str) -> bool:
    """Take a country away again; False when it was not allowed."""
    return await uow.changes_one(delete(regions).where(regions.c.company_id == company, regions.c.region == region))


async def silence(uow: UnitOfWork, number: str, *, by: PersonId, reason: str) -> None:
    """Never ring a number again.

    Raises:
        sqlalchemy.exc.IntegrityError: it is silenced already.
    """
    await uow.execute(insert(silenced).values(number=number, by_id=by, reason=reason, since_at=uow.now))


async def let_ring(uow: UnitOfWork, number: str) -> None:
    """Let a silenced number be rung again."""
    await uow.execute(delete(silenced).where(silenced.c.number == number))


async def silenced_numbers(connection: AsyncConnection) -> Sequence[Row[Any]]:
    """Return the numbers that are not to be rung, with ``by`` (a name or None), the newest first."""
    statement = (
        select(silenced, people.c.name.label("by"))
        .select_from(silenced.outerjoin(people, people.c.id == silenced.c.by_id))
        .order_by(silenced.c.since_at.desc(), silenced.c.number)
    )
    return (await connection.execute(statement)).all()


async def is_silenced(connection: AsyncConnection, number: str) -> bool:
    """Whether a number asked not to be rung."""
    return (await connection.execute(select(silenced.c.number).where(silenced.c.number == number))).first() is not None


async def telephone_of(connection: AsyncConnection, person: PersonId) -> str | None:
    """Return the address of a representative's own telephone; None when nobody said."""
    statement = select(telephones.c.address).where(telephones.c.person_id == person)
    return (await connection.execute(statement)).scalar_one_or_none()


async def set_telephone(uow: UnitOfWork, person: PersonId, address: str) -> None:
    """Say where a representative's own telephone is; empty: nowhere."""
    await uow.execute(delete(telephones).where(telephones.c.person_id == person))
    if address:
        await uow.execute(insert(telephones).values(person_id=person, address=address))


async def zone_of(connection: AsyncConnection, contact: PersonId) -> str:
    """Return the IANA name of a contact's zone: their own, else their company's."""
    statement = (
        select(func.coalesce(people.c.zone, companies.c.zone, "UTC"))
        .select_from(people.outerjoin(companies, companies.c.id == people.c.company_id))
        .where(people.c.id == contact)
    )
    return str((await connection.execute(statement)).scalar_one())


async def correct_attempt(uow: UnitOfWork, attempt_id: AttemptId, outcome: Outcome, *, counted: bool) -> None:
    """Put what a person knows in the place of an outcome that nobody saw.

    Raises:
        Conflict: it is known by now.
    """
    unknown = (attempts.c.id == attempt_id, attempts.c.outcome == Outcome.UNKNOWN.value)
    corrected = await uow.changes_one(update(attempts).where(*unknown).values(outcome=outcome.value, counted=counted))
    if not corrected:
        raise Conflict("call.not_now", attempt=attempt_id)
