"""One leg's dialog: who both ends are, which way requests go, and which number the next one has (RFC 3261, section 12).

A dialog is plain data and goes into the trace, so that another process can end what a dead one began.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Final

from callback.telephony.sip.message import Address, Malformed, Response, Uri, address_of, uri_of
from callback.telephony.sip.transport import USUAL_PORT, Place

# A recovered dialog jumps so far ahead: numbers that the dead process used after its last trace must not come twice, and gaps are
# allowed (RFC 3261, 12.2.2).
_JUMP: Final = 1_000


@dataclass(slots=True, kw_only=True)
class Dialog:
    """A leg as we see it, from before its INVITE to its BYE."""

    call_id: str
    # Our end with our tag, the other end with theirs once it is known.
    local: Address
    remote: Address
    # Where requests are addressed: at first whom we call, then the Contact of the answer.
    target: Uri
    # Hops that requests must take, nearest first (RFC 3261, 12.1.2).
    route: tuple[Address, ...] = ()
    # Number of our last request.
    cseq: int = 0
    # Number of their last request; None before the first.
    remote_cseq: int | None = None
    # The Via of our last INVITE as it was sent, for a CANCEL must carry the same (RFC 3261, 9.1).
    via: str = ""
    # That INVITE's number.
    invited_cseq: int = 0
    # Whether a 2xx was taken: then BYE, not CANCEL, ends the leg.
    is_up: bool = False
    # Hop that is asked first whatever the target says; None: the target itself. ``(host, port)``.
    outbound: Place | None = field(default=None)

    @property
    def next_hop(self) -> Place:
        """Where the next request is sent."""
        if self.outbound is not None and not self.is_up:
            return self.outbound
        first = self.route[0].uri if self.route else self.target
        return first.host.strip("[]"), first.port or USUAL_PORT

    def request_uri_and_routes(self) -> tuple[Uri, tuple[Address, ...]]:
        """Return what stands on the first line and in Route (RFC 3261, 12.2.1.1, strict routers included)."""
        if self.route and self.route[0].uri.param("lr") is None:
            return self.route[0].uri, (*self.route[1:], Address(self.target))
        return self.target, self.route

    def number(self) -> int:
        """Take the next number."""
        self.cseq += 1
        return self.cseq

    def confirm(self, answer: Response) -> None:
        """Take over what a 2xx to our INVITE says about the other end."""
        self.remote = answer.recipient
        self.route = tuple(address_of(value) for value in reversed(answer.all("Record-Route")))
        if answer.contact is not None:
            self.target = answer.contact.uri
        self.is_up = True

    def branch_off(self, answer: Response) -> "Dialog":
        """Return the dialog of another telephone that answered the same INVITE."""
        other = replace(self)
        other.confirm(answer)
        return other

    def refresh(self, contact: Address | None) -> None:
        """Take over a Contact that came later (RFC 3261, 12.2.1.2)."""
        if contact is not None:
            self.target = contact.uri

    def to_data(self) -> dict[str, Any]:
        """Return it as JSON values; ``from_data`` turns them back."""
        return {
            "call_id": self.call_id,
            "local": str(self.local),
            "remote": str(self.remote),
            "target": str(self.target),
            "route": [str(each) for each in self.route],
            "cseq": self.cseq,
            "via": self.via,
            "invited_cseq": self.invited_cseq,
            "is_up": self.is_up,
            "outbound": list(self.outbound) if self.outbound is not None else None,
        }

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> "Dialog":
        """Return a stored dialog, its numbers ahead of anything the dead process may have used.

        Raises:
            Malformed: this is none.
        """
        try:
            outbound = data["outbound"]
            return cls(
                call_id=str(data["call_id"]),
                local=address_of(data["local"]),
                remote=address_of(data["remote"]),
                target=uri_of(data["target"]),
                route=tuple(address_of(each) for each in data["route"]),
                cseq=int(data["cseq"]) + _JUMP,
                via=str(data["via"]),
                invited_cseq=int(data["invited_cseq"]),
                is_up=bool(data["is_up"]),
                outbound=(str(outbound[0]), int(outbound[1])) if outbound else None,
            )
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
            raise Malformed("a stored dialog") from error
