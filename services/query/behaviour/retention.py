"""How many people come back: a `Retention` and its timeline come in, a `RetentionResult` goes out.

All is told by pairs of a person and a period, which stand in the order of rows: those in which somebody began, and those in which
somebody was back. Each beginning meets the person's later returns one after the other.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from services.kit.instant import us_of
from services.query.behaviour.question import Retention, Returned
from services.query.behaviour.timeline import Codes, Rows, Timeline, begins, ends, largest, places, times
from tidemark.v1 import question_pb2 as pb

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Beginnings:
    """Who began when. Somebody may begin in several periods."""

    rows: Rows
    """The row of the first start in the period."""
    slots: Codes
    """Which period."""


def result(question: Retention, timeline: Timeline, now: datetime) -> pb.RetentionResult:
    """The retention of all, then of each group."""
    begun = beginnings(question, timeline)
    kinds = 1
    place = np.zeros(len(begun.rows), np.int32)
    shown: Rows = np.zeros(0, np.int64)
    if question.group is not None:
        texts = timeline.texts("group", question.group)
        codes = texts.codes[begun.rows]
        shown = largest(np.bincount(codes, minlength=len(texts.labels)), texts, question.top)
        place = places(codes, shown, len(texts.labels))
        kinds = len(shown) + 1
    counts = _counts(question, timeline, begun, place, kinds)
    groups = [_group(question, counts.sum(axis=0), now, all=True)]
    if question.group is not None:
        for i, code in enumerate(shown):
            groups.append(_group(question, counts[i], now, group=texts.label(int(code))))
        if counts[-1].any():
            groups.append(_group(question, counts[-1], now, other=True))
    return pb.RetentionResult(groups=groups)


def people(group: Returned, timeline: Timeline) -> Rows:
    """A row of each person of the cell, or of those who began and are missing in it."""
    question = group.retention
    begun = beginnings(question, timeline)
    back = np.zeros(len(begun.rows), np.bool_)
    for begin, offset in _returns(question, timeline, begun):
        there = offset >= group.offset if question.unbounded else offset == group.offset
        back[begin[there]] = True
    wanted = begun.slots == group.row
    if group.offset:
        wanted &= ~back if group.lost else back
    return begun.rows[wanted]  # type: ignore[no-any-return]


def beginnings(question: Retention, timeline: Timeline) -> Beginnings:
    """Who began when, in the order of rows."""
    rows = np.flatnonzero(timeline.flag("start") & timeline.within(question.span))
    slots = timeline.slots(question.edges)[rows]
    users = timeline.user[rows]
    kept = begins(users, slots) if question.every else begins(users)
    return Beginnings(rows[kept], slots[kept])


def _counts(question: Retention, timeline: Timeline, begun: Beginnings, place: Codes, kinds: int) -> Counts:
    """By group, period and offset: how many people were there; at offset 0 all who began."""
    shape = kinds, question.rows, question.periods + 1
    cell = (place.astype(np.int64) * question.rows + begun.slots) * (question.periods + 1)
    found = np.bincount(cell, minlength=math.prod(shape))
    for begin, offset in _returns(question, timeline, begun):
        found += np.bincount(cell[begin] + np.minimum(offset, question.periods), minlength=len(found))
    counts = found.reshape(shape)
    if question.unbounded:
        # Each beginning has met the last return only, which counts for all offsets before.
        counts[:, :, 1:] = counts[:, :, :0:-1].cumsum(axis=2)[:, :, ::-1]
    return counts


def _returns(
    question: Retention, timeline: Timeline, begun: Beginnings
) -> Iterator[tuple[Rows, NDArray[np.int64]]]:
    """Beginnings that meet a return, and how many periods later each does: one return of each at a time, or the last return
    alone where those before it count anyway."""
    slots = timeline.slots(question.edges)
    back = np.flatnonzero(timeline.flag("back") & (slots < len(question.edges) - 1))
    firsts = begins(timeline.user[back], slots[back])
    rows, slots, users = back[firsts], slots[back[firsts]].astype(np.int64), timeline.user[back[firsts]]
    begin = np.arange(len(begun.rows))
    place = np.searchsorted(rows, begun.rows, side="right")
    if question.unbounded:
        last = ends(begins(users), len(rows))
        last = np.repeat(last, np.diff(last, prepend=-1))
    while True:
        kept = place < len(rows)
        begin, place = begin[kept], place[kept]
        kept = users[place] == timeline.user[begun.rows[begin]]
        begin, place = begin[kept], place[kept]
        if question.unbounded:
            place = last[place]
        offset = slots[place] - begun.slots[begin]
        met = offset > 0
        if not question.unbounded:
            met &= offset <= question.periods
        yield begin[met], offset[met]
        kept = offset < question.periods
        begin, place = begin[kept], place[kept] + 1
        if question.unbounded or not len(begin):
            return


def _group(
    question: Retention,
    counts: Counts,
    now: datetime,
    *,
    group: str = "",
    all: bool = False,  # noqa: A002 - the contract's word
    other: bool = False,
) -> pb.RetentionGroup:
    """The retention of some people, of their counts by period and offset."""
    edges, at = times(question.edges), us_of(now)
    started, ended = int((edges[:-1] < at).sum()), int((edges[1:] <= at).sum())
    made = pb.RetentionGroup(group=group, all=all, other=other)
    for row, back in enumerate(counts):
        shown, complete = (min(max(each - row, 0), len(back)) for each in (started, ended))
        line = made.rows.add(people=int(back[0]), back=back[:shown].tolist(), complete=complete)
        line.start.FromDatetime(question.edges[row])
    for offset in range(question.periods + 1):
        over = counts[: max(ended - offset, 0)]
        people = int(over[:, 0].sum())
        made.mean.append(int(over[:, offset].sum()) / people if people else math.nan)
    return made
