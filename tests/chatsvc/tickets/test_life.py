"""The life of a ticket, by the numbers of its requirements (T1 to T10, V2, R15, R20)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from icalendar import Calendar
from sqlalchemy import insert, select, update

from chatsvc.accounts.model import Identity
from chatsvc.db.due import Agenda
from chatsvc.db.engine import Database
from chatsvc.db.outbox import outbox
from chatsvc.files.actions import Files
from chatsvc.kernel.clock import ManualClock
from chatsvc.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from chatsvc.kernel.machine import IllegalTransition
from chatsvc.tickets import queries, store, views
from chatsvc.tickets.actions import Tickets
from chatsvc.tickets.feeds import Feeds, Wording
from chatsvc.tickets.fresh_words import FreshWords
from chatsvc.tickets.logbook import LogBook
from chatsvc.tickets.model import BulkChange, Entry, Fields, Filters, State, Undoable, View
from chatsvc.tickets.policy import TicketRules
from chatsvc.tickets.queries import TicketView
from chatsvc.tickets.severity_tables import tracks
from chatsvc.tickets.store import Opened
from chatsvc.tickets.tables import ticket_numbers
from tests.builders import a_contact, a_representative, a_supervisor, a_ticket

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


class Desk:
    """Claire's ticket, her colleague Jan, and Ravi who works on it."""

    def __init__(self, database: Database, logbook: LogBook, folder: Path) -> None:
        self.database = database
        self.act = Tickets(database, logbook, Files(database, folder, most_bytes=1_000), TicketRules())
        self.agenda = Agenda(database, self.act.handlers())
        self.feeds = Feeds(database, "a secret of the tests", "https://desk.example", TicketRules())

    async def open(self) -> None:
        self.claire: Identity = await a_contact(self.database)
        self.jan = await a_contact(self.database, self.claire.company, name="Jan Kowalski")
        self.ravi = await a_representative(self.database)
        self.ticket: Opened = await a_ticket(self.database, self.claire)

    async def seen(self, who: Identity | None = None, number: int | None = None) -> TicketView:
        return await self.act.view(who or self.claire, number or self.ticket.number)

    async def entries(self, ticket: Opened | None = None) -> list[Entry]:
        return list(await self.act.logbook.since((ticket or self.ticket).log, 0))

    async def kinds(self) -> list[str]:
        return [entry.kind for entry in await self.entries()]

    async def body(self) -> dict[str, Any]:
        """What the last entry of the log says."""
        body: dict[str, Any] = msgspec.json.decode((await self.entries())[-1].body)
        return body

    async def says(self, who: Identity, text: str = "hello") -> None:
        await self.act.say(who, self.ticket.log, key=f"key-{len(await self.entries()):05}", text=text)

    async def time_passes(self, by: timedelta, clock: ManualClock) -> None:
        clock.advance(by)
        await self.agenda.sweep()
        await self.act.sweep()

    async def numbers(self, who: Identity, view: View, **filters: Any) -> list[int]:
        found = await self.act.listed(who, view, filters=Filters(**filters))
        return [line.number for line in found.tickets]

    async def finds(self, who: Identity, text: str) -> list[int]:
        found = await self.act.requests(who, filters=Filters(text=text))
        return [line.number for line in found.tickets]

    async def mails(self) -> list[str]:
        async with self.database.read() as connection:
            rows = await connection.execute(select(outbox.c.kind).order_by(outbox.c.kind))
            return [kind.removeprefix("mail.ticket_") for kind in rows.scalars()]


@pytest.fixture
async def desk(database: Database, tmp_path: Path) -> AsyncIterator[Desk]:
    logbook = LogBook(database)
    logbook.start()
    desk = Desk(database, logbook, tmp_path / "files")
    await desk.open()
    yield desk
    await logbook.close()


# Teams, T1 and T2 -----------------------------------------------------------------------------------------------------


