"""One telephone's description as the other gets it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callback.telephony.sip import sdp
from callback.telephony.sip.sdp import NoAudio

HELD = (
    b"v=0\r\no=phone 1 2 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\na=sendonly\r\n"
    b"m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=inactive\r\nm=video 0 RTP/AVP 96\r\n"
)


def test_the_origin_is_ours_and_everything_else_theirs() -> None:
    passed_on = sdp.passed_on(HELD, host="192.0.2.1", session=7, version=3)

    assert passed_on == HELD.replace(b"o=phone 1 2 IN IP4 192.0.2.2", b"o=holdline 7 3 IN IP4 192.0.2.1")


def test_what_is_to_be_open_is_open() -> None:
    passed_on = sdp.passed_on(HELD, host="2001:db8::1", session=7, version=3, is_open=True)

    assert b"o=holdline 7 3 IN IP6 2001:db8::1" in passed_on
    assert sdp.direction(passed_on) == "sendrecv"
    assert b"inactive" not in passed_on
    assert b"sendonly" not in passed_on


@pytest.mark.parametrize(("port", "is_heard"), [(b"4000", True), (b"0", False), (b"00", False), (b"x", False)])
def test_an_audio_stream_with_port_0_is_a_refusal(port: bytes, is_heard: bool) -> None:
    assert sdp.has_audio(HELD.replace(b"audio 4000", b"audio " + port)) == is_heard


def test_nothing_is_no_audio() -> None:
    assert not sdp.has_audio(None)
    assert sdp.direction(b"rubbish") == "inactive"
    assert sdp.essence(b"rubbish") == ()


def test_a_hold_before_the_bridge_is_mirrored() -> None:
    answer = sdp.opening_answer(
        HELD.replace(b"a=sendonly\r\n", b"").replace(b"inactive", b"sendonly"), "192.0.2.1", 9, session=7, version=2
    )

    assert sdp.direction(answer) == "recvonly"
    assert b"m=audio 9 RTP/AVP 0 101\r\n" in answer
    assert b"m=video 0 RTP/AVP 96" in answer


@pytest.mark.parametrize(
    "offer", [b"", b"v=0\r\n", HELD.replace(b"RTP/AVP 0 101", b"RTP/SAVP 0"), b"\xff", b"v=0\r\no=x\r\nrubbish\r\n"]
)
def test_an_offer_without_plain_audio_is_refused(offer: bytes) -> None:
    with pytest.raises(NoAudio):
        sdp.opening_answer(offer, "192.0.2.1", 9, session=7, version=2)


@given(
    st.binary(max_size=200)
    | st.lists(st.sampled_from([*HELD.split(b"\r\n"), b"m=audio", b"a=", b""]), max_size=12).map(b"\r\n".join)
)
def test_any_description_is_passed_on_or_refused(description: bytes) -> None:
    sdp.has_audio(description)
    sdp.direction(description)
    try:
        passed_on = sdp.passed_on(description, host="192.0.2.1", session=1, version=1, is_open=True)
    except NoAudio:
        return
    assert sdp.direction(passed_on) == "sendrecv"
    assert sdp.essence(passed_on) == sdp.essence(description)
