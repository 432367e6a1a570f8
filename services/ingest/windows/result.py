"""What is kept of one window by one partition: `fold` and `session` make it, `store` reads and writes it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.kit.window import Part, merged
from tidemark.v1.window_pb2 import Window

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """A window of a key, as far as a partition has counted it. One without events tells of those that came too late."""

    partition: int
    key: Key
    start_us: int
    end_us: int
    """The instant after its last; for a session, the gap after its last event."""
    count: int = 0
    parts: tuple[Part, ...] = ()
    """Of each aggregate; none where there are no events."""
    late: int = 0
    """Events that came after it had closed."""
    dropped: int = 0
    """Events that came too late to change it."""
    restated_us: int | None = None
    """When a late event last changed it, as far as the database knows."""
    restated: bool = False
    """Whether this commit holds such an event."""

    @property
    def place(self) -> tuple[int, Key, int]:
        """Tells it from others of the same window."""
        return self.partition, self.key, self.start_us


def joined(window: Window, results: Sequence[Result]) -> Result:
    """Results of one window as one; their partition is that of the first."""
    if len(results) == 1:
        return results[0]
    with_events = [each for each in results if each.count] or list(results)
    known = [each.restated_us for each in results if each.restated_us is not None]
    parts: tuple[Part, ...] = ()
    if with_events[0].count:
        columns = zip(*(each.parts for each in with_events))
        parts = tuple(
            merged(aggregate.aggregation, column) for aggregate, column in zip(window.aggregates, columns)
        )
    return replace(
        results[0],
        start_us=min(each.start_us for each in with_events),
        end_us=max(each.end_us for each in with_events),
        count=sum(each.count for each in results),
        parts=parts,
        late=sum(each.late for each in results),
        dropped=sum(each.dropped for each in results),
        restated_us=max(known, default=None),
        restated=any(each.restated for each in results),
    )
