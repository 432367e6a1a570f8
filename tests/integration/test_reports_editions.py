"""Editions on real servers: made, proven, made again, saved, opened by links, left out, stopped, and removed when their time is over."""

import asyncio
import hashlib
import io
import itertools
import threading
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import openpyxl
import orjson
import pytest

import tidemark
from services.admin.service import admin
from services.ingest.service import ingest, writer
from services.kit.call import Project
from services.kit.identity import LINKS_PER_MINUTE
from services.query.service import query
from services.reports.definitions.store import Store as Definitions
from services.reports.editions.store import Store
from services.reports.formats.check import Disagrees
from services.reports.runs import writer as files
from services.reports.runs.store import Store as Runs
from services.reports.runs.store import begin
from services.reports.runs.worker import Press
from services.reports.service import reports
from services.reports.source import Sources
from tests.conftest import Served, Suite, refusal
from tests.polling import until
from tidemark import cli, errors
from tidemark.editions import FORMATS, Run
from tidemark.operations import Operation
from tidemark.records import AckMode
from tidemark.spelling import every
from tidemark.v1 import edition_pb2 as pb
from tidemark.v1.edition_pb2_grpc import EditionServiceStub
from tidemark.v1.question_pb2 import Filter
from tidemark.v1.report_pb2 import Report
from tidemark.v1.schedule_pb2 import Recipient

DEMO = Project(1, "demo", "UTC")
DAY = datetime(2026, 3, 2, tzinfo=UTC)
WEEKLY = {
    "displayName": "Weekly",
    "timeRange": {"start": "2026-03-02T00:00:00Z", "end": "2026-03-09T00:00:00Z"},
    "sections": [
        {
            "id": "summary",
            "title": "In short",
            "text": {"text": "There were {{ figures.orders.value | number }} orders."},
        },
        {
            "id": "figures",
            "figures": {
                "figures": [
                    {
                        "id": "orders",
                        "title": "Orders",
                        "query": {
                            "series": {
                                "measures": [{"aggregation": "AGGREGATION_COUNT", "name": "order_placed"}]
                            }
                        },
                    }
                ]
            },
        },
        {
            "id": "trend",
            "title": "Orders by day",
            "question": {
                "query": {
                    "series": {
                        "measures": [{"aggregation": "AGGREGATION_COUNT", "name": "order_placed"}],
                        "interval": {"unit": "UNIT_DAY"},
                    }
                }
            },
        },
        {"id": "list", "title": "All orders", "question": {"query": {"events": {}}}},
    ],
}


@dataclass(frozen=True)
class Making:
    """The target reports with all that it reads, and a client of an analyst."""

    served: Served
    client: tidemark.Client

    @property
    def editions(self) -> Store:
        return Store(self.served.resources.pool, timedelta(days=400))

    @property
    def runs(self) -> Runs:
        return Runs(self.served.resources.pool, self.editions)

    async def orders(self, count: int, *, first: int = 0, at: datetime = DAY) -> None:
        """So many orders of people of two countries, committed."""
        for i in range(first, first + count):
            self.client.track(
                "order_placed",
                user_id=f"user-{i % 5}",
                properties={"amount": i, "country": "de" if i % 3 else "fr"},
                occurred_at=at + timedelta(hours=i),
            )
        await self.client.flush()

    async def value(self, statement: str, *values: object) -> Any:
        async with self.served.resources.pool.connection() as connection:
            row = await (await connection.execute(statement, values)).fetchone()  # type: ignore[arg-type]
            return None if row is None else row[0]

    async def content(self, edition: str, form: str) -> bytes:
        """A file of an edition, as it is downloaded."""
        into = io.BytesIO()
        await self.client.editions.download(edition, form, into)
        return into.getvalue()

    @property
    def stub(self) -> EditionServiceStub:
        return EditionServiceStub(self.served.channel)  # type: ignore[no-untyped-call]


def sdk(served: Served, key: str = "admin") -> tidemark.Client:
    address = f"127.0.0.1:{served.port}"
    return tidemark.Client(
        address,
        address,
        insights=address,
        reports=address,
        key=served.secrets[key],
        ack_mode=AckMode.COMMITTED,
    )


@asynccontextmanager
async def making(suite: Suite, **changes: object) -> AsyncIterator[Making]:
    async with suite(ingest, writer, query, admin, reports, **changes) as served, sdk(served) as client:
        made = Making(served, client)
        await client.reports.create(WEEKLY, report_id="weekly")
        yield made


