"""Samples of the page about told waits."""

from typing import Any
from zoneinfo import ZoneInfo

from chatsvc.catalog.model import load as load_catalog
from chatsvc.routing.accuracy import Counts, accuracy, days_until
from tests.web.gallery.samples import NOW, Sample
from web.i18n import Reader, reader
from web.pages.entries import pairs
from web.pages.waits import page_context

INES = {"name": "Inês Costa", "email": "ines@holdline.example", "role": "supervisor", "company": None}


def _page(days: int, *found: tuple[str, int, Counts]) -> dict[str, Any]:
    mine = Reader(reader().language, ZoneInfo("Europe/Berlin"))
    held = accuracy(found, days_until(NOW, days, mine.zone))
    return {"me": INES, **page_context(held, pairs(load_catalog().lines, mine), days, mine)}


def _counts(served: int, held: int, **more: int) -> Counts:
    """Waits that were told a little short, and now and then far too short."""
    sums = {"missed_us": served * 130_000_000, "longer_us": served * 24_000_000}
    return Counts(served, held, shocks=served // 11, **sums, **more)


def wait_samples() -> list[Sample]:
    """Return all of them, in words of the reader under way."""
    page, busy = "console/waits.html", [(day, 60 + 7 * (day % 5)) for day in range(28) if day % 7 < 5]
    many = [("expense", day, _counts(n, n - n // (8 + day % 6), left=day % 4)) for day, n in busy]
    few = [
        ("travel", 26, _counts(12, 12, waiting=1)),
        ("invoice", 3, Counts(untold=4, left=3, left_late=1, put_off=2)),
    ]
    short = [("expense", day, _counts(40, 30, left=4, left_late=2)) for day in range(7)]
    return [
        Sample("waits", page, _page(28, *many, *few)),
        Sample("waits-short", page, _page(7, *short, ("request", 6, _counts(80, 79)))),
        Sample("waits-long", page, _page(7, ("request", 6, _counts(80, 79)))),
        Sample("waits-few", page, _page(7, ("expense", 6, _counts(1, 1)))),
        Sample("waits-untold", page, _page(7, ("expense", 6, Counts(untold=1)))),
        Sample("waits-empty", page, _page(7)),
    ]
