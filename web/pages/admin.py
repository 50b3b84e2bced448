"""Companies, their contacts and staff, for administrators (P1, P3)."""

from typing import Any
from zoneinfo import available_timezones

from babel import Locale
from starlette.responses import Response

from chatsvc.accounts.model import Person, PersonRole
from chatsvc.catalog.model import pick
from chatsvc.kernel.errors import Conflict, Invalid, NotAllowed, Refused, TooMany
from chatsvc.kernel.ids import CompanyId, PersonId
from web import errors
from web.bodies import FormInvalid
from web.i18n import language_of
from web.pages.entries import name_in, pairs
from web.pages.forms import (
    AuthoriseForm,
    ColleaguesForm,
    CompanyForm,
    ContactForm,
    DisableForm,
    Nothing,
    PeopleQuery,
    ServicesForm,
    StaffForm,
    TeamsForm,
)
from web.paths import url
from web.site import Call


async def show(call: Call, query: PeopleQuery) -> Response:
    """Show companies with their contacts, one of them open, and staff."""
    return await _page(call, CompanyId(query.company) if query.company else None)


async def add_company(call: Call, body: CompanyForm) -> Response:
    """Add a customer's company."""
    try:
        company = await call.services.administration.create_company(
            call.identity, name=body.name, zone=body.zone, country=body.country
        )
    except (Invalid, Conflict) as error:
        return await _again(call, None, error, "company", "name")
    return _back(call, company, "company_added")


async def add_contact(call: Call, body: ContactForm) -> Response:
    """Add a contact to a company; a mail with the link for a first sign-in goes out."""
    company = CompanyId(call.part("company"))
    try:
        await call.services.administration.add_contact(
            call.identity,
            company,
            name=body.name,
            email=body.email,
            language=body.language,
            authorised=body.authorised == "yes",
        )
    except (Invalid, Conflict, TooMany) as error:
        return await _again(call, company, error, "contact", "email")
    return _back(call, company, "person_added")


async def set_services(call: Call, body: ServicesForm) -> Response:
    """Say which services a company is subscribed to; reasons of the request form may ask for one (T3)."""
    company = await call.site.people.company(call.identity, CompanyId(call.part("company")))
    for service in services_known(call):
        subscribed = service in body.services
        await call.services.requests.set_service(call.identity, company.id, service, subscribed=subscribed)
    return _back(call, company.id, "services_saved")


async def show_colleagues(call: Call, body: ColleaguesForm) -> Response:
    """Say whether the contacts of a company read all its tickets, or their own only (T6)."""
    company = await call.site.people.company(call.identity, CompanyId(call.part("company")))
    await call.services.tickets.show_colleagues(call.identity, company.id, shown=body.colleagues == "yes")
    return _back(call, company.id, "company_saved")


async def set_teams(call: Call, body: TeamsForm) -> Response:
    """Say in which teams a colleague works (T1)."""
    teams = [pick(call.services.catalog.teams, key, field="teams").key for key in body.teams]
    await call.services.tickets.set_teams(call.identity, PersonId(call.part("person")), teams)
    return _back(call, None, "teams_saved")


def services_known(call: Call) -> dict[str, str]:
    """Return the services that reasons of the catalogue ask for, with the reader's word for each."""
    reasons = call.services.catalog.reasons
    return {reason.service: call.reader.texts.gettext(reason.name) for reason in reasons if reason.service}


async def add_staff(call: Call, body: StaffForm) -> Response:
    """Add a colleague; a mail with the link for a first sign-in goes out."""
    try:
        lines = [call.services.catalog.line(key).key for key in body.lines]
        person = await call.services.administration.add_staff(
            call.identity, role=PersonRole(body.role), name=body.name, email=body.email
        )
        if PersonRole(body.role) is not PersonRole.ADMINISTRATOR:
            await call.services.conversations.give_desk(call.identity, person, lines)
    except (Invalid, Conflict, TooMany) as error:
        return await _again(call, None, error, "staff", "email")
    return _back(call, None, "person_added")


async def authorise(call: Call, body: AuthoriseForm) -> Response:
    """Grant or withdraw a contact's permission to enter."""
    person = PersonId(call.part("person"))
    administration = call.services.administration
    company = await _company_of(call, person)
    try:
        if body.authorised == "yes":
            await administration.grant_authorised(call.identity, person)
        else:
            await administration.withdraw_authorised(call.identity, person)
    except (Conflict, NotAllowed) as error:
        return await _page(call, company, errors.of_refusal(error, call.reader), status=409)
    return _back(call, company, "permission_granted" if body.authorised == "yes" else "permission_withdrawn")


