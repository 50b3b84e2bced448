"""Who works on a ticket, and what those who work here do to many: teams, owners, incidents, duplicates, bulk changes (T1, T2).

A bulk change is one unit of work per ticket: what cannot be changed says why and keeps no other from being changed. For ten seconds it can
be taken back; its mails wait for that long.
"""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import to_builtins
from sqlalchemy import Row, delete, select, update

from chatsvc.accounts.model import STAFF, Identity, PersonRole
from chatsvc.accounts.tables import people
from chatsvc.db import due
from chatsvc.db.columns import from_microseconds, to_microseconds
from chatsvc.db.outbox import outbox
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Refused
from chatsvc.kernel.ids import PersonId, TicketId, new_id
from chatsvc.tickets import policy, store, telling
from chatsvc.tickets.following import Following
from chatsvc.tickets.ground import checked, require_staff
from chatsvc.tickets.life import CLOSE, REMIND
from chatsvc.tickets.model import BulkChange, BulkResult, Event, Kind, State, Undoable
from chatsvc.tickets.tables import bulks, followers, team_members

MOST_AT_ONCE: Final = 100
NOBODY: Final = "nobody"
# What taking back restores.
_RESTORED: Final = (
    "team", "owner_id", "state", "incident", "needed", "asked_at", "closes_at", "solution", "solution_at", "ended_at",
)  # fmt: skip
_MOMENTS: Final = ("asked_at", "closes_at", "solution_at", "ended_at")


