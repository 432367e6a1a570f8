"""The loop of repair as people go through it: a schema sets events aside, the page shows why, mends them, and the ledger agrees."""

import re

from playwright.async_api import Locator, Page, expect

from tests.browser import Browse
from tests.e2e.page.boards import sent
from tests.e2e.page.orders import NAME, judged, orders, set_aside

GOOD, BROKEN = 20, 12


def section(page: Page, name: str) -> Locator:
    """The way to another page about the data."""
    return page.get_by_role("navigation", name="Data").get_by_role("link", name=name)


async def patch(page: Page, change: str) -> None:
    """Asks for a change to the field at fault."""
    await page.get_by_role("button", name="Change a field").click()
    await expect(page.get_by_label("Field")).to_have_value("properties.amount")
    await page.get_by_role("combobox", name="Change").select_option(change)


async def test_what_breaks_its_schema_is_shown_repaired_and_accounted_for(browse: Browse) -> None:
    async with browse(role="analyst") as visit:
        page = visit.page
        await sent(visit.tenant, orders(GOOD))
        await visit.open("/data/events")
        await page.get_by_role("row", name=NAME).get_by_role("link", name="make one").click()
        await expect(page.get_by_label("Event", exact=True)).to_have_value(NAME)
        await page.get_by_label("Where it is broken").select_option("set it aside as a dead letter")
        await page.get_by_role("button", name="Propose from stored events").click()
        await expect(page.get_by_label("JSON Schema of the properties")).to_have_value(
            re.compile('"amount": {\\s*"type": "number"')
        )
        await page.get_by_role("button", name="Create").click()
        await expect(page.get_by_role("heading", name=f"Schemas · {NAME}")).to_be_visible()
        await expect(page.get_by_label("Where it is broken")).to_have_value("2")

        await judged(visit.tenant)
        await sent(visit.tenant, orders(BROKEN, broken=True))
        await section(page, "Events").click()
        await expect(page.get_by_role("row", name=NAME)).to_contain_text(f"{BROKEN} (100%)")
        await section(page, "Dead letters").click()
        cluster = page.get_by_role("row", name=NAME)
        await expect(cluster).to_contain_text("properties.amount")
        await expect(cluster.get_by_role("cell").nth(4)).to_have_text(str(BROKEN))
        await cluster.get_by_role("link").click()

        await patch(page, "Make it a text")
        await page.get_by_role("button", name="Preview").click()
        await expect(
            page.get_by_text(f"0 of {BROKEN} would be recovered; {BROKEN} stay at fault.")
        ).to_be_visible()
        await expect(page.get_by_role("button", name="Repair 0")).to_be_disabled()
        await page.get_by_role("combobox", name="Change").select_option("Make it a number")
        await page.get_by_role("button", name="Preview").click()
        await expect(page.get_by_text(f"{BROKEN} of {BROKEN} would be recovered.")).to_be_visible()
        await expect(page.get_by_text(f"+{BROKEN}")).to_be_visible()
        await page.get_by_role("button", name=f"Repair {BROKEN}").click()
        await expect(page.get_by_text(f"{BROKEN} of {BROKEN} recovered.")).to_be_visible()
        await expect(page.get_by_text("None is open")).to_be_visible()

        await section(page, "Dead letters").click()
        await expect(page.get_by_text("No dead letters")).to_be_visible()
        async with visit.tenant.client() as client:
            await visit.tenant.settled(client)
        await section(page, "Ledger").click()
        await expect(page.get_by_text("balanced", exact=True)).to_be_visible()
        whole = str(GOOD + BROKEN)
        counts = page.get_by_role("row", name="Total of all").get_by_role("cell")
        await expect(counts).to_have_text(["Total of all", whole, whole, "0", "0", "0", "0"])


async def test_what_is_given_up_stays_dead_lettered(browse: Browse) -> None:
    async with browse(role="analyst") as visit:
        page = visit.page
        await set_aside(visit.tenant, NAME)
        await visit.open("/data/letters")
        await page.get_by_role("row", name=NAME).get_by_role("link").click()
        await page.get_by_role("button", name="Give up…").click()
        dialog = page.get_by_role("dialog", name="Give all of them up?")
        await dialog.get_by_role("button", name="Cancel").click()
        await expect(dialog).to_be_hidden()
        await expect(page.get_by_role("button", name="Preview")).to_be_visible()
        await page.get_by_role("button", name="Give up…").click()
        await dialog.get_by_role("button", name="Give up").click()
        await expect(page.get_by_text("4 given up.")).to_be_visible()
        await section(page, "Ledger").click()
        await expect(page.get_by_role("row", name="Total of all").get_by_role("cell")).to_have_text(
            ["Total of all", "7", "3", "0", "0", "4", "0"]
        )
