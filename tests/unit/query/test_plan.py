from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from google.protobuf.struct_pb2 import Value
from hypothesis import given
from hypothesis import strategies as st

from services.kit.calendar import Span, floor
from services.query.filter import Members
from services.query.plan import ROLLUPS, Plan, covering, plan, reads, why
from services.query.question import Series, Table, read
from services.query.state import Until
from tidemark.v1 import question_pb2 as q

NOW = datetime(2030, 1, 1, tzinfo=UTC)
DAY = datetime(2026, 3, 2, tzinfo=UTC)
BUYERS = "projects/demo/cohorts/buyers"
MINUTES = timedelta(minutes=1)
WIDTHS = {table: seconds for seconds, table in ROLLUPS}
SECOND, MINUTE, HOUR, DAYS, MONTH = (
    q.Interval.UNIT_SECOND, q.Interval.UNIT_MINUTE, q.Interval.UNIT_HOUR, q.Interval.UNIT_DAY, q.Interval.UNIT_MONTH,
)  # fmt: skip


def planned(
    start: datetime,
    end: datetime,
    unit: int,
    count: int = 1,
    zone: str = "UTC",
    until: Until | None = None,
    **others: object,
) -> Plan:
    asked = q.Query(
        time_zone=zone, series=q.SeriesQuestion(**{"measures": [q.Measure(aggregation=1)], **others})
    )
    asked.time_range.start.FromDatetime(start)
    asked.time_range.end.FromDatetime(end)
    asked.series.interval.CopyFrom(q.Interval(unit=unit, count=count))
    question = read(asked, "UTC", NOW, people={BUYERS: Members(BUYERS, ("ann",), "r1")})
    assert isinstance(question, Series)
    return plan(question, until)


def tables(found: Plan) -> list[str]:
    return [tile.table for tile in found.scans[0].tiles]


@pytest.mark.parametrize(
    ("unit", "count", "zone", "expected"),
    [
        (DAYS, 1, "UTC", ["rollups_1d"]),
        (MONTH, 1, "UTC", ["rollups_1d"]),
        (HOUR, 1, "UTC", ["rollups_1h"]),
        (HOUR, 24, "UTC", ["rollups_1d"]),
        (HOUR, 5, "UTC", ["rollups_1h"]),
        (MINUTE, 30, "UTC", ["rollups_1m"]),
        (MINUTE, 120, "UTC", ["rollups_1h"]),
        (SECOND, 60, "UTC", ["rollups_1m"]),
        (SECOND, 30, "UTC", ["events"]),
        (DAYS, 1, "Europe/Berlin", ["rollups_1h"]),
    ],
)
def test_the_widest_rollup_that_fits_is_read(unit: int, count: int, zone: str, expected: list[str]) -> None:
    start = DAY if zone == "UTC" else DAY - timedelta(hours=1)
    assert tables(planned(start, start + timedelta(days=2), unit, count, zone)) == expected


def test_days_that_begin_at_half_past_are_pieced_together_from_hours_and_minutes() -> None:
    start = DAY - timedelta(hours=5, minutes=30)
    hours, minutes = planned(start, start + timedelta(days=3), DAYS, zone="Asia/Kolkata").scans[0].tiles
    assert (hours.table, minutes.table) == ("rollups_1h", "rollups_1m")
    assert sum((span.length for span in minutes.spans), timedelta()) == timedelta(hours=3)


def test_what_does_not_align_is_read_from_finer_rollups_and_rows() -> None:
    start, end = DAY + timedelta(hours=2, minutes=3, seconds=4), DAY + timedelta(days=3, hours=1)
    found = planned(start, end, DAYS).scans[0]
    assert [tile.table for tile in found.tiles] == ["rollups_1d", "rollups_1h", "rollups_1m", "events"]
    assert found.tiles[-1].spans == (Span(start, DAY + timedelta(hours=2, minutes=4)),)
    assert not found.exact


AMOUNT = "properties.amount"


@pytest.mark.parametrize(
    ("others", "reason"),
    [
        ({"group_by": ["name", "type"]}, ""),
        ({"group_by": ["user_id"]}, "split by user_id"),
        ({"measures": [q.Measure(aggregation=q.AGGREGATION_UNIQUES)]}, ""),
        (
            {"measures": [q.Measure(aggregation=q.AGGREGATION_UNIQUES, field="session_id")]},
            "aggregates session_id",
        ),
        ({"measures": [q.Measure(aggregation=q.AGGREGATION_SUM, field=AMOUNT)]}, f"aggregates {AMOUNT}"),
        ({"measures": [q.Measure(source=2, name="m", aggregation=q.AGGREGATION_QUANTILE)]}, ""),
        (
            {"measures": [q.Measure(source=2, name="m", aggregation=q.AGGREGATION_UNIQUES)]},
            "uniques of values",
        ),
        (
            {"filter": q.Filter(comparison=q.Comparison(field=AMOUNT, operator=q.OPERATOR_EXISTS))},
            f"filtered by {AMOUNT}",
        ),
        ({"filter": q.Filter(cohort=BUYERS)}, "filtered by people of a cohort"),
        (
            {
                "filter": q.Filter(
                    **{"not": q.Filter(comparison=q.Comparison(field="name", operator=q.OPERATOR_EXISTS))}
                )
            },
            "",
        ),
    ],
)
def test_rows_are_read_where_rollups_do_not_know_enough(others: dict[str, object], reason: str) -> None:
    found = planned(DAY, DAY + timedelta(days=1), HOUR, **others)
    assert why(found.question.measures[0]) == reason
    assert found.scans[0].exact == bool(reason)
    assert found.source == (q.DATA_SOURCE_RAW if reason else q.DATA_SOURCE_ROLLUP)


