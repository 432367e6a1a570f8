"""The pages of reports as people use them: a report is made of a template and shown before it is saved, run, proven and taken along; sections
are built one by one; a schedule tells its slots; and everybody can read all of it, whatever their role."""

import hashlib
import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import FrameLocator, Page, expect

from tests.browser import NARROW, WIDE, Browse, Visit
from tests.deployment import Tenant
from tests.e2e.page.axe import accessible
from tests.e2e.page.boards import sent
from tests.e2e.page.test_exploring import complete

LONG_MS = 60_000
"""What is built takes its time."""
HOSTILE = "<img src=x onerror=alert(1)>"
DAY = timedelta(days=1)


async def ordered(tenant: Tenant) -> None:
    """Orders of some days, and an event with a name that is no good."""
    now = datetime.now(UTC)
    events = [
        {"name": "order_placed", "user_id": f"user-{at % 5}", "occurred_at": now - at % 9 * DAY}
        for at in range(120)
    ]
    await sent(tenant, [*events, {"name": HOSTILE, "user_id": "eve", "occurred_at": now - 2 * DAY}])


async def made(tenant: Tenant) -> None:
    """A report that was run, with a schedule, and a destination."""
    query = {"series": {"measures": [{"name": "order_placed", "aggregation": "AGGREGATION_COUNT"}]}}
    figures = {"figures": [{"id": "orders", "title": "Orders", "query": query}]}
    report = {"displayName": f"Weekly {HOSTILE}", "sections": [{"id": "figures", "figures": figures}]}
    async with tenant.client() as client:
        await client.reports.create(report, report_id="weekly")
        await client.schedules.create("weekly", "0 7 * * MON", title="Mondays")
        await client.deliveries.create("Team", email=["team@example.com"])
        await client.editions.run("weekly")


def preview(page: Page) -> FrameLocator:
    """The report as the builder shows it."""
    return page.frame_locator("iframe[title='Preview of the report']")


async def test_a_report_of_a_template_is_shown_saved_run_and_taken_along(browse: Browse) -> None:
    async with browse(role="analyst") as visit:
        page = visit.page
        await ordered(visit.tenant)
        await visit.open("/reports")
        await expect(page.get_by_text("No reports yet")).to_be_visible()
        await page.get_by_role("button", name="New report").click()
        await page.get_by_role("link", name=re.compile("Executive summary")).click()
        shown = preview(page)
        await expect(shown.get_by_text("Active people").first).to_be_visible(timeout=LONG_MS)
        await complete(page, "Conversion", "ord", "order_placed")
        await expect(shown.get_by_text("order_placed").first).to_be_visible(timeout=LONG_MS)
        await page.get_by_role("textbox", name="Title", exact=True).fill(f"Weekly {HOSTILE}")
        await expect(shown.get_by_role("heading", level=1)).to_have_text(f"Weekly {HOSTILE}", timeout=LONG_MS)
        await expect(page.get_by_text("As it would be now")).to_be_visible()
        await expect(shown.locator("img")).to_have_count(0)
        await accessible(page)
        await visit.picture("reports-builder-template")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_text("No editions yet")).to_be_visible()
        await page.get_by_role("button", name="Run…").click()
        await page.get_by_role("checkbox", name="XLSX").check()
        await accessible(page)
        await page.get_by_role("button", name="Run", exact=True).click()
        editions = page.get_by_role("region", name="Editions")
        await expect(editions.get_by_text("proven")).to_be_visible(timeout=LONG_MS)
        proof = page.get_by_role("region", name="Proof")
        await expect(proof.get_by_role("row", name=re.compile("key-figures"))).to_be_visible()
        await visit.picture("reports-report")
        await accessible(page)
        async with page.expect_download() as downloading:
            await page.get_by_role("button", name="Download PDF").click()
        body = (await (await downloading.value).path()).read_bytes()
        assert body.startswith(b"%PDF-")
        await expect(page.get_by_title(hashlib.sha256(body).hexdigest())).to_be_visible()
        await page.get_by_role("button", name="Link to the PDF").click()
        await page.get_by_role("button", name="Make the link").click()
        address = await page.get_by_label("Address", exact=True).text_content()
        answer = await page.context.request.get(address or "")
        assert await answer.body() == body
        await page.get_by_role("button", name="Done").click()
        await page.get_by_role("button", name="End its links").click()
        await expect(page.get_by_text("One link was ended.")).to_be_visible()
        assert (await page.context.request.get(address or "")).status == 404
        await page.get_by_role("button", name="Make it again").click()
        await expect(editions.get_by_text("same figures as the first")).to_be_visible(timeout=LONG_MS)


