"""A demonstration shift for a new store: two companies, their contacts, people who serve them, and tickets with a past.

Sign-ins have known passwords: it is for trying Holdline out, and is only filled into a store that has no company yet.
"""

from datetime import timedelta
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import func, insert, select, update

from chatsvc import bootstrap
from chatsvc.accounts import store as accounts
from chatsvc.accounts.model import Identity, PersonRole
from chatsvc.accounts.passwords import Passwords
from chatsvc.accounts.policy import email_key
from chatsvc.accounts.store import NewPerson
from chatsvc.accounts.tables import companies
from chatsvc.bootstrap import Services
from chatsvc.config import Settings
from chatsvc.coverage import store as coverage
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel import ids
from chatsvc.kernel.clock import SystemClock
from chatsvc.kernel.ids import SYSTEM, CompanyId, PersonId, SessionId
from chatsvc.routing import store as routing
from chatsvc.routing.tables import desk_lines
from chatsvc.tickets import store as tickets
from chatsvc.tickets.model import Append, Kind, Role, State, words
from chatsvc.tickets.tables import tickets as ticket_table


class SignIn(NamedTuple):
    """Somebody who can sign in to the demonstration."""

    role: str
    email: str
    password: str


class _Somebody(NamedTuple):
    role: PersonRole
    name: str
    email: str
    # The name of the company; None for staff.
    company: str | None = None
    zone: str | None = None
    company_admin: bool = False
    lines: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()


class _Company(NamedTuple):
    name: str
    zone: str
    country: str
    region: str | None
    # Whether its contract has hours without an end. One company has, so that the demonstration can be tried at any hour and says truthfully
    # why; the other keeps the usual hours, so that the closed door can be seen as well.
    always: bool


_COMPANIES: Final = (
    _Company("Nordwind Logistik", "Europe/Berlin", "DE", "BE", always=True),
    _Company("Aoyama Trading", "Asia/Tokyo", "JP", None, always=False),
)

_ALL: Final = ("expense", "travel", "invoice", "request")

_PEOPLE: Final = (
    _Somebody(PersonRole.CONTACT, "Claire Fontaine", "claire@nordwind.example", "Nordwind Logistik", company_admin=True),
    _Somebody(PersonRole.CONTACT, "Jonas Weber", "jonas@nordwind.example", "Nordwind Logistik"),
    _Somebody(PersonRole.CONTACT, "Haruka Sato", "haruka@aoyama.example", "Aoyama Trading", company_admin=True),
    _Somebody(PersonRole.CONTACT, "Kenji Mori", "kenji@aoyama.example", "Aoyama Trading"),
    _Somebody(PersonRole.REPRESENTATIVE, "Ravi Patel", "ravi@holdline.example", zone="Europe/London", lines=_ALL, teams=("support", "engineering")),
    _Somebody(PersonRole.REPRESENTATIVE, "Mei Lin", "mei@holdline.example", zone="Europe/Paris", lines=("expense", "travel"), teams=("support", "configuration")),
    _Somebody(PersonRole.SUPERVISOR, "Inês Costa", "ines@holdline.example", zone="Europe/Lisbon", lines=_ALL, teams=("support", "success")),
    _Somebody(PersonRole.ADMINISTRATOR, "Ada Novak", "ada@holdline.example", zone="Europe/Prague"),
)  # fmt: skip

PASSWORD: Final = "Try-Holdline-1"

# The sign-ins that are printed at the start: one of each kind, and the second contact for a second browser.
SIGN_INS: Final = tuple(
    SignIn(role, email, PASSWORD)
    for role, email in (
        ("Customer", "claire@nordwind.example"),
        ("Representative", "ravi@holdline.example"),
        ("Supervisor", "ines@holdline.example"),
        ("Administrator", "ada@holdline.example"),
    )
)


class _Said(NamedTuple):
    """One line of a past conversation: by whom (a mail address), how long after the line before, and what."""

    by: str
    after: timedelta
    text: str


class _Past(NamedTuple):
    requester: str
    product: str
    subject: str
    description: str
    ago: timedelta
    said: tuple[_Said, ...]
    solved: bool


_MINUTE: Final = timedelta(minutes=1)

