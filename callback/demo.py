"""Shifts for the demonstration, so that a time for a call can be booked in it. A plan in which somebody has ever stood is left alone."""

from datetime import datetime, time, timedelta
from itertools import groupby
from typing import Final

from sqlalchemy import select

from callback import store
from callback.model import CallbackRules
from chatsvc import demo
from chatsvc.accounts import store as accounts
from chatsvc.accounts.policy import email_key
from chatsvc.db.engine import Database
from chatsvc.routing.tables import desk_lines, shifts

# From morning in Tokyo to evening in Berlin, in two shifts a day; hours of UTC.
_SHIFTS: Final = ((timedelta(hours=0), timedelta(hours=10)), (timedelta(hours=10), timedelta(hours=20)))


async def plan(database: Database) -> int:
    """Plan everybody of the demonstration for the days in which calls can be booked; return how many shifts that made.

    Nothing is made where the store is no demonstration's, or has a plan already.
    """
    async with database.begin() as uow:
        if (await uow.execute(select(shifts.c.id).limit(1))).first() is not None:
            return 0
        for sign_in in demo.SIGN_INS:
            if await accounts.account_by_email(uow.connection, email_key(sign_in.email)) is None:
                return 0
        today = datetime.combine(uow.now.date(), time(), tzinfo=uow.now.tzinfo)
        rows = (await uow.execute(select(desk_lines).order_by(desk_lines.c.person_id, desk_lines.c.line))).all()
        made = 0
        for person, theirs in groupby(rows, key=lambda row: row.person_id):
            lines = [row.line for row in theirs]
            for day in range(CallbackRules().bookable_days + 2):
                for begins, ends in _SHIFTS:
                    midnight = today + timedelta(days=day)
                    await store.add_shift(uow, person, lines, midnight + begins, midnight + ends)
                    made += 1
    return made
