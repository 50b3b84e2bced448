"""The only place that wires concrete things: settings in, running services out. It holds no rule.

A web process runs everything; the worker leaves out the hub and the matchmaker.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chatsvc.accounts.actions import Accounts
from chatsvc.accounts.administration import Administration
from chatsvc.accounts.limits import Limits
from chatsvc.accounts.links import Claim, Links, Purpose
from chatsvc.accounts.model import PersonRole
from chatsvc.accounts.passwords import Passwords
from chatsvc.accounts.policy import OPERATOR, AccountRules
from chatsvc.accounts.queries import AccountQueries
from chatsvc.catalog.model import Catalog, load
from chatsvc.config import Settings
from chatsvc.conversations.actions import Conversations
from chatsvc.conversations.matchmaker import Matchmaker
from chatsvc.conversations.model import ConversationRules
from chatsvc.conversations.queries import Queries
from chatsvc.conversations.transcript import Transcripts
from chatsvc.conversations.urgency import Urgencies
from chatsvc.coverage.actions import Calendars
from chatsvc.coverage.queries import CoverageQueries
from chatsvc.db import store_clock, store_facts
from chatsvc.db.due import Agenda
from chatsvc.db.engine import Database
from chatsvc.db.uow import Bell
from chatsvc.files.actions import Files
from chatsvc.hub.broker_redis import RedisBroker
from chatsvc.hub.doors import Doors
from chatsvc.hub.handshake import Gate
from chatsvc.hub.herald import Herald
from chatsvc.hub.hub import Hub
from chatsvc.hub.rules import Rules
from chatsvc.kernel import failpoints
from chatsvc.kernel.clock import Clock, SystemClock
from chatsvc.kernel.errors import Refused
from chatsvc.keyspace import keys, redis
from chatsvc.keyspace.counters import RedisCounters
from chatsvc.keyspace.doorbell import Doorbell
from chatsvc.notifications.clerk import Clerk
from chatsvc.notifications.compose import RESET_PATH, Composer
from chatsvc.notifications.mailer_smtp import SMTPMailer
from chatsvc.notifications.queries import Mailbox
from chatsvc.notifications.quiet import QuietLinks
from chatsvc.notifications.sender import OutboxSender
from chatsvc.replies.actions import Replies
from chatsvc.reports.actions import Reports
from chatsvc.requests.actions import Requests
from chatsvc.tickets.actions import Tickets
from chatsvc.tickets.clock_keeping import Clocks
from chatsvc.tickets.clock_plans import Plans
from chatsvc.tickets.feeds import Feeds
from chatsvc.tickets.fresh_words import FreshWords
from chatsvc.tickets.letters import TicketLetters
from chatsvc.tickets.logbook import LogBook
from chatsvc.tickets.policy import TicketRules

logger = logging.getLogger(__name__)

CLOCK_CHECK = timedelta(seconds=60)


class _Reading:
    """What the hub may show, asked of the rooms that know."""

    def __init__(self, logbook: LogBook, tickets: Tickets, queries: Queries) -> None:
        self.opening = logbook.opening
        self.reach = tickets.reach
        self.attached = tickets.attached
        self.visits = queries.visits
        self.desks = queries.desks
        self.whole_line = queries.whole_line
        self.line_counts = queries.line_counts


@dataclass(kw_only=True)
class Services:
    """Everything that doors, worker and commands call. Made by ``start``, given back by ``close``."""

    settings: Settings
    clock: Clock
    database: Database
    redis: Any
    catalog: Catalog
    accounts: Accounts
    administration: Administration
    # How often something may be tried.
    limits: Limits
    # Whose hours are which; who is served when is asked of ``chatsvc.coverage.policy``.
    coverage: CoverageQueries
    calendars: Calendars
    files: Files
    logbook: LogBook
    tickets: Tickets
    requests: Requests
    replies: Replies
    reports: Reports
    conversations: Conversations
    queries: Queries
    # The response clocks of tickets, and the plans they are measured by; and how urgent they are, as people see it.
    clocks: Clocks
    plans: Plans
    urgencies: Urgencies
    # Sends what the outbox holds; run by the worker.
    sender: OutboxSender
    # What would have been mailed; None when there is a mail server.
    mailbox: Mailbox | None
    doorbell: Doorbell
    # What time brings, besides mails: each may run late, twice, and in several processes at once.
    sweeps: tuple[Callable[[], Awaitable[object]], ...]
    # What is due as rows; rooms above may have an agenda of their own for their kinds.
    agenda: Agenda
    # The links in mails that ask for no more of them about a ticket.
    quiet: QuietLinks
    # The calendars of people's own tickets.
    feeds: Feeds
    # None in processes without sockets; those have a herald, who tells the hubs of the others.
    hub: Hub | None = None
    herald: Herald | None = None
    matchmaker: Matchmaker | None = None
    _tasks: tuple[asyncio.Task[None], ...] = ()

    def publish(self, bells: Sequence[Bell]) -> None:
        """Pass the bells of a commit on: to sockets, to the matchmaker, to the worker."""
        if self.hub is not None:
            self.hub.ring(bells)
        if self.herald is not None:
            self.herald.ring(bells)
        if self.matchmaker is not None:
            self.matchmaker.hear(bells)
        if any(bell.topic == "outbox" for bell in bells):
            self.doorbell.ring()

    async def close(self) -> None:
        """Stop in order: see people out, finish commits, give connections back."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.hub is not None:
            await self.hub.drain()
        if self.matchmaker is not None:
            await self.matchmaker.close()
        await self.reports.close()
        await self.logbook.close()
        if self.hub is not None:
            await self.hub.close()
        if self.herald is not None:
            await self.herald.close()
        await self.doorbell.close()
        await self.redis.aclose()
        await self.database.close()


