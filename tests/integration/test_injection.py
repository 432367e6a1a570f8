"""Hostile names and values: whatever a text holds it is a text, found again by exactly itself, and it reaches no other project."""

import asyncio
import csv
import io
import json
import string
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Value
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from services.kit import opaque, page
from services.kit.instant import at
from services.kit.postgres import connect, pool
from services.query.columnar import source
from services.query.columnar.worker import Desk, Session
from services.query.stream import Log
from tests.conftest import Suite
from tests.ingesting import NOW_US, event, event_batch, point, point_batch
from tests.integration.neighbours import COMMITTED, HIDDEN, OURS, SPAN, THEIRS, Stage, requests, staged, texts
from tests.integration.test_bi import url_of
from tidemark import questions
from tidemark.v1 import admin_pb2, cohort_pb2, dashboard_pb2, ingest_pb2, query_pb2
from tidemark.v1 import question_pb2 as q

HOSTILE = [
    "'", '"', "\\", "''", '""', "\\\\", "'; DROP TABLE events; --", '" OR 1=1 --', "') UNION SELECT secret_sha256 FROM api_keys --",
    "%s", "%(p0)s", "%", "%%", "%1$s", "{}", "{0}", "{", "$1", "$$", "$p0", ":p0", "?", "@x", "#", "--", "/*", "*/", ";", "::text",
    "E'\\''", "U&'\\0027'", "$.a[*] ? (@ > 0)", "$country", "a.b", "a..b", ".", "..", "*", "[0]", "a/b", "../../etc/passwd", "0", "-0",
    "1e308", "null", "true", "NaN", "<script>alert(1)</script>", "=1+1", "ünï 🦉", "İ", "ß", "e\u0301", "\u202egnp", "\u200b", "\ufeff",
    "`", "``", "\\u0000", "\\x00", "name", "project_id", "properties", "projects/theirs", "count", "other", " ", "x" * 200,
]  # fmt: skip
"""Names that events may have: of at most 200 characters and without control characters."""
LONGEST = [" ".join(HOSTILE)[place : place + 190] for place in range(0, len(" ".join(HOSTILE)), 190)]
"""The same in as few names as they fit into."""
HOUR_US = 3600 * 10**6


def payload(text: str, number: int) -> dict[str, Any]:
    """An event whose every text is the same."""
    return {
        "name": text,
        "user_id": text,
        "session_id": text,
        "properties_json": json.dumps({text: text, "long": text * 50, "n": number}).encode(),
        "context_json": json.dumps({text: text}).encode(),
    }


async def store(stage: Stage, project: str, names: list[str], times: int, first_us: int = NOW_US) -> None:
    """Stores events and points under each of the names, so many times each, an hour apart."""
    each = [(name, number, first_us + number * HOUR_US) for name in names for number in range(times)]
    events = [
        event(event_id=uuid.uuid4().bytes, at_us=at_us, **payload(name, number))
        for name, number, at_us in each
    ]
    points = [
        point(number, at_us=at_us, name=name, tags={name: name}, unit=name[:20])
        for name, number, at_us in each
    ]
    for rpc, request in (
        ("PublishBatch", ingest_pb2.PublishBatchRequest(batch=event_batch(*events, sequence=0))),
        (
            "RecordMetricsBatch",
            ingest_pb2.RecordMetricsBatchRequest(batch=point_batch(*points, sequence=0, name="p")),
        ),
    ):
        request.project, request.ack_mode = project, COMMITTED
        code, answer = await stage.call(rpc, request, stage.keys["operator"])
        assert code == "OK", answer
        taken = ingest_pb2.PublishBatchResponse.FromString(answer)
        assert taken.accepted_count == len(each), taken


async def mirror(stage: Stage, folder: Path) -> None:
    """Brings everything into segments."""
    ours = stage.served.resources.settings
    from dataclasses import replace

    wanted = replace(ours, segments_folder=str(folder), mirror_rows=1, mirror_seconds=0.0)
    async with (
        await connect(ours.database_url) as connection,
        pool(ours.database_url, 1) as opened,
        Redis.from_url(ours.redis_url) as redis,
    ):
        with closing(Desk(wanted)) as desk:
            await Session(desk, connection, opened, Log(redis), wanted).cut_all(asyncio.Event())


