"""The real page in a real Chromium: one browser a session, and for every visit a context of its own, as fresh as a new machine's.

    async def test_a_viewer_sees_the_dashboards(browse: Browse) -> None:
        async with browse("/dashboards", role="viewer") as visit:
            await expect(visit.page.get_by_role("heading", name="Dashboards")).to_be_visible()

A visit fails at its end for whatever the browser has complained of: exceptions, errors on the console, breaches of the policy.
"""

import os
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright, expect

from deploy.local import chromium, page
from deploy.local.accounts import cache_folder, server_account
from deploy.local.debian import Unprovided
from deploy.local.suite import ROOT, Suite
from tests.deployment import Tenant

ARTEFACTS = ROOT / "tests" / "artefacts"
WIDE, NARROW = (1280, 800), (360, 740)
# Others may be at work on the same cores.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def browser(deployment: Suite) -> Iterator[str]:
    """Where the browser of this session is driven. The page that it shows is built first, unless one is given that was built elsewhere."""
    if "TIDEMARK_WEB_FOLDER" not in os.environ:
        page.build(ROOT, print)
    for remains in ARTEFACTS.glob("failed-*.png"):
        remains.unlink()
    try:
        program = chromium.provide(cache_folder(server_account()))
    except Unprovided as error:
        pytest.skip(f"no Chromium: {error}")
    with chromium.serving(program) as address:
        yield address


@dataclass
class Visit:
    """Somebody's look at the page."""

    page: Page
    tenant: Tenant
    complaints: list[str] = field(default_factory=list)
    """What the browser has complained of so far."""

    @property
    def edge(self) -> str:
        """The origin of the page."""
        return self.tenant.suite.edge

    async def open(self, path: str) -> None:
        """Goes to a place within the page."""
        await self.page.goto(self.edge + path)

    async def sign_in(self, key: str) -> int:
        """Exchanges a key for a session without the form; gives the status of the answer."""
        headers = {"origin": self.edge, "sec-fetch-site": "same-origin"}
        answer = await self.page.context.request.post(
            f"{self.edge}/session", data={"key": key}, headers=headers
        )
        return answer.status

    async def picture(self, name: str) -> Path:
        """Draws the page as it is now into the folder of artefacts."""
        ARTEFACTS.mkdir(exist_ok=True)
        path = ARTEFACTS / f"{name}.png"
        await self.page.screenshot(path=path, animations="disabled")
        return path

    def hear(self, message: ConsoleMessage) -> None:
        """Keeps an error of the console. That a request was refused is told by whoever asked."""
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.complaints.append(message.text)

    def pardon(self, pattern: str) -> None:
        """Forgets the complaints that a test has provoked, of which there must be some."""
        pardoned = [each for each in self.complaints if re.search(pattern, each)]
        assert pardoned, self.complaints
        self.complaints = [each for each in self.complaints if each not in pardoned]


Browse = Callable[..., AbstractAsyncContextManager[Visit]]


@pytest.fixture
def browse(browser: str, tenant: Tenant, request: pytest.FixtureRequest) -> Browse:
    """Opens a place of the page: `async with browse("/live", role="viewer", dark=True, size=NARROW) as visit`.

    With the role "" nobody is signed in.
    """

    @asynccontextmanager
    async def visiting(
        path: str = "/", *, role: str = "analyst", dark: bool = False, size: Sequence[int] = WIDE
    ) -> AsyncIterator[Visit]:
        async with async_playwright() as playwright:
            chrome: Browser = await playwright.chromium.connect_over_cdp(browser)
            context = await chrome.new_context(
                viewport={"width": size[0], "height": size[1]},
                color_scheme="dark" if dark else "light",
                reduced_motion="reduce",
                locale="en-GB",
                permissions=["clipboard-read", "clipboard-write"],
            )
            visit = Visit(await context.new_page(), tenant)
            visit.page.on("console", visit.hear)
            visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
            try:
                if role:
                    assert await visit.sign_in(await tenant.key_of(role)) == 200
                await visit.open(path)
                yield visit
            except BaseException:
                await visit.picture(f"failed-{request.node.name}")
                raise
            finally:
                await context.close()
                await chrome.close()
            assert visit.complaints == []

    return visiting
