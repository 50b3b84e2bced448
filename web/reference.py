"""The tables of ``docs/reference/http.md``, drawn from the routes and codes that are in force; a test insists that the page has them."""

from web import routes
from web.api import openapi
from web.codes import CODES, sentence_key_of
from web.door import Keyed, Route, Speaks
from web.texts import ERRORS


def rest_table() -> str:
    """Return the REST routes, in Markdown."""
    rows = ["| Method and path | Who | What it does | Takes | Gives |", "|---|---|---|---|---|"]
    for route in routes.TABLE:
        if openapi.is_described(route):
            rows.append(
                f"| `{route.method} {route.path}` | {_who(route)} | {route.summary} | {_takes(route)} | {_gives(route)} |"
            )
    return "\n".join(rows)


def page_table() -> str:
    """Return the pages, their forms and what machines ask, in Markdown."""
    rows = ["| Method and path | Who | What it does |", "|---|---|---|"]
    for route in routes.TABLE:
        if route.speaks is Speaks.PAGES or not openapi.is_described(route):
            rows.append(f"| `{route.method} {route.path}` | {_who(route)} | {route.summary} |")
    return "\n".join(rows)


def code_table() -> str:
    """Return the published codes, in Markdown."""
    rows = ["| Code | Status | What people read |", "|---|---|---|"]
    rows += [f"| `{code}` | {status} | {ERRORS[sentence_key_of(code, status)]} |" for code, status in CODES.items()]
    return "\n".join(rows)


def _who(route: Route) -> str:
    assert route.policy is not None
    return route.policy.who.value + (f" ({route.policy.rule.value})" if route.policy.rule else "")


def _takes(route: Route) -> str:
    parts = [kind.__name__ for kind in (route.takes, route.query) if kind is not None]
    if route.files:
        parts.append("`file`, as multipart/form-data")
    if route.keyed is not Keyed.NO:
        parts.append("`Idempotency-Key`" + (" (or `key` in the body)" if route.keyed is Keyed.MAY else ""))
    return ", ".join(parts)


def _gives(route: Route) -> str:
    if route.gives is None:
        return "the bytes" if route.name == "download" else "204"
    name = getattr(route.gives, "__name__", "")
    shown = f"list of {route.gives.__args__[0].__name__}" if name == "tuple" else name
    if not route.creates:
        return shown
    return f"201 {shown}" + ("; 200 when repeated" if route.keyed is not Keyed.NO else "")
