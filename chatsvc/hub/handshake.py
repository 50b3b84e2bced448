"""Who may open a socket: the Origin must be ours to the letter, the cookie must name a session (T2, T5).

Decides from values; accepts nothing, closes nothing, reads no database.
"""

from dataclasses import dataclass

from starlette.datastructures import Headers

from chatsvc.config import Settings

COOKIE = "holdline_session"


@dataclass(frozen=True, kw_only=True)
class Gate:
    """What a handshake is measured by."""

    # Compared whole with the Origin header: scheme, host and port.
    origins: frozenset[str]
    # ``__Host-holdline_session`` where pages come over https.
    cookie: str = COOKIE

    @classmethod
    def of(cls, settings: Settings) -> "Gate":
        """Return the gate of this installation."""
        prefix = "__Host-" if settings.is_https else ""
        return cls(origins=frozenset(settings.allowed_origins), cookie=prefix + COOKIE)

    def admits(self, headers: Headers) -> bool:
        """Whether the page that opens the socket is one of ours: exactly one Origin header, equal to an allowed one."""
        named = headers.getlist("origin")
        return len(named) == 1 and named[0] in self.origins
