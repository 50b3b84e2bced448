"""How many decisions about coverage one core makes in a second, with calendars that have been used before.

    python bench/coverage.py                   200,000 decisions in each of three rounds; the slowest counts
    python bench/coverage.py --decisions N

Decisions are asked about customers in twelve zones, at moments all over two years, for every severity and channel in turn. What is counted
is the processor's time of this process, so that a busy machine measures the same; each answer is complete, with its reasons.
"""

import argparse
import random
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from chatsvc.coverage.model import Calendar, Channel
from chatsvc.coverage.policy import coverage_at

WANTED_PER_SECOND: Final = 100_000
ROUNDS: Final = 3

CALENDARS: Final = (
    Calendar("Europe/Paris", "FR"),
    Calendar("Europe/Berlin", "DE", "BY"),
    Calendar("Europe/London", "GB", "ENG"),
    Calendar("America/Sao_Paulo", "BR", "SP"),
    Calendar("America/New_York", "US", "NY"),
    Calendar("America/Los_Angeles", "US", "CA"),
    Calendar("Asia/Tokyo", "JP"),
    Calendar("Asia/Seoul", "KR"),
    Calendar("Asia/Shanghai", "CN"),
    Calendar("Asia/Kolkata", "IN"),
    Calendar("Australia/Sydney", "AU", "NSW"),
    Calendar("Africa/Cairo", "EG"),
)

Question = tuple[datetime, str, Channel, Calendar]


def questions(number: int, severities: tuple[str, ...]) -> list[Question]:
    """Return questions, the same each time."""
    chance = random.Random(3)
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        (
            begin + timedelta(minutes=chance.randrange(2 * 365 * 24 * 60)),
            chance.choice(severities),
            chance.choice((Channel.CHAT, Channel.PHONE)),
            chance.choice(CALENDARS),
        )
        for _ in range(number)
    ]


def per_second(asked: list[Question]) -> float:
    """Return how many decisions were made per second of the processor's time."""
    began = time.process_time()
    for moment, severity, channel, calendar in asked:
        coverage_at(moment, severity, channel, calendar)
    return len(asked) / (time.process_time() - began)


def main() -> int:
    """Measure and print; 1 when it is slower than wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--decisions", type=int, default=200_000)
    number = parser.parse_args().decisions
    slowest = float("inf")
    for name, severities in (("P3 and P4", ("P3", "P4")), ("all severities", ("P1", "P2", "P3", "P4"))):
        asked = questions(number, severities)
        first = per_second(asked)
        rounds = [per_second(asked) for _ in range(ROUNDS)]
        sys.stdout.write(f"{name}: {min(rounds):,.0f} to {max(rounds):,.0f} a second; at first use {first:,.0f}\n")
        slowest = min(slowest, *rounds)
    sys.stdout.write(f"slowest {slowest:,.0f} a second, wanted {WANTED_PER_SECOND:,}\n")
    return 0 if slowest >= WANTED_PER_SECOND else 1


if __name__ == "__main__":
    sys.exit(main())
