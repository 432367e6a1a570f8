"""Writes the files of segments: rows come in as tables, in the order of a segment, and what is known of the file goes out to `worker`.

A file is on the disk, whole, before anybody is told of it.
"""

import hashlib
import os
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import date
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from services.kit.instant import at
from services.query.columnar import layout
from services.query.columnar.erase import Expiry, Removal, kept
from services.query.columnar.layout import FORMS, JSON_COLUMNS, SCHEMA, Layout
from services.query.columnar.merge import interleaved, ordered, regrouped
from services.query.columnar.segment import Segment, path
from services.query.columnar.shred import KINDS, Shredder

CUT_ROWS, CUT_BYTES = 1 << 16, 32 << 20
"""Rows of a segment when it is first written, and what they take in memory, where they are put in order."""
ROW_GROUP = 1 << 15
PAGE_BYTES = 1 << 17
"""Of each column and segment that becomes part of another, a page is in memory."""
MERGE_BYTES, _SOME = 12 << 20, 1000
"""About so much is held of all segments that become one, as it lies in memory."""
_UNIQUE = {"event_id", *JSON_COLUMNS}
"""Columns in which hardly a value comes twice."""


class Damaged(Exception):
    """A file is not what was written."""


class Cutter:
    """Makes segments of rows as they come, one for each month and so many rows."""

    def __init__(self, folder: str, project_id: int, first: Sequence[int], after: Sequence[int]) -> None:
        self._folder, self._project_id, self._batches = folder, project_id, (first, after)
        self._held: defaultdict[date, list[pa.Table]] = defaultdict(list)

    def cut(self, batches: Iterable[pa.RecordBatch]) -> list[Segment]:
        """The segments of all rows."""
        found = []
        for batch in batches:
            for month, table in _by_month(plain(batch)):
                self._held[month].append(table)
            while (
                sum(map(self._rows, self._held)) >= CUT_ROWS or sum(map(self._bytes, self._held)) >= CUT_BYTES
            ):
                found.append(self._write(max(self._held, key=self._bytes)))
        return [*found, *(self._write(month) for month in sorted(self._held) if self._held[month])]

    def _rows(self, month: date) -> int:
        return sum(map(len, self._held[month]))

    def _bytes(self, month: date) -> int:
        return sum(table.nbytes for table in self._held[month])

    def _write(self, month: date) -> Segment:
        table = ordered(pa.concat_tables(self._held[month]))
        self._held[month] = []
        return write(self._folder, self._project_id, month, self._batches, [table])


def merged(folder: str, old: Sequence[Segment], stopped: Callable[[], bool]) -> Segment:
    """One segment of the rows of several of a month; raises `Damaged` where one is not what was written."""
    for each in old:
        if not sound(folder, each):
            raise Damaged(f"{each.path} is missing or damaged")
    first = tuple(map(min, zip(*(each.first_batches for each in old))))
    after = tuple(map(max, zip(*(each.after_batches for each in old))))
    with ExitStack() as stack:
        files = [
            stack.enter_context(pq.ParquetFile(Path(folder, each.path), buffer_size=PAGE_BYTES))
            for each in old
        ]
        sources = [_read(file, len(files)) for file in files]
        tables = _until(stopped, regrouped(interleaved(sources), ROW_GROUP))
        layouts = [each.layout for each in old]
        new = write(folder, old[0].project_id, old[0].month, (first, after), tables, layouts)
    if new.rows != sum(each.rows for each in old):
        raise Damaged(f"{new.rows} rows are left of {sum(each.rows for each in old)}")
    return new


def holds(folder: str, segment: Segment, removal: Removal) -> bool:
    """Whether a segment has rows that are to be removed. It lies in the order of people, so that few pages are read of an erasure."""
    if isinstance(removal, Expiry):
        return True
    found = pq.read_table(
        Path(folder, segment.path),
        columns=["user_id", "batch_id"],
        filters=[("user_id", "=", removal.user_id)],
    )
    return bool(removal.gone(found).any())


def rewritten(folder: str, old: Segment, removal: Removal, stopped: Callable[[], bool]) -> Segment | None:
    """A segment without the rows that are to be removed; None where none is left. Raises `Damaged` where it is not what was written."""
    if not sound(folder, old):
        raise Damaged(f"{old.path} is missing or damaged")
    with pq.ParquetFile(Path(folder, old.path), buffer_size=PAGE_BYTES) as file:
        left = regrouped(kept(_read(file, 1), removal), ROW_GROUP)
        first = next(left, None)
        if first is None:
            return None
        tables = _until(stopped, chain([first], left))
        batches = old.first_batches, old.after_batches
        return write(folder, old.project_id, old.month, batches, tables, [old.layout])


def plain(batch: pa.RecordBatch) -> pa.Table:
    """Rows as they were read, with the types of a file."""
    return pa.table(batch).select(SCHEMA.names).cast(SCHEMA)


