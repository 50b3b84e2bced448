"""Wires the telephone: the desk's services in, reservations and the dialler out. It holds no rule."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

from callback.actions import Callbacks
from callback.dialer import Dialer
from callback.dialling import MANUAL
from callback.links import CallLinks
from callback.telephony.port import Ledger, Telephony
from chatsvc import bootstrap
from chatsvc.bootstrap import Services
from chatsvc.config import Settings
from chatsvc.db.uow import Bell
from chatsvc.keyspace import keys
from chatsvc.keyspace.doorbell import Doorbell

logger = logging.getLogger(__name__)

# What a commit rings when somebody is to be dialled or hung up.
BELL: Final = "callback"
JOB: Final = "go_round"

# Makes a telephone system of this process, once its services and its ledger are there.
Maker = Callable[[Ledger], Telephony]


def callbacks(services: Services) -> Callbacks:
    """Return reservations on the desk's services; whoever commits something to dial rings the process that dials."""
    doorbell = Doorbell(services.redis, keys.call_jobs(), JOB)
    before = services.database.publish

    def publish(bells: Sequence[Bell]) -> None:
        before(bells)
        if any(bell.topic == BELL for bell in bells):
            doorbell.ring()

    services.database.publish = publish
    return Callbacks(services.conversations, CallLinks(services.settings.secret_key))


@dataclass
class Telephone:
    """Everything that the process of calls holds."""

    services: Services
    calls: Callbacks
    # None where all calls are made by hand.
    dialer: Dialer | None

    async def round(self) -> None:
        """Do everything that is due once."""
        await self.calls.sweep()
        if self.dialer is not None:
            await self.dialer.round()

    async def close(self) -> None:
        """Hang up, and give everything back."""
        if self.dialer is not None:
            await self.dialer.close()
        await self.services.close()


async def start(settings: Settings, environ: Mapping[str, str], *, make: Maker | None = None) -> Telephone:
    """Open the process of calls.

    Args:
        settings: of the desk.
        environ: where the telephone's own settings stand.
        make: the telephone system; None: by hand.

    Raises:
        Unavailable: the database cannot be reached.
    """
    services = await bootstrap.start(settings, sockets=False)
    calls = callbacks(services)
    dialer = None
    if make is not None:
        dialer = Dialer(calls, make)
        calls.adapter = dialer.telephony.name
    logger.info("telephone_opened", extra={"adapter": calls.adapter, "by_hand": calls.adapter == MANUAL})
    return Telephone(services, calls, dialer)


async def never_opened() -> NoReturn:
    """Stand in for services that somebody else opens."""
    raise AssertionError("the process of calls opens its own services")
