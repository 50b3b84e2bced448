"""Tables of forms: drafts, the answers that a ticket came with, and the services a company is subscribed to."""

from sqlalchemy import Column, ForeignKey, Index, PrimaryKeyConstraint, String, Table

from chatsvc.db.columns import Json, Moment, metadata

request_drafts = Table(
    "request_drafts",
    metadata,
    Column("person_id", String(40), ForeignKey("people.id"), nullable=False),
    # The form's key.
    Column("key", String(64), nullable=False),
    # Field -> text.
    Column("texts", Json, nullable=False),
    Column("updated_at", Moment, nullable=False),
    PrimaryKeyConstraint("person_id", "key"),
    Index("ix_request_drafts_updated", "updated_at"),
)

request_details = Table(
    "request_details",
    metadata,
    Column("ticket_id", String(40), ForeignKey("tickets.id"), primary_key=True),
    # A code of ``kernel.languages``.
    Column("language", String(10), nullable=False),
    # Field of the catalogue -> key or text.
    Column("answers", Json, nullable=False),
)

# What a company has beyond the products: reasons of the catalogue may ask for it (T3).
subscriptions = Table(
    "subscriptions",
    metadata,
    Column("company_id", String(40), ForeignKey("companies.id"), nullable=False),
    # A reason's ``service`` in the catalogue.
    Column("service", String(40), nullable=False),
    Column("since_at", Moment, nullable=False),
    PrimaryKeyConstraint("company_id", "service"),
)
