"""What belongs to a form before and after it is sent. Values, and the key that binds a form to its person; no storage."""

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import msgspec

from chatsvc.kernel.ids import FileId, PersonId, new_id

# What somebody has typed altogether may be this long; the longest form is half of it.
LONGEST_DRAFT: Final = 40_000
# Fields that a draft may have; the form has fewer.
MOST_DRAFT_FIELDS: Final = 60
# Where a draft names its files.
FILES: Final = "kept"
# Where a draft names whom to keep in copy.
COPIES: Final = "copy"
# Where a draft names the files that came with it and could not be received.
MISSED: Final = "missed"


class Draft(msgspec.Struct, frozen=True):
    """What somebody has typed and not sent."""

    # The form's key: sent with it, the ticket is made once.
    key: str
    # Field -> text; ``kept``: the ids of files that were received with an earlier try, with a space between them; ``copy``: in the same way those
    # of colleagues; ``missed``: names of files, one a line.
    texts: dict[str, str]
    updated_at: datetime

    @property
    def files(self) -> tuple[FileId, ...]:
        """Files that were received with an earlier try; they may be gone since."""
        return tuple(FileId(file) for file in self.texts.get(FILES, "").split())

    @property
    def copies(self) -> tuple[PersonId, ...]:
        """Whom to keep in copy; they may be no colleagues any more."""
        return tuple(PersonId(person) for person in self.texts.get(COPIES, "").split())

    @property
    def missed(self) -> tuple[str, ...]:
        """The names of files that came when nobody was signed in: they are to be chosen again."""
        return tuple(self.texts.get(MISSED, "").splitlines())


class Details(msgspec.Struct, frozen=True):
    """What the form says beyond what every ticket has."""

    # A code of ``kernel.languages``: the one in which the customer writes (V5).
    language: str
    # Field of the catalogue -> key or text, in the form's order.
    answers: dict[str, str]


class RequestRules(NamedTuple):
    """Numbers that an operator may change."""

    # What nobody sent for so long is removed.
    drafts_kept_for: timedelta = timedelta(days=30)
    # A draft that is younger is offered when the form is opened anew.
    drafts_offered_for: timedelta = timedelta(days=7)
    # Drafts of one person; the oldest gives way.
    most_drafts: int = 10


def new_key(secret: str, person: PersonId) -> str:
    """Return a key for a form: random, and bound to its person, so that what is typed can be kept also when their session has run out."""
    nonce = new_id("fm")
    return f"{nonce}-{_seal(secret, person, nonce)}"


def is_key_of(secret: str, person: PersonId, key: str) -> bool:
    """Whether a key was made here for this person."""
    nonce, _, seal = key.partition("-")
    return hmac.compare_digest(seal.encode(), _seal(secret, person, nonce).encode())


def _seal(secret: str, person: PersonId, nonce: str) -> str:
    return hmac.new(secret.encode(), f"form\0{person}\0{nonce}".encode(), hashlib.sha256).hexdigest()[:32]
