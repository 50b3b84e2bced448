"""The reference pages of the socket, drawn from its types: ``python -m chatsvc.hub.reference docs/reference`` writes them.

A test compares the pages with the types, so that neither can change alone.
"""

import inspect
import sys
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from chatsvc.hub import codes
from chatsvc.hub.asyncapi import roles_of
from chatsvc.hub.frames import ClientFrame, FromClient, ServerFrame

_FRAMES_ABOUT: Final = """\
# Frames of the socket

`/ws` speaks JSON: one object per text frame, told apart by `t`, in UTF-8, at most 64 KiB, without compression. Binary frames, unknown kinds,
unknown fields, fields named twice and values of another type are refused with a code, never with silence.

The handshake needs the session's cookie and an `Origin` header that equals the address of the pages to the letter; a foreign one gets HTTP 403.
Everybody else is let in and, where that is needed, turned away at once with a [close code](close-codes.md), because a browser does not let
its page read the status of a failed handshake.

`ref` is a number of the client's own, rising; the answer carries it back. The same types make the AsyncAPI document that is served at
`/api/asyncapi.json`.

## A conversation with the hub

```
server  {"t":"welcome","person":"pe_…","name":"Claire","role":"contact","store":"st_…","beat_s":25.0,"at":"…"}
client  {"t":"open","ref":1,"log":"lg_…","after":41,"store":"st_…"}
server  {"t":"entries","log":"lg_…","entries":[{"number":42,…}]}
server  {"t":"caught_up","ref":1,"log":"lg_…","head":42,"seen":{"pe_…":42}}
client  {"t":"append","ref":2,"log":"lg_…","key":"0b9f…","kind":"message","text":"hello"}
server  {"t":"stored","ref":2,"log":"lg_…","key":"0b9f…","number":43,"at":"…"}
server  {"t":"entries","log":"lg_…","entries":[{"number":43,…}]}
server  {"t":"beat","heads":{"lg_…":43}}
client  {"t":"beat"}
```

## What a client does

1. It keeps what it said, under a key of its own making, until `stored` with that key comes; after a cut it says it again under the same key
   and gets the same number, however often. Another body under the same key is a conflict.
2. It takes entries in order only. When a number is missing, or a `beat` names a head beyond its last number, it opens the log again from
   its last number.
3. On `reset` it throws away what it has of that log and opens from 0. So it does with everything when `welcome` names another `store`.
4. It answers every `beat`. When nothing came for two beats it hangs up and connects again.
5. After a cut it waits at random between 0 and a time that doubles from 0.5 to 20 seconds; where the close reason is
   `retry_after=<seconds>` it waits that long instead. After a code from 4500 to 4999 it does not come back by itself.
6. Typing, looking and seen marks may be lost. Pictures (`visit`, `desk`) are whole; a newer one replaces an older one.
"""

_CLOSE_ABOUT: Final = """\
# Close codes of the socket

A client comes back by itself after 1012, 1013, 4000 to 4499 and after cut lines (1006), and not after 1000 and 4500 to 4999. Codes of the
protocol itself (1002, 1007, 1009) come from the server below the hub when frames are broken or too large.

| Code | Name | Come back | Why |
|---|---|---|---|
"""

_CODES_ABOUT: Final = """\
# Codes of refusals on the socket

A `refused` frame carries one of these, the `ref` of what is refused, a correlation id by which the log has the rest, and `retry_after` in
seconds where trying again makes sense. The text of an exception is never sent.

| Code | What it says |
|---|---|
"""


def frames_page() -> str:
    """Return ``frames.md``."""
    client = "".join(_section(kind) for kind in get_args(ClientFrame))
    server = "".join(_section(kind) for kind in get_args(ServerFrame))
    return f"{_FRAMES_ABOUT}\n## From the client\n{client}\n## From the server\n{server}\n## What frames carry\n{_carried()}"


def close_codes_page() -> str:
    """Return ``close-codes.md``."""
    rows = (
        f"| {each.code} | `{each.name}` | {'yes' if codes.may_return(each.code) else 'no'} | {each.about} |\n"
        for each in codes.CLOSE_CODES
    )
    return _CLOSE_ABOUT + "".join(rows)


def codes_page() -> str:
    """Return ``codes.md``."""
    return _CODES_ABOUT + "".join(f"| `{code}` | {about} |\n" for code, about in sorted(codes.ERRORS.items()))


PAGES: Final = {"frames.md": frames_page, "close-codes.md": close_codes_page, "codes.md": codes_page}


def _carried() -> str:
    """Return a section for every type that a frame of the server carries."""
    references, components = msgspec.json.schema_components(get_args(ServerFrame))
    frames = {_name_in(reference) for reference in references}
    return "".join(
        f"\n### `{name}`\n\n{_plain(shape.get('description', ''))}\n{_fields_in(shape)}"
        for name, shape in sorted(components.items())
        if name not in frames
    )


def _section(kind: type[Any]) -> str:
    about = _plain(inspect.cleandoc(kind.__doc__ or ""))
    who = f"\nSent by: {', '.join(roles_of(kind))}.\n" if issubclass(kind, FromClient) else ""
    return f"\n### `{kind.__struct_config__.tag}`\n\n{about}\n{who}{_fields(kind)}"


def _plain(docstring: str) -> str:
    return docstring.replace("``", "`")


def _name_in(reference: dict[str, Any]) -> str:
    return str(reference["$ref"]).rpartition("/")[2]


def _fields(kind: type[Any]) -> str:
    [reference], components = msgspec.json.schema_components([kind])
    return _fields_in(components[_name_in(reference)])


def _fields_in(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return f"\nOne of {_type(schema)}.\n"
    named = {name: shape for name, shape in schema["properties"].items() if name != "t"}
    if not named:
        return "\nNo fields.\n"
    rows = (
        f"| `{name}` | {_type(shape)} | {'yes' if name in schema.get('required', ()) else 'no'} |\n"
        for name, shape in named.items()
    )
    return "\n| Field | Type | Required |\n|---|---|---|\n" + "".join(rows)


def _type(shape: dict[str, Any]) -> str:
    if "$ref" in shape:
        return f"`{_name_in(shape)}`"
    if "anyOf" in shape:
        return " or ".join(_type(each) for each in shape["anyOf"])
    if "enum" in shape:
        return " or ".join(f"`{value}`" for value in shape["enum"])
    name = "moment" if shape.get("format") == "date-time" else str(shape.get("type", "any"))
    if name == "array":
        return f"list of {_type(shape['items'])}" + _limits(shape)
    if name == "object":
        return (
            f"object of {_type(shape['additionalProperties'])}"
            if isinstance(shape.get("additionalProperties"), dict)
            else name
        )
    return name + _limits(shape)


def _limits(shape: dict[str, Any]) -> str:
    least = next((shape[name] for name in ("minLength", "minimum", "minItems") if name in shape), None)
    most = next((shape[name] for name in ("maxLength", "maximum", "maxItems") if name in shape), None)
    if most is None:
        return "" if least is None else f", from {least}"
    return f", {least} to {most}" if least is not None else f", at most {most}"


def write(folder: Path) -> None:
    """Write the pages into a folder."""
    for name, page in PAGES.items():
        (folder / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
