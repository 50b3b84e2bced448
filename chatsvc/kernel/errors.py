"""What can be refused, and how it is said.

An error carries a key (``ticket.reopen_window_over``), never a sentence: the door that shows it has the sentence in the reader's language.
Facts are for the log and for filling that sentence; they are never shown unasked.
"""


class Refused(Exception):
    """Something was asked that will not be done. ``key`` says why, in a form that can be translated and documented."""

    # The HTTP status that a door answers with.
    status = 400

    def __init__(self, key: str, **facts: object) -> None:
        self.key = key
        self.facts = facts
        super().__init__(key if not facts else f"{key} {facts}")


class Invalid(Refused):
    """What was sent cannot be accepted as it is. ``field`` names the part, None when it is the whole."""

    status = 422

    def __init__(self, key: str, *, field: str | None = None, **facts: object) -> None:
        self.field = field
        super().__init__(key, **facts)


class NotSignedIn(Refused):
    """Nobody is signed in, or no longer."""

    status = 401


class NotAllowed(Refused):
    """The person is known, the thing exists, and still the answer is no."""

    status = 403


class NotFound(Refused):
    """There is no such thing, or this person may not know that there is."""

    status = 404


class Conflict(Refused):
    """Somebody else was quicker, or the thing has changed since it was read."""

    status = 409


class TooMany(Refused):
    """Asked too often. ``retry_after`` is in seconds."""

    status = 429

    def __init__(self, key: str, *, retry_after: float, **facts: object) -> None:
        self.retry_after = retry_after
        super().__init__(key, **facts)


class Unavailable(Refused):
    """The store cannot take it now; nothing was stored, and trying again later is right (R17)."""

    status = 503
