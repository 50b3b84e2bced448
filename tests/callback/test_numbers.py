"""A corpus of what people type and what stands in databases: each read, or refused with its reason."""

import pytest

from callback import numbers
from callback.numbers import Kind, Refusal
from chatsvc.kernel.errors import Invalid

TWELVE = frozenset({"AU", "BR", "CA", "CH", "DE", "ES", "FR", "GB", "IN", "IT", "JP", "US"})

READ = [
    # typed, region of the form, E.164, region of the number, kind, national form
    ("02 1234 5678", "AU", "+61212345678", "AU", Kind.FIXED, "(02) 1234 5678"),
    ("0412 345 678", "AU", "+61412345678", "AU", Kind.MOBILE, "0412 345 678"),
    ("(11) 2345-6789", "BR", "+551123456789", "BR", Kind.FIXED, "(11) 2345-6789"),
    ("11 96123 4567", "BR", "+5511961234567", "BR", Kind.MOBILE, "(11) 96123-4567"),
    ("506-234-5678", "CA", "+15062345678", "CA", Kind.FIXED_OR_MOBILE, "(506) 234-5678"),
    ("021 234 56 78", "CH", "+41212345678", "CH", Kind.FIXED, "021 234 56 78"),
    ("078 123 45 67", "CH", "+41781234567", "CH", Kind.MOBILE, "078 123 45 67"),
    # One number of a business with many places costs what a fixed line costs.
    ("058 123 45 67", "CH", "+41581234567", "CH", Kind.UAN, "058 123 45 67"),
    ("0330 123 4567", "GB", "+443301234567", "GB", Kind.UAN, "0330 123 4567"),
    ("0806 12 34 56", "FR", "+33806123456", "FR", Kind.UAN, "0 806 12 34 56"),
    ("030/123456", "DE", "+4930123456", "DE", Kind.FIXED, "030 123456"),
    ("+49 (0)30 123456", None, "+4930123456", "DE", Kind.FIXED, "030 123456"),
    ("0049 30 123456", "FR", "+4930123456", "DE", Kind.FIXED, "030 123456"),
    ("01512 3456789", "DE", "+4915123456789", "DE", Kind.MOBILE, "01512 3456789"),
    ("612 34 56 78", "ES", "+34612345678", "ES", Kind.MOBILE, "612 34 56 78"),
    ("01 23 45 67 89", "FR", "+33123456789", "FR", Kind.FIXED, "01 23 45 67 89"),
    ("09 12 34 56 78", "FR", "+33912345678", "FR", Kind.VOIP, "09 12 34 56 78"),
    ("0121 234 5678", "GB", "+441212345678", "GB", Kind.FIXED, "0121 234 5678"),
    ("+44 7400 123456", "US", "+447400123456", "GB", Kind.MOBILE, "07400 123456"),
    ("074104 10123", "IN", "+917410410123", "IN", Kind.FIXED_OR_MOBILE, "074104 10123"),
    # Italy keeps its leading zero, with the country code too.
    ("02 1234 5678", "IT", "+390212345678", "IT", Kind.FIXED, "02 1234 5678"),
    ("03-1234-5678", "JP", "+81312345678", "JP", Kind.FIXED, "03-1234-5678"),
    ("090-1234-5678", "JP", "+819012345678", "JP", Kind.MOBILE, "090-1234-5678"),
    ("201.555.0123", "US", "+12015550123", "US", Kind.FIXED_OR_MOBILE, "(201) 555-0123"),
    ("011 44 7400 123456", "US", "+447400123456", "GB", Kind.MOBILE, "07400 123456"),
    # Other digits, an invisible character, a typographic dash and a narrow space.
    ("+٤٩٣٠١٢٣٤٥٦", None, "+4930123456", "DE", Kind.FIXED, "030 123456"),
    ("\uff0b\uff14\uff19 30 123456", None, "+4930123456", "DE", Kind.FIXED, "030 123456"),
    ("+49\u200b30\u2011123456", None, "+4930123456", "DE", Kind.FIXED, "030 123456"),
    ("+49\u202f30\u00a0123456", None, "+4930123456", "DE", Kind.FIXED, "030 123456"),
]

