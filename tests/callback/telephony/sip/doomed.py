"""A process that dials one call and says how far it is, made to be killed: port, representative's, trunk's, file of the trace."""

import asyncio
import os
import sys
from datetime import timedelta
from pathlib import Path

from callback.telephony.port import AttemptId, Call, Event, Progress
from callback.telephony.sip.adapter import SIPTelephony
from callback.telephony.sip.message import uri_of
from callback.telephony.sip.rules import SIPRules
from callback.telephony.sip.transport import Bind
from chatsvc.kernel.clock import SystemClock


class Disk:
    """A ledger whose traces are on disk before anything is sent."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def keep(self, attempt: AttemptId, trace: str) -> None:
        """Store a trace for good."""
        with self._path.with_suffix(".new").open("w") as file:
            file.write(trace)
            file.flush()
            os.fsync(file.fileno())
        self._path.with_suffix(".new").replace(self._path)

    async def happened(self, event: Event) -> None:
        """Say how far it is."""
        sys.stdout.write(f"{event.stage if isinstance(event, Progress) else event.outcome}\n")
        sys.stdout.flush()


async def dial(port: int, rep: int, trunk: int, trace: Path) -> None:
    """Dial, and wait for the end, which never comes."""
    rules = SIPRules(trunk=uri_of(f"sip:127.0.0.1:{trunk}"), caller_id="4989100", bind=Bind("udp", port=port))
    telephony = SIPTelephony(rules, ledger=Disk(trace), clock=SystemClock())
    await telephony.open()
    representative = f"sip:anna@127.0.0.1:{rep}"
    call = Call(
        attempt=AttemptId("ca_1"),
        representative=representative,
        customer="+4930123456",
        ring_limit=timedelta(seconds=60),
    )
    await telephony.dial(call)
    await asyncio.sleep(120)


if __name__ == "__main__":
    asyncio.run(dial(*(int(each) for each in sys.argv[1:4]), Path(sys.argv[4])))
