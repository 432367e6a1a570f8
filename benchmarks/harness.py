"""The stack that benchmarks run on, and what is observed while they do: visible commits, and CPU time by process.

Everything is started here, in a folder of its own, and stopped at the end. `bench_*.py` order loads from `load.py` and turn
what is observed into figures for `report.py`.
"""

import os
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import psycopg
from numpy.typing import NDArray

from benchmarks.load import Delivery, Order, delivery, spawn
from deploy.local.suite import Suite, running
from services.kit.postgres import conninfo

QUICK = os.environ.get("QUICK", "") not in ("", "0")
BATCHES_PER_PARTITION = 4_096
"""`batch_id` is this times the number of the batch in its partition, plus the partition."""
SHARED_BUFFERS_MB = 1_024
TARGETS = {"ingest": "ingest", "writer": "writer", "query": "query"}
_POLL_SECONDS = 0.01
_PATIENCE_SECONDS = 300.0


@dataclass
class Bench:
    """A running stack and its folder."""

    suite: Suite
    folder: Path

    def connect(self) -> psycopg.Connection[Any]:
        """A connection that sees the platform's tables."""
        return psycopg.connect(conninfo(self.suite.postgres.url), autocommit=True)

    def order(self, name: str, seconds: float, **details: Any) -> Order:
        """An order for a generator whose producer is called `name`."""
        address, key = self.suite.members["ingest"].address, self.suite.keys["TIDEMARK_INGEST_KEY"]
        return Order(address, key, name, seconds, str(self.folder / f"{name}.json"), **details)

    def processes(self) -> dict[str, int]:
        """Name and id of every process of the stack that is measured."""
        servers = {"postgres": self.suite.postgres.identity(), "redis": self.suite.redis.identity()}
        members = {name: member.identity for name, member in self.suite.members.items()}
        return {name: identity.pid for name, identity in (members | servers).items() if identity}

    def cpu_seconds(self) -> float:
        """CPU time that all of them have spent."""
        return sum(map(_cpu_seconds, self.processes().values()))


@contextmanager
def bench(
    targets: dict[str, str] | None = None, environment: dict[str, str] | None = None
) -> Iterator[Bench]:
    """The stack, from nothing; with settings of its own as variables."""
    with tempfile.TemporaryDirectory(
        prefix="tidemark-bench-", dir=os.environ.get("TIDEMARK_BENCH_FOLDER")
    ) as name:
        folder = Path(name)
        folder.chmod(0o711)  # The servers may run as another account.
        with running(
            folder,
            targets or TARGETS,
            shared_buffers_mb=SHARED_BUFFERS_MB,
            maxmemory_mb=1_024,
            environment=environment,
        ) as suite:
            yield Bench(suite, folder)


@dataclass
class Run:
    """What a load did and what was seen of it."""

    deliveries: list[Delivery]
    ids: bytes
    committed: int
    """Rows committed of the load."""
    began: float
    committed_at: float
    """When the last row of the load was seen committed."""
    ack_ms: NDArray[np.float64]
    queryable_ms: NDArray[np.float64]
    """From `track` until the commit was seen, for every thousandth event."""
    cpu_seconds: dict[str, float] = field(default_factory=dict)

    @property
    def per_minute(self) -> float:
        """Committed rows a minute, from the first `track` until the last row is committed."""
        return 60 * self.committed / (self.committed_at - self.began)

    def cpu_us(self, name: str) -> float:
        """Microseconds of CPU that a process spent for each event."""
        return 1e6 * self.cpu_seconds[name] / self.committed


def run(bench: Bench, orders: Sequence[Order]) -> Run:
    """Carries the orders out, waits until everything is committed, and gives what was seen."""
    with bench.connect() as connection:
        before = _received(connection)
        processes = bench.processes()
        cpu = {name: _cpu_seconds(pid) for name, pid in processes.items()}
        with _Watch(bench) as watch:
            for process in [spawn(order) for order in orders]:
                if process.wait():
                    raise RuntimeError("a generator has failed; its error stands above")
            deliveries = [delivery(order) for order in orders]
            tracked = sum(done.tracked for done in deliveries)
            committed_at = watch.until(before + tracked)
        spent = {name: _cpu_seconds(pid) - cpu[name] for name, pid in processes.items()}
        committed = _received(connection) - before
        queryable = _queryable(connection, watch, [mark for done in deliveries for mark in done.marks])
    spent["generator"] = sum(done.cpu_seconds for done in deliveries)
    return Run(
        deliveries,
        b"".join(Path(order.out + ".ids").read_bytes() for order in orders),
        committed,
        min(done.began for done in deliveries),
        committed_at,
        np.array([ms for done in deliveries for ms in done.ack_ms]),
        queryable,
        spent,
    )


