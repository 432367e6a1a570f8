"""The explorer: names are completed, the answer is live, and what it gives to copy runs as it stands."""

import json
import os
import re
import subprocess
import sys

import psycopg
from playwright.async_api import Page, expect

from deploy.local.suite import ROOT
from services.kit.postgres import conninfo
from tests.browser import Browse, Visit
from tests.e2e.page.boards import read, sent

SIGNUPS = [
    {"name": "signup", "user_id": f"user-{at}", "properties": {"plan": plan, "note": "it's “$HOME” \\ `id`"}}
    for at, plan in enumerate(["free", "free", "pro"])
]


async def counted(page: Page, figure: str) -> None:
    """The answer, drawn as a number, is this."""
    await expect(page.locator("tm-number")).to_have_attribute("data-value", figure)


async def complete(page: Page, label: str, typed: str, wanted: str) -> None:
    """Types the beginning of a name and takes what is offered for it, by keyboard."""
    field = page.get_by_role("combobox", name=label).first
    await field.fill(typed)
    await expect(page.get_by_role("option", name=wanted)).to_be_visible()
    await field.press("ArrowDown")
    await field.press("Enter")


async def ask(visit: Visit) -> None:
    """Asks for sign-ups with a note that is hard to quote, as a number."""
    page = visit.page
    await complete(page, "Event", "sig", "signup")
    await page.get_by_role("button", name="Condition").click()
    await complete(page, "Field", "not", "properties.note")
    await complete(page, "Value", "it", "it's")
    await page.get_by_label("How the answer is drawn").select_option("Number")
    await counted(page, "3")


async def copied(page: Page, form: str) -> str:
    """What is there to copy; the clipboard holds the same."""
    dialog = page.get_by_role("dialog", name="This question as code")
    if not await dialog.is_visible():
        await page.get_by_role("button", name="Copy as code").click()
    await dialog.get_by_role("tab", name=form).click()
    text = dialog.get_by_role("tabpanel", name=form)
    await expect(text).not_to_contain_text("asking the planner")
    await dialog.get_by_role("button", name=re.compile("Copy|Copied")).click()
    shown = await text.inner_text()
    assert await page.evaluate("navigator.clipboard.readText()") == shown
    return shown


def printed(command: list[str], visit: Visit) -> str:
    """What a program prints that is given the key of the project as the dialog says."""
    told = subprocess.run(
        command,
        check=False,
        cwd=ROOT,
        env={**os.environ, **visit.tenant.environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert told.returncode == 0, told.stderr
    return told.stdout


async def test_names_are_completed_and_the_answer_comes_and_stays_alive(browse: Browse) -> None:
    async with browse() as visit:
        page = visit.page
        await sent(visit.tenant, SIGNUPS)
        await visit.open("/explore")
        await ask(visit)
        await sent(visit.tenant, SIGNUPS[:1])
        await counted(page, "4")
        await page.reload()
        await counted(page, "4")
        await page.get_by_text("How it is answered").click()
        await expect(page.locator("tm-plan")).to_contain_text("rollups do not know")


async def test_a_question_of_each_kind_is_answered(browse: Browse) -> None:
    async with browse() as visit:
        page = visit.page
        await sent(visit.tenant, SIGNUPS)
        await visit.open("/explore")
        for kind, drawing in {
            "Table": "tm-table",
            "Funnel": "tm-funnel",
            "Retention": "tm-retention",
            "Lifecycle": "tm-chart",
            "Sessions": "tm-sessions",
            "Paths": "tm-paths",
            "Events": "tm-events",
            "People": "tm-table",
            "Trend": "tm-chart",
        }.items():
            await page.get_by_role("button", name=kind, exact=True).click()
            await expect(page.locator(f"tm-tile {drawing}")).to_be_visible()
            await expect(page.locator("tm-tile").get_by_role("alert")).to_have_count(0)


async def test_what_is_copied_as_python_as_curl_and_as_sql_runs(browse: Browse) -> None:
    async with browse() as visit:
        page = visit.page
        await sent(visit.tenant, SIGNUPS)
        await visit.open("/explore")
        await ask(visit)
        python = printed([sys.executable, "-W", "error", "-c", await copied(page, "Python")], visit)
        assert "3.0" in python, python
        curl = printed(["sh", "-ec", await copied(page, "curl")], visit)
        assert json.loads(curl)["series"]["series"][0]["total"] == 3
        statements = (await copied(page, "SQL")).split(";\n")
        with psycopg.connect(conninfo(visit.tenant.suite.postgres.url)) as connection:
            rows = [row for each in statements if each.strip() for row in connection.execute(each).fetchall()]
        assert 3 in [value for row in rows for value in row], rows


async def test_a_question_is_saved_as_a_tile_of_a_new_dashboard(browse: Browse) -> None:
    async with browse() as visit:
        page = visit.page
        await sent(visit.tenant, SIGNUPS)
        await visit.open("/explore")
        await ask(visit)
        await page.get_by_role("button", name="Save", exact=True).click()
        dialog = page.get_by_role("dialog", name="Save to a dashboard")
        await dialog.get_by_label("Its name").fill("Kept")
        await dialog.get_by_role("button", name="Save", exact=True).click()
        await dialog.get_by_role("link", name="Open the dashboard").click()
        await expect(page.get_by_role("heading", name="Kept")).to_be_visible()
        await counted(page, "3")
        (tile,) = (await read(visit.tenant, f"/dashboards/{page.url.rpartition('/')[2]}")).tiles
        assert tile.query.series.measures[0].name == "signup"
