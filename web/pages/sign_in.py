"""Signing in and out, and the link that sets a password; also a first sign-in (P3, T14)."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from chatsvc.accounts.model import Identity, PersonRole
from chatsvc.kernel.errors import Invalid, NotSignedIn, Refused, TooMany
from chatsvc.kernel.languages import CODES
from web import errors
from web.api.session import keep_session
from web.bodies import FormInvalid
from web.cookies import Cookies
from web.pages.forms import ForgotForm, LanguageForm, Nothing, ResetForm, SignInForm, SignInQuery
from web.paths import url
from web.site import Call, own_path

# Where people begin.
_HOMES: Final = {PersonRole.CONTACT: "home", PersonRole.ADMINISTRATOR: "people"}


def home_of(identity: Identity) -> str:
    """Return the address at which somebody's work begins."""
    return url(_HOMES.get(identity.role, "console"))


async def show_sign_in(call: Call, query: SignInQuery) -> Response:
    """Show the sign-in page; who is signed in already goes on."""
    wanted = own_path(query.next)
    if call.visitor is not None:
        return call.go_to(wanted or home_of(call.visitor))
    return await _sign_in_page(call, wanted)


async def sign_in(call: Call, body: SignInForm) -> Response:
    """Begin a session and go on to where the visitor wanted."""
    wanted = own_path(body.next)
    try:
        signed_in = await call.services.accounts.sign_in(
            body.email,
            body.password,
            address=call.address,
            device=device_of(call.request),
            known_device=call.request.cookies.get(call.site.cookies.known_device),
        )
    except (NotSignedIn, TooMany) as error:
        return await _sign_in_page(call, wanted, email=body.email, error=error)
    response = call.go_to(wanted or home_of(signed_in.identity))
    keep_session(call, response, signed_in.token, signed_in.expires_at, signed_in.known_device)
    return response


async def _sign_in_page(call: Call, wanted: str, *, email: str = "", error: Refused | None = None) -> Response:
    said = [] if error is None else [{"field": "", "text": errors.sentence(error, call.reader)}]
    status = 200 if error is None else (429 if isinstance(error, TooMany) else 422)
    response = await call.page(
        "auth/sign_in.html", status=status, email=email, next=wanted, errors=said, here=url("sign_in")
    )
    if error is not None:
        response.headers.update(errors.headers_of(error))
    return response


def device_of(request: Request) -> str:
    """Return what a browser is, in a few words for the person's own list: ``Firefox, Linux``."""
    agent = request.headers.get("user-agent", "")
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    return ", ".join(filter(None, (browser, system))) or agent[:60]


# The order matters: most browsers also call themselves what they want to be taken for.
_BROWSERS: Final = (
    ("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
_SYSTEMS: Final = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


async def sign_out(call: Call, body: Nothing) -> Response:
    """End the session, here and on every socket that it opened."""
    if call.visitor is not None:
        await call.services.accounts.sign_out(call.visitor)
    response = call.go("signed_out")
    call.site.cookies.end(response)
    return response


async def signed_out(call: Call) -> Response:
    """Say that the session is over."""
    return await call.page("auth/signed_out.html", forced="forced" in call.request.query_params, here=url("signed_out"))


async def show_forgot(call: Call) -> Response:
    """Show the form that asks for a link."""
    return await call.page("auth/forgot.html", email="", errors=[])


async def forgot(call: Call, body: ForgotForm) -> Response:
    """Ask for a mail with a link; the answer is the same whether or not there is such an account."""
    try:
        await call.services.accounts.request_reset(body.email, address=call.address)
    except TooMany as error:
        said = [{"field": "", "text": errors.sentence(error, call.reader)}]
        return await call.page("auth/forgot.html", status=429, email=body.email, errors=said)
    return call.go("forgot_sent")


async def forgot_sent(call: Call) -> Response:
    """Say that a link is on its way, if there is such an account."""
    hours = int(call.services.accounts.rules.reset_within.total_seconds() // 3600)
    return await call.page("auth/forgot_sent.html", hours=hours, trial=shows_mail(call))


def shows_mail(call: Call) -> bool:
    """Whether visitors may read the trial's mailbox: only in a demonstration, and only where no mail is sent."""
    return call.site.settings.demo and call.site.settings.smtp_url is None


async def show_reset(call: Call) -> Response:
    """Show the form behind a link from a mail."""
    return await _reset_page(call, call.part("token"), [])


async def reset(call: Call, body: ResetForm) -> Response:
    """Set the password through a link from a mail; it works once."""
    token = call.part("token")
    if body.password != body.again:
        return await _reset_page(call, token, [{"field": "again", "text": call.say("password.different")}])
    try:
        done = await call.services.accounts.reset(token, body.password)
    except Invalid as error:
        if error.key == "link.invalid":
            return await _reset_page(call, token, [])
        said = [{"field": "password", "text": errors.sentence(error, call.reader)}]
        return await _reset_page(call, token, said)
    response = call.go("sign_in", news="password_set")
    call.site.cookies.end(response)
    call.site.cookies.know(response, done.known_device, lasts=call.services.accounts.rules.known_device_for)
    return response


async def _reset_page(call: Call, token: str, said: list[dict[str, str]]) -> Response:
    good = await call.services.accounts.whose_link(token)
    status = 422 if said else (200 if good else 404)
    return await call.page(
        "auth/reset.html",
        status=status,
        token=token,
        valid=good is not None,
        name=good.name if good else None,
        first=bool(good and not good.has_password),
        minimum=call.services.accounts.rules.password_shortest,
        errors=said,
        here=url("sign_in"),
    )


async def language(call: Call, body: LanguageForm) -> Response:
    """Keep the language that a visitor chose, and show the page again in it."""
    response = call.go_to(own_path(body.next) or url("home"))
    if body.language in CODES:
        call.site.cookies.prefer(response, Cookies.LANGUAGE, body.language)
    return response


async def show_form_again(call: Call, error: FormInvalid) -> Response:
    """Show a form of this room again, with what was typed."""
    said = errors.of_form(error, call.reader)
    email = str(error.typed.get("email", ""))
    if call.request.url.path == url("forgot"):
        return await call.page("auth/forgot.html", status=422, email=email, errors=said)
    if call.request.url.path == url("sign_in"):
        wanted = own_path(str(error.typed.get("next", "")))
        return await call.page("auth/sign_in.html", status=422, email=email, next=wanted, errors=said)
    return await _reset_page(call, call.part("token"), said)
