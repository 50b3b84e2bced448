"""The numbers of the hub, with their units and where each comes from. Nothing here decides anything."""

from dataclasses import dataclass

from chatsvc.config import Settings


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a connection may do, how much the hub keeps for it, and how long it waits."""

    # Rhythm of heartbeats; two missed ones mean that the line is dead (R5, R6).
    beat_s: float = 25.0
    missed_beats: int = 2
    # How often a session is asked for again, beside the bell that closes it at once (R21, T7).
    recheck_s: float = 60.0

    # Outgoing bytes that may wait for a reader before the socket is closed (R18).
    customer_queue_bytes: int = 256 * 1024
    staff_queue_bytes: int = 1024 * 1024
    # Largest frame that is read (T21).
    max_frame_bytes: int = 64 * 1024
    # Entries of a catch-up go out in frames of about so many bytes, each when there is room for it.
    chunk_bytes: int = 32 * 1024

    # Connections: of one person, and of this process (T22).
    most_per_person: int = 20
    most_connections: int = 9_000
    # Logs and pictures that one connection follows: a console with 20 conversations has 40 logs.
    most_logs: int = 64
    most_pictures: int = 16
    # Wishes of one connection that wait for the database.
    most_waiting: int = 64

    # Frames of any kind, and entries, per second in the long run and at once (T23). People type; a console reads several talks.
    frames_per_s: float = 30.0
    frames_burst: float = 120.0
    entries_per_s: float = 5.0
    entries_burst: float = 30.0
    # Refusals for speed or form before the connection is closed; one is forgiven every two seconds.
    strikes: float = 20.0
    strikes_forgiven_per_s: float = 0.5

    # Entries up to this size travel to other processes with their bell; of larger ones only the number does.
    most_told_bytes: int = 4 * 1024
    # At most one read per log in this time, shared by all who wait for it (promises, rule 11).
    read_gap_s: float = 0.05
    # Reads of logs and pictures that run at the same time, so that a storm does not take every database connection.
    most_reads: int = 4
    # A change of a line reaches everybody in it at most twice a second.
    line_gap_s: float = 0.5
    # Changes of a line that come together are read once; a desk or a visit is read at once, and what changes meanwhile after that.
    picture_gap_s: float = 0.02
    # Everybody's picture of a line is compared with the database once in this time, should a bell have been lost.
    sweep_s: float = 15.0
    # Seen marks are stored in batches (weather until then).
    marks_s: float = 1.0
    # Longest wait of a long poll; proxies cut what is quiet for longer than 30 seconds.
    poll_s: float = 25.0
    # Presence: desks are renewed every third of their lease, places of people who wait less often.
    desks_s: float = 5.0
    places_s: float = 10.0

    # Deadlines: one frame on its way out, the sign-in of a new connection, the farewell of an old one, everything at the end (R19).
    send_s: float = 20.0
    sign_in_s: float = 10.0
    farewell_s: float = 2.0
    drain_s: float = 10.0
    # The hint after a restart lies between 0 and this, so that nobody comes back in lock-step.
    spread_s: float = 5.0
    # The hint when the store or the hub cannot take it now.
    retry_s: float = 2.0

    @classmethod
    def of(cls, settings: Settings) -> "Rules":
        """Return the rules as the settings of this installation have them."""
        return cls(
            beat_s=settings.heartbeat_seconds,
            max_frame_bytes=settings.max_frame_bytes,
            entries_per_s=settings.entries_per_second,
            entries_burst=6 * settings.entries_per_second,
            frames_per_s=6 * settings.entries_per_second,
            frames_burst=24 * settings.entries_per_second,
            most_connections=settings.most_connections,
            desks_s=settings.presence_lease_seconds / 3,
            places_s=min(10.0, settings.customer_grace_seconds / 6),
        )
