"""Names, values and texts of strangers are shown as they are: none of them is ever run, and none breaks a view."""

from collections.abc import Iterator

from playwright.async_api import Page, expect

import tidemark
from tests.browser import Browse, Visit
from tests.e2e.page.boards import count, counted, drawn, layout, made, sent, series
from tidemark.v1 import question_pb2 as q
from tidemark.v1.dashboard_pb2 import Display, Tile, Variable

RUN = "top.ran=1"
HOSTILE = (
    f'<img src="x" onerror="{RUN}">',
    f"</script><script>{RUN}</script>",
    f"\"><svg onload={RUN}><a b='",
    f"javascript:{RUN}",
    f"${{{RUN}}}{{{{{RUN}}}}}`{RUN}`",
    "__proto__",
    "constructor",
    "toString",
    "\u202etxt.exe\u2066\u200b",
    "$plan",
    " -- ' OR 1=1; %00 \\",
    "😀" * 50,
    "W" * 200,
)
LONG = "long-" + "<b>x</b>" * 1_280
TEXT = f"""# <script>{RUN}</script>
- [click](javascript:{RUN}) [click](data:text/html,<script>{RUN}</script>) ![x](x "onerror={RUN}")
**<img src=x onerror={RUN}>** [fine](https://example.test/?q="onmouseover={RUN}) {LONG[:9_000]}"""


async def hostile(visit: Visit) -> None:
    """Sends events whose every part is hostile."""
    events = [
        {
            "name": name,
            "user_id": name,
            "session_id": name,
            "properties": {
                "value": name,
                name: name,
                "long": LONG,
                "deep": {name: [name, {"__proto__": name}]},
            },
            "context": {name: name},
        }
        for name in HOSTILE
    ]
    await sent(visit.tenant, events)
    async with visit.tenant.client(ack_mode=tidemark.AckMode.COMMITTED) as client:
        for name in HOSTILE:
            client.record(name, 1.0, tags={"value": name[:200]}, unit="<b>")
        await client.flush()