def equals(path: str, text: str) -> q.Filter:
    """A condition that a field is a text."""
    value = Value(string_value=text)
    return q.Filter(comparison=q.Comparison(field=path, operator=q.OPERATOR_EQUAL, values=[value]))


def counting(name: str = "", **fields: Any) -> q.Measure:
    """A measure that counts."""
    return q.Measure(id="A", name=name, aggregation=q.AGGREGATION_COUNT, **fields)


PUNCTUATION = frozenset(string.punctuation)
WHEN: questions.When = {"start": at(NOW_US), "end": at(NOW_US) + timedelta(hours=10)}
TIMES, OTHERS = 2, 5
"""How often each name was stored with us, and next door."""


async def ask(stage: Stage, query: q.Query) -> query_pb2.RunQueryResponse:
    """The answer to a question of ours, which nothing of theirs is in."""
    code, answer = await stage.call(
        "RunQuery", query_pb2.RunQueryRequest(project=OURS, query=query, page_size=1000), stage.keys["viewer"]
    )
    assert code == "OK", answer
    assert HIDDEN.encode() not in answer
    return query_pb2.RunQueryResponse.FromString(answer)


async def export(stage: Stage, query: q.Query, form: int) -> bytes:
    """A whole file."""
    request = query_pb2.ExportRequest(project=OURS, query=query, format=form)  # type: ignore[arg-type]
    code, answer = await stage.call("Export", request, stage.keys["viewer"])
    assert code == "OK", answer
    return answer


async def suggested(stage: Stage, **typed: Any) -> list[str]:
    """What completes a text."""
    request = query_pb2.SuggestRequest(project=OURS, limit=200, **typed)
    code, answer = await stage.call("Suggest", request, stage.keys["viewer"])
    assert code == "OK", answer
    return [each.value for each in query_pb2.SuggestResponse.FromString(answer).suggestions]


def escaped(name: str) -> str:
    """An id as a formula has it."""
    return f"`{name.replace('`', '``')}`"


async def check_apart(stage: Stage, batch: list[str], bulk: int) -> None:
    """What was stored under each text of a batch is counted by it and by nothing else; `bulk` is where rows are read."""

    async def totals(measures: list[q.Measure]) -> tuple[list[float], int]:
        answer = await ask(stage, questions.series(measure=measures, interval="hour", **WHEN))
        return [line.total for line in answer.series.series], answer.metadata.source

    counts = [q.Measure(name=text, aggregation=q.AGGREGATION_COUNT) for text in batch]
    assert await totals(counts) == ([TIMES] * len(batch), q.DATA_SOURCE_ROLLUP), batch
    for measure, text in zip(counts, batch):
        measure.filter.CopyFrom(texts_like(text))
    assert await totals(counts) == ([TIMES] * len(batch), bulk), batch
    for measure in counts:
        measure.name = ""
    assert await totals(counts) == ([TIMES] * len(batch), bulk), batch
    for measure, text in zip(counts, batch):
        measure.filter.CopyFrom(equals(f"tags.{text}", text))
        measure.name, measure.source = text, q.SOURCE_METRICS
    assert (await totals(counts))[0] == [TIMES] * len(batch), batch


async def check_formulas(stage: Stage, batch: list[str]) -> None:
    """A text is as good a name of a measure or a formula as any."""
    named = [
        q.Measure(id=f"{text[:90]}!", name=text, aggregation=q.AGGREGATION_COUNT, hidden=True)
        for text in batch
    ]
    query = questions.table(measure=named, **WHEN)
    for measure, text in zip(named, batch):
        query.table.formulas.add(id=text[:90], expression=f"{escaped(measure.id)} * 2 + 1")
    answer = await ask(stage, query)
    assert [column.id for column in answer.table.columns] == [text[:90] for text in batch]
    assert list(answer.table.rows[0].values) == [2 * TIMES + 1] * len(batch)


