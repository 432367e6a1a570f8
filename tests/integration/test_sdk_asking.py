"""Every kind of question through the SDK and the command line, on a real database."""

import asyncio
import csv
import io
import json
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

import tidemark
from services.admin.service import admin
from services.query.service import query
from tests.conftest import Served, Suite
from tests.integration.history import Happened, commit
from tidemark import blocking, cli, questions
from tidemark.errors import Invalid, Refused
from tidemark.terminal.console import Console

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
SPAN = {"start": NOON, "end": NOON + 3 * DAY}
CLI_SPAN = ["--start", "2026-03-02T12:00", "--end", "2026-03-05T12:00"]


def shop() -> list[Happened]:
    """Ten people sign up, five of them order an hour later, and two of these again on the next day."""
    rows = []
    for i in range(10):
        country = {"country": "de" if i % 2 else "fr"}
        rows.append(Happened(NOON + i * MINUTE, "signup", f"u{i}", country))
        if i < 5:
            rows.append(Happened(NOON + (60 + i) * MINUTE, "order", f"u{i}", {"amount": 10 * i, **country}))
        if i < 2:
            rows.append(Happened(NOON + DAY + i * MINUTE, "order", f"u{i}", {"amount": 5, **country}))
    return rows


@asynccontextmanager
async def asking(
    suite: Suite, database: str, key: str = "viewer"
) -> AsyncIterator[tuple[tidemark.Client, Served]]:
    async with suite(query, admin) as served:
        with psycopg.connect(database) as connection:
            commit(connection, shop())
        address = f"127.0.0.1:{served.port}"
        async with tidemark.Client(address, address, key=served.secrets[key]) as client:
            yield client, served


async def test_every_kind_of_question_has_a_call_of_its_own(suite: Suite, database: str) -> None:
    async with asking(suite, database) as (client, _):
        table = await client.table(
            measure=["count of signup", "buyers = uniques of order"],
            formulas={"rate": "buyers / A * 100"},
            by="properties.country",
            **SPAN,
        )
        assert [row["properties.country"] for row in table.rows()] == ["de", "fr"]
        assert [(row["A"], row["buyers"], row["rate"]) for row in table.rows()] == [
            (5.0, 2.0, 40.0),
            (5.0, 3.0, 60.0),
        ]
        assert table.total.values == (10.0, 5.0, 50.0)

        funnel = await client.funnel(
            ["signup", "order where properties.amount > 10 as Bought"], by="properties.country", **SPAN
        )
        assert [group.label for group in funnel.groups] == ["all", "de", "fr"]
        assert [(step.display_name, step.people) for step in funnel.groups[0].steps] == [
            ("signup", 10),
            ("Bought", 3),
        ]
        assert funnel.groups[0].steps[1].median_time == 3600.0

        retention = await client.retention("signup", "order", period="day", **SPAN)
        assert retention.groups[0].cohorts[0].people == 10
        assert retention.groups[0].cohorts[0].back[:2] == (10, 2)

        lifecycle = await client.lifecycle(period="day", **SPAN)
        assert (lifecycle.new[0], lifecycle.returning[1], lifecycle.dormant[1]) == (10, 2, 8)

        sessions = await client.sessions(gap="30m", interval="day", **SPAN)
        assert sessions.total["sessions"] == 17
        assert sessions.entries == {"signup": 10, "order": 7}

        paths = await client.paths("signup", gap="2h", **SPAN)
        assert paths.paths == 10
        assert {(row["value"], row["next"]): row["paths"] for row in paths.rows()} == {("signup", "order"): 5}

        series = await client.series(
            "order", measure="sum properties.amount", interval="day", where=["name =~ ^ord"], **SPAN
        )
        assert sum(series.lines[0].values) == 110.0


async def test_people_behind_a_figure_come_page_by_page(suite: Suite, database: str) -> None:
    async with asking(suite, database) as (client, _):
        funnel = questions.funnel(["signup", "order"], **SPAN)
        lost = [person.user_id async for person in client.people(funnel, step=1, lost=True, page_size=2)]
        assert sorted(lost) == [f"u{i}" for i in range(5, 10)]
        ordered = [person async for person in client.people("order", page_size=3, **SPAN)]
        assert [person.user_id for person in ordered] == ["u1", "u0", "u4", "u3", "u2"]
        assert ordered[0].events == 3


async def test_an_answer_may_be_a_little_old_where_the_caller_says_so(suite: Suite, database: str) -> None:
    async with asking(suite, database) as (client, _):
        asked = questions.table("signup", **SPAN)
        assert (await client.query(asked)).metadata.source == "rollup"  # type: ignore[union-attr]
        assert (await client.query(asked, max_staleness="1h")).metadata.source == "cache"  # type: ignore[union-attr]


async def test_a_plan_is_told_with_its_statement(suite: Suite, database: str) -> None:
    async with asking(suite, database) as (client, _):
        plan = await client.explain(questions.table("signup", by="properties.country", **SPAN), analyze=True)
        assert (plan.start, plan.end) == (SPAN["start"], SPAN["end"])
        assert any("properties" in scan.reason for scan in plan.scans)
        assert any("SELECT" in scan.statement for scan in plan.scans)
        assert plan.metadata is not None


