"""Reads features: a request comes in, the messages of its table go out to `servicer`.

The events are read in one snapshot, as one timeline; then rows are computed in a thread, batch by batch, when the caller has taken
those before.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from services.kit.call import Project
from services.kit.errors import DeadlineExceeded
from services.kit.instant import us_of
from services.kit.settings import Settings
from services.kit.turns import Turns
from services.query.behaviour.timeline import Timeline
from services.query.columnar.scan import source_of
from services.query.columnar.stream import threaded
from services.query.export.format import File
from services.query.features import request as read
from services.query.features.reading import scan
from services.query.features.request import Wanted
from services.query.features.table import NEVER, Table
from services.query.state import Facts
from services.query.store import Store
from services.query.stream import Log
from services.query.trust import Origin, metadata
from tidemark.v1 import feature_pb2 as pb
from tidemark.v1.query_pb2 import ExportRequest
from tidemark.v1.question_pb2 import QueryMetadata

T = TypeVar("T")


class Features:
    """Tables of features."""

    def __init__(self, store: Store, log: Log, settings: Settings) -> None:
        self._store, self._log, self._most_seconds = store, log, settings.export_seconds
        self._turns = Turns(settings.export_concurrency, settings.query_queue, "features")

    async def read(
        self, request: pb.ReadFeaturesRequest, project: Project, seconds: float | None, query_id: str
    ) -> AsyncGenerator[pb.ReadFeaturesResponse]:
        """The messages of a table: its pieces, and last what it rests on. It may take so many seconds."""
        seconds = min(self._most_seconds, seconds if seconds is not None else self._most_seconds)
        began = time.monotonic()
        zone = ZoneInfo(project.time_zone)
        wanted = read.read(request, zone, datetime.now(UTC))
        clock = _Clock(seconds)
        async with self._turns.turn(project.project_id):
            table, about = await self._table(wanted, project, zone, clock)
            file, batches = File(ExportRequest.FORMAT_ARROW, table.schema), table.batches()
            digest, rows = hashlib.sha256(), 0
            while (batch := await clock.threaded(lambda: next(batches, None))) is not None:
                rows += batch.num_rows
                for message in _pieces(file.write(batch), rows, digest.update):
                    yield message
            for message in _pieces(file.end(), rows, digest.update):
                yield message
        about.elapsed.FromMilliseconds(int(1000 * (time.monotonic() - began)))
        about.query_id = query_id
        yield pb.ReadFeaturesResponse(
            rows=rows,
            metadata=pb.FeatureMetadata(query=about, sha256=digest.hexdigest(), total_rows=table.total),
        )

    async def _table(
        self, wanted: Wanted, project: Project, zone: ZoneInfo, clock: "_Clock"
    ) -> tuple[Table, QueryMetadata]:
        asked = scan(wanted)
        async with self._store.snapshot(project.project_id, clock.left) as snapshot:
            facts = await snapshot.facts()
            rows = await snapshot.scan(asked)
        in_flight = await self._log.in_flight(facts)
        about = metadata(asked.span, facts, in_flight, 0.0, "", Origin(source_of(rows)))
        table = await clock.threaded(lambda: Table(wanted, Timeline(rows), zone, _watermark(facts)))
        return table, about


class _Clock:
    """The time that is left for a table."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._end = seconds, asyncio.get_running_loop().time() + seconds

    @property
    def left(self) -> float:
        """Seconds; a moment where there is none left."""
        return max(0.001, self._end - asyncio.get_running_loop().time())

    async def threaded(self, run: Callable[[], T]) -> T:
        """Computes in a thread, which is waited for when the caller goes away: it holds the memory of a turn."""
        try:
            async with asyncio.timeout_at(self._end):
                return await threaded(run, lambda: None)
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"the features took longer than {self._seconds:.3g} s: ask for less"
            ) from error


def _pieces(
    pieces: Iterable[bytes], rows: int, seen: Callable[[bytes], None]
) -> Iterator[pb.ReadFeaturesResponse]:
    for piece in pieces:
        seen(piece)
        yield pb.ReadFeaturesResponse(chunk=piece, rows=rows)


def _watermark(facts: Facts) -> int:
    return NEVER if facts.watermark is None else us_of(facts.watermark)