async def check_grouped(stage: Stage, text: str) -> None:
    """What was stored under a text is grouped, followed and written by it."""
    key, by_name = f"properties.{text}", equals("name", text)
    fields = ["name", key, f"context.{text}", "user_id", "session_id"]
    table = questions.table(measure=counting(), by=fields, where=[by_name], **WHEN)
    answer = await ask(stage, table)
    assert [(*row.group, *row.values) for row in answer.table.rows] == [(text,) * 5 + (TIMES,)], text
    for line in (await export(stage, table, query_pb2.ExportRequest.FORMAT_NDJSON)).splitlines():
        assert list(json.loads(line).values())[:5] == [text] * 5
    step = q.Step(name=text, filter=equals(key, text))
    answer = await ask(stage, questions.funnel([step, step], by=key, **WHEN))
    assert [[each.people for each in group.steps] for group in answer.funnel.groups] == [[1, 1], [1, 1]], text
    assert answer.funnel.groups[1].group == text
    answer = await ask(stage, questions.people(step, **WHEN))
    assert [(person.user_id, person.events) for person in answer.people.people] == [(text, TIMES)]
    answer = await ask(stage, questions.paths(step, step_by=key, gap="2h", **WHEN))
    assert {node.value for node in answer.paths.nodes} == {text}


async def check_listed(stage: Stage) -> None:
    """All events are shown and written as they were stored, and only ours."""
    expected = sorted((HOSTILE + LONGEST) * TIMES)
    answer = await ask(stage, questions.events(where=["properties.long?"], **WHEN))
    shown = [each.event for each in answer.events.events]
    assert sorted(each.name for each in shown) == expected
    assert sorted(each.user_id for each in shown) == sorted(each.session_id for each in shown) == expected
    assert all(json.loads(each.properties_json)[each.name] == each.name for each in shown)
    asked = questions.events(where=["properties.long?"], **WHEN)
    lines = (await export(stage, asked, query_pb2.ExportRequest.FORMAT_NDJSON)).split(b"\n")
    rows = [json.loads(line) for line in lines if line]
    assert sorted(row["name"] for row in rows) == expected
    assert all(row["properties"][row["name"]] == row["user_id"] == row["name"] for row in rows)
    file = io.StringIO((await export(stage, asked, query_pb2.ExportRequest.FORMAT_CSV)).decode(), newline="")
    for row in csv.DictReader(file):
        # What a spreadsheet would run begins with an apostrophe.
        held = json.loads(row["properties"])
        assert row["name"] in held or row["name"].removeprefix("'") in held


def texts_like(text: str) -> q.Filter:
    """A condition that a text fulfils by every operator that compares texts."""
    found, field = q.Filter(), f"properties.{text}"
    pattern = "^" + "".join(f"\\{each}" if each in PUNCTUATION else each for each in text) + "$"
    for operator, value in (
        (q.OPERATOR_CONTAINS, text),
        (q.OPERATOR_STARTS_WITH, text),
        (q.OPERATOR_ENDS_WITH, text),
        (q.OPERATOR_IN, text),
        (q.OPERATOR_MATCHES, pattern),
        (q.OPERATOR_NOT_EQUAL, f"{text}'"),
    ):
        compared = q.Comparison(field=field, operator=operator, values=[Value(string_value=value)])
        found.all.filters.append(q.Filter(comparison=compared))
    return found


async def check_suggested(stage: Stage, text: str) -> None:
    """What was stored under a text is offered when it is typed."""
    kinds = query_pb2.SuggestRequest
    assert text in await suggested(stage, kind=kinds.KIND_EVENT_NAME, text=text)
    assert text in await suggested(stage, kind=kinds.KIND_METRIC_NAME, text=text)
    assert f"properties.{text}" in await suggested(stage, kind=kinds.KIND_FIELD, name=text, text=text)
    for field in (f"properties.{text}", f"context.{text}", "user_id"):
        assert await suggested(stage, kind=kinds.KIND_VALUE, name=text, field=field) == [text]


