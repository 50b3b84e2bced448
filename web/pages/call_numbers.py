"""Which numbers may be called, for supervisors: further countries of a company, and numbers that asked not to be called."""

from starlette.responses import Response

from callback.numbers import REGIONS
from chatsvc.kernel.errors import Invalid
from chatsvc.kernel.ids import CompanyId
from web import errors
from web.bodies import FormInvalid
from web.pages.callback_forms import LetRingForm, RegionForm, RegionRemovedForm, SilenceForm
from web.pages.callback_shown import country_name
from web.site import Call


async def show(call: Call) -> Response:
    """Show the countries in which companies are called besides their own, and the numbers that are not called."""
    return await _page(call, [])


async def allow(call: Call, body: RegionForm) -> Response:
    """Let a company's people be called in a further country."""
    try:
        await call.site.calls.allow_region(call.identity, CompanyId(body.company), body.region, body.region_reason)
    except Invalid as error:
        return await _page(call, errors.of_refusal(error, call.reader, field=_field(error, "region")))
    return call.go("call_numbers", news="numbers_changed")


async def forbid(call: Call, body: RegionRemovedForm) -> Response:
    """Take a further country away again."""
    await call.site.calls.forbid_region(call.identity, CompanyId(body.company), body.region)
    return call.go("call_numbers", news="numbers_changed")


async def silence(call: Call, body: SilenceForm) -> Response:
    """Never call a number again."""
    try:
        await call.site.calls.silence(call.identity, body.number, body.country, body.number_reason)
    except Invalid as error:
        return await _page(call, errors.of_refusal(error, call.reader, field=_field(error, "number")))
    return call.go("call_numbers", news="numbers_changed")


async def let_ring(call: Call, body: LetRingForm) -> Response:
    """Let a number be called again."""
    await call.site.calls.let_ring(call.identity, body.reference)
    return call.go("call_numbers", news="numbers_changed")


async def show_again(call: Call, error: FormInvalid) -> Response:
    """Show the page again with what was wrong with a form."""
    return await _page(call, errors.of_form(error, call.reader))


def _field(error: Invalid, form: str) -> str:
    """The two forms of the page ask for a reason each."""
    return f"{form}_reason" if error.field == "reason" else error.field or ""


async def _page(call: Call, said: list[dict[str, str]]) -> Response:
    seen, reader = call.site.calls_seen, call.reader
    companies = await seen.companies()
    return await call.page(
        "console/call_numbers.html",
        status=422 if said else 200,
        errors=said,
        form={name: texts[-1] for name, texts in call.form.texts.items() if texts},
        companies=[(company, name) for company, name, _ in companies],
        countries=_countries(call),
        regions=[
            {**each._asdict(), "country": country_name(each.region, reader)} for each in await seen.allowed_regions()
        ],
        silenced=await seen.silenced(),
    )


def _countries(call: Call) -> list[tuple[str, str]]:
    named = [(code, country_name(code, call.reader)) for code in REGIONS]
    return sorted(named, key=lambda each: each[1])
