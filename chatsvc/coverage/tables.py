"""Tables of calendars. A company's zone, country and region stand in ``companies``; a contact's own zone in ``people``."""

from sqlalchemy import Boolean, Column, ForeignKey, Integer, String, Table

from chatsvc.db.columns import Json, Moment, metadata

# A company that nobody ever changed has no row: the default week, and version 0.
calendars = Table(
    "calendars",
    metadata,
    Column("company_id", String(40), ForeignKey("companies.id"), primary_key=True),
    # Seven lists of [opens, closes] in minutes since midnight, Monday first; see ``model.Period``.
    Column("week", Json, nullable=False),
    # Open at every moment, whatever the rest says.
    Column("always", Boolean, nullable=False),
    # Raised by every change of anything that the calendar is made of; what is kept elsewhere is good for one version.
    Column("version", Integer, nullable=False),
    Column("changed_at", Moment, nullable=False),
)

own_days = Table(
    "own_days",
    metadata,
    Column("company_id", String(40), ForeignKey("companies.id"), primary_key=True),
    # ISO 8601, a day of the company's zone: ``2026-12-24``.
    Column("day", String(10), primary_key=True),
    # List of [opens, closes]; empty: closed.
    Column("periods", Json, nullable=False),
    Column("name", String(80), nullable=False),
)

# Who changed what, one row for each version.
calendar_changes = Table(
    "calendar_changes",
    metadata,
    Column("company_id", String(40), ForeignKey("companies.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("by_id", String(40), nullable=False),
    Column("at", Moment, nullable=False),
    # The calendar as it was before and as it was afterwards: {"before": …, "after": …}.
    Column("change", Json, nullable=False),
)
