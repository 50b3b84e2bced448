"""What may come from a network is read, or refused as malformed, and nothing else ever happens (RFC 3261, RFC 4475)."""

import contextlib
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from callback.telephony.sip import message
from callback.telephony.sip.message import (
    Malformed,
    Request,
    Response,
    Uri,
    address_of,
    parse,
    response_to,
    uri_of,
    via_of,
)

LINES = (
    "INVITE sip:bob@biloxi.example;transport=udp SIP/2.0",
    "Via: SIP/2.0/UDP pc33.atlanta.example:5066;branch=z9hG4bK776asdhds;rport, SIP/2.0/TCP [2001:db8::1]",
    "Max-Forwards: 70",
    'To: "Bob, \\"the builder\\" <x>" <sip:bob@biloxi.example>',
    "From: Alice <sip:alice@atlanta.example;user=phone>;tag=1928301774",
    "Call-ID: a84b4c76e66710@pc33.atlanta.example",
    "CSeq: 314159 INVITE",
    "Contact: <sip:alice@pc33.atlanta.example>",
    "Content-Type: application/sdp",
    "Content-Length: 4",
)


def text(*changes: tuple[int, str | None], body: str = "v=0\n") -> bytes:
    """The message above with lines changed, or left out where None."""
    lines: list[str | None] = list(LINES)
    for index, line in changes:
        lines[index] = line
    return ("\r\n".join(line for line in lines if line is not None) + "\r\n\r\n" + body).encode()


def test_a_request_is_read() -> None:
    read = parse(text())

    assert isinstance(read, Request)
    assert (read.method, str(read.uri)) == ("INVITE", "sip:bob@biloxi.example;transport=udp")
    assert (read.via.host, read.via.port, read.via.branch) == ("pc33.atlanta.example", 5066, "z9hG4bK776asdhds")
    assert read.via.asks_for_port
    assert len(read.all("Via")) == 2
    assert read.cseq == (314159, "INVITE")
    assert (read.sender.tag, read.recipient.tag) == ("1928301774", None)
    assert read.sender.uri.param("user") == "phone"
    assert read.recipient.uri == Uri("biloxi.example", "bob")
    assert read.sdp == b"v=0\n"
    assert str(read.contact) == "<sip:alice@pc33.atlanta.example>"


def test_short_names_folded_lines_and_any_case_are_read() -> None:
    read = parse(
        text(
            (1, "v: SIP / 2.0 / UDP\r\n  pc33.atlanta.example ; branch=z9hG4bKa"),
            (3, "t: sip:bob@biloxi.example;tag=b"),
            (4, "f: <sip:alice@atlanta.example>\r\n\t;tag=a"),
            (5, "i: 1"),
            (6, "cSEQ:  7   INVITE"),
            (7, "M: <sip:alice@pc33.atlanta.example>"),
            (8, "c: application/sdp; charset=utf-8"),
            (9, "L: 4"),
        )
    )

    assert (read.via.branch, read.sender.tag, read.recipient.tag, read.cseq[0]) == ("z9hG4bKa", "a", "b", 7)
    assert read.sdp == b"v=0\n"


def test_a_response_is_read_and_a_datagram_may_be_longer_than_it_says() -> None:
    read = parse(text((0, "SIP/2.0 486 Busy Here"), body="v=0\njunk behind the datagram"))

    assert isinstance(read, Response)
    assert (read.code, read.reason, read.body) == (486, "Busy Here", b"v=0\n")
    assert read.is_final
    assert not read.is_success


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\r\n\r\n",
        b"\x00" * 100,
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        text((0, "INVITE sip:bob@biloxi.example SIP/3.0")),
        text((0, "INVITE  sip:bob@biloxi.example SIP/2.0")),
        text((0, "INVITE http://biloxi.example SIP/2.0")),
        text((0, "INVITE sip:bob@biloxi.example?Route=%3Csip:evil%3E SIP/2.0")),
        text((0, "INVITE <sip:bob@biloxi.example> SIP/2.0")),
        text((0, "INVITE sip:b b@biloxi.example SIP/2.0")),
        text((0, "INVITE sip:bob@ SIP/2.0")),
        text((0, "INVITE sip:bob@biloxi.example:99999 SIP/2.0")),
        text((0, "IN(VITE sip:bob@biloxi.example SIP/2.0")),
        text((0, "SIP/2.0 99 Low")),
        text((0, "SIP/2.0 700 High")),
        text((0, "SIP/2.0 2000 Long")),
        text((1, None)),
        text((3, None)),
        text((4, None)),
        text((5, None)),
        text((6, None)),
        text((1, "Via: ")),
        text((1, "Via: SIP/1.0/UDP x;branch=z9hG4bK1")),
        text((1, "Via: SIP/2.0/UDP x:0;branch=z9hG4bK1")),
        text((4, "From: <sip:alice@atlanta.example;tag=a")),
        text((4, "From: <sip:alice@atlanta.example> rubbish")),
        text((4, "From: tel:+4930")),
        text((5, "Call-ID: a b")),
        text((5, "Call-ID: " + "x" * 256)),
        text((6, "CSeq: 1 BYE")),
        text((6, "CSeq: -1 INVITE")),
        text((6, "CSeq: 99999999999 INVITE")),
        text((6, "CSeq: 2147483648 INVITE")),
        text((6, "CSeq: \u0661 INVITE")),
        text((6, "CSeq: 1 INVITE\r\nCSeq: 2 INVITE")),
        text((6, "CSeq: 1 INVITE\r\nno colon")),
        text((6, "CSeq: 1 INVITE\r\nbad name: x")),
        text((6, "CSeq: 1 INVITE\nBare: line feed")),
        text((6, "CSeq: 1 INVITE\r\nX: \x00")),
        text((7, "Contact: <mailto:x@y.example>")),
        text((7, "Route: <http://x>")),
        text((7, "Route: " + "<sip:x>," * 65)),
        text((9, "Content-Length: 5")),
        text((9, "Content-Length: -1")),
        text((9, "Content-Length: 4\r\nContent-Length: 4")),
        text((9, "Content-Length: 99999999999999999999")),
        text((9, None), body="x" * (message.MOST_BODY_BYTES + 1)),
        text((2, "\r\n".join("X: y" for _ in range(200)))),
        text((2, "X: " + "y" * 9_000)),
        text((2, "X: y" + "\r\n z" * 9_000)),
        text(body="v=0\n" + "x" * 70_000),
        text((4, "From: <sip:\u00fc@atlanta.example>;tag=a")),
        b"\xff\xfe" + text(),
    ],
    ids=range(53),
)
def test_what_breaks_a_rule_is_malformed(broken: bytes) -> None:
    with pytest.raises(Malformed):
        parse(broken)