async def test_sections_are_built_judged_moved_and_undone(browse: Browse) -> None:
    async with browse(role="analyst") as visit:
        page = visit.page
        await ordered(visit.tenant)
        await visit.open("/reports/builder")
        await page.get_by_role("textbox", name="Title", exact=True).fill("Mine")
        await page.get_by_role("button", name="Add a section").click()
        await page.get_by_role("button", name=re.compile("^Text")).click()
        text = page.get_by_role("textbox", name="Text", exact=True)
        await text.fill("# In short\nThere were **{{ figures.nothing.value }}**.")
        await expect(page.get_by_role("alert").filter(has_text="there is no figures.nothing")).to_be_visible()
        await expect(page.get_by_text("1 fault")).to_be_visible()
        await accessible(page)
        await visit.picture("reports-builder")
        await text.fill("# In short\nThere were **{{ figures.figure_1.value | number }}**.")
        await expect(page.get_by_text("1 fault")).to_have_count(0)
        await expect(preview(page).get_by_text(re.compile("There were"))).to_be_visible(timeout=LONG_MS)
        titles = page.locator("tm-report-outline button.title")
        await page.get_by_role("button", name=re.compile("^Move In short")).press("ArrowUp")
        await expect(titles).to_have_text(["In short", "all events"])
        await titles.nth(1).click()
        await page.keyboard.press("Control+z")
        await expect(titles).to_have_text(["all events", "In short"])
        await page.get_by_role("button", name="Redo").click()
        await page.get_by_role("button", name="More for all events").click()
        await page.get_by_role("menuitem", name="Duplicate").click()
        await expect(titles).to_have_text(["In short", "all events", "all events"])
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_text("3 sections")).to_be_visible()
        await page.get_by_role("link", name="Edit").click()
        await expect(titles).to_have_count(3)


async def test_a_schedule_tells_its_slots_before_it_is_made(browse: Browse) -> None:
    async with browse("/reports/destinations", role="admin") as visit:
        page = visit.page
        await made(visit.tenant)
        await page.get_by_role("button", name="New destination").click()
        await page.get_by_role("textbox", name="Name").fill("Hook")
        await page.get_by_role("combobox", name="Kind").select_option("webhook")
        await page.get_by_label("Address of the web server").fill("https://hooks.example.com/tidemark")
        await accessible(page)
        await page.get_by_role("button", name="Create").click()
        await expect(page.get_by_label("Secret", exact=True)).to_have_text(re.compile("^whsec_"))
        await page.get_by_role("button", name="I have kept it").click()
        await expect(page.get_by_role("row", name=re.compile("Hook"))).to_contain_text("hooks.example.com")
        await expect(page.get_by_text("whsec_")).to_have_count(0)
        await page.get_by_role("button", name="Test Team").click()
        await expect(page.get_by_text(re.compile("Team: not delivered"))).to_be_visible()
        await visit.open("/reports/all/weekly")
        await page.get_by_role("button", name="New schedule").click()
        dialog = page.get_by_role("dialog").filter(has_text="New schedule")
        await dialog.get_by_role("textbox", name="Name").fill("Mornings")
        await dialog.get_by_role("combobox", name="When").select_option("Working days at 07:00")
        await dialog.get_by_role("combobox", name="Time zone").fill("Asia/Tokyo")
        await dialog.get_by_role("combobox", name="Time zone").press("Tab")
        await expect(dialog.get_by_text(re.compile("Monday .* Friday"))).to_be_visible()
        await expect(dialog.get_by_role("listitem")).to_have_count(5)
        await expect(dialog.get_by_role("listitem").first).to_contain_text("07:00")
        await dialog.get_by_role("textbox", name=re.compile("^Minute")).fill("* * * * *")
        await expect(dialog.get_by_text("at least 5 min")).to_be_visible()
        await dialog.get_by_role("textbox", name=re.compile("^Minute")).fill("30 6 * * *")
        await expect(dialog.get_by_role("listitem").first).to_contain_text("06:30")
        await dialog.get_by_role("button", name="Recipient").click()
        await dialog.get_by_label("Destination of recipient 1").select_option("Hook")
        await dialog.get_by_label("What recipient 1 gets").select_option("links for 7 days")
        await accessible(page)
        await visit.picture("reports-schedule")
        await dialog.get_by_role("button", name="Create").click()
        row = page.get_by_role("row", name=re.compile("Mornings"))
        await expect(row).to_contain_text("hook")
        await row.get_by_role("button", name="Pause Mornings").click()
        await expect(row).to_contain_text("paused")
        await row.get_by_role("button", name="Delete Mornings").click()
        await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        await expect(row).to_have_count(0)