def tiles() -> Iterator[Tile]:
    """A tile of each drawing, split by what is hostile."""
    by_value = ["properties.value"]
    rows = q.TableQuestion(measures=[count()], group_by=["name", "properties.value"], top=50)
    long = q.TableQuestion(measures=[count()], group_by=["properties.long"])
    steps = [q.Step(name=HOSTILE[0], display_name=HOSTILE[1]), q.Step(name=HOSTILE[2])]
    whoever = q.Step()
    questions = [
        (series("", group_by=by_value), Display.KIND_LINE),
        (series("", group_by=by_value), Display.KIND_AREA),
        (q.Query(table=rows), Display.KIND_TABLE),
        (q.Query(table=rows), Display.KIND_BAR),
        (q.Query(table=long), Display.KIND_TABLE),
        (q.Query(funnel=q.FunnelQuestion(steps=steps, group_by="properties.value")), Display.KIND_FUNNEL),
        (q.Query(retention=q.RetentionQuestion(start=whoever, back=whoever, period=q.Interval.UNIT_DAY)), Display.KIND_RETENTION),
        (q.Query(paths=q.PathsQuestion(start=whoever)), Display.KIND_PATHS),
        (q.Query(sessions=q.SessionsQuestion()), None),
        (q.Query(events=q.EventsQuestion()), Display.KIND_EVENTS),
    ]  # fmt: skip
    for at, (query, kind) in enumerate(questions):
        tile = drawn(f"tile-{at}", query, at=(at % 2 * 6, at // 2 * 6, 6, 6), kind=kind)
        tile.title, tile.display.unit = HOSTILE[at], "<i>"
        yield tile
    number = counted("number", HOSTILE[0], at=(0, 40, 3, 3))
    number.title = HOSTILE[0]
    yield number
    yield Tile(id="text", title=HOSTILE[1], layout=layout((3, 40, 9, 4)), text=TEXT)


async def harmless(page: Page) -> None:
    """Nothing has run, nothing of it has become an element, and nothing is wider than the window."""
    assert await page.evaluate("window.ran") is None
    assert await page.evaluate("({}).ran") is None
    await expect(
        page.locator(
            'img[src="x"], [onerror], [onload], [onmouseover], a[href^="javascript"], a[href^="data"]'
        )
    ).to_have_count(0)
    await expect(page.locator("tm-tile").get_by_role("alert")).to_have_count(0)
    assert await page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")


async def test_a_dashboard_of_hostile_names_shows_them_and_runs_none(browse: Browse) -> None:
    async with browse(role="analyst") as visit:
        page = visit.page
        await hostile(visit)
        board = list(tiles())
        variables = [
            Variable(id="plan", display_name=HOSTILE[0], field="properties.value", values=[HOSTILE[1]])
        ]
        path = await made(
            visit.tenant,
            *board,
            display_name=HOSTILE[1],
            description=f"{HOSTILE[0]} {LONG[:900]}",
            variables=variables,
        )
        await visit.open(path)
        await expect(page.get_by_role("heading", name=HOSTILE[1], exact=True).first).to_be_visible()
        for at in range(len(board) - 1):
            await page.locator("tm-tile").nth(at).scroll_into_view_if_needed()
            await expect(page.locator("tm-tile").nth(at).locator(".drawing")).to_be_visible()
        await expect(page.locator("tm-number")).to_have_attribute("data-value", "1")
        await harmless(page)

        await page.locator("tm-number button").click()
        await page.locator("tm-drill summary").first.click()
        await expect(page.locator("tm-drill pre")).to_contain_text("__proto__")
        await page.locator("tm-drill").get_by_role("tab", name="People").click()
        await expect(page.locator("tm-drill tbody tr")).to_have_count(1)
        await harmless(page)
        await page.keyboard.press("Escape")

        await page.get_by_role("button", name=f"{HOSTILE[0]}: {HOSTILE[1]}").click()
        await expect(page.get_by_role("checkbox")).to_have_count(len(HOSTILE))
        await harmless(page)
        await page.keyboard.press("Escape")

        await page.get_by_role("button", name="Edit", exact=True).click()
        await page.get_by_role("button", name="Settings").click()
        await expect(page.get_by_role("dialog").get_by_label("Name", exact=True)).to_have_value(HOSTILE[1])
        await page.get_by_role("dialog").get_by_role("button", name="Done").click()
        await page.locator("tm-tile").first.get_by_role("button", name="More about").click()
        await page.get_by_role("menuitem", name="Edit").click()
        await expect(page.get_by_role("dialog", name="Edit the tile")).to_be_visible()
        await harmless(page)


async def test_every_other_page_shows_hostile_names_and_runs_none(browse: Browse) -> None:
    async with browse(role="analyst") as visit:
        page = visit.page
        await hostile(visit)
        await made(visit.tenant, display_name=HOSTILE[0], description=HOSTILE[1])

        await visit.open("/dashboards")
        await expect(page.get_by_role("link", name=HOSTILE[0], exact=True)).to_be_visible()
        await page.get_by_role("button", name=f"Delete {HOSTILE[0]}").click()
        await expect(page.get_by_role("dialog")).to_contain_text(HOSTILE[0])
        await harmless(page)

        await visit.open("/")
        await expect(page.locator("tm-table tbody tr").first).to_be_visible()
        await page.locator("tm-tile").last.scroll_into_view_if_needed()
        await expect(page.locator("tm-events details").first).to_be_visible()
        await harmless(page)

        await visit.open("/live")
        await expect(page.locator("tm-event-row")).to_have_count(len(HOSTILE))
        await page.locator("tm-event-row").first.get_by_role("button").first.click()
        await expect(page.locator("tm-event-row pre")).to_contain_text("__proto__")
        await harmless(page)

        await visit.open("/explore")
        for name in HOSTILE[:3]:
            event = page.get_by_role("combobox", name="Event")
            await event.fill(name)
            await expect(page.get_by_role("option", name=name)).to_be_visible()
            await event.press("Enter")
        await page.get_by_role("combobox", name="Field to split by").fill("properties.value")
        await page.get_by_role("combobox", name="Field to split by").press("Enter")
        await expect(page.locator("tm-plot canvas")).to_be_visible()
        await page.get_by_role("button", name="Copy as code").click()
        for form in ("curl", "SQL", "Python"):
            await page.get_by_role("tab", name=form).click()
            await expect(page.get_by_role("tabpanel", name=form)).not_to_be_empty()
        await harmless(page)


async def test_the_address_of_a_page_can_carry_nothing_that_runs(browse: Browse) -> None:
    async with browse() as visit:
        for path in (
            f"/dashboards/{HOSTILE[0]}",
            f"/explore?q={HOSTILE[1]}",
            f"/live?name={HOSTILE[0]}&type={HOSTILE[2]}",
            f"/<script>{RUN}</script>",
        ):
            await visit.open(path)
            await expect(visit.page.get_by_role("navigation", name="Pages")).to_be_visible()
            await harmless(visit.page)


async def test_a_script_that_was_brought_in_is_refused_by_the_policy(browse: Browse) -> None:
    async with browse("/dashboards") as visit:
        page = visit.page
        answer = await page.goto(visit.edge)
        assert answer
        policy = (await answer.all_headers())["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        for made_up in (f"script.textContent = '{RUN}'", "script.src = 'data:text/javascript,top.ran=1'"):
            await page.evaluate(
                f"() => {{ const script = document.createElement('script'); {made_up}; document.body.append(script) }}"
            )
        await page.evaluate(
            "() => { const image = document.createElement('img'); image.setAttribute('onerror', 'top.ran=1'); "
            "image.src = 'https://elsewhere.test/x'; document.body.append(image) }"
        )
        await page.wait_for_function("() => document.querySelector('img[onerror]').complete")
        assert await page.evaluate("window.ran") is None
        visit.pardon("Content Security Policy")