async def test_what_is_stored_under_a_hostile_name_is_found_by_exactly_that_name(
    suite: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "LEAST_ROWS", 0)
    monkeypatch.setattr(source, "LEAST_SHARE", 0.0)
    async with staged(suite, segments_folder=str(tmp_path / "segments"), query_cache_bytes=0) as stage:
        await store(stage, OURS, HOSTILE + LONGEST, TIMES)
        await store(stage, THEIRS, [*HOSTILE, *LONGEST, HIDDEN], OTHERS)
        await check_listed(stage)
        for bulk in (q.DATA_SOURCE_RAW, q.DATA_SOURCE_SEGMENT):
            for place in range(0, len(HOSTILE), 10):
                await check_apart(stage, HOSTILE[place : place + 10], bulk)
                await check_formulas(stage, HOSTILE[place : place + 10])
            for text in LONGEST:
                await check_grouped(stage, text)
            await mirror(stage, tmp_path / "segments")


async def test_what_is_stored_under_a_hostile_name_is_offered_and_stands_in_the_views(
    suite: Suite, database: str
) -> None:
    async with staged(suite) as stage:
        # Only what is recent is offered.
        now_us = time.time_ns() // 1000
        await store(stage, OURS, HOSTILE, 1, now_us)
        await store(stage, THEIRS, [*HOSTILE, HIDDEN], 1, now_us)
        for text in HOSTILE:
            await check_suggested(stage, text)
        asked_for = admin_pb2.CreateReaderRequest(parent=OURS, reader_id="views")
        code, answer = await stage.call("CreateReader", asked_for, stage.keys["admin"])
        assert code == "OK"
        made = admin_pb2.CreateReaderResponse.FromString(answer)
        with psycopg.connect(url_of(database, made.reader.role, made.password), autocommit=True) as reader:
            for text in HOSTILE:
                for statement in (
                    "SELECT count(*) FROM bi.events WHERE name = %s AND properties ->> %s = %s",
                    "SELECT sum(count) FROM bi.rollups_1d WHERE name = %s AND source = 'events' AND %s = %s",
                    "SELECT count(*) FROM bi.metric_points WHERE name = %s AND %s = %s",
                ):
                    assert reader.execute(statement, (text, text, text)).fetchone() == (1,), (text, statement)


# --- whatever is asked ------------------------------------------------------------------------------------------------

LONG = "x'\"\\%s" * 1500
pieces = st.sampled_from(
    [*HOSTILE, "\0", "\n", "\r\n", "\x1b[0m", LONG, "(", ")", "a{1,100}", "(a*)*", "A / 0", "1e999"]
)
hostile = st.one_of(
    pieces,
    st.lists(pieces, min_size=2, max_size=4).map("".join),
    st.text(max_size=40),
    # Where a text is opaque, what it holds is what hurts.
    st.one_of(pieces, st.text(max_size=40)).map(lambda text: opaque.sealed(text.encode())),
)
REFUSED = {"INVALID_ARGUMENT", "NOT_FOUND", "PERMISSION_DENIED"}
ALSO = {"ALREADY_EXISTS", "ABORTED", "FAILED_PRECONDITION"}
"""How a call about a resource may end as well."""


def everywhere() -> q.Filter:
    """A condition with every operator."""
    found = q.Filter()
    for operator in q.Operator.values():
        if operator:
            made = q.Comparison(field="properties.x", operator=operator)  # type: ignore[arg-type]
            if operator not in (q.OPERATOR_EXISTS, q.OPERATOR_NOT_EXISTS):
                number = q.OPERATOR_LESS <= operator <= q.OPERATOR_GREATER_OR_EQUAL
                made.values.append(Value(number_value=1) if number else Value(string_value="x"))
            found.any.filters.append(q.Filter(comparison=made))
    found.any.filters.append(q.Filter(cohort=f"{OURS}/cohorts/vip"))
    return found


