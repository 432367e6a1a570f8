"""Answers for one document: every one of them is of the same state of the data, which the first of them tells.

What may be long comes as a file into a scratch folder and is read from there, as often as there are formats.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from services.kit.errors import Exhausted, Refused
from services.reports.document import Column, Rows
from services.reports.source import Sources
from tidemark.v1 import question_pb2 as q
from tidemark.v1.query_pb2 import RunQueryResponse

AT_ONCE = 4
"""Questions of a document under way."""
TRIES = 5
"""How often a question is asked that query has no room for."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Spooled:
    """Rows in a file: an Arrow IPC stream, of which the columns of these names are read."""

    path: Path
    names: tuple[str, ...]
    count: int

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All of them, in order."""
        with pa.memory_map(str(self.path)) as file, pa.ipc.open_stream(file) as stream:
            for batch in stream:
                yield batch.select(list(self.names))


class Answers:
    """What query answers; `as_of` is the state of the data, that of now when empty."""

    def __init__(self, sources: Sources, project: str, as_of: str, folder: Path) -> None:
        self._sources, self._project, self._folder = sources, project, folder
        self.as_of = as_of
        self._first, self._room = asyncio.Lock(), asyncio.Semaphore(AT_ONCE)
        self._files = 0

    async def ask(self, query: q.Query, page_size: int = 0) -> RunQueryResponse:
        """The answer to a question."""

        async def run(as_of: str) -> tuple[RunQueryResponse, q.QueryMetadata]:
            answer = await self._sources.run(self._project, query, as_of=as_of, page_size=page_size)
            return answer, answer.metadata

        # What windows keep has no earlier state.
        answer, _ = await (self.limited(lambda: run("")) if query.HasField("window") else self._of_state(run))
        return answer

    async def file(
        self, query: q.Query, fields: Mapping[str, Column], most: int
    ) -> tuple[Rows, q.QueryMetadata]:
        """All rows of an answer, of the columns of `fields`; raises `Refused` for more than `most`."""
        self._files += 1
        path = self._folder / f"{self._files}.arrow"

        async def write(as_of: str) -> tuple[int, q.QueryMetadata]:
            rows, metadata = 0, q.QueryMetadata()
            with path.open("wb") as file:
                async for piece in self._sources.export(self._project, query, as_of=as_of):
                    rows, metadata = piece.rows, piece.metadata
                    if rows > most:
                        raise Refused(f"has more than {most} rows; narrow its filter or its time range")
                    await asyncio.to_thread(file.write, piece.chunk)
            return rows, metadata

        count, metadata = await self._of_state(write)
        return Spooled(path, tuple(fields), count), metadata

    async def limited(self, call: Callable[[], Awaitable[T]]) -> T:
        """What a call gives, as one of a few at once; where there is no room for it, later."""
        async with self._room:
            for left in reversed(range(TRIES)):
                try:
                    return await call()
                except Exhausted as error:
                    if not left:
                        raise
                    await asyncio.sleep(error.retry_after)
        raise AssertionError("the last try returns or raises")

    async def _of_state(
        self, call: Callable[[str], Awaitable[tuple[T, q.QueryMetadata]]]
    ) -> tuple[T, q.QueryMetadata]:
        """What a call gives of the state of the document; the first one tells it."""
        async with self._first:
            if not self.as_of:
                found, metadata = await self.limited(lambda: call(""))
                self.as_of = metadata.as_of
                return found, metadata
        return await self.limited(lambda: call(self.as_of))
