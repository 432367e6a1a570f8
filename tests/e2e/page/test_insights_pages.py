"""The pages of insights as people use them: a finding comes by itself and is judged, a series is forecast, a rule is tried before it is
saved, a model is trained and says how well it does; and everybody can read them, whatever their role."""

import math
import re
from datetime import UTC, datetime, timedelta

import grpc.aio
import numpy as np
import pyarrow as pa
import pytest
from playwright.async_api import expect

import tidemark
from tests.browser import NARROW, WIDE, Browse, Visit
from tests.deployment import Tenant
from tests.e2e.page.axe import accessible
from tests.e2e.page.boards import sent
from tests.e2e.page.test_exploring import complete
from tidemark.models import conversion
from tidemark.v1 import event_pb2
from tidemark.v1 import insight_pb2 as pb
from tidemark.v1.insight_pb2_grpc import InsightServiceStub

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LONG_MS = 60_000
"""What is learnt takes its time."""
HOSTILE = "<img src=x onerror=alert(1)>"


async def published(tenant: Tenant, name: str, times: list[datetime], users: list[str]) -> None:
    """Sends events of the past, and returns when they are committed."""
    table = pa.table(
        {"name": [name] * len(times), "user_id": users, "occurred_at": pa.array(times, pa.timestamp("us", "UTC"))}
    )  # fmt: skip
    async with tenant.client(ack_mode=tidemark.AckMode.COMMITTED) as client:
        await client.publish(table)
        await client.flush()


async def waves(tenant: Tenant, days: int = 16) -> None:
    """Orders of so many days that rise and fall with the hour."""
    random = np.random.default_rng(3)
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    starts = [now - days * DAY + hour * HOUR for hour in range(24 * days)]
    mean = [10 + 8 * math.sin(each.hour / 24 * 2 * math.pi) for each in starts]
    times = [
        start + at * timedelta(minutes=2)
        for start, rate in zip(starts, mean, strict=True)
        for at in range(min(29, random.poisson(rate)))
    ]
    await published(tenant, "order_placed", times, ["ann"] * len(times))


async def visits(tenant: Tenant, people: int = 160, days: int = 60) -> None:
    """People of whom each comes as often as is usual for them."""
    random = np.random.default_rng(7)
    now = datetime.now(UTC)
    came = [
        (now - (day + float(random.random())) * DAY, f"user-{person:03}")
        for person, keen in enumerate(random.uniform(0.02, 0.6, people))
        for day in range(days)
        if random.random() < keen
    ]
    await published(tenant, "visit", [at for at, _ in came], [who for _, who in came])


async def intruded(tenant: Tenant, name: str) -> None:
    """A kind of security event that was never seen before."""
    event = {"name": name, "user_id": "eve", "type": event_pb2.EVENT_TYPE_SECURITY_EVENT}
    await sent(tenant, [event])


async def test_a_finding_comes_by_itself_and_is_judged(browse: Browse) -> None:
    async with browse("/insights", role="analyst") as visit:
        page = visit.page
        await expect(page.get_by_text("Nothing was found yet")).to_be_visible()
        await expect(page.get_by_text("live", exact=True)).to_be_visible()
        await intruded(visit.tenant, HOSTILE)
        card = page.get_by_role("article").filter(has_text=HOSTILE)
        await expect(card).to_be_visible()
        await expect(card).to_contain_text("very likely (99%)")
        await expect(card).to_contain_text("anomaly")
        await expect(page.get_by_text("is expected to be false")).to_be_visible()
        await accessible(page)
        await card.get_by_role("button", name="Evidence and what to do").click()
        await expect(card).to_contain_text("first security event of this name")
        await card.get_by_role("button", name="Acknowledge").click()
        await expect(card.get_by_role("button", name="Acknowledge")).to_have_count(0)
        await card.get_by_role("button", name="Confirmed").click()
        pressed = card.get_by_role("button", name="Confirmed", pressed=True)
        await expect(pressed).to_be_visible()
        await page.reload()
        await expect(pressed).to_be_visible()
        await card.get_by_role("link", name=re.compile("A new kind")).click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Findings · ")
        await expect(pressed).to_be_visible()
        await page.go_back()
        await page.get_by_label("Type", exact=True).select_option("trend")
        await expect(page.get_by_text("Nothing like that was found")).to_be_visible()
        await page.reload()
        await expect(page.get_by_text("Nothing like that was found")).to_be_visible()


