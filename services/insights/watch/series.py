"""Which series of a project are watched, and how they are asked for: many by one question. Pure.

What a project has (`Chosen`) and its indicators come in; `panels` go out to `source`, whose answers become a `Line` for each series.
Series come in this order until there are enough: the volume of the project and its people, its types, its indicators, its metrics,
its most frequent events.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from services.insights.findings import indicator as indicators
from services.insights.findings.severity import Weight
from services.insights.findings.text import Words
from services.insights.series import series_of
from tidemark.v1 import event_pb2, metric_pb2, query_pb2
from tidemark.v1 import insight_pb2 as pb
from tidemark.v1 import question_pb2 as questions

Interval = questions.Interval
SECONDS: dict[int, int] = {
    Interval.UNIT_MINUTE: 60,
    Interval.UNIT_HOUR: 3600,
    Interval.UNIT_DAY: 86_400,
    Interval.UNIT_WEEK: 604_800,
}
MAX_NAMES, MEASURES = 100, 10
"""Groups of one question, and measures."""
TYPES = {
    name.removeprefix("EVENT_TYPE_"): name.removeprefix("EVENT_TYPE_").replace("_", " ").capitalize()
    for name in event_pb2.EventType.DESCRIPTOR.values_by_name
    if not name.endswith("UNSPECIFIED")
}
_BAD_TYPES = ("ERROR_EVENT", "SECURITY_EVENT")
_SUMMED = metric_pb2.METRIC_KIND_COUNTER

Place = tuple[str, tuple[str, ...]]
"""Where a series stands in an answer: its measure and group."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a project has to be watched."""

    names: tuple[str, ...] = ()
    """Its events, the most frequent first."""
    metrics: tuple[tuple[str, int], ...] = ()
    """Its metrics with their kinds."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A series that is watched."""

    key: str
    """Names it within the project, as in `name/signup`."""
    words: Words
    query: questions.Query
    """What gives it alone, without a time range."""
    weight: Weight = field(default_factory=Weight)
    indicator: pb.Indicator | None = None
    type: str = ""
    """The type of events that it counts, where it counts those of one."""

    @property
    def measure(self) -> questions.Measure | None:
        """What is measured, where it is one thing that parts add up to."""
        measures = self.query.series.measures
        additive = (questions.AGGREGATION_COUNT, questions.AGGREGATION_SUM)
        if (
            len(measures) != 1
            or measures[0].aggregation not in additive
            or measures[0].source == questions.SOURCE_METRICS
        ):
            return None
        return measures[0]


@dataclass(frozen=True, slots=True)
class Panel:
    """A question, and the series that its answer holds."""

    query: questions.Query
    members: Mapping[Place, Watched]


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """What an answer says of a series: finished buckets only."""

    watched: Watched
    starts: NDArray[np.datetime64]
    values: NDArray[np.float64]


