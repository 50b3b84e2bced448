"""Telephones and a trunk that others wrote: SIPp's scenarios as data, and Kamailio as a trunk that asks for a login.

Scenarios are made here from a few lines each, so that the tests show what a telephone does and not how SIPp spells it.
"""

import asyncio
import itertools
import os
import re
import socket
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from tests import requirements_plugin

_ENDS = "[last_Via:]\n[last_From:]\n[last_To:];tag=[pid]SIPp[call_number]\n[last_Call-ID:]\n[last_CSeq:]\n[last_Record-Route:]\n"
_AGAIN = "[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n"
_CONTACT = "Contact: <sip:phone@[local_ip]:[local_port];transport=[transport]>\n"
_SDP = (
    "Content-Type: application/sdp\nContent-Length: [len]\n\n"
    "v=0\no=phone 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=audio [media_port] RTP/AVP 0 101\na=rtpmap:0 PCMU/8000\na=rtpmap:101 telephone-event/8000\na=sendrecv\n"
)
_EMPTY = "Content-Length: 0\n"


def _send(text: str, attributes: str = "") -> str:
    return f"<send {attributes}><![CDATA[\n\n{text}\n]]></send>"


def _receive(method: str, attributes: str = "", actions: str = "") -> str:
    return f'<recv request="{method}" {attributes}>{f"<action>{actions}</action>" if actions else ""}</recv>'


def _take(header: str, variable: str, pattern: str = ".*") -> str:
    return (
        f'<ereg regexp="{pattern}" search_in="hdr" header="{header}:" check_it="true" assign_to="{variable}"/>'
        f'<assignstr assign_to="{variable}s" value="[${variable}]"/>'
    )


_INVITED = _receive(
    "INVITE",
    'rrs="true"',
    _take("From", "from")
    + _take("To", "to")
    + _take("Contact", "contact", "sip:[^&gt;]*")
    + _take("CSeq", "number", "[0-9]+"),
)
_USED = '<Reference variables="from,to,contact,number,froms,tos,contacts,numbers"/>'
_RING = _send(f"SIP/2.0 180 Ringing\n{_ENDS}{_CONTACT}{_EMPTY}")
_ANSWER = _send(f"SIP/2.0 200 OK\n{_ENDS}{_CONTACT}{_SDP}", 'retrans="200"')
_ACK = _receive("ACK")
# What answers a BYE that comes again because our answer was lost.
_LINGER = '<timewait milliseconds="3000"/>'
_HANG_UP = (
    _send(
        "BYE [$contact] SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n[routes]\nFrom:[$to];"
        "tag=[pid]SIPp[call_number]\nTo:[$from]\n[last_Call-ID:]\nCSeq: 1 BYE\nMax-Forwards: 70\n" + _EMPTY,
        'retrans="200"',
    )
    + '<recv response="200"></recv>'
)
# Whatever comes until the BYE: re-INVITEs are agreed to.
_UNTIL_BYE = (
    '<label id="1"/>'
    + _receive("INVITE", 'optional="true" next="2"')
    + _receive("ACK", 'optional="true" next="1"')
    + _receive("BYE", 'next="3"')
    + '<label id="2"/>'
    + _send(f"SIP/2.0 200 OK\n{_AGAIN}{_CONTACT}{_SDP}", 'retrans="200"')
    + _receive("ACK", 'next="1"')
    + '<label id="3"/>'
    + _send(f"SIP/2.0 200 OK\n{_AGAIN}{_EMPTY}")
)
_CANCELLED = _receive("CANCEL") + _send(f"SIP/2.0 200 OK\n{_AGAIN}{_EMPTY}")
_OF_THE_INVITE = (
    "[last_Via:]\nFrom:[$from]\nTo:[$to];tag=[pid]SIPp[call_number]\n[last_Call-ID:]\nCSeq: [$number] INVITE\n"
)


