"""Everything that people and time do to calls, under one name.

- ``booking``: days, reserve, move, cancel, merge, chat_instead, other_number, snooze.
- ``dialling``: dial, release, connected, report.
- ``sweeping``: sweep.
- ``planning``: plan, unplan.
- ``permitting``: allow_region, forbid_region, silence, let_ring.

Each action is one unit of work. It opens no socket and makes no call: that is the dialler's, which drives the port.
"""

from callback.permitting import Permitting
from callback.sweeping import Sweeping


class Callbacks(Sweeping, Permitting):
    """Reservations, slots and calls."""
