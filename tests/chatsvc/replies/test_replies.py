"""Saved replies: one's own and everybody's, and who may change which."""

import pytest

from chatsvc.catalog.model import load
from chatsvc.db.engine import Database
from chatsvc.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from chatsvc.replies.actions import Replies
from tests import builders


@pytest.fixture
def replies(database: Database) -> Replies:
    """The replies of a desk."""
    return Replies(database, load())


async def test_everybody_sees_their_own_and_everybody_s(database: Database, replies: Replies) -> None:
    ravi, mei = await builders.a_representative(database), await builders.a_representative(database)
    ines = await builders.a_supervisor(database)
    await replies.add(ravi, title="Mine", text="Hello {customer}", line=None, for_all=False)
    await replies.add(ines, title="All", text="Bye", line="travel", for_all=True)

    assert [(each.title, each.is_own, each.line) for each in await replies.of(ravi)] == [
        ("All", False, "travel"), ("Mine", True, None),
    ]  # fmt: skip
    assert [each.title for each in await replies.of(mei)] == ["All"]


async def test_everybody_s_are_kept_by_supervisors_and_nobody_changes_another_s_own(
    database: Database, replies: Replies
) -> None:
    ravi, ines = await builders.a_representative(database), await builders.a_supervisor(database)
    contact = await builders.a_contact(database)
    own = await replies.add(ravi, title="Mine", text="Hello", line=None, for_all=False)
    everybody_s = await replies.add(ines, title="All", text="Bye", line=None, for_all=True)

    with pytest.raises(NotAllowed):
        await replies.add(ravi, title="All", text="x", line=None, for_all=True)
    for who, reply in ((ravi, everybody_s), (ines, own)):
        with pytest.raises(NotFound):
            await replies.change(who, reply, title="x", text="x", line=None, version=1)
        with pytest.raises(NotFound):
            await replies.remove(who, reply)
    with pytest.raises(NotAllowed):
        await replies.of(contact)
    await replies.remove(ravi, own)
    assert [each.title for each in await replies.of(ravi)] == ["All"]


async def test_whoever_saw_an_older_text_does_not_write_over_the_newer(database: Database, replies: Replies) -> None:
    ines = await builders.a_supervisor(database)
    reply = await replies.add(ines, title="All", text="Bye", line=None, for_all=True)
    await replies.change(ines, reply, title="All", text="Goodbye", line=None, version=1)

    with pytest.raises(Conflict):
        await replies.change(ines, reply, title="All", text="Ciao", line=None, version=1)

    [kept] = await replies.of(ines)
    assert (kept.text, kept.version) == ("Goodbye", 2)


@pytest.mark.parametrize(
    ("title", "text", "line", "field"),
    [
        (" ", "x", None, "title"),
        ("x", " ", None, "text"),
        ("x" * 101, "x", None, "title"),
        ("x", "x", "payroll", "line"),
    ],
)
async def test_what_is_empty_too_long_or_unknown_is_refused(
    database: Database, replies: Replies, title: str, text: str, line: str | None, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await replies.add(await builders.a_representative(database), title=title, text=text, line=line, for_all=False)

    assert refused.value.field == field