def _account_rules(settings: Settings) -> AccountRules:
    return AccountRules(
        contact_idle=timedelta(hours=settings.contact_idle_hours),
        contact_session=timedelta(hours=settings.contact_session_hours),
        staff_idle=timedelta(hours=settings.staff_idle_hours),
        staff_session=timedelta(hours=settings.staff_session_hours),
    )


def build(settings: Settings, clock: Clock) -> Services:
    """Make the services of a process without starting anything; the database and Redis are not asked yet."""
    database = Database(settings.database_url, clock)
    client = redis.connect(settings.redis_url)
    limits = Limits(RedisCounters(client, clock), clock)
    passwords, links, rules = Passwords(), Links(settings.secret_key), _account_rules(settings)
    catalog = load(settings.catalog_path)
    files = Files(database, settings.data_dir / "files", most_bytes=settings.max_file_bytes)
    logbook = LogBook(database)
    conversation_rules = ConversationRules.of(settings)
    tickets = Tickets(database, logbook, files, TicketRules())
    requests = Requests(database, catalog, logbook, files, secret=settings.secret_key)
    reports = Reports(database, settings.data_dir / "reports", AccountQueries(database))
    coverage = CoverageQueries(database)
    clocks = Clocks(database, logbook, catalog, coverage, TicketRules())
    conversations = Conversations(database, logbook, catalog, conversation_rules, files, clocks)
    quiet = QuietLinks(settings.secret_key)
    clerk = Clerk(
        composer=Composer(
            base_url=settings.base_url,
            mail_from=settings.mail_from,
            links=links,
            rules=rules,
            lines={line.key: line.name for line in catalog.lines},
            quiet=quiet,
        ),
        accounts=AccountQueries(database),
        read_transcript=Transcripts(database).read,
        read_ticket=TicketLetters(database, TicketRules()).read,
    )
    mailer = SMTPMailer(settings.smtp_url) if settings.smtp_url else None
    agenda = Agenda(database, tickets.handlers())
    services = Services(
        settings=settings,
        clock=clock,
        database=database,
        redis=client,
        catalog=catalog,
        accounts=Accounts(database=database, passwords=passwords, links=links, limits=limits, rules=rules),
        administration=Administration(database=database, passwords=passwords, limits=limits, rules=rules),
        limits=limits,
        coverage=coverage,
        calendars=Calendars(database),
        files=files,
        logbook=logbook,
        tickets=tickets,
        requests=requests,
        replies=Replies(database, catalog),
        reports=reports,
        conversations=conversations,
        queries=conversations.queries,
        clocks=clocks,
        plans=Plans(clocks),
        urgencies=Urgencies(database, clocks),
        sender=OutboxSender(database=database, clerk=clerk, mailer=mailer),
        mailbox=None if mailer else Mailbox(database, clerk),
        doorbell=Doorbell(client),
        quiet=quiet,
        feeds=Feeds(database, settings.secret_key, settings.base_url, TicketRules()),
        agenda=agenda,
        sweeps=(
            agenda.sweep,
            conversations.sweep,
            clocks.sweep,
            FreshWords(database, TicketRules()).sweep,
            _at_most_every(timedelta(minutes=1), tickets.sweep, clock),
            _at_most_every(timedelta(hours=1), files.sweep, clock),
            reports.sweep,
            _at_most_every(timedelta(hours=1), reports.tidy, clock),
            _at_most_every(timedelta(hours=1), requests.sweep, clock),
        ),
    )
    database.publish = services.publish
    return services


