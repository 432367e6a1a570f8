"""Answers from the data as they were: through a real server on the real database, whatever was committed, mirrored or removed since."""

import io
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pyarrow as pa
import pytest

import tidemark
from services.admin.service import admin
from services.ingest.service import ingest, writer
from services.kit import opaque
from services.query.columnar.segment import FAN_IN
from services.query.question import Question, read
from services.query.service import query
from services.query.source import answer
from services.query.state import Facts
from services.query.store import Store
from tests.conftest import Served, Suite, refusal
from tests.ingesting import event
from tests.integration.history import Happened, Point, commit
from tests.integration.mirroring import BEGIN, DAYS, LATER, Stage, stage
from tests.integration.test_erasure import BEGIN_US, GONE, HOUR_US
from tests.integration.test_erasure import Stage as Erasing
from tests.integration.test_query_behaviour import ASKED, END, FUNNEL, START, over, run
from tests.unit.query.behaviour.happening import step
from tests.unit.query.test_filter import compared
from tidemark import cli, questions
from tidemark.terminal.console import Console
from tidemark.v1 import cohort_pb2
from tidemark.v1 import query_pb2 as pb
from tidemark.v1 import question_pb2 as q
from tidemark.v1.admin_pb2 import CreateProjectRequest
from tidemark.v1.admin_pb2_grpc import AdminServiceStub
from tidemark.v1.cohort_pb2_grpc import CohortServiceStub
from tidemark.v1.query_pb2_grpc import QueryServiceStub

__all__ = ["stage"]

HOURS = q.Interval(unit=q.Interval.UNIT_HOUR)
COUNT = q.Measure(id="count", aggregation=q.AGGREGATION_COUNT)
UNIQUES = q.Measure(id="uniques", aggregation=q.AGGREGATION_UNIQUES)
SIZE = q.Measure(id="size", aggregation=q.AGGREGATION_SUM, field="properties.size")
LATENCY = {
    name: q.Measure(
        id=name, source=q.SOURCE_METRICS, name="latency", aggregation=f"AGGREGATION_{name}", quantile=0.9
    )
    for name in ("AVG", "MAX", "RATE", "QUANTILE")
}
ADDED_UP = [LATENCY[name] for name in ("AVG", "MAX", "RATE")]
PLANS = {"group_by": ["properties.plan"], "top": 2}
BEFORE = q.COMPARE_PREVIOUS_PERIOD
BUYERS = "projects/demo/cohorts/buyers"
OF_BUYERS = q.Filter(cohort=BUYERS)


def days(count: int) -> q.Query:
    """The shell of a question about the last days."""
    found = q.Query(time_zone="Europe/Berlin")
    found.time_range.last.FromTimedelta(timedelta(days=count))
    return found


def lately(count: int = 2, **question: Any) -> q.Query:
    found = days(count)
    found.MergeFrom(q.Query(**question))
    return found


QUESTIONS = {
    **ASKED,
    "count by hour": over(series=q.SeriesQuestion(measures=[COUNT, UNIQUES], interval=HOURS)),
    "compared": over(series=q.SeriesQuestion(measures=[COUNT], compare=BEFORE)),
    "by name": over(series=q.SeriesQuestion(measures=[COUNT, UNIQUES], group_by=["name"], top=2)),
    "rows": over(series=q.SeriesQuestion(measures=[SIZE, COUNT], interval=HOURS, **PLANS)),
    "seconds": over(START, START + timedelta(minutes=40), series=q.SeriesQuestion(measures=[COUNT])),
    "metrics": over(series=q.SeriesQuestion(measures=ADDED_UP, interval=HOURS)),
    "table": over(table=q.TableQuestion(measures=[COUNT, UNIQUES], group_by=["name"], compare=BEFORE)),
    "table of rows": over(table=q.TableQuestion(measures=[SIZE, UNIQUES], **PLANS)),
    "events": over(events=q.EventsQuestion()),
    "events of a name": over(events=q.EventsQuestion(filter=compared("name", "EQUAL", "a"))),
    "people": over(people=q.PeopleQuestion(funnel=q.FunnelPeople(funnel=FUNNEL, step=1))),
    "of a cohort": over(series=q.SeriesQuestion(measures=[COUNT], filter=OF_BUYERS)),
    "of the last days": lately(table=q.TableQuestion(measures=[COUNT], group_by=["name"])),
    "who came back": lately(30, retention=q.RetentionQuestion(periods=3)),
}  # fmt: skip


