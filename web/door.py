"""The one way in: a route declared as data, and the door that keeps what it declares.

A door asks, in this order: is the method right, who is it, are they admitted, is the body small and quick enough, does it decode. Only then
does the endpoint run, with a ``Call`` and the decoded parts. Whatever is refused on the way is translated here and nowhere else.

What a door does not decide: whether this very ticket or conversation is theirs. The endpoint passes the identity on to the room that knows.
"""

import inspect
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Literal, get_type_hints
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from chatsvc.accounts.model import Identity
from chatsvc.kernel.errors import Invalid, NotAllowed, NotSignedIn, Refused
from web import bodies, errors
from web.bodies import BODY_WITHIN_S, FILES_WITHIN_S, PLAIN_BYTES, FormInvalid
from web.paths import PATHS, url
from web.policy import Policy, Rule, Who
from web.site import Call, Site, own_path, reader_of

logger = logging.getLogger(__name__)

Method = Literal["GET", "POST", "PUT", "DELETE"]
Endpoint = Callable[..., Awaitable[Any]]

# What may be taken from anywhere: whoever asks needs no session, so that nobody can be made to act in another's name.
_CARRIES_PERMISSION: Final = (Policy(Who.ANYONE, Rule.LINK), Policy(Who.ANYONE, Rule.SIGNATURE))
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")


class Speaks(Enum):
    """In what a route answers, refusals included."""

    PAGES = "pages"
    JSON = "json"


class Keyed(Enum):
    """Whether a wish carries a key, so that asking twice does it once."""

    NO = "no"
    MAY = "may"
    MUST = "must"


@dataclass(frozen=True, kw_only=True)
class Route:
    """One method of one address, and everything that is promised about it."""

    method: Method
    # With parts in braces: ``/api/v1/tickets/{ticket}``.
    path: str
    # Unique; names the operation in the OpenAPI document and the route in logs and figures.
    name: str
    endpoint: Endpoint
    # None stops the start: nobody forgets to say who may.
    policy: Policy | None = None
    speaks: Speaks = Speaks.JSON
    # The body: JSON or a form, by ``speaks``; None: there is none, or the endpoint reads a form of files alone.
    takes: type[msgspec.Struct] | None = None
    # What may stand behind the question mark; None: whatever stands there is not looked at.
    query: type[msgspec.Struct] | None = None
    # What the endpoint answers with, as JSON; None: nothing (204), or not JSON.
    gives: Any = None
    # Shows a form again whose fields cannot be taken, with what was typed; None: a page says so.
    again: Callable[[Call, FormInvalid], Awaitable[Response]] | None = None
    # Keeps what the form carries when its sender is no longer signed in; None: they are sent to sign in, and it is lost.
    stranded: Callable[[Call], Awaitable[Response]] | None = None
    # Whether it is taken from whoever has its link or signs it, without an origin of ours: mail programs (RFC 8058) and telephone systems
    # name none.
    from_anywhere: bool = False
    # Whether the body is a form that may carry files.
    files: bool = False
    keyed: Keyed = Keyed.NO
    # Answers 201 the first time.
    creates: bool = False
    tag: str = ""

    @property
    def summary(self) -> str:
        """What it does, in one line."""
        return inspect.cleandoc(self.endpoint.__doc__ or "").partition("\n")[0]

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the path's parts."""
        return tuple(re.findall(r"\{(\w+)\}", self.path))


@dataclass(frozen=True)
class Made:
    """The answer of a route that creates: 201 for something new, 200 for what was there already."""

    value: Any
    repeated: bool = False


class RouteError(Exception):
    """The table of routes is not complete; the process must not start."""


def page(method: Method, name: str, endpoint: Endpoint, policy: Policy | None = None, **more: Any) -> Route:
    """Declare a page, or the form of one, at its address in ``web.paths``."""
    verb = "" if method == "GET" else f"_{method.lower()}"
    return Route(
        method=method,
        path=PATHS[name],
        name=f"{name}{verb}",
        endpoint=endpoint,
        policy=policy,
        speaks=Speaks.PAGES,
        **more,
    )