async def test_a_run_makes_an_edition_with_which_all_files_agree(suite: Suite) -> None:
    async with making(suite) as made:
        await made.orders(60)
        heard: list[Operation] = []
        run = await made.client.editions.run("weekly", formats=list(FORMATS), on_progress=heard.append)
        assert heard[-1].target == run.name
        assert (run.state, run.reason, run.schedule, run.slot_time) == ("done", "", "", None)
        edition = await made.client.editions.get(run.editions[0])
        assert edition.run == run.name
        assert [file.format for file in edition.files] == list(FORMATS)
        manifest = edition.manifest
        assert manifest.report_version == 1
        assert manifest.time_range.start.ToDatetime(UTC) == DAY
        assert manifest.as_of
        assert manifest.data_version
        tables = {each.table_id: each for section in manifest.sections for each in section.tables}
        assert tables["list"].row_count == 60
        asked = await made.client.series("order_placed", start=DAY, end=DAY + timedelta(days=7))
        assert sum(asked.lines[0].values) == 60 == tables["trend"].columns[1].sum

        for file in edition.files:
            content = await made.content(edition.name, file.format)
            assert hashlib.sha256(content).hexdigest() == file.sha256
            assert len(content) == file.size
        book = openpyxl.load_workbook(io.BytesIO(await made.content(edition.name, "xlsx")))
        assert len(book.sheetnames) >= 5
        with zipfile.ZipFile(io.BytesIO(await made.content(edition.name, "csv"))) as archive:
            assert any(name.endswith("list.csv") for name in archive.namelist())
        assert orjson.loads(await made.content(edition.name, "json"))["title"] == "Weekly"
        assert [each.name async for each in made.client.editions.list("weekly")] == [edition.name]
        assert [each.name async for each in made.client.editions.runs(states=["done"])] == [run.name]


async def test_an_edition_is_made_again_from_the_data_as_they_were(suite: Suite) -> None:
    async with making(suite) as made:
        await made.orders(40)
        first = await made.client.editions.run(
            "weekly", formats=["json", "csv"], where=["properties.country = de"]
        )
        await made.client.reports.update(
            Report(
                name="projects/demo/reports/weekly",
                display_name="Another",
                sections=[{"id": "only", "text": {"text": "gone"}}],
            )
        )
        await made.orders(30, first=40, at=DAY - timedelta(days=1))

        again = await made.client.editions.rerun(first.editions[0])
        original, repeated = [await made.client.editions.get(each.editions[0]) for each in (first, again)]
        assert repeated.manifest.rerun_of == original.name
        assert list(repeated.manifest.differences) == []
        assert repeated.title == "Weekly"
        assert [each.format for each in repeated.files] == ["csv", "json"]
        hashes = [
            [table.sha256 for section in each.manifest.sections for table in section.tables]
            for each in (original, repeated)
        ]
        assert hashes[0] == hashes[1] != []
        assert repeated.manifest.filter == original.manifest.filter == every(["properties.country = de"])

        third = await made.client.editions.rerun(repeated.name, formats=["html"])
        assert [f.format for f in (await made.client.editions.get(third.editions[0])).files] == ["html"]


async def test_where_a_person_was_erased_a_rerun_says_so_and_the_certificate_names_the_copies(
    suite: Suite,
) -> None:
    async with making(suite) as made:
        await made.orders(20)
        run = await made.client.editions.run("weekly", formats=["json"])
        certificate = await made.client.privacy.erase("user-1")
        edition = await made.client.editions.get(run.editions[0])
        [note] = certificate.notes
        assert note == (
            "Editions of reports are copies that never change, and 1 made before this may hold the person; the last is removed on "
            f"{edition.expire_time:%Y-%m-%d}."
        )
        again = await made.client.editions.get(
            (await made.client.editions.rerun(run.editions[0])).editions[0]
        )
        assert "list: 16 rows, were 20" in again.manifest.differences
        assert any("removed" in each for each in again.manifest.differences), again.manifest.differences