def happened(chance: random.Random, count: int, minutes: int = 14_000) -> list[Happened | Point]:
    """What a few people did, so many minutes around the beginning of the range, and lately; and how long it took."""
    found: list[Happened | Point] = []
    now = datetime.now(UTC).replace(microsecond=0)
    for _ in range(count):
        at = START + timedelta(minutes=chance.randrange(-minutes // 2, minutes))
        if chance.random() < 0.2:
            at = now - timedelta(minutes=chance.randrange(min(minutes, 3000)))
        partition = chance.randrange(3)
        if chance.random() < 0.3:
            found.append(Point(at, float(chance.randrange(100)), partition=partition))
            continue
        properties: dict[str, Any] = {
            "size": chance.randrange(10),
            "plan": chance.choice(["free", "paid", "Ünï"]),
        }
        user, session = chance.choice(["ann", "bob", "çem", None]), chance.choice([None, "s1"])
        id_ = uuid.UUID(int=chance.getrandbits(128))
        found.append(
            Happened(
                at,
                chance.choice("abcd"),
                user,
                properties,
                partition=partition,
                event_id=id_,
                session_id=session,
            )
        )
    return found


def aged(token: str, by: timedelta = timedelta(hours=2)) -> str:
    """The name of a state as if it had been told so long ago, so that nobody knows what commits have touched since."""
    told = orjson.loads(opaque.opened(token))
    told[1] -= by // timedelta(microseconds=1)
    return opaque.sealed(orjson.dumps(told))


def content(response: pb.RunQueryResponse) -> str:
    return str(getattr(response, response.WhichOneof("result")))


async def cohort(served: Served) -> None:
    """The people who lately did `a`."""
    rule = cohort_pb2.CohortRule(conditions=[cohort_pb2.CohortCondition(did=step("a"), at_least=2)])
    rule.conditions[0].time_range.CopyFrom(over().time_range)
    request = cohort_pb2.CreateCohortRequest(
        parent="projects/demo", cohort_id="buyers", cohort=cohort_pb2.Cohort(display_name="Buyers", rule=rule)
    )
    await CohortServiceStub(served.channel).CreateCohort(request, metadata=served.key("admin"))


@pytest.mark.parametrize("seed", [1, 2])
async def test_what_was_answered_is_answered_again(suite: Suite, database: str, seed: int) -> None:
    chance = random.Random(seed)
    given: list[tuple[str, pb.RunQueryResponse]] = []
    async with suite(query, query_cache_bytes=0) as served:
        with psycopg.connect(database) as connection:
            commit(connection, happened(chance, 80))
            await cohort(served)
            # First all of the time changes, then a few hours of it, then less.
            for minutes, count in ((14_000, 40), (180, 30), (10, 2)):
                given += [(name, await run(served, asked)) for name, asked in QUESTIONS.items()]
                commit(connection, happened(chance, count, minutes))
                commit(connection, happened(chance, 5), project_id=2)
        changed = 0
        for name, first in given:
            again = await run(served, QUESTIONS[name], as_of=first.metadata.as_of)
            assert content(again) == content(first), name
            told = first.metadata, again.metadata
            assert len({(each.data_version, each.completeness, each.as_of) for each in told}) == 1, name
            assert len({str((each.watermark, each.time_range, each.notes)) for each in told}) == 1, name
            changed += content(await run(served, QUESTIONS[name])) != content(first)
            older = await run(served, _fixed(QUESTIONS[name], first), as_of=aged(first.metadata.as_of))
            assert content(older) == content(first), name
        # What is asked without it has moved on, or nothing would be tested.
        assert changed > len(given) / 2


def _fixed(asked: q.Query, answered: pb.RunQueryResponse) -> q.Query:
    """The question about the span that an answer told of."""
    found = q.Query()
    found.CopyFrom(asked)
    found.time_range.Clear()
    found.time_range.CopyFrom(answered.metadata.time_range)
    return found


async def test_estimates_are_exact_where_they_are_read_from_rows(suite: Suite, database: str) -> None:
    async with suite(query, query_cache_bytes=0) as served:
        with psycopg.connect(database) as connection:
            commit(connection, [Point(START + timedelta(minutes=i), float(i)) for i in range(11)])
            asked = over(series=q.SeriesQuestion(measures=[LATENCY["QUANTILE"]], interval=HOURS))
            first = await run(served, asked)
            commit(connection, [Point(START, 99.0)])
        soon = await run(served, asked, as_of=first.metadata.as_of)
        late = await run(served, asked, as_of=aged(first.metadata.as_of))
    assert content(soon) == content(first)
    assert soon.metadata.error_bound == first.metadata.error_bound > 0
    assert late.series.series[0].total == pytest.approx(9.0)
    assert (late.metadata.source, late.metadata.error_bound) == (q.DATA_SOURCE_RAW, 0)


async def test_explaining_tells_what_is_read_and_why(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        stub, key = QueryServiceStub(served.channel), served.key("viewer")
        asked = over(END - timedelta(days=3), END, series=q.SeriesQuestion(measures=[COUNT], interval=HOURS))
        with psycopg.connect(database) as connection:
            commit(connection, [Happened(END - timedelta(days=2, minutes=5 * i)) for i in range(100)])
            token = (await run(served, asked)).metadata.as_of
            still = await stub.ExplainQuery(pb.ExplainQueryRequest(query=asked, as_of=token), metadata=key)
            commit(connection, [Happened(END - timedelta(days=1))])
        request = pb.ExplainQueryRequest(query=asked, as_of=token, analyze=True)
        soon = await stub.ExplainQuery(request, metadata=key)
        request.as_of = aged(token)
        late = await stub.ExplainQuery(request, metadata=key)
    assert [each.source for each in still.scans] == ["rollups_1h"]
    assert [each.source for each in soon.scans] == ["rollups_1h", "rollups_1m", "events"]
    assert soon.scans[-1].reason == "what is left, and what changed since"
    assert [len(each.spans) for each in soon.scans] == [2, 1, 1]
    assert [each.source for each in late.scans] == ["events"]
    assert "(batch_id >> 12) <" in late.scans[0].statement
    assert (soon.metadata.as_of, late.metadata.as_of) == (token, aged(token))


async def test_pages_and_files_are_of_the_same_state(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        asked = over(events=q.EventsQuestion())
        with psycopg.connect(database) as connection:
            commit(connection, [Happened(START + timedelta(minutes=i)) for i in range(30)])
            whole = await run(served, asked)
            token, table = whole.metadata.as_of, over(table=q.TableQuestion(measures=[COUNT]))
            commit(connection, [Happened(START + timedelta(minutes=i)) for i in range(10)])
        found: list[q.StoredEvent] = []
        page = pb.RunQueryResponse(next_page_token="")
        while page.next_page_token or not found:
            page = await run(served, asked, page_size=7, page_token=page.next_page_token, as_of=token)
            found += page.events.events
        rows = await exported(served, asked, token), await exported(served, asked, aged(token))
        counted = await exported(served, table, token)
    assert found == list(whole.events.events)
    ids = [str(uuid.UUID(bytes=each.event.event_id)) for each in found]
    assert [each.column("event_id").to_pylist() for each in rows] == [ids, ids]
    assert counted.column("count").to_pylist() == [30]


async def exported(served: Served, asked: q.Query, token: str) -> pa.Table:
    request = pb.ExportRequest(query=asked, format=pb.ExportRequest.FORMAT_ARROW, as_of=token)
    call = QueryServiceStub(served.channel).Export(request, metadata=served.key("viewer"))
    messages = [message async for message in call]
    assert messages[-1].metadata.as_of == token
    return pa.ipc.open_stream(io.BytesIO(b"".join(each.chunk for each in messages))).read_all()


async def test_an_answer_of_then_is_kept_and_is_no_answer_of_now(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        asked = over(table=q.TableQuestion(measures=[COUNT]))
        with psycopg.connect(database) as connection:
            commit(connection, [Happened(START)])
            token = (await run(served, asked)).metadata.as_of
            commit(connection, [Happened(START)])
        then = [await run(served, asked, as_of=token) for _ in range(2)]
        request = pb.RunQueryRequest(query=asked)
        request.max_staleness.FromSeconds(600)
        stub, key = QueryServiceStub(served.channel), served.key("viewer")
        await stub.RunQuery(pb.RunQueryRequest(query=asked), metadata=key)
        now = await stub.RunQuery(request, metadata=key)
    assert [each.table.total.values[0] for each in (*then, now)] == [1, 1, 2]
    assert then[1].metadata.source == q.DATA_SOURCE_CACHE
    assert {each.metadata.as_of for each in then} == {token} != {now.metadata.as_of}


async def test_the_client_and_the_command_ask_as_of(suite: Suite, database: str, tmp_path: Path) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            commit(connection, [Happened(START)])
            address, asked = f"127.0.0.1:{served.port}", questions.table(start=START, end=END)
            async with tidemark.Client(address, address, key=served.secrets["viewer"]) as client:
                first = await client.query(asked)
                assert first.metadata is not None
                then = first.metadata.as_of
                commit(connection, [Happened(START)])
                again = await client.query(asked, as_of=then)
                await client.export(asked, tmp_path / "then.csv", as_of=then)
                explained = await client.explain(asked, analyze=True, as_of=then)
                out = io.StringIO()
                words = ["table", "--start", START.isoformat(), "--end", END.isoformat(), "--as-of", then]
                for command in (["query", *words, "--format", "csv"], ["explain", *words, "--analyze"]):
                    arguments = cli.parser().parse_args(command)
                    assert await arguments.run(client, arguments, Console(out, io.StringIO())) == 0
    assert first.rows() == again.rows()
    assert (tmp_path / "then.csv").read_text().splitlines()[1:] == ["false,1"]
    assert explained.metadata is not None
    assert explained.metadata.as_of == then
    assert "all,1.0\n" in out.getvalue()
    assert f"as of {then}" in out.getvalue()


@pytest.mark.parametrize(
    "broken",
    [
        lambda token: "nonsense!",
        lambda token: token[:-4],
        lambda token: opaque.sealed(b"[1]"),
        lambda token: opaque.sealed(b"[1,0,null,[-1],[0],[0],0,0,0,null]"),
        lambda token: opaque.sealed(b"[2" + opaque.opened(token)[2:]),
        lambda token: opaque.sealed(opaque.opened(token).replace(b"[1,", b"[9,").replace(b"[9,", b"[1,", 1)),
        lambda token: aged(token, -timedelta(days=1)),
    ],
    ids=["garbage", "cut", "short", "negative", "another project's", "more batches", "the future"],
)
async def test_what_names_no_state_is_refused(
    suite: Suite, database: str, broken: Callable[[str], str]
) -> None:
    async with suite(query, admin) as served:
        await AdminServiceStub(served.channel).CreateProject(
            CreateProjectRequest(project_id="other"), metadata=served.key("operator")
        )
        with psycopg.connect(database) as connection:
            commit(connection, [Happened(START)])
        asked = over(table=q.TableQuestion(measures=[COUNT]))
        token = broken((await run(served, asked)).metadata.as_of)
        refused = await refusal(run(served, asked, as_of=token))
        assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", ["as_of"])


async def test_windows_know_no_data_but_the_last(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        token = (await run(served, over(events=q.EventsQuestion()))).metadata.as_of
        asked = over(window=q.WindowQuestion(window="projects/demo/windows/some"))
        refused = await refusal(run(served, asked, as_of=token))
        assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", ["as_of"])


async def test_who_was_erased_is_gone_and_a_note_says_so(suite: Suite) -> None:
    async with suite(ingest, writer, query) as served:
        erasing = Erasing(served)
        await erasing.send(
            *(event(i, at_us=BEGIN_US + i * HOUR_US, user_id=["ann", GONE][i % 2]) for i in range(8))
        )
        asked = q.Query(table=q.TableQuestion(measures=[COUNT], group_by=["user_id"]))
        asked.time_range.start.FromMicroseconds(BEGIN_US)
        first = await run(served, asked)
        await erasing.send(event(8, at_us=BEGIN_US, user_id="ann"))
        await erasing.completed((await erasing.erase()).name)
        for token in (first.metadata.as_of, aged(first.metadata.as_of)):
            again = await run(served, asked, as_of=token)
            assert [(*row.group, *row.values) for row in again.table.rows] == [("ann", 4)]
            assert [each.partition(",")[0] for each in again.metadata.notes] == ["rows were removed since"]
            assert again.metadata.data_version != first.metadata.data_version
        assert not first.metadata.notes
        assert not (await run(served, asked)).metadata.notes


def passed(stage: Stage) -> Facts:
    """The state of the data, as if it had been told of hours ago."""

    async def told() -> Facts:
        async with stage.plain.snapshot(1, 30.0) as snapshot:
            facts = await snapshot.facts()
            return replace(facts, passed=True, at=facts.at - timedelta(hours=2))

    return stage.runner.run(told())


def answers(stage: Stage, store: Store, then: Facts | None = None) -> Iterator[tuple[str, bool]]:
    """What questions for rows and people are answered with, and whether segments gave it."""

    async def told(question: Question) -> tuple[str, bool]:
        async with store.snapshot(1, 30.0, then=then) as snapshot:
            found = await answer(question, snapshot, LATER, 1000)
            return str(found.result), found.origin.source == q.DATA_SOURCE_SEGMENT

    for asked in OF_ROWS:
        yield stage.runner.run(told(asked))


def _read(**question: Any) -> Question:
    found = q.Query(**question)
    found.time_range.start.FromDatetime(BEGIN)
    found.time_range.end.FromDatetime(BEGIN + timedelta(days=DAYS))
    return read(found, "Europe/Berlin", LATER)


OF_ROWS = [
    _read(series=q.SeriesQuestion(measures=[COUNT], group_by=["user_id"], interval=HOURS)),
    _read(table=q.TableQuestion(measures=[UNIQUES, COUNT], group_by=["session_id", "name"])),
    _read(funnel=q.FunnelQuestion(steps=[step("a"), step("b")])),
    _read(sessions=q.SessionsQuestion()),
    _read(events=q.EventsQuestion()),
]


def test_segments_tell_of_then_as_rows_do(stage: Stage) -> None:
    stage.happen(60)
    states: list[tuple[Facts, list[str]]] = []
    for number in range(FAN_IN + 2):
        if number % 3 == 0:
            states.append((passed(stage), [text for text, _ in answers(stage, stage.plain)]))
        stage.happen(25)
        # Segments begin and end at other batches than the states, and are merged across them.
        if number % 2 or number > FAN_IN:
            stage.mirror(merges=number % 4)
    stage.happen(10)
    from_segments = 0
    for then, expected in states:
        for store in (stage.mixed, stage.plain):
            found = list(answers(stage, store, then))
            assert [text for text, _ in found] == expected
            from_segments += sum(mirrored for _, mirrored in found)
    assert from_segments >= len(states)