async def test_t1_customer_sees_team_last_update_what_is_needed_and_the_solution(
    desk: Desk, clock: ManualClock
) -> None:
    clock.advance(60)
    await desk.act.hand_over(desk.ravi, desk.ticket.id, team="engineering", note="Looks like the cache.")
    handed = await desk.seen()
    handed_body = await desk.body()
    await desk.act.ask(desk.ravi, desk.ticket.id, needed="Which browser?")
    asked = await desk.seen()
    await desk.act.mark_solved(desk.ravi, desk.ticket.id, solution="Clear the cache.")
    solved = await desk.seen()

    assert (handed.team, handed.updated_at, handed.notes_log) == ("engineering", clock.now(), None)
    assert handed_body == {"team": "engineering", "before": "support"}
    assert asked.needed == "Which browser?"
    assert (solved.needed, solved.solution, solved.solution_at) == (None, "Clear the cache.", clock.now())
    notes = await desk.act.logbook.since(desk.ticket.notes_log, 0)
    assert [msgspec.json.decode(note.body)["text"] for note in notes] == ["Looks like the cache."]
    assert b"cache" not in b"".join(bytes(entry.body) for entry in (await desk.entries())[:2])


async def test_t2_customer_sees_who_works_on_it_and_talks_with_them(desk: Desk) -> None:
    await desk.act.assign(desk.ravi, desk.ticket.id, desk.ravi.person)
    await desk.says(desk.ravi)
    await desk.says(desk.claire)

    assert (await desk.seen()).owner == "Ravi Patel"
    assert await desk.kinds() == ["owner", "message", "message"]


async def test_work_is_given_only_to_those_who_work_here(desk: Desk) -> None:
    with pytest.raises(NotFound):
        await desk.act.assign(desk.ravi, desk.ticket.id, desk.jan.person)
    for attempt in (
        desk.act.assign(desk.claire, desk.ticket.id, None),
        desk.act.hand_over(desk.claire, desk.ticket.id, team="support"),
        desk.act.ask(desk.claire, desk.ticket.id, needed="money"),
        desk.act.link_incident(desk.claire, desk.ticket.id, "17"),
        desk.act.merge(desk.claire, desk.ticket.id, into=desk.ticket.number),
        desk.act.bulk(desk.claire, [desk.ticket.number], BulkChange(team="success")),
        desk.act.listed(desk.claire, View.MINE),
    ):
        with pytest.raises(NotAllowed):
            await attempt


# My requests, T6 ------------------------------------------------------------------------------------------------------


async def test_t6_my_requests_lists_what_was_opened_and_what_is_followed(desk: Desk) -> None:
    own = await a_ticket(desk.database, desk.jan)
    await desk.act.follow(desk.claire, desk.ticket.id, desk.jan.person)

    async def listed(**filters: Any) -> list[int]:
        found = await desk.act.requests(desk.jan, filters=Filters(**filters))
        return [line.number for line in found.tickets]

    assert await listed() == [own.number, desk.ticket.number]
    assert await listed(own=True) == [own.number]
    assert await listed(followed=True) == [desk.ticket.number]
    await desk.act.unfollow(desk.jan, desk.ticket.id)
    assert await listed() == [own.number]


async def test_t6_only_colleagues_can_follow_and_only_authorised_ones(desk: Desk) -> None:
    stranger = await a_contact(desk.database)
    leaver = await a_contact(desk.database, desk.claire.company, name="Leaver", authorised=False)
    for person in (stranger.person, leaver.person, desk.ravi.person):
        with pytest.raises(NotFound):
            await desk.act.follow(desk.claire, desk.ticket.id, person)
    with pytest.raises(NotFound):
        await desk.act.follow(desk.jan, desk.ticket.id)

    assert [each.name for each in await desk.act.candidates(desk.claire, desk.ticket.id)] == ["Jan Kowalski"]
    assert await desk.act.followers(desk.claire, desk.ticket.id) == ()


