"""Token buckets: so much per second in the long run, so much at once (T23). Pure; the moment is handed in."""


class Bucket:
    """A bucket that fills by ``per_s`` tokens a second and holds ``burst``."""

    __slots__ = ("_burst", "_per_s", "_since", "_tokens")

    def __init__(self, per_s: float, burst: float, now: float) -> None:
        """Make a full bucket; ``now`` is in seconds of the monotonic clock."""
        self._per_s = per_s
        self._burst = burst
        self._tokens = burst
        self._since = now

    def take(self, now: float) -> bool:
        """Take one token; return False, and take none, when there is none."""
        self._tokens = min(self._burst, self._tokens + (now - self._since) * self._per_s)
        self._since = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def wait_s(self) -> float:
        """Return after how many seconds there will be a token, as of the last ``take``."""
        return max(0.0, (1 - self._tokens) / self._per_s)
