"""Signing in and out, for programs; they keep the cookie as browsers do."""

from datetime import datetime

import msgspec
from starlette.responses import Response

from web.api.answers import Me
from web.api.bodies import SignInBody
from web.site import Call


async def sign_in(call: Call, body: SignInBody) -> Response:
    """Begin a session; the answer sets its cookie."""
    signed_in = await call.services.accounts.sign_in(
        body.email,
        body.password,
        address=call.address,
        device=call.request.headers.get("user-agent", ""),
        known_device=call.request.cookies.get(call.site.cookies.known_device),
    )
    me = Me.of(signed_in.identity, store_of(call))
    response = Response(msgspec.json.encode(me), 201, media_type="application/json")
    keep_session(call, response, signed_in.token, signed_in.expires_at, signed_in.known_device)
    return response


async def who_am_i(call: Call) -> Me:
    """Say who is signed in."""
    return Me.of(call.identity, store_of(call))


async def sign_out(call: Call) -> Response:
    """End the session, here and on every socket that it opened."""
    await call.services.accounts.sign_out(call.identity)
    response = Response(status_code=204)
    call.site.cookies.end(response)
    return response


def keep_session(call: Call, response: Response, token: str, expires_at: datetime, known_device: str) -> None:
    """Set the cookies of a new session."""
    call.site.cookies.begin(response, token, now=call.now, expires_at=expires_at)
    lasts = call.services.accounts.rules.known_device_for
    call.site.cookies.know(response, known_device, lasts=lasts)


def store_of(call: Call) -> str:
    """Return the store's epoch."""
    return call.site.store
