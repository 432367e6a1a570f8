"""Reads rows in bulk: a scan and somebody's snapshot come in; for `behaviour` one ordered table goes out, for series and tables the
rows of their statements.

What is in segments comes from there; the tail from PostgreSQL, in the same snapshot that tells what is in segments. The hypertable
holds everything, so that it answers alone wherever a segment is missing, broken, or not exact enough.
"""

import asyncio
import copy
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import duckdb
import numpy as np
import psycopg
import pyarrow as pa
from adbc_driver_postgresql import dbapi
from psycopg import AsyncConnection

from services.kit import metrics
from services.kit.calendar import Span
from services.kit.instant import us_of
from services.query.columnar import rows, sql, store, timeline
from services.query.columnar.cache import Spines
from services.query.columnar.scan import Scan
from services.query.columnar.segment import NOTHING, Mirrored, Segment, worthwhile
from services.query.columnar.spine import Spine, spine
from services.query.columnar.stream import (
    BATCH_ROWS,
    Lake,
    Reader,
    Stream,
    Streams,
    exported,
    threaded,
    written,
)
from services.query.columnar.timeline import Part
from services.query.columnar.where import Inexact, Inquiry
from services.query.plan import Scan as Aggregation
from services.query.rank import Group, Ranking
from services.query.where import Statement

T = TypeVar("T")
LEAST_ROWS = 50_000
LEAST_SHARE = 0.02
"""Rows that must be asked for, and of all rows of the segments that are read for them, for indexes not to be faster."""
log = logging.getLogger(__name__)

Found = tuple[Sequence[tuple[int, str]], list[tuple[Any, ...]]]
"""What the columns after the keys are, and rows."""
Write = Callable[[Sequence[Segment], str, pa.Table | None], Inquiry]


class Broken(Exception):
    """A segment cannot be read."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where rows come from: from a segment, or with ids of their own, where they stand in no order."""

    columns: tuple[pa.ChunkedArray, ...]
    rows: int
    ids: pa.ChunkedArray | None
    segment: Segment | None