UNREADABLE = [
    ("", "DE", Refusal.NOT_A_NUMBER),
    ("+", None, Refusal.NOT_A_NUMBER),
    ("++49 30 123456", None, Refusal.NOT_A_NUMBER),
    ("call me", "DE", Refusal.NOT_A_NUMBER),
    ("1-800-FLOWERS", "US", Refusal.NOT_A_NUMBER),
    ("+49 30 123456;ext=5", None, Refusal.NOT_A_NUMBER),
    ("+49 30 123456 x5", None, Refusal.NOT_A_NUMBER),
    ("+49 30 123456,,1#", None, Refusal.NOT_A_NUMBER),
    ("tel:+4930123456", None, Refusal.NOT_A_NUMBER),
    ("030 123456;phone-context=+1900", "DE", Refusal.NOT_A_NUMBER),
    ("+4930123456@premium.example", None, Refusal.NOT_A_NUMBER),
    ("+4930123456\r\nRoute: <sip:elsewhere>", None, Refusal.NOT_A_NUMBER),
    ("+4930123456\n", None, Refusal.NOT_A_NUMBER),
    ("+49 30 123456 or +1 900 555 1234", None, Refusal.NOT_A_NUMBER),
    ("*#06#", "DE", Refusal.NOT_A_NUMBER),
    ("1e10", "DE", Refusal.NOT_A_NUMBER),
    ("030 123456", None, Refusal.COUNTRY_MISSING),
    ("030 123456", "ZZ", Refusal.COUNTRY_UNKNOWN),
    ("+210 123456", None, Refusal.COUNTRY_UNKNOWN),
    ("+39 12", None, Refusal.TOO_SHORT),
    ("+49" + "1" * 60, None, Refusal.TOO_LONG),
    ("+1 201 555 01234", None, Refusal.TOO_LONG),
    ("+49 32 123456", None, Refusal.NOT_IN_USE),
    ("112 345 6789", "GB", Refusal.NOT_IN_USE),
    # Emergency and short codes, bare and behind a country code.
    ("112", "DE", Refusal.EMERGENCY),
    ("110", "DE", Refusal.EMERGENCY),
    ("+49 112", None, Refusal.EMERGENCY),
    ("911", "US", Refusal.EMERGENCY),
    ("1-1-2", "FR", Refusal.EMERGENCY),
    ("15", "FR", Refusal.EMERGENCY),
    ("999", "GB", Refusal.EMERGENCY),
    ("000", "AU", Refusal.EMERGENCY),
    ("190", "BR", Refusal.EMERGENCY),
    ("144", "CH", Refusal.EMERGENCY),
    ("119", "JP", Refusal.EMERGENCY),
    ("116117", "DE", Refusal.SHORT),
    ("11833", "DE", Refusal.SHORT),
    ("3131", "FR", Refusal.SHORT),
    # Numbers of no country.
    ("+881 6 1234 5678", None, Refusal.SATELLITE),
    ("+870 773 123 456", None, Refusal.SATELLITE),
    ("+878 10 1234567890", None, Refusal.SATELLITE),
    ("+882 13 00 0000", None, Refusal.SATELLITE),
    ("+883 5100 0123 456", None, Refusal.SATELLITE),
    ("00 881 6 1234 5678", "DE", Refusal.SATELLITE),
    ("+979 1 2345 6789", None, Refusal.WORLDWIDE),
    ("+800 1234 5678", None, Refusal.WORLDWIDE),
    ("+808 1234 5678", None, Refusal.WORLDWIDE),
    ("+888 123 456 789", None, Refusal.WORLDWIDE),
]