async def add_administrator(settings: Settings, *, email: str, name: str) -> str:
    """Add an administrator and return the link that sets their password: the way into a store without a demonstration (T38).

    Raises:
        Conflict: ``email.taken``.
        Invalid: the address or the name.
        Unavailable: the database cannot be reached, or is not migrated.
    """
    clock = SystemClock()
    services = build(settings, clock)
    try:
        await _keep_in_step(services.database, clock)
        person = await services.administration.add_staff(
            OPERATOR, role=PersonRole.ADMINISTRATOR, name=name, email=email
        )
        claim = Claim(person, epoch=0)
        token = Links(settings.secret_key).make(Purpose.FIRST_SIGN_IN, claim, at=services.clock.now())
        return settings.base_url + RESET_PATH.format(token=token)
    finally:
        await services.doorbell.close()
        await services.redis.aclose()
        await services.database.close()


def _at_most_every(
    gap: timedelta, duty: Callable[[], Awaitable[object]], clock: Clock
) -> Callable[[], Awaitable[object]]:
    """Return the duty for rounds that come more often than it needs to be done."""
    due_at = clock.now()

    async def when_due() -> None:
        nonlocal due_at
        if clock.now() >= due_at:
            due_at = clock.now() + gap
            await duty()

    return when_due


async def start(settings: Settings, *, sockets: bool = True, clock: Clock | None = None) -> Services:
    """Build and start the services of a process.

    Args:
        settings: read once.
        sockets: whether this process serves people and matches lines; the worker does not.
        clock: None for the machine's, kept in step with the store's.

    Raises:
        Unavailable: the database cannot be reached.
    """
    failpoints.arm(settings.fail_points)
    machine_clock = SystemClock(settings.clock_offset)
    services = build(settings, clock or machine_clock)
    tasks = []
    if clock is None:
        await _keep_in_step(services.database, machine_clock)
        tasks.append(asyncio.create_task(_stay_in_step(services.database, machine_clock), name="clock"))
    services.logbook.start()
    if sockets:
        await _open(services)
    else:
        await _tell_hubs(services)
        # What guesses languages weighs 125 MB, so that web processes never load it.
        from chatsvc.conversations.english import EnglishHints

        hints = EnglishHints(services.database, services.logbook)
        services.sweeps = (*services.sweeps, hints.sweep)
    services._tasks = tuple(tasks)
    return services


async def _open(services: Services) -> None:
    settings = services.settings
    doors = Doors(
        sessions=services.accounts,
        logs=services.logbook,
        reading=_Reading(services.logbook, services.tickets, services.queries),
        deeds=services.conversations,
    )
    store = await store_facts.epoch(services.database)
    services.hub = Hub(
        doors,
        RedisBroker(settings.redis_url, keys.news(store)),
        store=store,
        clock=services.clock,
        gate=Gate.of(settings),
        rules=Rules.of(settings),
    )
    services.matchmaker = Matchmaker(services.conversations)
    services.logbook.on_stored = services.hub.stored
    await services.hub.start()
    services.matchmaker.start()


async def _tell_hubs(services: Services) -> None:
    settings = services.settings
    channel = keys.news(await store_facts.epoch(services.database))
    services.herald = Herald(RedisBroker(settings.redis_url, channel, listens=False), Rules.of(settings))
    services.logbook.on_stored = services.herald.stored
    await services.herald.start()


async def _keep_in_step(database: Database, clock: SystemClock) -> None:
    before = clock.now()
    moment = await store_clock.now(database)
    if moment is not None:
        # Half of the question's own time has passed since the store read its clock.
        moved = clock.set_to(moment + (clock.now() - before) / 2)
        if abs(moved) > timedelta(seconds=1):
            logger.warning("clock_moved", extra={"seconds": moved.total_seconds()})


async def _stay_in_step(database: Database, clock: SystemClock) -> None:
    while True:
        await asyncio.sleep(CLOCK_CHECK.total_seconds())
        with contextlib.suppress(Refused):
            await _keep_in_step(database, clock)
