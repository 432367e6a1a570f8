"""Plain values out of protobuf, for the records: instants, seconds, what tells how far an answer can be trusted, and tables of rows."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from tidemark.v1 import question_pb2

if TYPE_CHECKING:
    import pandas
    import pyarrow


@dataclass(frozen=True, slots=True)
class Metadata:
    """How far an answer can be trusted."""

    query_id: str
    watermark: datetime | None
    completeness: float
    source: str
    error_bound: float
    elapsed: float
    data_version: str
    start: datetime | None
    end: datetime | None
    answered_at: datetime | None = None
    notes: tuple[str, ...] = ()
    as_of: str = ""
    """The state of the data: with it, a question is answered from the data as they were."""
    replica_behind: float | None = None
    """How many seconds the replica that was read was behind at most; None where the primary was."""

    @classmethod
    def of(cls, message: question_pb2.QueryMetadata) -> "Metadata":
        return cls(
            query_id=message.query_id,
            watermark=instant(message.watermark),
            completeness=message.completeness,
            source=question_pb2.DataSource.Name(message.source).removeprefix("DATA_SOURCE_").lower(),
            error_bound=message.error_bound,
            elapsed=seconds(message.elapsed),
            data_version=message.data_version,
            start=instant(message.time_range.start),
            end=instant(message.time_range.end),
            answered_at=instant(message.answered_at),
            notes=tuple(message.notes),
            as_of=message.as_of,
            replica_behind=seconds(message.replica_behind) if message.HasField("replica_behind") else None,
        )


class Rows:
    """What has flat rows, and can be a table."""

    __slots__ = ()

    def rows(self) -> list[dict[str, Any]]:
        """Flat rows."""
        raise NotImplementedError

    def to_arrow(self) -> "pyarrow.Table":
        """As an Arrow table; needs `tidemark[arrow]`."""
        return table(self.rows())

    def to_pandas(self) -> "pandas.DataFrame":
        """As a data frame; needs `tidemark[pandas]`."""
        return frame(self.rows())


def instant(message: Timestamp) -> datetime | None:
    """The instant, or None where it is unset."""
    return utc(message) if message.seconds or message.nanos else None


def seconds(message: Duration) -> float:
    """A duration in seconds."""
    return message.seconds + message.nanos / 1e9


def utc(message: Timestamp) -> datetime:
    """An instant that is set."""
    return message.ToDatetime(UTC)


def table(rows: list[dict[str, Any]]) -> "pyarrow.Table":
    """Rows as an Arrow table."""
    try:
        import pyarrow
    except ImportError as error:
        raise ImportError("pyarrow is missing; pip install 'tidemark[arrow]'") from error
    return pyarrow.Table.from_pylist(rows)


def frame(rows: list[dict[str, Any]]) -> "pandas.DataFrame":
    """Rows as a data frame."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError("pandas is missing; pip install 'tidemark[pandas]'") from error
    return pandas.DataFrame.from_records(rows)