def _pause(seconds: float) -> str:
    return f'<pause milliseconds="{int(seconds * 1000)}"/>'


def answers() -> str:
    """Picks up, and talks until the other side hangs up."""
    return _INVITED + _RING + _pause(0.2) + _ANSWER + _ACK + _UNTIL_BYE


def hangs_up(*, after: float = 0.5) -> str:
    """Picks up, and hangs up without having been changed."""
    return _INVITED + _RING + _pause(0.2) + _ANSWER + _ACK + _pause(after) + _HANG_UP


def is_bridged_and_hangs_up(*, after: float = 0.5) -> str:
    """Picks up, is given the other telephone by a re-INVITE, talks, and hangs up."""
    again = _receive("INVITE") + _send(f"SIP/2.0 200 OK\n{_AGAIN}{_CONTACT}{_SDP}", 'retrans="200"') + _ACK
    return _INVITED + _RING + _pause(0.2) + _ANSWER + _ACK + again + _pause(after) + _HANG_UP


def refuses_the_bridge() -> str:
    """Picks up, refuses the re-INVITE, and is let go."""
    return (
        _INVITED
        + _RING
        + _ANSWER
        + _ACK
        + _receive("INVITE")
        + _send(f"SIP/2.0 488 No\n{_AGAIN}{_EMPTY}", 'retrans="200"')
        + _ACK
        + _receive("BYE")
        + _send(f"SIP/2.0 200 OK\n{_AGAIN}{_EMPTY}")
    )


def refuses(code: int) -> str:
    """Rings, and answers with a code."""
    return _INVITED + _RING + _pause(0.1) + _send(f"SIP/2.0 {code} No\n{_ENDS}{_EMPTY}", 'retrans="200"') + _ACK


def rings() -> str:
    """Rings until it is cancelled."""
    return _INVITED + _RING + _CANCELLED + _send(f"SIP/2.0 487 Gone\n{_OF_THE_INVITE}{_EMPTY}", 'retrans="200"') + _ACK


def crosses() -> str:
    """Rings, is cancelled, and has been picked up at the same moment."""
    answer = _send(f"SIP/2.0 200 OK\n{_OF_THE_INVITE}{_CONTACT}{_SDP}", 'retrans="200"')
    return _INVITED + _RING + _CANCELLED + answer + _ACK + _pause(0.4) + _HANG_UP


@dataclass(frozen=True)
class SIPp:
    """A running SIPp."""

    port: int
    process: subprocess.Popen[bytes]
    # Every message that it got and gave, with its time.
    messages: Path

    def requests(self, method: str) -> dict[str, datetime]:
        """Return the requests of a method that came: Call-ID -> when its first one did, on this machine's clock."""
        found: dict[str, datetime] = {}
        text = self.messages.read_text() if self.messages.exists() else ""
        for stamp, message in re.findall(r"^-+ (\S+ \S+)\n.* received .*\n\n((?:.+\n)+)", text, re.MULTILINE):
            called = re.search(r"^Call-ID: *(\S+)", message, re.MULTILINE)
            if message.startswith(f"{method} ") and called is not None:
                found.setdefault(called[1], datetime.fromisoformat(stamp))
        return found

    async def finished(self, within_s: float = 20) -> int:
        """Return its exit code: 0 when every call went as the scenario says."""
        return await asyncio.to_thread(self.process.wait, within_s)


# Below the ports that the kernel gives away by itself; each process of a run begins somewhere else, and none is given twice.
_PORTS: Final = itertools.cycle(range(20_000, 32_000, 4))
for _ in range(os.getpid() * 97 % 3_000):
    next(_PORTS)


def free_port() -> int:
    """A port of the loopback that nobody has at this moment, nor the three after it, for datagrams and for streams."""
    return next(port for port in _PORTS if all(_is_free(port + step) for step in range(4)))


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def started(arguments: Sequence[str | Path], folder: Path, log: Path) -> "subprocess.Popen[bytes]":
    """Start a program whose output goes into a file."""
    with log.open("wb") as output:
        return subprocess.Popen(arguments, cwd=folder, stdout=output, stderr=subprocess.STDOUT)


