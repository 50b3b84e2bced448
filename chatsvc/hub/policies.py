"""Who may send which frame. Every kind declares it; a kind without a declaration keeps the process from starting (promises, rule 29).

This is the first of two questions. The second one, whether this very log, ticket or offer is theirs, is asked of the room that has it.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple, get_args

from chatsvc.accounts.model import STAFF, PersonRole
from chatsvc.hub.frames import (
    Accept,
    AppendFrame,
    ClientBeat,
    ClientFrame,
    Close,
    Decline,
    FromClient,
    LookingFrame,
    Open,
    SeenFrame,
    SetDesk,
    TypingFrame,
    Unwatch,
    Watch,
)

CONTACTS: Final = frozenset({PersonRole.CONTACT})
# Whoever has a desk. Administrators look after the installation; they talk to nobody.
DESKS: Final = frozenset({PersonRole.REPRESENTATIVE, PersonRole.SUPERVISOR})
EVERYBODY: Final = frozenset(PersonRole)


class Policy(NamedTuple):
    """Who may send a kind of frame, and what is asked after that."""

    roles: frozenset[PersonRole]
    # What the frame must name for this person: ``log``, ``ticket``, ``offer``; empty when it names nothing.
    reaches: str = ""
    # Field and value -> roles, where a frame means different things to different people.
    narrowed: Mapping[tuple[str, str], frozenset[PersonRole]] = MappingProxyType({})

    def allows(self, role: PersonRole, frame: FromClient) -> bool:
        """Whether a person of this role may send this frame at all."""
        if role not in self.roles:
            return False
        for (field, value), roles in self.narrowed.items():
            if getattr(frame, field) == value and role not in roles:
                return False
        return True


POLICIES: Final[Mapping[type[FromClient], Policy]] = MappingProxyType(
    {
        Open: Policy(EVERYBODY, "log"),
        Close: Policy(EVERYBODY),
        AppendFrame: Policy(CONTACTS | DESKS, "log", {("kind", "note"): DESKS}),
        SeenFrame: Policy(CONTACTS | DESKS, "log"),
        TypingFrame: Policy(CONTACTS | DESKS, "log"),
        LookingFrame: Policy(STAFF, "log"),
        Watch: Policy(CONTACTS | DESKS, "ticket", {("view", "visit"): CONTACTS, ("view", "desk"): DESKS}),
        Unwatch: Policy(EVERYBODY),
        SetDesk: Policy(DESKS),
        Accept: Policy(DESKS, "offer"),
        Decline: Policy(DESKS, "offer"),
        ClientBeat: Policy(EVERYBODY),
    }
)


def insist(policies: Mapping[type[FromClient], Policy], kinds: Iterable[type[FromClient]]) -> None:
    """Make sure that every kind of frame has a policy.

    Raises:
        RuntimeError: one has not; the process must not start.
    """
    missing = sorted(kind.__name__ for kind in kinds if kind not in policies)
    if missing:
        raise RuntimeError(f"these frames have no policy in chatsvc/hub/policies.py: {', '.join(missing)}")


insist(POLICIES, get_args(ClientFrame))