class Bulk:
    """What is read in bulk, so many readings at once."""

    def __init__(
        self,
        conninfo: str,
        concurrency: int,
        folder: str = "",
        memory_bytes: int = 256 << 20,
        spine_bytes: int = 128 << 20,
    ) -> None:
        self._streams, self._concurrency = Streams(conninfo, concurrency), concurrency
        self._lake = Lake(folder, memory_bytes) if folder else None
        self._spines = Spines(spine_bytes)

    def beside(self, conninfo: str) -> "Bulk":
        """The same for another server with the same data: segments are shared, and the memory to read them."""
        made = copy.copy(self)
        made._streams = Streams(conninfo, self._concurrency)
        return made

    async def scan(self, connection: AsyncConnection[Any], project_id: int, scan: Scan) -> pa.Table:
        """The rows of a bulk scan, in the snapshot of `connection`."""
        async with self._streams.one() as stream:
            try:
                mirrored = await self._mirrored(connection, project_id, scan.span, scan.until)
                return await self._scan(connection, project_id, scan, mirrored, stream)
            except (Broken, Inexact) as error:
                _fall_back(error)
                return await self._scan(connection, project_id, scan, NOTHING, stream)

    async def cells(
        self, connection: AsyncConnection[Any], project_id: int, scan: Aggregation, groups: Sequence[Group]
    ) -> Found | None:
        """The rows of `services.query.sql.cells` for a raw scan, from segments; None where the hypertable had better be asked."""
        return await self._aggregated(
            connection,
            project_id,
            scan,
            lambda segments, folder, tail: sql.cells(scan, segments, folder, groups, tail),
        )

    async def ranking(
        self, connection: AsyncConnection[Any], project_id: int, ranking: Ranking
    ) -> Found | None:
        """The rows of `services.query.sql.ranking`, likewise."""
        return await self._aggregated(
            connection,
            project_id,
            ranking.scan,
            lambda segments, folder, tail: sql.ranking(ranking, segments, folder, tail),
        )

    async def told(
        self, connection: AsyncConnection[Any], project_id: int, wanted: Scan | Aggregation
    ) -> Mirrored:
        """What would be read from segments for a scan, and whether there is a tail; nothing where the hypertable is asked."""
        spans = wanted.tiles[0].spans if isinstance(wanted, Aggregation) else (wanted.span,)
        try:
            extent = Span(spans[0].start, spans[-1].end)
            found = await self._mirrored(connection, project_id, extent, wanted.until)
        except Broken as error:
            _fall_back(error)
            return NOTHING
        if isinstance(wanted, Aggregation):
            bulky = wanted.exact and len(wanted.tiles) == 1 and wanted.tiles[0].table == "events"
            if not bulky or found.tail is None or not worthwhile(found, spans, LEAST_ROWS, LEAST_SHARE):
                return NOTHING
        return found

    async def close(self, draining: asyncio.Event) -> None:
        """Worker: gives everything back when the process ends."""
        await draining.wait()
        self._streams.close()
        if self._lake is not None:
            # Calls under way have some time left, and are answered by the hypertable.
            self._lake.close()
            self._lake = None

    async def _scan(
        self,
        connection: AsyncConnection[Any],
        project_id: int,
        scan: Scan,
        mirrored: Mirrored,
        stream: Stream,
    ) -> pa.Table:
        lake = self._lake
        if lake is None:
            mirrored = NOTHING
        folder = lake.folder if lake else ""
        inquiries = [sql.bulk(scan, each, folder) for each in mirrored.segments]
        read_tail = await _tail(
            connection,
            stream,
            mirrored,
            (scan.span,),
            lambda spans: rows.tail(scan, project_id, mirrored.frontier, spans),
        )
        reader = _reader(lake) if lake and inquiries else None

        def read() -> pa.Table:
            places: list[_Place] = []
            parts: list[Part] = []
            for segment, inquiry in zip(mirrored.segments, inquiries):
                assert reader is not None
                spine = self._spines.get(segment, partial(_spine, reader, segment, folder))
                found = _ordered(reader, inquiry, scan, spine)
                _take(found, places, parts, segment=segment)
            ids: list[pa.ChunkedArray] = []
            _take(_loose(read_tail(), scan, ids), places, parts, ids=ids)
            order = timeline.order(parts, us_of(scan.cuts[-1]) if scan.cuts else None)
            if order.disputed is not None:
                known = _ids(places, order, lambda segment, at: sql.ids(scan, segment, folder, at), reader)
                order = timeline.settled(order, known)
            source = "DATA_SOURCE_SEGMENT" if inquiries else "DATA_SOURCE_RAW"
            table = timeline.table(order, [each.columns for each in places], scan)
            return table.replace_schema_metadata({"source": source})

        return await _run(read, reader, stream)

    async def _aggregated(
        self, connection: AsyncConnection[Any], project_id: int, scan: Aggregation, write: Write
    ) -> Found | None:
        if self._lake is None or not scan.exact or len(scan.tiles) != 1 or scan.tiles[0].table != "events":
            return None
        spans, lake = scan.tiles[0].spans, self._lake
        try:
            extent = Span(spans[0].start, spans[-1].end)
            mirrored = await self._mirrored(connection, project_id, extent, scan.until)
            if mirrored.tail is None or not worthwhile(mirrored, spans, LEAST_ROWS, LEAST_SHARE):
                return None
            write(mirrored.segments, lake.folder, None)  # Refused here, before anything is read.
            async with self._streams.one() as stream:
                read_tail = await _tail(
                    connection,
                    stream,
                    mirrored,
                    spans,
                    lambda near: rows.aggregated(scan, project_id, mirrored.frontier, near),
                )
                reader = _reader(lake)

                def read() -> Found:
                    batches = list(read_tail())
                    tail = pa.Table.from_batches(batches) if batches else None
                    inquiry = write(mirrored.segments, lake.folder, tail)
                    found = [row for table in _tables(reader, inquiry) for row in _tuples(table)]
                    return inquiry.columns, found

                return await _run(read, reader, stream)
        except (Broken, Inexact) as error:
            _fall_back(error)
            return None

    async def _mirrored(
        self, connection: AsyncConnection[Any], project_id: int, span: Span, until: Sequence[int]
    ) -> Mirrored:
        """What segments hold of the time asked about, of the state asked about; raises `Broken` where a file is not what its row
        says."""
        lake = self._lake
        if lake is None:
            return NOTHING
        found = await store.mirrored(connection, project_id, span)
        self._spines.forget(project_id, span, {each.segment_id for each in found.segments})
        if until:
            found = replace(found, segments=tuple(each for each in found.segments if each.old(until)))
        for segment in found.segments:
            size = lake.size(segment.path)
            if size != segment.size:
                raise Broken(f"{segment.path} has {size} bytes and should have {segment.size}")
        return found


async def _tail(
    connection: AsyncConnection[Any],
    stream: Stream,
    mirrored: Mirrored,
    asked: Sequence[Span],
    write: Callable[[Sequence[Span] | None], Statement],
) -> Callable[[], Iterator[pa.RecordBatch]]:
    """What reads the rows that are in no segment; nothing where no commit since has touched the time asked about."""
    spans = mirrored.tail
    if spans is not None:
        spans = tuple(span for span in spans if any(span.overlaps(each) for each in asked))
        if not spans:
            return lambda: iter(())
    snapshot, text = await exported(connection), written(connection, write(spans))

    def read() -> Iterator[pa.RecordBatch]:
        try:
            yield from stream.batches(snapshot, text)
        except dbapi.OperationalError as error:
            # One word for a database that went away, whichever driver says so.
            raise psycopg.OperationalError(str(error)) from error

    return read


async def _run(read: Callable[[], T], reader: Reader | None, stream: Stream) -> T:
    def cancel() -> None:
        stream.cancel()
        if reader is not None:
            reader.cancel()

    try:
        return await threaded(read, cancel)
    finally:
        if reader is not None:
            reader.close()


def _reader(lake: Lake) -> Reader:
    with _broken():
        return lake.reader()