async def disable(call: Call, body: DisableForm) -> Response:
    """Shut somebody out at once, or let them in again."""
    person = PersonId(call.part("person"))
    company = await _company_of(call, person)
    try:
        if body.disabled == "no":
            await call.services.administration.enable(call.identity, person)
            return _back(call, company, "person_enabled")
        done = await call.services.administration.disable(call.identity, person)
    except (Conflict, NotAllowed) as error:
        return await _page(call, company, errors.of_refusal(error, call.reader), status=409)
    return _back(call, company, "too_few_contacts" if done.warning else "person_disabled")


async def mail_link(call: Call, body: Nothing) -> Response:
    """Mail somebody a new link to set their password."""
    person = PersonId(call.part("person"))
    company = await _company_of(call, person)
    try:
        await call.services.administration.mail_link(call.identity, person)
    except (Conflict, TooMany) as error:
        return await _page(call, company, errors.of_refusal(error, call.reader), status=error.status)
    return _back(call, company, "link_mailed")


async def show_again(call: Call, error: FormInvalid) -> Response:
    """Show the page again with what could not be taken."""
    company = CompanyId(call.part("company")) if "company" in call.request.path_params else None
    said = errors.of_form(error, call.reader)
    return await _page(call, company, said, typed=error.typed, status=422)


async def _company_of(call: Call, person: PersonId) -> CompanyId | None:
    found = await call.site.people.person(person)
    return found.company if found else None


def _back(call: Call, company: CompanyId | None, news: str) -> Response:
    return call.go("people", news=news, query={"company": company} if company else None)


async def _again(call: Call, company: CompanyId | None, error: Refused, form: str, field: str) -> Response:
    [said] = errors.of_refusal(error, call.reader, field=field)
    typed = {name: texts[-1] for name, texts in call.form.texts.items()}
    return await _page(call, company, [{**said, "field": f"{form}-{said['field']}"}], typed=typed, status=error.status)


async def _page(
    call: Call,
    chosen: CompanyId | None,
    said: list[dict[str, str]] | None = None,
    *,
    typed: Any = None,
    status: int = 200,
) -> Response:
    people, rules = call.site.people, call.services.accounts.rules
    companies = await people.companies(call.identity)
    company = next((each for each in companies if each.id == chosen), None)
    contacts = await people.contacts(call.identity, company.id) if company else []
    staff = await people.staff(call.identity)
    lines = await call.services.queries.lines_of_staff()
    teams = await call.services.tickets.teams_of_staff()
    return await call.page(
        "admin/people.html",
        status=status,
        companies=[
            {
                "id": each.id,
                "name": each.name,
                "zone": each.zone,
                "country": each.country,
                "contacts": each.contacts,
                "authorised": each.authorised,
                "href": url("people", {"company": each.id}),
                "open": each.id == chosen,
            }
            for each in companies
        ],
        company=company
        and {
            "id": company.id,
            "name": company.name,
            "zone": company.zone,
            "services": await call.services.requests.services(company.id),
            "colleagues": await call.services.tickets.shows_colleagues(company.id),
            "people": [_contact_row(person) for person in contacts],
        },
        staff=[_staff_row(call, person, lines.get(person.id, ()), teams.get(person.id, ())) for person in staff],
        teams=pairs(call.services.catalog.teams, call.reader),
        services=services_known(call),
        bounds={"least": rules.fewest_contacts, "most": rules.most_contacts},
        zones=[(zone, zone.replace("_", " ")) for zone in sorted(available_timezones()) if "/" in zone],
        countries=countries(call),
        lines=pairs(call.services.catalog.lines, call.reader),
        form=dict(typed or {}),
        errors=said or [],
    )


def _contact_row(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "name": person.name,
        "email": person.email,
        "language_name": language_of(person.language).name,
        "authorised": person.authorised,
        "company_admin": person.company_admin,
        "disabled": person.disabled_at is not None,
        "has_password": person.has_password,
        "seen_at": None,
    }


def _staff_row(call: Call, person: Person, lines: tuple[str, ...], teams: tuple[str, ...]) -> dict[str, Any]:
    catalog = call.services.catalog
    return {
        "id": person.id,
        "name": person.name,
        "email": person.email,
        "role": person.role.value,
        "lines": ", ".join(name_in(catalog.lines, line, call.reader) for line in lines),
        "teams": ", ".join(name_in(catalog.teams, team, call.reader) for team in teams),
        "team_keys": teams,
        "disabled": person.disabled_at is not None,
        "has_password": person.has_password,
        "me": person.id == call.identity.person,
    }


def countries(call: Call) -> list[tuple[str, str]]:
    """Return the countries of the world, as the reader calls them: pairs of ISO 3166 code and name, by name."""
    locale: Locale = call.reader.locale
    names = [
        (code, name)
        for code, name in locale.territories.items()
        if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRIES
    ]
    return sorted(names, key=lambda item: item[1])


# Codes of the CLDR that name no country: the union, outlying groups, and the two made for tests.
_NO_COUNTRIES = frozenset({"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"})
