"""Telephone numbers: what somebody typed, as one number of one region, and why a number is not rung.

A number's kind is not enough to tell what it costs: satellite networks come as valid mobiles, and dear islands hide behind +1
(callback.md 8.5). So a number is rung only when its *region* is on the company's list, and everything without a region is refused
outright. No list of fraudulent ranges is complete; caps and a person who presses the button stand behind this module.

What it does not do: it asks no network whether the number exists, and it knows no company: the regions are an argument.
"""

import hashlib
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType, shortnumberinfo

from chatsvc.kernel.errors import Invalid

# Countries that have telephone numbers, ISO 3166.
REGIONS: Final = frozenset(phonenumbers.SUPPORTED_REGIONS)

# What a person may type; letters are refused, for "1-800-FLOWERS" is a puzzle and ";ext=" a trap.
_TYPED: Final = re.compile(r"\+?[0-9 ()./-]+")
_LONGEST_TYPED: Final = 40
# Everything that belongs to no region: satellites (870, 881), international networks (878, 882, 883, 888), shared cost and
# premium world-wide (808, 979), reserved. 880 is Bangladesh and 886 is Taiwan, so "88x" cannot be said shorter.
_SATELLITE: Final = re.compile(r"\+(87|88[123])")
_WORLDWIDE: Final = re.compile(r"\+(800|808|888|979|99[1-9])")
# Numbers of businesses whose tariff is not that of a fixed line, though phonenumbers gives them the same kind: Germany 018, Japan 0570,
# Portugal 707 and 708.
_SURCHARGED: Final = re.compile(r"\+(4918|81570|35170[78])")
# The region that phonenumbers gives to country codes which belong to no country.
_NOWHERE: Final = "001"


class Refusal(StrEnum):
    """Why a number is not taken; the message key is ``number.`` and this."""

    # Cannot be read as one number.
    NOT_A_NUMBER = "not_a_number"
    # National form, and nobody said which country.
    COUNTRY_MISSING = "country_missing"
    COUNTRY_UNKNOWN = "country_unknown"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    # Well formed, but no such number is given out in its country.
    NOT_IN_USE = "not_in_use"
    EMERGENCY = "emergency"
    SHORT = "short"
    PREMIUM = "premium"
    SHARED_COST = "shared_cost"
    PAGER = "pager"
    VOICEMAIL = "voicemail"
    # Personal numbers follow their owner anywhere, at the caller's cost (United Kingdom 070).
    PERSONAL = "personal"
    SATELLITE = "satellite"
    # Numbers of no country: +800, +808, +888, +979.
    WORLDWIDE = "worldwide"
    # Real, and not in a region that the company may be called in.
    REGION = "region"

    @property
    def key(self) -> str:
        """The key under which doors have the sentence, ``number.premium``."""
        return f"number.{self.value}"


class Kind(StrEnum):
    """What sort of number it is."""

    FIXED = "fixed"
    MOBILE = "mobile"
    # North America gives both out of the same ranges.
    FIXED_OR_MOBILE = "fixed_or_mobile"
    TOLL_FREE = "toll_free"
    VOIP = "voip"
    PREMIUM = "premium"
    SHARED_COST = "shared_cost"
    # One number of a business with many places (Switzerland 058, United Kingdom 03): charged like a fixed line.
    UAN = "uan"
    PAGER = "pager"
    VOICEMAIL = "voicemail"
    PERSONAL = "personal"
    UNKNOWN = "unknown"


