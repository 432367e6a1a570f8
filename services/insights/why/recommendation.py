"""What to do: an insight with what explains it comes in, `Recommendation`s go out with it, best first. Pure.

Each rests on something found: a part of the change, a fact of the pipeline, a threshold, a lead in time, or what was said of a finding
like it. Where there is none of these, nothing is recommended. Best is what is expected to have the greatest effect, times how sure that is.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from tidemark.v1 import insight_pb2 as pb
from tidemark.v1 import question_pb2

Fact = pb.PipelineFact

MOST = 5
_CLEAR_SHARE, _CLEAR_LIFT = 0.25, 1.5
"""A part of a change that is worth a look by itself."""
_SURE_FACT = 0.9
"""What is counted in the ledger is sure but for what it is set off against."""
_SURE_ESTIMATE = 0.7
_ACTIONS = {
    Fact.KIND_DEAD_LETTERS: ("Repair the dead letters", 0.9),
    Fact.KIND_REJECTED: ("Correct what the producers send, or the schema that refuses it", 0.6),
    Fact.KIND_SILENT_PRODUCER: ("Look after {subject}, which is silent", 0.8),
    Fact.KIND_LATE_DATA: ("Wait until the data is complete before acting on it", 0.8),
    Fact.KIND_DUPLICATES: ("Stop {subject} from sending the same again", 0.7),
    Fact.KIND_LAG: ("Let the writer catch up: resume the partition, or add a writer", 0.9),
    Fact.KIND_DEFINITION_CHANGED: (
        "Compare the versions of the {subject}, and put the earlier one back",
        0.7,
    ),
    Fact.KIND_NEW_PRODUCER: ("Find out whether {subject} should send here", 0.7),
}
"""What to do about a fact that explains something, and how often that undoes what it explains."""


def recommend(
    insight: pb.Insight,
    contributions: Sequence[pb.Contribution],
    facts: Sequence[pb.PipelineFact],
    indicator: pb.Indicator | None,
    past: Sequence[pb.Insight],
) -> list[pb.Recommendation]:
    """At most five. `past` are insights of the same series and kind that people have said something of, newest first."""
    change = change_of(insight)
    found = [
        *_of_facts(facts, change, insight),
        *_of_contributions(contributions, change, insight),
        *_of_threshold(insight, indicator),
        *_of_lead(insight),
        *_of_past(past),
    ]
    return sorted(found, key=lambda each: _rank(each, change), reverse=True)[:MOST]


def change_of(insight: pb.Insight) -> float:
    """What the series changed by, for each bucket in the mean: as it is told, or where its chart is marked; NaN where nothing was expected."""
    if "effect" in insight.evidence.statistics:
        return insight.evidence.statistics["effect"]
    for line in insight.evidence.series[:1]:
        if len(line.expected) == len(line.values):
            marked = [line.values[at] - line.expected[at] for at in line.marked if at < len(line.values)]
            known = [each for each in marked if math.isfinite(each)]
            if known:
                return sum(known) / len(known)
    return math.nan


def _of_facts(
    facts: Iterable[pb.PipelineFact], change: float, insight: pb.Insight
) -> Iterator[pb.Recommendation]:
    for fact in facts:
        if fact.share <= 0 or fact.kind not in _ACTIONS:
            continue
        action, undone = _ACTIONS[fact.kind]
        effect = -change * fact.share
        yield pb.Recommendation(
            action=action.format(subject=fact.subject or "the producer"),
            expected_effect=f"{fact.share * 100:.0f} % of the change is explained by it"
            + _in_units(effect, insight),
            effect=effect,
            confidence=min(_SURE_FACT, undone),
            source=fact.text,
            link=fact.link,
        )


def _of_contributions(
    contributions: Sequence[pb.Contribution], change: float, insight: pb.Insight
) -> Iterator[pb.Recommendation]:
    """The first that stands out, and with it the others of the same fields."""
    first = contributions[0] if contributions else None
    if first is None or first.share < _CLEAR_SHARE or first.lift < _CLEAR_LIFT:
        return
    where = " and ".join(
        f"{field} = {value or 'missing'}" for field, value in zip(first.fields, first.values)
    )
    effect = -change * min(first.share, 1.0)
    fell = "fall" if first.after < first.before else "rise"
    yield pb.Recommendation(
        action=f"Look at {where}",
        expected_effect=(
            f"it makes up {first.share * 100:.0f} % of the {fell}, {first.lift:.1f} times its part: "
            f"{_number(first.before)} before, {_number(first.after)} after" + _in_units(effect, insight)
        ),
        effect=effect,
        confidence=_SURE_ESTIMATE,
        source=f"contribution of {where}",
        link=_page(insight),
    )


def _of_threshold(insight: pb.Insight, indicator: pb.Indicator | None) -> Iterator[pb.Recommendation]:
    """An indicator beyond its threshold, or on the way there."""
    if indicator is None or not indicator.HasField("threshold"):
        return
    name = indicator.display_name or indicator.name.rpartition("/")[2]
    threshold, line = indicator.threshold, next(iter(insight.evidence.series), None)
    values = [value for value in line.values if math.isfinite(value)] if line else []
    if not values:
        return
    sign = 1.0 if indicator.good_direction == pb.DIRECTION_DOWN else -1.0
    beyond = (values[-1] - threshold) * sign
    worth = _worth(indicator, abs(beyond))
    if beyond > 0:
        yield pb.Recommendation(
            action=f"Bring {name} back to {_number(threshold)}",
            expected_effect=f"it is at {_number(values[-1])}, {_number(beyond)} beyond its threshold{worth}",
            effect=-sign * beyond,
            confidence=insight.confidence,
            source=f"threshold {_number(threshold)} of {indicator.name}",
            link="/insights/indicators",
        )
        return
    slope = insight.evidence.statistics.get("slope_per_day", 0.0) * sign
    days = -beyond / slope if slope > 0 else math.inf
    if days <= 60 and insight.HasField("end_time"):
        at = insight.end_time.ToDatetime(UTC) + timedelta(days=days)
        yield pb.Recommendation(
            action=f"Turn {name} round before {_day(at)}",
            expected_effect=(
                f"it goes {_number(slope)} a day and will cross its threshold {_number(threshold)} on {_day(at)}{worth}"
            ),
            effect=-sign * slope,
            confidence=insight.confidence * _SURE_ESTIMATE,
            source=f"trend, and threshold {_number(threshold)} of {indicator.name}",
            link="/insights/indicators",
        )


def _of_lead(insight: pb.Insight) -> Iterator[pb.Recommendation]:
    """Of two series of which one goes ahead, that one warns."""
    series, statistics = insight.evidence.series, insight.evidence.statistics
    lag, rho = statistics.get("lag_buckets", 0.0), statistics.get("rho", math.nan)
    starts = insight.evidence.bucket_starts
    if insight.type != pb.INSIGHT_TYPE_CORRELATION or len(series) < 2 or len(starts) < 2 or lag <= 0:
        return
    ahead = (starts[1].ToDatetime(UTC) - starts[0].ToDatetime(UTC)) * lag
    yield pb.Recommendation(
        action=f"Watch {series[0].label}: it goes before {series[1].label}",
        expected_effect=f"it tells {_span(ahead)} ahead; rank correlation {rho:.2f}",
        effect=math.nan,
        confidence=insight.confidence,
        source=f"correlation at a lag of {lag:.0f} buckets",
        link="/insights/alerts",
    )


def _of_past(past: Sequence[pb.Insight]) -> Iterator[pb.Recommendation]:
    """What was said of the last finding like it, and what was to be done then."""
    said = [each for each in past if each.feedback]
    if not said:
        return
    last = said[0]
    alike = sum(each.feedback == last.feedback for each in said)
    # Laplace's rule: so many of so many said the same.
    confidence = (alike + 1) / (len(said) + 2)
    when = _day(last.start_time.ToDatetime(UTC))
    if last.feedback == pb.FEEDBACK_CONFIRMED:
        action = last.recommendations[0].action if last.recommendations else f"See what was done on {when}"
        yield pb.Recommendation(
            action=action,
            expected_effect=f"{alike} of {len(said)} findings like it were confirmed, the last of {when}",
            effect=math.nan,
            confidence=confidence,
            source=last.name,
            link=f"/insights/findings/{last.name.rpartition('/')[2]}",
        )
        return
    known = "expected" if last.feedback == pb.FEEDBACK_EXPECTED else "a false alarm"
    yield pb.Recommendation(
        action=f"Compare it with that of {when} first",
        expected_effect=f"{alike} of {len(said)} findings like it were said to be {known}",
        effect=math.nan,
        confidence=confidence,
        source=last.name,
        link=f"/insights/findings/{last.name.rpartition('/')[2]}",
    )


def _rank(each: pb.Recommendation, change: float) -> float:
    """Effect in terms of the change, times confidence; what has no number counts as a little."""
    effect = abs(each.effect / change) if change and math.isfinite(each.effect / change) else 0.2
    return min(effect, 1.0) * each.confidence


def _in_units(effect: float, insight: pb.Insight) -> str:
    if not math.isfinite(effect):
        return ""
    unit = next((line.unit for line in insight.evidence.series), "")
    return f"; undoing it is {effect:+,.3g}{' ' if unit else ''}{unit} for each bucket"


def _worth(indicator: pb.Indicator, by: float) -> str:
    if not indicator.value_per_unit:
        return ""
    return (
        f", worth {_number(by * indicator.value_per_unit)} {indicator.value_unit}".rstrip()
        + " for each bucket"
    )


def _page(insight: pb.Insight) -> str:
    """The page of the event that is counted, where it has a name; else that of questions."""
    measures = insight.evidence.query.series.measures
    name = measures[0].name if measures and measures[0].source != question_pb2.SOURCE_METRICS else ""
    return f"/data/events/{quote(name, safe='')}" if name else "/explore"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"


def _span(length: timedelta) -> str:
    minutes = length / timedelta(minutes=1)
    if minutes < 120:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.0f} h" if minutes < 2880 else f"{minutes / 1440:.0f} days"
