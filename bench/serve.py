"""Representatives who become ready one after the other, and take what they are offered; prints how long each waited for it.

    python bench/serve.py http://127.0.0.1:8000 FOLDER/free.tsv --every 1 --count 20

Runs with Holdline's own Python and its client. Everybody watches their desk before the first one begins, and with ``--crowd`` that many more
sockets are open. The last line is a JSON object:
``offer_ms`` (from the wish to be ready until the offer was shown, one figure for each, in milliseconds) and ``missed`` (who was shown none
within ten seconds).
"""

import argparse
import asyncio
import json
import re
import time
from pathlib import Path
from typing import Final

import httpx2

from chatsvc.client import Client

PATIENCE_S: Final = 10.0


async def main() -> None:
    """Serve."""
    options = _arguments()
    _, *sessions = options.seats.read_text().split()
    people = [Client(options.address) for _ in range(options.count)]
    for person, session in zip(people, sessions, strict=False):
        person.enter(session)
        await person.desk()
    print("ready", flush=True)
    while options.crowd and await _open_sockets(options.address) < options.crowd + len(people):  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.2)
    served: list[float] = []
    begins = time.monotonic()
    for number, person in enumerate(people):
        await asyncio.sleep(max(0.0, begins + number * options.every - time.monotonic()))
        try:
            async with asyncio.timeout(PATIENCE_S):
                served.append(await _serve(person))
        except TimeoutError:
            continue
    print(json.dumps({"offer_ms": served, "missed": options.count - len(served)}))
    for person in people:
        await person.close()


async def _open_sockets(address: str) -> float:
    """Return how many sockets the server holds."""
    async with httpx2.AsyncClient() as browser:
        text = (await browser.get(f"{address}/metrics")).text
    return sum(float(each) for each in re.findall(r"^holdline_hub_connections\{.*\} (.+)$", text, re.MULTILINE))


async def _serve(person: Client) -> float:
    """Be ready, take the offer, and return how long it took to come, in milliseconds."""
    begins = time.perf_counter()
    desk = await person.desk()
    asked = asyncio.create_task(person.ready())
    shown = await desk.until(lambda desk: bool(desk.offers))
    took_ms = (time.perf_counter() - begins) * 1_000
    await asked
    await person.accept(shown.offers[0])
    return took_ms


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("seats", type=Path)
    parser.add_argument("--every", type=float, default=1.0, help="seconds from one to the next")
    parser.add_argument("--crowd", type=int, default=0, help="how many others are there before the first one serves")
    parser.add_argument("--count", type=int, default=20, help="how many serve")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main())
