"""A dashboard is built and changed on the page: tiles of every kind, by pointer and by keyboard, and nothing is lost by mistake."""

from playwright.async_api import Locator, Page, expect

from tests.browser import Browse, Visit
from tests.e2e.page.boards import counted, made, read, saved, sent
from tidemark.v1.dashboard_pb2 import Dashboard, Display

A, B = counted("a"), counted("b", at=(3, 0, 3, 3))


def tile(page: Page, title: str) -> Locator:
    """A tile by its title."""
    return page.locator("tm-tile").filter(has=page.get_by_role("heading", name=title, exact=True))


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


async def add(page: Page, kind: str, title: str, drawn: str = "") -> None:
    """Adds a tile by its editor."""
    await button(page, "Tile").click()
    dialog = page.get_by_role("dialog", name="Add a tile")
    await dialog.get_by_role("textbox", name="Title").fill(title)
    await dialog.get_by_role("button", name=kind, exact=True).click()
    if drawn:
        await dialog.get_by_label("Drawn as").select_option(drawn)
    await dialog.get_by_role("button", name="Add", exact=True).click()
    await expect(tile(page, title)).to_be_visible()


async def pick(page: Page, title: str, item: str) -> None:
    """Picks something from the menu of a tile."""
    await tile(page, title).get_by_role("button", name=f"More about {title}").click()
    await page.get_by_role("menuitem", name=item).click()


async def save(page: Page) -> None:
    await button(page, "Save").click()
    await expect(button(page, "Edit")).to_be_visible()


async def places(visit: Visit, path: str) -> dict[str, tuple[int, int, int, int]]:
    """Where tiles stand in what is saved."""
    board: Dashboard = await read(visit.tenant, path)
    return {
        each.id: (each.layout.x, each.layout.y, each.layout.width, each.layout.height) for each in board.tiles
    }


async def test_a_dashboard_is_built_from_nothing_and_is_there_after_a_reload(browse: Browse) -> None:
    async with browse("/dashboards") as visit:
        page = visit.page
        await sent(visit.tenant, [{"name": "login", "user_id": f"user-{number}"} for number in range(7)])
        await button(page, "New dashboard").click()
        await page.get_by_label("Name", exact=True).fill("Logins")
        await button(page, "Create").click()
        await expect(page.get_by_text("This dashboard has no tiles yet")).to_be_visible()
        await button(page, "Edit").click()
        await add(page, "Trend", "Over time")
        await add(page, "Trend", "How many", drawn="Number")
        await add(page, "Trend", "In areas", drawn="Areas")
        await add(page, "Table", "By name")
        await add(page, "Funnel", "Steps")
        await add(page, "Retention", "Back again")
        await add(page, "Events", "Latest")
        await button(page, "Text").click()
        await (
            page.get_by_role("dialog")
            .get_by_label("Text;")
            .fill("# Read me\n- **bold** [link](https://example.test/)")
        )
        await page.get_by_role("dialog").get_by_role("button", name="Add", exact=True).click()
        # Tiles are answered before anything is saved.
        await expect(tile(page, "How many").locator("tm-number")).to_have_attribute("data-value", "7")
        await save(page)
        await page.reload()
        await expect(page.get_by_role("heading", name="Logins")).to_be_visible()
        await expect(page.locator("tm-tile")).to_have_count(8)
        await expect(tile(page, "How many").locator("tm-number")).to_have_attribute("data-value", "7")
        await expect(tile(page, "By name").get_by_role("cell", name="login").first).to_be_visible()
        await expect(page.get_by_role("link", name="link")).to_have_attribute("href", "https://example.test/")
        board = await read(visit.tenant, f"/dashboards/{page.url.rpartition('/')[2]}")
        kinds = [each.query.WhichOneof("question") for each in board.tiles]
        assert kinds == ["series", "series", "series", "table", "funnel", "retention", "events", None]
        assert [each.display.kind for each in board.tiles[:3]] == [
            Display.KIND_UNSPECIFIED, Display.KIND_NUMBER, Display.KIND_AREA,
        ]  # fmt: skip


async def test_a_tile_is_changed_doubled_and_deleted_and_all_of_it_is_undone_and_redone(
    browse: Browse,
) -> None:
    async with browse() as visit:
        page = visit.page
        path = await made(visit.tenant, A)
        await visit.open(path)
        await button(page, "Edit").click()
        await pick(page, "a", "Edit")
        dialog = page.get_by_role("dialog", name="Edit the tile")
        await dialog.get_by_role("textbox", name="Title").fill("renamed")
        await dialog.get_by_role("button", name="Done").click()
        await expect(tile(page, "renamed")).to_be_visible()
        await pick(page, "renamed", "Duplicate")
        await expect(tile(page, "renamed")).to_have_count(2)
        await tile(page, "renamed").first.get_by_role("button", name="More about renamed").click()
        await page.get_by_role("menuitem", name="Delete").click()
        await expect(tile(page, "renamed")).to_have_count(1)
        await button(page, "Undo").click()
        await expect(tile(page, "renamed")).to_have_count(2)
        await page.keyboard.press("Control+z")
        await page.keyboard.press("Control+z")
        await expect(tile(page, "a")).to_have_count(1)
        await expect(button(page, "Undo")).to_be_disabled()
        await page.keyboard.press("Control+Shift+z")
        await button(page, "Redo").click()
        await expect(tile(page, "renamed")).to_have_count(2)
        await save(page)
        assert len(await places(visit, path)) == 2


