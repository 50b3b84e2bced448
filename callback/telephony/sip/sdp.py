"""Session descriptions, as far as a go-between touches them (RFC 4566, RFC 3264).

One telephone's description is shown to the other under our own origin line; codecs are agreed between the two, never here. The only
description of our own is the first offer to the representative, before there is anybody to talk to.
"""

import re
from collections.abc import Iterable
from typing import Final

_DIRECTIONS: Final = ("a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive")
_MOST_LINES: Final = 256


class NoAudio(ValueError):
    """The description cannot be used: not one, or without an audio stream that is open."""


def opening(host: str, port: int, session: int) -> bytes:
    """Return the first offer to the representative: both directions, the two codecs that every telephone has, and tones.

    With ``inactive`` or ``sendonly`` here, some telephones never begin to send after the bridge (callback.md 8.2), so it says what it
    means in the end. What is sent to ``port`` is thrown away.
    """
    family = "IP6" if ":" in host else "IP4"
    bare = host.strip("[]")
    lines = (
        "v=0",
        f"o=holdline {session} 1 IN {family} {bare}",
        "s=-",
        f"c=IN {family} {bare}",
        "t=0 0",
        f"m=audio {port} RTP/AVP 0 8 101",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-15",
        "a=sendrecv",
    )
    return _joined(lines)


def passed_on(description: bytes, *, host: str, session: int, version: int, is_open: bool = False) -> bytes:
    """Return one telephone's description for the other, under our origin.

    Args:
        description: as it came.
        host: our own address, for the origin line alone; the audio goes where the description says.
        session: number of our session with the receiving telephone.
        version: one more than in what we sent it last.
        is_open: whether both directions are to be opened, whatever the description says; else a hold stays a hold.

    Raises:
        NoAudio: it is none that can be used.
    """
    family = "IP6" if ":" in host else "IP4"
    lines = _lines(description)
    if not any(line.startswith("m=audio ") for line in lines):
        raise NoAudio("no audio")
    changed = []
    for line in lines:
        if line.startswith("o="):
            changed.append(f"o=holdline {session} {version} IN {family} {host.strip('[]')}")
        elif not (is_open and line in _DIRECTIONS):
            changed.append(line)
    return _joined([*changed, "a=sendrecv"] if is_open else changed)


def opening_answer(offer: bytes | None, host: str, port: int, *, session: int, version: int) -> bytes:
    """Return our answer to a representative's re-INVITE before the bridge: their codecs, our port, their direction mirrored.

    ``offer`` None: they left the offer to us, and get the opening again.

    Raises:
        NoAudio: there is no open audio stream in the offer, or one that wants encryption.
    """
    if offer is None:
        return opening(host, port, session)
    lines = _lines(offer)
    streams = [line for line in lines if line.startswith("m=")]
    if not streams or not re.match(r"m=audio [1-9][0-9]* RTP/AVP ", streams[0]):
        raise NoAudio("no plain audio")
    family = "IP6" if ":" in host else "IP4"
    bare = host.strip("[]")
    mirrored = {"sendonly": "recvonly", "recvonly": "sendonly"}.get(direction(offer), direction(offer))
    formats = streams[0].partition("RTP/AVP ")[2]
    codecs = [
        line
        for line in lines
        if line.startswith(("a=rtpmap:", "a=fmtp:")) and line.split(":")[1].split(" ")[0] in formats.split()
    ]
    refused = [re.sub(r"^(m=\S+) \d+(/\d+)? ", r"\1 0 ", line) for line in streams[1:]]
    return _joined(
        (
            "v=0",
            f"o=holdline {session} {version} IN {family} {bare}",
            "s=-",
            f"c=IN {family} {bare}",
            "t=0 0",
            f"m=audio {port} RTP/AVP {formats}",
            *codecs,
            f"a={mirrored}",
            *refused,
        )
    )


def has_audio(description: bytes | None) -> bool:
    """Whether somebody can be heard: an audio stream whose port is not 0, which would refuse it (RFC 3264, section 6)."""
    try:
        lines = _lines(description or b"")
    except NoAudio:
        return False
    return any(re.match(r"m=audio [1-9][0-9]{0,4}[ /]", line) for line in lines)


def essence(description: bytes) -> tuple[str, ...]:
    """Return what must stay equal for the other side not to care: addresses, streams and codecs, without origin, times and direction."""
    try:
        lines = _lines(description)
    except NoAudio:
        return ()
    return tuple(line for line in lines if line[:2] in ("c=", "m="))


def direction(description: bytes) -> str:
    """Return ``sendrecv``, ``sendonly``, ``recvonly`` or ``inactive``."""
    try:
        lines = _lines(description)
    except NoAudio:
        return "inactive"
    return next((line[2:] for line in lines if line in _DIRECTIONS), "sendrecv")


def _lines(description: bytes) -> list[str]:
    try:
        text = description.decode("utf-8")
    except UnicodeDecodeError:
        raise NoAudio("not UTF-8") from None
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line]
    if not lines or len(lines) > _MOST_LINES or lines[0] != "v=0" or not any(line.startswith("o=") for line in lines):
        raise NoAudio("not a description")
    if any(not re.match(r"[a-z]=", line) or "\r" in line for line in lines):
        raise NoAudio("line of a description")
    return lines


def _joined(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode()