async def test_recipients_with_the_same_filter_share_an_edition_and_see_nothing_else(suite: Suite) -> None:
    async with making(suite) as made:
        await made.orders(30)
        german = every(["properties.country = de"])
        people = [
            Recipient(destination=f"projects/demo/destinations/{name}", filter=only)
            for name, only in (("ann", german), ("bob", None), ("cleo", german))
        ]
        async with made.served.resources.pool.connection() as connection:
            report = Report(name="projects/demo/reports/weekly", version=1)
            begun, _ = await begin(connection, 1, report, formats=[FORMATS["json"]], recipients=people)
        run = await ended(made, begun.name)
        assert run.state == "done", run.reason
        rows = []
        for name in run.editions:
            manifest = (await made.client.editions.get(name)).manifest
            tables = {each.table_id: each for section in manifest.sections for each in section.tables}
            rows.append(tables["list"].row_count)
            content = await made.content(name, "json")
            assert (b"fr" in content) is (tables["list"].row_count == 30)
        assert rows == [20, 30]
        async with made.served.resources.pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT destination_id FROM deliveries ORDER BY edition_number, destination_id"
            )
            assert [row[0] for row in await cursor.fetchall()] == ["ann", "cleo", "bob"]


async def test_a_request_sent_again_makes_one_run_and_so_does_a_slot(suite: Suite) -> None:
    async with making(suite) as made:
        request = pb.RunReportRequest(name="projects/demo/reports/weekly", request_id=str(uuid4()))
        begun = [await made.stub.RunReport(request, metadata=made.served.key("admin")) for _ in range(2)]
        assert begun[0].operation.name == begun[1].operation.name
        async with made.served.resources.pool.connection() as connection:
            report = Report(name="projects/demo/reports/weekly", version=1)
            slots = [await begin(connection, 1, report, schedule="daily", slot_time=DAY) for _ in range(2)]
        assert slots[0][0].run_id == slots[1][0].run_id
        assert slots[0][1] is not None
        assert slots[1][1] is None
        assert await made.value("SELECT count(*) FROM runs") == 2
        run = await ended(made, slots[0][0].name)
        assert run.slot_time == DAY
        assert run.schedule == "projects/demo/reports/weekly/schedules/daily"


async def test_a_slot_tells_of_the_time_before_it_however_late_it_is_made(suite: Suite) -> None:
    async with making(suite) as made:
        await made.client.reports.create(
            {**WEEKLY, "timeRange": {"calendar": {"unit": "UNIT_DAY", "count": 1, "ago": 1}}},
            report_id="daily",
        )
        async with made.served.resources.pool.connection() as connection:
            report = Report(name="projects/demo/reports/daily", version=1)
            begun, _ = await begin(connection, 1, report, schedule="each", slot_time=DAY)
        edition = await made.client.editions.get((await ended(made, begun.name)).editions[0])
        assert edition.manifest.time_range.end.ToDatetime(UTC) == DAY
        assert edition.manifest.time_range.start.ToDatetime(UTC) == DAY - timedelta(days=1)


async def test_a_slot_with_nothing_to_tell_is_left_out_where_that_is_wanted(suite: Suite) -> None:
    async with making(suite) as made:
        async with made.served.resources.pool.connection() as connection:
            report = Report(name="projects/demo/reports/weekly", version=1)
            begun, _ = await begin(connection, 1, report, skip_empty=True)
        run = await ended(made, begun.name)
        assert (run.state, run.editions) == ("skipped", ())
        assert run.reason.startswith("there was nothing to tell")
        assert await made.value("SELECT count(*) FROM editions") == 0


