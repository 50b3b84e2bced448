"""SQL of the words that tickets are found by: FTS5 on SQLite, a ``tsvector`` on PostgreSQL, both fed with folded words.

The company stands among the words, so that a contact's search never looks at what other companies wrote (R20).
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, column, select, table, text, true

from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel.ids import CompanyId
from chatsvc.tickets.search import Wanted
from chatsvc.tickets.tables import tickets

_PUT = {
    "sqlite": "insert or replace into ticket_words (rowid, company, words) values (:number, :company, :words)",
    "postgresql": "insert into ticket_words (number, words) values (:number, cast(cast(:words as text) as tsvector))"
    " on conflict (number) do update set words = excluded.words",
}
# PostgreSQL counts positions no further.
_LAST_POSITION = 16_000
# Tickets that are looked through before the index is asked, newest first: some milliseconds' worth. PostgreSQL has matches in no order: what many
# tickets say is found soonest by walking back from the newest, what few say by the index, and nobody knows before which of them it is.
# SQLite has them in the order of their numbers, and stops when it has enough.
WALKED: Final = 1_000


def _scope(company: CompanyId) -> str:
    """The company as a word of its own. Whoever writes such a word into a text gains nothing: what they may read is asked besides."""
    return "company" + company.replace("_", "")


async def put(uow: UnitOfWork, number: int, company: CompanyId, words: Sequence[str]) -> None:
    """Let a ticket be found by these words, in place of what it was found by before."""
    if uow.dialect == "sqlite":
        values = {"number": number, "company": _scope(company), "words": " ".join(words)}
    else:
        places = [f"'{word}':{min(at, _LAST_POSITION)}" for at, word in enumerate(words, 2)]
        values = {"number": number, "words": " ".join([f"'{_scope(company)}':1", *places])}
    await uow.execute(text(_PUT[uow.dialect]), values)


def matches(dialect: str, sought: Sequence[Wanted], company: CompanyId | None) -> ColumnElement[bool]:
    """Return the condition that a ticket is found by all of these; of one company only unless that is None."""
    if dialect == "sqlite":
        words = table("ticket_words", column("rowid"))
        # The words are letters and digits only, and quoted on top.
        query = text("ticket_words match :sought").bindparams(sought=_fts(sought, company))
        return tickets.c.number.in_(select(words.c.rowid).where(query))
    words = table("ticket_words", column("number"))
    query = text("words @@ cast(cast(:sought as text) as tsquery)").bindparams(sought=_ts(sought, company))
    return tickets.c.number.in_(select(words.c.number).where(query))


def says(number: ColumnElement[int], sought: Sequence[Wanted]) -> ColumnElement[bool]:
    """Return the condition that this one ticket is found by all of these, on PostgreSQL.

    A question within the question, which no planner turns round: words are large, and are taken in the hand for as few tickets as can be.
    """
    words = table("ticket_words", column("number"))
    query = text("words @@ cast(cast(:sought as text) as tsquery)").bindparams(sought=_ts(sought, None))
    return select(query).select_from(words).where(words.c.number == number).scalar_subquery().is_(true())


def _fts(sought: Sequence[Wanted], company: CompanyId | None) -> str:
    phrases = [f'"{" ".join(each.words)}"' + ("*" if each.begins else "") for each in sought]
    query = f"words : ({' AND '.join(phrases)})"
    return query if company is None else f'company : "{_scope(company)}" AND {query}'


def _ts(sought: Sequence[Wanted], company: CompanyId | None) -> str:
    phrases = [" <-> ".join(f"'{word}'" for word in each.words) + (":*" if each.begins else "") for each in sought]
    scope = [] if company is None else [f"'{_scope(company)}'"]
    return " & ".join([*scope, *(f"({phrase})" for phrase in phrases)])
