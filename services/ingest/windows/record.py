"""Windows and their results as stored, and as messages of the contract. Pure.

`store.py` reads records; `servicer.py` puts their messages into its answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.kit.instant import MICROSECOND
from services.kit.window import Part, length, merged, us_of, value
from tidemark.v1 import window_pb2 as pb


@dataclass(frozen=True, slots=True)
class WindowRecord:
    """A window."""

    project: str
    window_id: str
    window_number: int
    definition: bytes
    created_at: datetime

    @property
    def window(self) -> pb.Window:
        """Its definition."""
        return pb.Window.FromString(self.definition)

    def message(self) -> pb.Window:
        """As callers see it."""
        made = self.window
        made.name = f"projects/{self.project}/windows/{self.window_id}"
        made.create_time.FromDatetime(self.created_at)
        return made


@dataclass(frozen=True, slots=True)
class ResultRecord:
    """One window, as all partitions together have kept it; `counts`, `numbers` and `sketches` have a row for each of them."""

    key: list[str]
    start: datetime
    end: datetime | None
    """Of a session with events."""
    count: int
    counts: Sequence[Sequence[int]]
    numbers: Sequence[Sequence[float | None]]
    sketches: Sequence[Sequence[bytes | None]]
    late: int
    restated_at: datetime | None
    dropped: int

    def message(self, window: pb.Window, watermark: datetime | None) -> pb.WindowResult:
        """As callers see it, at the watermark of all partitions."""
        end = self.end or self.start + (length(window) or us_of(window.session.gap) * MICROSECOND)
        made = pb.WindowResult(
            key=self.key,
            values=self._values(window),
            event_count=self.count,
            closed=watermark is not None and end <= watermark,
            late_count=self.late,
            dropped_count=self.dropped,
        )
        made.start.FromDatetime(self.start)
        made.end.FromDatetime(end)
        if self.restated_at is not None:
            made.restated_at.FromDatetime(self.restated_at)
        return made

    def _values(self, window: pb.Window) -> list[float]:
        columns = (zip(*rows) for rows in (self.counts, self.numbers, self.sketches))
        parts = [[Part(*part) for part in zip(*column)] for column in zip(*columns)]
        return [
            value(each, merged(each.aggregation, mine), self.count)
            for each, mine in zip(window.aggregates, parts)
        ]