async def test_t6_colleagues_read_all_tickets_where_their_company_wishes_so(desk: Desk) -> None:
    assert desk.claire.company is not None
    admin = msgspec.structs.replace(desk.claire, company_admin=True)
    stranger = await a_contact(desk.database)
    with pytest.raises(NotFound):
        await desk.seen(desk.jan)
    with pytest.raises(NotAllowed):
        await desk.act.show_colleagues(desk.jan, desk.claire.company, shown=True)

    await desk.act.show_colleagues(admin, desk.claire.company, shown=True)

    assert (await desk.seen(desk.jan)).own is False
    assert (await desk.act.reach(desk.jan, desk.ticket.log)).ticket == desk.ticket.id
    await desk.act.follow(desk.jan, desk.ticket.id)
    with pytest.raises(NotFound):
        await desk.seen(stranger)


# States, T7 to T10 ----------------------------------------------------------------------------------------------------


async def test_t7_t8_awaiting_says_what_is_needed_until_the_customer_answers(desk: Desk, clock: ManualClock) -> None:
    closes_at = await desk.act.ask(desk.ravi, desk.ticket.id, needed="Which browser?")
    waits = await desk.seen()
    clock.advance(29 * DAY)
    await desk.says(desk.claire)
    answered = await desk.seen()
    await desk.time_passes(60 * DAY, clock)

    assert (waits.state, waits.needed, waits.closes_at) == (State.AWAITING, "Which browser?", closes_at)
    assert (answered.state, answered.needed, answered.closes_at) == (State.OPEN, None, None)
    assert (await desk.seen()).state is State.OPEN


async def test_t8_without_an_answer_it_closes_after_thirty_days_and_not_before(desk: Desk, clock: ManualClock) -> None:
    await desk.act.ask(desk.ravi, desk.ticket.id, needed="Which browser?")
    await desk.time_passes(30 * DAY - SECOND, clock)
    before = await desk.seen()
    await desk.time_passes(SECOND, clock)
    after = await desk.seen()

    assert (before.state, after.state, after.ended_at) == (State.AWAITING, State.CLOSED, clock.now())
    assert await desk.body() == {"why": "silence"}


async def test_t8_r15_downtime_over_the_deadline_closes_once_with_one_mail(desk: Desk, clock: ManualClock) -> None:
    await desk.act.ask(desk.ravi, desk.ticket.id, needed="Which browser?")
    clock.advance(90 * DAY)
    await asyncio.gather(*(desk.agenda.sweep() for _ in range(3)))

    assert await desk.kinds() == ["asked", "closed"]
    assert await desk.mails() == ["closed", "needs_you"]


async def test_t8_asking_again_begins_the_thirty_days_anew(desk: Desk, clock: ManualClock) -> None:
    await desk.act.ask(desk.ravi, desk.ticket.id, needed="Which browser?")
    await desk.time_passes(29 * DAY, clock)
    await desk.act.ask(desk.ravi, desk.ticket.id, needed="And which version?")
    await desk.time_passes(29 * DAY, clock)

    assert (await desk.seen()).needed == "And which version?"


async def test_t9_seven_days_count_from_the_later_of_solved_and_closed(desk: Desk, clock: ManualClock) -> None:
    await desk.act.mark_solved(desk.claire, desk.ticket.id)
    await desk.time_passes(6 * DAY, clock)
    await desk.act.close(desk.claire, desk.ticket.id)
    await desk.time_passes(7 * DAY, clock)
    assert (await desk.seen()).may_reopen

    await desk.act.reopen(desk.claire, desk.ticket.id)

    assert await desk.kinds() == ["solved", "closed", "reopened"]


