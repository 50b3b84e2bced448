"""The served documents are made from what the server really uses, and the server keeps what they promise."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, get_args

import httpx2
import jsonschema
import msgspec
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from chatsvc.accounts.model import PersonRole
from chatsvc.hub.frames import ClientFrame, ServerFrame
from chatsvc.kernel.clock import ManualClock
from tests import builders
from tests.web.desk import BASE, Desk, knock
from tests.web.test_errors import FORBIDDEN
from tests.web.world import House, a_house, signed_in_anew
from web import routes
from web.api import openapi
from web.door import Keyed, Made
from web.errors import Problem

DESCRIBED = [route for route in routes.TABLE if openapi.is_described(route)]


def _document() -> dict[str, Any]:
    return openapi.document(routes.TABLE, base_url=BASE)


def test_every_rest_route_is_described_and_nothing_else() -> None:
    operations = {
        (method.upper(), path): operation
        for path, item in _document()["paths"].items()
        for method, operation in item.items()
    }

    assert set(operations) == {(route.method, route.path) for route in DESCRIBED}
    assert {each["operationId"] for each in operations.values()} == {route.name for route in DESCRIBED}


def test_types_in_the_document_are_the_types_of_the_doors() -> None:
    document = _document()
    kinds = {kind for route in DESCRIBED for kind in (route.takes, route.query, route.gives) if kind is not None}
    _, components = msgspec.json.schema_components([*kinds, Problem], ref_template="#/components/schemas/{name}")

    assert document["components"]["schemas"] == components
    for route in DESCRIBED:
        operation = document["paths"][route.path][route.method.lower()]
        if route.takes is not None and not route.files:
            reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
            assert reference == f"#/components/schemas/{route.takes.__name__}"
        names = {each["name"] for each in operation["parameters"]}
        fields = {each.encode_name for each in msgspec.structs.fields(route.query)} if route.query else set()
        assert names == {*route.parts, *fields, *(["Idempotency-Key"] if route.keyed is not Keyed.NO else [])}


def test_endpoints_give_what_is_declared() -> None:
    for route in DESCRIBED:
        given = route.endpoint.__annotations__["return"]
        if route.gives is None:
            assert given in (None, "None") or given.__name__ == "Response", route.name
        elif route.creates:
            assert given is Made or given.__name__ == "Response", route.name
        else:
            assert given == route.gives, route.name


def test_the_document_is_openapi_3_1() -> None:
    document = _document()

    assert document["openapi"] == "3.1.0"
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


async def test_both_documents_and_their_page_are_served_to_anybody(desk: Desk) -> None:
    visitor = desk.visitor()

    rest = (await visitor.get("/api/openapi.json")).json()
    socket = (await visitor.get("/api/asyncapi.json")).json()
    page = (await visitor.get("/api")).text

    assert rest == json.loads(msgspec.json.encode(_document()))
    kinds = {kind.__struct_config__.tag for kind in (*get_args(ClientFrame), *get_args(ServerFrame))}
    assert kinds <= set(json.dumps(socket).replace('"', " ").replace("/", " ").split())
    for route in DESCRIBED:
        assert route.path in page


# Fuzzing ----------------------------------------------------------------------------------------------------------------

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
# Of each operation, for each role and each kind of data; the seed is fixed, so that a run can be repeated.
EXAMPLES = 5


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: str(mode.value))
@pytest.mark.parametrize("role", [PersonRole.CONTACT, PersonRole.REPRESENTATIVE], ids=str)
async def test_whatever_is_sent_the_answer_is_one_that_is_described(
    desk: Desk, clock: ManualClock, role: PersonRole, mode: GenerationMode
) -> None:
    rep = await builders.a_representative(desk.services.database)
    house = await a_house(desk, clock, "ACME", rep)
    who = house.contact if role is PersonRole.CONTACT else rep
    schema = schemathesis.openapi.from_dict(_without_sign_in(_document()))
    loop = asyncio.get_running_loop()

    async def send(case: Case) -> httpx2.Response:
        again, token = await signed_in_anew(desk.services, who)
        async with knock(desk.app, token) as browser:
            return await browser.send(_request(browser, case, house, again.session))

    def send_from_thread(case: Case) -> httpx2.Response:
        return asyncio.run_coroutine_threadsafe(send(case), loop).result(30)

    # Hypothesis calls plainly; the loop stays free to serve.
    await asyncio.to_thread(_fuzz, schema, mode, send_from_thread)


def _without_sign_in(document: dict[str, Any]) -> dict[str, Any]:
    """The cookie is always there and always right: what is under test is everything behind it."""
    del document["components"]["securitySchemes"]
    for item in document["paths"].values():
        for operation in item.values():
            operation["security"] = []
    return document


def _fuzz(schema: Any, mode: GenerationMode, send: Callable[[Case], httpx2.Response]) -> None:
    takes_nothing = {
        f"{route.method} {route.path}" for route in DESCRIBED if not (route.parts or route.query or route.takes)
    }
    for found in schema.get_all_operations():
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and operation.label in takes_nothing:
            continue

        @seed(20261122)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Case) -> None:
            answer = send(case)
            case.validate_response(answer, checks=CHECKS)
            assert [word for word in FORBIDDEN if word in answer.text] == []

        ask()


def _request(browser: httpx2.AsyncClient, case: Case, house: House, session: str) -> httpx2.Request:
    """Turn a case into a request; half of them ask for objects that exist."""
    if case.path_parameters and len(str(case.body)) % 2:
        case.path_parameters = {name: house.parts(session=session)[name] for name in case.path_parameters}
    prepared = requests.Request(**case.as_transport_kwargs(base_url=BASE)).prepare()
    headers = {
        name: value for name, value in prepared.headers.items() if name.lower() not in ("cookie", "origin", "host")
    }
    return browser.build_request(prepared.method or "GET", str(prepared.url), headers=headers, content=prepared.body)
