"""Whatever customers write, it is text on every page that shows it: subject, description, message, file name, note (threat T12)."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.flows.conftest import Cast
from tests.flows.people import Person, a_file

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

IMAGE = '<img src=x onerror="window.owned=1">'
SCRIPT = "<script>window.owned=1</script>"
VECTOR = "\"'><svg onload=window.owned=1>"
NAME = "a<b onmouseover=1>c.pdf"


async def finds_only_text(person: Person, *texts: str) -> None:
    """The texts stand on the page as they were written, and none of them ran."""
    for text in texts:
        await expect(person.page.get_by_text(text).first).to_be_attached()
    assert await person.page.evaluate("window.owned") is None
    assert (
        await person.page.locator(
            "[onerror], [onload], [onmouseover], script:not([src]):not([type='application/json'])"
        ).count()
        == 0
    )


async def test_hostile_texts_stay_text_on_both_sides(cast: Cast, tmp_path: Path) -> None:
    customer, representative = await cast.customer(), await cast.representative()
    await customer.stands_in_line("Request", f"Subject {IMAGE}", f"Description {SCRIPT}")
    await representative.is_ready()
    await expect(representative.offer).to_contain_text(f"Subject {IMAGE}")
    await finds_only_text(representative, f"Subject {IMAGE}", f"Description {SCRIPT}")
    await representative.accepts()

    await customer.says(f"Message {VECTOR}")
    await representative.sees(f"Message {VECTOR}")
    await customer.page.locator("[data-composer-files]").set_input_files(a_file(tmp_path, NAME, b"%PDF-1.4\n%%EOF\n"))
    await customer.says("javascript:window.owned=1")
    await representative.sees("javascript:window.owned=1")
    await representative.notes(f"Note {IMAGE}")
    await representative.sees(f"Note {IMAGE}")

    await finds_only_text(representative, f"Message {VECTOR}", f"Note {IMAGE}")
    assert await representative.log.locator("a[href^='javascript:']").count() == 0
    number = await customer.ticket_number
    await customer.page.goto(f"/requests/{number}")
    await finds_only_text(customer, f"Subject {IMAGE}", f"Description {SCRIPT}", f"Message {VECTOR}")
    await representative.page.goto(f"/desk/tickets/{number}")
    await finds_only_text(representative, f"Subject {IMAGE}", f"Message {VECTOR}", f"Note {IMAGE}")