def check(routes: Iterable[Route]) -> None:
    """Insist that every route says who may use it, and takes what its endpoint expects.

    Raises:
        RouteError: with everything that is wrong, one line each.
    """
    problems: list[str] = []
    seen: set[tuple[str, str]] = set()
    names: set[str] = set()
    for route in routes:
        where = f"{route.method} {route.path}"
        if (route.method, route.path) in seen or route.name in names:
            problems.append(f"{where} is declared twice, or its name {route.name} is")
        seen.add((route.method, route.path))
        names.add(route.name)
        if route.policy is None:
            problems.append(f"{where} has no policy")
        elif route.parts and route.policy.rule is None:
            problems.append(f"{where} names an object, but no rule for it")
        if route.from_anywhere and route.policy not in _CARRIES_PERMISSION:
            problems.append(f"{where} is taken from anywhere, but carries no permission in itself")
        if not route.summary:
            problems.append(f"{where} does not say what it does")
        problems += (f"{where}: {problem}" for problem in _mismatches(route))
    if problems:
        raise RouteError("\n".join(problems))


def _mismatches(route: Route) -> list[str]:
    hints = get_type_hints(route.endpoint)
    wanted = {"body": route.takes, "query": route.query}
    found = []
    for name, kind in wanted.items():
        if hints.get(name) is not kind:
            found.append(f"{name} is declared as {kind}, but the endpoint expects {hints.get(name)}")
        if kind is not None and not kind.__struct_config__.forbid_unknown_fields:
            found.append(f"{kind.__name__} accepts unknown fields")
    return found