def asked() -> list[q.Query]:
    """Questions of every kind in which every text is set."""
    within = everywhere()
    step = q.Step(name="x", filter=within, display_name="x")
    measure = counting("x", filter=within)
    unique = q.Measure(id="B", name="x", aggregation=q.AGGREGATION_UNIQUES, field="properties.x")
    middle = q.Measure(id="C", aggregation=q.AGGREGATION_QUANTILE, field="properties.n", quantile=0.5)
    load = q.Measure(id="A", source=q.SOURCE_METRICS, name="x", aggregation=q.AGGREGATION_SUM)
    formula = q.Formula(id="F", expression="A * 2", unit="x")
    funnel = questions.funnel([step, "y"], where=[within], by="properties.x", **SPAN)
    found = [
        questions.events(where=[within], **SPAN),
        questions.series(
            measure=[measure, unique, middle], by=["properties.x", "user_id"], where=[within], **SPAN
        ),
        questions.series(
            measure=load, source="metrics", by=["tags.x"], where=[equals("tags.x", "x")], **SPAN
        ),
        questions.table(
            measure=[measure, unique], by=["properties.x", "name"], order_by="A", where=[within], **SPAN
        ),
        funnel,
        questions.retention(step, step, by="properties.x", where=[within], **SPAN),
        questions.lifecycle(step, **SPAN),
        questions.sessions(where=[within], **SPAN),
        questions.paths(step, step_by="properties.x", where=[within], **SPAN),
        questions.people(step, **SPAN),
        questions.people(funnel, step=1, group="x"),
        questions.people(cohort=f"{OURS}/cohorts/vip", **SPAN),
    ]
    for each in found:
        each.time_zone = "Europe/Berlin"
    found[1].series.formulas.append(formula)
    found[3].table.formulas.append(formula)
    return found


def templates() -> list[tuple[str, Message]]:
    """Requests in good order, in which every text of the contract is set at least once."""
    found = list(requests(OURS, "0").items())
    for query in asked():
        run = query_pb2.RunQueryRequest(project=OURS, query=query)
        if query.WhichOneof("question") in ("events", "people"):
            run.page_token = "x"
        found += [
            ("RunQuery", run),
            ("ExplainQuery", query_pb2.ExplainQueryRequest(project=OURS, query=query)),
        ]
        found.append(("WatchQuery", query_pb2.WatchQueryRequest(project=OURS, query=query, cursor="")))
        if query.WhichOneof("question") in ("events", "series", "table"):
            found.append(("Export", query_pb2.ExportRequest(project=OURS, query=query, format=2)))  # type: ignore[arg-type]
    cohort = cohort_pb2.Cohort(display_name="x", description="x", etag="1")
    condition = cohort.rule.conditions.add(did=q.Step(name="x", filter=equals("properties.x", "x")))
    condition.time_range.last.seconds = 3600
    board = dashboard_pb2.Dashboard(
        display_name="x",
        description="x",
        time_zone="UTC",
        filter=equals("properties.x", "$v"),
        variables=[dashboard_pb2.Variable(id="v", display_name="x", field="properties.x", values=["x"])],
        tiles=[
            dashboard_pb2.Tile(id="t", title="x", text="x"),
            dashboard_pb2.Tile(
                id="u", query=questions.series(**SPAN), display=dashboard_pb2.Display(unit="x")
            ),
        ],
    )
    chosen = dashboard_pb2.VariableValues(id="v", values=["x"])
    suggest, kinds = query_pb2.SuggestRequest, query_pb2.SuggestRequest
    found += [
        (
            "CreateCohort",
            cohort_pb2.CreateCohortRequest(parent=OURS, cohort=cohort, request_id=str(uuid.UUID(int=7))),
        ),
        (
            "UpdateCohort",
            cohort_pb2.UpdateCohortRequest(cohort=cohort_pb2.Cohort(name=f"{OURS}/cohorts/vip", etag="1")),
        ),
        ("CreateDashboard", dashboard_pb2.CreateDashboardRequest(parent=OURS, dashboard=board)),
        (
            "WatchDashboard",
            dashboard_pb2.WatchDashboardRequest(
                project=OURS, draft=board, variables=[chosen], filter=everywhere()
            ),
        ),
        ("WatchQuery", query_pb2.WatchQueryRequest(project=OURS, query=questions.series(**SPAN), cursor="x")),
        ("WatchDashboard", dashboard_pb2.WatchDashboardRequest(project=OURS, draft=board, cursor="x")),
        ("GetLedger", query_pb2.GetLedgerRequest(project=OURS, producer_id="x", page_token="x")),
        ("ListCohorts", cohort_pb2.ListCohortsRequest(parent=OURS, page_token="x")),
        ("ListDashboards", dashboard_pb2.ListDashboardsRequest(parent=OURS, page_token="x")),
        ("ListKeys", admin_pb2.ListKeysRequest(parent=OURS, page_token="x")),
        ("ListReaders", admin_pb2.ListReadersRequest(parent=OURS, page_token="x")),
        (
            "ListAuditEntries",
            admin_pb2.ListAuditEntriesRequest(parent=OURS, actor="x", action="x", page_token="x"),
        ),
    ]
    found += [
        ("Suggest", suggest(project=OURS, kind=kinds.KIND_VALUE, text="x", name="x", field=field))
        for field in ("properties.x", "context.x", "name", "type", "occurred_at")
    ]
    found.append(("Suggest", suggest(project=OURS, kind=kinds.KIND_FIELD, text="x", name="x")))
    return [(name, each) for name, each in found if list(texts(each))]


