"""Hides what nobody should have typed: card numbers and similar secrets, before they are stored or pushed (threat T33).

It knows forms, not meanings: digits that pass the card check, IBAN, and the words that programs put before a secret. A telephone number
(it starts with ``+``) is left alone.
"""

import re

MASK = "•"

_DIGIT = re.compile(r"\d")
_SHORTEST_CARD = 13
# 13 to 19 digits, single spaces or hyphens between them, not part of a longer number and not behind a plus sign.
_DIGITS = re.compile(r"(?<![\d+])(?<!\d[ \-.])\d(?:[ \-]?\d){12,18}(?![\d])(?![ \-]\d)")
# Two letters, two check digits, 11 to 30 more; printed in groups of four.
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
# What programs write before a secret: header, query parameter or setting.
_NAMED = re.compile(
    r"(?i)\b(authorization|proxy-authorization|cookie|set-cookie|password|passwd|pwd|secret|api[_-]?key|access[_-]?token"
    r"|refresh[_-]?token|client[_-]?secret)(\"?\s*[:=]\s*)(\"?)((?:bearer|basic)\s+)?([^\s\"&;,]{4,})"
)


def mask_secrets(text: str) -> str:
    """Return the text with card numbers, IBANs and named secrets masked; the last four of a number stay, so that it can be spoken of."""
    # Most of what people write has nothing of the kind, and looking for that costs a tenth of looking for forms.
    if ":" in text or "=" in text:
        text = _NAMED.sub(lambda match: "".join(match.group(1, 2, 3)) + (match.group(4) or "") + MASK * 8, text)
    if not _DIGIT.search(text):
        return text
    if len(_DIGIT.findall(text)) >= _SHORTEST_CARD:
        text = _DIGITS.sub(lambda match: _hide(match.group()) if passes_luhn(match.group()) else match.group(), text)
    return _IBAN.sub(lambda match: _hide(match.group()) if _passes_iban(match.group()) else match.group(), text)


def passes_luhn(number: str) -> bool:
    """Whether the digits of a text carry a valid card check digit (ISO/IEC 7812-1, annex B)."""
    digits = [int(character) for character in number if character.isdigit()]
    total = sum(digits[-1::-2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return 13 <= len(digits) <= 19 and total % 10 == 0 and any(digits)


def _passes_iban(number: str) -> bool:
    """Whether an IBAN's two check digits are right (ISO 13616)."""
    compact = number.replace(" ", "")
    if not 15 <= len(compact) <= 34:
        return False
    return int("".join(str(int(character, 36)) for character in compact[4:] + compact[:4])) % 97 == 1


def _hide(number: str) -> str:
    """Mask all but the last four letters and digits; what stands between them stays."""
    shown_from = len(number)
    for _ in range(4):
        shown_from -= 1
        while not number[shown_from].isalnum():
            shown_from -= 1
    hidden = "".join(MASK if character.isalnum() else character for character in number[:shown_from])
    return hidden + number[shown_from:]