class Assigning(Following):
    """Teams, owners, incidents, duplicates, many at once."""

    async def hand_over(
        self, identity: Identity, ticket: TicketId, *, team: str, note: str = "", owner: PersonId | None = None
    ) -> None:
        """Make another team responsible, with a note for it that the customer does not see (T1).

        Whoever worked on it is no longer its owner, unless ``owner`` names somebody. The caller has checked the team's key.

        Raises:
            NotAllowed: ``staff.only``.
            NotFound: no such ticket, or nobody of that id works here.
            Invalid: the note is too long.
        """
        require_staff(identity)
        note = checked(note, field="note")
        async with self.database.begin() as uow:
            row = await store.load(uow.connection, ticket)
            if owner is not None:
                await self._colleague_here(uow, owner)
            await store.put(uow, row, team=team, owner_id=owner)
            if team != row.team:
                await self.enter(uow, row, identity, Kind.TEAM, team=team, before=row.team)
            if note:
                await self.note(uow, row, identity, note)
            uow.ring(f"visit:{ticket}")

    async def assign(self, identity: Identity, ticket: TicketId, owner: PersonId | None) -> None:
        """Say who works on a ticket; None: nobody. Taking it oneself is naming oneself (T2).

        Raises:
            NotAllowed: ``staff.only``.
            NotFound: no such ticket, or nobody of that id works here.
        """
        require_staff(identity)
        async with self.database.begin() as uow:
            row = await store.load(uow.connection, ticket)
            name = None if owner is None else await self._colleague_here(uow, owner)
            if row.owner_id == owner:
                return
            await store.put(uow, row, owner_id=owner)
            await self.enter(uow, row, identity, Kind.OWNER, owner=name)

    async def _colleague_here(self, uow: UnitOfWork, person: PersonId) -> str:
        statement = select(people.c.name).where(
            people.c.id == person, people.c.role.in_([role.value for role in STAFF]), people.c.disabled_at.is_(None)
        )
        name: str | None = (await uow.execute(statement)).scalar_one_or_none()
        if name is None:
            raise NotFound("person.not_found")
        return name

    async def set_teams(self, identity: Identity, person: PersonId, teams: Sequence[str]) -> None:
        """Say in which teams somebody works. The caller has checked the keys.

        Raises:
            NotAllowed: neither a supervisor nor an administrator.
            NotFound: nobody of that id works here.
        """
        if identity.role not in (PersonRole.SUPERVISOR, PersonRole.ADMINISTRATOR):
            raise NotAllowed("not_allowed")
        async with self.database.begin() as uow:
            await self._colleague_here(uow, person)
            await uow.execute(delete(team_members).where(team_members.c.person_id == person))
            rows = [{"team": team, "person_id": person} for team in dict.fromkeys(teams)]
            if rows:
                await uow.execute(team_members.insert(), rows)

    async def teams_of_staff(self) -> dict[PersonId, tuple[str, ...]]:
        """Return in which teams each colleague works, by the teams' keys; those in none are missing. Who may ask is asked at the door."""
        statement = select(team_members.c.person_id, team_members.c.team).order_by(team_members.c.team)
        teams: dict[PersonId, tuple[str, ...]] = {}
        async with self.database.read() as connection:
            for person, team in (await connection.execute(statement)).all():
                teams[person] = (*teams.get(person, ()), team)
        return teams

    async def link_incident(self, identity: Identity, ticket: TicketId, incident: str | None) -> None:
        """Say to which incident a ticket belongs, by the incident's number; None: to none.

        Raises:
            NotAllowed: ``staff.only``.
            NotFound: no such ticket.
            Invalid: that is no number of an incident.
        """
        require_staff(identity)
        incident = None if incident is None else incident_number(incident)
        async with self.database.begin() as uow:
            row = await store.load(uow.connection, ticket)
            if row.incident != incident:
                await store.put(uow, row, incident=incident)
                await self.enter(uow, row, identity, Kind.INCIDENT, incident=incident)

    async def merge(self, identity: Identity, duplicate: TicketId, *, into: int) -> None:
        """Let a duplicate go on in another ticket of the same company: it is closed for good, and its readers read the other one.

        Raises:
            NotAllowed: ``staff.only``.
            NotFound: no such ticket.
            Conflict: ``merge.same``: it is the same ticket; ``merge.other_company``: what one company wrote never reaches another (R20);
                ``merge.over``: one of them cannot change any more; ``ticket.live``: somebody talks in one of them.
        """
        require_staff(identity)
        async with self.database.begin() as uow:
            row, target = await store.load(uow.connection, duplicate), await store.by_number(uow.connection, into)
            await self._insist_on_merging(uow, row, target)
            await self.enter(uow, row, identity, Kind.MERGED, number=target.number)
            await store.put(uow, row, merged_into_id=target.id)
            row = await store.load(uow.connection, duplicate)
            if row.state != State.CLOSED:
                await self.moved(uow, row, Event.MERGED, identity, why="merged", into=target.number)
            await store.seal(uow, duplicate)
            await store.put(uow, target)
            await self.enter(uow, target, identity, Kind.MERGED_IN, number=row.number)
            for person in await telling.readers(uow, row):
                if person != target.requester_id:
                    values = {"ticket_id": target.id, "person_id": person, "since_at": uow.now}
                    await uow.execute(uow.insertion(followers).values(values).on_conflict_do_nothing())
            uow.ring(f"visit:{target.id}")

    async def _insist_on_merging(self, uow: UnitOfWork, row: Row[Any], target: Row[Any]) -> None:
        if row.id == target.id:
            raise Conflict("merge.same")
        if row.company_id != target.company_id:
            raise Conflict("merge.other_company")
        if target.merged_into_id or not (self._is_open_to_change(row, uow.now)):
            raise Conflict("merge.over")
        if not self._is_open_to_change(target, uow.now):
            raise Conflict("merge.over")
        if await store.is_live(uow.connection, row.id):
            raise Conflict("ticket.live")

    # Many at once -----------------------------------------------------------------------------------------------------

    async def bulk(self, identity: Identity, numbers: Sequence[int], change: BulkChange) -> BulkResult:
        """Do something to many tickets; returns which were changed, which were not and why, and until when it can be taken back.

        The keys of the catalogue are checked by the caller, who has it.

        Raises:
            NotAllowed: ``staff.only``.
            Invalid: too many at once, or nothing to do.
        """
        require_staff(identity)
        if len(numbers) > MOST_AT_ONCE:
            raise Invalid("bulk.too_many", field="tickets", most=MOST_AT_ONCE)
        if change == BulkChange() or change.state is State.AWAITING:
            raise Invalid("choose", field="change")
        if change.incident is not None:
            incident_number(change.incident)
        bulk, done, refused = new_id("bk"), [], {}
        async with self.database.begin() as uow:
            undo_until = uow.now + self.rules.undo_within
            values = {"id": bulk, "person_id": identity.person, "at": uow.now, "before": []}
            await uow.execute(bulks.insert().values(values))
        for number in dict.fromkeys(numbers):
            try:
                async with self.database.begin() as uow:
                    await self._change_one(uow, identity, bulk, number, change)
            except Refused as refusal:
                refused[number] = refusal.key
            else:
                done.append(number)
        return BulkResult(bulk, tuple(done), refused, undo_until)

    async def _change_one(
        self, uow: UnitOfWork, identity: Identity, bulk: str, number: int, change: BulkChange
    ) -> None:
        before = await store.by_number(uow.connection, number)
        row, columns = before, _columns(change)
        if columns.get("owner_id") is not None:
            columns["owner_name"] = await self._colleague_here(uow, columns["owner_id"])
        owner_name = columns.pop("owner_name", None)
        columns = {name: value for name, value in columns.items() if getattr(row, name) != value}
        if columns:
            await store.put(uow, row, **columns)
            if "team" in columns:
                await self.enter(uow, row, identity, Kind.TEAM, team=change.team, before=row.team)
            elif "owner_id" in columns:
                await self.enter(uow, row, identity, Kind.OWNER, owner=owner_name)
            elif "incident" in columns:
                await self.enter(uow, row, identity, Kind.INCIDENT, incident=change.incident)
            row = await store.load(uow.connection, before.id)
        if change.state is not None and change.state != row.state:
            event = policy.event_between(State(row.state), change.state)
            if event is Event.REOPENED:
                self._insist_on_reopening(row, uow.now)
            elif row.ended_at is not None and not self._is_open_to_change(row, uow.now):
                raise NotAllowed("ticket.reopen_window_over", ticket=row.id)
            if event is not None:
                tell_at = uow.now + self.rules.undo_within
                await self.moved(uow, row, event, identity, cause=f"bulk:{bulk}", tell_at=tell_at)
            row = await store.load(uow.connection, before.id)
        elif not columns:
            return
        await self._remember(uow, bulk, before, row.version)

    async def _remember(self, uow: UnitOfWork, bulk: str, before: Row[Any], version: int) -> None:
        kept = {name: getattr(before, name) for name in _RESTORED}
        kept |= {name: kept[name] and to_microseconds(kept[name]) for name in _MOMENTS}
        known = (await uow.execute(select(bulks.c.before).where(bulks.c.id == bulk))).scalar_one()
        items = [*known, {"ticket": before.id, "version": version, **to_builtins(kept)}]
        await uow.execute(update(bulks).where(bulks.c.id == bulk).values(before=items))

    async def undoable(self, identity: Identity, bulk: str) -> Undoable | None:
        """Return what can be taken back now; None when it is not theirs, has been taken back, or its time is over."""
        async with self.database.read() as connection:
            found = (await connection.execute(select(bulks).where(bulks.c.id == bulk))).one_or_none()
        if found is None or found.person_id != identity.person or found.undone_at is not None:
            return None
        until = found.at + self.rules.undo_within
        return Undoable(bulk, len(found.before), until) if self.database.clock.now() < until else None

    async def undo(self, identity: Identity, bulk: str) -> bool:
        """Take back what was done to many, within ten seconds, where nobody has done anything since; return whether that was all of it.

        Raises:
            NotFound: there is no such change of this person.
            NotAllowed: ``bulk.too_late``.
        """
        async with self.database.begin() as uow:
            found = (await uow.execute(select(bulks).where(bulks.c.id == bulk))).one_or_none()
            if found is None or found.person_id != identity.person:
                raise NotFound("bulk.not_found")
            if uow.now > found.at + self.rules.undo_within:
                raise NotAllowed("bulk.too_late")
            mine = bulks.c.id == bulk, bulks.c.undone_at.is_(None)
            if not await uow.changes_one(update(bulks).where(*mine).values(undone_at=uow.now)):
                return True
            return all([await self._restore(uow, identity, bulk, item) for item in found.before])

    async def _restore(self, uow: UnitOfWork, identity: Identity, bulk: str, item: dict[str, Any]) -> bool:
        ticket, version = TicketId(item["ticket"]), item["version"]
        columns = {name: item[name] for name in _RESTORED}
        columns |= {name: columns[name] and from_microseconds(columns[name]) for name in _MOMENTS}
        row = await store.load(uow.connection, ticket)
        if row.version != version:
            return False
        state, ended_at = State(columns.pop("state")), columns.pop("ended_at")
        await store.move(uow, row, state, ended_at=ended_at, **columns)
        await self.enter(uow, row, identity, Kind.TAKEN_BACK)
        waiting = outbox.c.cause == f"ticket:{ticket}:bulk:{bulk}", outbox.c.state == "due"
        await uow.execute(delete(outbox).where(*waiting))
        if state is State.AWAITING:
            await due.set_due(uow, CLOSE, ticket, columns["closes_at"])
            coming = [each for each in policy.reminders(columns["asked_at"], self.rules) if each.at > uow.now]
            if coming:
                await due.set_due(uow, REMIND, ticket, coming[0].at)
        return True


def _columns(change: BulkChange) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if change.team is not None:
        columns["team"] = change.team
    if change.owner is not None:
        columns["owner_id"] = None if change.owner == NOBODY else change.owner
    if change.incident is not None:
        columns["incident"] = change.incident.strip()
    return columns


def incident_number(text: str) -> str:
    """Return an incident's number as people write it, ``2026-17`` or ``INC-204``; raises Invalid for anything else."""
    text = text.strip()
    if not text or len(text) > 20 or not all(part.isalnum() for part in text.split("-")):
        raise Invalid("field.value", field="incident")
    return text