async def test_t9_after_seven_days_comments_are_refused_at_once_and_a_follow_up_is_one_click(
    desk: Desk, clock: ManualClock
) -> None:
    await desk.act.follow(desk.claire, desk.ticket.id, desk.jan.person)
    await desk.act.mark_solved(desk.claire, desk.ticket.id)
    with pytest.raises(Conflict):
        await desk.act.follow_up(desk.claire, desk.ticket.id)
    clock.advance(7 * DAY + timedelta(microseconds=1))
    # No sweep has come yet: the moment alone decides.
    with pytest.raises(NotAllowed):
        await desk.says(desk.claire)
    with pytest.raises(NotAllowed):
        await desk.act.reopen(desk.claire, desk.ticket.id)

    numbers = await asyncio.gather(*(desk.act.follow_up(desk.claire, desk.ticket.id) for _ in range(3)))

    new, old = await desk.seen(number=numbers[0]), await desk.seen()
    assert len(set(numbers)) == 1
    assert (new.follows, old.followed_up_by) == (old.number, new.number)
    assert (new.state, new.severity, new.subject, new.source) == (State.OPEN, "P3", old.subject, "follow_up")  # V2
    assert (await desk.seen(desk.jan, new.number)).following


async def test_t9_word_in_time_opens_a_closed_ticket_again(desk: Desk, clock: ManualClock) -> None:
    await desk.act.close(desk.claire, desk.ticket.id)
    clock.advance(7 * DAY)
    await desk.says(desk.claire)

    assert (await desk.seen()).state is State.OPEN
    assert await desk.kinds() == ["closed", "message", "reopened"]


async def test_t10_both_sides_mark_as_solved_and_only_open_and_awaiting_ones(desk: Desk) -> None:
    await desk.act.ask(desk.ravi, desk.ticket.id, needed="Which browser?")
    may = (await desk.seen()).may_solve
    await desk.act.mark_solved(desk.claire, desk.ticket.id)

    assert (may, (await desk.seen()).may_solve) == (True, False)
    with pytest.raises(IllegalTransition):
        await desk.act.ask(desk.ravi, desk.ticket.id, needed="more")


async def test_staff_change_of_the_state_field_is_the_same_as_the_action(desk: Desk, clock: ManualClock) -> None:
    view = await desk.seen(desk.ravi)
    fields = Fields(view.subject, view.product, "configuration", None, None, "P3", State.CLOSED)
    await desk.act.change(desk.ravi, desk.ticket.id, fields, version=view.version)
    await desk.time_passes(8 * DAY, clock)

    seen = await desk.seen()
    assert (seen.state, seen.may_reopen, seen.may_follow_up) == (State.CLOSED, False, True)
    assert await desk.kinds() == ["team", "closed"]


async def test_t8_no_field_makes_a_ticket_wait_without_saying_for_what(desk: Desk) -> None:
    view = await desk.seen(desk.ravi)
    fields = Fields(view.subject, view.product, view.team, None, None, "P3", State.AWAITING)
    with pytest.raises(Invalid, match="required") as refused:
        await desk.act.change(desk.ravi, desk.ticket.id, fields, version=view.version)
    await desk.act.ask(desk.ravi, desk.ticket.id, needed="Which browser?")
    asked = await desk.seen(desk.ravi)
    await desk.act.change(desk.ravi, desk.ticket.id, fields, version=asked.version)

    assert refused.value.field == "needed"
    assert await desk.kinds() == ["asked"]
    assert (await desk.seen()).needed == "Which browser?"


# Duplicates and incidents ---------------------------------------------------------------------------------------------


async def test_duplicate_goes_on_in_the_other_ticket_with_its_readers(desk: Desk) -> None:
    duplicate = await a_ticket(desk.database, desk.jan)
    await desk.act.merge(desk.ravi, duplicate.id, into=desk.ticket.number)

    merged = await desk.seen(desk.jan, duplicate.number)
    assert (merged.state, merged.merged_into) == (State.CLOSED, desk.ticket.number)
    assert (merged.may_comment, merged.may_reopen, merged.may_follow_up) == (False, False, False)
    assert (await desk.seen(desk.jan)).following
    assert [entry.kind for entry in await desk.entries(duplicate)] == ["merged", "closed"]
    assert await desk.body() == {"number": duplicate.number}
    with pytest.raises(NotAllowed):
        await desk.act.say(desk.jan, duplicate.log, key="key-00001", text="hello")
    with pytest.raises(Conflict):
        await desk.act.merge(desk.ravi, duplicate.id, into=desk.ticket.number)