async def test_a_template_is_written_with_its_faults_at_their_line(browse: Browse) -> None:
    async with browse(role="analyst") as visit:
        page = visit.page
        await ordered(visit.tenant)
        await visit.open("/reports/templates/new")
        await page.get_by_role("textbox", name="Name", exact=True).fill("Orders")
        await complete(page, "Event", "ord", "order_placed")
        made = page.get_by_role("list", name="Sections")
        await expect(made.get_by_role("listitem")).to_have_count(2)
        source = page.get_by_role("textbox", name=re.compile("^Source"))
        good = await source.input_value()
        await source.fill(good + "{% for each in nothing %}\n")
        await expect(page.get_by_role("button", name=re.compile("Go to line"))).to_be_visible()
        await accessible(page)
        await visit.picture("reports-template")
        await source.fill(good)
        await expect(made.get_by_role("listitem")).to_have_count(2)
        await page.get_by_role("button", name="Create").click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Templates · Orders")
        await page.get_by_role("link", name="New report").click()
        await expect(page.get_by_text("Choose first: Event.")).to_be_visible()
        await complete(page, "Event", "ord", "order_placed")
        await expect(preview(page).get_by_text("order_placed").first).to_be_visible(timeout=LONG_MS)
        await page.get_by_role("button", name="Make its sections my own").click()
        await expect(page.locator("tm-report-outline button.title")).to_have_count(2)


SECTIONS = {
    "all": "Weekly",
    "all/weekly": "proven",
    "builder": "Builder",
    "schedules": "Mondays",
    "runs": "hand",
    "deliveries": "Nothing was delivered yet",
    "destinations": "Team",
    "templates": "Executive summary",
    "templates/-product-usage": "Use at a glance",
}
"""Every page, and what it shows once it has loaded."""
WRITES = {"all": "New report", "all/weekly": "Run…"}
"""What is offered on a page to who may write."""


@pytest.mark.parametrize(
    ("role", "dark", "size"), [("analyst", False, WIDE), ("viewer", True, NARROW)], ids=["light", "dark"]
)
async def test_everybody_can_read_the_pages_of_reports(
    browse: Browse, role: str, dark: bool, size: tuple[int, int]
) -> None:
    async with browse(role=role, dark=dark, size=size) as visit:
        page = visit.page
        await made(visit.tenant)
        for section, shown in SECTIONS.items():
            await visit.open(f"/reports/{section}")
            await seen(visit, shown)
            name = section.replace("/", "-")
            await visit.picture(f"reports-{name}-{'dark' if dark else 'light'}-{size[0]}")
            assert await page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"), section
            await accessible(page)
            if button := WRITES.get(section):
                await expect(page.get_by_role("button", name=button)).to_have_count(int(role != "viewer"))
        await expect(page.get_by_role("button", name="New destination")).to_have_count(0)


async def seen(visit: Visit, shown: str) -> None:
    """Waits until a page has loaded."""
    await expect(visit.page.locator("tm-reports").get_by_text(shown).first).to_be_visible()
    await expect(visit.page.get_by_text("Loading…")).to_have_count(0)
