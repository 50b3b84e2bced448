"""The table of routes is complete, and a route that says too little keeps the process from starting."""

import dataclasses

import msgspec
import pytest
from starlette.responses import Response

from chatsvc.accounts.model import PersonRole
from web import door, routes
from web.door import Policy, Route, RouteError, Rule, Speaks, Who
from web.paths import PATHS
from web.site import Call


async def _answer(call: Call) -> Response:
    """Answer."""
    return Response()


def _route(**more: object) -> Route:
    base = Route(method="GET", path="/somewhere", name="somewhere", endpoint=_answer, policy=Policy(Who.ANYONE))
    return dataclasses.replace(base, **more)  # type: ignore[arg-type]


def test_the_table_is_complete() -> None:
    door.check(routes.TABLE)


def test_a_route_without_a_policy_keeps_the_process_from_starting() -> None:
    with pytest.raises(RouteError, match="GET /somewhere has no policy"):
        door.check([_route(policy=None)])


def test_a_route_that_names_an_object_must_say_by_which_rule() -> None:
    with pytest.raises(RouteError, match="no rule"):
        door.check([_route(path="/somewhere/{ticket}")])


def test_a_route_declared_twice_is_refused() -> None:
    with pytest.raises(RouteError, match="twice"):
        door.check([_route(), _route()])


def test_only_what_a_link_alone_permits_is_taken_from_anywhere() -> None:
    with pytest.raises(RouteError, match="from anywhere"):
        door.check([_route(method="POST", from_anywhere=True, policy=Policy(Who.CONTACT))])


def test_what_is_declared_is_what_the_endpoint_takes() -> None:
    class Loose(msgspec.Struct):
        anything: str

    async def takes(call: Call, body: Loose) -> None:
        """Take it."""

    takes.__annotations__["body"] = Loose
    with pytest.raises(RouteError, match="expects"):
        door.check([_route(endpoint=takes, method="POST")])
    with pytest.raises(RouteError, match="accepts unknown fields"):
        door.check([_route(endpoint=takes, method="POST", takes=Loose)])


def test_pages_are_at_the_addresses_that_templates_link_to() -> None:
    served = {route.path for route in routes.TABLE}

    assert {name for name, path in PATHS.items() if path not in served} == set()


def test_no_page_that_changes_something_answers_to_get() -> None:
    takers = [route.name for route in routes.TABLE if route.method == "GET" and route.takes is not None]

    assert takers == []


@pytest.mark.parametrize("who", Who)
def test_only_what_is_for_anybody_admits_somebody_who_is_not_signed_in(who: Who) -> None:
    assert Policy(who).admits(None) is (who is Who.ANYONE)


@pytest.mark.parametrize("who", [Who.STAFF, Who.DESK, Who.SUPERVISOR, Who.ADMINISTRATOR])
def test_nothing_for_staff_admits_a_contact(who: Who) -> None:
    assert not Policy(who, Rule.TICKET).admits(PersonRole.CONTACT)


def test_api_routes_speak_json_and_pages_do_not() -> None:
    mixed = [
        route.path for route in routes.TABLE if route.path.startswith("/api/v1") and route.speaks is not Speaks.JSON
    ]

    assert mixed == []