async def test_t6_a_duplicate_is_over_at_once_and_names_where_it_goes_on(desk: Desk) -> None:
    duplicate = await a_ticket(desk.database, desk.claire)
    await desk.act.merge(desk.ravi, duplicate.id, into=desk.ticket.number)

    current = await desk.act.requests(desk.claire, filters=Filters(ended_since=desk.act.ended_lately))
    over = await desk.act.requests(desk.claire, filters=Filters(states=(State.CLOSED,)))

    assert [line.number for line in current.tickets] == [desk.ticket.number]
    assert [(line.number, line.merged_into) for line in over.tickets] == [(duplicate.number, desk.ticket.number)]
    assert (await desk.act.counts(desk.claire)).current == 1


async def test_r20_tickets_of_two_companies_are_never_merged(desk: Desk) -> None:
    other = await a_ticket(desk.database, await a_contact(desk.database))

    with pytest.raises(Conflict) as refused:
        await desk.act.merge(desk.ravi, other.id, into=desk.ticket.number)

    assert refused.value.key == "merge.other_company"


async def test_ticket_carries_the_number_of_its_incident(desk: Desk) -> None:
    await desk.act.link_incident(desk.ravi, desk.ticket.id, " INC-2026-17 ")

    assert (await desk.seen()).incident == "INC-2026-17"
    assert await desk.numbers(desk.ravi, View.OPEN, incident="INC-2026-17") == [desk.ticket.number]
    with pytest.raises(Invalid):
        await desk.act.link_incident(desk.ravi, desk.ticket.id, "<b>")


# Many at once ---------------------------------------------------------------------------------------------------------


async def test_bulk_change_is_taken_back_within_ten_seconds_with_its_mails(desk: Desk, clock: ManualClock) -> None:
    other = await a_ticket(desk.database, desk.claire)
    await desk.act.ask(desk.ravi, other.id, needed="Which browser?")
    change = BulkChange(team="engineering", owner=desk.ravi.person, state=State.SOLVED)
    result = await desk.act.bulk(desk.ravi, [desk.ticket.number, other.number, 9_999], change)
    solved = await desk.seen()
    clock.advance(9)

    assert (solved.state, solved.team, solved.owner) == (State.SOLVED, "engineering", "Ravi Patel")
    assert (result.done, result.refused) == ((desk.ticket.number, other.number), {9_999: "ticket.not_found"})
    assert await desk.act.undoable(desk.ravi, result.id) == Undoable(result.id, 2, result.undo_until)
    assert await desk.act.undo(desk.ravi, result.id)
    assert await desk.act.undoable(desk.ravi, result.id) is None
    back, waits = await desk.seen(), await desk.seen(number=other.number)
    assert (back.state, back.team, back.owner, back.ended_at) == (State.OPEN, "support", None, None)
    assert (waits.state, waits.needed) == (State.AWAITING, "Which browser?")
    assert await desk.mails() == ["needs_you"]
    await desk.time_passes(30 * DAY, clock)
    assert (await desk.seen(number=other.number)).state is State.CLOSED


async def test_bulk_change_cannot_be_taken_back_later_or_over_what_came_since(desk: Desk, clock: ManualClock) -> None:
    result = await desk.act.bulk(desk.ravi, [desk.ticket.number], BulkChange(team="engineering"))
    await desk.act.assign(desk.ravi, desk.ticket.id, desk.ravi.person)

    assert await desk.act.undoable(desk.claire, result.id) is None
    assert not await desk.act.undo(desk.ravi, result.id)
    later = await desk.act.bulk(desk.ravi, [desk.ticket.number], BulkChange(team="support"))
    clock.advance(11)
    assert await desk.act.undoable(desk.ravi, later.id) is None
    with pytest.raises(NotAllowed):
        await desk.act.undo(desk.ravi, later.id)


# Views and search -----------------------------------------------------------------------------------------------------


