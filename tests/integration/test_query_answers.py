"""RunQuery through gRPC on a real database."""

import math
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from services.query.service import query
from tests.conftest import Suite, refusal
from tests.integration.history import Happened, Point, commit
from tidemark.v1 import query_pb2 as pb
from tidemark.v1 import question_pb2 as q
from tidemark.v1.query_pb2_grpc import QueryServiceStub

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def asked(start: datetime, end: datetime, **question: object) -> q.Query:
    found = q.Query(**question)
    found.time_range.start.FromDatetime(start)
    found.time_range.end.FromDatetime(end)
    return found


def series(
    start: datetime, end: datetime, *measures: q.Measure, unit: int = q.Interval.UNIT_HOUR, **others: object
) -> q.Query:
    return asked(
        start, end, series=q.SeriesQuestion(measures=measures, interval=q.Interval(unit=unit), **others)
    )


COUNT = q.Measure(aggregation=q.AGGREGATION_COUNT)
UNIQUES = q.Measure(aggregation=q.AGGREGATION_UNIQUES)


def equals(field: str, value: object) -> q.Filter:
    found = q.Filter(comparison=q.Comparison(field=field, operator=q.OPERATOR_EQUAL))
    kind = (
        "bool_value"
        if isinstance(value, bool)
        else "string_value"
        if isinstance(value, str)
        else "number_value"
    )
    setattr(found.comparison.values.add(), kind, value)
    return found