class Door:
    """All methods of one address, as an ASGI application."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes: dict[str, Route] = {route.method: route for route in routes}
        self.allow = ", ".join(sorted([*self.routes, *(["HEAD"] if "GET" in self.routes else [])]))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        site: Site = scope["app"].state.site
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        route = self.routes.get(method) or next(iter(self.routes.values()))
        scope["route_name"] = route.name
        limit, within_s = _limits(route, site)
        request = Request(scope, bodies.bounded(receive, most_bytes=limit, within_s=within_s))
        call = Call(request, site, None)
        try:
            if method not in self.routes:
                raise errors.MethodRefused("method_refused", allow=self.allow)
            response = await _served(route, call, limit)
        except Refused as error:
            response = await refusal(error, call, route.speaks)
        except Exception:
            logger.exception("request_failed", extra={"route": route.name})
            response = await refusal(errors.Failed("internal"), call, route.speaks)
        finally:
            await request.close()
        await response(scope, receive, send)


def _limits(route: Route, site: Site) -> tuple[int, float]:
    """How many bytes a body may have, and how many seconds it may take."""
    if not route.files:
        return PLAIN_BYTES, BODY_WITHIN_S
    settings = site.settings
    most = bodies.with_files_bytes(most_bytes=settings.max_file_bytes, most_files=settings.max_files_per_post)
    return most, FILES_WITHIN_S


async def _served(route: Route, call: Call, limit: int) -> Response:
    assert route.policy is not None
    call.visitor = await _visitor(call)
    if call.visitor is None and route.stranded is not None and not route.policy.admits(None):
        await _decoded(route, call, limit)
        return await route.stranded(call)
    _admit(route.policy, call.visitor)
    try:
        given = await _decoded(route, call, limit)
    except FormInvalid as error:
        if route.again is None:
            raise Invalid(error.errors[0].key, field=error.errors[0].field, **error.errors[0].facts) from None
        return await route.again(call, error)
    return _answered(await route.endpoint(call, **given))


async def _visitor(call: Call) -> Identity | None:
    token = call.request.cookies.get(call.site.cookies.session)
    identity = await call.services.accounts.identify(token) if token else None
    call.request.scope["person"] = identity.person if identity else None
    return identity


def _admit(policy: Policy, visitor: Identity | None) -> None:
    if policy.admits(visitor.role if visitor else None):
        return
    if visitor is None:
        raise NotSignedIn("session.over")
    raise NotAllowed("not_allowed", role=visitor.role.value)


async def _decoded(route: Route, call: Call, limit: int) -> dict[str, Any]:
    """Read what the route takes; also the key and the form, which go into the call."""
    given: dict[str, Any] = {}
    if route.query is not None:
        given["query"] = bodies.query_of(call.request, route.query, by_form=route.speaks is Speaks.PAGES)
    if route.method != "GET":
        bodies.refuse_announced(call.request, limit)
    if route.keyed is not Keyed.NO:
        call.key = _key_of(call.request, route.keyed)
    if route.files or (route.speaks is Speaks.PAGES and route.takes is not None):
        most_files = call.site.settings.max_files_per_post if route.files else 0
        call.form = await bodies.form_body(call.request, most_files=most_files)
    if route.takes is not None:
        is_form = route.files or route.speaks is Speaks.PAGES
        given["body"] = (
            bodies.form_into(call.form, route.takes) if is_form else await bodies.json_body(call.request, route.takes)
        )
    return given


def _key_of(request: Request, keyed: Keyed) -> str:
    key = request.headers.get("idempotency-key", "")
    if not key and keyed is Keyed.MAY:
        return ""
    if not _KEY.fullmatch(key):
        raise Invalid("key.missing" if not key else "key.malformed", field="Idempotency-Key")
    return key


def _answered(answer: Any) -> Response:
    if isinstance(answer, Response):
        return answer
    if isinstance(answer, Made):
        return _json(answer.value, 200 if answer.repeated else 201)
    return Response(status_code=204) if answer is None else _json(answer, 200)


def _json(value: Any, status: int) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


async def refusal(error: Refused, call: Call, speaks: Speaks) -> Response:
    """Translate a refusal: for programs a problem, for people a page, or the way to the sign-in page."""
    status = error.status
    logger.log(
        logging.INFO if status < 500 else logging.WARNING,
        "request_refused",
        extra={"code": error.key, "status": status, "facts": str(error.facts)[:200]},
    )
    reader = reader_of(call.request, call.visitor)
    if speaks is Speaks.JSON:
        return errors.as_problem(error, for_reader=reader, base_url=call.site.base_url, correlation=call.correlation)
    if isinstance(error, NotSignedIn):
        response = to_sign_in(call.request)
        if call.request.method == "POST":
            # What was sent is lost: nobody should believe that it arrived.
            call.site.cookies.tell(response, "sent_signed_out")
        return response
    return await error_page(error, call)


def to_sign_in(request: Request) -> Response:
    """Send a visitor to sign in, and from there to where they wanted (T14)."""
    wanted = ""
    if request.method in ("GET", "HEAD"):
        query = request.url.query
        wanted = own_path(request.url.path + (f"?{query}" if query else ""))
    address = url("sign_in")
    return RedirectResponse(f"{address}?{urlencode({'next': wanted})}" if wanted not in ("", "/") else address, 303)


async def error_page(error: Refused, call: Call) -> Response:
    """Return the page that says a refusal to a person."""
    try:
        me = await call.me()
    except Exception:  # the store may be what failed: the page says less, but it says so
        me = None
    headers = errors.headers_of(error)
    text = call.site.renderer.page(
        "error.html",
        call.reader,
        theme=call.theme,
        me=me,
        status=error.status,
        code=error.key,
        sentence=errors.sentence(error, call.reader),
        correlation=call.correlation,
        retry_after=int(headers["retry-after"]) if "retry-after" in headers else None,
        back=_back(call.request),
        here="/",
    )
    return Response(text, error.status, headers, "text/html")


def _back(request: Request) -> str:
    """Where it makes sense to go: the page the visitor came from if it is ours, else home."""
    base = f"{request.url.scheme}://{request.url.netloc}"
    referrer = request.headers.get("referer", "")
    return (own_path(referrer.removeprefix(base)) if referrer.startswith(base + "/") else "") or url("home")


__all__ = [
    "Door", "FormInvalid", "Keyed", "Made", "Policy", "Route", "RouteError", "Rule", "Speaks", "Who",
    "check", "error_page", "page", "refusal",
]  # fmt: skip
