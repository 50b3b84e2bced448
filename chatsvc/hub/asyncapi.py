"""The AsyncAPI document of the socket, drawn from the very types that the peer decodes and the hub sends.

Nothing in it is written twice: kinds, fields and limits come from ``frames``, who may send a frame from ``policies``, close codes and refusals
from ``codes``. It is served by the pages, and a test compares it with the types.
"""

import inspect
from typing import Any, Final, get_args

import msgspec

from chatsvc.hub import codes
from chatsvc.hub.frames import ClientFrame, FromClient, FromServer, ServerFrame
from chatsvc.hub.policies import POLICIES

_SCHEMAS: Final = "#/components/schemas/{name}"


def document(*, address: str, version: str) -> dict[str, Any]:
    """Return the document.

    Args:
        address: of the pages, ``https://desk.example``; the socket is ``/ws`` under it.
        version: of Holdline.
    """
    scheme, _, host = address.partition("://")
    kinds = (*get_args(ClientFrame), *get_args(ServerFrame))
    references, schemas = msgspec.json.schema_components(kinds, ref_template=_SCHEMAS)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Holdline socket",
            "version": version,
            "description": "Live logs, pictures and desks. One JSON object per text frame, told apart by `t`.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {"desk": {"host": host, "protocol": "wss" if scheme == "https" else "ws"}},
        "channels": {
            "socket": {
                "address": "/ws",
                "description": _about_socket(),
                "messages": {kind_of(kind): {"$ref": f"#/components/messages/{kind_of(kind)}"} for kind in kinds},
                "bindings": {"ws": {"method": "GET"}},
            }
        },
        "operations": {
            "fromClient": _operation("receive", get_args(ClientFrame)),
            "fromServer": _operation("send", get_args(ServerFrame)),
        },
        "components": {
            "messages": {
                kind_of(kind): _message(kind, reference) for kind, reference in zip(kinds, references, strict=True)
            },
            "schemas": schemas,
        },
        "x-close-codes": [each._asdict() | {"comeBack": codes.may_return(each.code)} for each in codes.CLOSE_CODES],
        "x-refusals": codes.ERRORS,
    }


def kind_of(kind: type[FromClient] | type[FromServer]) -> str:
    """Return the name of a frame's message: client and server both have a ``beat``, a ``seen``, a ``typing`` and a ``looking``."""
    side = "client" if issubclass(kind, FromClient) else "server"
    return f"{side}_{kind.__struct_config__.tag}"


def roles_of(kind: type[FromClient]) -> list[str]:
    """Return who may send a frame, in the order of rank."""
    return [role.value for role in type(next(iter(POLICIES[kind].roles))) if role in POLICIES[kind].roles]


def _message(kind: type[FromClient] | type[FromServer], reference: dict[str, Any]) -> dict[str, Any]:
    message = {
        "name": str(kind.__struct_config__.tag),
        "summary": inspect.cleandoc(kind.__doc__ or "").partition("\n")[0],
        "payload": reference,
    }
    return message | {"x-roles": roles_of(kind)} if issubclass(kind, FromClient) else message


def _operation(action: str, kinds: tuple[Any, ...]) -> dict[str, Any]:
    messages = [{"$ref": f"#/channels/socket/messages/{kind_of(kind)}"} for kind in kinds]
    return {"action": action, "channel": {"$ref": "#/channels/socket"}, "messages": messages}


def _about_socket() -> str:
    return (
        "The handshake needs the session cookie and an Origin equal to the address of the pages. After it the server greets with `welcome`. "
        "Answers carry the `ref` of what they answer. Close codes 1012, 1013 and 4000 to 4499 mean come back, 4500 to 4999 do not."
    )