async def test_a_series_is_forecast_with_its_error_beside_the_baselines(browse: Browse) -> None:
    async with browse(role="viewer") as visit:
        page = visit.page
        await waves(visit.tenant)
        await visit.open("/explore")
        await complete(page, "Event", "ord", "order_placed")
        await page.get_by_role("link", name="Forecast", exact=True).click()
        await expect(page.get_by_role("combobox", name="Event")).to_have_value("order_placed")
        await page.get_by_label("Width of a bucket").select_option("hour")
        await page.get_by_role("button", name=re.compile("Last 24 hours")).click()
        await page.get_by_role("button", name="Last 30 days").click()
        await page.get_by_label("Buckets ahead").fill("24")
        await page.get_by_role("button", name="Forecast", exact=True).click()
        errors = page.get_by_role("region", name="Error measured on its own past")
        await expect(errors.get_by_role("row")).to_have_count(3, timeout=LONG_MS)
        await expect(errors.get_by_role("row", name=re.compile("This forecast"))).to_contain_text("%")
        chart = page.get_by_role("slider", name=re.compile("order_placed"))
        await chart.press("End")
        await expect(chart).to_have_attribute("aria-valuetext", re.compile("expected .+ from .+ to "))
        await page.get_by_role("button", name="Back-test").click()
        tested = page.get_by_role("region", name="Errors of the back-test")
        await expect(tested.get_by_role("row", name=re.compile("seasonal naive"))).to_be_visible(
            timeout=LONG_MS
        )
        await visit.picture("insights-forecast")
        await accessible(page)
        await page.get_by_role("combobox", name="Method").select_option("theta")
        await page.get_by_role("button", name="Forecast", exact=True).click()
        await expect(page.locator("tm-forecast-series p").first).to_contain_text("theta", timeout=LONG_MS)


async def test_a_rule_is_tried_on_the_past_before_it_is_saved(browse: Browse) -> None:
    async with browse(role="analyst") as visit:
        page = visit.page
        now = datetime.now(UTC)
        # Three minutes of many orders, an hour ago.
        times = [now - HOUR + at * timedelta(seconds=1) for at in range(180)]
        await published(visit.tenant, "order_placed", times, ["ann"] * len(times))
        await visit.open("/insights/alerts")
        await expect(page.get_by_text("No rules yet")).to_be_visible()
        await page.get_by_role("link", name="New rule").click()
        trial = page.get_by_role("region", name="What it would have done")
        await expect(trial.get_by_text("0 incidents")).to_be_visible()
        await page.get_by_label("This limit").fill("20")
        await page.get_by_label("This limit").press("Tab")
        await expect(trial.get_by_text("1 incident", exact=True)).to_be_visible()
        await expect(trial.get_by_role("row")).to_have_count(2)
        await accessible(page)
        await visit.picture("insights-alert")
        await page.get_by_role("textbox", name="Name").fill("Too many orders")
        await page.get_by_role("button", name="Create").click()
        row = page.get_by_role("row", name=re.compile("Too many orders"))
        await expect(row).to_contain_text("above 20")
        await row.get_by_label("Snooze Too many orders").select_option("1 hour")
        await expect(row).to_contain_text("snoozed until")
        await row.get_by_role("button", name="Disable Too many orders").click()
        await expect(row).to_contain_text("disabled")
        await row.get_by_role("link").click()
        await expect(page.get_by_label("This limit")).to_have_value("20")
        await page.get_by_role("button", name="Delete…").click()
        await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        await expect(page.get_by_text("No rules yet")).to_be_visible()


async def test_the_secret_of_a_webhook_is_shown_once(browse: Browse) -> None:
    async with browse("/insights/channels", role="admin") as visit:
        page = visit.page
        await page.get_by_role("button", name="New channel").click()
        await page.get_by_role("textbox", name="Name").fill("On call")
        await page.get_by_label("Address of the web server").fill("https://hooks.example.com/tidemark")
        await accessible(page)
        await page.get_by_role("button", name="Create").click()
        await expect(page.get_by_label("Secret", exact=True)).to_have_text(re.compile("^whsec_"))
        await page.get_by_role("button", name="I have kept it").click()
        await expect(page.get_by_role("row", name=re.compile("On call"))).to_contain_text("hooks.example.com")
        await expect(page.get_by_text("whsec_")).to_have_count(0)
        await page.reload()
        await expect(page.get_by_role("row", name=re.compile("On call"))).to_be_visible()
        await expect(page.get_by_text("whsec_")).to_have_count(0)


async def test_an_indicator_is_made_and_deleted(browse: Browse) -> None:
    async with browse("/insights/indicators", role="analyst") as visit:
        page = visit.page
        await expect(page.get_by_text("No indicators yet")).to_be_visible()
        await page.get_by_role("button", name="New indicator").click()
        await page.get_by_role("textbox", name="Name").fill("Median amount")
        await page.get_by_role("combobox", name="Kind").select_option("Any series")
        await accessible(page)
        await page.get_by_role("combobox", name="Good is").select_option("up")
        await page.get_by_label("Bad beyond").fill("10")
        await page.get_by_role("button", name="Create").click()
        row = page.get_by_role("row", name=re.compile("Median amount"))
        await expect(row).to_contain_text("all events")
        await row.get_by_role("button", name="Delete Median amount").click()
        await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        await expect(page.get_by_text("No indicators yet")).to_be_visible()


