"""What is to be removed from segments: rows of `store` say it, `writer` writes the segments concerned anew. Pure.

Rows leave the hypertable first. From then on they are in no segment that is written, and `worker` goes through those that were: it
writes each anew without them, and puts it in the place of the old one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from services.query.columnar.segment import Segment

Mask = NDArray[np.bool_]
_PARTITION_BITS = 12
"""A batch's number stands above its partition in `batch_id`."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """A person who is removed: their events of the batches before those numbered here, by partition."""

    erasure_id: str
    project_id: int
    user_id: str
    batches: tuple[int, ...]

    def concerns(self, segment: Segment) -> bool:
        """Whether a segment may hold the person."""
        return segment.project_id == self.project_id

    def gone(self, table: pa.Table) -> Mask:
        """The rows that are removed, shape (rows,)."""
        ids = table["batch_id"].to_numpy()
        places = ids & ((1 << _PARTITION_BITS) - 1)
        after = np.zeros(1 << _PARTITION_BITS, np.int64)
        after[: len(self.batches)] = self.batches
        theirs = pc.fill_null(pc.equal(table["user_id"], self.user_id), False).to_numpy()
        found: Mask = theirs & (ids >> _PARTITION_BITS < after[places])
        return found


@dataclass(frozen=True, slots=True)
class Expiry:
    """What a project does not keep: events before an instant."""

    project_id: int
    before: datetime

    def concerns(self, segment: Segment) -> bool:
        """Whether a segment holds some."""
        return segment.project_id == self.project_id and segment.first_at < self.before

    def gone(self, table: pa.Table) -> Mask:
        """The rows that are removed, shape (rows,)."""
        at = table["occurred_at"]
        found: Mask = pc.less(at, pa.scalar(self.before, at.type)).to_numpy()
        return found


Removal = Erasure | Expiry


def kept(tables: Iterator[pa.Table], removal: Removal) -> Iterator[pa.Table]:
    """The rows that are not removed, in order."""
    for table in tables:
        gone = removal.gone(table)
        if not gone.all():
            yield table.filter(pa.array(~gone)) if gone.any() else table


def concerned(segments: Sequence[Segment], removal: Removal) -> list[Segment]:
    """The segments to look at."""
    return [each for each in segments if removal.concerns(each)]
