"""What administrators say about teams and companies on their page, and a company's own administrator in their profile (T1, T6)."""

import re

from chatsvc.accounts.model import PersonRole
from tests import builders
from tests.web.desk import Desk
from tests.web.world import signed_in_anew


async def test_t1_administrators_say_who_works_in_which_team(desk: Desk) -> None:
    _, administrator = await desk.somebody(PersonRole.ADMINISTRATOR)
    rep, staff = await desk.somebody(PersonRole.REPRESENTATIVE)
    contact, _ = await desk.somebody(PersonRole.CONTACT)
    ticket = await builders.a_ticket(desk.services.database, contact)
    path = f"/admin/people/{rep.person}/teams"

    async def of_my_team() -> bool:
        return f'value="{ticket.number}"' in (await staff.get("/desk/tickets?view=my_team")).text

    assert not await of_my_team()
    saved = await administrator.post(path, data={"teams": ["support", "engineering"]})
    page = (await administrator.get(saved.headers["location"])).text
    assert "Engineering, Support" in page
    assert await of_my_team()

    assert (await administrator.post(path, data={"teams": "no_such_team"})).status_code == 422
    assert (
        await administrator.post(f"/admin/people/{contact.person}/teams", data={"teams": "support"})
    ).status_code == 404
    await administrator.post(path, data={})
    assert not await of_my_team()


async def test_p2_whoever_loses_the_permission_reaches_no_request_until_it_is_granted_again(desk: Desk) -> None:
    _, administrator = await desk.somebody(PersonRole.ADMINISTRATOR)
    contact, customer = await desk.somebody(PersonRole.CONTACT)
    for _ in range(2):  # at least two stay
        await desk.somebody(PersonRole.CONTACT, company=contact.company)
    ticket = await builders.a_ticket(desk.services.database, contact)
    path, switch = f"/requests/{ticket.number}", f"/admin/people/{contact.person}/authorised"

    withdrawn = await administrator.post(switch, data={"authorised": "no"})
    seen = [(await customer.get(each)).headers.get("location", "") for each in (path, "/requests", "/requests/new")]
    granted = await administrator.post(switch, data={"authorised": "yes"})
    _, token = await signed_in_anew(desk.services, contact)
    again = desk.visitor(cookie=f"holdline_session={token}")

    assert (withdrawn.status_code, granted.status_code) == (303, 303)
    assert [each.startswith("/sign-in") for each in seen] == [True] * 3
    assert (await again.get(path)).status_code == 200


async def test_t6_colleagues_tickets_are_shown_by_the_wish_of_the_company(desk: Desk) -> None:
    _, administrator = await desk.somebody(PersonRole.ADMINISTRATOR)
    contact, _ = await desk.somebody(PersonRole.CONTACT)
    _, beside = await desk.somebody(PersonRole.CONTACT, company=contact.company, name="Jonas Weber")
    ticket = await builders.a_ticket(desk.services.database, contact)
    path, wish = f"/requests/{ticket.number}", f"/admin/companies/{contact.company}/colleagues"

    assert (await beside.get(path)).status_code == 404
    saved = await administrator.post(wish, data={"colleagues": "yes"})
    page = (await administrator.get(saved.headers["location"])).text
    assert re.search(r'name="colleagues" value="yes" checked', page)
    assert (await beside.get(path)).status_code == 200
    await administrator.post(wish, data={})
    assert (await beside.get(path)).status_code == 404


async def test_t6_the_administrator_of_a_company_says_so_for_their_own(desk: Desk) -> None:
    contact, customer = await desk.somebody(PersonRole.CONTACT)
    _, own = await desk.somebody(PersonRole.CONTACT, company=contact.company, name="Ana Ruiz", company_admin=True)
    ticket = await builders.a_ticket(desk.services.database, contact)

    assert 'name="colleagues"' not in (await customer.get("/profile")).text
    assert (await customer.post("/profile/company", data={"colleagues": "yes"})).status_code == 403
    assert (await own.get(f"/requests/{ticket.number}")).status_code == 404
    saved = await own.post("/profile/company", data={"colleagues": "yes"})
    page = (await own.get(saved.headers["location"])).text
    assert re.search(r'name="colleagues" value="yes" checked', page)
    assert (await own.get(f"/requests/{ticket.number}")).status_code == 200
