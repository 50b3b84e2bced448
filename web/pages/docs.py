"""For developers: the two documents that the types make, and a page that reads them out."""

from importlib.metadata import version
from typing import Any, get_args

import msgspec
from starlette.responses import Response

from chatsvc.hub import asyncapi
from chatsvc.hub.codes import CLOSE_CODES, may_return
from chatsvc.hub.frames import ClientFrame, ServerFrame
from web.api import openapi
from web.codes import CODES, sentence_key_of
from web.door import Route
from web.i18n import reading
from web.site import Call
from web.texts import error_sentence


async def openapi_json(call: Call) -> Response:
    """Return the OpenAPI 3.1 document of the REST interface."""
    return _document(openapi.document(_table(call), base_url=call.site.base_url))


async def asyncapi_json(call: Call) -> Response:
    """Return the AsyncAPI document of the socket."""
    return _document(asyncapi.document(address=call.site.base_url, version=version("holdline")))


def _document(document: dict[str, Any]) -> Response:
    return Response(
        msgspec.json.encode(document), headers={"cache-control": "public, no-cache"}, media_type="application/json"
    )


def _table(call: Call) -> tuple[Route, ...]:
    table: tuple[Route, ...] = call.request.app.state.table
    return table


async def show(call: Call) -> Response:
    """Show the interfaces as a page."""
    return await call.page(
        "api_docs.html",
        version=version("holdline"),
        routes=[_route_row(route) for route in _table(call) if openapi.is_described(route)],
        frames=[
            *(_frame_row(kind, "in") for kind in get_args(ClientFrame)),
            *(_frame_row(kind, "out") for kind in get_args(ServerFrame)),
        ],
        close_codes=[
            {"code": code.code, "name": code.name, "meaning": code.about, "come_back": may_return(code.code)}
            for code in CLOSE_CODES
        ],
        codes=_code_rows(call),
    )


def _route_row(route: Route) -> dict[str, str]:
    assert route.policy is not None
    return {
        "method": route.method,
        "path": route.path,
        "summary": route.summary,
        "policy": route.policy.who.value + (f"; {route.policy.rule.value}" if route.policy.rule else ""),
    }


def _frame_row(kind: type[msgspec.Struct], direction: str) -> dict[str, Any]:
    _, components = msgspec.json.schema_components([kind], ref_template="{name}")
    fields = components[kind.__name__]["properties"]
    return {
        "name": str(kind.__struct_config__.tag),
        "direction": direction,
        "summary": (kind.__doc__ or "").partition("\n")[0],
        "fields": [(name, _type_name(schema)) for name, schema in fields.items() if name != "t"],
    }


def _type_name(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"])
    if "anyOf" in schema:
        return " or ".join(_type_name(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(repr(value) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type_name(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "any")


def _code_rows(call: Call) -> list[dict[str, Any]]:
    rows = []
    with reading(call.reader):
        for key, status in sorted(CODES.items()):
            rows.append({"key": key, "status": status, "sentence": error_sentence(sentence_key_of(key, status))})
    return rows
