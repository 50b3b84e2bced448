"""Every sample of every page."""

from tests.web.gallery import call_samples, request_samples, wait_samples
from tests.web.gallery import samples as base
from tests.web.gallery.samples import Sample


def samples() -> list[Sample]:
    """Return all of them, in words of the reader under way."""
    return [
        *base.samples(),
        *request_samples.request_samples(),
        *call_samples.call_samples(),
        *wait_samples.wait_samples(),
    ]