async def test_files_that_do_not_say_what_is_proven_make_no_edition_and_a_retry_does(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def disagrees(*arguments: object) -> None:
        raise Disagrees("table list has 1 row more")

    async with making(suite) as made:
        await made.orders(10)
        with monkeypatch.context() as broken:
            broken.setattr(files, "check", disagrees)
            with pytest.raises(errors.Refused, match="table list has 1 row more"):
                await made.client.editions.run("weekly", formats=["csv"])
        [run] = [each async for each in made.client.editions.runs("weekly")]
        assert run.state == "failed"
        assert "csv does not say what is proven, so nothing is kept" in run.reason
        for table in ("editions", "edition_files", "edition_chunks", "deliveries"):
            assert await made.value(f"SELECT count(*) FROM {table}") == 0

        retried = await made.client.editions.made(await made.client.editions.retry(run.name))
        assert retried.name == run.name
        assert (retried.state, len(retried.editions)) == ("done", 1)
        with pytest.raises(errors.Refused, match="is done; only one that failed"):
            await made.client.editions.retry(run.name)


async def test_a_section_that_fails_is_named_and_a_mended_report_is_retried(suite: Suite) -> None:
    async with making(suite) as made:
        await made.orders(5)
        await made.client.cohorts.create("Team", people=["user-1"], cohort_id="team")
        only = {"cohort": "projects/demo/cohorts/team"}
        report = await made.client.reports.create({**WEEKLY, "filter": only}, report_id="team-weekly")
        await made.client.cohorts.delete("team")
        with pytest.raises(errors.Error, match=r"section '.+': .*cohort"):
            await made.client.editions.run("team-weekly", formats=["json"])
        [run] = [each async for each in made.client.editions.runs(states=["failed"])]
        assert run.reason.startswith("section '")
        assert not run.editions

        report.ClearField("filter")
        await made.client.reports.update(report)
        mended = await made.client.editions.made(await made.client.editions.retry(run.name))
        assert (await made.client.editions.get(mended.editions[0])).manifest.report_version == 2


async def test_a_filter_that_nothing_can_have_is_refused_before_anything_runs(suite: Suite) -> None:
    async with making(suite, reports_running=0) as made:
        with pytest.raises(errors.Invalid) as refused:
            await made.client.editions.begin("weekly", where=["nonsense = 1"])
        assert (refused.value.field or "").startswith("filter.")
        with pytest.raises(errors.NotFound, match="nobody"):
            await made.client.editions.begin("weekly", where=[Filter(cohort="projects/demo/cohorts/nobody")])
        with pytest.raises(errors.NotFound, match="elsewhere"):
            await made.client.editions.begin("weekly", destinations=["elsewhere"])
        assert await made.value("SELECT count(*) FROM runs") == 0


async def test_a_run_is_stopped_before_it_begins(suite: Suite) -> None:
    async with making(suite, reports_running=0) as made:
        begun = await made.client.editions.begin("weekly")
        run = begun.target
        assert (await made.client.editions.one_run(run)).state == "pending"
        await made.client.editions.cancel(run)
        async with at_work(made):
            assert (await ended(made, run)).state == "cancelled"
        with pytest.raises(errors.Error, match="asked to stop"):
            await made.client.editions.made(begun)
        assert await made.value("SELECT count(*) FROM editions") == 0


async def test_a_run_is_stopped_while_its_files_are_written(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, stopped = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(form: Any, source: Any, *arguments: Any) -> None:
        """A check that goes on until its run is stopped."""
        loop.call_soon_threadsafe(writing.set)
        while True:
            try:
                source.write(b".")
                source.flush()
            except Exception:
                loop.call_soon_threadsafe(stopped.set)
                raise

    monkeypatch.setattr(files, "check", slow)
    async with making(suite) as made:
        begun = await made.client.editions.begin("weekly")
        await asyncio.wait_for(writing.wait(), 20)
        assert (await made.client.editions.one_run(begun.target)).state == "running"

        async def told() -> bool:
            return (await made.client.operations.get(begun.name)).step == "checking pdf"

        await until(told)
        await made.client.editions.cancel(begun.target)
        await asyncio.wait_for(stopped.wait(), 20)
        assert (await ended(made, begun.target)).state == "cancelled"


async def test_a_run_that_another_worker_has_taken_over_makes_one_edition(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, calls, released = asyncio.Event(), itertools.count(), threading.Event()
    loop = asyncio.get_running_loop()

    def frozen(*arguments: Any) -> None:
        """The first worker stops in the middle, as under SIGSTOP."""
        if next(calls) == 0:
            loop.call_soon_threadsafe(writing.set)
            released.wait(30)

    monkeypatch.setattr(files, "check", frozen)
    async with making(suite) as made:
        begun = await made.client.editions.begin("weekly", formats=["json"])
        await asyncio.wait_for(writing.wait(), 20)
        await made.value(
            "UPDATE operations SET owner = 'gone', leased_until = now() WHERE verb = 'report' RETURNING 1"
        )
        run = await made.client.editions.made(begun)
        released.set()
        assert (run.state, len(run.editions)) == ("done", 1)
        assert await made.value("SELECT count(*) FROM editions") == 1
        assert await made.value("SELECT attempts FROM operations WHERE verb = 'report'") == 2


async def test_a_run_whose_process_drains_is_begun_anew_at_once(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, calls, released = asyncio.Event(), itertools.count(), threading.Event()
    loop = asyncio.get_running_loop()

    def slow(*arguments: Any) -> None:
        """The first worker has long to go."""
        if next(calls) == 0:
            loop.call_soon_threadsafe(writing.set)
            released.wait(30)

    monkeypatch.setattr(files, "check", slow)
    async with making(suite, reports_running=0) as made:
        # No PDF: one that is being read back would keep the other worker, of the same process, from reading its own.
        begun, draining = await made.client.editions.begin("weekly", formats=["json"]), asyncio.Event()
        async with at_work(made, draining):
            await asyncio.wait_for(writing.wait(), 20)
            draining.set()
            async with at_work(made):
                # Long before the lease is over.
                run = await asyncio.wait_for(made.client.editions.made(begun), 20)
        released.set()
        assert (run.state, len(run.editions)) == ("done", 1)
        assert await made.value("SELECT attempts FROM operations WHERE verb = 'report'") == 1


async def test_what_ends_processes_and_what_takes_too_long_is_given_up(suite: Suite) -> None:
    async with making(suite, reports_running=0, report_seconds=0.001) as made:
        begun = await made.client.editions.begin("weekly")
        await made.value("UPDATE operations SET attempts = 5 WHERE verb = 'report' RETURNING 1")
        async with at_work(made):
            with pytest.raises(errors.Refused, match="begun 5 times and came to no end"):
                await made.client.editions.made(begun)
            with pytest.raises(errors.DeadlineExceeded, match=r"longer than 0\.001 s and was given up at"):
                await made.client.editions.run("weekly")
        assert {each.state async for each in made.client.editions.runs()} == {"failed"}


async def test_fifty_runs_of_a_project_wait_and_no_more(suite: Suite) -> None:
    async with making(suite, reports_running=0) as made:
        for _ in range(50):
            await made.client.editions.begin("weekly")
        with pytest.raises(errors.Exhausted, match="50 runs of projects/demo wait already"):
            await made.client.editions.begin("weekly")


async def test_whoever_has_a_link_opens_the_file_until_it_is_ended(suite: Suite) -> None:
    async with making(suite, edge_url="https://tide.example") as made:
        await made.orders(10)
        run = await made.client.editions.run("weekly", formats=["html", "json"])
        link = await made.client.editions.link(run.editions[0], "html", "1h")
        token = link.path.removeprefix("/v1/links/")
        assert link.url == f"https://tide.example/v1/links/{token}"
        assert timedelta(minutes=59) < link.expire_time - datetime.now(UTC) <= timedelta(hours=1)

        headers, content = await opened(made, token)
        assert content == await made.content(run.editions[0], "html")
        assert headers["content-disposition"].startswith("inline; filename*=UTF-8''weekly-")
        assert headers["content-security-policy"].startswith("sandbox;")
        into = io.BytesIO()
        await made.client.editions.open(link.url, into)
        assert into.getvalue() == content

        entries = [
            each async for each in made.client.admin.audit("projects/demo")
            if each.action.endswith("OpenEditionLink")
        ]  # fmt: skip
        assert [(each.actor, each.resource) for each in entries] == [
            ("projects/-/keys/nobody", run.editions[0]),
            ("projects/-/keys/nobody", run.editions[0]),
        ]
        everything = await made.value(
            "SELECT count(*) FROM audit_log WHERE position(%s IN row(audit_log.*)::text) > 0", token
        )
        assert everything == 0

        assert await made.client.editions.revoke_links(run.editions[0]) == 1
        refused = await refusal(opened(made, token))
        assert (refused.code, refused.reason) == ("NOT_FOUND", "LINK_NOT_FOUND")
        assert token not in refused.message

        short = await made.client.editions.link(run.editions[0], "json", "1h")
        await made.value("UPDATE edition_links SET expires_at = now() - interval '1 second' RETURNING 1")
        assert (await refusal(opened(made, short.path.rpartition("/")[2]))).code == "NOT_FOUND"


async def test_nobody_guesses_links_and_fills_the_log(suite: Suite) -> None:
    async with making(suite) as made:
        entries = await made.value("SELECT count(*) FROM audit_log")
        codes = {(await refusal(opened(made, f"guess{i}"))).code for i in range(LINKS_PER_MINUTE)}
        codes |= {(await refusal(opened(made, "guess"))).code for _ in range(LINKS_PER_MINUTE + 1)}
        assert codes == {"NOT_FOUND", "RESOURCE_EXHAUSTED"}
        assert await made.value("SELECT count(*) FROM audit_log") == entries


async def test_what_was_kept_for_long_enough_is_removed_with_its_files_and_links(suite: Suite) -> None:
    async with making(suite) as made:
        old, new = [await made.client.editions.run("weekly", formats=["json"]) for _ in range(2)]
        for run in (old, new):
            await made.client.editions.link(run.editions[0], "json", "90d")
        await made.value(
            "UPDATE editions SET expires_at = now() - interval '1 second' WHERE edition_id = %s RETURNING 1",
            old.editions[0].rpartition("/")[2],
        )
        await made.value(
            "UPDATE runs SET ended_at = now() - interval '401 days' WHERE run_id = %s RETURNING 1",
            old.name.rpartition("/")[2],
        )
        assert await made.editions.forget()
        assert not await made.editions.forget()
        assert await made.runs.forget()
        assert not await made.runs.forget()
        with pytest.raises(errors.NotFound):
            await made.client.editions.get(old.editions[0])
        assert (await made.client.editions.get(new.editions[0])).files
        for table in ("runs", "editions", "edition_files", "edition_links"):
            assert await made.value(f"SELECT count(*) FROM {table}") == 1


async def test_a_file_of_several_pieces_comes_whole(suite: Suite, tmp_path: Path) -> None:
    async with making(suite) as made:
        many = "{% set many = 'abcdefghij' | list %}{% for a in many %}{% for b in many %}"
        words = {"text": many + "word " * 1200 + "{% endfor %}{% endfor %}"}
        several = [{"id": f"words{i}", "text": words} for i in range(2)]
        await made.client.reports.create({**WEEKLY, "sections": several}, report_id="long")
        run = await made.client.editions.run("long", formats=["json"])
        [file] = (await made.client.editions.get(run.editions[0])).files
        assert file.size > 1 << 20
        await made.client.editions.download(run.editions[0], "json", tmp_path)
        content = await asyncio.to_thread((tmp_path / file.name).read_bytes)
        assert len(content) == file.size
        with pytest.raises(ValueError, match="has no 'pdf'; it has json"):
            await made.client.editions.download(run.editions[0], "pdf", tmp_path)


async def test_the_command_line_runs_follows_and_saves(
    suite: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    async with making(suite) as made:
        await made.orders(10)
        monkeypatch.setenv("TIDEMARK_KEY", made.served.secrets["admin"])
        for target in ("INGEST", "QUERY", "REPORTS"):
            monkeypatch.setenv(f"TIDEMARK_{target}_ADDRESS", f"127.0.0.1:{made.served.port}")

        async def said(*arguments: str) -> list[str]:
            assert await asyncio.to_thread(cli.main, ["report", *arguments]) == 0
            return str(capsys.readouterr().out).splitlines()

        folder = tmp_path / "out"
        lines = await said("run", "weekly", "--format", "csv", "--format", "json", "--out", str(folder))
        edition = lines[0]
        assert edition.startswith("weekly/e")
        assert sorted(each.suffix for each in folder.iterdir()) == [".json", ".zip"]
        shown = "\n".join(await said("edition", edition))
        assert "data version" in shown
        assert "list" in shown
        assert edition in "\n".join(await said("editions"))
        assert "done" in "\n".join(await said("runs", "weekly"))
        assert (await said("rerun", edition, "--format", "json"))[-1] == "every figure is as it was"
        assert (await said("link", edition, "--format", "json"))[0].startswith("/v1/links/")
        assert await said("link", edition, "--revoke") == ["1 links are ended"]


@asynccontextmanager
async def at_work(made: Making, draining: asyncio.Event | None = None) -> AsyncIterator[None]:
    """A replica that makes what is asked for."""
    resources = made.served.resources
    settings = replace(resources.settings, reports_running=1)
    sources, definitions = Sources(settings, resources.pool), Definitions(resources.pool)
    draining = draining or asyncio.Event()
    press = Press(resources.pool, made.runs, made.editions, definitions, sources, settings, draining)
    task = asyncio.create_task(press.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def ended(made: Making, run: str) -> Run:
    """A run once it has ended."""

    async def found() -> Run | None:
        seen = await made.client.editions.one_run(run)
        return seen if seen.end_time else None

    return await until(found)


async def opened(made: Making, token: str) -> tuple[dict[str, str], bytes]:
    """What is told and given to whoever has a link, and no key."""
    call = made.stub.OpenEditionLink(pb.OpenEditionLinkRequest(token=token))
    pieces = [piece async for piece in call]
    assert pieces[0].content_type
    return dict(await call.initial_metadata()), b"".join(piece.data for piece in pieces)
