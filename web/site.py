"""What every door needs: the services, the pages, the addresses; and what one request brings with it.

A ``Call`` is handed to each endpoint. It knows who asks, in which language they read, and how answers are made; it decides nothing.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from callback.actions import Callbacks
from callback.queries import CallQueries
from callback.telephony.signing import Secret
from chatsvc.accounts.model import Identity
from chatsvc.accounts.queries import AccountQueries
from chatsvc.bootstrap import Services
from chatsvc.config import Settings
from chatsvc.kernel.errors import NotFound, NotSignedIn
from web.bodies import Form
from web.cookies import Cookies
from web.i18n import Reader, choose_language, language_of, reading
from web.packing import packed
from web.paths import url
from web.rendering import THEMES, Renderer
from web.texts import error_sentence

# Longest path part that is looked at: ids have 23 characters, links of mails some 200.
_LONGEST_PART: Final = 400
_LONGEST_NUMBER: Final = 15


@dataclass
class Site:
    """One per process."""

    settings: Settings
    services: Services
    renderer: Renderer
    cookies: Cookies
    people: AccountQueries
    # Reservations and calls, and what people see of them.
    calls: Callbacks
    calls_seen: CallQueries
    # The store's epoch: numbers of logs belong to it (R4).
    store: str
    # Believed in posts of the telephone system, the newest first; empty where it posts nothing.
    telephone_secrets: tuple[Secret, ...] = ()
    # True from the moment at which the process begins to stop.
    leaving: bool = False

    @property
    def base_url(self) -> str:
        """The address under which people reach the pages."""
        return self.settings.base_url


@dataclass
class Call:
    """One request, on its way through a door."""

    request: Request
    site: Site
    # Who asks; None when nobody is signed in.
    visitor: Identity | None
    # The client's key of this very wish, where the route takes one.
    key: str = ""
    # The form as it came, on routes that take one.
    form: Form = field(default_factory=lambda: Form({}, ()))

    @property
    def services(self) -> Services:
        """The rooms."""
        return self.site.services

    @property
    def identity(self) -> Identity:
        """Who asks.

        Raises:
            NotSignedIn: nobody is signed in.
        """
        if self.visitor is None:
            raise NotSignedIn("session.over")
        return self.visitor

    @property
    def now(self) -> datetime:
        """The present moment."""
        return self.services.clock.now()

    @property
    def correlation(self) -> str:
        """What finds this request in the log."""
        return str(self.request.scope.get("correlation", ""))

    @property
    def address(self) -> str:
        """The client's address; a proxy's word counts only when the proxy is configured."""
        return str(self.request.scope.get("client_address", ""))

    def part(self, name: str) -> str:
        """Return a part of the path.

        Raises:
            NotFound: it is longer than any of ours, or holds characters that none of ours has.
        """
        text = str(self.request.path_params[name])
        if len(text) > _LONGEST_PART or not text.isascii() or not text.isprintable():
            raise NotFound("not_found")
        return text

    def number(self, name: str = "number") -> int:
        """Return a part of the path that is a whole number.

        Raises:
            NotFound: it is none.
        """
        text = self.part(name)
        if not text.isdigit() or len(text) > _LONGEST_NUMBER:
            raise NotFound("not_found")
        return int(text)

    # who reads --------------------------------------------------------------------------------------------------------

    @property
    def reader(self) -> Reader:
        """Whose language and zone the answer is in."""
        return reader_of(self.request, self.visitor)

    @property
    def theme(self) -> str:
        """``auto``, ``light`` or ``dark``."""
        theme = self.request.cookies.get(Cookies.THEME, "auto")
        return theme if theme in THEMES else "auto"

    def say(self, key: str, /, **facts: object) -> str:
        """Return the sentence of a key, in the reader's language."""
        with reading(self.reader):
            return error_sentence(key, **facts)

    # answers ----------------------------------------------------------------------------------------------------------

    async def page(self, template: str, /, *, status: int = 200, **context: Any) -> Response:
        """Return a page; ``me`` and the news of the last action are added to its context."""
        code = self.request.cookies.get(Cookies.FLASH, "")
        context.setdefault("me", await self.me())
        context.setdefault("flash", news_of(code, self.reader))
        context.setdefault("trial", self.site.settings.smtp_url is None)
        context.setdefault("here", self.request.url.path)
        text = self.site.renderer.page(template, self.reader, theme=self.theme, **context)
        response = packed(text, self.request, status=status)
        if code:
            self.site.cookies.told(response)
        return response

    async def me(self) -> dict[str, Any] | None:
        """Return what every page says about who is signed in; None when nobody is."""
        if self.visitor is None:
            return None
        person = await self.site.people.person(self.visitor.person)
        return {
            "person": self.visitor.person,
            "name": self.visitor.name,
            "email": person.email if person else "",
            "role": self.visitor.role.value,
            "company": await self.site.people.company_name(self.visitor),
        }

    def go(
        self, name: str, /, *, news: str = "", query: dict[str, str] | None = None, fragment: str = "", **parts: object
    ) -> Response:
        """Send the browser to one of our pages after a form; ``news`` is the code of what that page says on top."""
        return self.go_to(url(name, query, **parts) + (f"#{fragment}" if fragment else ""), news=news)

    def go_to(self, path: str, *, news: str = "") -> Response:
        """Send the browser to a path of ours."""
        response = RedirectResponse(path, 303)
        if news:
            self.site.cookies.tell(response, news)
        return response