NOT_RUNG = [
    ("+611900123456", Refusal.PREMIUM),
    ("+61162123456", Refusal.NOT_IN_USE),
    ("+611300123456", Refusal.SHARED_COST),
    ("+611631234", Refusal.PAGER),
    ("+55500123456", Refusal.PREMIUM),
    ("+5540041234", Refusal.SHARED_COST),
    ("+19005551234", Refusal.PREMIUM),
    ("+15219023456", Refusal.PERSONAL),
    ("+41900123456", Refusal.PREMIUM),
    ("+41840123456", Refusal.SHARED_COST),
    ("+41860123456789", Refusal.VOICEMAIL),
    ("+499001234567", Refusal.PREMIUM),
    ("+4918012345", Refusal.SHARED_COST),
    ("+4918500123456", Refusal.SHARED_COST),
    ("+351707123456", Refusal.SHARED_COST),
    ("+4916412345", Refusal.PAGER),
    ("+49177991234567", Refusal.VOICEMAIL),
    ("+34803123456", Refusal.PREMIUM),
    ("+34901123456", Refusal.SHARED_COST),
    ("+33891123456", Refusal.PREMIUM),
    ("+449012345678", Refusal.PREMIUM),
    ("+448712345678", Refusal.PREMIUM),
    ("+447012345678", Refusal.PERSONAL),
    ("+447640123456", Refusal.PAGER),
    ("+911861123456789", Refusal.PREMIUM),
    ("+9118603451234", Refusal.SHARED_COST),
    ("+39899123456", Refusal.PREMIUM),
    ("+39848123456", Refusal.SHARED_COST),
    ("+3933101234501", Refusal.VOICEMAIL),
    ("+81990123456", Refusal.PREMIUM),
    ("+81570123456", Refusal.SHARED_COST),
    ("+812012345678", Refusal.PAGER),
    # Behind the country code of one of the twelve, and not in it.
    ("+18765551234", Refusal.REGION),  # Jamaica
    ("+12423591234", Refusal.REGION),  # Bahamas
    ("+17872345678", Refusal.REGION),  # Puerto Rico
    ("+18095551234", Refusal.REGION),  # Dominican Republic
    ("+16846221234", Refusal.REGION),  # American Samoa
    ("+447624123456", Refusal.REGION),  # Isle of Man
    ("+441534712345", Refusal.REGION),  # Jersey
    ("+390669812345", Refusal.REGION),  # Vatican
    ("+61891621234", Refusal.REGION),  # Cocos Islands
    ("+77012345678", Refusal.REGION),  # Kazakhstan, behind +7
    # Dear and far.
    ("+24762889", Refusal.REGION),  # Ascension
    ("+5352345678", Refusal.REGION),  # Cuba
    ("+37255512345", Refusal.REGION),  # Estonia
    # 886 and 880 look like 88x and are countries.
    ("+886223456789", Refusal.REGION),  # Taiwan
    ("+88029123456", Refusal.REGION),  # Bangladesh
]


@pytest.mark.parametrize(("typed", "form", "e164", "region", "kind", "national"), READ)
def test_what_people_type_is_read(
    typed: str, form: str | None, e164: str, region: str, kind: Kind, national: str
) -> None:
    number = numbers.read(typed, region=form)

    assert (number.e164, number.region, number.kind, number.national) == (e164, region, kind, national)
    assert numbers.refusal_of(number, TWELVE) is None


@pytest.mark.parametrize("e164", sorted({row[2] for row in READ}))
def test_a_stored_number_is_read_as_itself(e164: str) -> None:
    assert numbers.read(e164).e164 == e164


@pytest.mark.parametrize(("typed", "form", "refusal"), UNREADABLE)
def test_what_is_no_number_to_ring_is_refused_with_its_reason(typed: str, form: str | None, refusal: Refusal) -> None:
    with pytest.raises(Invalid) as refused:
        numbers.read(typed, region=form)

    assert (refused.value.key, refused.value.field) == (refusal.key, "number")


@pytest.mark.parametrize(("e164", "refusal"), NOT_RUNG)
def test_a_number_that_costs_or_lies_elsewhere_is_refused_with_its_reason(e164: str, refusal: Refusal) -> None:
    with pytest.raises(Invalid) as refused:
        numbers.admit(e164, regions=TWELVE)

    assert refused.value.key == refusal.key


def test_an_island_is_rung_when_the_company_lists_it() -> None:
    assert numbers.admit("876 555 1234", region="US", regions=TWELVE | {"JM"}).region == "JM"


def test_a_region_that_is_listed_does_not_open_its_premium_numbers() -> None:
    number = numbers.read("+41900123456")

    assert numbers.refusal_of(number, {"CH"}) is Refusal.PREMIUM


def test_no_number_shows_in_a_log() -> None:
    number = numbers.read("+4930123456")

    assert "123456" not in repr(number)
    assert number.masked == "+49 … 56"
    assert numbers.masked("rubbish") == "… sh"
