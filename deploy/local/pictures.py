"""`python -m deploy.local.pictures`: takes the pictures of the documents from the page of the stack that runs here.

Comes in: a stack that is up and has something to show, such as a long git history. Goes out: `docs/pictures`. Next: nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from playwright.async_api import Page, ViewportSize, async_playwright

from deploy.local import chromium
from deploy.local.accounts import cache_folder, server_account

FOLDER = Path("docs/pictures")
ENVIRONMENT = Path(".tidemark/client.env")
SIZE: ViewportSize = {"width": 1280, "height": 880}
SETTLED_MS = 4000


async def decade(page: Page) -> None:
    """Shows the last twelve months."""
    await page.get_by_role("button", name="Last 90 days").click()
    await page.get_by_role("button", name="Last 12 months").first.click()


async def authors(page: Page) -> None:
    """Asks for commits by author over the last twelve months."""
    await page.get_by_role("combobox", name="Event").fill("commit")
    await page.keyboard.press("Enter")
    await page.locator("input[placeholder='add a field']").fill("properties.author")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Last 24 hours").click()
    await page.get_by_role("button", name="Last 12 months").first.click()
    await page.get_by_text("How it is answered").click()


async def nothing(_: Page) -> None:
    """Shows the page as it opens."""


PLACES: dict[str, tuple[str, bool, Callable[[Page], Awaitable[None]]]] = {
    "home": ("/", False, nothing),
    "development": ("/dashboards/development", False, decade),
    "explore": ("/explore", False, authors),
}
"""Where each picture is taken, whether in the dark theme, and what is done before."""


async def take(edge: str, key: str) -> None:
    """Signs in and takes every picture."""
    async with async_playwright() as playwright:
        program = chromium.provide(cache_folder(server_account()))
        browser = await playwright.chromium.launch(executable_path=str(program), args=["--no-sandbox"])
        for name, (place, dark, prepare) in PLACES.items():
            theme = "dark" if dark else "light"
            context = await browser.new_context(viewport=SIZE, color_scheme=theme, locale="en-GB")  # type: ignore[arg-type]
            origin = {"origin": edge, "sec-fetch-site": "same-origin"}
            await context.request.post(f"{edge}/session", data={"key": key}, headers=origin)
            page = await context.new_page()
            await page.goto(edge + place)
            await page.wait_for_timeout(SETTLED_MS)
            await prepare(page)
            await page.wait_for_timeout(SETTLED_MS)
            await page.screenshot(path=FOLDER / f"{name}.png")
            await context.close()
        await browser.close()


def main() -> None:
    """Reads where the stack is and who may sign in, as the command line does."""
    lines = dict(line.split("=", 1) for line in ENVIRONMENT.read_text().splitlines() if "=" in line)
    FOLDER.mkdir(exist_ok=True)
    asyncio.run(take(lines["TIDEMARK_EDGE_ADDRESS"], lines["TIDEMARK_KEY"]))


if __name__ == "__main__":
    main()