async def test_views_are_what_they_are_called(desk: Desk, clock: ManualClock) -> None:
    supervisor = await a_supervisor(desk.database)
    mine, teams, over = [await a_ticket(desk.database, desk.claire) for _ in range(3)]
    await desk.act.assign(desk.ravi, mine.id, desk.ravi.person)
    await desk.act.hand_over(desk.ravi, teams.id, team="engineering")
    await desk.act.mark_solved(desk.ravi, over.id)
    await desk.act.set_teams(supervisor, desk.ravi.person, ["engineering"])
    async with desk.database.begin() as uow:
        for ticket, hours, broken in ((desk.ticket, 5, False), (mine, -1, True), (teams, 2, False)):
            await uow.execute(
                insert(tracks).values(
                    ticket_id=ticket.id, number=ticket.number, head=0, version=1, track={}, seen_at=uow.now,
                    kept_at=uow.now, due_at=uow.now + timedelta(hours=hours), breached=broken, watched=True,
                )
            )  # fmt: skip

    first = desk.ticket.number
    assert await desk.numbers(desk.ravi, View.MINE) == [mine.number]
    assert await desk.numbers(desk.ravi, View.MY_TEAM) == [teams.number]
    assert await desk.numbers(desk.ravi, View.UNASSIGNED) == [teams.number, first]
    assert await desk.numbers(desk.ravi, View.DUE) == [mine.number, teams.number, first]
    assert await desk.numbers(desk.ravi, View.BREACHED) == [mine.number]
    assert await desk.numbers(desk.ravi, View.OPEN, teams=("support",)) == [mine.number, first]
    assert await desk.act.view_counts(desk.ravi) == {
        View.MINE: 1, View.MY_TEAM: 1, View.UNASSIGNED: 2, View.DUE: 3, View.BREACHED: 1, View.OPEN: 3,
    }  # fmt: skip


async def test_a_count_goes_no_further_than_one_more_than_it_shows(desk: Desk) -> None:
    for _ in range(3):
        await a_ticket(desk.database, desk.claire)

    async with desk.database.read() as connection:
        found = [(await views.counts(connection, desk.ravi, most=most))[View.OPEN] for most in (2, 3, 4)]

    assert found == [3, 4, 4]


@pytest.mark.parametrize("view", [View.OPEN, View.DUE])
async def test_pages_of_a_view_neither_skip_nor_repeat(desk: Desk, view: View) -> None:
    for _ in range(26):
        ticket = await a_ticket(desk.database, desk.claire)
        async with desk.database.begin() as uow:
            await uow.execute(
                insert(tracks).values(
                    ticket_id=ticket.id, number=ticket.number, head=0, version=1, track={}, seen_at=uow.now,
                    kept_at=uow.now, due_at=uow.now, breached=False, watched=True,
                )
            )  # fmt: skip

    first = await desk.act.listed(desk.ravi, view)
    second = await desk.act.listed(desk.ravi, view, after=first.next)
    numbers = [line.number for line in first.tickets + second.tickets]

    assert len(numbers) == len(set(numbers)) == (27 if view is View.OPEN else 26)
    assert second.next is None
    with pytest.raises(Invalid):
        await desk.act.listed(desk.ravi, view, after="1; drop table tickets")


async def test_t6_search_finds_own_words_in_every_writing(desk: Desk) -> None:
    subjects = {
        "zh": "报销单无法提交", "ja": "報告書を提出できません", "ko": "보고서 제출이 안 됩니다",
        "fr": "Échoué : réservation", "de": "Überweisung hängt", "pt": "Relatório não abre",
    }  # fmt: skip
    made = {key: (await a_ticket(desk.database, desk.claire, subject=text)).number for key, text in subjects.items()}
    sought = {
        "zh": ("报销", "销单", "提交"), "ja": ("提出", "報告書"), "ko": ("제출", "보고서"),
        "fr": ("echoue", "Réservation", "réserv"), "de": ("uberweisung", "HÄNGT"), "pt": ("relatorio", "nao abre"),
    }  # fmt: skip

    for key, words in sought.items():
        for word in words:
            assert await desk.finds(desk.claire, word) == [made[key]], word
    assert await desk.finds(desk.claire, "单销") == []
    assert await desk.finds(desk.claire, str(made["de"])) == [made["de"]]
    assert await desk.finds(desk.claire, "\"' AND * ( :") == []
    assert await desk.finds(desk.ravi, "überweisung") == [made["de"]]


