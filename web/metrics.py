"""Figures of the doors, for ``/metrics``. Labels come from closed sets: routes and classes of status, never a person or a path."""

from typing import Final

from prometheus_client import Counter, Histogram

requests: Final = Counter("holdline_http_requests_total", "Requests that were answered.", ["route", "status"])
seconds: Final = Histogram(
    "holdline_http_request_seconds",
    "Time from a request's first byte to the last of its answer; long-polls wait in it.",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 30),
)
