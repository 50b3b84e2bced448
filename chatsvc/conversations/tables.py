"""Table of conversations: the live phases of tickets."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text

from chatsvc.db.columns import Json, Moment, metadata

conversations = Table(
    "conversations",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("place_id", String(40), ForeignKey("places.id"), nullable=False, unique=True),
    Column("ticket_id", String(40), ForeignKey("tickets.id"), nullable=False, unique=True),
    Column("company_id", String(40), nullable=False),
    Column("contact_id", String(40), ForeignKey("people.id"), nullable=False),
    Column("line", String(40), nullable=False),
    # ``waiting``, ``active``, ``ending``, ``wrap_up``, ``closed``, ``left`` (the customer gave up the place).
    Column("state", String(10), nullable=False),
    # The representative it belongs to; None while waiting. During wrap-up the one who wraps up.
    Column("rep_id", String(40), ForeignKey("people.id")),
    # The owner's epoch: equal to the shared log's ``owner_epoch`` while active (R9).
    Column("epoch", Integer, nullable=False, default=0),
    # Units of the representative's capacity that it holds while it is theirs.
    Column("units", Integer, nullable=False, default=1, server_default="1"),
    # None: a chat. ``waits``: it is to be a telephone call, and nothing is being dialled. ``on``: dialled or talked, so that it stays with
    # its representative when their page vanishes: the telephone is still in their hand.
    Column("call", String(10)),
    Column("created_at", Moment, nullable=False),
    # First accepted; None before.
    Column("accepted_at", Moment),
    # When somebody pressed End, and who; None before, and again None after an undo.
    Column("ended_at", Moment),
    Column("ended_by", String(40)),
    # While ``ending``: until when it can be undone. While ``wrap_up``: when it completes by itself.
    Column("due_at", Moment),
    Column("closed_at", Moment),
    # The wrap-up as it stands: field -> value, prefilled; what is not touched is taken as it is.
    Column("wrap_up", Json, nullable=False),
    # 1 to 5; None while not rated.
    Column("rating", Integer),
    Column("rating_comment", Text),
    Column("rated_at", Moment),
    Index("ix_conversations_rep", "rep_id", "state"),
    Index("ix_conversations_contact", "contact_id", "state"),
    Index("ix_conversations_due", "state", "due_at"),
)
