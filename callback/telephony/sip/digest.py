"""Answering a challenge: digest login for the trunk (RFC 3261, section 22; RFC 2617; RFC 8760 for SHA-256).

The password never leaves the house, and only the trunk that the settings name is answered at all. ``auth-int``, Basic and mutual
authentication are not offered.
"""

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from callback.telephony.sip.message import Response

# Strongest first; RFC 8760 lets the server list several and the client take the first it knows.
_ALGORITHMS: Final[dict[str, Callable[[bytes], "hashlib._Hash"]]] = {
    "sha-512-256": lambda data: hashlib.new("sha512_256", data),
    "sha-256": hashlib.sha256,
    "md5": hashlib.md5,
}
_PAIR: Final = re.compile(r'\s*([A-Za-z0-9_-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,"]+)\s*(?:,|$)')


@dataclass(frozen=True, slots=True)
class Login:
    """Who we are for the trunk."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the other side wants answered."""

    # ``Authorization`` after 401, ``Proxy-Authorization`` after 407.
    header: str
    realm: str
    nonce: str
    opaque: str | None
    # As the server wrote it; None: MD5 without saying so.
    algorithm: str | None
    # Whether ``qop=auth`` is offered.
    has_qop: bool
    # The last answer was right but for its age.
    is_stale: bool


def challenge_in(response: Response) -> Challenge | None:
    """Return the strongest challenge of a 401 or 407 that can be answered; None when there is none."""
    header = {401: "Authorization", 407: "Proxy-Authorization"}.get(response.code)
    asked = {401: "www-authenticate", 407: "proxy-authenticate"}.get(response.code)
    if header is None:
        return None
    found = [_challenge(header, value) for name, value in response.headers if name.lower() == asked]
    return min((each for each in found if each is not None), key=_rank, default=None)


def answer_to(
    challenge: Challenge, login: Login, *, method: str, uri: str, count: int = 1, cnonce: str | None = None
) -> tuple[str, str]:
    """Return name and value of the header that answers a challenge.

    Args:
        challenge: from ``challenge_in``.
        login: the trunk's login.
        method: of the request that is repeated.
        uri: the request's address, as it is written on its first line.
        count: how often this nonce is used, this time included.
        cnonce: our own random part; None: a new one.
    """
    digest = _ALGORITHMS[(challenge.algorithm or "MD5").lower()]
    ours = cnonce or secrets.token_hex(8)

    def hashed(text: str) -> str:
        return digest(text.encode()).hexdigest()

    secret = hashed(f"{login.user}:{challenge.realm}:{login.password}")
    request = hashed(f"{method}:{uri}")
    middle = f"{count:08x}:{ours}:auth:" if challenge.has_qop else ""
    parts = [
        f"username={_quoted(login.user)}",
        f"realm={_quoted(challenge.realm)}",
        f"nonce={_quoted(challenge.nonce)}",
        f"uri={_quoted(uri)}",
        f'response="{hashed(f"{secret}:{challenge.nonce}:{middle}{request}")}"',
        *([f"algorithm={challenge.algorithm}"] if challenge.algorithm else []),
        *([f"qop=auth, nc={count:08x}, cnonce={_quoted(ours)}"] if challenge.has_qop else []),
        *([f"opaque={_quoted(challenge.opaque)}"] if challenge.opaque is not None else []),
    ]
    return challenge.header, "Digest " + ", ".join(parts)


def _challenge(header: str, value: str) -> Challenge | None:
    scheme, _, rest = value.partition(" ")
    pairs = _pairs(rest)
    if scheme.lower() != "digest" or pairs is None or "realm" not in pairs or "nonce" not in pairs:
        return None
    algorithm = pairs.get("algorithm")
    offered = {word.strip().lower() for word in pairs["qop"].split(",")} if "qop" in pairs else set()
    if (algorithm or "MD5").lower() not in _ALGORITHMS or (offered and "auth" not in offered):
        return None
    return Challenge(
        header=header,
        realm=pairs["realm"],
        nonce=pairs["nonce"],
        opaque=pairs.get("opaque"),
        algorithm=algorithm,
        has_qop=bool(offered),
        is_stale=pairs.get("stale", "").lower() == "true",
    )


def _pairs(text: str) -> dict[str, str] | None:
    pairs: dict[str, str] = {}
    position = 0
    while position < len(text):
        match = _PAIR.match(text, position)
        if match is None:
            return None
        raw = match[2]
        pairs[match[1].lower()] = re.sub(r"\\(.)", r"\1", raw[1:-1]) if raw.startswith('"') else raw
        position = match.end()
    return pairs


def _rank(challenge: Challenge) -> int:
    return list(_ALGORITHMS).index((challenge.algorithm or "MD5").lower())


def _quoted(text: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
