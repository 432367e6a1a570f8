"""How the pages look: readable for everybody, in both themes and on every window; pictures land in `tests/artefacts`."""

import random
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser import NARROW, WIDE, Browse, Visit
from tests.deployment import Tenant
from tests.e2e.page.axe import accessible
from tests.e2e.page.boards import Happened, count, counted, drawn, hours, made, sent, series
from tidemark.v1 import question_pb2 as q
from tidemark.v1.dashboard_pb2 import Display, Tile

TALLEST = 6_000
"""Pixels; what is below is drawn when somebody scrolls there."""
STEPS = ("page_view", "cart_add", "checkout", "order_placed")


def shop() -> Iterator[Happened]:
    """Two days of a shop: what its visitors do, the same in every run."""
    chance, now = random.Random(7), datetime.now(UTC)
    for number in range(600):
        user, country = f"user-{number % 240:03}", chance.choice(("DE", "FR", "US", "JP"))
        at = now - timedelta(hours=chance.uniform(0.1, 47))
        for name in STEPS[: chance.choice((1, 1, 2, 2, 3, 4))]:
            properties = {"country": country, "amount": round(chance.lognormvariate(3, 1), 2)}
            yield {
                "name": name,
                "user_id": user,
                "session_id": f"s{number}",
                "occurred_at": at,
                "properties": properties,
            }
            at += timedelta(minutes=chance.uniform(0.2, 4))


def tiles() -> Iterator[Tile]:
    """One of each."""
    by_country: dict[str, Any] = {"group_by": ["properties.country"]}
    compared = {"compare": q.COMPARE_PREVIOUS_PERIOD}
    steps = [q.Step(name=name) for name in STEPS]
    day = q.Interval.UNIT_DAY
    yield counted("Views", "page_view", **compared)
    yield counted("Orders", "order_placed", at=(3, 0, 3, 3), **compared)
    yield Tile(
        id="note",
        title="Note",
        layout={"x": 6, "width": 6, "height": 3},
        text="# A shop\nTwo days of **made-up** visitors.\n- views\n- orders",
    )
    yield drawn("Events", series("", **by_country), at=(0, 3, 6, 6), kind=Display.KIND_AREA)
    yield drawn("Views by hour", series("page_view", **compared), at=(6, 3, 6, 6))
    yield drawn(
        "Countries",
        q.Query(
            table=q.TableQuestion(
                measures=[count(), q.Measure(aggregation=q.AGGREGATION_UNIQUES)], **by_country
            )
        ),
        at=(0, 9, 4, 6),
    )
    orders = drawn(
        "Orders by country", series("order_placed", **by_country), at=(4, 9, 4, 6), kind=Display.KIND_BAR
    )
    orders.display.stacked = True
    yield orders
    yield drawn(
        "Names",
        q.Query(table=q.TableQuestion(measures=[count()], group_by=["name"])),
        at=(8, 9, 4, 6),
        kind=Display.KIND_BAR,
    )
    yield drawn("To the order", q.Query(funnel=q.FunnelQuestion(steps=steps)), at=(0, 15, 6, 8))
    yield drawn(
        "Coming back",
        q.Query(retention=q.RetentionQuestion(start=q.Step(), back=q.Step(), period=day)),
        at=(6, 15, 6, 8),
    )
    yield drawn("Lifecycle", q.Query(lifecycle=q.LifecycleQuestion(period=day)), at=(0, 23, 6, 6))
    yield drawn("Sessions", q.Query(sessions=q.SessionsQuestion()), at=(6, 23, 6, 6))
    yield drawn(
        "What comes next", q.Query(paths=q.PathsQuestion(start=q.Step(name="page_view"))), at=(0, 29, 6, 7)
    )
    yield drawn("Latest", q.Query(events=q.EventsQuestion()), at=(6, 29, 6, 7))


async def places(visit: Visit, path: str, width: int) -> AsyncIterator[str]:
    """Goes through every page, and gives the name of each once it has all that it shows, in a window as high as that."""
    page = visit.page
    for name, where, whole in (
        ("home", "/", page.locator("tm-events details").first),
        ("dashboards", "/dashboards", page.get_by_role("link", name="The shop")),
        ("dashboard", path, page.locator("tm-events details").first),
        ("explorer", "/explore", page.locator("tm-tile canvas")),
        ("live", "/live", page.locator("tm-event-row").first),
    ):
        await page.set_viewport_size({"width": width, "height": WIDE[1]})
        await visit.open(where)
        await expect(page.get_by_role("heading", level=1)).to_be_attached()
        await expect(page.locator("tm-tile, tm-event-row, table").first).to_be_attached()
        height = await page.evaluate("document.documentElement.scrollHeight")
        await page.set_viewport_size({"width": width, "height": min(height, TALLEST)})
        await expect(whole).to_be_visible()
        await expect(page.get_by_role("status", name="Loading")).to_have_count(0)
        yield name
    await page.set_viewport_size({"width": width, "height": WIDE[1]})
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("API key")).to_be_visible()
    yield "sign-in"


async def shopped(tenant: Tenant) -> str:
    """A dashboard of everything; gives its path."""
    await sent(tenant, shop())
    return await made(
        tenant, *tiles(), display_name="The shop", description="All that can be drawn.", time_range=hours(48)
    )


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_everybody_can_read_every_page_on_every_window(browse: Browse, dark: bool) -> None:
    async with browse(role="analyst", dark=dark) as visit:
        page, theme = visit.page, "dark" if dark else "light"
        path = await shopped(visit.tenant)
        for width, _ in (WIDE, NARROW):
            assert await visit.sign_in(await visit.tenant.key_of("analyst")) == 200
            async for name in places(visit, path, width):
                await visit.picture(f"{name}-{theme}-{width}")
                assert await page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"), name
                if width == WIDE[0]:
                    await accessible(page)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_everybody_can_change_a_dashboard_and_look_behind_it(browse: Browse, dark: bool) -> None:
    async with browse(role="analyst", dark=dark) as visit:
        page, theme = visit.page, "dark" if dark else "light"
        await visit.open(await shopped(visit.tenant))
        await page.locator("tm-number button").first.click()
        await expect(page.locator("tm-drill details").first).to_be_visible()
        await accessible(page)
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name="Filter", exact=True).click()
        await page.get_by_role("button", name="Condition").click()
        await accessible(page)
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name="Edit", exact=True).click()
        await accessible(page)
        await visit.picture(f"editing-{theme}-{WIDE[0]}")
        await page.get_by_role("button", name="Settings").click()
        await accessible(page)
        await page.get_by_role("button", name="Cancel").last.click()
        await page.get_by_role("button", name="Tile", exact=True).click()
        await expect(page.get_by_role("dialog", name="Add a tile")).to_be_visible()
        await accessible(page)
        await visit.picture(f"tile-editor-{theme}-{WIDE[0]}")
