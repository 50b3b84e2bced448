"""The cookies, all in one place: what they are called, how long they last, who may read them.

Under https the session's cookie is bound to this very host by its prefix and never leaves without encryption; on a trial over plain
http browsers refuse such a cookie, so it has another name there (threat table, section 3).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from starlette.responses import Response

from chatsvc.config import Settings

_YEAR: Final = timedelta(days=365)


@dataclass(frozen=True)
class Cookies:
    """Sets and clears cookies, the same way everywhere."""

    # Whether people reach the pages by https.
    secure: bool

    @classmethod
    def of(cls, settings: Settings) -> "Cookies":
        """Return the cookies of this desk."""
        return cls(settings.is_https)

    @property
    def session(self) -> str:
        """Name of the session's cookie."""
        return "__Host-holdline_session" if self.secure else "holdline_session"

    @property
    def known_device(self) -> str:
        """Name of the cookie of a browser from which somebody signed in before; it outlives the session."""
        return "__Host-holdline_device" if self.secure else "holdline_device"

    LANGUAGE = "holdline_language"
    THEME = "holdline_theme"
    # A code of news for the next page; shown once.
    FLASH = "holdline_flash"

    def begin(self, response: Response, token: str, *, now: datetime, expires_at: datetime) -> None:
        """Give the browser a session."""
        self._set(response, self.session, token, expires_at - now)

    def end(self, response: Response) -> None:
        """Take the session away."""
        response.delete_cookie(self.session, path="/", secure=self.secure, httponly=True, samesite="lax")

    def know(self, response: Response, device: str, *, lasts: timedelta) -> None:
        """Remember that somebody signed in from this browser."""
        self._set(response, self.known_device, device, lasts)

    def prefer(self, response: Response, name: str, value: str) -> None:
        """Keep a preference (``LANGUAGE`` or ``THEME``) for a year."""
        self._set(response, name, value, _YEAR)

    def tell(self, response: Response, code: str) -> None:
        """Leave news for the next page."""
        self._set(response, self.FLASH, code, timedelta(minutes=1))

    def told(self, response: Response) -> None:
        """The news has been shown."""
        response.delete_cookie(self.FLASH, path="/", secure=self.secure, httponly=True, samesite="lax")

    def _set(self, response: Response, name: str, value: str, lasts: timedelta) -> None:
        response.set_cookie(
            name,
            value,
            max_age=max(0, int(lasts.total_seconds())),
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )
