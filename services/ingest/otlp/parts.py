"""A request in parts: rows come in from `logs` or `metrics`, batches of one producer each go out to `servicer`.

A part is made when it is asked for. What resource and scope say stands once in a request and in every row of ours: all rows at
once could take a thousand times the room of the request. Pure.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from tidemark.v1.event_pb2 import Event
from tidemark.v1.ingest_pb2 import EventBatch, PointBatch, Producer
from tidemark.v1.metric_pb2 import MetricPoint

MAX_ROWS = 10_000
MAX_BYTES = 4 << 20
EPOCH = 1
"""Of every batch: exporters count neither epochs nor sequences."""

Item = TypeVar("Item", Event, MetricPoint)
Batch = TypeVar("Batch", EventBatch, PointBatch)


class Row(NamedTuple, Generic[Item]):
    """An event or point, and where it comes from."""

    producer_id: str
    place: int
    """Of the log record or data point, counted through the request."""
    item: Item
    known_again: bool
    """Whether it is recognised when it comes again, as an event is by its id and time."""


@dataclass(frozen=True, slots=True)
class Part(Generic[Batch]):
    """A batch, and the place of each of its rows."""

    batch: Batch
    places: list[int]
    known_again: bool
    """Whether all of its rows are."""


@dataclass(slots=True)
class Report:
    """What the answer must tell of records or points that were not taken whole."""

    faults: dict[int, str] = field(default_factory=dict)
    """By place, why it was not taken."""
    cut: int = 0
    """Data points that have lost tags, or the ends of some."""

    def refuse(self, place: int, fault: str) -> None:
        """The first fault of each is told."""
        self.faults.setdefault(place, fault)

    def message(self, what: str) -> str:
        """One sentence for a person; empty when all is well."""
        told = []
        if self.faults:
            place = min(self.faults)
            told.append(f"{len(self.faults)} not taken; the first is {what}[{place}]: {self.faults[place]}")
        if self.cut:
            told.append(f"{self.cut} with more tags, or longer ones, than are kept: 32 of 200 characters")
        return "; ".join(told)


def parts(rows: Iterable[Row[Item]], made: Callable[[Producer, list[Item]], Batch]) -> Iterator[Part[Batch]]:
    """Rows that follow each other and have one producer, together in batches that `made` makes."""
    items: list[Item] = []
    places: list[int] = []
    size, producer_id, known_again = 0, "", True

    def part() -> Part[Batch]:
        return Part(made(Producer(producer_id=producer_id, epoch=EPOCH), items), places, known_again)

    for row in rows:
        if items and (row.producer_id != producer_id or len(items) == MAX_ROWS or size > MAX_BYTES):
            yield part()
            items, places, size, known_again = [], [], 0, True
        producer_id = row.producer_id
        known_again &= row.known_again
        items.append(row.item)
        places.append(row.place)
        size += row.item.ByteSize()
    if items:
        yield part()


def events(producer: Producer, items: list[Event]) -> EventBatch:
    """A batch of events."""
    return EventBatch(producer=producer, events=items)


def points(producer: Producer, items: list[MetricPoint]) -> PointBatch:
    """A batch of metric points."""
    return PointBatch(producer=producer, points=items)
