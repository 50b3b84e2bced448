"""SIP messages as values: read strictly, written plainly (RFC 3261, sections 7, 19, 20 and 25).

Everything that comes from the network passes ``parse``, which either returns a message whose five indispensable headers are sound or
raises ``Malformed``; nothing further down meets a message that it must doubt. Only what a caller needs is understood: no multipart,
no escaped headers in addresses, no schemes but ``sip:`` and ``sips:``.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

# A whole message; the largest that a datagram can carry.
MOST_BYTES: Final = 65_535
MOST_HEADERS: Final = 128
MOST_LINE_BYTES: Final = 8_192
MOST_BODY_BYTES: Final = 16_384
# Hops in one header; real ways have a handful, and every one must be read.
MOST_HOPS: Final = 64
# 2**31 (RFC 3261, 8.1.1.5).
_CSEQ_LIMIT: Final = 2_147_483_648
_VERSION: Final = "SIP/2.0"
_TOKEN: Final = re.compile(r"[A-Za-z0-9.!%*_+`'~-]+")
_FULL_NAMES: Final = {
    "c": "Content-Type",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
}
# One each, or the message says two things at once.
_SINGLE: Final = frozenset({"call-id", "content-length", "content-type", "cseq", "from", "max-forwards", "to"})
_INDISPENSABLE: Final = ("Via", "From", "To", "Call-ID", "CSeq")


class Malformed(ValueError):
    """What came is not a SIP message that may be acted upon. The text names the rule and carries nothing of the message."""


@dataclass(frozen=True, slots=True)
class Uri:
    """A ``sip:`` or ``sips:`` address."""

    host: str
    user: str | None = None
    # None: the usual one, 5060.
    port: int | None = None
    # Lower-case name -> value; None for a parameter without one, such as ``lr``.
    params: tuple[tuple[str, str | None], ...] = ()
    scheme: str = "sip"

    def param(self, name: str) -> str | None:
        """Return a parameter's value, ``""`` when it has none; None when it is absent."""
        return next((value or "" for key, value in self.params if key == name), None)

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user is not None else ""
        port = f":{self.port}" if self.port is not None else ""
        return f"{self.scheme}:{user}{self.host}{port}{_written(self.params)}"


@dataclass(frozen=True, slots=True)
class Address:
    """The value of From, To, Contact, Route or Record-Route: an address with parameters; display names are dropped."""

    uri: Uri
    params: tuple[tuple[str, str | None], ...] = ()

    @property
    def tag(self) -> str | None:
        """The ``tag`` that makes an end of a dialog."""
        return next((value for key, value in self.params if key == "tag"), None)

    def tagged(self, tag: str) -> "Address":
        """Return the same address with this tag."""
        return Address(self.uri, (*((key, value) for key, value in self.params if key != "tag"), ("tag", tag)))

    def __str__(self) -> str:
        return f"<{self.uri}>{_written(self.params)}"