def test_measures_of_the_same_rows_are_read_together() -> None:
    measures = [
        q.Measure(aggregation=1),
        q.Measure(aggregation=q.AGGREGATION_UNIQUES),
        q.Measure(aggregation=q.AGGREGATION_SUM, field=AMOUNT),
        q.Measure(aggregation=1, name="a"),
        q.Measure(aggregation=q.AGGREGATION_MAX, field="properties.x"),
    ]
    found = planned(DAY, DAY + timedelta(days=1), HOUR, measures=measures)
    assert [[index for index, _ in scan.measures] for scan in found.scans] == [[0, 1], [2, 4], [3]]


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    unit, count = draw(
        st.sampled_from(
            [(SECOND, 90), (MINUTE, 1), (MINUTE, 90), (HOUR, 1), (HOUR, 48), (DAYS, 1), (MONTH, 1)]
        )
    )
    start = DAY + timedelta(milliseconds=draw(st.integers(0, 10**9)))
    end = start + timedelta(milliseconds=draw(st.integers(1, 3 * 10**8)))
    zone = draw(st.sampled_from(["UTC", "Asia/Kolkata", "Europe/Berlin"]))
    edges = sorted(draw(st.lists(st.integers(-4000, 20_000), max_size=6, unique=True)))
    changed = [Span(DAY + a * MINUTES, DAY + b * MINUTES) for a, b in zip(edges[::2], edges[1::2])]
    until = Until((3, 4), tuple(changed)) if draw(st.booleans()) else None
    return planned(start, end, unit, count, zone, until, compare=draw(st.sampled_from([0, 1])))


@given(plans())
def test_tiles_cover_the_range_once_and_align_with_their_rollup(found: Plan) -> None:
    periods = [
        (found.question.span, found.scans),
        (found.question.span.earlier(found.question.span.length), found.earlier),
    ]
    for span, scans in periods:
        for scan in scans:
            pieces = sorted(
                (piece.start, piece.end, tile.table) for tile in scan.tiles for piece in tile.spans
            )
            assert pieces[0][0] == span.start
            assert pieces[-1][1] == span.end
            assert all(a[1] == b[0] for a, b in pairwise(pieces))
            for start, end, table in pieces:
                if table in WIDTHS:
                    assert floor(start, WIDTHS[table]) == start
                    assert floor(end, WIDTHS[table]) == end


@given(plans())
def test_no_rollup_bucket_reaches_into_two_buckets_of_the_question(found: Plan) -> None:
    for scan in (*found.scans, *found.earlier):
        for tile in scan.tiles:
            if (width := WIDTHS.get(tile.table)) is None:
                continue
            for cut in (bucket.end for bucket in scan.buckets[:-1]):
                inside = any(span.start < cut < span.end for span in tile.spans)
                assert not inside or floor(cut, width) == cut


@given(plans(), st.data())
def test_a_narrowed_plan_reads_its_buckets_and_no_others(found: Plan, data: st.DataObject) -> None:
    count = len(found.scans[0].buckets)
    slots = data.draw(st.sets(st.integers(0, count - 1), min_size=1, max_size=5))
    narrowed = found.narrowed(slots)
    for scan in (*narrowed.scans, *narrowed.earlier):
        length = sum((span.length for tile in scan.tiles for span in tile.spans), timedelta())
        assert length == sum((scan.buckets[slot].length for slot in slots), timedelta())
    assert [scan.exact for scan in narrowed.scans] == [scan.exact for scan in found.scans]


def test_of_a_state_that_has_passed_rows_tell_what_changed_since_and_rollups_the_rest() -> None:
    span, changed = (
        Span(DAY, DAY + timedelta(days=3)),
        Span(DAY + 1450 * MINUTES, DAY + 1455 * MINUTES),
    )
    found = planned(span.start, span.end, HOUR, until=Until((3, 4), (changed,))).scans[0]
    assert [tile.table for tile in found.tiles] == ["rollups_1h", "rollups_1m", "events"]
    assert found.tiles[-1].spans == (changed,)
    assert (found.exact, found.until) == (False, (3, 4))


@pytest.mark.parametrize(
    "changed",
    [None, (Span(DAY, DAY + 1441 * MINUTES),)],
    ids=["nobody knows what changed", "more changed than rollups would save"],
)
def test_of_a_state_that_has_passed_rows_tell_everything_where(changed: tuple[Span, ...] | None) -> None:
    found = planned(DAY, DAY + timedelta(days=3), HOUR, until=Until((3, 4), changed))
    assert tables(found) == ["events"]
    assert (found.scans[0].exact, found.scans[0].until) == (True, (3, 4))
    assert reasons(found) == [("events", "rollups hold what came since")]