_alphabet = st.text(string.printable + "\u00fc\x00", max_size=40)
_header = st.tuples(
    st.sampled_from(
        ["Via", "From", "To", "Call-ID", "CSeq", "Contact", "Route", "Record-Route", "Content-Length", "v", "l", "X"]
    ),
    st.one_of(_alphabet, st.sampled_from([line.partition(": ")[2] for line in LINES[1:]])),
)


@given(st.binary(max_size=600))
@example(b"INVITE sip:a SIP/2.0\r\nVia: \r\n\r\n")
def test_any_bytes_are_read_or_malformed(data: bytes) -> None:
    with contextlib.suppress(Malformed):
        parse(data)


@given(
    st.lists(_header, max_size=12),
    st.sampled_from([LINES[0], "SIP/2.0 200 OK", "SIP/2.0 ", "BYE sip:x SIP/2.0"]),
    st.binary(max_size=40),
)
def test_anything_that_looks_like_a_message_is_read_or_malformed(
    headers: list[tuple[str, str]], start: str, body: bytes
) -> None:
    data = "\r\n".join([start, *(f"{name}: {value}" for name, value in headers)]).encode() + b"\r\n\r\n" + body
    try:
        read = parse(data)
    except Malformed:
        return
    _ = (read.via, read.sender, read.recipient, read.contact, read.cseq, read.sdp)


@given(st.data())
def test_a_sound_message_with_some_bytes_changed_is_read_or_malformed(data: st.DataObject) -> None:
    whole = bytearray(text())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        read = parse(bytes(whole))
    except Malformed:
        return
    # What was read can be answered, and the answer can be read.
    if isinstance(read, Request):
        assert isinstance(parse(response_to(read, 200, "OK", tag="t").encoded()), Response)


_token = st.text(string.ascii_letters + string.digits + "-.!%*_+`'~", min_size=1, max_size=12)
_host = st.one_of(
    st.from_regex(r"[a-z][a-z0-9-]{0,10}(\.[a-z]{2,5}){0,2}", fullmatch=True),
    st.sampled_from(["[2001:db8::1]", "192.0.2.7"]),
)
_uri = st.builds(
    Uri,
    _host,
    st.none() | st.from_regex(r"[A-Za-z0-9+_.-]{1,16}", fullmatch=True),
    st.none() | st.integers(1, 65_535),
    st.lists(st.tuples(_token.map(str.lower), st.none() | _token), max_size=3).map(tuple),
    st.sampled_from(["sip", "sips"]),
)


@given(_uri)
def test_a_written_address_is_read_as_itself(uri: Uri) -> None:
    assert uri_of(str(uri)) == uri
    assert address_of(f'"a > \\" <" <{uri}>;tag=x').uri == uri
    assert address_of(f"<{uri}>").tagged("new").tag == "new"


@given(_uri, _token, st.integers(0, 2**31 - 1), st.binary(max_size=50))
def test_a_written_message_is_read_as_itself(uri: Uri, token: str, number: int, body: bytes) -> None:
    headers = (
        ("Via", f"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{token}"),
        ("From", f"<{uri}>;tag={token}"),
        ("To", f"<{uri}>"),
        ("Call-ID", token),
        ("CSeq", f"{number} {token}"),
    )
    written = Request(method=token, uri=uri, headers=headers, body=body)

    read = parse(written.encoded())

    assert isinstance(read, Request)
    assert (read.method, read.uri, read.body, read.headers[:5]) == (token, uri, body, headers)


def test_no_line_break_gets_into_a_header() -> None:
    request = Request(method="BYE", uri=Uri("x"), headers=(("To", "<sip:x>\r\nRoute: <sip:evil>"),))

    with pytest.raises(ValueError, match="line break"):
        request.encoded()


def test_a_hop_without_a_branch_is_of_the_time_before() -> None:
    assert via_of("SIP/2.0/UDP x").branch == ""