@pytest.mark.parametrize("who", ["claire", "ravi"])
async def test_t6_search_finds_the_newest_first_however_long_ago(desk: Desk, who: str) -> None:
    # Many numbers lie between the first and the second, and between the second and the third.
    numbers = [desk.ticket.number]
    for _ in range(2):
        async with desk.database.begin() as uow:
            await uow.execute(update(ticket_numbers).values(last=ticket_numbers.c.last + 20_000))
        numbers.append((await a_ticket(desk.database, desk.claire, subject="Report again")).number)
    reader = getattr(desk, who)

    assert await desk.finds(reader, "report") == numbers[::-1]
    assert [await desk.finds(reader, str(number)) for number in numbers] == [[number] for number in numbers]
    before = await desk.act.requests(reader, before=numbers[2], filters=Filters(text="rep", states=(State.OPEN,)))
    assert [line.number for line in before.tickets] == numbers[1::-1]
    async with desk.database.read() as connection:
        page = await queries.requests(connection, reader, filters=Filters(text="report"), limit=2)
        # Among the newest one only, or the newest two, there are not enough of them.
        for walked in (1, 2):
            rows = await queries.newest(connection, reader, Filters(text="report"), before=None, limit=3, walked=walked)
            assert [queries.line(row).number for row in rows] == numbers[::-1]
    assert ([line.number for line in page.tickets], page.older) == (numbers[:0:-1], numbers[1])
    assert await desk.numbers(desk.ravi, View.OPEN, text="report") == numbers[::-1]


async def test_t6_search_finds_what_both_sides_have_said(desk: Desk, clock: ManualClock) -> None:
    await desk.says(desk.claire, "登录页面是空白的, depuis hier")
    await desk.says(desk.ravi, "보고서를 다시 여세요; 報告書も")
    assert await desk.finds(desk.claire, "登录") == []  # not before anybody looks
    await desk.time_passes(timedelta(seconds=60), clock)

    for word in ("登录", "页面", "空白", "보고서", "報告", "DÉPUIS", "hier blank"):
        assert await desk.finds(desk.claire, word) == [desk.ticket.number], word
        assert await desk.finds(desk.ravi, word) == [desk.ticket.number], word
    assert await desk.finds(desk.claire, "录登") == []
    await desk.act.change(
        desk.ravi, desk.ticket.id, Fields("New subject", "expense", "support", None, None, "P3", State.OPEN),
        version=(await desk.seen(desk.ravi)).version,
    )  # fmt: skip
    assert await desk.finds(desk.claire, "登录 subject") == [desk.ticket.number]


async def test_t6_a_comment_is_found_by_the_next_sweep_and_costs_one_only(desk: Desk, clock: ManualClock) -> None:
    fresh = FreshWords(desk.database, desk.act.rules)
    await desk.says(desk.claire, "The wizard freezes.")

    swept = [await fresh.sweep(), await fresh.sweep()]
    first = await desk.finds(desk.claire, "wizard")
    clock.advance(timedelta(seconds=30))
    await desk.says(desk.ravi, "Which turbine?")
    swept += [await fresh.sweep(), await fresh.sweep()]

    assert swept == [1, 0, 1, 0]
    assert first == await desk.finds(desk.claire, "turbine") == [desk.ticket.number]
    clock.advance(timedelta(seconds=31))
    assert await FreshWords(desk.database, desk.act.rules).sweep() == 0  # its mail is due, and lets it be found as well


