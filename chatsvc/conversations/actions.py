"""Everything that people and time do to a live phase, under one name.

Each action is one unit of work: load, decide by compare-and-swap, record, and ring after the commit. It opens no socket and draws no page.

- ``joining``: join, leave.
- ``answering``: accept, decline, hand_over.
- ``ending``: end, undo_end, draft_wrap_up, extend_wrap_up, wrap_up, rate.
- ``judging``: judge, appeal.
- ``calling``: what the room of the telephone asks for, inside its own units of work.
- ``desks``: set_desk, set_capacity, renew_desks, renew_places, match.
- ``sweeping``: sweep.
"""

from chatsvc.conversations.calling import Calling
from chatsvc.conversations.desks import Desks
from chatsvc.conversations.sweeping import Sweeping


class Conversations(Sweeping, Calling, Desks):
    """The live phase of tickets."""