@asynccontextmanager
async def sipp(
    folder: Path, scenario: str, *, calls: int = 1, tcp: bool = False, lossy: bool = False
) -> AsyncIterator[SIPp]:
    """A telephone that follows a scenario, ``calls`` times, at the same time if need be.

    ``lossy``: on a line that loses packets. By itself SIPp gives a call up at the second repetition of one message.
    """
    program = requirements_plugin.need_program("sipp", "sip-tester")
    port, media = free_port(), free_port()
    file, log = folder / f"{port}.xml", folder / f"{port}.log"
    file.write_text(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="phone">\n{scenario}{_LINGER if lossy else ""}\n{_USED}</scenario>\n'
    )
    place = ("-i", "127.0.0.1", "-p", str(port), "-mp", str(media), "-t", "t1" if tcp else "u1")
    limits = ("-m", str(calls), "-timeout", "60s", "-timer_resol", "5", "-nostdin")
    if lossy:
        limits = (*limits, "-default_behaviors", "all,-abortunexp")
    traces = ("-trace_err", "-error_file", f"{log}.err", "-trace_msg", "-message_file", f"{log}.messages")
    process = started([program, "-sf", file, *place, *limits, *traces], folder, log)
    try:
        await is_listening(port, process, tcp=tcp)
        yield SIPp(port, process, Path(f"{log}.messages"))
    finally:
        process.kill()
        process.wait()


@asynccontextmanager
async def kamailio(folder: Path, customer_port: int) -> AsyncIterator[int]:
    """A trunk that knows one login, ``holdline`` and ``secret``, refuses +999, stays on the way, and rings at ``customer_port``.

    Yields its port.
    """
    program = requirements_plugin.need_program("kamailio", "kamailio")
    port = free_port()
    (folder / "trunk.cfg").write_text(_TRUNK.format(port=port, customer=customer_port, folder=folder))
    process = started(
        [
            program,
            "-f",
            folder / "trunk.cfg",
            "-DD",
            "-E",
            "-Y",
            folder,
            "-P",
            folder / "trunk.pid",
            "-m",
            "16",
            "-M",
            "4",
        ],
        folder,
        folder / "trunk.log",
    )
    try:
        await is_listening(port, process, tcp=False)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def is_listening(port: int, process: "subprocess.Popen[bytes]", *, tcp: bool) -> None:
    """Return when the port is taken on this machine, read from the kernel's own table."""
    table = Path("/proc/net/tcp" if tcp else "/proc/net/udp")
    async with asyncio.timeout(20):
        while f":{port:04X} " not in table.read_text():
            assert process.poll() is None, "it ended before it began"
            await asyncio.sleep(0.02)


_TRUNK = """\
#!KAMAILIO
debug=0
log_stderror=yes
children=2
disable_tcp=yes
auto_aliases=no
listen=udp:127.0.0.1:{port}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "auth.so"
modparam("auth", "qop", "auth")

request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) {{ t_relay(); }} exit; }}
    if (has_totag()) {{
        if (loose_route()) {{ t_relay(); exit; }}
        if (is_method("ACK") && t_check_trans()) {{ t_relay(); exit; }}
        if (!is_method("ACK")) {{ sl_send_reply("404", "Not here"); }}
        exit;
    }}
    t_check_trans();
    if (!pv_auth_check("127.0.0.1", "secret", "0", "0") || $au != "holdline") {{ auth_challenge("127.0.0.1", "1"); exit; }}
    consume_credentials();
    if ($rU =~ "^\\+999") {{ sl_send_reply("404", "Not Found"); exit; }}
    record_route();
    $du = "sip:127.0.0.1:{customer}";
    t_relay();
}}
"""
