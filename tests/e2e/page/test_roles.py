"""A role sees what it may do and nothing more, and the servers hold to that whatever the page shows."""

from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser import Browse, Visit
from tests.e2e.page.boards import counted, made

WRITERS = ("New dashboard", "Import")


async def call(visit: Visit, method: str, path: str, data: Any = None) -> int:
    """Asks the API with the page's own session; gives the status."""
    address = f"{visit.edge}/v1/{visit.tenant.project}{path}"
    headers = {"x-requested-with": "tidemark"}
    answer = await visit.page.context.request.fetch(address, method=method, data=data, headers=headers)
    return answer.status


@pytest.mark.parametrize(("role", "may"), [("viewer", False), ("analyst", True), ("admin", True)])
async def test_only_who_may_change_dashboards_is_offered_to(browse: Browse, role: str, may: bool) -> None:
    async with browse(role=role) as visit:
        page = visit.page
        path = await made(visit.tenant, counted("all"))
        await visit.open("/dashboards")
        await expect(page.get_by_role("link", name="Board", exact=True)).to_be_visible()
        for name in (*WRITERS, "Clone Board", "Delete Board"):
            await expect(page.get_by_role("button", name=name, exact=True)).to_have_count(int(may))
        await visit.open(path)
        await expect(page.locator("tm-number")).to_be_visible()
        await expect(page.get_by_role("button", name="Edit", exact=True)).to_have_count(int(may))
        await page.get_by_role("button", name="More about all").click()
        await expect(page.get_by_role("menuitem", name="Full screen")).to_be_visible()
        await expect(page.get_by_role("menuitem", name="Delete")).to_have_count(0)
        await visit.open("/explore")
        await expect(page.get_by_role("button", name="Copy as code")).to_be_visible()
        await expect(page.get_by_role("button", name="Save", exact=True)).to_have_count(int(may))

        assert await call(visit, "GET", path) == 200
        expected = 200 if may else 403
        assert await call(visit, "POST", "/dashboards", {"dashboard": {"displayName": "Theirs"}}) == expected
        assert await call(visit, "PATCH", path, {"displayName": "Other"}) == expected
        assert await call(visit, "DELETE", path) == expected


async def test_a_dashboard_that_is_built_in_is_cloned_to_be_changed(browse: Browse) -> None:
    async with browse("/dashboards/host") as visit:
        page = visit.page
        await expect(page.get_by_role("button", name="Edit", exact=True)).to_have_count(0)
        await page.get_by_role("button", name="Clone to edit").click()
        await expect(page.get_by_role("button", name="Edit", exact=True)).to_be_visible()
        assert await call(visit, "PATCH", "/dashboards/host", {"displayName": "Other"}) == 400


async def test_a_key_of_another_project_sees_nothing_of_this_one(browse: Browse) -> None:
    async with browse(role="viewer") as visit:
        headers = {"x-requested-with": "tidemark"}
        there = f"{visit.edge}/v1/projects/demo/dashboards"
        assert (await visit.page.context.request.get(there, headers=headers)).status in (403, 404)
