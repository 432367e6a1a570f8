"""How the platform is doing: what `store` and the log have measured comes in, parts of the answer go out to `source`. Pure."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from google.protobuf.duration_pb2 import Duration

from tidemark.v1 import query_pb2 as pb

RECEIVED_SECONDS = 300
LONGEST_RECEIVED = timedelta(days=35)


@dataclass(slots=True)
class Figures:
    """What this process has answered since it started."""

    answered: int = 0
    failed: int = 0
    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=10_000))
    """Of the newest, which say more than the first."""

    def answer(self, seconds: float) -> None:
        """Counts a question answered in so many seconds."""
        self.answered += 1
        self.seconds.append(seconds)


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition as the database knows it."""

    partition: int
    writer: str
    received: int
    bytes: int
    watermark: datetime | None
    last_id: str
    """The last entry committed."""
    paused_because: str


@dataclass(frozen=True, slots=True)
class Process:
    """The answering process."""

    cpu_seconds: float
    age_seconds: float
    memory_bytes: int


def processing(
    stored_last_minute: int, last_day: pb.LedgerEntry | None, latencies: Sequence[float] | None,
    partitions: Sequence[Partition], appended: Sequence[tuple[int, int]], waiting: Sequence[float], *, totals: bool = False,
) -> pb.ProcessingAnalytics:  # fmt: skip
    """What goes through the pipeline. By partition, `appended` is what the log has ever taken in, events and bytes, and `waiting`
    for how many seconds its oldest entry has that is not committed. `totals` are for whoever may know of all projects."""
    found = pb.ProcessingAnalytics(stored_per_second=stored_last_minute / 60, last_day=last_day)
    if latencies:
        found.commit_latency_p50.CopyFrom(duration(latencies[0]))
        found.commit_latency_p99.CopyFrom(duration(latencies[1]))
    for each, (events, size), seconds in zip(partitions, appended, waiting):
        line = found.partitions.add(
            partition=each.partition,
            writer=each.writer,
            backlog_events=max(0, events - each.received),
            backlog_bytes=max(0, size - each.bytes),
            lag=duration(seconds),
            paused_because=each.paused_because,
        )
        if totals:
            # What was committed since the log was asked was taken in before.
            line.received, line.committed = max(events, each.received), each.received
        if each.watermark is not None:
            line.watermark.FromDatetime(each.watermark)
    return found


def query(figures: Figures, watching: int) -> pb.QueryAnalytics:
    """What is asked of this process."""
    found = pb.QueryAnalytics(answered=figures.answered, failed=figures.failed, watching=watching)
    if figures.seconds:
        p50, p99 = np.quantile(figures.seconds, (0.5, 0.99)).tolist()
        found.latency_p50.CopyFrom(duration(p50))
        found.latency_p99.CopyFrom(duration(p99))
    return found


def system(
    database_bytes: int, log_bytes: int, process: Process, versions: tuple[str, str, str, str]
) -> pb.SystemAnalytics:
    """What it runs on; versions of Tidemark, PostgreSQL, TimescaleDB and Redis."""
    tidemark, postgresql, timescaledb, redis = versions
    return pb.SystemAnalytics(
        database_bytes=database_bytes,
        log_bytes=log_bytes,
        process_cpu=process.cpu_seconds / max(process.age_seconds, 1e-3),
        process_memory_bytes=process.memory_bytes,
        version=tidemark,
        postgresql_version=postgresql,
        timescaledb_version=timescaledb,
        redis_version=redis,
    )


def duration(seconds: float) -> Duration:
    """So many seconds as a message."""
    found = Duration()
    found.FromTimedelta(timedelta(seconds=seconds))
    return found
