"""What is asked for a project, how its answers are judged bucket by bucket, and what of that is told."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from services.insights.detect import anomaly
from services.insights.findings.feedback import Said
from services.insights.findings.insight import Explained
from services.insights.forecast import pool
from services.insights.watch import daily, expected, judge, schedule
from services.insights.watch.control import Control
from services.insights.watch.draft import drafted
from services.insights.watch.judge import Found, Known, began, judged, learnt, once, recent
from services.insights.watch.series import Chosen, Line, Panel, Watched, lines, panels
from services.insights.watch.state import State
from services.kit.instant import us_of
from tidemark.v1 import forecast_pb2, metric_pb2, query_pb2
from tidemark.v1 import insight_pb2 as pb
from tidemark.v1 import question_pb2 as q

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")
MINUTE, HOUR, DAY = q.Interval.UNIT_MINUTE, q.Interval.UNIT_HOUR, q.Interval.UNIT_DAY


def keys(found: list[Panel]) -> list[str]:
    return [watched.key for panel in found for watched in panel.members.values()]


def watched(key: str = "events", unit: q.Interval.Unit = MINUTE) -> Watched:
    chosen = Chosen(names=("signup", "paid"))
    return next(
        each for panel in panels(chosen, [], unit, 200) for each in panel.members.values() if each.key == key
    )


def line(values: Any, key: str = "events", unit: q.Interval.Unit = MINUTE, end: datetime = NOW) -> Line:
    """A series whose last bucket ends at `end`."""
    one = watched(key, unit)
    values = np.asarray(values, np.float64)
    starts = us_of(end) - 1_000_000 * one.words.seconds * np.arange(len(values), 0, -1)
    return Line(one, starts.astype("datetime64[us]"), values)


def noise(count: int, seed: int = 1) -> Any:
    return np.random.default_rng(seed).poisson(20, count).astype(float)


def test_many_series_are_asked_for_by_few_questions() -> None:
    chosen = Chosen(tuple(f"e{n}" for n in range(150)), tuple((f"m{n}", 1) for n in range(25)))
    found = panels(chosen, [], MINUTE, 200)
    assert len(found) == 6
    assert len(keys(found)) == 2 + 6 + 25 + 100
    assert keys(found)[:2] == ["events", "people"]
    assert len(keys(panels(chosen, [], MINUTE, 60))) == 60


def test_indicators_are_watched_by_their_own_buckets() -> None:
    given = pb.Indicator(name="projects/p/indicators/pay", kind=pb.Indicator.KIND_THROUGHPUT, interval=HOUR)
    assert "indicator/pay" in keys(panels(Chosen(), [given], HOUR, 200))
    assert "indicator/pay" not in keys(panels(Chosen(), [given], MINUTE, 200))


def test_counters_are_summed_and_other_metrics_averaged() -> None:
    kinds = (("hits", metric_pb2.METRIC_KIND_COUNTER), ("cpu", metric_pb2.METRIC_KIND_GAUGE))
    [metrics] = [each for each in panels(Chosen((), kinds), [], MINUTE, 200) if "metric/cpu" in keys([each])]
    assert [each.aggregation for each in metrics.query.series.measures] == [
        q.AGGREGATION_SUM,
        q.AGGREGATION_AVG,
    ]


def test_a_group_that_is_not_in_the_answer_has_had_nothing() -> None:
    [names] = [each for each in panels(Chosen(("a", "b")), [], MINUTE, 200) if "name/a" in keys([each])]
    response = query_pb2.RunQueryResponse()
    for place in range(3):
        response.series.bucket_starts.add(seconds=60 * place)
    response.series.series.add(measure_id="A", group=["a"], values=[1, 2, 3])
    response.metadata.watermark.seconds = 120
    found = {each.watched.key: each.values.tolist() for each in lines(names, response)}
    assert found == {"name/a": [1, 2], "name/b": [0, 0]}


def test_a_bucket_is_judged_once_and_only_when_it_is_new() -> None:
    values = np.append(noise(600), [19, 200, 22])
    whole = line(values)
    known = learnt(Line(whole.watched, whole.starts[:600], whole.values[:600]), 0)
    after, found = judged(known, whole)
    fresh = [each.found for each in Control().held(found, 10, NOW, 0.1)[0] if each.found.alarm]
    assert [each.figures[0] for each in fresh] == [200]
    assert fresh[0].start == NOW - timedelta(minutes=2)
    assert fresh[0].direction == pb.DIRECTION_UP
    again, nothing = judged(after, whole)
    assert nothing == []
    assert again.until == after.until == us_of(NOW)
    assert len(after.recent.starts) == 3


def test_steps_from_a_stored_state_are_the_same() -> None:
    whole = line(np.append(noise(150), [90, 20, 21]))
    one = learnt(Line(whole.watched, whole.starts[:150], whole.values[:150]), 0)
    half = Line(whole.watched, whole.starts[:151], whole.values[:151])
    kept, first = judged(one, half)
    state = anomaly.State.decode(kept.learnt.encode())
    assert state is not None
    stored = Known(kept.watched, state, recent(kept.recent.encode()), kept.until)
    _, second = judged(stored, whole)
    two = learnt(Line(whole.watched, whole.starts[:150], whole.values[:150]), 0)
    _, at_once = judged(two, whole)
    assert [each.figures for each in first + second] == [each.figures for each in at_once]


def test_a_series_begins_with_its_first_value_and_a_type_with_its_project() -> None:
    zeros = np.zeros(100)
    values = np.append(zeros, noise(50))
    whole = line(values)
    since = began([whole])
    assert since == us_of(NOW - timedelta(minutes=50))
    assert learnt(whole, 0).learnt.count == 50
    assert learnt(line(np.zeros(150), "type/ERROR_EVENT"), since).learnt.count == 50
    assert learnt(line(np.zeros(150), "name/signup"), since).learnt.count == 0
    assert began([]) == 0


@pytest.mark.parametrize(
    "values",
    [[], [math.nan] * 80, [5.0] * 80, [1e300, -1e300] * 40, [0.0] * 79 + [1.0]],
    ids=["empty", "nan", "constant", "huge", "one"],
)
def test_odd_series_are_learnt_and_judged_without_a_finding_in_the_usual(values: list[float]) -> None:
    whole = line(values)
    known = learnt(whole, 0)
    more = line(values[-3:], end=NOW + timedelta(minutes=3))
    _, found = judged(known, more)
    assert not [each for each in found if each.alarm]


def spike(key: str, effect: float, **changes: Any) -> Found:
    good: dict[str, Any] = {
        "watched": watched(key), "detector": "anomaly-streaming", "type": pb.INSIGHT_TYPE_ANOMALY,
        "direction": pb.DIRECTION_UP, "p_value": 1e-9, "start": NOW, "end": NOW + timedelta(minutes=1),
        "figures": (effect + 20, 20.0, 10.0, 30.0), "effect": effect, "relative": effect / 20, "recent": judge.NOTHING,
    }  # fmt: skip
    return Found(**good | changes)


def test_one_disturbance_is_told_once_by_the_narrowest_series_that_holds_it() -> None:
    group = [spike("events", 100), spike("type/USER_ACTION", 99), spike("name/signup", 95)]
    assert [each.watched.key for each in once(group)] == ["name/signup"]
    spread = [spike("events", 100), spike("name/signup", 50), spike("name/paid", 50)]
    assert [each.watched.key for each in once(spread)] == ["events"]
    apart = [spike("people", 10), spike("name/signup", 50, start=NOW - timedelta(hours=1))]
    assert once(apart) == apart


def test_the_rate_of_false_findings_holds_over_a_day() -> None:
    sure, unsure = spike("events", 100), spike("name/paid", 5, p_value=1e-4)
    told, control = Control().held([sure, unsure], 10, NOW, 0.1)
    assert [each.found for each in told] == [sure]
    assert told[0].q_value == pytest.approx(1e-9 * 10 * 1440)
    assert control == Control("2026-03-03", 1)
    assert Control.of(control.plain()) == control
    _, later = control.held([], 10, NOW + timedelta(days=1), 0.1)
    assert later.told == 0


def test_what_goes_on_and_what_crossed_a_threshold_owes_nothing_to_chance() -> None:
    on, crossed = (
        spike("events", 5, p_value=1e-4, alarm=False),
        spike("people", 5, detector="threshold", p_value=0.0),
    )
    told, control = Control().held([on, crossed], 10, NOW, 0.1)
    assert len(told) == 2
    assert control.told == 0


def test_false_alarms_and_what_is_expected_are_heard() -> None:
    series = f"{watched().key} by 60"
    stricter = Said(false={(series, "anomaly-streaming"): 3})
    heard = judge.heard(spike("events", 100), stricter, UTC_ZONE)
    assert heard is not None
    assert heard.p_value == pytest.approx(1e-6)
    silent = Said(expected=frozenset({(series, 24 + 12)}))
    assert judge.heard(spike("events", 100), silent, UTC_ZONE) is None


def test_a_finding_is_written_with_its_chart() -> None:
    values = np.append(noise(200), [200])
    whole = line(values)
    known = learnt(Line(whole.watched, whole.starts[:190], whole.values[:190]), 0)
    _, found = judged(known, whole)
    draft = drafted(found[-1], 1e-4, Explained(), Said(), UTC_ZONE, NOW)
    insight = draft.insight
    assert insight.title.startswith("All events rose")
    assert insight.evidence.query.time_range.end.ToDatetime(UTC) == NOW
    assert list(insight.evidence.series[0].marked) == [10]
    assert insight.severity >= pb.SEVERITY_MEDIUM
    assert (draft.series, draft.apart) == ("events by 60", timedelta(minutes=6))
    far = judge.with_reach(found[-1], 1e6)
    assert far.reach < 0.01


def test_tasks_are_done_soon_after_a_bucket_has_ended() -> None:
    zone = ZoneInfo("Europe/Berlin")
    soon, width = NOW + timedelta(seconds=3), timedelta(minutes=1)
    assert schedule.due("minutes", soon, zone, finished=True) == NOW + width + timedelta(seconds=3)
    assert schedule.due("minutes", soon, zone, finished=False) == soon + timedelta(seconds=5)
    late = NOW + timedelta(seconds=40)
    assert schedule.due("minutes", late, zone, finished=False) == NOW + width + timedelta(seconds=3)
    assert schedule.due("days", NOW, zone, finished=True) == datetime(2026, 3, 3, 23, 30, tzinfo=UTC)
    assert schedule.edge(NOW, DAY, zone) == datetime(2026, 3, 2, 23, tzinfo=UTC)
    assert schedule.edge(NOW + timedelta(minutes=5), HOUR, zone) == NOW


def test_a_state_survives_being_stored() -> None:
    state = State(Chosen(("a",), (("cpu", 2),)), NOW, Control("2026-03-03", 4))
    assert State.decode(state.encode()) == state
    assert State.decode(b"") == State()


def with_indicator(one: Line, **changes: Any) -> Line:
    given = pb.Indicator(
        name="projects/p/indicators/x", good_direction=pb.DIRECTION_UP, interval=DAY, **changes
    )
    return Line(replace(one.watched, indicator=given), one.starts, one.values)


def test_a_day_finds_trends_and_what_a_change_is_worth() -> None:
    rng = np.random.default_rng(3)
    flat = line(rng.normal(100, 5, 120), "name/paid", DAY)
    rising = line(rng.normal(100, 5, 120) + np.arange(120), "name/signup", DAY)
    fallen = rng.normal(100, 5, 120)
    fallen[-7:] -= 50
    indicator = with_indicator(line(fallen, "events", DAY), value_per_unit=2.0, value_unit="EUR")
    drafts = daily.drafts([flat, rising], [indicator], Said(), UTC_ZONE, NOW, 0.1)
    told = {each.insight.detector: each.insight for each in drafts}
    assert set(told) == {"trend", "impact"}
    assert told["trend"].title.startswith("“signup” events have risen by ")
    impact = told["impact"]
    assert impact.type == pb.INSIGHT_TYPE_BUSINESS_IMPACT
    assert impact.indicator == "projects/p/indicators/x"
    assert impact.worth.lower < impact.worth.value < impact.worth.upper < 0
    assert impact.worth.value == pytest.approx(-700, rel=0.2)
    assert "associated" in impact.description


def test_series_that_move_together_are_told_as_an_association() -> None:
    rng = np.random.default_rng(5)
    base = rng.normal(0, 10, 122)
    one = line(100 + base[2:] + rng.normal(0, 1, 120), "name/signup", DAY)
    two = line(100 + base[:-2] + rng.normal(0, 1, 120), "name/paid", DAY)
    [draft] = [
        each
        for each in daily.drafts([one, two], [], Said(), UTC_ZONE, NOW, 0.1)
        if each.insight.detector == "correlation"
    ]
    assert draft.insight.title.startswith("“signup” events move with “paid” events, 2 days ahead")
    assert len(draft.insight.evidence.series) == 2
    assert "not a cause" in draft.insight.description


def forecast(values: Any, width: float) -> pool.Forecast:
    values = np.asarray(values, dtype=np.float64)
    method = forecast_pb2.FORECAST_METHOD_THETA
    return pool.Forecast(values, values - width, values + width, method, (), None, None)


def test_a_forecast_that_crosses_a_threshold_is_told() -> None:
    past = np.linspace(500, 104, 100)
    falling = with_indicator(line(past, "events", DAY), threshold=95)
    draft = expected.drafted(falling, past, forecast(past[-1] - 4 * np.arange(1, 8), 8), UTC_ZONE, NOW)
    assert draft is not None
    insight = draft.insight
    assert (insight.type, insight.direction) == (pb.INSIGHT_TYPE_PREDICTION, pb.DIRECTION_DOWN)
    assert "will probably fall below 95 a day: 76 a day expected on Monday, 9 March" in insight.title
    assert insight.confidence >= 0.9
    assert insight.indicator == "projects/p/indicators/x"
    assert len(insight.evidence.series[0].values) == len(insight.evidence.series[0].lower) == 97
    wide = forecast(past[-1] - 4 * np.arange(1, 8), 80)
    assert expected.drafted(falling, past, wide, UTC_ZONE, NOW) is None


def test_a_forecast_within_the_usual_is_no_news() -> None:
    usual = line(noise(100), "events", DAY)
    assert expected.drafted(usual, usual.values, forecast([20.0] * 7, 3), UTC_ZONE, NOW) is None
    beyond = expected.drafted(usual, usual.values, forecast([80.0] * 7, 3), UTC_ZONE, NOW)
    assert beyond is not None
    assert "usual range" in beyond.insight.description
    assert expected.drafts([line([1.0], "events", DAY)], Said(), UTC_ZONE, NOW) == []