_KINDS: Final = {
    PhoneNumberType.FIXED_LINE: Kind.FIXED,
    PhoneNumberType.MOBILE: Kind.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: Kind.FIXED_OR_MOBILE,
    PhoneNumberType.TOLL_FREE: Kind.TOLL_FREE,
    PhoneNumberType.VOIP: Kind.VOIP,
    PhoneNumberType.PREMIUM_RATE: Kind.PREMIUM,
    PhoneNumberType.SHARED_COST: Kind.SHARED_COST,
    PhoneNumberType.UAN: Kind.UAN,
    PhoneNumberType.PAGER: Kind.PAGER,
    PhoneNumberType.VOICEMAIL: Kind.VOICEMAIL,
    PhoneNumberType.PERSONAL_NUMBER: Kind.PERSONAL,
}
_REFUSED_KINDS: Final = {
    Kind.PREMIUM: Refusal.PREMIUM,
    Kind.SHARED_COST: Refusal.SHARED_COST,
    Kind.PAGER: Refusal.PAGER,
    Kind.VOICEMAIL: Refusal.VOICEMAIL,
    Kind.PERSONAL: Refusal.PERSONAL,
    # Valid, and nobody can say what it is: nobody can say what it costs either.
    Kind.UNKNOWN: Refusal.NOT_IN_USE,
}
_PARSE_ERRORS: Final = {
    NumberParseException.INVALID_COUNTRY_CODE: Refusal.COUNTRY_UNKNOWN,
    NumberParseException.NOT_A_NUMBER: Refusal.NOT_A_NUMBER,
    NumberParseException.TOO_SHORT_AFTER_IDD: Refusal.TOO_SHORT,
    NumberParseException.TOO_SHORT_NSN: Refusal.TOO_SHORT,
    NumberParseException.TOO_LONG: Refusal.TOO_LONG,
}


@dataclass(frozen=True, slots=True)
class Number:
    """One telephone number that exists in a country's plan; not yet one that may be rung."""

    # ``+4930123456``; kept out of ``repr`` so that it does not slip into a log.
    e164: str = field(repr=False)
    # ISO 3166 code of the number's own region, ``JM`` for +1 876; not the country that shares its code.
    region: str
    kind: Kind
    # As people of its region write it, ``030 123456``: what is read back to the customer.
    national: str = field(repr=False)
    # With the country code, ``+49 30 123456``: what a representative sees.
    international: str = field(repr=False)

    @property
    def masked(self) -> str:
        """The country code and the last two digits, ``+49 … 56``: for lists and logs."""
        return masked(self.e164)

    @property
    def link(self) -> str:
        """The address that a page's link dials, ``tel:+4930123456`` (RFC 3966)."""
        return f"tel:{self.e164}"


def read(text: str, *, region: str | None = None) -> Number:
    """Return the number that somebody typed or that is stored.

    Args:
        text: in any of the usual spellings, with ``+`` or ``00``, or in national form. Wide, Arabic and other decimal digits are
            read as digits, characters without a shape are dropped, letters and extensions are refused.
        region: ISO 3166 code of the country that the form named; None: only international form can be read.

    Raises:
        Invalid: field ``number``, key ``number.<refusal>``.
    """
    typed = _plain(text)
    if region is not None:
        region = region.upper()
        if region not in phonenumbers.SUPPORTED_REGIONS:
            raise _refused(Refusal.COUNTRY_UNKNOWN)
        _refuse_short(typed, region)
    try:
        parsed = phonenumbers.parse(typed, region)
    except NumberParseException as error:
        raise _refused(_reason(error, typed, region)) from None
    return _number(parsed)


def refusal_of(number: Number, regions: Collection[str]) -> Refusal | None:
    """Return why the number may not be rung for a company that may be called in these regions (ISO 3166 codes); None: it may.

    Asked when it is booked and again when it is dialled (callback.md, invariant 23).
    """
    return _REFUSED_KINDS.get(number.kind) or (None if number.region in regions else Refusal.REGION)


def admit(text: str, *, regions: Collection[str], region: str | None = None) -> Number:
    """Return the number if it can be read and may be rung; arguments as of ``read`` and ``refusal_of``.

    Raises:
        Invalid: field ``number``, key ``number.<refusal>``.
    """
    number = read(text, region=region)
    refusal = refusal_of(number, regions)
    if refusal is not None:
        raise _refused(refusal, region=number.region)
    return number


def reference(e164: str) -> str:
    """Return a name for a stored number that does not show it, for the forms of lists in which it stands masked."""
    return hashlib.sha256(e164.encode()).hexdigest()[:24]


def masked(e164: str) -> str:
    """Return a stored number with nothing left but its country code and last two digits, ``+49 … 56``."""
    try:
        code = f"+{phonenumbers.parse(e164).country_code} "
    except NumberParseException:
        code = ""
    return f"{code}… {e164[-2:]}"


