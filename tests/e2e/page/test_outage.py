"""What readers see while a server is away: that the page is cut, and then everything that happened meanwhile."""

import pytest
from playwright.async_api import expect

from tests.browser import Browse
from tests.e2e.page.boards import counted, made, sent


@pytest.mark.parametrize("away", ["query", "edge"])
async def test_a_page_that_was_cut_says_so_and_goes_on_with_what_it_has_missed(
    browse: Browse, away: str
) -> None:
    async with browse() as visit:
        page, member = visit.page, visit.tenant.suite.members[away]
        await sent(visit.tenant, [{"name": "login"}])
        await visit.open(await made(visit.tenant, counted("all", "login")))
        figure, connection = page.locator("tm-number"), page.get_by_title("The stream of this page")
        await expect(figure).to_have_attribute("data-value", "1")
        await expect(connection).to_contain_text("live")
        member.kill()
        try:
            await expect(connection).to_contain_text("reconnecting…")
            await expect(page.locator("tm-tile")).to_contain_text("reconnecting…")
            # What was known stays in sight, and what happens is taken in.
            await expect(figure).to_have_attribute("data-value", "1")
            await sent(visit.tenant, [{"name": "login"}, {"name": "login"}])
        finally:
            member.spawn()
            member.await_ready()
        await expect(connection).to_contain_text("live")
        await expect(figure).to_have_attribute("data-value", "3")
        await sent(visit.tenant, [{"name": "login"}])
        await expect(figure).to_have_attribute("data-value", "4")