TEMPLATES = templates()
FORGED = {
    "RunQuery": (query_pb2.RunQueryRequest(project=OURS, query=asked()[0]), (int, str, int, int)),
    "GetLedger": (query_pb2.GetLedgerRequest(project=OURS), (int, str, int, int)),
    "ListCohorts": (cohort_pb2.ListCohortsRequest(parent=OURS), (str,)),
    "ListDashboards": (dashboard_pb2.ListDashboardsRequest(parent=OURS), (int, str)),
    "ListKeys": (admin_pb2.ListKeysRequest(parent=OURS), (str,)),
    "ListReaders": (admin_pb2.ListReadersRequest(parent=OURS), (str,)),
    "ListAuditEntries": (admin_pb2.ListAuditEntriesRequest(parent=OURS), (int,)),
}
"""Requests whose pages go on behind positions of these kinds."""
Ask = Callable[[str, Message], tuple[str, bytes]]
whatever = settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def ask_anything(suite: Suite) -> Iterator[Ask]:
    """Calls as the admin of `ours`, beside a project that holds much the same; nothing of that changes."""
    with asyncio.Runner() as runner:
        context = staged(suite)
        stage = runner.run(context.__aenter__())
        runner.run(store(stage, OURS, HOSTILE[:8], TIMES))
        before = runner.run(stage.state(THEIRS))
        yield lambda name, request: runner.run(stage.call(name, request, stage.keys["admin"]))
        assert runner.run(stage.state(THEIRS)) == before
        runner.run(context.__aexit__(None, None, None))


@whatever
@given(data=st.data())
def test_every_text_of_every_request_may_be_hostile(ask_anything: Ask, data: st.DataObject) -> None:
    name, template = data.draw(st.sampled_from(TEMPLATES))
    request = type(template)()
    request.CopyFrom(template)
    places = list(texts(request))
    where, put = places[data.draw(st.integers(0, len(places) - 1))]
    text = data.draw(hostile)
    put(text)
    code, answer = ask_anything(name, request)
    also = ALSO if name.startswith(("Create", "Update", "Delete", "Clone")) else set()
    assert code in {"OK"} | REFUSED | also, (name, where, text, code, answer[:300])
    assert HIDDEN.encode() not in answer, (name, where, text)


@whatever
@given(data=st.data())
def test_a_place_that_a_caller_made_up_leads_nowhere(ask_anything: Ask, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(FORGED)))
    template, kinds = FORGED[name]
    request: Any = type(template)()
    request.CopyFrom(template)
    numbers = st.integers(-(2**63), 2**64) | st.sampled_from([0, NOW_US, NOW_US + HOUR_US])
    position: list[Any] = [data.draw(numbers if kind is int else hostile) for kind in kinds]
    try:
        request.page_token = page.token(request, *position)
    except TypeError:
        return  # Beyond what a token holds.
    code, answer = ask_anything(name, request)
    assert code in {"OK", "INVALID_ARGUMENT"}, (name, position, code, answer[:300])
    assert HIDDEN.encode() not in answer
