"""What readers do with a dashboard: they see what happens at once, choose what is shown, and ask what is behind a figure."""

import statistics
import time
from datetime import UTC, datetime, timedelta

from playwright.async_api import Locator, Page, expect

from tests.browser import Browse
from tests.deployment import Tenant
from tests.e2e.page.boards import between, count, counted, drawn, made, sent, series
from tidemark.v1 import question_pb2 as q
from tidemark.v1.dashboard_pb2 import Display, Variable

PLANS = ("free", "free", "pro")
TABLE = q.Query(table=q.TableQuestion(measures=[count("signup")], group_by=["properties.plan"]))


def number(page: Page, title: str) -> Locator:
    """The figure of a number tile."""
    return (
        page.locator("tm-tile")
        .filter(has=page.get_by_role("heading", name=title, exact=True))
        .locator("tm-number")
    )


async def signups(tenant: Tenant) -> None:
    """Three, of two free plans and one that is paid for."""
    await sent(
        tenant,
        [
            {"name": "signup", "user_id": f"user-{at}", "properties": {"plan": plan}}
            for at, plan in enumerate(PLANS)
        ],
    )


async def test_an_event_changes_the_number_on_the_page_within_a_second(browse: Browse) -> None:
    async with browse() as visit:
        page = visit.page
        await visit.open(await made(visit.tenant, counted("all", "login")))
        figure = number(page, "all")
        await expect(figure).to_have_attribute("data-value", "0")
        taken = []
        async with visit.tenant.client() as client:
            for total in range(1, 6):
                seen = page.evaluate(
                    """([figure, wanted]) => new Promise(resolve => {
                        const look = () => figure.getAttribute('data-value') === wanted
                            && requestAnimationFrame(() => resolve(performance.timeOrigin + performance.now()))
                        new MutationObserver(look).observe(figure, {attributes: true})
                        look()
                    })""",
                    [await figure.element_handle(), str(total)],
                )
                at = time.time()
                client.track("login", user_id="ann")
                taken.append(await seen / 1000 - at)
        print(
            f"from track() to the number on the page: {', '.join(f'{each * 1000:.0f} ms' for each in taken)}"
        )
        assert statistics.median(taken) < 1.0


async def test_a_number_leads_to_its_events_and_to_the_people_behind_it(browse: Browse) -> None:
    async with browse(role="viewer") as visit:
        page = visit.page
        await signups(visit.tenant)
        await visit.open(await made(visit.tenant, counted("Signups", "signup")))
        await expect(number(page, "Signups")).to_have_attribute("data-value", "3")
        await number(page, "Signups").get_by_role("button").click()
        panel = page.get_by_role("dialog", name="Signups")
        await expect(panel.locator("details")).to_have_count(3)
        await panel.locator("summary").first.click()
        await expect(panel.locator("pre")).to_contain_text('"plan"')
        await panel.get_by_role("tab", name="People").click()
        await expect(panel.get_by_role("row")).to_have_count(4)
        await expect(panel.get_by_role("cell", name="user-2", exact=True)).to_be_visible()
        await panel.get_by_role("link", name="Explore").click()
        await expect(page.get_by_role("heading", name="Explore")).to_be_visible()
        await expect(page.get_by_role("button", name="People", exact=True)).to_have_attribute(
            "aria-pressed", "true"
        )


async def test_points_of_charts_rows_and_steps_lead_to_who_is_behind_them(browse: Browse) -> None:
    async with browse() as visit:
        page, tenant = visit.page, visit.tenant
        await signups(tenant)
        await sent(tenant, [{"name": "login", "user_id": "user-2"}])
        steps = [q.Step(name="signup"), q.Step(name="login")]
        path = await made(
            tenant,
            drawn("Lines", series("signup"), at=(0, 0, 6, 6)),
            drawn("Rows", TABLE, at=(6, 0, 6, 6)),
            drawn("Steps", q.Query(funnel=q.FunnelQuestion(steps=steps)), at=(0, 6, 6, 6)),
        )
        await visit.open(path)
        panel = page.locator("tm-drill dialog")
        people = panel.locator("tbody tr")

        chart = page.get_by_role("slider", name="Lines")
        await chart.focus()
        await page.keyboard.press("End")
        await expect(page.locator("tm-chart .tip")).to_be_visible()
        await page.keyboard.press("Enter")
        await expect(panel.locator("details")).to_have_count(3)
        await page.keyboard.press("Escape")

        await page.get_by_role("button", name="Who and what is behind pro").click()
        await expect(panel.locator("details")).to_have_count(1)
        await panel.get_by_role("button", name="Close").click()

        await page.locator("tm-funnel button.bar").nth(1).click()
        await expect(people).to_have_count(1)
        await expect(people.get_by_role("cell", name="user-2")).to_be_visible()
        await panel.get_by_role("button", name="Close").click()
        await page.locator("tm-funnel .between button").click()
        await expect(people).to_have_count(2)


