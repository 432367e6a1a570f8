"""What is known of a project's segments: rows of `store` come in, what to read and what to merge goes out to `source` and `worker`.

A segment holds the events of a calendar month (UTC) of occurred_at that came with certain batches. The frontier of a project says,
by partition, how many batches are in segments. Together they hold every event of those batches, and the hypertable holds all.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import zip_longest

from services.kit.calendar import Span
from services.query.columnar.layout import Layout

MOST_ROWS = 4_000_000
"""Rows of a segment at most: what is larger is not merged any more."""
FAN_IN, MOST_AT_ONCE = 8, 16
"""So many segments of about the same size become one, and so many at most."""
_SMALLEST = 4096


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of events."""

    segment_id: str
    project_id: int
    month: date
    first_batches: tuple[int, ...]
    """By partition: the number of the first batch of which it may hold events."""
    after_batches: tuple[int, ...]
    """By partition: the number behind that of the last."""
    rows: int
    size: int
    """Bytes of the file."""
    sha256: bytes
    first_at: datetime
    last_at: datetime
    layout: Layout

    @property
    def path(self) -> str:
        """Where the file is in the folder of segments."""
        return path(self.project_id, self.segment_id)

    def inside(self, spans: Sequence[Span]) -> bool:
        """Whether one of the spans holds all of its events."""
        return any(span.start <= self.first_at and self.last_at < span.end for span in spans)

    def touches(self, span: Span) -> bool:
        """Whether it may hold events of a span."""
        return self.first_at < span.end and span.start <= self.last_at

    def old(self, batches: Sequence[int]) -> bool:
        """Whether it may hold events of the first so many batches of each partition."""
        return any(first < min(after, count) for first, after, count in self._edges(batches))

    def young(self, batches: Sequence[int]) -> bool:
        """Whether it may hold events of others."""
        return any(max(first, count) < after for first, after, count in self._edges(batches))

    def _edges(self, batches: Sequence[int]) -> Iterable[tuple[int, int, int]]:
        return zip_longest(self.first_batches, self.after_batches, batches, fillvalue=0)

    @property
    def tier(self) -> int:
        """Grows by one where segments of the tier below become one."""
        tier, most = 0, _SMALLEST
        while self.rows > most:
            tier, most = tier + 1, most * FAN_IN
        return tier


@dataclass(frozen=True, slots=True)
class Frontier:
    """How far a project is in segments."""

    batches: tuple[int, ...]
    """By partition, how many batches."""
    versions: tuple[int, ...]
    """By partition, how often it had been committed to."""
    received: int
    """What the project had ever received."""


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What segments hold of the time asked about, and where the rest is."""

    frontier: tuple[int, ...] = ()
    """By partition, how many batches are in segments."""
    segments: tuple[Segment, ...] = ()
    tail: tuple[Span, ...] | None = None
    """When the events happened that are not in segments yet; None where that is not known."""

    @property
    def rows(self) -> int:
        """Rows of all segments."""
        return sum(each.rows for each in self.segments)


NOTHING = Mirrored()


def path(project_id: int, segment_id: str) -> str:
    """Where the file of a segment is in the folder of segments."""
    return f"{project_id}/{segment_id}.parquet"


def worthwhile(mirrored: Mirrored, spans: Sequence[Span], least_rows: int, least_share: float) -> bool:
    """Whether segments answer sooner than the hypertable: when enough of what they hold is asked for.

    A segment is ordered by user, so that all of its times are looked at; the hypertable finds those that are asked for.
    """
    found = 0.0
    for segment in mirrored.segments:
        length = (segment.last_at - segment.first_at).total_seconds()
        asked = sum(_overlap(segment, span) for span in spans)
        found += segment.rows * (asked / length if length > 0 else 1.0)
    return bool(mirrored.segments) and found >= max(least_rows, least_share * mirrored.rows)


def merges(segments: Iterable[Segment]) -> list[list[Segment]]:
    """Which segments should become one, each of a month: the small ones first."""
    found: dict[tuple[int, date, int], list[Segment]] = defaultdict(list)
    for segment in segments:
        found[segment.project_id, segment.month, segment.tier].append(segment)
    chosen = []
    for key in sorted(found):
        together: list[Segment] = []
        for segment in sorted(found[key], key=lambda each: each.rows):
            if (
                len(together) == MOST_AT_ONCE
                or sum(each.rows for each in together) + segment.rows > MOST_ROWS
            ):
                break
            together.append(segment)
        if len(together) >= min(FAN_IN, max(2, MOST_ROWS // together[-1].rows if together else FAN_IN)):
            chosen.append(together)
    return chosen


def _overlap(segment: Segment, span: Span) -> float:
    start, end = max(segment.first_at, span.start), min(segment.last_at, span.end)
    return max(0.0, (end - start).total_seconds())
