"""The OpenAPI 3.1 document, made from the table of routes and from the types that the doors really decode and encode."""

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any, Final

import msgspec

from web.door import Keyed, Route, Speaks, Who
from web.errors import PROBLEM, Problem

_REF: Final = "#/components/schemas/{name}"
_COOKIE: Final = "session"
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{8,64}$"},
    "description": "Made once by the client for this very wish; the same again does it once.",
}
_ORIGIN: Final = (
    "Browsers say where an unsafe request comes from; a program sends `Origin` with the base address instead. "
    "Refusals are problem+json with a stable `code`."
)


def document(routes: Iterable[Route], *, base_url: str) -> dict[str, Any]:
    """Return the document as plain values, ready for JSON."""
    described = [route for route in routes if is_described(route)]
    schemas = _Schemas(described)
    paths: dict[str, Any] = {}
    for route in described:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Holdline",
            "version": version("holdline"),
            "description": f"The REST twin of the socket: same keys, same numbers. {_ORIGIN}",
        },
        "servers": [{"url": base_url}],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": {
                _COOKIE: {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "__Host-holdline_session" if base_url.startswith("https") else "holdline_session",
                    "description": "Set by `POST /api/v1/session`.",
                }
            },
        },
    }


def is_described(route: Route) -> bool:
    """Whether a route is part of what programs are promised."""
    return route.speaks is Speaks.JSON and route.path.startswith("/api/v1/")


class _Schemas:
    """Every type that goes in or out, once."""

    def __init__(self, routes: list[Route]) -> None:
        kinds: list[Any] = [Problem]
        for route in routes:
            kinds += [kind for kind in (route.takes, route.query, route.gives) if kind is not None]
        unique = list(dict.fromkeys(kinds))
        references, self.components = msgspec.json.schema_components(unique, ref_template=_REF)
        self._references = dict(zip(unique, references, strict=True))

    def of(self, kind: Any) -> dict[str, Any]:
        """Return the reference to a type."""
        return dict(self._references[kind])

    def fields_of(self, kind: type[msgspec.Struct]) -> tuple[dict[str, Any], set[str]]:
        """Return a struct's fields with their schemas, and which of them are required."""
        schema = self.components[kind.__name__]
        return schema["properties"], set(schema.get("required", ()))


def _operation(route: Route, schemas: _Schemas) -> dict[str, Any]:
    assert route.policy is not None
    who = route.policy.who.value + (f"; {route.policy.rule.value}" if route.policy.rule else "")
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "description": f"For {who}.",
        "tags": [route.tag],
        "parameters": _parameters(route, schemas),
        "responses": _responses(route, schemas),
        "security": [] if route.policy.who is Who.ANYONE else [{_COOKIE: []}],
    }
    if route.takes is not None:
        operation["requestBody"] = {"required": True, "content": _content(route, schemas)}
    return operation


def _parameters(route: Route, schemas: _Schemas) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": part, "in": "path", "required": True, "schema": _part_schema(part)} for part in route.parts
    ]
    if route.query is not None:
        fields, required = schemas.fields_of(route.query)
        for name, schema in fields.items():
            found.append({"name": name, "in": "query", "required": name in required, "schema": _without_null(schema)})
    if route.keyed is not Keyed.NO:
        found.append({**_KEY, "required": route.keyed is Keyed.MUST})
    return found


def _part_schema(part: str) -> dict[str, Any]:
    if part == "number":
        return {"type": "integer", "minimum": 1, "maximum": 10**15 - 1}
    if part == "form":
        # The key of a form: a nonce and the seal that binds it to its person.
        return {"type": "string", "pattern": "^fm_[0-9a-z]+-[0-9a-f]{32}$", "maxLength": 80}
    return {"type": "string", "pattern": "^[a-z]{2}_[0-9a-z]+$", "maxLength": 40}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """An absent parameter is left out, it is never the text ``null``."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    found = kinds[0] if len(kinds) == 1 else dict(schema)
    if "enum" in found:
        found = {**found, "enum": [value for value in found["enum"] if value is not None]}
    return {name: value for name, value in found.items() if name != "default" or value is not None}


def _content(route: Route, schemas: _Schemas) -> dict[str, Any]:
    assert route.takes is not None
    if not route.files:
        return {"application/json": {"schema": schemas.of(route.takes)}}
    fields, required = schemas.fields_of(route.takes)
    properties = {name: _without_null(schema) for name, schema in fields.items()}
    properties["file"] = {"type": "string", "format": "binary"}
    form = {
        "type": "object",
        "properties": properties,
        "required": [*sorted(required), "file"],
        "additionalProperties": False,
    }
    return {"multipart/form-data": {"schema": form}}


def _responses(route: Route, schemas: _Schemas) -> dict[str, Any]:
    problem = {"description": "Refused; the code says why.", "content": {PROBLEM: {"schema": schemas.of(Problem)}}}
    responses: dict[str, Any] = {}
    if route.creates:
        responses["201"] = _success("Done, and stored.", route, schemas)
    if not route.creates or route.keyed is not Keyed.NO:
        status, text = ("204", "Done.") if route.gives is None and route.name != "download" else ("200", "Done.")
        responses[status] = _success("Had been done before." if route.creates else text, route, schemas)
    refused = ["400", "401", "403", "404", "408", "409", "413", "422", "429", "500", "503"]
    return responses | dict.fromkeys(refused, problem)


def _success(text: str, route: Route, schemas: _Schemas) -> dict[str, Any]:
    if route.gives is not None:
        return {"description": text, "content": {"application/json": {"schema": schemas.of(route.gives)}}}
    if route.name == "download":
        return {"description": text, "content": {"application/octet-stream": {"schema": {}}, "image/*": {"schema": {}}}}
    return {"description": text}
