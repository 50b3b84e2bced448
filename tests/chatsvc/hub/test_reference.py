"""What is written about the socket is what the socket does: documents, tables and types are compared."""

import re
from pathlib import Path
from typing import Any, get_args

import jsonschema
import msgspec
import pytest

from chatsvc.hub import asyncapi, codes, reference
from chatsvc.hub.frames import AppendFrame, ClientFrame, FromClient, Open, ServerFrame, Welcome
from chatsvc.kernel.errors import Conflict, NotFound, Refused, TooMany, Unavailable

ROOT = Path(__file__).parents[3]
KINDS = (*get_args(ClientFrame), *get_args(ServerFrame))
# Rooms whose refusals can reach a socket.
ROOMS = (
    "conversations/answering.py",
    "conversations/desks.py",
    "conversations/queries.py",
    "tickets/logbook.py",
    "tickets/queries.py",
    "db/engine.py",
)
# Raised there by what only pages and REST call.
NOT_HERE = {
    "hand_over.line_taken",
    "hand_over.not_free",
    "hand_over.one_target",
    "hand_over.to_oneself",
    "not_allowed",
    "person.not_found",
}


@pytest.fixture
def document() -> dict[str, Any]:
    """The document as it is served."""
    return asyncapi.document(address="https://desk.example", version="1.2.3")


def resolve(document: dict[str, Any], reference: str) -> Any:
    for name in reference.removeprefix("#/").split("/"):
        document = document[name]
    return document


@pytest.mark.parametrize("kind", KINDS, ids=asyncapi.kind_of)
def test_every_kind_of_frame_is_in_the_document_with_its_fields(document: dict[str, Any], kind: type) -> None:
    side = "fromClient" if issubclass(kind, FromClient) else "fromServer"
    [reference] = [
        each["$ref"]
        for each in document["operations"][side]["messages"]
        if each["$ref"].endswith("/" + asyncapi.kind_of(kind))
    ]
    message = resolve(document, resolve(document, reference)["$ref"])
    schema = resolve(document, message["payload"]["$ref"])

    fields = {field.encode_name for field in msgspec.structs.fields(kind)}
    assert set(schema["properties"]) == fields | {"t"}
    assert schema["properties"]["t"]["enum"] == [message["name"]]
    assert ("x-roles" in message) is issubclass(kind, FromClient)


def test_document_has_nothing_that_is_not_a_frame(document: dict[str, Any]) -> None:
    assert set(document["components"]["messages"]) == {asyncapi.kind_of(kind) for kind in KINDS}
    assert document["servers"]["desk"] == {"host": "desk.example", "protocol": "wss"}
    assert {each["code"] for each in document["x-close-codes"]} == {each.code for each in codes.CLOSE_CODES}


def test_frames_are_valid_against_the_document(document: dict[str, Any]) -> None:
    good = [Open(1, "lg_abcd", 0), AppendFrame(2, "lg_abcd", "key-00001", "message", "hello")]
    wrong = {"t": "open", "ref": 1, "log": "../x", "after": 0}

    for frame in good:
        schema = resolve(document, document["components"]["messages"][asyncapi.kind_of(type(frame))]["payload"]["$ref"])
        jsonschema.validate(
            msgspec.json.decode(msgspec.json.encode(frame)), schema | {"components": document["components"]}
        )
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, resolve(document, "#/components/schemas/Open"))


@pytest.mark.parametrize("name", list(reference.PAGES))
def test_reference_page_is_drawn_from_the_types_as_they_are(name: str) -> None:
    written = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")

    assert written == reference.PAGES[name](), "run: python -m chatsvc.hub.reference docs/reference"


@pytest.mark.parametrize("kind", KINDS, ids=asyncapi.kind_of)
def test_every_kind_of_frame_has_its_section(kind: type) -> None:
    assert f"### `{kind.__struct_config__.tag}`" in reference.frames_page()


def test_published_example_speaks_the_protocol() -> None:
    page = reference.frames_page()

    tags = re.findall(r'^(client|server)  \{"t":"(\w+)"', page, flags=re.MULTILINE)

    sides = {"client": get_args(ClientFrame), "server": get_args(ServerFrame)}
    assert len(tags) == 9
    assert all(tag in {kind.__struct_config__.tag for kind in sides[side]} for side, tag in tags)


def test_close_codes_are_unique_and_tell_by_their_range_whether_to_come_back() -> None:
    numbers = [each.code for each in codes.CLOSE_CODES]

    assert len(set(numbers)) == len(numbers)
    assert all(
        codes.may_return(each.code)
        for each in codes.CLOSE_CODES
        if each.code in (1012, 1013) or 4000 <= each.code < 4500
    )
    assert not any(codes.may_return(each.code) for each in codes.CLOSE_CODES if each.code >= 4500)
    assert codes.may_return(1006)


def test_every_refusal_of_a_room_behind_the_hub_is_published() -> None:
    raised: set[str] = set()
    for room in ROOMS:
        source = (ROOT / "chatsvc" / room).read_text(encoding="utf-8")
        raised |= set(
            re.findall(r'(?:NotFound|Conflict|NotAllowed|Invalid|TooMany|Unavailable)\(\s*"([a-z_.]+)"', source)
        )

    assert raised - NOT_HERE <= set(codes.ERRORS)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Conflict("offer.over"), "offer.over"),
        (Conflict("of.no_table", secret="x"), "conflict"),
        (NotFound("of.no_table"), "not_found"),
        (Unavailable("of.no_table"), "unavailable"),
        (Refused("of.no_table"), "internal"),
    ],
)
def test_refusal_leaves_under_a_published_code(error: Refused, code: str) -> None:
    assert codes.code_of(error) == code
    assert code in codes.ERRORS


def test_trying_again_is_offered_only_where_it_makes_sense() -> None:
    assert codes.retry_after_of(TooMany("x", retry_after=3.0), 2.0) == 3.0
    assert codes.retry_after_of(Unavailable("x"), 2.0) == 2.0
    assert codes.retry_after_of(Conflict("x"), 2.0) is None


def test_greeting_is_the_first_frame_of_the_example() -> None:
    assert Welcome.__struct_config__.tag == "welcome"
