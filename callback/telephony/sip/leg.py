"""One telephone of a call: invite it, cancel, change what it hears, end it, and take what it asks (RFC 3261, RFC 3264).

A leg does not know that there is another one; what that means is for ``live_call``.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from callback.telephony.sip import digest
from callback.telephony.sip.dialog import Dialog
from callback.telephony.sip.digest import Login
from callback.telephony.sip.endpoint import ALLOW, Endpoint, Invitation, NoAnswer
from callback.telephony.sip.message import Address, Request, Response, Uri
from callback.telephony.sip.transport import Place

logger = logging.getLogger(__name__)

# An answer to a challenge, and one more for a nonce that was too old by then.
_MOST_LOGINS: Final = 2
_SDP: Final = ("Content-Type", "application/sdp")

# Called before every packet that a recovery would have to know of.
Save = Callable[[], Awaitable[None]]


class Leg:
    """One telephone; made idle, rings by ``invite``."""

    def __init__(self, endpoint: Endpoint, dialog: Dialog, *, login: Login | None, save: Save) -> None:
        """Prepare a leg.

        Args:
            endpoint: where it speaks.
            dialog: who calls whom; changed in place.
            login: answers challenges; None: challenges are final.
            save: stores all of the call's dialogs; may raise, and then nothing is sent.
        """
        self.dialog = dialog
        # Resolved when the telephone has hung up or is lost: the method or status that said so.
        self.gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        # When it began to ring, by the loop's clock; None: it has not.
        self.rung_at: float | None = None
        # Called at the first 18x.
        self.on_ringing: Callable[[], None] | None = None
        # Takes re-INVITE and UPDATE with something to say; answers are the taker's.
        self.on_change: Callable[[Request], None] | None = None
        # Takes the ACK of a re-INVITE that left the offer to us.
        self.on_ack: Callable[[Request], None] | None = None
        # The last description that came from the telephone, and the last that it was sent.
        self.said: bytes | None = None
        self.told: bytes | None = None
        # Number of our session with it, and of our last description.
        self.session = secrets.randbits(31)
        self.version = 1
        self._endpoint = endpoint
        self._login = login
        self._save = save
        self._invitation: Invitation | None = None
        self._is_cancelled = False
        self._has_sent_cancel = False
        self._tag = dialog.local.tag or ""

    @property
    def is_begun(self) -> bool:
        """Whether an INVITE has been sent."""
        return bool(self.dialog.via)

    @property
    def is_up(self) -> bool:
        """Whether the telephone has been picked up and not been hung up."""
        return self.dialog.is_up and not self.gone.done()

    async def invite(self, offer: bytes, *, sign_within: float) -> Response:
        """Ring, and return the final answer; a 2xx is acknowledged before this returns.

        ``sign_within`` is how long, in seconds, there may be no answer of any kind. How long it may ring is the caller's: ``cancel``.

        Raises:
            NoAnswer: no sign of life in time.
        """
        self._endpoint.enter(self.dialog.call_id, self._tag, self)
        credentials: list[tuple[str, str]] = []
        for logins in range(_MOST_LOGINS + 1):
            answer = await self._invited(offer, credentials, sign_within)
            challenge = self._challenge(answer, logins)
            if challenge is None or self._is_cancelled:
                break
            credentials = [self._credentials(challenge, "INVITE", logins + 1)]
        if answer.is_success:
            await self._taken_up(answer, credentials)
        return answer

    async def _invited(self, offer: bytes, credentials: Iterable[tuple[str, str]], sign_within: float) -> Response:
        """One INVITE up to its final answer."""
        request = self._request("INVITE", headers=credentials, body=offer)
        self.dialog.via, self.dialog.invited_cseq = request.get("Via") or "", request.cseq[0]
        self.told = offer
        await self._save()
        invitation = self._begun(request)
        early: bytes | None = None
        try:
            async with asyncio.timeout(sign_within) as limit:
                while not (answer := await invitation.answers.get()).is_final:
                    limit.reschedule(None)
                    early = answer.sdp or early
                    self._ringing(answer)
        except TimeoutError:
            self._give_up(invitation)
            raise NoAnswer("INVITE") from None
        except asyncio.CancelledError:
            self._give_up(invitation)
            raise
        # A description that came with "ringing" is the answer where the 200 has none (RFC 3261, 13.2.1).
        self.said = answer.sdp or early
        return answer

    def _begun(self, request: Request) -> Invitation:
        self._invitation = self._endpoint.invite(request, self.dialog.next_hop)
        self._invitation.on_unwanted = self._refuse_answer
        self._invitation.on_late_ringing = self._send_cancel
        return self._invitation

    def _ringing(self, answer: Response) -> None:
        if self._is_cancelled:
            self.cancel()
        if answer.code > 100 and self.rung_at is None:
            self.rung_at = asyncio.get_running_loop().time()
            if self.on_ringing is not None:
                self.on_ringing()

    async def _taken_up(self, answer: Response, credentials: Iterable[tuple[str, str]]) -> None:
        """Store the dialog, then acknowledge: what was acknowledged and not stored could not be ended after a crash."""
        self.dialog.confirm(answer)
        try:
            await self._save()
        finally:
            self._acknowledge(self.dialog, answer, credentials)

    def cancel(self) -> None:
        """Ask the telephone to stop ringing. An answer may still cross this: ``invite`` returns what came (RFC 3261, 9.1)."""
        self._is_cancelled = True
        invitation = self._invitation
        # Nothing may be cancelled before it has been heard of; ``_ringing`` comes back here.
        if invitation is not None and invitation.has_rung and not invitation.is_decided:
            self._send_cancel()

    def _send_cancel(self) -> None:
        if self._invitation is not None and not self._has_sent_cancel:
            self._has_sent_cancel = True
            self._endpoint.spawn(self._cancelled(self._invitation.request, self._invitation.to))

    async def _cancelled(self, invite: Request, to: Place) -> None:
        try:
            await self._endpoint.ask(_cancel_of(invite), to)
        except NoAnswer:
            logger.info("sip_cancel_unanswered", extra={"call": self.dialog.call_id})

    def _give_up(self, invitation: Invitation) -> None:
        if invitation.has_rung and not invitation.is_decided:
            self._send_cancel()
        invitation.abandon()
        self._endpoint.forget_later(invitation)

    def _refuse_answer(self, answer: Response) -> None:
        """Acknowledge and end what was answered late or by a second telephone (RFC 3261, 13.2.2.4)."""
        other = self.dialog.branch_off(answer)
        self._acknowledge(other, answer, ())
        bye = self._request("BYE", dialog=other)
        self._endpoint.spawn(self._ended(bye, other.next_hop))

    async def _ended(self, bye: Request, to: Place) -> None:
        try:
            await self._endpoint.ask(bye, to)
        except NoAnswer:
            logger.info("sip_bye_unanswered", extra={"call": self.dialog.call_id})

    async def change(self, offer: bytes) -> Response:
        """Send a re-INVITE with a new description and return its final answer, acknowledged.

        ``said`` and ``told`` are the new ones only where the answer is a 2xx.

        Raises:
            NoAnswer: none came; the telephone is lost.
        """
        credentials: list[tuple[str, str]] = []
        for logins in range(_MOST_LOGINS + 1):
            invitation = self._endpoint.invite(
                self._request("INVITE", headers=credentials, body=offer), self.dialog.next_hop
            )
            try:
                async with asyncio.timeout(self._endpoint.timers.patience):
                    while not (answer := await invitation.answers.get()).is_final:
                        pass
            except TimeoutError:
                invitation.abandon()
                self._endpoint.forget_later(invitation)
                raise NoAnswer("INVITE") from None
            if answer.is_success:
                break
            challenge = self._challenge(answer, logins)
            if challenge is None:
                return answer
            credentials = [self._credentials(challenge, "INVITE", logins + 1)]
        self.dialog.refresh(answer.contact)
        self._acknowledge(self.dialog, answer, credentials, invitation)
        self.told, self.said = offer, answer.sdp or self.said
        return answer

    async def ask(self, method: str) -> Response:
        """Send a request without a body within the dialog and return its final answer.

        Raises:
            NoAnswer: none came.
        """
        credentials: list[tuple[str, str]] = []
        for logins in range(_MOST_LOGINS + 1):
            answer = await self._endpoint.ask(self._request(method, headers=credentials), self.dialog.next_hop)
            challenge = self._challenge(answer, logins)
            if challenge is None:
                break
            credentials = [self._credentials(challenge, method, logins + 1)]
        return answer

    async def end(self) -> None:
        """Let the telephone go, whatever it is doing: BYE when it is up, CANCEL when it rings, nothing when it is not begun or gone."""
        try:
            if self.is_up:
                self.lose("released")
                await self.ask("BYE")
            elif self._invitation is not None and not self._invitation.is_decided:
                self.cancel()
        except NoAnswer:
            logger.info("sip_bye_unanswered", extra={"call": self.dialog.call_id})

    async def release(self) -> None:
        """End what a dead process left up, from its stored dialog: BYE, or CANCEL and whatever it takes when that comes too late."""
        self._endpoint.enter(self.dialog.call_id, self._tag, self)
        if self.is_up:
            await self.end()
            return
        if not self.is_begun:
            return
        invite = self._invite_as_sent()
        self._invitation = invitation = self._endpoint.invite(invite, self.dialog.next_hop, is_sent=False)
        invitation.on_unwanted = self._refuse_answer
        invitation.abandon()
        await self._cancelled(invite, invitation.to)
        self._endpoint.forget_later(invitation)

    def lose(self, why: str) -> None:
        """Count the telephone as gone."""
        if not self.gone.done():
            self.gone.set_result(why)

    def forget(self) -> None:
        """Take no more requests of this dialog."""
        self._endpoint.leave(self.dialog.call_id, self._tag)

    def receive(self, request: Request) -> None:
        """Take a request of the telephone; called by the endpoint."""
        number, method = request.cseq
        if self.dialog.is_up and request.sender.tag != self.dialog.remote.tag:
            # Another telephone that rang with it (forking), and was told to stop.
            if method != "ACK":
                self._answer(request, 481, "Call/Transaction Does Not Exist")
            return
        if method == "ACK":
            if self.on_ack is not None:
                self.on_ack(request)
            return
        if method != "CANCEL" and self.dialog.remote_cseq is not None and number <= self.dialog.remote_cseq:
            self._answer(request, 500, "Server Internal Error")  # out of order (RFC 3261, 12.2.2)
            return
        if method != "CANCEL":
            self.dialog.remote_cseq = number
        if method == "BYE":
            self._answer(request, 200, "OK")
            self.lose("BYE")
        elif method in ("INVITE", "UPDATE"):
            self._take_change(request)
        elif method in ("OPTIONS", "CANCEL"):
            # A CANCEL of a re-INVITE has no effect: its answer is on the way.
            self._answer(request, 200, "OK", headers=[("Allow", ALLOW)])
        else:
            self._answer(request, 405, "Method Not Allowed", headers=[("Allow", ALLOW)])

    def _take_change(self, request: Request) -> None:
        if not self.is_up:
            self._answer(request, 481, "Call/Transaction Does Not Exist")
            return
        self.dialog.refresh(request.contact)
        if request.method == "UPDATE" and request.sdp is None:
            self.agree(request, None)  # a sign of life, nothing else (RFC 4028, 7.4)
        elif self.on_change is not None:
            self._answer(request, 100, "Trying")
            self.on_change(request)
        else:
            self.refuse(request, 488, "Not Acceptable Here")

    def agree(self, request: Request, description: bytes | None) -> None:
        """Accept a re-INVITE or UPDATE with this description.

        A session timer is confirmed with the asking side as its keeper (RFC 4028, section 9): we ask ourselves whether the telephone
        still lives, with OPTIONS.
        """
        headers = [("Contact", self._endpoint.contact), ("Allow", ALLOW)]
        interval = request.get("Session-Expires")
        if interval is not None and "timer" in {each.lower() for each in request.all("Supported")}:
            seconds = interval.partition(";")[0].strip()
            headers += [("Session-Expires", f"{seconds};refresher=uac"), ("Require", "timer")]
        if description is not None:
            headers.append(_SDP)
            self.told = description
        if request.sdp is not None:
            self.said = request.sdp
        self._endpoint.respond(request, 200, "OK", headers=headers, body=description or b"")

    def refuse(self, request: Request, code: int, reason: str) -> None:
        """Refuse a re-INVITE or UPDATE; the session stays what it was."""
        retry = [("Retry-After", "2")] if code == 500 else []
        self._answer(request, code, reason, headers=retry)

    def _answer(self, request: Request, code: int, reason: str, headers: Iterable[tuple[str, str]] = ()) -> None:
        self._endpoint.respond(request, code, reason, headers=headers)

    def _challenge(self, answer: Response, logins: int) -> digest.Challenge | None:
        """The challenge to be answered now; None: there is none, or answering it again would be of no use."""
        challenge = digest.challenge_in(answer)
        if challenge is None or self._login is None or logins >= _MOST_LOGINS:
            return None
        return challenge if logins == 0 or challenge.is_stale else None

    def _credentials(self, challenge: digest.Challenge, method: str, count: int) -> tuple[str, str]:
        assert self._login is not None
        del count  # every challenge brings a nonce of its own, so each is used once
        uri, _ = self.dialog.request_uri_and_routes()
        return digest.answer_to(challenge, self._login, method=method, uri=str(uri))

    def _acknowledge(
        self,
        dialog: Dialog,
        answer: Response,
        credentials: Iterable[tuple[str, str]],
        invitation: Invitation | None = None,
    ) -> None:
        """Send the ACK of a 2xx, with the INVITE's number and its login (RFC 3261, 13.2.2.4 and 22.1)."""
        ack = self._request("ACK", dialog=dialog, number=answer.cseq[0], headers=credentials)
        self._endpoint.post(ack.encoded(), dialog.next_hop)
        invitation = invitation or self._invitation
        if invitation is not None:
            invitation.acknowledged(answer, ack, dialog.next_hop)

    def _request(
        self,
        method: str,
        *,
        dialog: Dialog | None = None,
        number: int | None = None,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> Request:
        dialog = dialog or self.dialog
        uri, routes = dialog.request_uri_and_routes()
        lines = [
            ("Via", self._endpoint.new_via()),
            *(("Route", str(each)) for each in routes),
            ("Max-Forwards", "70"),
            ("From", str(dialog.local)),
            ("To", str(dialog.remote)),
            ("Call-ID", dialog.call_id),
            ("CSeq", f"{dialog.number() if number is None else number} {method}"),
            ("User-Agent", "Holdline"),
        ]
        if method == "INVITE":
            lines += [("Contact", self._endpoint.contact), ("Allow", ALLOW)]
        if body:
            lines.append(_SDP)
        return Request(method=method, uri=uri, headers=(*lines, *headers), body=body)

    def _invite_as_sent(self) -> Request:
        """The dead process's INVITE, as far as CANCEL and ACK need it."""
        uri, routes = self.dialog.request_uri_and_routes()
        lines = [
            ("Via", self.dialog.via),
            *(("Route", str(each)) for each in routes),
            ("Max-Forwards", "70"),
            ("From", str(self.dialog.local)),
            ("To", str(self.dialog.remote)),
            ("Call-ID", self.dialog.call_id),
            ("CSeq", f"{self.dialog.invited_cseq} INVITE"),
        ]
        return Request(method="INVITE", uri=uri, headers=tuple(lines))


def new_dialog(*, caller: Uri, callee: Uri, outbound: Place | None = None) -> Dialog:
    """Return the beginnings of a dialog; Call-ID and tag can be guessed by nobody."""
    return Dialog(
        call_id=secrets.token_hex(16),
        local=Address(caller).tagged(secrets.token_hex(8)),
        remote=Address(callee),
        target=callee,
        outbound=outbound,
    )


def _cancel_of(invite: Request) -> Request:
    """The CANCEL of an INVITE: its hop, ends and number (RFC 3261, 9.1)."""
    kept = ("Via", "Route", "Max-Forwards", "From", "To", "Call-ID")
    headers = [(name, value) for name, value in invite.headers if name in kept]
    return Request(method="CANCEL", uri=invite.uri, headers=(*headers, ("CSeq", f"{invite.cseq[0]} CANCEL")))
