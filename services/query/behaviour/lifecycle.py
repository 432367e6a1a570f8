"""Who is new, returning, resurrecting and dormant: a `Lifecycle` and its timeline come in, a `LifecycleResult` goes out.

The timeline reaches back to the beginning, and its rows become pairs of a person and a period in which they were active. What
somebody is in a period follows from the pair before; that they are dormant, from the pair after.
"""

from collections.abc import Iterator
from datetime import datetime

import numpy as np

from services.query.behaviour.question import Lifecycle, Lived
from services.query.behaviour.timeline import Codes, Flags, Rows, Timeline, begins
from tidemark.v1 import question_pb2 as pb

_FIELDS = {
    pb.LIFECYCLE_STATE_NEW: "new",
    pb.LIFECYCLE_STATE_RETURNING: "returning",
    pb.LIFECYCLE_STATE_RESURRECTING: "resurrecting",
    pb.LIFECYCLE_STATE_DORMANT: "dormant",
}


def result(
    question: Lifecycle, timeline: Timeline, now: datetime
) -> tuple[pb.LifecycleResult, tuple[str, ...]]:
    """How many people are in each state, by period."""
    made = pb.LifecycleResult()
    starts, end = question.edges[1:-1], question.edges[-1]
    for start in starts:
        made.starts.add().FromDatetime(start)
    for state, _, periods in _states(question, timeline):
        counts = np.bincount(periods, minlength=len(starts))
        # Nobody is anything yet in a period that has not begun.
        shown = [int(count) if start < now else 0 for count, start in zip(counts, starts, strict=True)]
        getattr(made, _FIELDS[state]).extend(shown)
    under_way = len(starts) and starts[-1] < now < end
    return made, (
        "the last period has not ended yet: who is dormant in it may still come",
    ) if under_way else ()


def people(group: Lived, timeline: Timeline) -> Rows:
    """A row of each person who is in the state in the period."""
    return next(
        rows[periods == group.period]
        for state, rows, periods in _states(group.lifecycle, timeline)
        if state == group.state
    )


def _states(question: Lifecycle, timeline: Timeline) -> Iterator[tuple[pb.LifecycleState, Rows, Codes]]:
    """For each state: a row of each person who is in it, and in which period of the range, from 0."""
    slots = timeline.slots(question.edges)
    rows = np.flatnonzero(timeline.flag("active") & (slots < len(question.edges) - 1))
    rows = rows[begins(timeline.user[rows], slots[rows])]
    # 0 is the period before the range, what is before that -1.
    users, slots = timeline.user[rows], slots[rows]
    same = users[1:] == users[:-1]
    next_to = same & (slots[1:] == slots[:-1] + 1)
    first = np.append(True, ~same)[: len(rows)]
    returning = np.append(False, next_to)[: len(rows)]
    shown = slots > 0
    yield _of(pb.LIFECYCLE_STATE_NEW, rows, slots, shown & first)
    yield _of(pb.LIFECYCLE_STATE_RETURNING, rows, slots, shown & returning)
    yield _of(pb.LIFECYCLE_STATE_RESURRECTING, rows, slots, shown & ~first & ~returning)
    left = np.append(~next_to, True)[: len(rows)]
    left &= (slots >= 0) & (slots < len(question.edges) - 2)
    yield _of(pb.LIFECYCLE_STATE_DORMANT, rows, slots + 1, left)


def _of(
    state: pb.LifecycleState, rows: Rows, slots: Codes, wanted: Flags
) -> tuple[pb.LifecycleState, Rows, Codes]:
    return state, rows[wanted], slots[wanted] - 1