async def test_a_filter_a_row_and_a_variable_narrow_every_tile_and_stay_in_the_address(
    browse: Browse,
) -> None:
    async with browse() as visit:
        page = visit.page
        await signups(visit.tenant)
        chosen = q.Comparison(field="properties.plan", operator=q.OPERATOR_IN)
        chosen.values.add(string_value="$plan")
        path = await made(
            visit.tenant,
            counted("All", "signup"),
            drawn("Plans", TABLE, at=(3, 0, 9, 6)),
            variables=[Variable(id="plan", display_name="Plan", field="properties.plan")],
            filter=q.Filter(comparison=chosen),
        )
        await visit.open(path)
        await expect(number(page, "All")).to_have_attribute("data-value", "3")

        await page.get_by_role("button", name="Plan: all").click()
        await page.get_by_role("checkbox", name="free").check()
        await expect(number(page, "All")).to_have_attribute("data-value", "2")
        await page.reload()
        await expect(number(page, "All")).to_have_attribute("data-value", "2")
        await page.get_by_role("button", name="Plan: free").click()
        await page.get_by_role("checkbox", name="free").uncheck()
        await expect(number(page, "All")).to_have_attribute("data-value", "3")
        await page.keyboard.press("Escape")

        await page.get_by_role("button", name="Filter", exact=True).click()
        await page.get_by_role("button", name="Condition").click()
        await page.get_by_label("Field", exact=True).fill("user_id")
        await page.get_by_label("Field", exact=True).press("Enter")
        await page.get_by_label("Value", exact=True).fill("user-1")
        await page.get_by_label("Value", exact=True).press("Enter")
        await expect(number(page, "All")).to_have_attribute("data-value", "1")
        await page.get_by_role("button", name="Show all").click()
        await expect(number(page, "All")).to_have_attribute("data-value", "3")
        await page.keyboard.press("Escape")

        await page.get_by_role("button", name="pro", exact=True).click()
        await expect(number(page, "All")).to_have_attribute("data-value", "1")
        await page.go_back()
        await expect(number(page, "All")).to_have_attribute("data-value", "3")


async def test_the_time_is_chosen_by_words_by_instants_and_by_marking_a_chart(browse: Browse) -> None:
    async with browse() as visit:
        page = visit.page
        now = datetime.now(UTC)
        ago = [now - timedelta(minutes=minutes) for minutes in (5, 90, 100)]
        await sent(visit.tenant, [{"name": "login", "occurred_at": at} for at in ago])
        await visit.open(
            await made(visit.tenant, counted("All"), drawn("Lines", series("login"), at=(0, 3, 12, 6)))
        )
        await expect(number(page, "All")).to_have_attribute("data-value", "1")
        await page.get_by_role("button", name="Time: Last hour").click()
        await page.get_by_role("button", name="Last 6 hours").click()
        await expect(number(page, "All")).to_have_attribute("data-value", "3")
        await page.get_by_role("button", name="Back to the time before").click()
        await expect(number(page, "All")).to_have_attribute("data-value", "1")
        await page.get_by_role("button", name="Zoom out").click()
        await expect(number(page, "All")).to_have_attribute("data-value", "3")

        box = await page.locator("tm-plot .u-over").bounding_box()
        assert box
        await page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 40)
        await page.mouse.down()
        await page.mouse.move(box["x"] + box["width"] * 0.99, box["y"] + 60, steps=5)
        await page.mouse.up()
        await expect(number(page, "All")).to_have_attribute("data-value", "1")

        start, end = (now - timedelta(minutes=minutes) for minutes in (95, 60))
        await page.get_by_role("button", name="Time:").click()
        await page.get_by_label("From").fill(f"{start:%Y-%m-%dT%H:%M}")
        await page.get_by_label("To (now when empty)").fill(f"{end:%Y-%m-%dT%H:%M}")
        await page.get_by_role("button", name="Show this time").click()
        await expect(number(page, "All")).to_have_attribute("data-value", "1")
        await expect(page.get_by_role("slider", name="Lines")).to_be_visible()


async def test_everything_is_compared_with_the_period_before(browse: Browse) -> None:
    async with browse(role="viewer") as visit:
        page = visit.page
        end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        ago = [end - timedelta(minutes=minutes) for minutes in (5, 10, 65)]
        await sent(visit.tenant, [{"name": "login", "occurred_at": at} for at in ago])
        hour = between(end - timedelta(hours=1), end)
        await visit.open(await made(visit.tenant, counted("All", "login"), time_range=hour))
        await expect(number(page, "All")).to_have_attribute("data-value", "2")
        await page.get_by_role("button", name="Compare").click()
        await expect(number(page, "All").get_by_text("was 1")).to_be_visible()
        await expect(number(page, "All").get_by_text("+100%")).to_be_visible()


async def test_a_tile_fills_the_screen_and_goes_out_as_a_file(browse: Browse) -> None:
    async with browse(role="viewer") as visit:
        page = visit.page
        await signups(visit.tenant)
        bars = drawn("Plans", TABLE, kind=Display.KIND_BAR)
        await visit.open(await made(visit.tenant, bars))
        await expect(page.get_by_role("button", name="free")).to_be_visible()

        async def pick(item: str) -> None:
            await page.get_by_role("button", name="More about Plans").click()
            await page.get_by_role("menuitem", name=item).click()

        await pick("Full screen")
        await expect(page.locator("tm-tile")).to_have_attribute("full", "")
        await page.keyboard.press("Escape")
        await expect(page.locator("tm-tile")).not_to_have_attribute("full", "")
        for item, beginning in (("Save as CSV", b"plan,signup"), ("Save as PNG", b"\x89PNG")):
            async with page.expect_download() as download:
                await pick(item)
            assert (await (await download.value).path()).read_bytes().startswith(beginning)
