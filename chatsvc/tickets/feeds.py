"""A person's tickets as a calendar to subscribe to: when they close if nobody answers, and until when they can be opened again (T8, T9).

The address is signed for one person and carries an epoch: taking it back, or making a new one, makes every older address worthless. A
calendar program has no session, so the person's right to enter is asked each time.
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from icalendar import Calendar, Event, Timezone, TimezoneStandard
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import Row, and_, or_, select, update

from chatsvc.accounts import store as accounts
from chatsvc.accounts.model import Identity, Person
from chatsvc.accounts.tables import people
from chatsvc.db.engine import Database
from chatsvc.kernel.errors import NotFound
from chatsvc.kernel.ids import PersonId
from chatsvc.tickets.model import State
from chatsvc.tickets.policy import TicketRules
from chatsvc.tickets.queries import reachable_by
from chatsvc.tickets.tables import feeds, tickets

# Where an address leads; ``web`` serves it.
PATH: Final = "/calendar/{token}.ics"
_PRODUCT: Final = "-//Holdline//Tickets//EN"
_NAME: Final = "Holdline"
_LONGEST_TOKEN: Final = 300
_MOST: Final = 500


class Wording(NamedTuple):
    """What the dates of a calendar say, in one language: with ``%(number)s`` and ``%(subject)s`` of the ticket."""

    closes: str
    reopens: str


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
            insertion = uow.insertion(feeds)
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

    async def read(self, token: str, wording: Callable[[str], Wording]) -> bytes:
        """Return the calendar behind an address (RFC 5545), for whoever has it; the same as long as nothing has changed.

        Args:
            token: of the address.
            wording: a language's code -> what the dates say: a calendar program asks for no language, its person has one.

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
        return self._calendar(rows, wording(owner.language))

    def _statement(self, owner: Person, now: datetime) -> Any:
        waits = and_(tickets.c.state == State.AWAITING, tickets.c.closes_at >= now)
        since = now - self._rules.reopen_within
        over = and_(tickets.c.ended_at >= since, tickets.c.merged_into_id.is_(None))
        mine = tickets.c.owner_id == owner.id if owner.company is None else reachable_by(owner.id, owner.company)
        return select(tickets).where(mine, or_(waits, over)).order_by(tickets.c.number.desc()).limit(_MOST)

    def _calendar(self, rows: Sequence[Row[Any]], wording: Wording) -> bytes:
        calendar = Calendar()
        calendar.add("prodid", _PRODUCT)
        calendar.add("version", "2.0")
        calendar.add("name", _NAME)
        # What programs read that do not know RFC 7986.
        calendar.add("x-wr-calname", _NAME)
        calendar.add("refresh-interval", timedelta(hours=1), parameters={"value": "DURATION"})
        for row in rows:
            calendar.add_component(self._event(row, wording))
        if not rows:
            # A calendar has one component at least (RFC 5545, 3.6); this one says nothing.
            calendar.add_component(_utc())
        return bytes(calendar.to_ical())

    def _event(self, row: Row[Any], wording: Wording) -> Event:
        waits = row.state == State.AWAITING
        event = Event()
        event.add("uid", f"{row.id}-{'closes' if waits else 'reopens'}@holdline")
        event.add("sequence", row.version)
        # Where nothing is published or answered, the stamp is the moment of the last change (RFC 5545, 3.8.7.2).
        event.add("dtstamp", row.updated_at)
        # Without an end it takes no time; an end at the same moment would not be allowed (3.8.2.2).
        event.add("dtstart", row.closes_at if waits else row.ended_at + self._rules.reopen_within)
        sentence = wording.closes if waits else wording.reopens
        event.add("summary", sentence % {"number": row.number, "subject": row.subject})
        event.add("url", f"{self._base_url}/requests/{row.number}")
        event.add("transp", "TRANSPARENT")
        return event

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


def _utc() -> Timezone:
    standard = TimezoneStandard()
    standard.add("dtstart", datetime(1970, 1, 1))  # noqa: DTZ001 - local time of the zone, by definition
    standard.add("tzoffsetfrom", timedelta())
    standard.add("tzoffsetto", timedelta())
    zone = Timezone()
    zone.add("tzid", "Etc/UTC")
    zone.add_component(standard)
    return zone
