"""Windows kept in memory, for tests of what the writer makes of them, and windows of all shapes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from services.ingest.columns import EVENTS
from services.ingest.windows import fold, session
from services.ingest.windows.column import Columns
from services.ingest.windows.definition import Definition, compiled, read
from services.ingest.windows.result import Result, joined
from tests.ingesting import NOW_US, event_id
from tidemark.v1 import question_pb2 as q
from tidemark.v1 import window_pb2 as pb

SECOND_US = 1_000_000


@dataclass(frozen=True)
class Happened:
    """An event, so many seconds after the beginning of 2026."""

    at: float
    user: str | None = "ann"
    name: str = "clicked"
    partition: int = 0
    properties: dict[str, Any] = field(default_factory=dict)


def aggregate(aggregation: str, field: str = "", **others: Any) -> pb.WindowAggregate:
    """An aggregate that is called as it aggregates."""
    kind = q.Aggregation.Value(f"AGGREGATION_{aggregation}")
    return pb.WindowAggregate(id=aggregation.lower(), aggregation=kind, field=field, **others)


ALL = (
    aggregate("COUNT"),
    *(aggregate(each, "properties.n") for each in ("SUM", "AVG", "MIN", "MAX")),
    aggregate("UNIQUES", "properties.n"),
    aggregate("QUANTILE", "properties.n", quantile=0.5),
)


def tumbling(*aggregates: pb.WindowAggregate, seconds: float = 60, **fields: Any) -> pb.Window:
    """Windows one after the other."""
    made = pb.Window(aggregates=aggregates or ALL[:1], **fields)
    made.tumbling.size.FromTimedelta(timedelta(seconds=seconds))
    return made


def hopping(
    *aggregates: pb.WindowAggregate, seconds: float = 60, every: float = 20, **fields: Any
) -> pb.Window:
    """Windows one over the other."""
    made = pb.Window(aggregates=aggregates or ALL[:1], **fields)
    made.hopping.size.FromTimedelta(timedelta(seconds=seconds))
    made.hopping.every.FromTimedelta(timedelta(seconds=every))
    return made


def sessions(*aggregates: pb.WindowAggregate, gap: float = 10, **fields: Any) -> pb.Window:
    """Windows that last as long as something happens."""
    made = pb.Window(aggregates=aggregates or ALL[:1], key=fields.pop("key", ["user_id"]), **fields)
    made.session.gap.FromTimedelta(timedelta(seconds=gap))
    return made


def lasting(window: pb.Window, lateness: float) -> pb.Window:
    """The window with this allowed lateness in seconds."""
    window.allowed_lateness.FromTimedelta(timedelta(seconds=lateness))
    return window


def rows(events: Sequence[Happened]) -> pa.RecordBatch:
    """Events as the columns of the log."""
    return pa.RecordBatch.from_pydict(
        {
            "event_id": [event_id(number) for number in range(len(events))],
            "type": [1] * len(events),
            "name": [each.name for each in events],
            "occurred_at": [NOW_US + int(each.at * SECOND_US) for each in events],
            "user_id": [each.user for each in events],
            "session_id": [None] * len(events),
            "properties": [orjson.dumps(each.properties).decode() for each in events],
            "context": [None] * len(events),
        },
        schema=EVENTS,
    )


class Kept:
    """The results of a window, as its partitions keep them."""

    def __init__(self, window: pb.Window) -> None:
        self.definition: Definition = compiled(read(window))
        self.results: dict[tuple[Any, ...], Result] = {}

    def commit(self, *events: Happened, watermark: float | None = None) -> "Kept":
        """Counts events as one commit; every partition's watermark is so many seconds after the beginning of 2026."""
        batch = rows(events)
        at_us = batch["occurred_at"].view(pa.int64()).to_numpy()
        partitions = np.array([each.partition for each in events], np.int64)
        gained = fold.gains(self.definition, Columns(batch), at_us, partitions)
        mark = 0 if watermark is None else NOW_US + int(watermark * SECOND_US)
        touched = {(each.partition, each.key) for each in gained}
        kept = [each for each in self.results.values() if (each.partition, each.key) in touched]
        change = fold.folded(self.definition, kept, gained, dict.fromkeys(partitions.tolist(), mark))
        for gone in change.gone:
            del self.results[gone.place]
        for put in change.put:
            self.results[put.place] = put
        return self

    def merged(self) -> list[Result]:
        """What readers make of all partitions, by start and key."""
        by_key: dict[Any, list[Result]] = {}
        for each in self.results.values():
            by_key.setdefault(each.key, []).append(each)
        found: list[Result] = []
        for mine in by_key.values():
            if self.definition.window.HasField("session"):
                found += [joined(self.definition.window, chain) for chain in session.chains(mine)]
            else:
                starts = sorted({each.start_us for each in mine})
                found += [
                    joined(self.definition.window, [each for each in mine if each.start_us == start])
                    for start in starts
                ]
        return sorted(found, key=lambda each: (each.start_us, each.key))

    def counts(self) -> dict[tuple[Any, ...], int]:
        """Events by key and start in seconds."""
        return {
            (*each.key, (each.start_us - NOW_US) / SECOND_US): each.count
            for each in self.merged()
            if each.count
        }
