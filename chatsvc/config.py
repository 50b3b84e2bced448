"""Every setting of Holdline: read once from the environment, checked, and frozen.

A setting is one field of ``Settings``; its variable is the field's name in capitals behind ``HOLDLINE_``.
``docs/reference/settings.md`` is drawn from the same fields, and a test insists that both are equal.

What this module does not do: it opens no connection, and it knows no business rule. The numbers here are those that
the person who runs Holdline may change; what a product, a team or a calendar is stands in the catalogue.
"""

import difflib
import hashlib
import ipaddress
import math
import os
import re
import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from email.utils import parseaddr
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

PREFIX: Final = "HOLDLINE_"

# Variables of bootstrap.py, of the tests and of the measurements share the prefix but are not settings of the service.
FOREIGN: Final = ("HOLDLINE_VENV", "HOLDLINE_TEST_", "HOLDLINE_BENCH_")

# A Unix socket's path must fit into 108 bytes on Linux and 104 on macOS, the closing NUL included.
_LONGEST_SOCKET_PATH: Final = 103

_SECRET_CHARACTERS: Final = 32
_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")


class SettingsError(ValueError):
    """One or more settings are wrong; the text has one line for each, with name, value and what is accepted.

    Attributes:
        problems: the lines, in the order of the fields; never empty.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("The settings are not usable:\n" + "\n".join(f"  {problem}" for problem in problems))
        self.problems = problems


def setting(
    parse: Callable[[str], object],
    *,
    accepts: str,
    about: str,
    default: Any = MISSING,
    derived: str = "",
    confidential: bool = False,
) -> Any:
    """Declare one setting.

    Args:
        parse: turns the variable's text into the value; raises ValueError when it cannot.
        accepts: what is accepted, as the end of the sentence "accepted is ...".
        about: what the setting does, with its unit.
        default: the value when the variable is absent; left out when it is computed from other settings.
        derived: how the default reads in the documentation when it is computed.
        confidential: whether the value is or may hold a password, so that it stays out of the object's ``repr``.
    """
    notes = {"parse": parse, "accepts": accepts, "about": about, "derived": derived, "confidential": confidential}
    return field(default=default, repr=not confidential, metadata=notes)


def _whole(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not lowest <= int(text) <= highest:
            raise ValueError
        return int(text)

    return parse


def _number(lowest: float, highest: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        if not lowest <= float(text) <= highest:  # "nan" fails here too
            raise ValueError
        return float(text)

    return parse


def _seconds(default: float, about: str, *, lowest: float = 0.1, highest: float = 86_400) -> Any:
    accepts = f"a number of seconds from {lowest:g} to {highest:g}"
    return setting(_number(lowest, highest), accepts=accepts, about=about, default=default)


def _hours(default: float, about: str) -> Any:
    return setting(_number(0.01, 8_760), accepts="a number of hours from 0.01 to 8760", about=about, default=default)


def _flag(text: str) -> bool:
    return {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}[
        text.lower()
    ]


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _folder(text: str) -> Path:
    path = Path(text).expanduser().absolute()
    if path.exists() and not path.is_dir():
        raise ValueError
    return path


def _readable_file(text: str) -> Path:
    path = Path(text).expanduser().absolute()
    if not (path.is_file() and os.access(path, os.R_OK)):
        raise ValueError
    return path


def _database_url(text: str) -> str:
    """The URL with the driver that Holdline uses, whichever of the usual spellings was given."""
    scheme, separator, rest = text.partition("://")
    drivers = {"sqlite": "sqlite+aiosqlite", "postgres": "postgresql+asyncpg", "postgresql": "postgresql+asyncpg"}
    driver = drivers.get(scheme, scheme)
    if not separator or driver not in drivers.values() or rest.strip("/") in ("", ":memory:"):
        raise ValueError
    return f"{driver}://{rest}"


def _redis_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("redis", "rediss", "unix") or not (
        parts.path if parts.scheme == "unix" else parts.hostname
    ):
        raise ValueError
    return text


def _base_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError
    _ = parts.port  # raises ValueError when the port is no number of a port
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _smtp_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ValueError
    _ = parts.port
    return text


def _mail_address(text: str) -> str:
    if "@" not in parseaddr(text)[1] or "\n" in text or "\r" in text:
        raise ValueError
    return text


def _networks(text: str) -> tuple[str, ...]:
    return tuple(str(ipaddress.ip_network(word)) for word in _words(text))


def _secret(text: str) -> str:
    if len(text) < _SECRET_CHARACTERS:
        raise ValueError
    return text


def _log_level(text: str) -> str:
    return {"debug": "DEBUG", "info": "INFO", "warning": "WARNING", "error": "ERROR"}[text.lower()]


def _offset(text: str) -> float:
    offset = float(text)
    if not math.isfinite(offset):
        raise ValueError
    return offset


def _fail_points(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9_.-]+(=\d+)?(,[a-z0-9_.-]+(=\d+)?)*", text):
        raise ValueError
    return text


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings; made by ``Settings.from_environment``, passed on by hand, never looked up a second time."""

    # Where things are.
    data_dir: Path = setting(  # noqa: RUF009 - it makes a field, not a value
        _folder,
        accepts="a folder, which is made when it is missing",
        about="Folder of everything that Holdline itself keeps on disk: the embedded database, uploads, the secret.",
        default=Path("var"),
    )
    database_url: str = setting(
        _database_url,
        accepts="sqlite:///path or postgresql://user:password@host/name",
        about="The database, the only truth.",
        derived="SQLite in `data_dir`",
        confidential=True,
    )
    redis_url: str = setting(
        _redis_url,
        accepts="redis://host:port/number, rediss://… or unix:///path",
        about="Redis, for news between processes; losing it loses no fact.",
        derived="the private server that `holdline up` starts",
        confidential=True,
    )
    base_url: str = setting(
        _base_url,
        accepts="http://host:port or https://host, without a path",
        about="Address under which people reach the pages: links in mails, the allowed Origin, and with https secure "
        "cookies.",
        default="http://127.0.0.1:8000",
    )
    host: str = setting(
        lambda text: str(ipaddress.ip_address(text)),
        accepts="an IP address of this machine, 0.0.0.0 for all",
        about="Address on which `web` listens.",
        default="127.0.0.1",
    )
    port: int = setting(
        _whole(0, 65_535),
        accepts="a whole number from 0 to 65535, 0 for any free one",
        about="Port on which `holdline up` starts `web`; when it is taken, the next free one.",
        default=8000,
    )
    allowed_hosts: tuple[str, ...] = setting(
        _words,
        accepts="names separated by commas",
        about="Further names that a request's Host may carry; that of `base_url` is always among them.",
        derived="the host of `base_url`",
    )
    trusted_proxies: tuple[str, ...] = setting(
        _networks,
        accepts="IP addresses or networks separated by commas",
        about="Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.",
        default=(),
    )
    secret_key: str = setting(
        _secret,
        accepts=f"at least {_SECRET_CHARACTERS} characters",
        about="Key of the signed links in mails; all machines of one desk need the same.",
        derived="made once, kept in the file `secret` of `data_dir`",
        confidential=True,
    )
    catalog_path: Path | None = setting(  # noqa: RUF009 - it makes a field, not a value
        _readable_file,
        accepts="a readable TOML file",
        about="Products, teams and reasons of this desk, laid over the shipped ones.",
        default=None,
    )
    telephony_path: Path | None = setting(  # noqa: RUF009 - it makes a field, not a value
        _readable_file,
        accepts="a readable TOML file",
        about="Which telephone system calls go through; without it representatives dial by hand.",
        default=None,
    )
    numbers_path: Path | None = setting(  # noqa: RUF009 - it makes a field, not a value
        _readable_file,
        accepts="a readable TOML file",
        about="The numbers under which people reach Support, by country, instead of the shipped examples.",
        default=None,
    )

    # Mail.
    smtp_url: str | None = setting(
        _smtp_url,
        accepts="smtp://user:password@host:port (STARTTLS when offered) or smtps://…",
        about="Mail server. Without one, mails are kept and shown on the trial's mailbox page.",
        default=None,
        confidential=True,
    )
    mail_from: str = setting(
        _mail_address,
        accepts="a mail address, with or without a name",
        about="Sender of every mail.",
        default="Holdline <support@holdline.example>",
    )

    # The line and the conversation.
    offer_seconds: float = _seconds(20, "How long an offered place waits for the representative's answer.")
    presence_lease_seconds: float = _seconds(15, "How long a representative counts as present without a renewal.")
    representative_grace_seconds: float = _seconds(
        15, "Time for a vanished representative to come back before the conversations return to the line."
    )
    customer_grace_seconds: float = _seconds(
        120, "Time for a customer without a connection to come back to the same place."
    )
    undo_seconds: float = _seconds(10, "How long the end of a conversation can be taken back.", lowest=0)
    wrap_up_seconds: float = _seconds(180, "Time for the wrap-up before the ticket is completed without it.")

    # Sockets and uploads.
    heartbeat_seconds: float = _seconds(25, "Rhythm of heartbeats, which also heal lost news.")
    max_frame_bytes: int = setting(
        _whole(1_024, 1_048_576),
        accepts="a whole number of bytes from 1024 to 1048576",
        about="Largest frame that the hub accepts.",
        default=65_536,
    )
    entries_per_second: float = setting(
        _number(0.1, 100_000),
        accepts="a number from 0.1 to 100000",
        about="Messages that one connection may send per second in the long run; six times as many at once, and six times "
        "as many frames of any kind.",
        default=5.0,
    )
    most_connections: int = setting(
        _whole(1, 1_000_000),
        accepts="a whole number from 1 to 1000000",
        about="Sockets that one web process holds; further ones are asked to come back later. The limit of open files must "
        "allow it.",
        default=9_000,
    )
    max_file_bytes: int = setting(
        _whole(1_024, 1_073_741_824),
        accepts="a whole number of bytes from 1024 to 1073741824",
        about="Largest single upload.",
        default=20_000_000,
    )
    max_files_per_post: int = setting(
        _whole(1, 100),
        accepts="a whole number from 1 to 100",
        about="Files that one form or one message may carry.",
        default=10,
    )

    # Sessions.
    contact_idle_hours: float = _hours(12, "A contact's session ends after so many hours without use.")
    contact_session_hours: float = _hours(30 * 24, "A contact's session ends after so many hours in any case.")
    staff_idle_hours: float = _hours(10, "A staff member's session ends after so many hours without use.")
    staff_session_hours: float = _hours(16, "A staff member's session ends after so many hours in any case.")

    # Running.
    worker_niceness: int = setting(
        _whole(0, 19),
        accepts="a whole number from 0 to 19",
        about="How far the worker stands back for web processes on the same machine, on Linux; 0 where it has one of its own.",
        default=10,
    )
    demo: bool = setting(
        _flag,
        accepts="yes or no",
        about="Whether `holdline up` fills a new database with a demonstration shift.",
        derived="yes on the embedded database, else no",
    )
    log_level: str = setting(
        _log_level,
        accepts="debug, info, warning or error",
        about="Least important kind of log line that is written.",
        default="INFO",
    )
    clock_offset: float | None = setting(
        _offset,
        accepts="a number of seconds",
        about="What is added to the machine's monotonic clock to have the time; given by `holdline up` to all its processes.",
        default=None,
        derived="the machine's time when the process starts",
    )
    fail_points: str = setting(
        _fail_points,
        accepts="name=count, several separated by commas",
        about="For tests only: points at whose count-th passing the process kills itself.",
        default="",
    )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """Read all settings; makes the secret's file in ``data_dir`` when no secret was given and none exists.

        An empty variable counts as absent.

        Raises:
            SettingsError: values that are not accepted and unknown variables, all of them at once.
        """
        given, problems = _parse(cls, environ)
        problems += _unknown(cls, environ)
        if problems:
            raise SettingsError(problems)
        data_dir = Path(given.setdefault("data_dir", cls.data_dir.absolute()))
        base_url = str(given.get("base_url", cls.base_url))
        given.setdefault("demo", "database_url" not in given)
        given.setdefault("database_url", f"sqlite+aiosqlite:///{data_dir / 'holdline.db'}")
        given.setdefault("redis_url", f"unix://{embedded_socket(data_dir)}")
        given["allowed_hosts"] = _hosts(base_url, given.get("allowed_hosts", ()))
        if "secret_key" not in given:
            given["secret_key"] = _kept_secret(data_dir)
        return cls(**given)

    @property
    def is_https(self) -> bool:
        """Whether people reach the pages by https, so that cookies are Secure and carry the ``__Host-`` prefix."""
        return self.base_url.startswith("https://")

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """Origins whose unsafe requests and sockets are accepted, compared whole.

        That of ``base_url`` alone, except on the loopback, where its other names mean the same machine.
        """
        scheme, _, netloc = self.base_url.partition("://")
        host = _host_of(netloc)
        if host not in _LOOPBACK:
            return (self.base_url,)
        return tuple(f"{scheme}://{twin}{netloc.removeprefix(host)}" for twin in _LOOPBACK)

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is a SQLite file, which only one machine can use."""
        return self.database_url.startswith("sqlite")


def variable(name: str) -> str:
    """The environment variable of the setting of that name."""
    return PREFIX + name.upper()


def embedded_socket(data_dir: Path) -> Path:
    """Path of the private Redis server's socket; the same for the same folder, so that every process finds it.

    It lies in the data folder, or, when that path is too long for a socket, in a folder of its own for temporary files.
    """
    inside = data_dir / "redis" / "redis.sock"
    if len(os.fsencode(inside)) <= _LONGEST_SOCKET_PATH:
        return inside
    name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"holdline-{os.getuid()}-{name}" / "redis.sock"


def reference() -> str:
    """The table of ``docs/reference/settings.md``, in Markdown."""
    rows = ["| Variable | Default | Accepted | What it does |", "|---|---|---|---|"]
    for each in fields(Settings):
        notes = each.metadata
        rows.append(f"| `{variable(each.name)}` | {_default(each)} | {notes['accepts']} | {notes['about']} |")
    return "\n".join(rows) + "\n"


def _default(each: "Field[Any]") -> str:
    if each.metadata["derived"]:
        return str(each.metadata["derived"])
    if each.default in (None, (), ""):
        return "none"
    value = f"{each.default:g}" if isinstance(each.default, float) else str(each.default)
    return f"`{value}`"


def _parse(cls: type[Settings], environ: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """The accepted values by field name, and a sentence for each that is not."""
    given: dict[str, Any] = {}
    problems: list[str] = []
    for each in fields(cls):
        text = environ.get(variable(each.name), "").strip()
        if not text:
            continue
        try:
            given[each.name] = each.metadata["parse"](text)
        except (ValueError, KeyError):
            shown = f"{len(text)} characters" if each.name == "secret_key" else repr(without_password(text))
            problems.append(f"{variable(each.name)} is {shown}; accepted is {each.metadata['accepts']}.")
    return given, problems


def without_password(text: str) -> str:
    """The text, with the password of an address in it hidden: error texts end in logs."""
    front, at, back = text.rpartition("@")
    scheme, separator, user = front.partition("://")
    if not (at and separator and ":" in user):
        return text
    return f"{scheme}://{user.partition(':')[0]}:***@{back}"


def _unknown(cls: type[Settings], environ: Mapping[str, str]) -> list[str]:
    known = [variable(each.name) for each in fields(cls)]
    problems = []
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name.startswith(FOREIGN) or name in known:
            continue
        close = difflib.get_close_matches(name, known, n=1)
        problems.append(f"{name} is not a setting" + (f"; did you mean {close[0]}?" if close else "."))
    return problems


def _host_of(netloc: str) -> str:
    """The host of "host:port" or "[address]:port", with its brackets."""
    return netloc[: netloc.index("]") + 1] if netloc.startswith("[") else netloc.partition(":")[0]


def _hosts(base_url: str, further: tuple[str, ...]) -> tuple[str, ...]:
    host = _host_of(base_url.partition("://")[2])
    names = (_LOOPBACK if host in _LOOPBACK else (host,)) + tuple(name.lower() for name in further)
    return tuple(dict.fromkeys(names))


def _kept_secret(data_dir: Path) -> str:
    """The secret of the data folder, made on the first call; processes that race for it get the same one."""
    path = data_dir / "secret"
    if not path.exists():
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = data_dir / f"secret.{secrets.token_hex(8)}"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)  # unlike a rename, this never replaces the secret that another process has just made
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    secret = path.read_text(encoding="ascii").strip()
    if len(secret) < _SECRET_CHARACTERS:
        raise SettingsError(
            [f"{path} holds {len(secret)} characters; accepted is at least {_SECRET_CHARACTERS} characters."]
        )
    return secret