_TICKETS: Final = (
    _Past(
        "claire@nordwind.example", "expense", "Receipt is shown upside down",
        "Photos taken with the new phones turn by 180 degrees once they are attached.", timedelta(days=12),
        (
            _Said("ravi@holdline.example", 3 * _MINUTE, "Hello Claire, does it happen with every photo or with portrait ones only?"),
            _Said("claire@nordwind.example", _MINUTE, "Only with portrait ones."),
            _Said("ravi@holdline.example", 4 * _MINUTE, "Thank you. It is corrected since this morning: please attach one of them again."),
            _Said("claire@nordwind.example", 2 * _MINUTE, "It works now, thank you!"),
        ), solved=True,
    ),
    _Past(
        "claire@nordwind.example", "travel", "Rail tickets ask for an approval they should not need",
        "Trips below 100 euros went through by themselves until last week.", timedelta(days=2),
        (
            _Said("mei@holdline.example", 6 * _MINUTE, "Hello Claire, I see the changed rule. The configuration team puts it back; you hear from us here."),
        ), solved=False,
    ),
    _Past(
        "haruka@aoyama.example", "invoice", "Supplier appears twice",
        "Yamanote Office K.K. is listed with two numbers since the import.", timedelta(days=5),
        (
            _Said("ravi@holdline.example", 9 * _MINUTE, "Hello Haruka, both entries are merged under the older number. Past invoices moved along."),
            _Said("haruka@aoyama.example", 12 * _MINUTE, "Confirmed, thank you."),
        ), solved=True,
    ),
)  # fmt: skip


async def seed(settings: Settings) -> bool:
    """Fill a new store; return False, and change nothing, when it has companies already."""
    services = bootstrap.build(settings, SystemClock())
    try:
        async with services.database.read() as connection:
            if (await connection.execute(select(func.count()).select_from(companies))).scalar_one():
                return False
        hashed = await Passwords().hash(PASSWORD)
        async with services.database.begin() as uow:
            people = await _add_people(uow, hashed)
            present = uow.now
            for past in _TICKETS:
                uow.now = present - past.ago
                await _add_ticket(services, uow, past, people)
        [administrator] = (who for who in people.values() if who.role is PersonRole.ADMINISTRATOR)
        for who in _PEOPLE:
            if who.teams:
                await services.tickets.set_teams(administrator, people[who.email].person, who.teams)
        return True
    finally:
        await services.redis.aclose()
        await services.database.close()


async def _add_people(uow: UnitOfWork, hashed: str) -> dict[str, Identity]:
    ids_of: dict[str | None, CompanyId | None] = {None: None}
    zones: dict[str | None, str] = {}
    for name, zone, country, region, always in _COMPANIES:
        company = ids.company_id()
        ids_of[name], zones[name] = company, zone
        await accounts.add_company(uow, company, name=name, zone=zone, country=country, region=region)
        if always:
            head = await coverage.head(uow.connection, company)
            assert head is not None, "the company has just been added"
            usual = await coverage.calendar(uow.connection, head)
            await coverage.save(uow, head, usual, msgspec.structs.replace(usual, always=True), by=SYSTEM)
    people = {}
    for who in _PEOPLE:
        person = ids.person_id()
        company_of = ids_of[who.company]
        await accounts.add_person(
            uow,
            NewPerson(
                person, company_of, who.role, who.name, who.email, email_key(who.email), "en", who.zone,
                authorised=who.role is PersonRole.CONTACT, company_admin=who.company_admin,
            ),
        )  # fmt: skip
        await accounts.set_password(uow, person, hashed, epoch=0)
        await _add_desk(uow, person, who)
        zone = who.zone or zones[who.company]
        people[who.email] = Identity(person, SessionId(""), who.role, who.name, company_of, "en", zone)
    return people


async def _add_desk(uow: UnitOfWork, person: PersonId, who: _Somebody) -> None:
    if who.lines:
        await routing.ensure_desk(uow, person)
        await uow.execute(insert(desk_lines), [{"person_id": person, "line": line} for line in who.lines])


async def _add_ticket(services: Services, uow: UnitOfWork, past: _Past, people: dict[str, Identity]) -> None:
    requester = people[past.requester]
    assert requester.company is not None
    opened = await tickets.open_ticket(
        uow,
        company=requester.company,
        requester=requester.person,
        product=past.product,
        subject=past.subject,
        description=past.description,
        impact={"environment": "production", "people": "some"},
        source="form",
        source_id=ids.new_id("demo"),
    )
    for number, said in enumerate(past.said):
        uow.now += said.after
        speaker = people[said.by]
        role = Role.STAFF if speaker.is_staff else Role.CUSTOMER
        await services.logbook.append_in(
            uow,
            Append(opened.log, speaker.person, speaker.name, role, f"demo-{number:04}", Kind.MESSAGE, words(said.text)),
        )
    owner = next(people[said.by].person for said in past.said if people[said.by].is_staff)
    changes: dict[str, object] = {"owner_id": owner, "reason": "malfunction", "environment": "production"}
    if past.solved:
        row = await tickets.load(uow.connection, opened.id)
        await tickets.move(uow, row, State.SOLVED, ended_at=uow.now)
    await uow.execute(update(ticket_table).where(ticket_table.c.id == opened.id).values(**changes, updated_at=uow.now))