async def test_t6_a_sweep_leaves_alone_what_is_said_in_a_conversation(desk: Desk) -> None:
    await desk.says(desk.claire, "The wizard freezes.")
    async with desk.database.begin() as uow:
        await store.grant_owner(uow, desk.ticket.id, person=desk.ravi.person, epoch=1)

    assert await FreshWords(desk.database, desk.act.rules).sweep() == 0


async def test_t6_words_of_a_conversation_are_found_once_it_is_completed(desk: Desk, clock: ManualClock) -> None:
    async with desk.database.begin() as uow:
        await store.grant_owner(uow, desk.ticket.id, person=desk.ravi.person, epoch=1)
    await desk.says(desk.claire, "The wizard freezes.")
    await desk.time_passes(timedelta(seconds=60), clock)
    during = await desk.finds(desk.claire, "wizard")
    async with desk.database.begin() as uow:
        await store.complete(
            uow, desk.ticket.id, subject="Frozen", reason=None, product="expense", environment=None, severity="P3",
            team="support", solved=True,
        )  # fmt: skip

    assert during == []
    assert await desk.finds(desk.claire, "wizard") == [desk.ticket.number]


async def test_r20_search_finds_nothing_of_others(desk: Desk, clock: ManualClock) -> None:
    stranger = await a_contact(desk.database)
    notes_log = (await desk.seen(desk.ravi)).notes_log
    assert notes_log is not None
    await desk.act.say(desk.ravi, notes_log, key="key-note1", text="They grumble.")
    await desk.says(desk.claire, "Hello there")
    await desk.time_passes(timedelta(seconds=60), clock)

    assert await desk.finds(desk.claire, "report blank hello") == [desk.ticket.number]
    for word in ("report", "hello"):
        assert await desk.finds(stranger, word) == []
        assert await desk.finds(desk.jan, word) == []
    assert await desk.finds(desk.claire, "grumble") == []


# The calendar ---------------------------------------------------------------------------------------------------------


def wording(language: str) -> Wording:
    return Wording(f"{language}: %(number)s closes: %(subject)s", f"{language}: %(number)s reopens: %(subject)s")


async def test_t8_t9_dates_are_a_calendar_that_can_be_taken_back(desk: Desk, clock: ManualClock) -> None:
    closes_at = await desk.act.ask(desk.ravi, desk.ticket.id, needed="Which browser?")
    over = await a_ticket(desk.database, desk.claire, subject="Solved one")
    await desk.act.mark_solved(desk.claire, over.id)
    await a_ticket(desk.database, desk.jan)
    assert await desk.feeds.address(desk.claire) is None

    def token(path: str) -> str:
        return path.removeprefix("/calendar/").removesuffix(".ics")

    first = await desk.feeds.renew(desk.claire)
    calendar = await desk.feeds.read(token(first), wording)
    events = Calendar.from_ical(calendar).walk("VEVENT")
    assert {(str(event["summary"]), event.decoded("dtstart")) for event in events} == {
        (f"en: {desk.ticket.number} closes: Report does not open", closes_at),
        (f"en: {over.number} reopens: Solved one", clock.now() + 7 * DAY),
    }
    assert not any("dtend" in event for event in events)
    clock.advance(SECOND)
    assert await desk.feeds.read(token(first), wording) == calendar  # as long as nothing has changed
    second = await desk.feeds.renew(desk.claire)
    with pytest.raises(NotFound):
        await desk.feeds.read(token(first), wording)
    assert await desk.feeds.address(desk.claire) == second
    await desk.feeds.revoke(desk.claire)
    for bad in (token(second), "nonsense", token(second)[:-1]):
        with pytest.raises(NotFound):
            await desk.feeds.read(bad, wording)


async def test_t8_t9_calendar_without_dates_is_still_a_calendar(desk: Desk) -> None:
    token = (await desk.feeds.renew(desk.claire)).removeprefix("/calendar/").removesuffix(".ics")

    calendar = Calendar.from_ical(await desk.feeds.read(token, wording))

    # One component at least (RFC 5545, 3.6), and none that says anything.
    assert [part.name for part in calendar.subcomponents] == ["VTIMEZONE"]
