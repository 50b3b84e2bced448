"""Every way in, as one table: what is not here does not exist, and what is here says who may use it."""

from typing import Final

from web.api import routes as api
from web.door import Policy, Route, Rule, Speaks, Who, page
from web.pages import health, sign_in
from web.pages.forms import ForgotForm, LanguageForm, Nothing, ResetForm, SignInForm, SignInQuery

_ANYONE: Final = Policy(Who.ANYONE)
_BY_LINK: Final = Policy(Who.ANYONE, Rule.LINK)

_again: Final = sign_in.show_form_again

DOORSTEP: Final = (
    page("GET", "sign_in", sign_in.show_sign_in, _ANYONE, query=SignInQuery),
    page("POST", "sign_in", sign_in.sign_in, _ANYONE, takes=SignInForm, again=_again),
    page("POST", "sign_out", sign_in.sign_out, _ANYONE, takes=Nothing),
    page("GET", "signed_out", sign_in.signed_out, _ANYONE),
    page("GET", "forgot", sign_in.show_forgot, _ANYONE),
    page("POST", "forgot", sign_in.forgot, _ANYONE, takes=ForgotForm, again=_again),
    page("GET", "forgot_sent", sign_in.forgot_sent, _ANYONE),
    page("GET", "reset", sign_in.show_reset, _BY_LINK),
    page("POST", "reset", sign_in.reset, _BY_LINK, takes=ResetForm, again=_again),
    page("POST", "language", sign_in.language, _ANYONE, takes=LanguageForm),
)

WATCHES: Final = (
    Route(method="GET", path="/healthz", name="healthz", endpoint=health.healthz, policy=_ANYONE, tag="watch"),
    Route(method="GET", path="/readyz", name="readyz", endpoint=health.readyz, policy=_ANYONE, tag="watch"),
    Route(
        method="GET",
        path="/metrics",
        name="metrics",
        endpoint=health.metrics,
        policy=Policy(Who.ANYONE, Rule.LOOPBACK),
        tag="watch",
    ),
)

TABLE: Final[tuple[Route, ...]] = (*DOORSTEP, *WATCHES, *api.ROUTES)

__all__ = ["TABLE", "Speaks"]