async def test_a_model_is_trained_and_says_how_well_it_does(browse: Browse) -> None:
    async with browse(role="analyst") as visit:
        page = visit.page
        await visits(visit.tenant)
        await visit.open("/insights/models")
        await expect(page.get_by_text("No models yet")).to_be_visible()
        await page.get_by_role("button", name="New model").click()
        await page.get_by_role("textbox", name="Name").fill("Comes this week")
        await page.get_by_role("combobox", name="What is predicted").select_option("conversion")
        await complete(page, "The goal is", "vis", "visit")
        await page.get_by_label("Within, days").fill("7")
        await page.get_by_label("Looks back, days").fill("30")
        await accessible(page)
        await page.get_by_role("button", name="Create").click()
        await expect(page.get_by_text("Predicts that people do visit within 7 d.")).to_be_visible()
        await page.get_by_role("button", name="Train a version").click()
        version = page.get_by_role("region", name="Versions").get_by_role("row", name=re.compile("Version 1"))
        await expect(version).to_contain_text("serving", timeout=2 * LONG_MS)
        await expect(version).to_contain_text(re.compile(r"majority .+ n = "))
        measured = page.locator("tm-version")
        await expect(measured.get_by_text("Lead over the rule", exact=True)).to_be_visible()
        tried = page.get_by_role("region", name="What was tried")
        await expect(tried.get_by_role("row", name="simple rule")).to_be_visible()
        await expect(page.get_by_role("img", name=re.compile("Of ten groups"))).to_be_visible()
        people = page.get_by_role("region", name="Predictions")
        await expect(people.get_by_role("row").nth(1)).to_contain_text("user-", timeout=LONG_MS)
        await page.get_by_label("Only this person").fill("user-001")
        await page.get_by_label("Only this person").press("Tab")
        await expect(people.get_by_role("row")).to_have_count(2)
        await accessible(page)
        await visit.picture("insights-model")
        await page.get_by_role("button", name="Delete…").click()
        await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        await expect(page.get_by_text("No models yet")).to_be_visible()


SECTIONS = {
    "findings": "A new kind of security event",
    "baselines": "Every series that is watched",
    "indicators": "Orders",
    "forecast": "Nothing is forecast yet",
    "models": "not trained",
    "alerts": "No rules yet",
    "incidents": "What is at fault",
    "channels": "Nobody was told yet",
}
"""Every page, and what it shows once it has loaded."""
WRITES = {
    "findings": "Confirmed",
    "indicators": "New indicator",
    "models": "New model",
}
"""What is offered on a page to who may write."""


async def readable(visit: Visit) -> None:
    """Something to see on the pages."""
    await intruded(visit.tenant, "login_forged")
    async with visit.tenant.client() as client:
        await client.models.create("Visits", conversion("visit", window="7d"))
    indicator = pb.Indicator(
        display_name="Orders", kind=pb.Indicator.KIND_THROUGHPUT, subject="order_placed", threshold=5
    )
    request = pb.CreateIndicatorRequest(parent=visit.tenant.project, indicator=indicator)
    metadata = (("authorization", f"Bearer {visit.tenant.key}"),)
    async with grpc.aio.insecure_channel(visit.tenant.suite.members["insights"].address) as channel:
        await InsightServiceStub(channel).CreateIndicator(request, metadata=metadata)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("role", "dark", "size"), [("analyst", False, WIDE), ("viewer", True, NARROW)], ids=["light", "dark"]
)
async def test_everybody_can_read_the_pages_of_insights(
    browse: Browse, role: str, dark: bool, size: tuple[int, int]
) -> None:
    async with browse(role=role, dark=dark, size=size) as visit:
        page = visit.page
        await readable(visit)
        for section, shown in SECTIONS.items():
            await visit.open(f"/insights/{section}")
            await expect(page.locator("tm-insights").get_by_text(shown).first).to_be_visible()
            await expect(page.get_by_text("Loading…")).to_have_count(0)
            await visit.picture(f"insights-{section}-{'dark' if dark else 'light'}-{size[0]}")
            assert await page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"), section
            await accessible(page)
            if button := WRITES.get(section):
                await expect(page.get_by_role("button", name=button).first).to_have_count(
                    int(role != "viewer")
                )
        await expect(page.get_by_role("button", name="New channel")).to_have_count(0)
