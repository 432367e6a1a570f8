"""Findings are said in plain words, weighed by a table, and merged when they follow one another."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from services.insights.findings import insight as insights
from services.insights.findings import text
from services.insights.findings.feedback import Said, hour_of_week, said, state_after
from services.insights.findings.insight import Chart, Finding, charted, followed, made, split
from services.insights.findings.record import detectors, wilson
from services.insights.findings.severity import Weight, severity
from services.insights.findings.text import Words
from tidemark.v1 import insight_pb2 as pb
from tidemark.v1 import question_pb2 as q

BERLIN, UTC_ZONE = ZoneInfo("Europe/Berlin"), ZoneInfo("UTC")
NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SIGNUPS = Words("Sign-ups", 3600)


def found(**changes: Any) -> pb.Insight:
    good: dict[str, Any] = {
        "type": pb.INSIGHT_TYPE_ANOMALY, "detector": "anomaly-streaming", "direction": pb.DIRECTION_DOWN, "start": NOON,
        "end": NOON + HOUR, "effect": -90.0, "relative": -0.43, "confidence": 0.95, "statistics": {"p_value": 1e-6},
        "method": "By hand.",
    }  # fmt: skip
    weight = changes.pop("weight", Weight())
    return made(Finding(**good | changes), SIGNUPS, weight, NOON + HOUR)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0"),
        (1, "1"),
        (0.04567, "0.0457"),
        (12_345, "12 300"),
        (3_210_000, "3.21 million"),
        (-5.5, "-5.5"),
        (0.00000123, "1.23e-06"),
        (math.nan, "nothing"),
        (math.inf, "nothing"),
        (1e300, "1e+300"),
    ],
)
def test_a_number_has_three_digits_that_count(value: float, words: str) -> None:
    assert text.number(value) == words


def test_a_fall_is_told_with_figures_and_the_time_of_the_project() -> None:
    insight = found()
    text.anomaly(SIGNUPS, insight, BERLIN, (120, 210, 190, 260), -0.43)
    assert insight.title == (
        "Sign-ups fell by 43 % to 120 an hour at 13:00 on Tuesday, 3 March;"
        " between 190 and 260 an hour were expected"
    )
    assert "where 210 an hour would have been usual" in insight.description
    assert "no chance finding is 95 %" in insight.description


@pytest.mark.parametrize(
    ("value", "relative", "direction", "words"),
    [
        (0, -1.0, pb.DIRECTION_DOWN, "Sign-ups stopped"),
        (5, math.nan, pb.DIRECTION_UP, "Sign-ups rose to 5 an hour"),
        (240, 11.0, pb.DIRECTION_UP, "Sign-ups rose 12-fold to 240 an hour"),
    ],
)
def test_what_has_no_share_is_told_without(
    value: float, relative: float, direction: pb.Direction, words: str
) -> None:
    assert text.change(SIGNUPS, value, relative, direction) == words


def test_a_cause_and_the_largest_contribution_are_told() -> None:
    insight = found()
    insight.cause = pb.CAUSE_DATA_INCIDENT
    insight.facts.add(
        kind=pb.PipelineFact.KIND_SILENT_PRODUCER, text="Producer web-1 has been silent since 12:00"
    )
    told = " ".join(text.reasons(insight))
    assert "it is a data incident" in told
    assert told.endswith("Producer web-1 has been silent since 12:00.")
    other = found()
    other.contributions.add(fields=["properties.country"], values=["DE"], share=0.82)
    assert text.reasons(other)[-1] == "82 % of the change comes from country DE."


@pytest.mark.parametrize(
    ("changes", "weight", "buckets", "expected"),
    [
        ({"relative": -0.1, "confidence": 0.5}, Weight(), 1, pb.SEVERITY_LOW),
        ({"relative": -0.43}, Weight(whole=True), 1, pb.SEVERITY_MEDIUM),
        ({"relative": -1.0}, Weight(), 1, pb.SEVERITY_MEDIUM),
        ({"relative": -1.0}, Weight(), 6, pb.SEVERITY_HIGH),
        ({"relative": -1.0}, Weight(whole=True), 6, pb.SEVERITY_CRITICAL),
        ({"relative": -1.0}, Weight(whole=True, bad=pb.DIRECTION_UP), 6, pb.SEVERITY_LOW),
        ({"relative": -1.0, "type": pb.INSIGHT_TYPE_CORRELATION}, Weight(whole=True), 6, pb.SEVERITY_LOW),
        ({"relative": -1.0, "type": pb.INSIGHT_TYPE_TREND}, Weight(whole=True), 60, pb.SEVERITY_HIGH),
        ({"relative": -0.01, "detector": "threshold"}, Weight(), 1, pb.SEVERITY_HIGH),
    ],
)
def test_severity_follows_the_table(
    changes: dict[str, Any], weight: Weight, buckets: int, expected: pb.Severity
) -> None:
    insight = found(**changes)
    assert severity(insight, changes["relative"], -90, buckets, weight) == expected


def test_data_that_is_lost_is_at_least_high() -> None:
    insight = found()
    insight.cause = pb.CAUSE_DATA_INCIDENT
    assert severity(insight, -0.1, -1, 1, Weight()) == pb.SEVERITY_LOW
    insight.facts.add(kind=pb.PipelineFact.KIND_DEAD_LETTERS)
    assert severity(insight, -0.1, -1, 1, Weight()) == pb.SEVERITY_HIGH


def test_priority_grows_with_size_reach_and_confidence() -> None:
    small, large = found(relative=-0.1).priority, found(relative=-0.9).priority
    part = found(relative=-0.9, weight=Weight(reach=0.1)).priority
    unsure = found(relative=-0.9, confidence=0.5).priority
    assert 0 < small < large <= 100
    assert part < large
    assert unsure < large


def test_what_goes_on_lengthens_and_what_is_found_again_counts() -> None:
    first = found()
    first.name, first.description = "projects/demo/insights/i1", "Sign-ups fell."
    on = followed(
        first, found(start=NOON + HOUR, end=NOON + 2 * HOUR, effect=-500.0), fresh=False, zone=UTC_ZONE
    )
    assert (on.occurrence_count, on.name) == (1, first.name)
    assert on.end_time.ToDatetime(UTC) == NOON + 2 * HOUR
    assert on.evidence.statistics["effect"] == -90
    again = found(start=NOON + 2 * HOUR, end=NOON + 3 * HOUR, effect=-500.0, relative=-1.0)
    again.title = "worse"
    worse = followed(on, again, fresh=True, zone=UTC_ZONE)
    assert (worse.occurrence_count, worse.title) == (2, "worse")
    assert worse.start_time.ToDatetime(UTC) == NOON
    assert worse.description.count("\n") == 1
    assert worse.description.endswith(
        "It was found 2 times and has lasted 3 hours, from 12:00 on Tuesday, 3 March to 15:00 on Tuesday, 3 March."
    )
    assert worse.expire_time.ToDatetime(UTC) == NOON + HOUR + insights.LIVES


def test_evidence_is_kept_apart_from_what_lists_read() -> None:
    insight = found()
    starts = np.array([int((NOON + place * HOUR).timestamp()) * 1_000_000 for place in (-1, 0)])
    none = np.full(2, math.nan)
    charted(insight, Chart(q.Query(), starts, np.array([210.0, 120.0]), none, none, none), SIGNUPS)
    [line] = insight.evidence.series
    assert list(line.marked) == [1]
    head, evidence = split(insight)
    short = pb.Insight.FromString(head)
    assert not short.evidence.series
    assert short.evidence.statistics["p_value"] == 1e-6
    short.evidence.MergeFromString(evidence)
    assert list(short.evidence.series[0].values) == [210, 120]


def test_false_alarms_make_a_detector_stricter_and_confirmations_take_that_back() -> None:
    rows = [("a", "trend", pb.FEEDBACK_FALSE_ALARM, 1), ("a", "trend", pb.FEEDBACK_FALSE_ALARM, 2)]
    assert said(rows).charged("a", "trend", 1e-5) == pytest.approx(1e-3)
    assert said(rows).charged("b", "trend", 1e-5) == 1e-5
    rows.append(("a", "trend", pb.FEEDBACK_CONFIRMED, 3))
    assert said(rows).charged("a", "trend", 1e-5) == pytest.approx(1e-4)
    assert said(rows).about("trend") == (1, 2)


def test_what_is_expected_is_silent_at_that_hour_of_the_week_only() -> None:
    told = said([("a", "trend", pb.FEEDBACK_EXPECTED, hour_of_week(NOON, BERLIN))])
    assert told.silences("a", NOON + timedelta(days=7), BERLIN)
    assert not told.silences("a", NOON + HOUR, BERLIN)
    assert not told.silences("b", NOON, BERLIN)
    assert not Said().silences("a", NOON, BERLIN)


def test_feedback_ends_only_false_alarms() -> None:
    insight = found()
    assert state_after(insight, pb.FEEDBACK_FALSE_ALARM) == pb.Insight.STATE_DISMISSED
    assert state_after(insight, pb.FEEDBACK_CONFIRMED) == pb.Insight.STATE_ACKNOWLEDGED
    insight.state = pb.Insight.STATE_EXPIRED
    assert state_after(insight, pb.FEEDBACK_EXPECTED) == pb.Insight.STATE_EXPIRED


def test_the_precision_of_a_detector_has_wilsons_interval() -> None:
    low, high = wilson(8, 2)
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)
    assert all(map(math.isnan, wilson(0, 0)))
    assert {each.detector for each in detectors({}, {})} > {"anomaly-streaming", "trend", "correlation"}
