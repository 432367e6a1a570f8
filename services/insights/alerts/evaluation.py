"""What finished buckets make of a rule: the series of an answer come in, a new standing with what has opened and ended goes out. Pure.

`worker` writes it down, `preview` shows it: the past is judged by the code that judges the present.
"""

import math
from collections.abc import Collection, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from services.insights.alerts import condition
from services.insights.alerts.condition import Floats, Verdict
from services.insights.alerts.rule import Rule
from services.insights.alerts.standing import Group, Place, Standing, walk
from services.insights.detect import anomaly
from services.insights.detect.anomaly import State
from services.insights.series import Series
from services.kit.instant import at, us_of
from tidemark.v1.question_pb2 import QueryMetadata

Starts = NDArray[np.datetime64]

PATIENCE = timedelta(seconds=15)
"""How long after its end a bucket waits for the watermark, when next to nothing is in flight."""
COMPLETE = 0.99
MAX_PLACES = 200
"""Groups that are remembered; those that come later are not looked at."""
FORGOTTEN = 100
"""Buckets after which a group of which nothing comes is forgotten, unless its incident goes on."""


@dataclass(frozen=True, slots=True)
class Change:
    """An incident that opens or ends."""

    group: Group
    opened: bool
    at: datetime
    """When it begins, or ends."""
    subject: str
    unit: str
    value: float
    expected: float
    lower: float
    upper: float
    """Of the bucket that opened it, or of the last one at fault; NaN where that was not among those judged."""


@dataclass(frozen=True, slots=True)
class Trace:
    """A group's values that were judged, and how."""

    group: Group
    subject: str
    unit: str
    values: Floats
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a look has found."""

    standing: Standing
    changes: list[Change] = field(default_factory=list)
    """By group, in order of time."""
    latest: dict[Group, float] = field(default_factory=dict)
    """The last value at fault of groups whose incident goes on, where there was one."""
    traces: list[Trace] = field(default_factory=list)


def settled(metadata: QueryMetadata, now: datetime) -> datetime:
    """Up to when buckets are finished: to the watermark, or to a moment ago when next to nothing is in flight."""
    found = at(0)
    if metadata.HasField("watermark"):
        found = at(metadata.watermark.ToMicroseconds())
    # NaN says that nobody knows what is in flight.
    return max(found, now - PATIENCE) if metadata.completeness >= COMPLETE else found


def ready(starts: Starts, start: datetime, end: datetime, settled: datetime) -> tuple[range, datetime]:
    """The positions of the buckets from `start` on that are finished, and the end of the last of those."""
    edges = [*starts.astype("int64").tolist(), us_of(end)]
    first = int(np.searchsorted(edges, us_of(start)))
    last = max(first, int(np.searchsorted(edges, us_of(settled), side="right")) - 1)
    return range(first, last), at(edges[last])


def evaluated(
    rule: Rule,
    before: Standing,
    lines: Sequence[Series],
    starts: Starts,
    judged: range,
    until: datetime,
    *,
    may_open: bool = True,
    going_on: Collection[Group] = (),
) -> Evaluation:
    """Judges some of the buckets that begin at `starts`, as the `lines` have them; the last of those ends at `until`.

    `may_open` is false while the rule is snoozed; `going_on` are the groups with an incident that nobody has ended.
    """
    found = Evaluation(Standing(until, deepcopy(before.places)))
    present = {each.group: each for each in lines if not each.other}
    # Groups beyond the top are in none of the lines, and still there.
    rest = any(each.other for each in lines)
    places = found.standing.places
    for group in list(places):
        if group not in present and not rest:
            places[group].silent += len(judged)
            if places[group].silent > FORGOTTEN + rule.for_buckets and group not in going_on:
                del places[group]
    for group in present:
        if group in places or len(places) < MAX_PLACES:
            places.setdefault(group, Place()).silent = 0
    for group, place in places.items():
        line = present.get(group)
        if line is None and not rest:
            line = _silent(rule, group, starts)
        if line is not None:
            _judge(rule, group, place, line, judged, found, may_open=may_open)
    return found


def _judge(
    rule: Rule,
    group: Group,
    place: Place,
    line: Series,
    judged: range,
    found: Evaluation,
    *,
    may_open: bool,
) -> None:
    first, ready = judged.start, judged.stop
    verdict = _verdict(rule, place, line, first, ready)
    values = line.values[first:ready]
    starts = line.starts[first:ready].astype(np.int64).tolist()
    found.traces.append(Trace(group, line.subject, line.unit, values, verdict))
    was_open = place.open
    turns = walk(
        place,
        verdict.faults.tolist(),
        starts,
        for_buckets=rule.for_buckets,
        clear_buckets=rule.clear_buckets,
        may_open=may_open,
    )
    for turn in turns:
        # What ends an incident is without fault; the last value at fault was before it.
        place_of = turn.position if turn.opened else _last(verdict.faults[: turn.position])
        figures = values, verdict.expected, verdict.lower, verdict.upper
        told = [math.nan if place_of is None else float(each[place_of]) for each in figures]
        found.changes.append(Change(group, turn.opened, at(turn.at), line.subject, line.unit, *told))
        was_open = was_open or turn.opened
    if was_open and (last := _last(verdict.faults)) is not None:
        found.latest[group] = float(values[last])


def _verdict(rule: Rule, place: Place, line: Series, first: int, ready: int) -> Verdict:
    message, judged = rule.message, line.values[first:ready]
    match rule.kind:
        case "threshold":
            return condition.threshold(judged, message.threshold)
        case "change":
            return condition.change(line.values[first - rule.past : ready], message.change)
        case "anomaly":
            state = State.decode(place.model) if place.model else None
            if state is None:
                state = anomaly.learn(line.values[:first], line.starts[:first])
            verdict, place.side = condition.unusual(
                judged, line.starts[first:ready], message.anomaly, state, side=place.side
            )
            place.model = state.encode()
            return verdict
        case _:
            return condition.absence(judged)


def _last(faults: NDArray[np.bool_]) -> int | None:
    """The position of the last bucket at fault."""
    found = np.flatnonzero(faults)
    return int(found[-1]) if len(found) else None


def _silent(rule: Rule, group: Group, starts: Starts) -> Series:
    """The series of a group of which nothing came."""
    shown = [each.name or each.id for each in rule.message.series.measures if not each.hidden]
    name = (shown or [each.id for each in rule.message.series.formulas])[0]
    return Series(
        subject=" · ".join([name, *(each or "(none)" for each in group)]),
        measure_id="",
        group=group,
        other=False,
        unit="",
        starts=starts,
        values=np.full(len(starts), rule.nothing),
        seconds=0,
        complete=len(starts),
    )
