"""What people do in one go: `Sessions` and their timeline come in, a `SessionsResult` goes out.

Who is in the midst of a session when the range begins is not counted in it: events of a day before the range are read to know
that, and of a day after it to know how sessions end. So each session belongs to one bucket, whatever range is asked about.

Neighbouring rows of one session are a run. A session is mostly one run; it is several where a person has two at the same time,
or where its events are in part nobody's. Rows and runs are counted by 32 bits: millions of sessions are the most that is held here.
"""

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.kit.instant import MICROSECOND
from services.query.behaviour.question import Sessions
from services.query.behaviour.timeline import (
    Codes,
    Flags,
    Rows,
    Timeline,
    begins,
    ends,
    largest,
    percent,
    times,
)
from tidemark.v1 import question_pb2 as pb

MARGIN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Found:
    """The sessions that begin in the range, by session."""

    starts: Rows
    ends: Rows
    """When each begins and ends."""
    events: Codes
    entries: Codes
    exits: Codes
    """The rows of the first event and of the last."""
    people: int
    """Whose they are."""


def result(question: Sessions, timeline: Timeline) -> tuple[pb.SessionsResult, tuple[str, ...]]:
    """The sessions by bucket and in all."""
    found = _found(question, timeline)
    seconds = (found.ends - found.starts) / 1e6
    bounces = (found.events == 1).astype(np.float64)
    slots = np.searchsorted(times(question.edges), found.starts, side="right") - 1
    buckets = len(question.edges) - 1
    counts = np.bincount(slots, minlength=buckets)
    made = pb.SessionsResult(
        sessions=counts.tolist(),
        mean_seconds=_means(slots, seconds, counts),
        bounce_share=_means(slots, bounces, counts),
        mean_events=_means(slots, found.events, counts),
        total=pb.SessionsTotal(
            sessions=len(seconds),
            people=found.people,
            bounce_share=float(bounces.mean()) if len(seconds) else math.nan,
            mean_events=float(found.events.mean()) if len(seconds) else math.nan,
        ),
    )
    for start in question.edges[:-1]:
        made.bucket_starts.add().FromDatetime(start)
    if len(seconds):
        made.total.mean.FromMicroseconds(int(seconds.mean() * 1e6))
        made.total.median.FromMicroseconds(int(np.median(seconds) * 1e6))
    names = timeline.texts("name")
    for rows, kept in ((found.entries, made.entries), (found.exits, made.exits)):
        often = np.bincount(names.codes[rows], minlength=len(names.labels))
        for code in largest(often, names, question.top):
            kept.add(value=names.label(int(code)), count=int(often[code]))
    return made, _notes(question, timeline)


def _notes(question: Sessions, timeline: Timeline) -> tuple[str, ...]:
    """How many events belong to no session that can be told."""
    within = timeline.within(question.span)
    ids = timeline.texts("session")
    lost = within & (timeline.user == len(timeline.users)) & (ids.codes == ids.code(""))
    if not lost.any():
        return ()
    return (
        f"{percent(lost.sum() / within.sum())} of the events have no user and no session and are left out",
    )


def _found(question: Sessions, timeline: Timeline) -> Found:
    rows, session = _labelled(question, timeline)
    first = begins(session, timeline.user[rows]).astype(np.int32)
    last = ends(first, len(rows))
    fits = _reduced(np.logical_or, timeline.flag("fits")[rows], first)
    runs = session[first]
    del session
    if np.bincount(runs).max(initial=0) < 2:
        return _whole(question, timeline, rows, first, last, fits)
    # Runs by session. Those of one person are in order of time already.
    order = np.argsort(runs, kind="stable").astype(np.int32)
    first, last, fits = first[order], last[order], fits[order]
    heads = begins(runs[order]).astype(np.int32)
    del order, runs
    number = np.repeat(np.arange(len(heads), dtype=np.int32), np.diff(heads, append=len(first)))
    opened, closed = timeline.at[rows[first]], timeline.at[rows[last]]
    begun, ended = _reduced(np.minimum, opened, heads), _reduced(np.maximum, closed, heads)
    foremost = np.flatnonzero(opened == begun[number]).astype(np.int32)
    hindmost = np.flatnonzero(closed == ended[number]).astype(np.int32)
    del opened, closed
    chosen = _begins_within(question, begun) & _reduced(np.logical_or, fits, heads)
    return Found(
        starts=begun[chosen],
        ends=ended[chosen],
        events=_reduced(np.add, last - first + 1, heads)[chosen],
        entries=rows[first[foremost[begins(number[foremost])][chosen]]],
        exits=rows[last[hindmost[ends(begins(number[hindmost]), len(hindmost))][chosen]]],
        people=_people(timeline, rows[first[chosen[number]]]),
    )


def _whole(
    question: Sessions, timeline: Timeline, rows: Codes, first: Codes, last: Codes, fits: Flags
) -> Found:
    """The same where each session is one run, as nearly all are: nothing has to be put together."""
    chosen = _begins_within(question, timeline.at[rows[first]]) & fits
    opens, closes = rows[first[chosen]], rows[last[chosen]]
    return Found(
        starts=timeline.at[opens],
        ends=timeline.at[closes],
        events=last[chosen] - first[chosen] + 1,
        entries=opens,
        exits=closes,
        people=_people(timeline, opens),
    )


def _begins_within(question: Sessions, begun: Rows) -> Flags:
    start, end = times((question.span.start, question.span.end))
    return (begun >= start) & (begun < end)  # type: ignore[no-any-return]


def _people(timeline: Timeline, rows: Codes) -> int:
    """Whose rows they are; those of nobody are nobody's."""
    seen = np.zeros(len(timeline.users) + 1, np.bool_)
    seen[timeline.user[rows]] = True
    return int(seen[:-1].sum())


def _labelled(question: Sessions, timeline: Timeline) -> tuple[Codes, Codes]:
    """The rows that belong to a session, and a number for the session of each."""
    ids = timeline.texts("session")
    known = ids.codes != ids.code("")
    if known.all():
        return np.arange(len(timeline), dtype=np.int32), ids.codes
    rows = np.flatnonzero(known | (timeline.user < len(timeline.users))).astype(np.int32)
    known, user, at = known[rows], timeline.user[rows], timeline.at[rows]
    opens = np.ones(len(rows), np.bool_)
    opens[1:] = (user[1:] != user[:-1]) | (at[1:] - at[:-1] >= question.gap // MICROSECOND)
    # What has no id and opens nothing goes with the row before, and so with the last row that says which session it is of.
    places = np.arange(len(rows), dtype=np.int32)
    says = np.maximum.accumulate(np.where(known | opens, places, 0))
    session = np.where(known, ids.codes[rows], np.int32(len(ids.labels)) + places)
    return rows, session[says]


def _reduced(how: np.ufunc, values: NDArray[Any], heads: Codes) -> NDArray[Any]:
    return how.reduceat(values, heads) if len(heads) else values


def _means(slots: Rows, values: NDArray[np.generic], counts: Rows) -> list[float]:
    """The mean by bucket; NaN where there is none."""
    sums = np.bincount(slots, weights=values, minlength=len(counts))
    return np.where(counts > 0, sums / np.maximum(counts, 1), math.nan).tolist()  # type: ignore[no-any-return]
