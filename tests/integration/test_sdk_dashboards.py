"""Dashboards through the client and the command line, on a server in this process."""

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

import tidemark
from services.admin.service import admin
from services.query.service import query
from tests.conftest import Served, Suite
from tests.integration.history import Happened
from tests.integration.test_dashboard_watch import counting, draft
from tests.integration.test_query_answers import NOON
from tests.integration.test_query_watch import committed
from tidemark import cli, errors
from tidemark.dashboards import DashboardChange

PATIENCE = 20.0


def client(served: Served, key: str = "admin") -> tidemark.Client:
    """A client of the server."""
    address = f"127.0.0.1:{served.port}"
    return tidemark.Client(address, address, key=served.secrets[key])


async def test_dashboards_are_made_changed_and_deleted(suite: Suite) -> None:
    async with suite(query, admin) as served, client(served) as sdk:
        saved = sdk.dashboards
        made = await saved.create(draft(counting("a"), display_name="Orders"))
        assert made.name == "projects/demo/dashboards/orders"
        copy = await saved.create(made.to_json(), dashboard_id="copy")
        assert copy.message.tiles == made.message.tiles
        made.message.display_name = "Sales"
        changed = await saved.update(made.message, ["display_name"])
        assert (changed.display_name, (await saved.get("orders")).etag) == ("Sales", changed.etag)
        with pytest.raises(errors.Conflict):
            await saved.update(made.message, ["display_name"])
        clone = await saved.clone("home", dashboard_id="mine")
        assert clone.display_name == "Home (copy)"
        listed = [each.name.rpartition("/")[2] async for each in saved.all()]
        assert listed == ["home", "development", "host", "copy", "mine", "orders"]
        await saved.delete("orders", etag=changed.etag)
        with pytest.raises(errors.NotFound):
            await saved.get("orders")
        with pytest.raises(errors.Refused):
            await saved.delete("home")


async def test_a_watch_goes_on_by_itself(suite: Suite, database: str) -> None:
    async with suite(query, admin) as served, client(served, "viewer") as sdk:
        await committed(served, database, [Happened(NOON)])
        async with aclosing(sdk.watch_dashboard(draft(counting("a"), counting("b")))) as changes:
            await _until(changes, lambda change: "a" in change.tiles)
            await committed(served, database, [Happened(NOON)])
            change = await _until(changes, lambda change: "a" in change.tiles)
            found = change.tiles["a"].change
            assert found is not None
            assert found.answer is not None
            assert [line.total for line in found.answer.lines] == [2]
        with pytest.raises(errors.NotFound):
            await _until(sdk.watch_dashboard("absent", during="today"), lambda change: True)


async def _until(changes: Any, seen: Any) -> DashboardChange:
    async def look() -> DashboardChange:
        async for change in changes:
            if seen(change):
                return change
        raise AssertionError("the stream has ended")

    return await asyncio.wait_for(look(), PATIENCE)


async def test_the_command_line_moves_dashboards_in_and_out_of_files(
    suite: Suite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with suite(query, admin) as served:

        async def run(*arguments: str) -> str:
            reach = ("--key", served.secrets["admin"], "--query-address", f"127.0.0.1:{served.port}")
            code = await asyncio.to_thread(cli.main, [*reach, "dashboards", *arguments])
            told = capsys.readouterr()
            assert code == 0, told.err
            return told.out

        file = str(tmp_path / "mine.json")
        await run("export", "home", "-o", file)
        assert '"displayName": "Home"' in await run("export", "home")
        assert await run("import", file, "--id", "mine") == "projects/demo/dashboards/mine: 12 tiles\n"
        _replace(Path(file), '"Home"', '"<Home>"')
        await run("import", file, "--replace")
        assert "<Home>" in await run("show", "mine")
        assert "rate" in await run("show", "mine", "--format", "csv")
        await run("clone", "mine", "--title", "Ours")
        listed = await run("list")
        assert all(word in listed for word in ("home", "mine", "ours", "Ours"))
        await run("delete", "ours")
        assert "ours" not in await run("list", "--format", "json")


def _replace(file: Path, old: str, new: str) -> None:
    file.write_text(file.read_text().replace(old, new))
