"""What people did before a point, as numbers: rows of a timeline and points come in, values go out to `table`, in the order of
`column`. NaN stands for what there is none of.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from services.kit.instant import MICROSECOND
from services.query.behaviour.timeline import Codes, Rows, Timeline
from services.query.features.points import Points
from services.query.features.track import LONGEST_SUM, Numbers, Track, counted, different, sums, taken

DAY = timedelta(days=1) // MICROSECOND
SESSION_GAP = timedelta(minutes=30) // MICROSECOND


@dataclass(frozen=True, slots=True)
class Reach:
    """How far is looked back, in microseconds."""

    history: int
    windows: Sequence[int]
    """In days, each shorter than the history."""

    def runs(self, track: Track, points: Points) -> tuple[list[Rows], Rows]:
        """Of the rows before each point: where those of each window begin, the whole history last, and where all end."""
        reaches = [*(days * DAY for days in self.windows), self.history]
        firsts = [track.before(points.who, points.at - reach) for reach in reaches]
        return firsts, track.before(points.who, points.at)


class Deeds:
    """What people did of one kind."""

    def __init__(self, timeline: Timeline, day: Codes, rows: Rows) -> None:
        user = timeline.user[rows]
        self.track = Track(user, timeline.at[rows], len(timeline.users))
        self._day = day[rows].astype(np.int64)
        gaps = np.diff(self._day, prepend=self._day[:1])
        # Where rows of the next person begin these mean nothing, and no run looks at its first row.
        self._active, self._squares = np.cumsum(gaps != 0), np.cumsum(gaps**2)

    def values(self, points: Points, reach: Reach) -> Iterator[Numbers]:
        """How often, when and how regularly."""
        firsts, behind = reach.runs(self.track, points)
        first = firsts[-1]
        for each in firsts:
            yield (behind - each).astype(np.float64)
        some = behind > first
        began = taken(self.track.at, first)
        yield _where(some, (points.at - taken(self.track.at, behind - 1)) / DAY)
        yield _where(some, (points.at - began) / DAY)
        active, last = np.zeros(len(some)), behind - 1
        active[some] = (taken(self._active, last) - taken(self._active, first) + 1)[some]
        yield active
        gaps = np.maximum(active - 1, 1)
        mean = (taken(self._day, last) - taken(self._day, first)) / gaps
        yield _where(active > 1, mean)
        square = (taken(self._squares, last) - taken(self._squares, first)) / gaps
        yield _where(active > 2, np.sqrt(np.maximum(square - mean**2, 0.0)))
        middle = self.track.before(points.who, np.where(some, began + (points.at - began) // 2, points.at))
        count = np.maximum(behind - first, 1)
        yield _where(some, ((behind - middle) - (middle - first)) / count)


class Variety:
    """How many different things people did, and in how many sessions; of all points at once, for names are told bit by bit."""

    def __init__(self, timeline: Timeline, track: Track, points: Points, reach: Reach) -> None:
        first = track.before(points.who, points.at - reach.history)
        behind = track.before(points.who, points.at)
        self._names = different(timeline.texts("name").codes, timeline.user, first, behind)
        # The first row of a run begins a session, whatever was before.
        self._sessions = counted(_opens(timeline), np.minimum(first + 1, behind), behind) + (behind > first)

    def values(self, part: slice) -> Iterator[Numbers]:
        """Of some of the points."""
        yield self._names[part].astype(np.float64)
        yield self._sessions[part].astype(np.float64)


class Amounts:
    """The numbers of a field."""

    def __init__(self, timeline: Timeline, values: Numbers) -> None:
        rows = np.flatnonzero(~np.isnan(values))
        self._track = Track(timeline.user[rows], timeline.at[rows], len(timeline.users))
        self._values = values[rows]

    def values(self, points: Points, reach: Reach) -> Iterator[Numbers]:
        """Their sums, their mean and the last of them."""
        firsts, behind = reach.runs(self._track, points)
        for first in firsts:
            found = sums(self._values, first, behind)
            yield _where(np.isfinite(found), found)
        count = np.minimum(behind - first, LONGEST_SUM)
        yield _where(np.isfinite(found) & (count > 0), found / np.maximum(count, 1))
        yield _where(count > 0, taken(self._values, behind - 1))


def _opens(timeline: Timeline) -> NDArray[np.bool_]:
    """Whether a session begins with each row: with another id than that of the row before, or, where either has none, after a pause.
    Right within a person."""
    ids = timeline.texts("session")
    missing, before = ids.code(""), np.concatenate((ids.codes[:1], ids.codes[:-1]))
    told = (ids.codes != missing) & (before != missing)
    paused = np.diff(timeline.at, prepend=timeline.at[:1]) >= SESSION_GAP
    return np.where(told, ids.codes != before, paused)  # type: ignore[no-any-return]


def _where(known: NDArray[np.bool_], values: NDArray[np.generic]) -> Numbers:
    return np.where(known, values, np.nan)  # type: ignore[no-any-return]
