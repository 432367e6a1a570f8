"""Sections beside questions: key figures, findings, forecasts and the health of the data; their time, filters and trust."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Value

from services.kit.calendar import Span
from services.kit.errors import Invalid
from services.reports.build import conditions, figures, forecast, health, insights, narrow, trust
from services.reports.build.span import range_of, timed
from services.reports.document import Block, Chart, Notice, Table, Trust
from tests.unit.reports.answers import (
    COUNT,
    DAY,
    HOSTILE,
    NAN,
    NOW,
    PAID,
    START,
    WEEK,
    WORDS,
    asked,
    line,
    rows,
    sentences,
    series,
    shown,
    stamp,
    tables,
)
from tests.unit.reports.sample import ZONE
from tidemark.v1 import dashboard_pb2, forecast_pb2, insight_pb2, pipeline_pb2, query_pb2
from tidemark.v1 import question_pb2 as q
from tidemark.v1 import report_pb2 as pb

ORDERS = q.Query(series=q.SeriesQuestion(measures=[COUNT]))


def compared(field: str, operator: q.Operator, *values: Value) -> q.Filter:
    return q.Filter(comparison=q.Comparison(field=field, operator=operator, values=values))


def is_(field: str, value: str) -> q.Filter:
    return compared(field, q.OPERATOR_EQUAL, Value(string_value=value))


def test_a_report_tells_of_the_seven_days_before_today_unless_it_says_otherwise() -> None:
    assert asked().span == Span(START.astimezone(UTC), (START + 7 * DAY).astimezone(UTC))
    month = q.TimeRange(calendar=q.CalendarRange(unit=q.Interval.UNIT_MONTH, ago=1))
    stated = pb.Report(time_range=month)
    assert asked(report=stated).span == Span(
        datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)
    )
    assert asked(report=stated, time_range=range_of(WEEK)).span.start == START
    with pytest.raises(Invalid) as caught:
        asked(time_range=q.TimeRange(calendar=q.CalendarRange(count=1))).span  # noqa: B018
    assert caught.value.field == "report.time_range.calendar.unit"


def test_a_question_takes_the_reports_time_or_has_its_own_resolved_at_the_same_instant() -> None:
    assert timed(ORDERS, WEEK, ZONE, NOW).time_range == range_of(WEEK)
    past = timed(ORDERS, WEEK, ZONE, NOW, times=8).time_range
    assert past.end.ToDatetime(UTC) - past.start.ToDatetime(UTC) == 56 * DAY
    own = q.Query(
        time_range=q.TimeRange(calendar=q.CalendarRange(unit=q.Interval.UNIT_DAY, ago=1)), time_zone="UTC"
    )
    found = timed(own, WEEK, ZONE, NOW)
    assert found.time_range.start.ToDatetime(UTC) == datetime(2026, 10, 11, tzinfo=UTC)
    assert (found.time_zone, timed(ORDERS, WEEK, ZONE, NOW).time_zone) == ("UTC", ZONE)
    assert not ORDERS.time_range.ByteSize()


def test_filters_hold_beside_those_of_questions_and_say_where_they_do_not() -> None:
    mine = is_("name", "a")
    both = narrow.narrowed(
        q.Query(events=q.EventsQuestion(filter=mine)), asked(filter=is_("user_id", "u")).filters
    )
    assert [each.comparison.field for each in both.events.filter.all.filters] == ["name", "user_id"]
    metrics = q.Query(table=q.TableQuestion(measures=[q.Measure(source=q.SOURCE_METRICS)]))
    assert narrow.narrowed(metrics, [mine]) == metrics
    assert narrow.note(metrics) == "The filter of the report does not hold for metrics."
    assert narrow.note(ORDERS) == ""
    cohort = q.Query(people=q.PeopleQuestion(cohort="projects/demo/cohorts/all"))
    window = q.Query(window=q.WindowQuestion())
    assert [narrow.narrowable(each) for each in (cohort, window, ORDERS, metrics)] == [
        False,
        False,
        True,
        True,
    ]


def test_filters_are_told_in_words() -> None:
    several = [Value(string_value="DE"), Value(number_value=1234.5), Value(bool_value=True)]
    filters = [
        compared("properties.country", q.OPERATOR_IN, *several),
        q.Filter(
            any=q.FilterGroup(
                filters=[is_("user_id", HOSTILE), q.Filter(cohort="projects/demo/cohorts/loyal")]
            )
        ),
        q.Filter(**{"not": compared("context.page", q.OPERATOR_EXISTS)}),  # type: ignore[arg-type]
        compared("name", q.OPERATOR_NOT_IN, *[Value(string_value=f"{n}") for n in range(12)]),
    ]
    assert conditions.parts(q.Filter(all=q.FilterGroup(filters=filters)), WORDS) == [
        "country is one of DE, 1,234, true",
        f"(user_id is {HOSTILE} or people of loyal)",
        "not page is there",
        "name is none of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more",
    ]
    assert conditions.parts(q.Filter(), WORDS) == []


def test_a_figure_is_compared_unless_that_is_left_out() -> None:
    stated = pb.KeyFigure(id="orders", title="Orders", query=ORDERS)
    query = figures.asked(stated, ORDERS)
    assert query.series.compare == q.COMPARE_PREVIOUS_PERIOD
    answer = series(line([2, 4], previous_values=[3, 1], previous_total=4, total=6), count=2)
    figure = figures.figure(stated, query, answer.series)
    assert (figure.value, figure.before, figure.trend, WORDS.change(figure)) == (6, 4, (2, 4), "+50%")
    alone = pb.KeyFigure(id="paid", query=ORDERS, no_comparison=True, display=dashboard_pb2.Display(unit="€"))
    query = figures.asked(alone, q.Query(series=q.SeriesQuestion(measures=[PAID])))
    other = figures.figure(alone, query, series(line([NAN], total=NAN), count=1).series)
    assert (other.value, other.compared, other.title, other.form.unit) == (
        None, False, "sum value of order_placed", "€",
    )  # fmt: skip
    nothing = figures.figure(stated, figures.asked(stated, ORDERS), q.SeriesResult())
    assert (nothing.value, nothing.before, nothing.trend) == (None, None, ())
    block = figures.block("s", [figure, other])
    assert rows(block.table) == [
        ("Orders", 6.0, None, 4.0, 0.5),
        ("sum value of order_placed", None, "€", None, None),
    ]


def metadata(**changes: Any) -> q.QueryMetadata:
    found = q.QueryMetadata(data_version="v1", completeness=1.0, as_of="state", time_range=range_of(WEEK))
    found.watermark.FromDatetime(WEEK.end)
    found.MergeFrom(q.QueryMetadata(**changes))
    return found


def test_trust_is_the_least_of_its_answers_and_its_notes_are_sentences() -> None:
    early = stamp(START + 3 * DAY)
    found = trust.of(
        [
            metadata(),
            metadata(
                completeness=0.9971, error_bound=0.01, notes=["sessions began earlier"], watermark=early
            ),
        ],
        WORDS,
        ["Mine."],
    )
    assert (found.data_version, found.as_of, found.completeness) == ("v1", "state", 0.9971)
    assert found.watermark == (START + 3 * DAY).astimezone(UTC)
    assert found.notes == (
        "Mine.",
        "Sessions began earlier.",
        "Numbers of different values and quantiles are estimates, usually within 1%.",
        "About 99.71% of the events of this time were in when this was made.",
        "What happened after 8 Oct 2026, 00:00 may still grow.",
    )
    unknown = trust.of([metadata(completeness=NAN)], WORDS)
    assert unknown.completeness == 0
    assert unknown.notes == ("How much of the data was in when this was made is not known.",)
    assert trust.of([], WORDS) == Trust()


def notices(blocks: list[Block]) -> list[Notice]:
    return [block for block in blocks if isinstance(block, Notice)]


def test_findings_are_notices_with_what_to_do() -> None:
    advice = insight_pb2.Recommendation(action="Ask the provider.", expected_effect="+12 orders a day")
    found = insight_pb2.Insight(
        title="Orders fell by 38 %", description=HOSTILE, severity=insight_pb2.SEVERITY_HIGH, confidence=0.93,
        type=insight_pb2.INSIGHT_TYPE_BUSINESS_IMPACT, recommendations=[advice] * 5, start_time=stamp(START), end_time=stamp(START + DAY),
    )  # fmt: skip
    incident = insight_pb2.Insight(
        title="Silent",
        cause=insight_pb2.CAUSE_DATA_INCIDENT,
        facts=[insight_pb2.PipelineFact(text="A producer is silent.")],
    )
    blocks = list(insights.blocks("s", "Found", [found, incident], WORDS))
    first, second = notices(blocks)
    assert (first.mark, second.mark) == ("high", "data incident")
    texts = sentences(list(first.paragraphs))
    assert texts[:2] == [HOSTILE, "Ask the provider. (+12 orders a day)"]
    assert len(texts) == 5
    assert texts[-1] == "5 Oct 2026, 00:00 – 6 Oct 2026, 00:00; 93% sure."
    table = blocks[-1]
    assert isinstance(table, Table)
    assert not table.shown
    assert rows(table)[0][:3] == ("Orders fell by 38 %", "high", "business impact")
    assert sentences(list(insights.blocks("s", "Found", [], WORDS))) == ["Nothing was found in this time."]


def forecasted(**changes: Any) -> forecast_pb2.ForecastResponse:
    error = forecast_pb2.ForecastError(wape=0.05, coverage=0.9, origins=14, count=98, mae=3)
    one = forecast_pb2.SeriesForecast(
        measure_id="A", values=[5, 6.5], lower=[4, 5], upper=[6, 8], error=error,
        baseline=forecast_pb2.ForecastError(wape=0.1, mae=6), method=forecast_pb2.FORECAST_METHOD_ETS,
    )  # fmt: skip
    for name, value in changes.items():
        one.ClearField(name)  # type: ignore[arg-type]
        if value is not None:
            one.MergeFrom(forecast_pb2.SeriesForecast(**{name: value}))
    made = forecast_pb2.ForecastResponse(series=[one])
    for day in (2, 3):
        made.bucket_starts.add().FromDatetime(START + day * DAY)
    return made


def foretold(made: forecast_pb2.ForecastResponse) -> list[Block]:
    past = series(line([1, 2, 1]), count=3).series
    return list(forecast.blocks(shown(series=q.SeriesQuestion(measures=[COUNT])), past, made, 0.9))


def test_a_forecast_goes_on_from_its_past_with_a_band() -> None:
    blocks = foretold(forecasted())
    [chart] = [block for block in blocks if isinstance(block, Chart)]
    measured, expected = chart.series
    assert measured.values == (1, 2, None, None)
    assert (expected.values, expected.lower, expected.upper) == (
        (None, None, 5, 6.5),
        (None, None, 4, 5),
        (None, None, 6, 8),
    )
    found = tables(blocks)
    assert [row[1:] for row in rows(found["orders.expected"])] == [(5.0, 4.0, 6.0), (6.5, 5.0, 8.0)]
    assert not found[chart.table_id].shown
    assert [row[1:] for row in rows(found[chart.table_id])] == [
        (1.0, None, None, None), (2.0, None, None, None), (None, 5.0, 4.0, 6.0), (None, 6.5, 5.0, 8.0),
    ]  # fmt: skip
    [told] = sentences(blocks)
    assert told == (
        "Forecast by exponential smoothing. From 14 earlier instants it was off by 5% in the mean, where repeating the past is off by "
        "10%; 90% of what came lay inside of its band, which is made for 90%."
    )


def test_a_forecast_says_what_could_not_be_measured() -> None:
    [unmeasured, *_] = sentences(foretold(forecasted(error=None, lower=None, upper=None)))
    assert "too short to measure" in unmeasured
    [zero, *_] = sentences(
        foretold(forecasted(error=forecast_pb2.ForecastError(wape=NAN, mae=3, coverage=NAN)))
    )
    assert "off by 3 in the mean, where repeating the past is off by 6." in zero
    nothing = foretold(forecasted(values=None, notes=["it is constant"]))
    assert sentences(nothing) == ["Orders cannot be forecast.", "It is constant."]
    assert not any(isinstance(block, Chart) for block in nothing)


def test_where_a_series_is_too_short_its_past_is_shown_and_why() -> None:
    wanted = shown(series=q.SeriesQuestion(measures=[COUNT]))
    blocks = list(
        forecast.impossible(wanted, series(line([1, 2]), count=2).series, "the series has 2 values.")
    )
    assert sentences(blocks) == ["No forecast: the series has 2 values."]
    assert [row[1] for row in rows(tables(blocks)["orders"])] == [1, 2]


def healthy(
    *, balanced: bool = True, watermark: datetime | None = WEEK.end, last: datetime = NOW
) -> list[Block]:
    total = query_pb2.LedgerEntry(received=10, stored=7, duplicate=1, rejected=1, dead_lettered=1)
    quality = [pipeline_pb2.EventQuality(event_name=HOSTILE, count=7, violation_share=NAN)]
    producers = [pipeline_pb2.ProducerStatus(producer_id="web-1", last_received_at=stamp(last))]
    return list(
        health.blocks(
            "h",
            query_pb2.GetLedgerResponse(total=total, balanced=balanced),
            quality,
            producers,
            Trust(watermark=watermark, completeness=0.5),
            WEEK,
            NOW,
            WORDS,
        )
    )


def test_health_says_that_all_is_well_where_it_is() -> None:
    blocks = healthy()
    assert [notice.mark for notice in notices(blocks)] == ["ok", "ok", "ok"]
    found = {block.table_id: block for block in blocks if isinstance(block, Table)}
    assert dict(rows(found["h.ledger"])) == {
        "received": 10, "stored": 7, "repeated, counted once": 1, "refused and told so": 1, "kept aside": 1, "on the way": 0,
    }  # fmt: skip
    assert rows(found["h.quality"])[0][:2] == (HOSTILE, 7)
    assert rows(found["h.quality"])[0][6] is None
    assert (found["h.silent"].rows.count, found["h.silent"].shown) == (0, False)


def test_health_says_what_is_wrong() -> None:
    marks = [
        notice.mark
        for notice in notices(healthy(balanced=False, watermark=START, last=NOW - timedelta(days=1)))
    ]
    assert marks == ["data incident", "medium", "medium"]
    told = notices(healthy(watermark=None))[1]
    assert told.title == "Nothing has come in yet"
    incomplete = notices(healthy(watermark=START))[1]
    assert sentences(list(incomplete.paragraphs))[1] == "About 50% of the time's events are in."
