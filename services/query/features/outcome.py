"""What became of people after a point: the timeline and points come in, outcomes and what was known of earlier ones go out to `table`."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from services.kit.instant import MICROSECOND
from services.query.behaviour.timeline import Codes, Flags, Rows, Timeline
from services.query.features.history import DAY, Reach
from services.query.features.points import Points
from services.query.features.request import Became, Did
from services.query.features.track import Numbers, Track, taken

TRUE = {"true", "1", "1.0", "yes"}


@dataclass(frozen=True, slots=True)
class Answers:
    """An outcome for each point."""

    true: Flags
    known: Flags


class Reached:
    """Whether people did something within a window."""

    def __init__(self, did: Did, timeline: Timeline) -> None:
        self._negate, self.window = did.negate, did.window // MICROSECOND
        self._did = timeline.flag("did")
        self._group, count = _groups(timeline, len(did.match))
        rows = np.flatnonzero(self._did)
        if did.match:
            rows = rows[np.lexsort((timeline.at[rows], self._group[rows]))]
        self._track = Track(self._group[rows], timeline.at[rows], count)

    def of(self, points: Points, watermark_us: int) -> Answers:
        """Known are the outcomes whose windows are over at the watermark."""
        own = points.rows >= 0
        group = np.where(own, taken(self._group, points.rows), points.who)
        count = self._track.before(group, points.at + self.window) - self._track.before(group, points.at)
        # The event of the point is one of its own window.
        count -= own & taken(self._did, points.rows)
        return Answers((count > 0) != self._negate, points.at + self.window <= watermark_us)


class Told:
    """Whether a field of the event is true; unknown where it is missing."""

    def __init__(self, became: Became, timeline: Timeline) -> None:
        texts = timeline.texts("became")
        labels = pc.utf8_lower(texts.labels).to_pylist()
        self._true = np.array([(each in TRUE) != became.negate for each in labels])
        self._codes, self._missing = texts.codes, texts.code("")

    def of(self, points: Points, watermark_us: int) -> Answers:  # noqa: ARG002 - as of what was done
        """Of event points."""
        codes = taken(self._codes, points.rows)
        return Answers(self._true[codes], codes != self._missing)


class Earlier:
    """The points of a person before an event point."""

    def __init__(self, timeline: Timeline, reached: Reached | None) -> None:
        rows = np.flatnonzero(timeline.flag("point"))
        who, at = timeline.user[rows], timeline.at[rows]
        self._track, self._window = Track(who, at, len(timeline.users)), 0
        self._had: Rows | None = None
        if reached is not None:
            # Whether an outcome was known at a later point is asked there.
            self._had = reached.of(Points(who, at, rows), 0).true.astype(np.int64)
            self._until, self._window = np.concatenate(([0], np.cumsum(self._had))), reached.window

    def values(self, points: Points, reach: Reach) -> Iterator[Numbers]:
        """How many there were, when, and what became of those whose window was over by then."""
        first = self._track.before(points.who, points.at - reach.history)
        behind = self._track.before(points.who, points.at)
        yield (behind - first).astype(np.float64)
        yield np.where(behind > first, (points.at - taken(self._track.at, behind - 1)) / DAY, np.nan)
        if self._had is None:
            return
        # A window that ends at the point is over: what was done in it is before the point.
        known = np.maximum(self._track.before(points.who, points.at - self._window + 1), first)
        count, outcomes = known - first, (self._until[known] - self._until[first]).astype(np.float64)
        yield outcomes
        yield np.where(count > 0, outcomes / np.maximum(count, 1), np.nan)
        yield np.where(count > 0, taken(self._had, known - 1), np.nan)


def _groups(timeline: Timeline, fields: int) -> tuple[Codes, int]:
    """Whose each row is, told apart by what must match as well, and how many there are of them."""
    found: NDArray[np.int64] = timeline.user.astype(np.int64)
    count = len(timeline.users)
    for i in range(fields):
        texts = timeline.texts(f"match{i}")
        different, found = np.unique(found * len(texts.labels) + texts.codes, return_inverse=True)
        count = len(different)
    return found.astype(np.int32), count
