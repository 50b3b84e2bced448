"""The numbers and names that the SIP adapter goes by; values only, checked where they are made."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

import phonenumbers
from phonenumbers import PhoneNumberFormat

from callback.telephony.sip.digest import Login
from callback.telephony.sip.endpoint import Timers
from callback.telephony.sip.message import Uri
from callback.telephony.sip.transport import Bind


class NumberFormat(StrEnum):
    """How the trunk wants numbers written."""

    # +4930123456
    E164 = "e164"
    # 4930123456
    DIGITS = "digits"
    # 004930123456
    ZEROES = "zeroes"
    # 030123456 in the country of the trunk, 0033123456789 elsewhere.
    NATIONAL = "national"


@dataclass(frozen=True, slots=True, kw_only=True)
class SIPRules:
    """One trunk and this process's end of it."""

    # Where customers are called: ``sip:trunk.example.com:5060``. Its user part is not used.
    trunk: Uri
    # The user part of From: a number of ours that the trunk lets us show.
    caller_id: str
    # None where the trunk knows us by our address.
    login: Login | None = None
    number_format: NumberFormat = NumberFormat.E164
    # Country of the trunk, for ``national``; ISO 3166.
    home_region: str = "US"
    bind: Bind = field(default_factory=Bind)
    # Port of the UDP socket that the representative's audio goes to until the customer is there, and is thrown away; 0: any.
    sink_port: int = 0
    # Networks whose requests outside a call are answered at all.
    allowed: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    # Calls that this process holds at a time (callback.md 8.2: limit concurrency).
    most_calls: int = 100
    # A telephone on the local network that gives no sign of life for so long is not there (callback.md 8.2).
    representative_sign: timedelta = timedelta(seconds=4)
    # The same for the trunk, which may be far away.
    trunk_sign: timedelta = timedelta(seconds=10)
    # How often both telephones are asked whether they are still there; a lost one ends the call.
    liveness: timedelta = timedelta(seconds=60)
    # How long the end of a call may wait for the telephones to agree before it is told; they are tried further.
    farewell: timedelta = timedelta(seconds=2)
    # Longest that ``recover`` takes.
    recovery: timedelta = timedelta(seconds=10)
    timers: Timers = field(default_factory=Timers)

    def is_trunk(self, uri: Uri) -> bool:
        """Whether an address lies behind the trunk, which alone gets our login."""
        return (uri.host.lower(), uri.port or 5060) == (self.trunk.host.lower(), self.trunk.port or 5060)

    def address_of(self, e164: str) -> Uri:
        """Return where the trunk is asked to ring this number."""
        return Uri(self.trunk.host, self._written(e164), self.trunk.port, self.trunk.params)

    def _written(self, e164: str) -> str:
        digits = e164.removeprefix("+")
        if self.number_format is NumberFormat.E164:
            return e164
        if self.number_format is NumberFormat.DIGITS:
            return digits
        if self.number_format is NumberFormat.NATIONAL:
            number = phonenumbers.parse(e164)
            if number.country_code == phonenumbers.country_code_for_region(self.home_region):
                national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
                return "".join(each for each in national if each.isdecimal())
        return f"00{digits}"
