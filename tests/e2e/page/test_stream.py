"""The page `Live`: events appear as they are committed, wait while it is paused, and are narrowed down."""

from playwright.async_api import expect

from tests.browser import Browse
from tests.e2e.page.boards import sent


async def test_events_appear_as_they_are_committed_and_wait_while_paused(browse: Browse) -> None:
    async with browse("/live", role="viewer") as visit:
        page, rows = visit.page, visit.page.locator("tm-event-row")
        await expect(page.get_by_text("No such event in the last hour")).to_be_visible()
        await sent(visit.tenant, [{"name": "first"}])
        await expect(rows).to_have_count(1)
        await page.get_by_role("button", name="Pause").click()
        await sent(visit.tenant, [{"name": "second"}, {"name": "third"}])
        await expect(page.get_by_role("button", name="Show 2 new")).to_be_visible()
        await expect(rows).to_have_count(1)
        await page.get_by_role("button", name="Resume").click()
        await expect(rows).to_have_count(3)
        await expect(rows.last).to_contain_text("first")


async def test_an_event_opens_and_leads_to_its_like_and_the_address_keeps_that(browse: Browse) -> None:
    async with browse(role="viewer") as visit:
        page, rows = visit.page, visit.page.locator("tm-event-row")
        people = ("ann", "bob", "ann")
        await sent(
            visit.tenant, [{"name": "login", "user_id": who, "properties": {"at": "desk"}} for who in people]
        )
        await visit.open("/live")
        await expect(rows).to_have_count(3)
        row = rows.filter(has_text="bob")
        await row.get_by_role("button").first.click()
        await expect(row.locator("pre")).to_contain_text('"at": "desk"')
        await row.get_by_role("button", name="Only this person").click()
        await expect(rows).to_have_count(1)
        await page.reload()
        await expect(rows).to_have_count(1)
        await sent(visit.tenant, [{"name": "login", "user_id": "ann"}, {"name": "login", "user_id": "bob"}])
        await expect(rows).to_have_count(2)