async def test_events_come_newest_first_with_the_times_of_their_batch(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            rows = [Happened(NOON + i * MINUTE, name=f"n{i % 2}", properties={"i": i}) for i in range(5)]
            commit(connection, rows, sent_at=NOON - HOUR, received_at=NOON)
        stub = QueryServiceStub(served.channel)
        request = pb.RunQueryRequest(query=asked(NOON, NOON + HOUR, events=q.EventsQuestion()))
        answer = await stub.RunQuery(request, metadata=served.key("viewer"))
        assert [e.event.properties_json for e in answer.events.events] == [
            b'{"i": %d}' % i for i in (4, 3, 2, 1, 0)
        ]
        first = answer.events.events[0]
        assert first.event.event_id == rows[4].event_id.bytes
        assert first.sent_at.ToDatetime(UTC) == NOON - HOUR
        assert first.received_at.ToDatetime(UTC) == NOON
        assert first.HasField("committed_at")
        assert answer.metadata.source == q.DATA_SOURCE_RAW


async def test_pages_hold_every_event_once_also_when_instants_are_equal(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            rows = [Happened(NOON + (i // 7) * MINUTE, name=f"n{i % 3}") for i in range(60)]
            commit(connection, rows)
        stub, seen, token = QueryServiceStub(served.channel), [], ""
        request = pb.RunQueryRequest(query=asked(NOON, NOON + HOUR, events=q.EventsQuestion()), page_size=13)
        while True:
            request.page_token = token
            answer = await stub.RunQuery(request, metadata=served.key("viewer"))
            seen += [(e.event.occurred_at.ToNanoseconds(), e.event.event_id) for e in answer.events.events]
            if not (token := answer.next_page_token):
                break
        assert seen == sorted(seen, reverse=True)
        assert len(seen) == len(set(seen)) == 60


async def test_a_page_token_of_another_question_is_refused(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            commit(connection, [Happened(NOON + i * MINUTE) for i in range(3)])
        stub = QueryServiceStub(served.channel)
        request = pb.RunQueryRequest(query=asked(NOON, NOON + HOUR, events=q.EventsQuestion()), page_size=1)
        answer = await stub.RunQuery(request, metadata=served.key("viewer"))
        request.query.events.filter.CopyFrom(equals("name", "x"))
        request.page_token = answer.next_page_token
        refused = await refusal(stub.RunQuery(request, metadata=served.key("viewer")))
        assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", ["page_token"])


async def test_a_series_from_rollups_says_so_and_states_the_error_of_its_sketch(
    suite: Suite, database: str
) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            rows = [Happened(NOON + i * MINUTE, user_id=f"u{i % 40}", partition=i % 3) for i in range(180)]
            commit(connection, rows)
        request = pb.RunQueryRequest(query=series(NOON, NOON + 4 * HOUR, COUNT, UNIQUES))
        answer = await QueryServiceStub(served.channel).RunQuery(request, metadata=served.key("viewer"))
        count, uniques = answer.series.series
        assert list(count.values) == [60, 60, 60, 0]
        assert count.total == 180
        assert list(uniques.values) == [40, 40, 40, 0]
        assert uniques.total == 40
        assert answer.metadata.source == q.DATA_SOURCE_ROLLUP
        assert 0.03 < answer.metadata.error_bound < 0.04


async def test_the_first_bucket_counts_only_what_is_inside_the_range(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            commit(connection, [Happened(NOON + timedelta(seconds=10 * i)) for i in range(720)])
        start, end = NOON + timedelta(minutes=30, seconds=5), NOON + timedelta(minutes=90, seconds=15)
        request = pb.RunQueryRequest(query=series(start, end, COUNT, UNIQUES))
        answer = await QueryServiceStub(served.channel).RunQuery(request, metadata=served.key("viewer"))
        assert [t.ToDatetime(UTC) for t in answer.series.bucket_starts] == [NOON, NOON + HOUR]
        assert list(answer.series.series[0].values) == [179, 182]
        assert list(answer.series.series[1].values) == [1, 1]


async def test_groups_beyond_the_top_are_one_series_of_the_rest(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            rows = [
                Happened(NOON + i * MINUTE, user_id=f"u{i}", properties={"country": country, "amount": i})
                for i, country in enumerate(["de"] * 5 + ["fr"] * 4 + ["it"] * 3 + ["es"] * 2)
            ]
            commit(connection, [*rows, Happened(NOON)])
        summed = q.Measure(id="sum", aggregation=q.AGGREGATION_SUM, field="properties.amount")
        asks = series(NOON, NOON + HOUR, COUNT, UNIQUES, summed, group_by=["properties.country"], top=2)
        answer = await QueryServiceStub(served.channel).RunQuery(
            pb.RunQueryRequest(query=asks), metadata=served.key("viewer")
        )
        found = {(s.measure_id, *s.group, s.other): s.total for s in answer.series.series}
        assert found == {
            ("A", "de", False): 5, ("A", "fr", False): 4, ("A", True): 6,
            ("B", "de", False): 5, ("B", "fr", False): 4, ("B", True): 6,
            ("sum", "de", False): 10, ("sum", "fr", False): 26, ("sum", True): 55,
        }  # fmt: skip
        assert answer.metadata.source == q.DATA_SOURCE_RAW
        assert answer.metadata.error_bound == 0


async def test_groups_of_names_and_types_come_from_rollups(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            rows = [Happened(NOON + i * MINUTE, name=f"n{i % 4 * i % 3}", type=1 + i % 2) for i in range(60)]
            commit(connection, rows)
        asks = series(NOON, NOON + HOUR, COUNT, group_by=["type", "name"], top=100)
        answer = await QueryServiceStub(served.channel).RunQuery(
            pb.RunQueryRequest(query=asks), metadata=served.key("viewer")
        )
        expected: dict[tuple[str, str], int] = {}
        for row in rows:
            key = ({1: "USER_ACTION", 2: "SYSTEM_EVENT"}[row.type], row.name)
            expected[key] = expected.get(key, 0) + 1
        assert {tuple(s.group): s.total for s in answer.series.series} == expected
        assert answer.metadata.source == q.DATA_SOURCE_ROLLUP


async def test_values_are_compared_with_the_period_before(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            commit(connection, [Happened(NOON + i * MINUTE) for i in range(90)])
            commit(connection, [Happened(NOON - 3 * HOUR + i * 2 * MINUTE) for i in range(90)])
        asks = series(NOON, NOON + 3 * HOUR, COUNT, compare=q.COMPARE_PREVIOUS_PERIOD)
        answer = await QueryServiceStub(served.channel).RunQuery(
            pb.RunQueryRequest(query=asks), metadata=served.key("viewer")
        )
        [found] = answer.series.series
        assert list(found.values) == [60, 30, 0]
        assert list(found.previous_values) == [30, 30, 30]
        assert (found.total, found.previous_total) == (90, 90)


async def test_metrics_have_their_kind_and_unit_and_every_aggregation(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            commit(connection, [Point(NOON + i * MINUTE, float(i), partition=i % 2) for i in range(60)])
        names = ["COUNT", "SUM", "AVG", "MIN", "MAX", "RATE", "QUANTILE", "UNIQUES"]
        measures = [
            q.Measure(
                id=n, source=q.SOURCE_METRICS, name="latency", aggregation=f"AGGREGATION_{n}", quantile=0.5
            )
            for n in names
        ]
        answer = await QueryServiceStub(served.channel).RunQuery(
            pb.RunQueryRequest(query=series(NOON, NOON + HOUR, *measures)), metadata=served.key("viewer")
        )
        found = {s.measure_id: s.total for s in answer.series.series}
        assert found["QUANTILE"] == pytest.approx(29.5, abs=1)
        del found["QUANTILE"]
        assert found == {
            "COUNT": 60, "SUM": 1770, "AVG": 29.5, "MIN": 0, "MAX": 59, "RATE": pytest.approx(1770 / 3600), "UNIQUES": 60,
        }  # fmt: skip
        assert {(s.kind, s.unit) for s in answer.series.series} == {(4, "ms")}


@pytest.mark.parametrize("grouped", [False, True])
async def test_nothing_is_zero_or_unknown_and_never_an_error(suite: Suite, grouped: bool) -> None:
    async with suite(query) as served:
        summed = q.Measure(aggregation=q.AGGREGATION_AVG, field="properties.x")
        asks = series(NOON, NOON + HOUR, COUNT, summed, UNIQUES, group_by=["name"] if grouped else [])
        answer = await QueryServiceStub(served.channel).RunQuery(
            pb.RunQueryRequest(query=asks), metadata=served.key("viewer")
        )
        if grouped:
            assert not answer.series.series
            return
        count, mean, uniques = answer.series.series
        assert (count.values[0], count.total) == (0, 0)
        assert math.isnan(mean.values[0])
        assert math.isnan(mean.total)
        assert uniques.total == 0


async def test_filters_mean_what_the_contract_says(suite: Suite, database: str) -> None:
    values = [1, "1", True, None, 2.5, "Big", {"b": "nested"}, [1], 10**30]
    rows = [Happened(NOON, name=f"v{i}", properties={"x": value}) for i, value in enumerate(values)]
    rows += [
        Happened(NOON, name="missing"),
        Happened(NOON, name="dotted", properties={"x.b": "literal", "x": {"b": "no"}}),
    ]

    def test(field: str, operator: str, *given: object) -> q.Filter:
        found = q.Comparison(field=field, operator=f"OPERATOR_{operator}")
        for value in given:
            kind = (
                "bool_value"
                if isinstance(value, bool)
                else "string_value"
                if isinstance(value, str)
                else "number_value"
            )
            setattr(found.values.add(), kind, value)
        return q.Filter(comparison=found)

    everything = {row.name for row in rows}
    absent = {"v3", "missing"}
    cases: list[tuple[q.Filter, set[str]]] = [
        (test("properties.x", "EQUAL", 1), {"v0"}),
        (test("properties.x", "EQUAL", "1"), {"v1"}),
        (test("properties.x", "EQUAL", True), {"v2"}),
        (test("properties.x", "IN", 1, "Big", False), {"v0", "v5"}),
        (test("properties.x", "NOT_EQUAL", 1), everything - {"v0"}),
        (test("properties.x", "NOT_IN", 1, "1"), everything - {"v0", "v1"}),
        (test("properties.x", "LESS", 3), {"v0", "v4"}),
        (test("properties.x", "GREATER_OR_EQUAL", 2.5), {"v4", "v8"}),
        (test("properties.x", "CONTAINS", "IG"), {"v5"}),
        (test("properties.x", "NOT_CONTAINS", "ig"), everything - {"v5"}),
        (test("properties.x", "STARTS_WITH", "B"), {"v5"}),
        (test("properties.x", "ENDS_WITH", "g"), {"v5"}),
        (test("properties.x", "MATCHES", "^[A-C]ig$"), {"v5"}),
        (test("properties.x", "MATCHES", "\\d"), {"v1"}),
        (test("properties.x", "NOT_MATCHES", "i.$"), everything - {"v5"}),
        (test("name", "MATCHES", "^v[1-3]|ott"), {"v1", "v2", "v3", "dotted"}),
        (test("properties.x", "EXISTS"), everything - absent),
        (test("properties.x", "NOT_EXISTS"), absent),
        (test("properties.x.b", "EQUAL", "nested"), {"v6"}),
        (test("properties.x.b", "EQUAL", "literal"), {"dotted"}),
        (test("name", "EQUAL", 5), set()),
        (test("name", "NOT_EQUAL", 5), everything),
        (test("name", "IN", "v1", "v2", "nobody"), {"v1", "v2"}),
        (test("type", "EQUAL", "USER_ACTION"), everything),
        (test("type", "EQUAL", 1), set()),
        (test("session_id", "NOT_EXISTS"), everything),
        (test("occurred_at", "LESS", "2026-03-02T12:00:01Z"), everything),
        (test("occurred_at", "LESS", "2026-03-02T13:00:00+01:00"), set()),
        (q.Filter(**{"not": test("properties.x", "LESS", 3)}), everything - {"v0", "v4"}),
        (q.Filter(all=q.FilterGroup(filters=[test("properties.x", "EXISTS"), test("name", "ENDS_WITH", "1")])), {"v1"}),
        (q.Filter(any=q.FilterGroup(filters=[test("name", "EQUAL", "v1"), test("name", "EQUAL", "v2")])), {"v1", "v2"}),
    ]  # fmt: skip
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            commit(connection, rows)
        stub = QueryServiceStub(served.channel)
        for where, expected in cases:
            request = pb.RunQueryRequest(
                query=asked(NOON, NOON + HOUR, events=q.EventsQuestion(filter=where))
            )
            answer = await stub.RunQuery(request, metadata=served.key("viewer"))
            assert {e.event.name for e in answer.events.events} == expected, where
            # The same filter counts the same, whether a rollup or the rows answer.
            counted = await stub.RunQuery(
                pb.RunQueryRequest(query=series(NOON, NOON + HOUR, COUNT, filter=where)),
                metadata=served.key("viewer"),
            )
            assert counted.series.series[0].total == len(expected), where


def tabled(*measures: q.Measure, **others: object) -> q.Query:
    return asked(NOON, NOON + HOUR, table=q.TableQuestion(measures=measures, **others))


VISITS = [
    Happened(NOON + i * MINUTE, user_id=user, properties={"country": country, "plan": plan, "amount": amount})
    for i, (user, country, plan, amount) in enumerate(
        [
            ("ann", "de", "free", 1), ("ann", "de", "paid", 8), ("bob", "de", "free", 2), ("ann", "fr", "free", 4),
            ("cat", "fr", "paid", 30), ("dan", "it", "paid", 5), ("ann", "es", "free", -9), ("bob", "es", "free", 1),
        ]
    )
]  # fmt: skip
PEOPLE = q.Measure(id="people", aggregation=q.AGGREGATION_UNIQUES)
REVENUE = q.Measure(id="revenue", aggregation=q.AGGREGATION_SUM, field="properties.amount")


async def test_a_table_shows_the_first_rows_the_rest_and_everything_exactly(
    suite: Suite, database: str
) -> None:
    each = q.Formula(id="each", expression="revenue / people", unit="EUR")
    by = {"group_by": ["properties.country"], "formulas": [each], "top": 2}
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            commit(connection, VISITS)
        stub = QueryServiceStub(served.channel)

        async def rows(*measures: q.Measure, **others: object) -> list[tuple[object, ...]]:
            request = pb.RunQueryRequest(query=tabled(*measures, **others))
            found = (await stub.RunQuery(request, metadata=served.key("viewer"))).table
            told = [(*row.group, *(["…"] if row.other else []), *row.values) for row in found.rows]
            return [*told, ("total", *found.total.values)]

        assert await rows(REVENUE, PEOPLE, **by) == [
            ("fr", 34, 2, 17), ("de", 11, 2, 5.5), ("…", -3, 3, -1), ("total", 42, 4, 10.5),
        ]  # fmt: skip
        assert await rows(REVENUE, PEOPLE, **by, ascending=True) == [
            ("es", -8, 2, -4), ("it", 5, 1, 5), ("…", 45, 3, 15), ("total", 42, 4, 10.5),
        ]  # fmt: skip
        assert await rows(REVENUE, PEOPLE, **by, order_by="each", ascending=True) == [
            ("es", -8, 2, -4), ("it", 5, 1, 5), ("…", 45, 3, 15), ("total", 42, 4, 10.5),
        ]  # fmt: skip
        paid = q.Measure(id="paid", aggregation=1, filter=equals("properties.plan", "paid"))
        several = {"group_by": ["properties.country", "properties.plan"], "top": 2}
        assert await rows(COUNT, paid, **several) == [
            ("de", "free", 2, 0), ("es", "free", 2, 0), ("…", 4, 3), ("total", 8, 3),
        ]  # fmt: skip
        assert await rows(COUNT, paid, **several, order_by="paid") == [
            ("de", "paid", 1, 1), ("fr", "paid", 1, 1), ("…", 6, 1), ("total", 8, 3),
        ]  # fmt: skip
        assert await rows(COUNT, PEOPLE) == [(8, 4), ("total", 8, 4)]


async def test_a_table_is_compared_with_the_period_before(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            before = [Happened(NOON - HOUR + i * MINUTE, name="old" if i else "a") for i in range(4)]
            commit(connection, [*before, *(Happened(NOON + i * MINUTE, name="a") for i in range(3))])
        asks = tabled(COUNT, group_by=["name"], compare=q.COMPARE_PREVIOUS_PERIOD)
        answer = await QueryServiceStub(served.channel).RunQuery(
            pb.RunQueryRequest(query=asks), metadata=served.key("viewer")
        )
        found = [(*row.group, row.other, *row.values, *row.previous_values) for row in answer.table.rows]
        assert found == [("a", False, 3, 1), (True, 0, 3)]
        assert (answer.table.total.values, answer.table.total.previous_values) == ([3], [4])
        assert answer.metadata.source == q.DATA_SOURCE_ROLLUP


async def test_formulas_are_computed_for_every_bucket_group_and_total(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            commit(connection, VISITS)
        free = q.Measure(id="free", aggregation=1, filter=equals("properties.plan", "free"), hidden=True)
        share = q.Formula(expression="free / A * 100", unit="%")
        asks = series(NOON, NOON + 2 * HOUR, COUNT, free, formulas=[share], group_by=["user_id"], top=1)
        answer = await QueryServiceStub(served.channel).RunQuery(
            pb.RunQueryRequest(query=asks), metadata=served.key("viewer")
        )
        found = {(line.measure_id, *line.group, line.other): line for line in answer.series.series}
        assert list(found) == [("A", "ann", False), ("A", True), ("F1", "ann", False), ("F1", True)]
        assert [line.total for line in found.values()] == [4, 4, 75, 50]
        assert found["F1", True].unit == "%"
        assert found["F1", "ann", False].values[0] == 75
        assert math.isnan(found["F1", "ann", False].values[1])


HOSTILE = [
    "'",
    '"',
    "';DROP TABLE events;--",
    "%s",
    "%(p0)s",
    "{}",
    "\\",
    "$1",
    "a'::jsonb",
    "x}'",
    "été",
    "🦀",
    "a.b.c",
    " ",
]


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_texts_are_only_texts(suite: Suite, database: str, text: str) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            commit(connection, [Happened(NOON, name=text, user_id=text, properties={text: text, "n": 1})])
        stub, key = QueryServiceStub(served.channel), served.key("viewer")
        for where in (equals("name", text), equals("user_id", text), equals(f"properties.{text}", text)):
            request = pb.RunQueryRequest(
                query=asked(NOON, NOON + HOUR, events=q.EventsQuestion(filter=where))
            )
            assert len((await stub.RunQuery(request, metadata=key)).events.events) == 1
        measures = [
            q.Measure(name=text, aggregation=q.AGGREGATION_COUNT),
            q.Measure(name=text, aggregation=q.AGGREGATION_UNIQUES, field=f"properties.{text}"),
        ]
        for group in ("name", "user_id", f"properties.{text}"):
            asks = series(NOON, NOON + HOUR, *measures, group_by=[group])
            answer = await stub.RunQuery(pb.RunQueryRequest(query=asks), metadata=key)
            assert [(list(s.group), s.total) for s in answer.series.series] == [([text], 1), ([text], 1)]
            quoted = text.replace("`", "``")
            named = q.Measure(id=text, aggregation=q.AGGREGATION_COUNT)
            twice = q.Formula(expression=f"`{quoted}` * 2")
            asks = tabled(named, group_by=[group], formulas=[twice], order_by="F1")
            answer = await stub.RunQuery(pb.RunQueryRequest(query=asks), metadata=key)
            assert [(list(row.group), list(row.values)) for row in answer.table.rows] == [([text], [1, 2])]


async def test_another_project_sees_nothing(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            commit(connection, [Happened(NOON), Point(NOON, 1.0)], project_id=2)
        stub, key = QueryServiceStub(served.channel), served.key("viewer")
        events = pb.RunQueryRequest(query=asked(NOON, NOON + HOUR, events=q.EventsQuestion()))
        assert not (await stub.RunQuery(events, metadata=key)).events.events
        counted = await stub.RunQuery(
            pb.RunQueryRequest(query=series(NOON, NOON + HOUR, COUNT)), metadata=key
        )
        assert counted.series.series[0].total == 0


async def test_an_answer_names_the_call_that_logs_and_audit_log_know(suite: Suite) -> None:
    async with suite(query) as served:
        request = pb.RunQueryRequest(query=series(NOON, NOON + HOUR, COUNT))
        metadata = (*served.key("viewer"), ("x-request-id", "r-1"))
        answer = await QueryServiceStub(served.channel).RunQuery(request, metadata=metadata)
        assert answer.metadata.query_id == "r-1"
