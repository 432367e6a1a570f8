"""Answers that are kept, shared and explained, and what completes a text: through a real server on the real database."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from google.protobuf.duration_pb2 import Duration

from services.admin.service import admin
from services.query.service import query
from tests.conftest import Suite, refusal
from tests.integration.history import Happened, Point, commit
from tests.integration.test_query_answers import COUNT, HOUR, MINUTE, NOON, equals, series
from tests.polling import until
from tidemark.v1 import query_pb2 as pb
from tidemark.v1 import question_pb2 as q
from tidemark.v1.admin_pb2 import CreateProjectRequest
from tidemark.v1.admin_pb2_grpc import AdminServiceStub
from tidemark.v1.query_pb2_grpc import QueryServiceStub

BY_HOUR = pb.RunQueryRequest(query=series(NOON, NOON + HOUR, COUNT))


@dataclass(frozen=True)
class Later:
    """A clock so many seconds ahead."""

    seconds: float

    def monotonic(self) -> float:
        return time.monotonic() + self.seconds


async def test_the_same_question_of_the_same_data_is_answered_from_the_cache(
    suite: Suite, database: str
) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            commit(connection, [Happened(NOON)])
        stub, key = QueryServiceStub(served.channel), served.key("viewer")
        first = await stub.RunQuery(BY_HOUR, metadata=key)
        second = await stub.RunQuery(BY_HOUR, metadata=key)
        assert first.metadata.source == q.DATA_SOURCE_ROLLUP
        assert second.metadata.source == q.DATA_SOURCE_CACHE
        assert second.series == first.series
        assert second.metadata.data_version == first.metadata.data_version
        assert second.metadata.answered_at == first.metadata.answered_at
        assert second.metadata.query_id != first.metadata.query_id


async def test_a_commit_makes_a_new_answer_and_another_project_does_not(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        stub, key = QueryServiceStub(served.channel), served.key("viewer")
        with psycopg.connect(database) as connection:
            commit(connection, [Happened(NOON)])
            before = await stub.RunQuery(BY_HOUR, metadata=key)
            commit(connection, [Happened(NOON)], project_id=2)
            still = await stub.RunQuery(BY_HOUR, metadata=key)
            commit(connection, [Happened(NOON + MINUTE)])
            after = await stub.RunQuery(BY_HOUR, metadata=key)
    assert [each.series.series[0].total for each in (before, still, after)] == [1, 1, 2]
    assert still.metadata.source == q.DATA_SOURCE_CACHE
    assert after.metadata.source == q.DATA_SOURCE_ROLLUP
    assert before.metadata.data_version == still.metadata.data_version != after.metadata.data_version


async def test_what_means_the_same_is_found_in_the_cache(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            commit(connection, [Happened(NOON, properties={"size": 1, "colour": "red"})])
        stub, key = QueryServiceStub(served.channel), served.key("viewer")
        parts = [equals("properties.size", 1.0), equals("properties.colour", "red")]
        sources = []
        for order in (parts, parts[::-1]):
            condition = q.Filter(all=q.FilterGroup(filters=order))
            request = pb.RunQueryRequest(query=series(NOON, NOON + HOUR, COUNT, filter=condition))
            answer = await stub.RunQuery(request, metadata=key)
            assert answer.series.series[0].total == 1
            sources.append(answer.metadata.source)
    assert sources == [q.DATA_SOURCE_RAW, q.DATA_SOURCE_CACHE]


async def test_an_older_answer_is_given_only_to_who_says_how_old_it_may_be(
    suite: Suite, database: str
) -> None:
    async with suite(query) as served:
        stub, key = QueryServiceStub(served.channel), served.key("viewer")
        with psycopg.connect(database) as connection:
            commit(connection, [Happened(NOON)])
            await stub.RunQuery(BY_HOUR, metadata=key)
            commit(connection, [Happened(NOON)])
        patient = pb.RunQueryRequest(query=BY_HOUR.query, max_staleness=Duration(seconds=600))
        old = await stub.RunQuery(patient, metadata=key)
        new = await stub.RunQuery(BY_HOUR, metadata=key)
    assert (old.series.series[0].total, old.metadata.source) == (1, q.DATA_SOURCE_CACHE)
    assert new.series.series[0].total == 2


async def test_whatever_who_asks_says_an_answer_is_an_hour_old_at_most(
    suite: Suite, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with suite(query) as served:
        stub, key = QueryServiceStub(served.channel), served.key("viewer")
        await stub.RunQuery(BY_HOUR, metadata=key)
        with psycopg.connect(database) as connection:
            commit(connection, [Happened(NOON)])
        patient = pb.RunQueryRequest(query=BY_HOUR.query, max_staleness=Duration(seconds=86_400))
        totals = []
        for later in (3_590, 3_610):
            monkeypatch.setattr("services.query.cache.time", Later(later))
            answer = await stub.RunQuery(patient, metadata=key)
            totals.append(answer.series.series[0].total)
    assert totals == [0, 1]


async def test_no_answer_is_kept_for_another_project(suite: Suite, database: str) -> None:
    async with suite(query, admin) as served:
        operator = served.key("operator")
        await AdminServiceStub(served.channel).CreateProject(
            CreateProjectRequest(project_id="other"), metadata=operator
        )
        with psycopg.connect(database) as connection:
            commit(connection, [Happened(NOON)])
        stub, totals = QueryServiceStub(served.channel), []
        for project in ("projects/demo", "projects/other"):
            request = pb.RunQueryRequest(
                project=project, query=BY_HOUR.query, max_staleness=Duration(seconds=600)
            )
            answer = await stub.RunQuery(request, metadata=operator)
            totals.append(answer.series.series[0].total)
    assert totals == [1, 0]


async def test_equal_questions_at_once_are_computed_once(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        stub, key = QueryServiceStub(served.channel), served.key("viewer")
        await stub.RunQuery(BY_HOUR, metadata=key)
        with psycopg.connect(database) as connection:
            commit(connection, [Happened(NOON)])
            with connection.transaction():
                connection.execute("LOCK TABLE rollups_1h")
                asked_ = [asyncio.ensure_future(stub.RunQuery(BY_HOUR, metadata=key)) for _ in range(20)]
                await _waiting(database, 1)
                # None of the others has a place in the database, or waits for one.
                done, _ = await asyncio.wait(asked_, timeout=0.3)
                assert not done
                assert await _locked(database) == 1
            answers = await asyncio.gather(*asked_)
    assert {each.series.series[0].total for each in answers} == {1}


async def test_who_waited_for_a_caller_that_left_is_answered_all_the_same(
    suite: Suite, database: str
) -> None:
    async with suite(query) as served:
        stub, key = QueryServiceStub(served.channel), served.key("viewer")
        await stub.RunQuery(BY_HOUR, metadata=key)
        with psycopg.connect(database) as connection:
            commit(connection, [Happened(NOON)])
            with connection.transaction():
                connection.execute("LOCK TABLE rollups_1h")
                first = stub.RunQuery(BY_HOUR, metadata=key)
                await _waiting(database, 1)
                second = asyncio.ensure_future(stub.RunQuery(BY_HOUR, metadata=key))
                await asyncio.wait([second], timeout=0.3)
                first.cancel()
                await _waiting(database, 1)
            assert (await second).series.series[0].total == 1


async def test_negative_staleness_is_refused(suite: Suite) -> None:
    async with suite(query) as served:
        request = pb.RunQueryRequest(query=BY_HOUR.query, max_staleness=Duration(seconds=-1))
        refused = await refusal(
            QueryServiceStub(served.channel).RunQuery(request, metadata=served.key("viewer"))
        )
    assert (refused.code, refused.metadata["field"]) == ("INVALID_ARGUMENT", "max_staleness")


async def test_a_plan_names_its_tables_spans_and_reasons_and_its_statement_runs(
    suite: Suite, database: str
) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            commit(connection, [Happened(NOON + i * MINUTE, properties={"o'size": i}) for i in range(120)])
        stub, key = QueryServiceStub(served.channel), served.key("viewer")
        rolled = pb.ExplainQueryRequest(query=series(NOON, NOON + 2 * HOUR, COUNT))
        plan = await stub.ExplainQuery(rolled, metadata=key)
        assert [scan.source for scan in plan.scans] == ["rollups_1h"]
        assert plan.scans[0].rows_expected == 2
        raw = series(NOON, NOON + 2 * HOUR, COUNT, filter=equals("properties.o'size", 7.0))
        plan = await stub.ExplainQuery(pb.ExplainQueryRequest(query=raw, analyze=True), metadata=key)
        assert [scan.source for scan in plan.scans] == ["events"]
        assert "properties.o'size" in plan.scans[0].reason
        assert plan.scans[0].rows_expected == 120
        # And the days that tell which names there are.
        assert 120 <= plan.rows_read <= 122
        assert plan.metadata.source == q.DATA_SOURCE_RAW
        assert plan.time_range.start.ToDatetime(UTC) == NOON
        with psycopg.connect(database) as connection:
            assert connection.execute(plan.scans[0].statement.encode()).fetchall() == [(0, 0, 1)]


@pytest.mark.parametrize(
    ("request_", "found"),
    [
        (pb.SuggestRequest(kind=pb.SuggestRequest.KIND_EVENT_NAME), ["page_view", "order_placed", "Order%"]),
        (pb.SuggestRequest(kind=pb.SuggestRequest.KIND_EVENT_NAME, text="ORDER"), ["order_placed", "Order%"]),
        (pb.SuggestRequest(kind=pb.SuggestRequest.KIND_EVENT_NAME, text="%"), ["Order%"]),
        (pb.SuggestRequest(kind=pb.SuggestRequest.KIND_METRIC_NAME), ["latency"]),
        (pb.SuggestRequest(kind=pb.SuggestRequest.KIND_FIELD, text="properties."), ["properties.path", "properties.size"]),
        (pb.SuggestRequest(kind=pb.SuggestRequest.KIND_FIELD, text="tags", source=q.SOURCE_METRICS), ["tags.host"]),
        (pb.SuggestRequest(kind=pb.SuggestRequest.KIND_VALUE, field="properties.path"), ["/a", "/b"]),
        (pb.SuggestRequest(kind=pb.SuggestRequest.KIND_VALUE, field="properties.path", text="B"), ["/b"]),
        (pb.SuggestRequest(kind=pb.SuggestRequest.KIND_VALUE, field="properties.path", name="order_placed"), []),
        (pb.SuggestRequest(kind=pb.SuggestRequest.KIND_VALUE, field="type", text="error"), ["ERROR_EVENT"]),
        (pb.SuggestRequest(kind=pb.SuggestRequest.KIND_VALUE, field="user_id", limit=1), ["ann"]),
    ],
)  # fmt: skip
async def test_what_is_typed_is_completed_from_what_is_there(
    suite: Suite, database: str, request_: pb.SuggestRequest, found: list[str]
) -> None:
    recently = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
    rows = [
        Happened(recently, "page_view", properties={"path": path, "size": 1}) for path in ("/a", "/a", "/b")
    ]
    rows += [
        Happened(recently, "order_placed"),
        Happened(recently, "order_placed"),
        Happened(recently, "Order%", "bob"),
    ]
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            commit(connection, [*rows, Point(recently, 1.0, tags={"host": "a"})])
        answer = await QueryServiceStub(served.channel).Suggest(request_, metadata=served.key("viewer"))
    assert [each.value for each in answer.suggestions] == found


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.SuggestRequest(), "kind"),
        (pb.SuggestRequest(kind=pb.SuggestRequest.KIND_VALUE, field="colour"), "field"),
        (pb.SuggestRequest(kind=pb.SuggestRequest.KIND_EVENT_NAME, text="\0"), "text"),
        (pb.SuggestRequest(kind=pb.SuggestRequest.KIND_EVENT_NAME, limit=-1), "limit"),
    ],
)
async def test_a_malformed_request_for_suggestions_names_its_field(
    suite: Suite, request_: pb.SuggestRequest, field: str
) -> None:
    async with suite(query) as served:
        refused = await refusal(
            QueryServiceStub(served.channel).Suggest(request_, metadata=served.key("viewer"))
        )
    assert (refused.code, refused.metadata["field"]) == ("INVALID_ARGUMENT", field)


async def _locked(database: str) -> int:
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        found = await connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        row = await found.fetchone()
    return row[0] if row else 0


async def _waiting(database: str, count: int) -> None:
    """Returns when so many statements wait for a lock."""

    async def reached() -> bool:
        return await _locked(database) == count

    await until(reached)
