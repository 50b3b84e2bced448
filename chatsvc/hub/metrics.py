"""Counters and gauges of the hub: every rescue is counted, as the proof in production that the promises work (promises, rule 36)."""

from collections.abc import Iterator
from typing import Final

from prometheus_client import REGISTRY, Counter, Gauge
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector


class Tally(Collector):
    """A counter without a lock, for what happens with every frame; only the loop's thread may raise it."""

    def __init__(self, name: str, about: str) -> None:
        self.count = 0
        self._name, self._about = name, about
        REGISTRY.register(self)

    def inc(self, by: int = 1) -> None:
        """Count."""
        self.count += by

    def collect(self) -> Iterator[Metric]:
        """Tell how many there were."""
        yield CounterMetricFamily(self._name, self._about, value=self.count)


connections: Final = Gauge("holdline_hub_connections", "Sockets that are open in this process.", ["side"])
opened: Final = Counter("holdline_hub_connections_opened_total", "Sockets that were let in.")
refused_connections: Final = Counter(
    "holdline_hub_connections_refused_total", "Handshakes that were not let in.", ["reason"]
)
closed: Final = Counter("holdline_hub_connections_closed_total", "Sockets that this process closed.", ["code"])

frames_in: Final = Tally("holdline_hub_frames_received_total", "Frames that clients sent.")
frames_out: Final = Tally("holdline_hub_frames_sent_total", "Frames that were handed to the network.")
refused_frames: Final = Counter(
    "holdline_hub_frames_refused_total", "Frames that were answered with a refusal.", ["code"]
)
weather_dropped: Final = Counter(
    "holdline_hub_weather_dropped_total", "Typing and seen marks that a full queue dropped."
)

gaps_repaired: Final = Counter(
    "holdline_hub_gaps_repaired_total", "Followers that were found behind and were caught up."
)
bells_false: Final = Counter(
    "holdline_hub_bells_false_total", "Bells that named a number which the store does not have."
)
heads_healed: Final = Counter("holdline_hub_heads_healed_total", "Logs whose lost bell was found by a heartbeat.")
resets: Final = Counter("holdline_hub_resets_total", "Clients that were told to begin again from 0.")
stale_refused: Final = Counter(
    "holdline_hub_stale_writes_refused_total", "Entries refused because the epoch was an older one."
)
repeats: Final = Counter(
    "holdline_hub_repeated_entries_total", "Entries that had been stored before and got their number again."
)
log_reads: Final = Counter("holdline_hub_log_reads_total", "Reads of logs from the database.")
log_reads_shared: Final = Counter("holdline_hub_log_reads_shared_total", "Waiters that shared a read with another one.")
ring_hits: Final = Counter("holdline_hub_ring_hits_total", "Catch-ups that the entries in memory answered.")
picture_reads: Final = Counter("holdline_hub_picture_reads_total", "Reads of pictures from the database.", ["view"])
duties_failed: Final = Counter(
    "holdline_hub_duties_failed_total", "Rounds of a recurring duty that failed and will be tried again.", ["duty"]
)
sessions_ended: Final = Counter("holdline_hub_sessions_ended_total", "Sockets closed because their session was over.")

news_out: Final = Counter("holdline_broker_news_published_total", "News that went to other processes.")
news_in: Final = Counter("holdline_broker_news_heard_total", "News that came from other processes.")
news_dropped: Final = Counter(
    "holdline_broker_news_dropped_total", "News that could not be sent; heartbeats heal what they told."
)
broker_lost: Final = Counter("holdline_broker_connections_lost_total", "Times that the line to Redis was lost.")
broker_back: Final = Counter("holdline_broker_reconnected_total", "Times that the line to Redis came back.")