def reader_of(request: Request, visitor: Identity | None) -> Reader:
    """Return in which language and zone somebody reads."""
    if visitor is not None:
        return Reader(language_of(visitor.language), ZoneInfo(visitor.zone))
    cookie = request.cookies.get(Cookies.LANGUAGE)
    return Reader(choose_language(None, cookie, request.headers.get("accept-language")))


def own_path(text: str | None) -> str:
    """Return a path of ours to go on to, or an empty text: never another host, whatever a link says (T14).

    Browsers read a backslash as a slash and drop control characters, so that neither may be in it.
    """
    if not text or len(text) > 2_000 or not text.startswith("/") or text.startswith("//"):
        return ""
    if "\\" in text or not text.isprintable() or any(character.isspace() for character in text):
        return ""
    return quote(text, safe="/?&=%#:@!$'()*+,;~-._[]")


def news_of(code: str, for_reader: Reader) -> list[dict[str, str]]:
    """Return what a page says on top after an action; nothing for an unknown code."""
    known = NEWS.get(code)
    if known is None:
        return []
    kind, text = known
    return [{"kind": kind, "text": for_reader.texts.gettext(text)}]


def N_(message: str) -> str:
    """Mark a text for extraction; it is translated where it is shown."""
    return message


# What the page after an action says: code -> kind (good, news, warn, bad) and sentence.
NEWS: Final = {
    "password_changed": ("good", N_("Your password has been changed. All other devices are signed out.")),
    "password_set": ("good", N_("Your password has been set. Sign in with it.")),
    "sent_signed_out": (
        "warn",
        N_(
            "You were signed out before this arrived, so nothing was stored. Sign in, then send it again with its files."
        ),
    ),
    "profile_saved": ("good", N_("Your profile has been saved.")),
    "feed_made": ("good", N_("The address of your calendar is made. An older one is worth nothing any more.")),
    "feed_ended": ("good", N_("The address of your calendar is worth nothing any more.")),
    "session_ended": ("good", N_("That device has been signed out.")),
    "request_sent": (
        "good",
        N_("Your request has been sent. You will be told by mail about every answer; everything stands on this page."),
    ),
    "request_sent_attach": ("good", N_("Your request has been sent. Add the files with your first comment.")),
    "draft_discarded": ("good", N_("The unfinished request has been thrown away.")),
    "comment_stored": ("good", N_("Your comment has been added.")),
    "note_stored": ("good", N_("The note has been stored. The customer does not see it.")),
    "ticket_solved": ("good", N_("The request has been marked as solved.")),
    "ticket_reopened": ("good", N_("The request has been opened again.")),
    "ticket_judged": ("good", N_("The priority has been set. The customer reads it in the history.")),
    "appealed": ("good", N_("A representative looks at the priority again and answers here.")),
    "ticket_changed": ("good", N_("The ticket has been changed.")),
    "ticket_closed": ("good", N_("The request has been closed.")),
    "follow_up_made": ("good", N_("This request goes on where the other one ended.")),
    "followed": ("good", N_("You read along now: every answer reaches you too.")),
    "colleague_follows": ("good", N_("Your colleague reads along now and has been told.")),
    "unfollowed": ("good", N_("Done: no more mails about this request.")),
    "ticket_asked": ("good", N_("The customer has been asked. The ticket waits for the answer.")),
    "team_changed": ("good", N_("Another team is responsible now.")),
    "owner_changed": ("good", N_("It is written down who works on this.")),
    "incident_linked": ("good", N_("The incident has been noted.")),
    "ticket_merged": ("good", N_("The duplicate goes on here.")),
    "bulk_undone": ("good", N_("The last change has been taken back.")),
    "bulk_undone_in_part": (
        "warn",
        N_("What nobody has changed since has been taken back. Look at the other tickets one by one."),
    ),
    "bulk_too_late": ("warn", N_("The time to undo is over. Change the tickets again instead.")),
    "reply_saved": ("good", N_("The reply has been saved.")),
    "reply_removed": ("good", N_("The reply has been removed.")),
    "company_saved": ("good", N_("The wish of the company has been saved. It counts from now on.")),
    "teams_saved": ("good", N_("The teams have been saved.")),
    "services_saved": ("good", N_("The services of the company have been saved.")),
    "calendar_changed": ("good", N_("The calendar has been changed. It counts from now on.")),
    "plan_changed": ("good", N_("The plan has been given. It counts from now on.")),
    "company_added": ("good", N_("The company has been added.")),
    "person_added": ("good", N_("The account has been added. A mail with a link for the first sign-in is on its way.")),
    "permission_granted": ("good", N_("The person may now contact Support.")),
    "permission_withdrawn": (
        "good",
        N_("The person can no longer contact Support and has been signed out everywhere."),
    ),
    "person_disabled": ("good", N_("The account has been disabled and signed out everywhere.")),
    "person_enabled": ("good", N_("The account can sign in again.")),
    "too_few_contacts": (
        "warn",
        N_("The account has been disabled. The company now has fewer than two authorised contacts."),
    ),
    "link_mailed": ("good", N_("A mail with a link to set a password is on its way.")),
    "undo_over": ("warn", N_("The time to undo is over. Add a comment to the ticket, or start a new chat.")),
    "conflict": ("warn", N_("Somebody else changed this meanwhile. Look at the new state and try again.")),
    "call_booked": ("good", N_("Your call is booked. A mail confirms it, with a link to this page.")),
    "call_cancelled": ("good", N_("The call is cancelled. Your request stays open and is answered.")),
    "call_not_needed": (
        "good",
        N_("That call is cancelled. The request that it was about stays open and is answered."),
    ),
    "call_moved": ("good", N_("The call has been moved. A mail confirms the new time.")),
    "call_snoozed": ("good", N_("We do not call for the next 15 minutes. You keep your place.")),
    "call_number": ("good", N_("We call the other number.")),
    "call_noted": ("good", N_("Noted. What comes next happens by itself.")),
    "call_released": (
        "good",
        N_("The call is back in line, first for those who were not asked yet. It counts against nobody."),
    ),
    "call_closed": (
        "warn",
        N_("Nobody may be called for this request at this hour. The call waits until it opens again."),
    ),
    "call_too_early": ("warn", N_("It is too early or too late where the customer is. The call waits until eight.")),
    "call_number_blocked": ("warn", N_("This number may not be called. The customer is told; the ticket stays open.")),
    "call_used_up": ("warn", N_("This customer was rung too often already. They are told; the ticket stays open.")),
    "call_cap_number": ("warn", N_("This number was called often enough today. The call waits until tomorrow.")),
    "call_cap_company": ("warn", N_("This company has used its minutes of today. The call waits until tomorrow.")),
    "call_cap_all": ("warn", N_("All minutes of today are used. The call waits until tomorrow.")),
    "numbers_changed": ("good", N_("The list has been changed. It counts for the next booking and the next dial.")),
    "shift_planned": ("good", N_("The plan has been changed.")),
    "left_line": ("news", N_("You left the line. Your ticket stays open and will be answered.")),
    "not_waiting": ("warn", N_("A representative has joined already. You are in the conversation now.")),
}