def panels(chosen: Chosen, given: Sequence[pb.Indicator], unit: int, most: int) -> list[Panel]:
    """What is asked for the series of a project whose buckets are so wide, at most `most` series."""
    mine = [each for each in given if _unit(each) == unit]
    room = most - 2 - len(TYPES) - len(mine)
    metrics = chosen.metrics[: max(0, room // 2)]
    names = chosen.names[: min(MAX_NAMES, max(0, room - len(metrics)))]
    found = [_whole(unit), _types(unit), *map(_indicator, mine)]
    found += [_metrics(metrics[at : at + MEASURES], unit) for at in range(0, len(metrics), MEASURES)]
    return found + ([_names(names, unit)] if names else [])


def lines(panel: Panel, response: query_pb2.RunQueryResponse) -> list[Line]:
    """The series of a panel out of an answer. A group that is not in it has had nothing; the only series of a panel is the only one."""
    if panel.query.HasField("retention"):
        return [_retention(watched, response) for watched in panel.members.values()]
    answered = {
        (each.measure_id, each.group): each for each in series_of(response, panel.query) if not each.other
    }
    if len(panel.members) == 1 and len(answered) == 1:
        answered = dict(zip(panel.members, answered.values()))
    nothing = _starts(response, panel.query)
    found = []
    for place, watched in panel.members.items():
        line = answered.get(place)
        if line is not None:
            words = replace(watched.words, unit=watched.words.unit or line.unit)
            found.append(Line(replace(watched, words=words), line.starts[: line.complete], line.finished))
        else:
            values = np.full(len(nothing), 0.0 if watched.words.counts else np.nan)
            found.append(Line(watched, nothing, values))
    return found


def _starts(response: query_pb2.RunQueryResponse, query: questions.Query) -> NDArray[np.datetime64]:
    """The finished buckets of an answer, which may have no series at all."""
    empty = query_pb2.RunQueryResponse()
    empty.CopyFrom(response)
    del empty.series.series[:]
    empty.series.series.add(values=[0.0] * len(response.series.bucket_starts))
    (line,) = series_of(empty, query)
    return line.starts[: line.complete]


def _retention(watched: Watched, response: query_pb2.RunQueryResponse) -> Line:
    """The share of people of each week who came back in the next one, as far as that is over."""
    rows = response.retention.groups[0].rows if response.retention.groups else []
    done = [row for row in rows if row.complete >= 2 and len(row.back) >= 2]
    starts = np.array([row.start.ToMicroseconds() for row in done], dtype="datetime64[us]")
    shares = [100 * row.back[1] / row.people if row.people else np.nan for row in done]
    return Line(watched, starts, np.array(shares, np.float64))


def _unit(given: pb.Indicator) -> int:
    """By which buckets an indicator is watched."""
    return int(given.interval)


def _series(unit: int, *measures: questions.Measure) -> questions.Query:
    asked = questions.Query()
    asked.series.measures.extend(measures)
    asked.series.interval.unit, asked.series.interval.count = unit, 1  # type: ignore[assignment]
    return asked


def _count(name: str = "") -> questions.Measure:
    return questions.Measure(id="A", name=name, aggregation=questions.AGGREGATION_COUNT)


def _whole(unit: int) -> Panel:
    people = questions.Measure(id="B", aggregation=questions.AGGREGATION_UNIQUES)
    seconds, weight = SECONDS[unit], Weight(whole=True)
    return Panel(
        _series(unit, _count(), people),
        {
            ("A", ()): Watched("events", Words("All events", seconds), _series(unit, _count()), weight),
            ("B", ()): Watched("people", Words("Active people", seconds), _series(unit, people), weight),
        },
    )


def _types(unit: int) -> Panel:
    asked = _series(unit, _count())
    asked.series.group_by.append("type")
    asked.series.top = len(TYPES)
    members: dict[Place, Watched] = {}
    for name, title in TYPES.items():
        alone = _series(unit, _count())
        _where(alone.series.filter, "type", [name])
        bad = pb.DIRECTION_UP if name in _BAD_TYPES else pb.DIRECTION_UNSPECIFIED
        words = Words(f"{title.removesuffix(' event')} events", SECONDS[unit])
        members["A", (name,)] = Watched(f"type/{name}", words, alone, Weight(bad=bad), type=name)
    return Panel(asked, members)


def _names(names: Sequence[str], unit: int) -> Panel:
    asked = _series(unit, _count())
    _where(asked.series.filter, "name", names)
    asked.series.group_by.append("name")
    asked.series.top = len(names)
    return Panel(
        asked,
        {
            ("A", (name,)): Watched(
                f"name/{name}", Words(f"“{name}” events", SECONDS[unit]), _series(unit, _count(name))
            )
            for name in names
        },
    )


def _metrics(metrics: Sequence[tuple[str, int]], unit: int) -> Panel:
    asked = _series(unit)
    members: dict[Place, Watched] = {}
    for place, (name, kind) in enumerate(metrics):
        summed = kind == _SUMMED
        measure = questions.Measure(
            id=f"m{place}",
            source=questions.SOURCE_METRICS,
            name=name,
            aggregation=questions.AGGREGATION_SUM if summed else questions.AGGREGATION_AVG,
        )
        asked.series.measures.append(measure)
        words = Words(f"The metric “{name}”", SECONDS[unit], counts=summed)
        members[measure.id, ()] = Watched(f"metric/{name}", words, _series(unit, measure), Weight(reach=0.5))
    return Panel(asked, members)


def _indicator(given: pb.Indicator) -> Panel:
    asked = indicators.question(given)
    name = given.name.rpartition("/")[2]
    unit = "%" if given.kind in (pb.Indicator.KIND_RETENTION, pb.Indicator.KIND_ERROR_RATE) else ""
    words = Words(given.display_name or name, SECONDS[given.interval], unit, indicators.counts(given))
    bad = pb.DIRECTION_DOWN if given.good_direction == pb.DIRECTION_UP else pb.DIRECTION_UP
    watched = Watched(f"indicator/{name}", words, asked, Weight(whole=True, bad=bad), indicator=given)
    return Panel(asked, {("A", ()): watched})


def _where(condition: questions.Filter, path: str, values: Iterable[str]) -> None:
    condition.comparison.field = path
    condition.comparison.operator = questions.OPERATOR_IN
    for value in values:
        condition.comparison.values.add(string_value=value)