def _tables(reader: Reader, inquiry: Inquiry) -> Iterator[pa.Table]:
    with _broken():
        for batch in reader.batches(inquiry):
            yield pa.table(batch)


@contextmanager
def _broken() -> Iterator[None]:
    """Whatever DuckDB complains of, the hypertable can answer."""
    try:
        yield
    except duckdb.InterruptException:
        raise
    except duckdb.Error as error:
        raise Broken(str(error)) from error


def _spine(reader: Reader, segment: Segment, folder: str) -> Spine:
    def checked() -> Iterator[pa.Table]:
        rows = 0
        for table in _tables(reader, sql.spine(segment, folder)):
            if not np.array_equal(table.column(2).to_numpy(), np.arange(rows, rows + len(table))):
                raise Broken("rows came out of a segment in another order than they have there")
            rows += len(table)
            yield table

    found = spine(checked())
    if len(found.at) != segment.rows:
        raise Broken(f"{segment.path} has {len(found.at)} rows and should have {segment.rows}")
    return found


def _ordered(reader: Reader, inquiry: Inquiry | None, scan: Scan, spine: Spine) -> Iterator[Part]:
    """The rows of a scan in one segment, batch by batch, in order."""
    codes, wanted = spine.codes(), len(spine.at) if scan.anonymous else spine.known
    if inquiry is None:
        start, end = us_of(scan.span.start), us_of(scan.span.end)
        for first in range(0, wanted, BATCH_ROWS):
            at = spine.at[first : min(first + BATCH_ROWS, wanted)]
            yield timeline.part(spine, codes, first + np.flatnonzero((start <= at) & (at < end)), (), scan)
        return
    last = -1
    for table in _tables(reader, inquiry):
        numbers = table.column(0).to_numpy()
        if (np.diff(numbers, prepend=last) <= 0).any() or numbers[-1] >= len(spine.at):
            raise Broken("rows came out of a segment in another order than they have there")
        last = int(numbers[-1])
        numbers = numbers[: np.searchsorted(numbers, wanted)]
        yield timeline.part(spine, codes, numbers, table.slice(0, len(numbers)).columns[1:], scan)


def _loose(batches: Iterable[pa.RecordBatch], scan: Scan, ids: list[pa.ChunkedArray]) -> Iterator[Part]:
    """The rows of the tail, batch by batch; their ids are added to `ids`."""
    for batch in batches:
        table = pa.table(batch)
        ids.append(table.column(2))
        yield timeline.loose(table.remove_column(2), scan)


def _take(
    found: Iterable[Part],
    places: list[_Place],
    parts: list[Part],
    segment: Segment | None = None,
    ids: Sequence[pa.ChunkedArray] = (),
) -> None:
    """Adds the rows of one place, if there are any: a segment, or the tail with ids of its own."""
    some = [each for each in found if len(each.at)]
    if some:
        parts.append(timeline.concatenated(some))
        held = pa.chunked_array([chunk for each in ids for chunk in each.chunks]) if ids else None
        places.append(_Place(parts[-1].columns, len(parts[-1].at), held, segment))


def _ids(
    places: Sequence[_Place],
    order: timeline.Order,
    write: Callable[[Segment, pa.Array], Inquiry],
    reader: Reader | None,
) -> dict[int, str]:
    """The ids of the disputed rows, by their numbers."""
    disputed, instants = order.rows(), order.instants()
    alike = order.rows_at(instants)
    found: dict[int, str] = {}
    first = 0
    for place in places:
        behind = first + place.rows
        mine = disputed[(disputed >= first) & (disputed < behind)] - first
        texts: list[str] = []
        if len(mine) and place.ids is not None:
            texts = _texts(place.ids.take(pa.array(mine)))
        elif len(mine):
            assert place.segment is not None
            assert reader is not None
            ids = pa.concat_tables(_tables(reader, write(place.segment, pa.array(instants)))).column(0)
            # The file tells the ids of all its rows of these instants, in the order of its rows.
            held = alike[(alike >= first) & (alike < behind)] - first
            if len(ids) != len(held):
                raise Broken(f"{place.segment.path} has {len(ids)} ids for {len(held)} rows")
            texts = _texts(ids.take(pa.array(np.searchsorted(held, mine))))
        found |= dict(zip((mine + first).tolist(), texts))
        first = behind
    return found


def _texts(ids: pa.ChunkedArray) -> list[str]:
    """UUIDs as texts that have their order, whoever read them."""
    return [str(each) for each in ids.to_pylist()]


def _tuples(table: pa.Table) -> list[tuple[Any, ...]]:
    return list(zip(*(column.to_pylist() for column in table.columns))) if table.num_columns else []


def _fall_back(error: Exception) -> None:
    """Says that the hypertable answers; a question that segments are not made for is no fault."""
    broken = isinstance(error, Broken)
    metrics.SEGMENT_FALLBACKS.labels("broken" if broken else "inexact").inc()
    if broken:
        log.warning("segments cannot be read, so the hypertable answers: %s", error)
