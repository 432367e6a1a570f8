"""`python -m deploy.local.pictures`: takes the pictures of the documents from the page of the stack that runs here.

Comes in: a stack that is up and has something to show, such as a long git history. Goes out: `docs/pictures`, and a project `shop`
with two weeks of made-up orders and a report of them, for what a git history never does: breaking its schema. Next: nothing.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.async_api import Page, ViewportSize, async_playwright
from pypdfium2 import PdfDocument

from deploy.local import chromium
from deploy.local.accounts import cache_folder, server_account
from deploy.local.first_run import pairs
from tidemark import AckMode, Client
from tidemark.errors import AlreadyExists

FOLDER = Path("docs/pictures")
ENVIRONMENT, KEYS = Path(".tidemark/client.env"), Path(".tidemark/keys")
SHOP = "shop"
STEPS = ("page_view", "product_view", "cart_add", "checkout_started", "order_placed")
ORDER = {
    "type": "object",
    "properties": {"amount": {"type": "number", "minimum": 0}, "currency": {"enum": ["EUR", "USD", "JPY"]}},
    "required": ["amount", "currency"],
}
CART = {"type": "object", "properties": {"sku": {"pattern": "^A-[0-9]{3}$"}}}
TAKES_EFFECT_SECONDS = 1.5
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


async def repair(page: Page) -> None:
    """Asks what would become of the most frequent fault if its field were a number."""
    await page.locator("tbody a").first.click()
    await page.get_by_role("button", name="Change a field").click()
    await page.get_by_role("combobox", name="Change").select_option("Make it a number")
    await page.get_by_role("button", name="Preview").click()


async def nothing(_: Page) -> None:
    """Shows the page as it opens."""


Places = Mapping[str, tuple[str, bool, Callable[[Page], Awaitable[None]]]]
"""Where each picture is taken, whether in the dark theme, and what is done before."""
PLACES: Places = {
    "home": ("/", False, nothing),
    "development": ("/dashboards/development", False, decade),
    "explore": ("/explore", False, authors),
}
SHOP_PLACES: Places = {
    "events": ("/data/events", False, nothing),
    "letters": ("/data/letters", False, repair),
    "reports": ("/reports/all/weekly-summary", False, nothing),
}
REPORT = "weekly-summary"
PAGES = 2
"""Of the report, side by side."""
PAPER, GAP = 1.35, 24
"""Points of the picture for each of the page, and how far pages are apart."""
DESK = (226, 230, 234)


def visits(days: tuple[int, int], number: int, *, broken: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Who sends, and an event, of people who look around and sometimes buy; from a broken app amounts come as texts, without currency."""
    chance, now = random.Random(days[0]), datetime.now(UTC)
    for visit in range(number):
        at = now - timedelta(days=chance.uniform(*days))
        producer = chance.choice(("web-shop", "web-shop", "ios-app"))
        for name in STEPS[: chance.choice((1, 1, 2, 2, 3, 4, 5))]:
            told: dict[str, Any] = {"country": chance.choice(("DE", "FR", "JP", "US"))}
            if name != "page_view":
                told |= {
                    "sku": f"A-{chance.randrange(120):03}",
                    "amount": round(chance.lognormvariate(3, 1), 2),
                }
            if name == "cart_add" and chance.random() < 0.02:
                told["sku"] = "gift"
            if name == "order_placed":
                told["currency"] = chance.choice(("EUR", "USD", "JPY"))
                if broken and producer == "ios-app":
                    told["amount"] = str(told["amount"])
                    if chance.random() < 0.15:
                        del told["currency"], told["amount"]
            yield producer, {
                "name": name, "user_id": f"user-{chance.randrange(400):03}", "session_id": f"{days[0]}-{visit}",
                "occurred_at": at, "properties": told,
            }  # fmt: skip
            at += timedelta(minutes=chance.uniform(0.2, 4))


async def stocked(ingest: str, query: str, operator: str) -> str:
    """Makes the project of the shop, unless it is there; gives a key of it."""
    name = f"projects/{SHOP}"
    async with Client(ingest, query, key=operator) as client:
        try:
            await client.admin.create_project(SHOP)
        except AlreadyExists:
            return (await client.admin.create_key(name, role="analyst")).secret
        key = (await client.admin.create_key(name, role="admin")).secret
    committed: Any = {"key": key, "ack_mode": AckMode.COMMITTED}
    async with Client(ingest, query, **committed) as client:
        await client.schemas.create(
            "order_placed", ORDER, enforcement="dead_letter", compatibility="backward"
        )
        await client.schemas.create("cart_add", CART, enforcement="warn")
    await asyncio.sleep(TAKES_EFFECT_SECONDS)
    async with (
        Client(ingest, query, producer_id="web-shop", **committed) as web,
        Client(ingest, query, producer_id="ios-app", **committed) as app,
    ):
        clients = {"web-shop": web, "ios-app": app}
        for producer, event in (
            *visits((7, 14), 930, broken=False),
            *visits((0, 7), 1_050, broken=True),
        ):
            clients[producer].track(**event)
    return key


async def reported(addresses: Mapping[str, str], key: str) -> bytes:
    """Makes the weekly report of the shop, by the clock from now on; gives it as PDF."""
    async with Client(
        addresses["TIDEMARK_INGEST_ADDRESS"],
        addresses["TIDEMARK_QUERY_ADDRESS"],
        reports=addresses["TIDEMARK_REPORTS_ADDRESS"],
        key=key,
    ) as client:
        try:
            await client.reports.create(
                "Weekly summary",
                template="executive-summary",
                values={"conversion": "order_placed"},
                report_id=REPORT,
            )
            await client.schedules.create(
                REPORT, "0 7 * * MON", title="Monday mornings", formats=("pdf", "xlsx")
            )
        except AlreadyExists:
            pass
        run = await client.editions.run(REPORT, formats=("pdf", "xlsx", "csv", "json", "html"))
        file = BytesIO()
        await client.editions.download(run.editions[0], "pdf", file)
    return file.getvalue()


def print_pages(content: bytes, to: Path) -> None:
    """The first pages of a PDF, as they lie side by side."""
    with PdfDocument(content) as document:
        pages = [document[place].render(scale=PAPER).to_pil() for place in range(min(PAGES, len(document)))]
    width, height = (max(page.size[side] for page in pages) for side in (0, 1))
    picture = Image.new("RGB", (len(pages) * (width + GAP) + GAP, height + 2 * GAP), DESK)
    for place, page in enumerate(pages):
        picture.paste(page, (GAP + place * (width + GAP), GAP))
    picture.save(to)


async def take(edge: str, key: str, places: Places) -> None:
    """Signs in and takes pictures of these places."""
    async with async_playwright() as playwright:
        program = chromium.provide(cache_folder(server_account()))
        browser = await playwright.chromium.launch(executable_path=str(program), args=["--no-sandbox"])
        for name, (place, dark, prepare) in places.items():
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
    asyncio.run(take(lines["TIDEMARK_EDGE_ADDRESS"], lines["TIDEMARK_KEY"], PLACES))
    operator = pairs(KEYS.read_text().splitlines())["TIDEMARK_ADMIN_KEY"]
    key = asyncio.run(stocked(lines["TIDEMARK_INGEST_ADDRESS"], lines["TIDEMARK_QUERY_ADDRESS"], operator))
    print_pages(asyncio.run(reported(lines, key)), FOLDER / "report.png")
    asyncio.run(take(lines["TIDEMARK_EDGE_ADDRESS"], key, SHOP_PLACES))


if __name__ == "__main__":
    main()
