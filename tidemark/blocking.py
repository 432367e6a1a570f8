"""The synchronous client: the same calls as `tidemark.Client`, for programs without an event loop.

A background thread runs one event loop with the asyncio client in it. `track` and `record` go straight into its buffer from any
thread; everything else is handed to the loop and waited for. What is left when the program ends is sent then.
"""

import asyncio
import atexit
import concurrent.futures
import logging
import threading
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self, TypeVar

from tidemark import client
from tidemark.answers import Funnel, Lifecycle, Paths, Person, Retention, Sessions
from tidemark.batch import Stats
from tidemark.errors import Error, Undelivered
from tidemark.exporting import Exported
from tidemark.ledger import Analytics, Ledger
from tidemark.plan import Plan, Suggestion
from tidemark.records import Answer, Change, Event, Series
from tidemark.spelling import Span, Step
from tidemark.tables import Table
from tidemark.v1 import question_pb2

if TYPE_CHECKING:
    import pyarrow

_log = logging.getLogger("tidemark")
T = TypeVar("T")


class Client:
    """`tidemark.Client` without `await`; takes the same arguments. Thread-safe."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._client = client.Client(*arguments, **named)
        self.track, self.record = self._client.track, self._client.record
        self._runner = asyncio.Runner()
        self._loop = self._runner.get_loop()
        self._leaving = asyncio.Event()
        self._thread = threading.Thread(target=self._serve, name="tidemark", daemon=True)
        self._thread.start()
        atexit.register(self._leave)

    @property
    def producer_id(self) -> str:
        """The name under which this client sends."""
        return self._client.producer_id

    @property
    def stats(self) -> Stats:
        """What became of what was tracked."""
        return self._client.stats

    @property
    def unacknowledged(self) -> int:
        """Events and points taken and not yet acknowledged."""
        return self._client.unacknowledged

    @property
    def last_error(self) -> Error | None:
        """What keeps the server from acknowledging, while something does."""
        return self._client.last_error

    def publish(self, data: "pyarrow.RecordBatch | pyarrow.Table") -> int:
        """Takes a table of events."""
        return self._call(self._client.publish(data))

    def ready(self, timeout: float | None = None) -> None:
        """Waits until the buffers have room."""
        self._call(self._client.ready(), timeout)

    def flush(self, timeout: float | None = None) -> None:
        """Waits until everything tracked and recorded so far is acknowledged."""
        self._call(self._client.flush(), timeout)

    def close(self, timeout: float | None = None) -> None:
        """Sends what is left, disconnects and ends the thread; raises `Undelivered` naming the rest."""
        if not self._thread.is_alive():
            return
        atexit.unregister(self._leave)
        try:
            self._call(self._client.close(timeout))
        finally:
            self._loop.call_soon_threadsafe(self._leaving.set)
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except Undelivered as undelivered:
            if error is None:
                raise
            _log.error("%s", undelivered)  # The error on its way says more.

    def query(self, query: question_pb2.Query, **options: Any) -> Answer:
        """The answer to any question of the contract."""
        return self._call(self._client.query(query, **options))

    def series(self, name: str = "", **asked: Any) -> Series:
        """Measures over time."""
        return self._call(self._client.series(name, **asked))

    def table(self, name: str = "", **asked: Any) -> Table:
        """Measures of groups."""
        return self._call(self._client.table(name, **asked))

    def funnel(self, steps: Iterable[Step], **asked: Any) -> Funnel:
        """How many people go from step to step."""
        return self._call(self._client.funnel(steps, **asked))

    def retention(self, began: Step | None = None, back: Step | None = None, **asked: Any) -> Retention:
        """How many people come back."""
        return self._call(self._client.retention(began, back, **asked))

    def lifecycle(self, activity: Step | None = None, **asked: Any) -> Lifecycle:
        """Who is new, returning, resurrecting and dormant."""
        return self._call(self._client.lifecycle(activity, **asked))

    def sessions(self, **asked: Any) -> Sessions:
        """How long people stay."""
        return self._call(self._client.sessions(**asked))

    def paths(self, begin: Step | None = None, **asked: Any) -> Paths:
        """The ways that people take."""
        return self._call(self._client.paths(begin, **asked))

    def people(self, of: question_pb2.Query | Step | None = None, **asked: Any) -> Iterator[Person]:
        """The people behind a figure, over all pages."""
        return self._each(self._client.people(of, **asked))

    def events(self, name: str = "", **asked: Any) -> Iterator[Event]:
        """Events that fit, newest first, over all pages."""
        return self._each(self._client.events(name, **asked))

    def watch(
        self, query: question_pb2.Query, *, min_interval: Span = "0s", page_size: int = 0
    ) -> Iterator[Change]:
        """The answer and its changes as they are committed, for ever."""
        return self._each(self._client.watch(query, min_interval=min_interval, page_size=page_size))

    def export(self, query: question_pb2.Query, to: str | Path | BinaryIO, **options: Any) -> Exported:
        """Writes a whole answer to a file; `on_progress` is called in the background thread."""
        return self._call(self._client.export(query, to, **options))

    def explain(self, query: question_pb2.Query, **options: Any) -> Plan:
        """How a question is answered."""
        return self._call(self._client.explain(query, **options))

    def suggest(self, kind: str, text: str = "", **options: Any) -> list[Suggestion]:
        """What may complete a text."""
        return self._call(self._client.suggest(kind, text, **options))

    def ledger(self, **asked: Any) -> Ledger:
        """The account of what was received."""
        return self._call(self._client.ledger(**asked))

    def analytics(self) -> Analytics:
        """How the platform itself is doing."""
        return self._call(self._client.analytics())

    def _serve(self) -> None:
        async def live() -> None:
            self._client.start()
            await self._leaving.wait()

        # Ends every task of the loop before it closes the loop.
        with self._runner:
            self._runner.run(live())

    def _call(self, work: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        waiting: concurrent.futures.Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return waiting.result(timeout)
        except BaseException:
            waiting.cancel()
            raise

    def _each(self, items: AsyncIterator[T]) -> Iterator[T]:
        async def following() -> tuple[T, ...]:
            async for item in items:
                return (item,)
            return ()

        while found := self._call(following()):
            yield found[0]

    def _leave(self) -> None:
        try:
            self.close()
        except Undelivered as undelivered:
            _log.warning("at exit: %s", undelivered)
