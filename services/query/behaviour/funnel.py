"""How many people do one step after the other: a `Funnel` and its timeline come in, a `FunnelResult` goes out.

From every first step the others are looked for greedily, each as soon as possible after the one before: no other choice comes
further within the window. Of a person's attempts the one that came furthest counts, the earliest of equals.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from services.kit.instant import MICROSECOND, us_of
from services.query.behaviour.question import Came, Funnel
from services.query.behaviour.timeline import Codes, Rows, Timeline, begins, largest, percent, places
from tidemark.v1 import question_pb2 as pb

_WIDTHS = [
    *(timedelta(seconds=n) for n in (1, 2, 5, 10, 15, 30)),
    *(timedelta(minutes=n) for n in (1, 2, 5, 10, 15, 30)),
    *(timedelta(hours=n) for n in (1, 2, 3, 6, 12)),
    *(timedelta(days=n) for n in (1, 2, 7, 14, 30, 60)),
]
BARS = 12
"""In so many bars of a histogram, or fewer, lie the faster 90 %."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """The attempt of each person that counts."""

    rows: Rows
    """By step, then person: the row of the step; -1 where it was not come to."""
    reached: Codes
    """By person: how many steps were come to, at least 1."""


def result(question: Funnel, timeline: Timeline, now: datetime) -> tuple[pb.FunnelResult, tuple[str, ...]]:
    """The funnel of all, then of each group; and what people should know of it."""
    found = attempts(question, timeline)
    groups = [_group(question, timeline, found, all=True)]
    if question.group is not None:
        texts = timeline.texts("group", question.group)
        codes = texts.codes[found.rows[0]]
        shown = largest(np.bincount(codes, minlength=len(texts.labels)), texts, question.top)
        place = places(codes, shown, len(texts.labels))
        order = np.argsort(place, kind="stable")
        bounds = np.searchsorted(place[order], np.arange(len(shown) + 2))
        for i, code in enumerate(shown):
            theirs = _of(found, order[bounds[i] : bounds[i + 1]])
            groups.append(_group(question, timeline, theirs, group=texts.label(int(code))))
        if len(rest := order[bounds[len(shown)] :]):
            groups.append(_group(question, timeline, _of(found, rest), other=True))
    return pb.FunnelResult(groups=groups), _notes(question, timeline, found, now)


def people(group: Came, timeline: Timeline) -> Rows:
    """A row of each person who came to the step, or was lost there."""
    found = attempts(group.funnel, timeline)
    # Who was lost at a step came to the one before, so to as many steps as its number.
    wanted = found.reached == group.step if group.lost else found.reached > group.step
    if group.group is not None:
        texts = timeline.texts("group", group.funnel.group)
        wanted &= texts.codes[found.rows[0]] == texts.code(group.group)
    return found.rows[0][wanted]  # type: ignore[no-any-return]


def attempts(question: Funnel, timeline: Timeline) -> Attempts:
    """The attempt of each person that counts, in the order of people."""
    starts = np.flatnonzero(timeline.flag("step0") & timeline.within(question.span))
    heads = begins(timeline.user[starts])
    # Who comes to the last step at the first attempt needs no other.
    whole = _reached(question, timeline, starts[heads]) == len(question.steps)
    tried = np.repeat(~whole, np.diff(heads, append=len(starts)))
    tried[heads] = True
    starts = starts[tried]
    reached = _reached(question, timeline, starts)
    # The furthest wins, of equals the earliest: one number that is greatest for it.
    count = len(starts)
    rank = reached.astype(np.int64) * count + np.arange(count - 1, -1, -1)
    first = begins(timeline.user[starts])
    best = np.maximum.reduceat(rank, first) if count else rank
    chosen = count - 1 - best % max(count, 1)
    starts, reached = starts[chosen], reached[chosen]
    rows = np.full((len(question.steps), len(starts)), -1, np.int64)
    rows[0] = starts
    for step, alive, found in _followed(question, timeline, starts):
        rows[step, alive] = found
    return Attempts(rows, reached)


def _reached(question: Funnel, timeline: Timeline, starts: Rows) -> Codes:
    """How many steps are come to from each start."""
    reached = np.ones(len(starts), np.int32)
    for step, alive, _ in _followed(question, timeline, starts):
        reached[alive] = step + 1
    return reached


def _followed(question: Funnel, timeline: Timeline, starts: Rows) -> Iterator[tuple[int, Rows, Rows]]:
    """For each step after the first: which of the attempts come to it, and in which row each does."""
    window = question.window // MICROSECOND
    alive, rows = np.arange(len(starts)), starts
    for step in range(1, len(question.steps)):
        candidates = np.flatnonzero(timeline.flag(f"step{step}"))
        if not len(candidates):
            return
        # The next row of the step; starts are in order, and so is what comes next to them.
        place = np.searchsorted(candidates, rows, side="right")
        rows = candidates[np.minimum(place, len(candidates) - 1)]
        began = starts[alive]
        kept = place < len(candidates)
        kept &= timeline.user[rows] == timeline.user[began]
        kept &= timeline.at[rows] - timeline.at[began] <= window
        alive, rows = alive[kept], rows[kept]
        yield step, alive, rows


def _of(found: Attempts, people: Rows) -> Attempts:
    return Attempts(found.rows[:, people], found.reached[people])


def _group(
    question: Funnel,
    timeline: Timeline,
    found: Attempts,
    *,
    group: str = "",
    all: bool = False,  # noqa: A002 - the contract's word
    other: bool = False,
) -> pb.FunnelGroup:
    """The funnel of some people."""
    made = pb.FunnelGroup(group=group, all=all, other=other)
    came = [int((found.reached > step).sum()) for step in range(len(question.steps))]
    for step, people in enumerate(came):
        shown = made.steps.add(
            display_name=question.steps[step].label,
            people=people,
            of_first=_share(people, came[0]),
            of_previous=_share(people, came[max(step - 1, 0)]),
        )
        if step and people:
            taken = _taken(timeline, found, step - 1, step)
            shown.median_time.FromMicroseconds(int(np.median(taken)))
            shown.mean_time.FromMicroseconds(int(taken.mean()))
    if came[-1]:
        _convert(_taken(timeline, found, 0, len(came) - 1), made.time_to_convert)
    return made


def _taken(timeline: Timeline, found: Attempts, since: int, step: int) -> Rows:
    """The microseconds from one step to another, of those who came to it."""
    came = found.reached > step
    return timeline.at[found.rows[step, came]] - timeline.at[found.rows[since, came]]  # type: ignore[no-any-return]


def _convert(taken: Rows, made: pb.TimeToConvert) -> None:
    """How long the conversion took: bars of a round width for the faster ones, and a last one for the rest."""
    slow, slowest = float(np.quantile(taken, 0.9)), int(taken.max())
    made.median.FromMicroseconds(int(np.median(taken)))
    made.p90.FromMicroseconds(int(slow))
    width = (
        next((each for each in _WIDTHS if slow < BARS * (each // MICROSECOND)), _WIDTHS[-1]) // MICROSECOND
    )
    bars = int(slow // width) + 1
    edges = [bar * width for bar in range(bars + 1)]
    if slowest >= edges[-1]:
        edges.append(width * (slowest // width + 1))
    made.edges.extend(edge / 1e6 for edge in edges)
    made.people.extend(np.histogram(taken, edges)[0].tolist())


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def _notes(question: Funnel, timeline: Timeline, found: Attempts, now: datetime) -> tuple[str, ...]:
    """How many may still come further."""
    open_since = us_of(now) - question.window // MICROSECOND
    waiting = timeline.at[found.rows[0]] > open_since
    waiting &= found.reached < len(question.steps)
    share = float(waiting.mean()) if len(waiting) else 0.0
    return (f"the window of {percent(share)} of the people has not ended yet",) if share else ()
