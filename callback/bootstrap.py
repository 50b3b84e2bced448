"""Wires the telephone: the desk's services in, reservations and the dialler out. It holds no rule."""

import logging
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from callback import demo
from callback.actions import Callbacks
from callback.dialer import Dialer
from callback.dialling import MANUAL
from callback.links import CallLinks
from callback.telephony.choice import incoming_from, maker_from
from callback.telephony.signing import Secret
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


def callbacks(services: Services) -> Callbacks:
    """Return reservations on the desk's services; whoever commits something to dial rings the process that dials."""
    doorbell = Doorbell(services.redis, keys.call_jobs(), JOB)
    before = services.database.publish

    def publish(bells: Sequence[Bell]) -> None:
        before(bells)
        if any(bell.topic == BELL for bell in bells):
            doorbell.ring()

    services.database.publish = publish
    calls = Callbacks(services.conversations, CallLinks(services.settings.secret_key))
    calls.adapter = _adapter(services.settings.telephony_path)
    return calls


def believed(settings: Settings) -> tuple[Secret, ...]:
    """Return the secrets that sign posts of the telephone system, the newest first; none: the desk's system posts nothing.

    Raises:
        TelephonyError: the file of the telephone system cannot be used.
    """
    return incoming_from(settings.telephony_path)


def _adapter(path: Path | None) -> str:
    """Return how calls are made, by the file of the telephone system; without one by hand."""
    if path is None:
        return MANUAL
    return str(tomllib.loads(path.read_text(encoding="utf-8")).get("adapter", MANUAL))


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


async def start(settings: Settings) -> Telephone:
    """Open the process of calls.

    Raises:
        TelephonyError: the file of the telephone system cannot be used.
        Unavailable: the database cannot be reached.
    """
    services = await bootstrap.start(settings, sockets=False)
    calls = callbacks(services)
    if settings.demo:
        await demo.plan(services.database)
    make = maker_from(settings.telephony_path, clock=services.clock)
    dialer = None if make is None else Dialer(calls, make)
    logger.info("telephone_opened", extra={"adapter": calls.adapter, "by_hand": calls.adapter == MANUAL})
    return Telephone(services, calls, dialer)


async def never_opened() -> NoReturn:
    """Stand in for services that somebody else opens."""
    raise AssertionError("the process of calls opens its own services")
