"""A person's own settings: language, appearance, password, and where they are signed in (P6)."""

from starlette.responses import Response

from chatsvc.kernel.errors import Invalid, NotFound, TooMany
from chatsvc.kernel.ids import SessionId
from web import errors
from web.bodies import FormInvalid
from web.cookies import Cookies
from web.pages.forms import ColleaguesForm, Nothing, PasswordForm, ProfileForm
from web.site import Call

# What the room calls its fields -> what the form calls them.
_FIELDS = {"old": "current", "new": "password"}


async def show(call: Call) -> Response:
    """Show the profile."""
    return await _page(call, [])


async def save(call: Call, body: ProfileForm) -> Response:
    """Keep language and appearance."""
    await call.services.accounts.update_profile(call.identity, language=body.language)
    response = call.go("profile", news="profile_saved")
    call.site.cookies.prefer(response, Cookies.THEME, body.theme)
    call.site.cookies.prefer(response, Cookies.LANGUAGE, body.language)
    return response


async def change_password(call: Call, body: PasswordForm) -> Response:
    """Set another password; all other devices are signed out."""
    if body.password != body.again:
        return await _page(call, [{"field": "again", "text": call.say("password.different")}])
    try:
        await call.services.accounts.change_password(call.identity, body.current, body.password)
    except Invalid as error:
        [said] = errors.of_refusal(error, call.reader)
        return await _page(call, [{**said, "field": _FIELDS.get(said["field"], said["field"])}])
    except TooMany as error:
        return await _page(call, errors.of_refusal(error, call.reader, field="current"))
    return call.go("profile", news="password_changed")


async def show_colleagues(call: Call, body: ColleaguesForm) -> Response:
    """Say, as the administrator of one's company, whether its contacts read all its tickets (T6)."""
    company = call.identity.company
    assert company is not None  # contacts alone come here
    await call.services.tickets.show_colleagues(call.identity, company, shown=body.colleagues == "yes")
    return call.go("profile", news="company_saved")


async def end_session(call: Call, body: Nothing) -> Response:
    """Sign another device out, or this one."""
    session = SessionId(call.part("session"))
    await call.services.accounts.revoke_session(call.identity, session)
    if session == call.identity.session:
        response = call.go("signed_out")
        call.site.cookies.end(response)
        return response
    return call.go("profile", news="session_ended")


async def show_again(call: Call, error: FormInvalid) -> Response:
    """Show the profile again with what could not be taken."""
    return await _page(call, errors.of_form(error, call.reader))


async def _page(call: Call, said: list[dict[str, str]]) -> Response:
    person = await call.site.people.person(call.identity.person)
    if person is None:
        raise NotFound("not_found")
    feed = await call.services.feeds.address(call.identity)
    return await call.page(
        "portal/profile.html",
        status=422 if said else 200,
        person={
            "name": person.name,
            "email": person.email,
            "company": await call.site.people.company_name(call.identity),
            "language": person.language,
            "zone": person.zone,
            "zone_fixed": False,
        },
        chosen_theme=call.theme,
        colleagues=await _colleagues(call),
        feed=None if feed is None else call.site.base_url + feed,
        sessions=await call.services.accounts.sessions_of(call.identity),
        minimum=call.services.accounts.rules.password_shortest,
        errors=said,
    )


async def _colleagues(call: Call) -> bool | None:
    """Whether the contacts of the reader's company read all its tickets; None for whoever has no say in it."""
    if not call.identity.company_admin or call.identity.company is None:
        return None
    return await call.services.tickets.shows_colleagues(call.identity.company)
