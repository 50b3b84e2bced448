"""What a final answer of either telephone means for the attempt (callback.md, outcome table)."""

from typing import Final

from callback.telephony.port import EndedBy, Outcome

# 415, 488, 606: no way to hear each other.
_MEDIA: Final = dict.fromkeys((415, 488, 606), Outcome.MEDIA)
_CUSTOMER: Final = {
    486: Outcome.BUSY,
    600: Outcome.BUSY,
    408: Outcome.NO_ANSWER,
    480: Outcome.NO_ANSWER,
    487: Outcome.NO_ANSWER,
    603: Outcome.DECLINED,
    # "Unwanted" (RFC 8197) is a button of the called person too.
    607: Outcome.DECLINED,
    404: Outcome.INVALID_NUMBER,
    410: Outcome.INVALID_NUMBER,
    484: Outcome.INVALID_NUMBER,
    604: Outcome.INVALID_NUMBER,
    403: Outcome.BLOCKED,
    # "Rejected" by an analysis on the way (RFC 8688).
    608: Outcome.BLOCKED,
    **_MEDIA,
}
_REPRESENTATIVE: Final = {486: Outcome.REP_BUSY, 600: Outcome.REP_BUSY, 603: Outcome.REP_BUSY, **_MEDIA}
_BY_CUSTOMER: Final = frozenset({486, 600, 603, 607})


def of_customer(code: int) -> tuple[Outcome, EndedBy]:
    """Return the outcome of a customer's leg that was not answered, by its final code.

    What the table does not name, redirections among it, is the trunk's failure: we are not sent to other numbers, which somebody
    else would choose and we would pay.
    """
    return _CUSTOMER.get(code, Outcome.TRUNK), EndedBy.CUSTOMER if code in _BY_CUSTOMER else EndedBy.TRUNK


def of_representative(code: int, *, is_behind_trunk: bool) -> tuple[Outcome, EndedBy]:
    """Return the outcome of a representative's leg that was not answered, by its final code.

    ``is_behind_trunk``: the telephone is an extension of the trunk, so that a failure or a refused login is the trunk's.
    """
    if is_behind_trunk and (code in (401, 403, 407) or 500 <= code < 600):
        return Outcome.TRUNK, EndedBy.TRUNK
    return _REPRESENTATIVE.get(code, Outcome.REP_NO_ANSWER), EndedBy.REPRESENTATIVE
