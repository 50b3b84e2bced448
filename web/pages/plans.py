"""Response plans, for administrators: what they promise, which company has which, and a change that is seen before it is made (V1)."""

import math
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from msgspec import Meta
from starlette.responses import Response

from chatsvc.catalog.model import Plan, Responses
from chatsvc.catalog.model import Response as Promised
from chatsvc.kernel.errors import Invalid
from chatsvc.kernel.ids import CompanyId
from chatsvc.tickets.clock_plans import MOST_LOOKED_AT, CompanyPlan, DueDifference
from web import errors
from web.i18n import Reader, number, reading
from web.pages.entries import name_in
from web.pages.forms import Form
from web.pages.urgency import PROMISES
from web.paths import url
from web.site import Call

_ORDER: Final = tuple(PROMISES)


class PlanForm(Form, frozen=True):
    """Another plan for a company."""

    plan: Annotated[str, Meta(min_length=1, max_length=40)]
    # First shown, then done.
    do: Literal["preview", "save"] = "preview"


async def show(call: Call) -> Response:
    """Show all plans, and which company has which."""
    return await _page(call)


async def choose(call: Call, body: PlanForm) -> Response:
    """Show what another plan would alter; or, once that was seen, give it."""
    plans, company = call.services.plans, CompanyId(call.part("company"))
    try:
        if body.do == "save":
            await plans.set_plan(call.identity, company, body.plan)
            return call.go("plans", news="plan_changed")
        dues = await plans.preview_plan(call.identity, company, body.plan)
    except Invalid as error:
        return await _page(call, said=errors.of_refusal(error, call.reader), status=error.status)
    return await _page(call, wanted=(company, body.plan, dues))


async def _page(
    call: Call,
    *,
    wanted: tuple[CompanyId, str, DueDifference] | None = None,
    said: list[dict[str, str]] | None = None,
    status: int = 200,
) -> Response:
    companies = await call.services.plans.of_companies(call.identity)
    context = page_context(call.services.catalog.plans, companies, call.reader)
    context["preview"] = None
    if wanted is not None:
        company, plan, dues = wanted
        found = next(each for each in context["companies"] if each["id"] == company)
        context["preview"] = {
            "company": found["name"],
            "company_id": company,
            "plan": plan,
            "plan_name": name_in(call.services.catalog.plans, plan, call.reader),
            "same": found["plan"] == plan,
            "dues": dues_of(dues, call.reader),
        }
    return await call.page("admin/plans.html", status=status, errors=said or [], **context)


def page_context(plans: Sequence[Plan], companies: Sequence[CompanyPlan], to: Reader) -> dict[str, Any]:
    """Return what the template takes of plans and companies, in the words of a reader."""
    with reading(to):
        shown = [{"key": plan.key, "name": name_in(plans, plan.key, to), "rows": _rows(plan)} for plan in plans]
    return {
        "plans": shown,
        "companies": [
            {
                "id": each.company,
                "name": each.name,
                "plan": each.plan,
                "plan_name": name_in(plans, each.plan, to),
                "changed_at": each.changed_at,
                "changed_by": each.changed_by,
            }
            for each in companies
        ],
        "preview": None,
    }


def _rows(plan: Plan) -> list[dict[str, Any]]:
    return [
        {"severity": severity, "promises": _promises(responses)}
        for severity, responses in sorted(plan.responses.items())
    ]


def _promises(responses: Responses) -> list[dict[str, Any]]:
    return [_promised(getattr(responses, promise)) for promise in _ORDER]


def _promised(response: Promised) -> dict[str, Any]:
    amount = response.hours if response.hours is not None else response.days
    assert amount is not None, "a response is given in hours or in days"
    # Part of a day is some days to a language that counts.
    count = int(amount) if amount == int(amount) else math.ceil(amount) + 1
    unit = "hours" if response.hours is not None else "days"
    return {"amount": number(amount), "count": count, "unit": unit, "always": response.always}


def dues_of(dues: DueDifference, to: Reader) -> dict[str, Any]:
    """Return what ``components/due_changes.html`` takes, in the words of a reader."""
    rows = [
        {
            "number": change.number,
            "href": url("staff_ticket", number=change.number),
            "promise": to.texts.gettext(PROMISES[change.promise]),
            "before": change.before,
            "after": change.after,
        }
        for change in dues.named
    ]
    with reading(to):
        looked_at = number(MOST_LOOKED_AT) if dues.is_partial else ""
    return {"rows": rows, "more": dues.more, "looked_at": looked_at}