async def test_a_tile_is_moved_and_resized_by_pointer(browse: Browse) -> None:
    async with browse() as visit:
        page, path = visit.page, await made(visit.tenant, A, B)
        await visit.open(path)
        await button(page, "Edit").click()
        handle = await tile(page, "a").locator("[data-handle]").bounding_box()
        other = await tile(page, "b").bounding_box()
        assert handle
        assert other
        await page.mouse.move(handle["x"] + 10, handle["y"] + 10)
        await page.mouse.down()
        await page.mouse.move(handle["x"] + 20 + 2 * other["width"], handle["y"] + 12, steps=6)
        await page.mouse.up()
        corner = await page.locator(".cell").filter(has=tile(page, "b")).locator(".corner").bounding_box()
        assert corner
        await page.mouse.move(corner["x"] + 8, corner["y"] + 8)
        await page.mouse.down()
        await page.mouse.move(corner["x"] - other["width"] / 3, corner["y"] + 8 + other["height"], steps=6)
        await page.mouse.up()
        await save(page)
        assert await places(visit, path) == {"a": (6, 0, 3, 3), "b": (3, 0, 2, 6)}


async def test_a_tile_is_moved_and_resized_by_keyboard_which_is_told(browse: Browse) -> None:
    async with browse() as visit:
        page, path = visit.page, await made(visit.tenant, A)
        await visit.open(path)
        await button(page, "Edit").click()
        await pick(page, "a", "Move and resize")
        for key in ("ArrowRight", "ArrowRight", "Shift+ArrowRight", "Shift+ArrowDown"):
            await page.keyboard.press(key)
        await expect(page.get_by_text("Column 3, row 1; 4 columns wide, 4 rows high.")).to_be_attached()
        await save(page)
        assert await places(visit, path) == {"a": (2, 0, 4, 4)}


async def test_what_somebody_else_saved_is_shown_before_it_is_overwritten(browse: Browse) -> None:
    async with browse() as visit:
        page, path = visit.page, await made(visit.tenant, A)
        await visit.open(path)
        await button(page, "Edit").click()
        await pick(page, "a", "Duplicate")
        theirs = await read(visit.tenant, path)
        theirs.display_name = "Theirs"
        await saved(visit.tenant, theirs)
        await button(page, "Save").click()
        dialog = page.get_by_role("dialog", name="Somebody else has saved this dashboard")
        await expect(dialog.get_by_text("It is called “Theirs” now.")).to_be_visible()
        await dialog.get_by_role("button", name="Go on editing").click()
        assert (await read(visit.tenant, path)).display_name == "Theirs"
        await button(page, "Save").click()
        await dialog.get_by_role("button", name="Save mine over theirs").click()
        await expect(button(page, "Edit")).to_be_visible()
        mine = await read(visit.tenant, path)
        assert (mine.display_name, len(mine.tiles)) == ("Board", 2)


async def test_who_only_looks_sees_at_once_what_somebody_saves(browse: Browse) -> None:
    async with browse(role="viewer") as visit:
        path = await made(visit.tenant, A)
        await visit.open(path)
        await expect(tile(visit.page, "a")).to_be_visible()
        theirs = await read(visit.tenant, path)
        theirs.tiles.append(B)
        await saved(visit.tenant, theirs)
        await expect(tile(visit.page, "b")).to_be_visible()


async def test_a_dashboard_goes_out_as_a_file_and_comes_back_from_it(browse: Browse, tmp_path: str) -> None:
    async with browse() as visit:
        page = visit.page
        path = await made(visit.tenant, A, B, display_name="Carried", description="with a text")
        await visit.open("/dashboards")
        async with page.expect_download() as download:
            await button(page, "Export Carried as a file").click()
        file = await (await download.value).path()
        await page.get_by_label("File of a dashboard").set_input_files(file)
        await expect(page.get_by_role("heading", name="Carried")).to_be_visible()
        there = f"/dashboards/{page.url.rpartition('/')[2]}"
        assert there != path
        ours, theirs = await read(visit.tenant, path), await read(visit.tenant, there)
        assert (list(ours.tiles), ours.description) == (list(theirs.tiles), theirs.description)
