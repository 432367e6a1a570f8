"""What is wrong with a file, and what its tables are while they are read."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import pyarrow as pa

from services.reports.document import Document, Table

_ROWS, _BYTES = 8_192, 8 << 20
"""So much of a file is counted at once."""


class Disagrees(Exception):
    """A file does not say what is proven."""


@dataclass(frozen=True, slots=True)
class Read:
    """Rows as a file has them; read while they are asked for."""

    count: int
    read: Callable[[], Iterable[pa.RecordBatch]]

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All of them, in order; what was read in small pieces comes in larger ones, which are counted faster."""
        waiting: list[pa.RecordBatch] = []
        for batch in self.read():
            waiting.append(batch)
            if (
                sum(each.num_rows for each in waiting) >= _ROWS
                or sum(each.nbytes for each in waiting) >= _BYTES
            ):
                yield pa.concat_batches(waiting)
                waiting.clear()
        if waiting:
            yield pa.concat_batches(waiting)


def again(table: Table, read: Callable[[], Iterable[pa.RecordBatch]]) -> Table:
    """The table with the rows of a file."""
    return replace(table, rows=Read(table.rows.count, read))


def tables(document: Document) -> list[Table]:
    """All tables of a document."""
    return [table for section in document.sections for table in section.tables]


def demand(agrees: bool, message: str) -> None:
    """Raises `Disagrees` unless it `agrees`."""
    if not agrees:
        raise Disagrees(message)