async def test_texts_are_completed(suite: Suite, database: str) -> None:
    async with asking(suite, database) as (client, _):
        with psycopg.connect(database) as connection:
            commit(
                connection, [Happened(datetime.now(UTC) - MINUTE, "checkout", properties={"country": "it"})]
            )
        assert [each.value for each in await client.suggest("event", "check")] == ["checkout"]
        assert "properties.country" in [each.value for each in await client.suggest("field", name="checkout")]
        assert [each.value for each in await client.suggest("value", field="properties.country")] == ["it"]
        with pytest.raises(ValueError, match="kind: 'nothing' is not known; write event"):
            await client.suggest("nothing")


async def test_a_watched_table_is_whole_whenever_it_changes(suite: Suite, database: str) -> None:
    async with asking(suite, database) as (client, _):
        asked = questions.table(by="name", start=NOON, end=datetime(2100, 1, 1, tzinfo=UTC))
        async with aclosing(client.watch(asked)) as changes:
            first = await anext(changes)
            assert first.answer is not None
            assert {row["name"]: row["count"] for row in first.answer.rows()} == {
                "signup": 10.0,
                "order": 7.0,
            }


async def test_readers_are_managed(suite: Suite, database: str) -> None:
    async with asking(suite, database, "admin") as (client, _):
        made = await client.admin.create_reader("demo", "grafana", connections=3)
        assert (made.name, made.connections) == ("projects/demo/readers/grafana", 3)
        assert made.password not in repr(made)
        assert [reader.role async for reader in client.admin.readers("demo")] == [made.role]
        await client.admin.delete_reader(made.name)
        assert [reader async for reader in client.admin.readers("demo")] == []


async def test_the_blocking_client_asks_the_same(suite: Suite, database: str, tmp_path: Path) -> None:
    async with asking(suite, database) as (_, served):
        address = f"127.0.0.1:{served.port}"

        def ask() -> None:
            with blocking.Client(address, address, key=served.secrets["viewer"]) as client:
                assert client.table("signup", **SPAN).total.values == (10.0,)
                assert client.funnel(["signup", "order"], **SPAN).groups[0].steps[1].people == 5
                assert client.retention(**SPAN).groups[0].cohorts[0].people == 10
                assert client.lifecycle(**SPAN).new[0] == 10
                assert client.sessions(**SPAN).total["people"] == 10
                assert client.paths(**SPAN).paths > 0
                assert len(list(client.people("order", page_size=2, **SPAN))) == 5
                assert client.explain(questions.events(**SPAN)).scans
                assert client.suggest("event", "zzz") == []
                done = client.export(questions.events("order", **SPAN), tmp_path / "orders.ndjson")
                assert done.rows == len((tmp_path / "orders.ndjson").read_text().splitlines()) == 7

        await asyncio.to_thread(ask)


def parsed(*arguments: str) -> Namespace:
    return cli.parser().parse_args(arguments)


QUESTIONS = [
    ["events", "--where", "name = order or name = signup"],
    ["series", "--by", "name"],
    ["table", "--measure", "count", "--measure", "uniques", "--formula", "each = A / B", "--by", "name"],
    ["funnel", "signup", "order"],
    ["retention", "--began", "signup"],
    ["lifecycle"],
    ["sessions"],
    ["paths", "--begin", "signup", "--gap", "2h"],
    ["people", "--of", "order"],
]


@pytest.mark.parametrize("asked", QUESTIONS, ids=lambda asked: str(asked[0]))
async def test_every_question_is_answered_in_a_terminal_and_for_programs(
    suite: Suite, database: str, tmp_path: Path, asked: list[str]
) -> None:
    async with asking(suite, database) as (client, _):

        async def run(*arguments: str) -> str:
            found = parsed(*arguments)
            console = Console(io.StringIO(), io.StringIO())
            assert await found.run(client, found, console) == 0
            return console.out.getvalue()  # type: ignore[attr-defined, no-any-return]

        shown = await run("query", *asked, *CLI_SPAN)
        assert "complete to 2026-03-03" in shown
        rows = [
            json.loads(line)
            for line in (
                await run("query", *asked, *CLI_SPAN, "--format", "json", "--limit", "99")
            ).splitlines()
        ]
        cells = list(
            csv.DictReader(
                io.StringIO(await run("query", *asked, *CLI_SPAN, "--format", "csv", "--limit", "99"))
            )
        )
        assert len(rows) == len(cells) > 0
        assert list(rows[0]) == list(cells[0])
        assert "reads" in await run("explain", *asked, *CLI_SPAN, "--statements")
        path = tmp_path / "answer.csv"
        await run("export", *asked, *CLI_SPAN, "-o", str(path))
        assert len(list(csv.DictReader(io.StringIO(path.read_bytes().decode(), newline="")))) == len(rows)


async def test_what_the_server_refuses_keeps_its_field(suite: Suite, database: str) -> None:
    async with asking(suite, database) as (client, _):
        with pytest.raises(Invalid) as refused:
            await client.table(measure="sum user_id", **SPAN)
        assert refused.value.field == "query.table.measures[0].field"
        assert not isinstance(refused.value, Refused)
