"""A person's tickets as a calendar to subscribe to: when they close if nobody answers, and until when they can be opened again (T8, T9).

The address is signed for one person and carries an epoch: taking it back, or making a new one, makes every older address worthless. A
calendar program has no session, so the person's right to enter is asked each time.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any, Final

from icalendar import Calendar, Event
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import and_, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from chatsvc.accounts import store as accounts
from chatsvc.accounts.model import Identity, Person
from chatsvc.accounts.tables import people
from chatsvc.db.engine import Database
from chatsvc.kernel.errors import NotFound
from chatsvc.kernel.ids import PersonId
from chatsvc.tickets.model import State
from chatsvc.tickets.policy import TicketRules
from chatsvc.tickets.queries import _reachable_by
from chatsvc.tickets.tables import feeds, tickets

# Where an address leads; ``web`` serves it.
PATH: Final = "/calendar/{token}.ics"
_PRODUCT: Final = "-//Holdline//Tickets//EN"
_LONGEST_TOKEN: Final = 300
_MOST: Final = 500
# Words of an event, in English: a calendar is read by programs that ask for no language.
_CLOSES: Final = "Ticket {number} closes if we hear nothing: {subject}"
_REOPENS: Final = "Ticket {number} can be reopened until now: {subject}"


class Feeds:
    """Calendar addresses, and what is read there."""

    def __init__(self, database: Database, secret_key: str, base_url: str, rules: TicketRules) -> None:
        self._database = database
        self._base_url = base_url
        self._rules = rules
        options = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
        self._serializer = URLSafeSerializer(secret_key, salt="holdline.ticket.feed", signer_kwargs=options)

    async def address(self, identity: Identity) -> str | None:
        """Return the path of a person's calendar; None when they have none."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(feeds).where(feeds.c.person_id == identity.person))).one_or_none()
        return None if row is None or row.revoked_at is not None else self._path(identity.person, row.epoch)

    async def renew(self, identity: Identity) -> str:
        """Make a calendar's address, in place of an older one, which is worth nothing from now on; return its path."""
        async with self._database.begin() as uow:
            insertion = (postgresql if uow.dialect == "postgresql" else sqlite).insert(feeds)
            statement = (
                insertion.values(person_id=identity.person, epoch=1, made_at=uow.now)
                .on_conflict_do_update(
                    index_elements=[feeds.c.person_id],
                    set_={"epoch": feeds.c.epoch + 1, "made_at": uow.now, "revoked_at": None},
                )
                .returning(feeds.c.epoch)
            )
            epoch = int((await uow.execute(statement)).scalar_one())
        return self._path(identity.person, epoch)

    async def revoke(self, identity: Identity) -> None:
        """Take the address back; nothing when there is none."""
        async with self._database.begin() as uow:
            mine = feeds.c.person_id == identity.person, feeds.c.revoked_at.is_(None)
            await uow.execute(update(feeds).where(*mine).values(revoked_at=uow.now))

    async def read(self, token: str) -> bytes:
        """Return the calendar behind an address (RFC 5545), for whoever has it.

        Raises:
            NotFound: it is forged, taken back or replaced, or the person may not enter any more.
        """
        person, epoch = self._who(token)
        now = self._database.clock.now()
        async with self._database.read() as connection:
            known = feeds.c.person_id == person, feeds.c.epoch == epoch, feeds.c.revoked_at.is_(None)
            if (await connection.execute(select(feeds.c.person_id).where(*known))).one_or_none() is None:
                raise NotFound("feed.not_found")
            found = (await connection.execute(accounts.people_query().where(people.c.id == person))).one()
            owner = accounts.person_of(found)
            if not owner.may_enter:
                raise NotFound("feed.not_found")
            rows = (await connection.execute(self._statement(owner, now))).all()
        return self._calendar(rows, now)

    def _statement(self, owner: Person, now: datetime) -> Any:
        waits = and_(tickets.c.state == State.AWAITING, tickets.c.closes_at >= now)
        since = now - self._rules.reopen_within
        over = and_(tickets.c.ended_at >= since, tickets.c.merged_into_id.is_(None))
        mine = tickets.c.owner_id == owner.id if owner.company is None else _reachable_by(owner.id, owner.company)
        return select(tickets).where(mine, or_(waits, over)).order_by(tickets.c.number.desc()).limit(_MOST)

    def _calendar(self, rows: Any, now: datetime) -> bytes:
        calendar = Calendar()
        calendar.add("prodid", _PRODUCT)
        calendar.add("version", "2.0")
        calendar.add("name", "Holdline")
        calendar.add("refresh-interval", timedelta(hours=1), parameters={"value": "DURATION"})
        for row in rows:
            waits = row.state == State.AWAITING
            at = row.closes_at if waits else row.ended_at + self._rules.reopen_within
            event = Event()
            event.add("uid", f"{row.id}-{'closes' if waits else 'reopens'}@holdline")
            event.add("sequence", row.version)
            event.add("dtstamp", now)
            event.add("dtstart", at)
            event.add("dtend", at)
            event.add("summary", (_CLOSES if waits else _REOPENS).format(number=row.number, subject=row.subject))
            event.add("url", f"{self._base_url}/requests/{row.number}")
            event.add("transp", "TRANSPARENT")
            calendar.add_component(event)
        return bytes(calendar.to_ical())

    def _path(self, person: PersonId, epoch: int) -> str:
        return PATH.format(token=self._serializer.dumps([person, epoch]))

    def _who(self, token: str) -> tuple[PersonId, int]:
        try:
            said = self._serializer.loads(token[:_LONGEST_TOKEN])
        except BadData:
            raise NotFound("feed.not_found") from None
        match said:
            case [str(person), int(epoch)]:
                return PersonId(person), epoch
        raise NotFound("feed.not_found")