@pytest.mark.parametrize("group_by", [[], ["user_id"]], ids=["rollups", "rows"])
def test_where_nothing_changed_the_plan_is_that_of_now(group_by: list[str]) -> None:
    end = DAY + timedelta(days=1)
    before = Until((3, 4), (Span(DAY - MINUTES, DAY), Span(end, end + MINUTES)))
    given = {"unit": HOUR, "group_by": group_by}
    assert planned(DAY, end, until=before, **given) == planned(DAY, end, **given)  # type: ignore[arg-type]


def test_a_period_before_in_which_something_changed_is_read_from_rows_alone() -> None:
    before = Until((3, 4), (Span(DAY - MINUTES, DAY),))
    found = planned(DAY, DAY + timedelta(days=1), HOUR, until=before, compare=1)
    assert (found.scans[0].until, found.earlier[0].until) == ((), (3, 4))
    assert [tile.table for tile in found.earlier[0].tiles] == ["rollups_1h", "rollups_1m", "events"]


def test_exact_uniques_cannot_be_kept_up_to_date_by_buckets() -> None:
    uniques = [q.Measure(aggregation=q.AGGREGATION_UNIQUES)]
    assert planned(DAY, DAY + timedelta(days=1), HOUR, measures=uniques).mergeable
    assert not planned(DAY, DAY + timedelta(days=1), HOUR, measures=uniques, group_by=["user_id"]).mergeable
    assert planned(DAY, DAY + timedelta(days=1), HOUR, group_by=["user_id"]).mergeable


def equals(field: str, **value: object) -> q.Filter:
    return q.Filter(comparison=q.Comparison(field=field, operator=q.OPERATOR_EQUAL, values=[Value(**value)]))


def test_measures_of_different_filters_are_read_apart() -> None:
    one, true = equals("properties.x", number_value=1), equals("properties.x", bool_value=True)
    measures = [q.Measure(aggregation=1, filter=each) for each in (one, true, one)]
    found = planned(DAY, DAY + timedelta(days=1), HOUR, measures=measures)
    assert [[index for index, _ in scan.measures] for scan in found.scans] == [[0, 2], [1]]


def test_a_filter_of_one_measure_leaves_the_others_to_rollups() -> None:
    measures = [
        q.Measure(aggregation=1),
        q.Measure(aggregation=1, filter=equals("user_id", string_value="a")),
    ]
    found = planned(DAY, DAY + timedelta(days=1), HOUR, measures=measures)
    assert [scan.exact for scan in found.scans] == [False, True]
    assert found.source == q.DATA_SOURCE_RAW


def test_a_table_is_one_bucket_of_the_widest_rollups() -> None:
    asked = q.Query(table=q.TableQuestion(measures=[q.Measure(aggregation=1)], group_by=["name"]))
    asked.time_range.start.FromDatetime(DAY + timedelta(hours=22))
    asked.time_range.end.FromDatetime(DAY + timedelta(days=3, minutes=1))
    question = read(asked, "UTC", NOW)
    assert isinstance(question, Table)
    [scan] = plan(question).scans
    assert [(tile.table, tile.spans) for tile in scan.tiles] == [
        ("rollups_1d", (Span(DAY + timedelta(days=1), DAY + timedelta(days=3)),)),
        ("rollups_1h", (Span(DAY + timedelta(hours=22), DAY + timedelta(days=1)),)),
        ("rollups_1m", (Span(DAY + timedelta(days=3), DAY + timedelta(days=3, minutes=1)),)),
    ]
    assert scan.across


def reasons(found: Plan) -> list[tuple[str, str]]:
    return [(read.tile.table, read.reason) for read in reads(found)]


def test_every_table_is_read_for_a_reason() -> None:
    start, end = DAY + timedelta(hours=23, minutes=58, seconds=30), DAY + timedelta(days=2)
    assert reasons(planned(start, end, DAYS)) == [
        ("rollups_1d", "rollups know all that is asked, by whole days"),
        ("rollups_1m", "what is left in whole minutes"),
        ("events", "what is left is less than a minute"),
    ]
    assert reasons(planned(DAY, DAY + timedelta(hours=1), SECOND, 30)) == [
        ("events", "buckets are narrower than a minute")
    ]
    split = {"group_by": ["user_id"], "compare": 1}
    assert reasons(planned(DAY, DAY + timedelta(days=1), HOUR, **split)) == [
        ("events", "rollups do not know what is asked: split by user_id"),
        ("events", "rollups do not know what is asked: split by user_id, for the period before"),
    ]


@given(plans())
def test_the_rollups_that_tell_how_many_rows_there_are_cover_every_minute_once(found: Plan) -> None:
    span = found.question.span
    pieces = sorted((piece.start, piece.end) for tile in covering([span]) for piece in tile.spans)
    assert pieces[0][0] == floor(span.start, 60)
    assert span.end <= pieces[-1][1] < span.end + timedelta(minutes=1)
    assert all(a[1] == b[0] for a, b in pairwise(pieces))
