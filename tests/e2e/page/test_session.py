"""Signing in and out: a key is exchanged for a cookie that no script can read, and what ends leads back to the form."""

import time

import pytest
import redis
from playwright.async_api import Page, expect

from services.kit.session import COOKIE, digest_of
from tests.browser import Browse, Visit
from tests.polling import until

FOLLOW = (
    """path => document.querySelector('tm-app').shadowRoot.querySelector(`nav a[href="${path}"]`)?.click()"""
)
"""A click on a link to another page, unless there is none any more."""


async def sign_in(page: Page, key: str) -> None:
    """As people do."""
    await page.get_by_label("API key").fill(key)
    await page.get_by_role("button", name="Sign in").click()


async def token(visit: Visit) -> str:
    """The cookie's value."""
    (cookie,) = await visit.page.context.cookies()
    return str(cookie["value"])


async def test_a_key_opens_the_page_and_a_wrong_one_does_not(browse: Browse) -> None:
    async with browse(role="") as visit:
        await sign_in(visit.page, "tmk_0123456789ab_" + "x" * 43)
        await expect(visit.page.get_by_role("alert")).to_contain_text("not known")
        await sign_in(visit.page, await visit.tenant.key_of("viewer"))
        await expect(visit.page.get_by_role("navigation", name="Pages")).to_be_visible()
        await expect(visit.page.get_by_text("viewer", exact=True)).to_be_visible()


async def test_the_browser_keeps_no_key_and_its_cookie_is_out_of_reach(browse: Browse) -> None:
    async with browse(role="") as visit:
        key = await visit.tenant.key_of("viewer")
        await sign_in(visit.page, key)
        await expect(visit.page.get_by_role("navigation", name="Pages")).to_be_visible()
        (cookie,) = await visit.page.context.cookies()
        assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == (COOKIE, True, "Strict")
        assert 0 < cookie["expires"] - time.time() <= 43_200
        kept = await visit.page.evaluate(
            "() => [document.cookie, JSON.stringify(localStorage), JSON.stringify(sessionStorage), location.href].join()"
        )
        assert COOKIE not in kept
        assert key not in kept


async def test_a_cookie_without_the_pages_doing_is_worth_nothing(browse: Browse) -> None:
    async with browse("/dashboards") as visit:
        path = f"{visit.edge}/v1/{visit.tenant.project}/dashboards"
        request = visit.page.context.request
        assert (await request.get(path, headers={"x-requested-with": "tidemark"})).status == 200
        assert (await request.get(path)).status == 401
        from_elsewhere = {"origin": "https://elsewhere.test", "x-requested-with": "tidemark"}
        assert (await request.delete(f"{visit.edge}/session", headers=from_elsewhere)).status == 403


async def test_who_signs_out_is_out_for_good(browse: Browse) -> None:
    async with browse() as visit:
        left = await token(visit)
        await visit.page.get_by_role("button", name="Sign out").click()
        await expect(visit.page.get_by_label("API key")).to_be_visible()
        assert await visit.page.context.cookies() == []
        await visit.page.reload()
        await expect(visit.page.get_by_label("API key")).to_be_visible()
        await visit.page.context.add_cookies([{"name": COOKIE, "value": left, "url": visit.edge}])

        async def refused() -> bool:
            headers = {"x-requested-with": "tidemark"}
            return (
                await visit.page.context.request.get(f"{visit.edge}/session", headers=headers)
            ).status == 401

        await until(refused)


async def test_a_session_that_ended_leads_to_the_form_and_back(browse: Browse) -> None:
    async with browse("/live") as visit:
        page = visit.page
        await expect(page.get_by_role("heading", name="Live")).to_be_visible()
        with redis.Redis.from_url(visit.tenant.suite.redis.url) as store:
            assert store.delete(f"tm:session:{digest_of(await token(visit))}") == 1

        async def asked_again() -> bool:
            # Servers believe in a session for some seconds; each look at another page asks one.
            for path in ("/", "/dashboards"):
                await page.evaluate(FOLLOW, path)
            return await page.get_by_label("API key").is_visible()

        await until(asked_again)
        await expect(page.get_by_role("status")).to_contain_text("Your session has ended")
        left = page.url
        await sign_in(page, await visit.tenant.key_of("viewer"))
        await expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
        assert page.url == left


async def test_a_key_that_may_only_send_cannot_sign_in(browse: Browse) -> None:
    async with browse(role="") as visit:
        await sign_in(visit.page, await visit.tenant.key_of("ingest"))
        await expect(visit.page.get_by_role("alert")).to_contain_text("may only send events")


@pytest.mark.parametrize("path", ["/nowhere", "/dashboards/not-there", "/explore/x"])
async def test_a_place_that_is_not_there_says_so(browse: Browse, path: str) -> None:
    async with browse(path) as visit:
        words = "There is no such page" if path != "/dashboards/not-there" else "cannot be shown"
        await expect(visit.page.get_by_text(words)).to_be_visible()
