"""Two telephones that people really use hear each other: baresip on both legs, each saying a tone of its own."""

import asyncio
import math
import subprocess
import wave
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from callback.telephony.port import AttemptId, EndedBy, Outcome
from tests import requirements_plugin
from tests.callback.telephony.notebook import Notebook
from tests.callback.telephony.sip import strangers
from tests.callback.telephony.sip.test_strangers import a_call, telephony

RATE: Final = 8_000
# What the representative's telephone says, and what the customer's says, in hertz.
LOW, HIGH = 440, 1_000
MODULES: Final = Path("/usr/lib/baresip/modules")

CONFIG: Final = """\
poll_method epoll
sip_listen 127.0.0.1:{port}
audio_source aufile,{folder}/tone.wav
audio_player aubridge,nil
audio_alert aubridge,alert
audio_channels 1
module_path {modules}
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module_app account.so
module_app menu.so
snd_path {folder}
"""


@asynccontextmanager
async def a_phone(folder: Path, user: str, tone: int) -> AsyncIterator[int]:
    """A baresip that answers by itself, says a tone and writes down what it hears; yields its port."""
    program = requirements_plugin.need_program("baresip", "baresip-core")
    folder.mkdir()
    port = strangers.free_port()
    write_tone(folder / "tone.wav", tone)
    (folder / "config").write_text(CONFIG.format(port=port, folder=folder, modules=MODULES))
    (folder / "accounts").write_text(f"<sip:{user}@127.0.0.1>;regint=0;answermode=auto\n")
    (folder / "contacts").touch()
    process = strangers.started([program, "-f", folder, "-4"], folder, folder / "log")
    try:
        await strangers.is_listening(port, process, tcp=False)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def write_tone(path: Path, hertz: int, seconds: int = 30) -> None:
    samples = array("h", (int(12_000 * math.sin(2 * math.pi * hertz * each / RATE)) for each in range(RATE * seconds)))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())


def heard(folder: Path) -> dict[int, float]:
    """How much of either tone is in what a telephone decoded: 1 for a pure tone of full length, by Goertzel's algorithm."""
    (record,) = folder.glob("dump-*-dec.wav")
    with wave.open(str(record), "rb") as file:
        assert file.getframerate() == RATE
        samples = array("h", file.readframes(file.getnframes()))
    assert len(samples) > RATE, "less than a second was heard"
    energy = sum(each * each for each in samples) or 1
    return {hertz: 2 * _power(samples, hertz) / (energy * len(samples)) for hertz in (LOW, HIGH)}


def _power(samples: "array[int]", hertz: int) -> float:
    turn = 2 * math.cos(2 * math.pi * hertz / RATE)
    last, before = 0.0, 0.0
    for each in samples:
        last, before = each + turn * last - before, last
    return last * last + before * before - turn * last * before


async def test_two_telephones_hear_each_other(tmp_path: Path) -> None:
    notebook = Notebook()
    async with (
        a_phone(tmp_path / "rep", "anna", LOW) as rep,
        a_phone(tmp_path / "customer", "+4930123456", HIGH) as customer,
        telephony(customer, notebook) as adapter,
    ):
        await adapter.dial(a_call(1, rep))
        await asyncio.wait_for(notebook.comes_to("talking"), 20)
        await asyncio.sleep(2.5)  # they talk
        await adapter.hang_up(AttemptId("ca_1"))
        ended = await asyncio.wait_for(notebook.ended(AttemptId("ca_1")), 20)

    assert (ended.outcome, ended.facts.ended_by) == (Outcome.ANSWERED, EndedBy.HOLDLINE)
    rep_heard, customer_heard = heard(tmp_path / "rep"), heard(tmp_path / "customer")
    assert rep_heard[HIGH] > 0.5 > 0.1 > rep_heard[LOW], rep_heard
    assert customer_heard[LOW] > 0.5 > 0.1 > customer_heard[HIGH], customer_heard
