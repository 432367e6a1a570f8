"""What the platform says about itself: the ledger of everything received, and its own figures."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tidemark.records import frame, instant, seconds, table
from tidemark.v1 import query_pb2

if TYPE_CHECKING:
    import pandas
    import pyarrow


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What became of what was received; `minute` is None in a total."""

    producer_id: str
    minute: datetime | None
    received: int
    stored: int
    duplicate: int
    rejected: int
    dead_lettered: int
    in_flight: int

    @classmethod
    def of(cls, message: query_pb2.LedgerEntry) -> "LedgerEntry":
        return cls(
            message.producer_id,
            instant(message.minute),
            message.received,
            message.stored,
            message.duplicate,
            message.rejected,
            message.dead_lettered,
            message.in_flight,
        )

    @property
    def balanced(self) -> bool:
        """Whether everything received is accounted for."""
        settled = self.stored + self.duplicate + self.rejected + self.dead_lettered
        return self.received == settled + self.in_flight


@dataclass(frozen=True, slots=True)
class Ledger:
    """The account of everything received, newest minute first."""

    entries: Sequence[LedgerEntry]
    total: LedgerEntry
    balanced: bool
    next_page_token: str = ""

    @classmethod
    def of(cls, message: query_pb2.GetLedgerResponse) -> "Ledger":
        entries = [LedgerEntry.of(entry) for entry in message.entries]
        return cls(entries, LedgerEntry.of(message.total), message.balanced, message.next_page_token)

    def rows(self) -> list[dict[str, Any]]:
        """A flat row for each entry."""
        return [asdict(entry) for entry in self.entries]

    def to_arrow(self) -> "pyarrow.Table":
        """As an Arrow table; needs `tidemark[arrow]`."""
        return table(self.rows())

    def to_pandas(self) -> "pandas.DataFrame":
        """As a data frame; needs `tidemark[pandas]`."""
        return frame(self.rows())


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition of the log."""

    partition: int
    writer: str
    backlog_events: int
    backlog_bytes: int
    watermark: datetime | None


@dataclass(frozen=True, slots=True)
class Analytics:
    """How the platform is doing: processing, questions and the system underneath."""

    measured_at: datetime | None
    stored_per_second: float
    last_day: LedgerEntry
    commit_latency_p50: float
    commit_latency_p99: float
    partitions: Sequence[Partition]
    queries_answered: int
    queries_failed: int
    query_latency_p50: float
    query_latency_p99: float
    watching: int
    database_bytes: int
    log_bytes: int
    process_cpu: float
    process_memory_bytes: int
    versions: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, message: query_pb2.GetPlatformAnalyticsResponse) -> "Analytics":
        processing, query, system = message.processing, message.query, message.system
        return cls(
            measured_at=instant(message.measured_at),
            stored_per_second=processing.stored_per_second,
            last_day=LedgerEntry.of(processing.last_day),
            commit_latency_p50=seconds(processing.commit_latency_p50),
            commit_latency_p99=seconds(processing.commit_latency_p99),
            partitions=[
                Partition(it.partition, it.writer, it.backlog_events, it.backlog_bytes, instant(it.watermark))
                for it in processing.partitions
            ],
            queries_answered=query.answered,
            queries_failed=query.failed,
            query_latency_p50=seconds(query.latency_p50),
            query_latency_p99=seconds(query.latency_p99),
            watching=query.watching,
            database_bytes=system.database_bytes,
            log_bytes=system.log_bytes,
            process_cpu=system.process_cpu,
            process_memory_bytes=system.process_memory_bytes,
            versions={
                "tidemark": system.version,
                "postgresql": system.postgresql_version,
                "timescaledb": system.timescaledb_version,
                "redis": system.redis_version,
            },
        )