class _Watch:
    """Sees commits as any reader does: a connection of its own asks every ten milliseconds how far each partition is."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._ended = threading.Event()
        self.times: list[float] = []
        self.batches: list[list[int]] = []
        self._received = 0

    def __enter__(self) -> "_Watch":
        self._thread = threading.Thread(target=self._follow)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def until(self, received: int) -> float:
        """When `received` rows were seen committed."""
        deadline = time.time() + _PATIENCE_SECONDS
        while self._received < received:
            if time.time() > deadline or not self._thread.is_alive():
                raise RuntimeError(f"{self._received} rows of {received} are committed and no more come")
            time.sleep(_POLL_SECONDS)
        return self._last_change

    def _follow(self) -> None:
        statement = "SELECT batches, received FROM partitions ORDER BY partition"
        with self._bench.connect() as connection:
            while not self._ended.wait(_POLL_SECONDS):
                rows = connection.execute(statement).fetchall()
                batches, received = [row[0] for row in rows], sum(row[1] for row in rows)
                if not self.batches or batches != self.batches[-1]:
                    self._last_change = time.time()
                    self.times.append(self._last_change)
                    self.batches.append(batches)
                self._received = received

    def visible(self, batch_ids: NDArray[np.int64]) -> NDArray[np.float64]:
        """When each batch was seen."""
        times, batches = np.array(self.times), np.array(self.batches)
        numbers, partitions = np.divmod(batch_ids, BATCHES_PER_PARTITION)
        first = [np.searchsorted(batches[:, p], number, "right") for number, p in zip(numbers, partitions)]
        return times[np.array(first, np.int64)]


def _received(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("SELECT sum(received)::bigint FROM partitions").fetchone()
    return int(row[0]) if row else 0


def _queryable(
    connection: psycopg.Connection[Any], watch: _Watch, marks: Sequence[tuple[str, float]]
) -> NDArray[np.float64]:
    """Milliseconds from `track` until the commit was seen, for each mark that is stored."""
    tracked = dict(marks)
    rows = connection.execute(
        "SELECT replace(event_id::text, '-', ''), batch_id FROM events WHERE event_id = ANY (%s::uuid[])",
        (list(tracked),),
    ).fetchall()
    seen = watch.visible(np.array([batch_id for _, batch_id in rows], np.int64))
    return np.array([(at - tracked[event_id]) * 1000 for at, (event_id, _) in zip(seen, rows)])


def stored_ids(connection: psycopg.Connection[Any]) -> NDArray[np.bytes_]:
    """The ids of all events stored, sorted, shape (events,)."""
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY (SELECT event_id FROM events) TO STDOUT (FORMAT BINARY)") as copy,
    ):
        data = b"".join(copy)
    # A header of 19 bytes, rows of a count (2 bytes), a length (4) and an id (16), and a trailer of 2.
    rows = np.frombuffer(data, np.dtype([("head", "V6"), ("id", "V16")]), (len(data) - 21) // 22, 19)
    return _sorted(rows["id"])


def sent_ids(ids: bytes) -> NDArray[np.bytes_]:
    """The ids of a load, sorted, shape (events,)."""
    return _sorted(np.frombuffer(ids, "V16"))


def _sorted(ids: NDArray[Any]) -> NDArray[np.bytes_]:
    return np.sort(np.ascontiguousarray(ids).view("S16"))


def _cpu_seconds(pid: int) -> float:
    """CPU time of a process, its children alive, and its children ended."""
    process = psutil.Process(pid)
    own = process.cpu_times()
    total = own.user + own.system + own.children_user + own.children_system
    for child in process.children(recursive=True):
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return float(total)