def write(
    folder: str,
    project_id: int,
    month: date,
    batches: tuple[Sequence[int], Sequence[int]],
    tables: Iterable[pa.Table],
    layouts: Sequence[Layout] = (),
) -> Segment:
    """Writes rows that are in order; `layouts` are those of the segments they come from, if they come from any."""
    segment_id = str(uuid.uuid4())
    file = Path(folder, path(project_id, segment_id))
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = layout.wanted(layouts) if layouts else {}
    shredders = {of: Shredder(of, keys.get(of)) for of in JSON_COLUMNS}
    forms = {of: _forms(of, keys[of], layouts) for of in JSON_COLUMNS} if layouts else None
    rows, first_us, last_us = 0, [], []
    writer: pq.ParquetWriter | None = None
    try:
        for table in tables:
            whole = _shredded(table, shredders, forms)
            if writer is None:
                writer = _writer(file, whole.schema)
            writer.write_table(whole, ROW_GROUP)
            rows += len(table)
            least_most = pc.min_max(table.column("occurred_at").cast(pa.int64()))
            first_us.append(least_most["min"].as_py())
            last_us.append(least_most["max"].as_py())
    finally:
        if writer is not None:
            writer.close()
    _sync(file)
    return Segment(
        segment_id, project_id, month, tuple(batches[0]), tuple(batches[1]), rows, file.stat().st_size, checksum(file),
        at(min(first_us)), at(max(last_us)), {of: each.shredded() for of, each in shredders.items()},
    )  # fmt: skip


def present(folder: str, segment: Segment) -> bool:
    """Whether there is a file of the right size."""
    file = Path(folder, segment.path)
    return file.exists() and file.stat().st_size == segment.size


def sound(folder: str, segment: Segment) -> bool:
    """Whether a file is there and is what was written."""
    return present(folder, segment) and checksum(Path(folder, segment.path)) == segment.sha256


def checksum(file: Path) -> bytes:
    """SHA-256 of a file."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").digest()


def remove(folder: str, place: str) -> None:
    """Removes a file, if it is there."""
    Path(folder, place).unlink(missing_ok=True)


def files(folder: str) -> Iterator[tuple[str, str, float]]:
    """Every file of a segment: its id, where it is, and when it was last written."""
    for file in Path(folder).glob("*/*.parquet"):
        yield file.stem, f"{file.parent.name}/{file.name}", file.stat().st_mtime


def _until(stopped: Callable[[], bool], tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    for table in tables:
        if stopped():
            raise InterruptedError("the writing of a segment was stopped")
        yield table


def _read(file: pq.ParquetFile, among: int) -> Iterator[pa.Table]:
    """The rows of one of several files, few at a time."""
    some = next(file.iter_batches(_SOME, columns=SCHEMA.names, use_threads=False))
    most = MERGE_BYTES // among * len(some) // some.nbytes
    batches = file.iter_batches(min(max(most, 64), ROW_GROUP), columns=SCHEMA.names, use_threads=False)
    return map(plain, batches)


def _by_month(table: pa.Table) -> Iterator[tuple[date, pa.Table]]:
    at = table.column("occurred_at")
    numbers = pc.add(pc.multiply(pc.year(at), 12), pc.month(at))
    for number in pc.unique(numbers).to_pylist():
        year, month = divmod(number - 1, 12)
        yield date(year, month + 1, 1), table.filter(pc.equal(numbers, number))


def _forms(of: str, keys: Sequence[str], layouts: Sequence[Layout]) -> dict[str, str]:
    """The forms that each key may have; all of them, where it may hide in documents."""
    hidden = any(each[of].rest is not None for each in layouts)
    known = {
        key: {form for each in layouts if (found := each[of].find(key)) for form in found[1].forms}
        for key in keys
    }
    return {key: FORMS if hidden else "".join(sorted(forms)) for key, forms in known.items()}


def _shredded(
    table: pa.Table, shredders: Mapping[str, Shredder], forms: Mapping[str, Mapping[str, str]] | None
) -> pa.Table:
    """The rows with the columns of their keys; all that the file has, if it is written in pieces."""
    found: dict[str, pa.Array] = {}
    for of, shredder in shredders.items():
        columns = shredder.columns(table.column(of))
        if forms is None:
            found |= dict(sorted(columns.items()))
            continue
        for place, (_, possible) in enumerate(forms[of].items()):
            for form in possible:
                name = layout.column(of, place, form)
                found[name] = columns.get(name, pa.nulls(len(table), KINDS[form]))
    return pa.table(
        [*table.columns, *found.values()],
        pa.schema([*SCHEMA, *(pa.field(name, column.type) for name, column in found.items())]),
    )


def _writer(file: Path, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(
        file,
        schema,
        compression="zstd",
        compression_level=3,
        use_dictionary=[name for name in schema.names if name not in _UNIQUE],
        write_page_checksum=True,
        data_page_size=PAGE_BYTES,
    )


def _sync(file: Path) -> None:
    for place in (file, file.parent):
        handle = os.open(place, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
