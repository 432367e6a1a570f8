"""The pages about the data, for everybody: by role, by keyboard, in both themes, on every window, and whatever names there are."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from tests.browser import NARROW, WIDE, Browse, Visit
from tests.deployment import Tenant
from tests.e2e.page.axe import accessible
from tests.e2e.page.orders import NAME, set_aside
from tests.e2e.page.test_names import HOSTILE, harmless

RULES = '{"rules": [{"ruleId": "card", "mask": {"field": "properties.card", "keepLast": 4}}]}'
SECTIONS = {
    "events": NAME,
    "schemas": NAME,
    "rules": "version 1",
    "letters": NAME,
    "windows": "Orders by country",
    "ledger": "Total of all",
    "producers": "vm-",
    "partitions": "up to date",
    "privacy": "Events and points",
}
"""Every page, and what it shows once it has loaded."""


async def defined(tenant: Tenant) -> None:
    """Something to see on every page."""
    async with tenant.client() as client:
        await client.rules.update(RULES)
        await client.windows.create(
            "Orders by country", aggregates={"orders": "count"}, key=["properties.country"], size="1h"
        )
    await set_aside(tenant, NAME)


async def pages(visit: Visit) -> AsyncIterator[str]:
    """Goes through every page, and what each leads to; gives the name of each once it shows what it has."""
    page = visit.page
    for section, shown in SECTIONS.items():
        await visit.open(f"/data/{section}")
        await expect(page.locator("tm-data").get_by_text(shown, exact=False).first).to_be_visible()
        await expect(page.get_by_text("Loading…")).to_have_count(0)
        yield section
        detail = page.locator("tm-data tbody a").filter(has_text=re.compile("rder"))
        if await detail.count():
            await detail.first.click()
            await expect(page.get_by_role("heading", level=1)).to_contain_text(" · ")
            await expect(page.get_by_text("Loading…")).to_have_count(0)
            yield f"{section}-one"


@pytest.mark.parametrize(("dark", "size"), [(False, WIDE), (True, NARROW)], ids=["light", "dark"])
async def test_everybody_can_read_the_pages_about_the_data(
    browse: Browse, dark: bool, size: tuple[int, int]
) -> None:
    async with browse(role="admin", dark=dark, size=size) as visit:
        await defined(visit.tenant)
        async for name in pages(visit):
            await visit.picture(f"data-{name}-{'dark' if dark else 'light'}-{size[0]}")
            assert await visit.page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"), name
            await accessible(visit.page)


BUTTONS = {
    "rules": "Save as a new version",
    "schemas-one": "Save as a new version",
    "letters-one": "Preview",
    "windows": "New window",
    "windows-one": "Delete…",
}
"""Pages on which something can be changed by who may, and one button of each."""


@pytest.mark.parametrize(("role", "writes"), [("viewer", False), ("analyst", True)])
async def test_only_what_a_role_may_do_is_offered(browse: Browse, role: str, writes: bool) -> None:
    async with browse(role=role) as visit:
        page = visit.page
        await defined(visit.tenant)
        async for name in pages(visit):
            await expect(page.get_by_role("button", name="Resume")).to_have_count(0)
            if name == "privacy":
                await expect(page.get_by_role("button", name="Remove…")).to_have_count(0)
                await expect(page.get_by_role("button", name="Save")).to_have_count(0)
            elif button := BUTTONS.get(name):
                await expect(page.get_by_role("button", name=button)).to_have_count(int(writes))
        await visit.open("/data/schemas")
        await expect(page.get_by_role("link", name="New schema")).to_have_count(int(writes))
        if not writes:
            await visit.open("/data/schemas/order-placed")
            await expect(page.get_by_label("JSON Schema of the properties")).to_have_attribute("readonly", "")
            await expect(page.get_by_label("Where it is broken")).to_be_disabled()


async def test_a_window_is_made_and_deleted_with_the_keyboard_alone(browse: Browse) -> None:
    async with browse("/data/windows", role="analyst") as visit:
        page = visit.page
        await expect(page.get_by_text("No windows yet")).to_be_visible()
        await press(page, "New window", "button")
        await expect(page.get_by_role("dialog", name="New window")).to_be_visible()
        await accessible(page)
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await page.keyboard.press("Enter")
        await page.keyboard.type("Views")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Windows · Views")).to_be_visible()
        await expect(page.get_by_text("Nothing in the last day")).to_be_visible()
        await press(page, "Delete…", "button")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("No windows yet")).to_be_visible()


async def test_a_person_is_removed_only_by_who_types_the_id_again(browse: Browse) -> None:
    async with browse("/data/privacy", role="admin") as visit:
        page = visit.page
        for typed, told in (
            ("user-2", page.get_by_role("alert")),
            ("user-1", page.get_by_text("Certificates")),
        ):
            await page.get_by_label("Remove a person").fill("user-1")
            await page.get_by_role("button", name="Remove…").click()
            dialog = page.get_by_role("dialog", name="Remove “user-1” for ever?")
            await dialog.get_by_label("Type the user id again").fill(typed)
            await dialog.get_by_role("button", name="Remove").click()
            await expect(told).to_be_visible()
        await expect(page.get_by_role("row").filter(has=page.get_by_role("cell"))).to_have_count(1)


async def test_rules_are_tried_on_what_is_stored_before_they_are_saved(browse: Browse) -> None:
    async with browse(role="analyst") as visit:
        page = visit.page
        await set_aside(visit.tenant, NAME)
        await visit.open("/data/rules")
        await page.get_by_label("Rules, in order").fill("[")
        await page.get_by_role("button", name="Try on stored events").click()
        await expect(page.get_by_role("alert")).to_contain_text("The rules are no JSON")
        await page.get_by_label("Rules, in order").fill("[]")
        await page.get_by_label("Add a rule").select_option("Drop a field")
        text = await page.get_by_label("Rules, in order").input_value()
        await page.get_by_label("Rules, in order").fill(text.replace("password", "country"))
        await page.get_by_role("button", name="Try on stored events").click()
        trial = page.get_by_role("region", name="What the rules would do")
        await expect(trial.get_by_label("Before").first).to_contain_text("country")
        await expect(trial.get_by_label("After").first).not_to_contain_text("country")
        await page.get_by_role("button", name="Save as a new version").click()
        await expect(page.get_by_text("Version 1 is saved.")).to_be_visible()


async def test_hostile_names_are_shown_on_the_pages_about_the_data_and_none_is_run(browse: Browse) -> None:
    async with browse(role="analyst") as visit:
        page = visit.page
        await set_aside(visit.tenant, *HOSTILE)
        for section in ("events", "schemas", "letters"):
            await visit.open(f"/data/{section}")
            for name in HOSTILE:
                await expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
            await harmless(page)
        for name in HOSTILE[::3]:
            await visit.open("/data/letters")
            await page.get_by_role("link", name=name, exact=True).click()
            await page.locator("summary").first.click()
            await expect(page.get_by_label("As it came").first).to_be_visible()
            await harmless(page)
            await visit.open("/data/events")
            await page.get_by_role("link", name=name, exact=True).click()
            await page.reload()
            await expect(page.get_by_role("heading", level=1)).to_have_text(f"Events · {name}")
            await expect(page.get_by_role("row", name="amount")).to_be_visible()
            await harmless(page)


async def press(page: Page, name: str, role: str) -> None:
    """Goes to a control with the Tab key, and presses it."""
    control = page.get_by_role(role, name=name)  # type: ignore[arg-type]
    for _ in range(40):
        await page.keyboard.press("Tab")
        if await control.evaluate("each => each.getRootNode().activeElement === each"):
            return await page.keyboard.press("Enter")
    raise AssertionError(f"{name} is not reached by the keyboard")
