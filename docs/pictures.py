"""`python -m docs.pictures`: takes the pictures of the documents from the page of the stack that runs here (`make up`)."""

import asyncio
from pathlib import Path

from playwright.async_api import async_playwright

from deploy.local import chromium
from deploy.local.accounts import cache_folder, server_account

FOLDER = Path(__file__).parent / "pictures"
ENVIRONMENT = Path(".tidemark/client.env")
PLACES = {
    "home": ("/", False),
    "development": ("/dashboards/development", False),
    "host": ("/dashboards/host", True),
    "explore": ("/explore", False),
}
"""Where each picture is taken, and whether in the dark theme."""
SIZE = {"width": 1280, "height": 880}
SETTLED_MS = 4000


async def take(edge: str, key: str) -> None:
    """Signs in and takes every picture."""
    async with async_playwright() as playwright:
        program = chromium.provide(cache_folder(server_account()))
        browser = await playwright.chromium.launch(executable_path=str(program), args=["--no-sandbox"])
        for name, (place, dark) in PLACES.items():
            context = await browser.new_context(
                viewport=SIZE, color_scheme="dark" if dark else "light", locale="en-GB", device_scale_factor=1  # type: ignore[arg-type]
            )
            headers = {"origin": edge, "sec-fetch-site": "same-origin"}
            await context.request.post(f"{edge}/session", data={"key": key}, headers=headers)
            page = await context.new_page()
            await page.goto(edge + place)
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
