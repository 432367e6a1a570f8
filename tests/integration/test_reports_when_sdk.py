"""Schedules and deliveries through the client and the command line."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import tidemark
from services.admin.service import admin
from services.kit.call import Project
from services.query.service import query
from services.reports.definitions.store import Store as Reports
from tests.conftest import Served, Suite
from tests.integration.alerting import receiving
from tests.integration.delivering import DEMO, REPORT_NAME, Delivering, delivering
from tidemark import cli
from tidemark.schedules import To
from tidemark.v1 import report_pb2


@asynccontextmanager
async def working(served: Served, **changes: object) -> AsyncIterator[Delivering]:
    """The target reports, with the report `weekly`."""
    section = report_pb2.Section(id="note", text=report_pb2.TextSection(text="All is well."))
    definition = report_pb2.Report(display_name="Weekly", sections=[section])
    await Reports(served.resources.pool).create_report(Project(1, "demo", "UTC"), "weekly", definition, None)
    async with delivering(served, **changes) as reports:
        yield reports


async def test_a_client_schedules_a_report_for_a_destination_and_follows_its_deliveries(suite: Suite) -> None:
    async with suite(query, admin) as served, working(served) as reports, receiving(500, 204) as receiver:
        address, key = f"127.0.0.1:{served.port}", served.secrets["admin"]
        async with tidemark.Client(address, address, reports=reports.address, key=key) as client:
            made = await client.deliveries.create("Data team", url=receiver.url)
            assert made.secret.startswith("whsec_")
            assert not (await client.deliveries.test("data-team")).delivered
            [destination] = await client.deliveries.destinations()
            assert destination.name == f"{DEMO}/destinations/data-team"

            narrowed = To("data-team", where=["properties.city = Berlin"], links="7d")
            schedule = await client.schedules.create(
                "weekly",
                "0 7 * * MON-FRI",
                title="Mornings",
                to=["data-team", narrowed],
                catch_up="all",
                wait="1h",
            )
            assert [each async for each in client.schedules.all("weekly")] == [schedule]
            assert [each.HasField("filter") for each in schedule.recipients] == [False, True]
            assert (await client.schedules.pause("weekly/mornings")).paused
            resumed = await client.schedules.resume(schedule.name)
            assert resumed.next_time == schedule.next_time
            seen = await client.schedules.preview(
                "0 7 * * MON", time_zone="Asia/Tokyo", count=3, during="last week"
            )
            assert (seen.words, len(seen.slots)) == ("at 07:00 on Monday", 3)
            await client.schedules.delete("weekly/mornings")
            assert [each async for each in client.schedules.all()] == []

            await reports.edition("data-team")
            async with reports.sending():
                [delivered] = await reports.settled(2)
            assert [each async for each in client.deliveries.all(of="weekly", destination="data-team")] == [
                delivered
            ]
            assert [
                each async for each in client.deliveries.all(of=delivered.edition, states=["failed"])
            ] == []
            assert (await client.deliveries.replay(delivered.name)).attempts == 1
            await client.deliveries.delete("data-team")
            with pytest.raises(ValueError, match="one of them alone"):
                await client.deliveries.create("Nobody")
            with pytest.raises(ValueError, match="names no report"):
                await client.schedules.get("mornings")


async def test_the_command_line_schedules_and_delivers(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    async with (
        suite(query, admin) as served,
        working(served, delivery_folder=str(tmp_path), edge_url="https://tm.example") as reports,
        receiving() as receiver,
    ):
        monkeypatch.setenv("TIDEMARK_QUERY_ADDRESS", f"127.0.0.1:{served.port}")
        monkeypatch.setenv("TIDEMARK_REPORTS_ADDRESS", reports.address)
        monkeypatch.setenv("TIDEMARK_KEY", served.secrets["admin"])

        async def run(*arguments: str) -> tuple[int, str]:
            code = await asyncio.to_thread(cli.main, arguments)
            return code, "".join(capsys.readouterr())

        secret = tmp_path / "address"
        secret.write_text(f"{receiver.url}/secret-part\n")
        code, said = await run("deliver", "create", "Room", "--chat", "--secret-file", str(secret))
        assert (code, said) == (0, f"{DEMO}/destinations/room\n")
        await run("deliver", "create", "Files", "--folder", "team")
        code, said = await run("deliver", "create", "Hook", "--webhook", receiver.url)
        assert "secret: whsec_" in said
        code, said = await run("deliver", "destinations")
        assert "a room" in said
        assert "secret-part" not in said
        assert await run("deliver", "test", "files") == (0, "delivered: 1 files written to team\n")
        code, said = await run(
            "schedule", "create", "weekly", "0 7 * * MON-FRI", "--id", "mornings", "--to", "files", "--to", "room", "--links", "2d",
        )  # fmt: skip
        assert said.startswith(f"{REPORT_NAME}/schedules/mornings: next at ")
        code, said = await run("schedule", "list")
        assert "weekly/mornings" in said
        assert "files, room" in said
        code, said = await run("schedule", "show", "weekly/mornings")
        assert "missed slots: the last of them run" in said
        assert "2 days, 0:00:00" in said
        assert "paused" in (await run("schedule", "pause", "weekly/mornings"))[1]
        assert "next at" in (await run("schedule", "resume", "weekly/mornings"))[1]
        code, said = await run("schedule", "preview", "0 7 * * MON", "--count", "1", "--last", "7d")
        assert said.startswith("at 07:00 on Monday\n")
        code, said = await run("schedule", "create", "weekly", "* * * * *")
        assert (code, "schedule.cron: " in said) == (2, True)

        await reports.edition("room", "files")
        async with reports.sending():
            one, _ = await reports.settled(2, 2)
        code, said = await run("deliver", "log", "weekly", "--tries")
        assert "204 No Content" in said
        assert "2 files written to team" in said
        code, said = await run("deliver", "log", "--to", "room", "--format", "json")
        assert '"attempts": 1' in said or '"attempts":1' in said
        assert "on its way again" in (await run("deliver", "replay", one.name.rpartition("/")[2]))[1]
        receiver.statuses = [500]
        assert await run("deliver", "test", "hook") == (1, "not delivered: 500 Internal Server Error\n")
        await run("deliver", "delete", "room")
        await run("schedule", "delete", "weekly/mornings")
        assert await run("schedule", "list") == (0, "none\n")
