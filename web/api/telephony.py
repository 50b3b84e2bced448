"""Where a telephone system behind a webhook says what happens to the calls that it was asked to make (docs/reference/telephony.md).

No session and no page stands behind it: a post is believed for its signature and its time alone, and none is taken before both are
right. An address that has forged too many is not read at all for the rest of that minute.
"""

from callback.telephony import webhook
from callback.telephony.signing import Forged
from chatsvc.kernel.errors import NotFound
from web.bodies import body_of
from web.site import Call


async def take(call: Call) -> None:
    """Take what the telephone system says of a call; twice, late or of a status that nobody knows it changes nothing."""
    secrets = call.site.telephone_secrets
    if not secrets:
        raise NotFound("not_found")
    limits = call.services.limits
    await limits.read_post(call.address)
    body = await body_of(call.request)
    try:
        told = webhook.received(dict(call.request.headers), body, secrets=secrets, now=call.now)
    except Forged:
        await limits.post_was_forged(call.address)
        raise
    if told is not None:
        await call.site.calls.happened(told, webhook.NAME)
