"""A day of full slots, simulated at several sizes of team: is what was promised kept? (callback.md, section 7)

    python -m bench.slots            every size of the table: seats, and which part of the calls begins inside its slot
    python -m bench.slots --table    computes the table of callback/capacity.py anew

Ends with 1 when less than 95 of 100 calls begin in time somewhere. Sixteen slots in a row are full; calls are lognormal, 15 of 100 are not taken.
"""

import argparse
import sys
from datetime import timedelta
from typing import Final

from callback.capacity import SLOTS, TABLE, TARGET, capacity, most_that_keeps, on_time

TEAMS: Final = (1, 2, 3, 5, 8, 12)
# Another seed than the one that the table was computed with: nobody grades their own homework.
SEED: Final = 2


def measure(days: int) -> bool:
    """Print every size, and return whether all of them keep the word."""
    print(f"{SLOTS} full slots in a row, {days} days of each, seed {SEED}; on time: begun inside its slot\n")
    print(f"{'slot':>8} {'team':>5} {'seats':>6} {'on time':>8} {'one more':>9}")
    is_kept = True
    for minutes in TABLE:
        for team in TEAMS:
            length = timedelta(minutes=minutes)
            seats = capacity(team, length)
            share = on_time(length, team, seats, days=days, seed=SEED)
            more = on_time(length, team, seats + 1, days=days, seed=SEED)
            is_kept &= share >= TARGET
            print(f"{minutes:>5} min {team:>5} {seats:>6} {share:>8.1%} {more:>9.1%}")
    return is_kept


def table(days: int) -> None:
    """Print the table as it stands in the code."""
    for minutes in TABLE:
        row = (most_that_keeps(timedelta(minutes=minutes), team, days=days) for team in range(1, 13))
        print(f"    {minutes}: ({', '.join(map(str, row))}),")


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", action="store_true", help="compute the table anew")
    parser.add_argument(
        "--days", type=int, default=400, help="simulated days of each size; fewer cannot tell half a percent apart"
    )
    wanted = parser.parse_args()
    if wanted.table:
        table(wanted.days)
        return 0
    return 0 if measure(wanted.days) else 1


if __name__ == "__main__":
    sys.exit(main())
