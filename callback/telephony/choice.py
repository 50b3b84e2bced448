"""Which telephone system this desk has, read from a TOML file of its own.

A file and not variables, because a trunk has a dozen facts that belong together, and because its password stands in yet another file that
only the process of calls can read. Without a file calls are made by hand.
"""

import tomllib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from callback.telephony.port import Ledger, Telephony
from callback.telephony.signing import Secret
from callback.telephony.sip.adapter import SIPTelephony
from callback.telephony.sip.digest import Login
from callback.telephony.sip.message import Malformed, uri_of
from callback.telephony.sip.rules import NumberFormat, SIPRules
from callback.telephony.sip.transport import Bind
from callback.telephony.webhook import Webhook, WebhookRules
from chatsvc.kernel.clock import Clock

# Makes the telephone system of a process, once its ledger is there.
Maker = Callable[[Ledger], Telephony]

_Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
_SHIPPED: Final = SIPRules(trunk=uri_of("sip:trunk.invalid"), caller_id="0")


class TelephonyError(ValueError):
    """The file cannot be used; the text says which file and what is wrong with it, and holds no secret."""


class _SIP(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    # The field's meaning stands at its twin in ``SIPRules``.
    trunk: str
    caller_id: Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9+_.-]{1,64}\Z")]
    user: str | None = None
    password_file: str | None = None
    number_format: NumberFormat = NumberFormat.E164
    home_region: Annotated[str, msgspec.Meta(pattern=r"\A[A-Z]{2}\Z")] = "US"
    transport: Literal["udp", "tcp"] = "udp"
    host: str = "127.0.0.1"
    port: _Port = 5060
    advertised: str | None = None
    sink_port: _Port = 0
    allowed: tuple[str, ...] = _SHIPPED.allowed
    most_calls: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = _SHIPPED.most_calls
    representative_sign_s: Annotated[float, msgspec.Meta(ge=0.5, le=32)] = _SHIPPED.representative_sign.total_seconds()
    trunk_sign_s: Annotated[float, msgspec.Meta(ge=0.5, le=32)] = _SHIPPED.trunk_sign.total_seconds()
    liveness_s: Annotated[float, msgspec.Meta(ge=10, le=3_600)] = _SHIPPED.liveness.total_seconds()


class _Webhook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: str
    # Files with one ``whsec_…`` each; in the second one per line, the newest first.
    secret_file: str
    incoming_file: str


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    adapter: Literal["manual", "sip", "webhook"]
    sip: _SIP | None = None
    webhook: _Webhook | None = None


def maker_from(path: Path | None, *, clock: Clock) -> Maker | None:
    """Return what makes the telephone system that the file names; None: calls are made by hand.

    Args:
        path: the TOML file; None: there is none.
        clock: the moment of events.

    Raises:
        TelephonyError: the file, or a file that it names, cannot be used.
    """
    if path is None:
        return None
    try:
        file = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File)
        return _maker(file, path.parent, clock)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise TelephonyError(f"{path}: {error}") from error


def incoming_from(path: Path | None) -> tuple[Secret, ...]:
    """Return the secrets that are believed in posts of the telephone system, the newest first; none: the desk's system posts nothing.

    The other secrets are left alone, so that a process which only takes posts need not be able to read them.

    Raises:
        TelephonyError: as of ``maker_from``.
    """
    if path is None:
        return ()
    try:
        file = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File)
        if file.adapter != "webhook" or file.webhook is None:
            return ()
        return tuple(Secret.parse(word) for word in _words_in(path.parent / file.webhook.incoming_file))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise TelephonyError(f"{path}: {error}") from error


def _maker(file: _File, folder: Path, clock: Clock) -> Maker | None:
    if file.adapter == "sip":
        rules = _sip_rules(file.sip, folder)
        return lambda ledger: SIPTelephony(rules, ledger=ledger, clock=clock)
    if file.adapter == "webhook":
        webhook = _webhook_rules(file.webhook, folder)
        return lambda ledger: Webhook(webhook, ledger=ledger, clock=clock)
    return None


def _sip_rules(given: _SIP | None, folder: Path) -> SIPRules:
    if given is None:
        raise ValueError("the table [sip] is missing")
    if (given.user is None) != (given.password_file is None):
        raise ValueError("user and password_file belong together")
    try:
        trunk = uri_of(given.trunk)
    except Malformed:
        raise ValueError("trunk is not an address such as sip:trunk.example.com:5060") from None
    login = None
    if given.user is not None and given.password_file is not None:
        login = Login(given.user, _words_in(folder / given.password_file)[0])
    return SIPRules(
        trunk=trunk,
        caller_id=given.caller_id,
        login=login,
        number_format=given.number_format,
        home_region=given.home_region,
        bind=Bind(given.transport, given.host, given.port, given.advertised),
        sink_port=given.sink_port,
        allowed=given.allowed,
        most_calls=given.most_calls,
        representative_sign=timedelta(seconds=given.representative_sign_s),
        trunk_sign=timedelta(seconds=given.trunk_sign_s),
        liveness=timedelta(seconds=given.liveness_s),
    )


def _webhook_rules(given: _Webhook | None, folder: Path) -> WebhookRules:
    if given is None:
        raise ValueError("the table [webhook] is missing")
    return WebhookRules(url=given.url, secret=Secret.parse(_words_in(folder / given.secret_file)[0]))


def _words_in(path: Path) -> list[str]:
    """The lines of a file of secrets, empty ones left out; at least one."""
    words = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if not words:
        raise ValueError(f"{path.name} is empty")
    return words
