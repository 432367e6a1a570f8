"""What `axe` finds on a page."""

from playwright.async_api import Page

from deploy.local.suite import ROOT

AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"


async def accessible(page: Page) -> None:
    """axe finds nothing serious."""
    await page.evaluate(AXE.read_text())
    found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    serious = [
        f"{each['id']}: {node['target']} {node['failureSummary']}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]
    assert not serious, "\n".join(serious)