@dataclass(frozen=True, slots=True)
class Via:
    """One hop."""

    transport: str
    host: str
    port: int | None
    params: tuple[tuple[str, str | None], ...]

    @property
    def branch(self) -> str:
        """The transaction's name; empty for a hop of the time before RFC 3261."""
        return next((value or "" for key, value in self.params if key == "branch"), "")

    @property
    def asks_for_port(self) -> bool:
        """Whether answers shall go to where the request came from (RFC 3581)."""
        return any(key == "rport" for key, _ in self.params)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What requests and responses have in common."""

    # In their order, names in full form. Values hold no line breaks.
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(default=b"", repr=False)

    def get(self, name: str) -> str | None:
        """Return the first value of a header, None when it is absent."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a header whose values may share a line."""
        wanted = name.lower()
        return tuple(part for key, value in self.headers if key.lower() == wanted for part in split(value, ","))

    @property
    def call_id(self) -> str:
        """The call that this belongs to."""
        return self.get("Call-ID") or ""

    @property
    def cseq(self) -> tuple[int, str]:
        """Number and method of the request that this is or answers."""
        return cseq_of(self.get("CSeq") or "")

    @property
    def sender(self) -> Address:
        """From."""
        return address_of(self.get("From") or "")

    @property
    def recipient(self) -> Address:
        """To."""
        return address_of(self.get("To") or "")

    @property
    def via(self) -> Via:
        """The nearest hop."""
        return via_of(next(iter(self.all("Via")), ""))

    @property
    def contact(self) -> Address | None:
        """Where the other end wants to be reached within the dialog; None when it does not say, or with ``*``."""
        value = next(iter(self.all("Contact")), None)
        return None if value is None or value == "*" else address_of(value)

    @property
    def sdp(self) -> bytes | None:
        """The session description it carries; None when there is none."""
        kind = (self.get("Content-Type") or "").partition(";")[0].strip().lower()
        return self.body if self.body and kind == "application/sdp" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Message):
    """A request."""

    method: str
    uri: Uri

    def encoded(self) -> bytes:
        """Return it as it goes over the wire."""
        return _encoded(f"{self.method} {self.uri} {_VERSION}", self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response(Message):
    """An answer."""

    code: int
    reason: str

    @property
    def is_final(self) -> bool:
        """Whether nothing else follows it."""
        return self.code >= 200

    @property
    def is_success(self) -> bool:
        """Whether it is a 2xx."""
        return 200 <= self.code < 300

    def encoded(self) -> bytes:
        """Return it as it goes over the wire."""
        return _encoded(f"{_VERSION} {self.code} {self.reason}", self)


def parse(data: bytes) -> Request | Response:
    """Return the message in a datagram, or in one frame of a stream.

    Raises:
        Malformed: it is none, or goes beyond a limit.
    """
    if len(data) > MOST_BYTES:
        raise Malformed("too long")
    head, separator, body = data.partition(b"\r\n\r\n")
    if not separator:
        raise Malformed("no end of the headers")
    lines = _lines(head)
    headers = _headers(lines[1:])
    body = _body(headers, body)
    message = _begun(lines[0], headers, body)
    _examine(message)
    return message


def length_of(head: bytes) -> int:
    """Return how many bytes of body follow these headers of a stream (RFC 3261, 18.3).

    Raises:
        Malformed: they do not say, or it is too much.
    """
    for name, value in _headers(_lines(head)[1:]):
        if name == "Content-Length":
            return _length(value)
    raise Malformed("no Content-Length in a stream")


def split(value: str, separator: str) -> tuple[str, ...]:
    """Split at a separator that stands outside quotes and angle brackets; parts are stripped, empty ones dropped."""
    parts, start, is_quoted, depth, is_escaped = [], 0, False, 0, False
    for index, each in enumerate(value):
        if is_escaped:
            is_escaped = False
        elif is_quoted:
            is_escaped, is_quoted = each == "\\", each != '"'
        elif each == '"':
            is_quoted = True
        elif each in "<>":
            depth = 1 if each == "<" else 0
        elif each == separator and not depth:
            parts.append(value[start:index].strip())
            start = index + 1
    parts.append(value[start:].strip())
    return tuple(part for part in parts if part)


def uri_of(text: str) -> Uri:
    """Return the address in a text.

    Raises:
        Malformed: it is no ``sip:`` or ``sips:`` address, or carries headers.
    """
    scheme, colon, rest = text.partition(":")
    scheme = scheme.lower()
    if not colon or scheme not in ("sip", "sips") or not rest.isascii() or "?" in rest:
        raise Malformed("address")
    if re.search(r"[\x00-\x20<>\"\x7f,]", rest):
        raise Malformed("characters in an address")
    # A password in an address is shown to everybody on the way (RFC 3261, 19.1.1); such addresses are refused by the pattern.
    user_part, at, place = rest.rpartition("@")
    if at and not re.fullmatch(r"[A-Za-z0-9_.!~*'()&=+$;/%#-]+", user_part):
        raise Malformed("user in an address")
    host_part, *params = place.split(";")
    host, port = _place(host_part)
    return Uri(host, user_part if at else None, port, _params(params), scheme)


def address_of(value: str) -> Address:
    """Return the address in a header.

    Raises:
        Malformed: there is none.
    """
    opening = _bracket(value)
    if opening is None:
        # Without brackets parameters belong to the header, not to the address (RFC 3261, 20).
        uri, *params = split(value, ";") or ("",)
        return Address(uri_of(uri), _params(params))
    inside, closing, rest = value[opening + 1 :].partition(">")
    if not closing or (rest.strip() and not rest.strip().startswith(";")):
        raise Malformed("brackets of an address")
    return Address(uri_of(inside), _params(split(rest, ";")))


def via_of(value: str) -> Via:
    """Return the hop in a Via header.

    Raises:
        Malformed: there is none.
    """
    first, *params = split(value, ";") or ("",)
    match = re.fullmatch(r"SIP\s*/\s*2\.0\s*/\s*([A-Za-z0-9-]+)\s+(\S+)", first)
    if match is None:
        raise Malformed("Via")
    host, port = _place(match[2])
    return Via(match[1].upper(), host, port, _params(params))


def cseq_of(value: str) -> tuple[int, str]:
    """Return number and method of a CSeq.

    Raises:
        Malformed: it has none, or too high a number.
    """
    number, _, method = value.partition(" ")
    method = method.strip()
    if not re.fullmatch(r"[0-9]{1,10}", number) or int(number) >= _CSEQ_LIMIT or not _TOKEN.fullmatch(method):
        raise Malformed("CSeq")
    return int(number), method


def response_to(
    request: Request,
    code: int,
    reason: str,
    *,
    tag: str | None = None,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
) -> Response:
    """Return an answer to a request: its hops, ends and number, our tag where the request had none (RFC 3261, 8.2.6)."""
    kept = []
    for name, value in request.headers:
        if name in ("Via", "From", "Call-ID", "CSeq", "Record-Route"):
            kept.append((name, value))
        elif name == "To":
            kept.append((name, f"{value};tag={tag}" if tag and request.recipient.tag is None and code > 100 else value))
    return Response(code=code, reason=reason, headers=(*kept, *headers), body=body)


def _lines(head: bytes) -> list[str]:
    """The start line and the header lines, folded ones joined (RFC 3261, 7.3.1)."""
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("not UTF-8") from None
    lines: list[str] = []
    for line in text.split("\r\n"):
        if len(line) > MOST_LINE_BYTES or re.search(r"[\x00-\x08\x0a-\x1f\x7f]", line):
            raise Malformed("line")
        if line[:1] in (" ", "\t") and len(lines) > 1:
            lines[-1] += " " + line.strip(" \t")
            if len(lines[-1]) > MOST_LINE_BYTES:
                raise Malformed("line")
        else:
            lines.append(line)
    if len(lines) > MOST_HEADERS + 1:
        raise Malformed("too many headers")
    return lines


def _headers(lines: Iterable[str]) -> tuple[tuple[str, str], ...]:
    headers, seen = [], set()
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.rstrip(" \t")
        if not colon or not _TOKEN.fullmatch(name):
            raise Malformed("header")
        name = _FULL_NAMES.get(name.lower(), name)
        name = _CANONICAL.get(name.lower(), name)
        if name.lower() in _SINGLE and name in seen:
            raise Malformed("header twice")
        seen.add(name)
        headers.append((name, value.strip(" \t")))
    return tuple(headers)


_CANONICAL: Final = {
    name.lower(): name
    for name in (
        *_FULL_NAMES.values(),
        *_INDISPENSABLE,
        "Authorization",
        "Max-Forwards",
        "Proxy-Authenticate",
        "Proxy-Authorization",
        "Record-Route",
        "Require",
        "Retry-After",
        "Route",
        "WWW-Authenticate",
    )
}


def _length(value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", value) or int(value) > MOST_BODY_BYTES:
        raise Malformed("Content-Length")
    return int(value)


def _body(headers: tuple[tuple[str, str], ...], rest: bytes) -> bytes:
    """The body: as long as it says it is; in a datagram that does not say, the rest (RFC 3261, 18.3)."""
    length = next((_length(value) for name, value in headers if name == "Content-Length"), len(rest))
    if length > len(rest) or length > MOST_BODY_BYTES:
        raise Malformed("body")
    return rest[:length]


def _begun(line: str, headers: tuple[tuple[str, str], ...], body: bytes) -> Request | Response:
    first, _, rest = line.partition(" ")
    if first == _VERSION:
        code, _, reason = rest.partition(" ")
        if not re.fullmatch(r"[1-6][0-9]{2}", code):
            raise Malformed("status")
        return Response(code=int(code), reason=reason[:200], headers=headers, body=body)
    uri, _, version = rest.partition(" ")
    if version != _VERSION or not _TOKEN.fullmatch(first):
        raise Malformed("start line")
    return Request(method=first, uri=uri_of(uri), headers=headers, body=body)


def _examine(message: Request | Response) -> None:
    """Insist that what everything else goes by is there and can be read."""
    for name in _INDISPENSABLE:
        if not message.get(name):
            raise Malformed(f"no {name}")
    if any(len(message.all(name)) > MOST_HOPS for name in ("Via", "Record-Route", "Route", "Contact")):
        raise Malformed("too many hops")
    if not message.all("Via") or not re.fullmatch(r"\S{1,255}", message.call_id):
        raise Malformed("Via or Call-ID")
    _ = (message.via, message.sender, message.recipient, message.contact)
    if isinstance(message, Request) and message.cseq[1] != message.method:
        raise Malformed("CSeq of another method")
    for name in ("Record-Route", "Route"):
        for value in message.all(name):
            address_of(value)
    _ = message.cseq


def _bracket(value: str) -> int | None:
    """Where the first ``<`` outside quotes stands."""
    is_quoted, is_escaped = False, False
    for index, each in enumerate(value):
        if is_escaped:
            is_escaped = False
        elif is_quoted:
            is_escaped, is_quoted = each == "\\", each != '"'
        elif each == '"':
            is_quoted = True
        elif each == "<":
            return index
    return None


def _place(text: str) -> tuple[str, int | None]:
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_.-]{1,253})(?:\s*:\s*([0-9]{1,5}))?", text.strip())
    if match is None or (match[2] is not None and not 0 < int(match[2]) < 65_536):
        raise Malformed("host or port")
    return match[1], int(match[2]) if match[2] is not None else None


def _params(parts: Iterable[str]) -> tuple[tuple[str, str | None], ...]:
    params: list[tuple[str, str | None]] = []
    for part in parts:
        name, equals, value = part.partition("=")
        name, value = name.strip().lower(), value.strip()
        if not _TOKEN.fullmatch(name) or (equals and re.search(r"[\s;,<>]", value) and not value.startswith('"')):
            raise Malformed("parameter")
        params.append((name, value if equals else None))
    return tuple(params)


def _written(params: Iterable[tuple[str, str | None]]) -> str:
    return "".join(f";{name}" if value is None else f";{name}={value}" for name, value in params)


def _encoded(start: str, message: Message) -> bytes:
    lines = [start, *(f"{name}: {value}" for name, value in message.headers if name != "Content-Length")]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a line break in a header")
    lines.append(f"Content-Length: {len(message.body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + message.body