def _plain(text: str) -> str:
    """The typed text in ASCII digits and separators.

    Normalised before it is checked, not after: an invisible character is how such checks are walked around (T18).
    """
    shaped = "".join(each for each in unicodedata.normalize("NFKC", text) if unicodedata.category(each) != "Cf")
    digits = "".join(str(unicodedata.decimal(each)) if each.isdecimal() else each for each in shaped)
    spaced = re.sub(r"[\u2010-\u2015\u2212]", "-", re.sub(r"[^\S\r\n]", " ", digits)).strip(" ")
    if len(spaced) > _LONGEST_TYPED:
        raise _refused(Refusal.TOO_LONG)
    if not _TYPED.fullmatch(spaced) or not any(each.isdigit() for each in spaced):
        raise _refused(Refusal.NOT_A_NUMBER)
    return spaced


def _refuse_short(typed: str, region: str) -> None:
    """Refuse what a telephone of that region would connect as a short number: 112, 911, 116117, 0800-less service codes."""
    digits = re.sub(r"\D", "", typed)
    if typed.startswith("+"):
        return
    if shortnumberinfo.is_emergency_number(digits, region):
        raise _refused(Refusal.EMERGENCY)
    try:
        short = phonenumbers.parse(digits, region)
    except NumberParseException:
        return  # what is wrong with it is told by the one who parses it next
    if shortnumberinfo.is_valid_short_number_for_region(short, region) and not phonenumbers.is_valid_number(short):
        raise _refused(Refusal.SHORT)


def _reason(error: NumberParseException, typed: str, region: str | None) -> Refusal:
    if error.error_type == NumberParseException.INVALID_COUNTRY_CODE:
        if region is None and not typed.startswith("+"):
            return Refusal.COUNTRY_MISSING
        return _nowhere("+" + re.sub(r"\D", "", typed)) or Refusal.COUNTRY_UNKNOWN
    return _PARSE_ERRORS[error.error_type]


def _nowhere(e164: str) -> Refusal | None:
    if _SATELLITE.match(e164):
        return Refusal.SATELLITE
    return Refusal.WORLDWIDE if _WORLDWIDE.match(e164) else None


def _number(parsed: phonenumbers.PhoneNumber) -> Number:
    e164 = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    nowhere = _nowhere(e164)
    if nowhere is not None:
        raise _refused(nowhere)
    _refuse_impossible(parsed)
    region = phonenumbers.region_code_for_number(parsed)
    if region is None:
        raise _refused(Refusal.NOT_IN_USE)
    if region == _NOWHERE:
        raise _refused(Refusal.WORLDWIDE)
    return Number(
        e164=e164,
        region=region,
        kind=_kind(parsed, e164),
        national=phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL),
        international=phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL),
    )


def _kind(parsed: phonenumbers.PhoneNumber, e164: str) -> Kind:
    kind = _KINDS.get(phonenumbers.number_type(parsed), Kind.UNKNOWN)
    return Kind.SHARED_COST if kind is Kind.UAN and _SURCHARGED.match(e164) else kind


def _refuse_impossible(parsed: phonenumbers.PhoneNumber) -> None:
    if phonenumbers.is_valid_number(parsed):
        return
    national = str(parsed.national_number)
    for region in phonenumbers.region_codes_for_country_code(parsed.country_code or 0):
        if shortnumberinfo.is_emergency_number(national, region):
            raise _refused(Refusal.EMERGENCY)
    if shortnumberinfo.is_valid_short_number(parsed):
        raise _refused(Refusal.SHORT)
    possible = phonenumbers.is_possible_number_with_reason(parsed)
    if possible in (phonenumbers.ValidationResult.TOO_SHORT, phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY):
        raise _refused(Refusal.TOO_SHORT)
    raise _refused(Refusal.TOO_LONG if possible == phonenumbers.ValidationResult.TOO_LONG else Refusal.NOT_IN_USE)


def _refused(refusal: Refusal, **facts: object) -> Invalid:
    return Invalid(refusal.key, field="number", **facts)
