"""The telephone that needs no telephone system: the representative dials by hand, and says what happened.

No packet leaves the house. The page shows a ``tel:`` link, a button "connected" and one for each outcome; what is said here is believed,
and stands on the attempt like a measured fact.
"""

from datetime import timedelta
from typing import Final
from urllib.parse import quote

from callback.telephony.port import AttemptId, Call, Ended, EndedBy, Facts, Ledger, Outcome, Progress, Stage
from chatsvc.kernel.clock import Clock
from chatsvc.kernel.errors import Invalid

# What a person can know with a telephone at the ear, in the order of the buttons.
REPORTABLE: Final = (
    Outcome.ANSWERED,
    Outcome.NO_ANSWER,
    Outcome.BUSY,
    Outcome.VOICEMAIL,
    Outcome.DECLINED,
    Outcome.INVALID_NUMBER,
    Outcome.REP_HUNG_UP,
)
_BY: Final = {
    Outcome.BUSY: EndedBy.CUSTOMER,
    Outcome.DECLINED: EndedBy.CUSTOMER,
    Outcome.NO_ANSWER: EndedBy.REPRESENTATIVE,
    Outcome.VOICEMAIL: EndedBy.REPRESENTATIVE,
    Outcome.REP_HUNG_UP: EndedBy.REPRESENTATIVE,
}


def link(customer: str) -> str:
    """Return the address that dials a number, ``tel:+4930123456`` (RFC 3966)."""
    return f"tel:{quote(customer, safe='+')}"


class Manual:
    """A telephone in somebody's hand. It holds nothing, so any process can take any report."""

    name = "manual"
    # Nothing dies with the process: an attempt waits for its report, across restarts.
    holds_calls = False

    def __init__(self, *, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    async def dial(self, call: Call) -> None:
        """Begin an attempt: the representative is there already, for they have just pressed the link."""
        await self._ledger.happened(Progress(attempt=call.attempt, stage=Stage.REP_UP, at=self._clock.now()))

    async def connected(self, attempt: AttemptId) -> None:
        """Take the report that the customer is on the line."""
        await self._ledger.happened(Progress(attempt=attempt, stage=Stage.TALKING, at=self._clock.now()))

    async def ended(
        self,
        attempt: AttemptId,
        outcome: Outcome,
        *,
        talked: timedelta | None = None,
        by: EndedBy | None = None,
    ) -> None:
        """Take the report of how it ended.

        Args:
            attempt: whose.
            outcome: one of ``REPORTABLE``.
            talked: since "connected", with ``answered`` alone; None there means that nobody looked at the clock.
            by: who hung up, where the representative said so.

        Raises:
            Invalid: an outcome that nobody can report by hand, or a talk without an answer.
        """
        if outcome not in REPORTABLE:
            raise Invalid("call.outcome", field="outcome")
        if talked is not None and (outcome is not Outcome.ANSWERED or talked < timedelta(0)):
            raise Invalid("call.talked", field="talked")
        facts = Facts(talk_s=talked.total_seconds() if talked is not None else None, ended_by=by or _BY.get(outcome))
        await self._ledger.happened(Ended(attempt=attempt, outcome=outcome, facts=facts, at=self._clock.now()))

    async def hang_up(self, attempt: AttemptId) -> None:
        """Give an attempt up. Nobody can hang up a telephone in somebody's hand: this only closes the row."""
        facts = Facts(ended_by=EndedBy.HOLDLINE)
        await self._ledger.happened(
            Ended(attempt=attempt, outcome=Outcome.REP_HUNG_UP, facts=facts, at=self._clock.now())
        )

    def is_up(self, attempt: AttemptId) -> bool:
        """No call lives in this process."""
        return False

    async def recover(self, attempt: AttemptId, trace: str | None) -> Ended:
        """Return ``unknown``: nothing was up, and only the representative knows. Asked when nobody has reported for hours."""
        del trace
        return Ended(attempt=attempt, outcome=Outcome.UNKNOWN, facts=Facts(), at=self._clock.now())

    async def close(self) -> None:
        """Nothing is open."""
