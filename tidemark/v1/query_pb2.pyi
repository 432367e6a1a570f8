import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from tidemark.v1 import access_pb2 as _access_pb2
from tidemark.v1 import event_pb2 as _event_pb2
from tidemark.v1 import question_pb2 as _question_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RunQueryRequest(_message.Message):
    __slots__ = ("project", "query", "page_size", "page_token", "max_staleness", "as_of")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    MAX_STALENESS_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    project: str
    query: _question_pb2.Query
    page_size: int
    page_token: str
    max_staleness: _duration_pb2.Duration
    as_of: str
    def __init__(self, project: _Optional[str] = ..., query: _Optional[_Union[_question_pb2.Query, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., max_staleness: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., as_of: _Optional[str] = ...) -> None: ...

class RunQueryResponse(_message.Message):
    __slots__ = ("metadata", "events", "series", "table", "funnel", "retention", "lifecycle", "sessions", "paths", "people", "next_page_token")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    FUNNEL_FIELD_NUMBER: _ClassVar[int]
    RETENTION_FIELD_NUMBER: _ClassVar[int]
    LIFECYCLE_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    PATHS_FIELD_NUMBER: _ClassVar[int]
    PEOPLE_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    metadata: _question_pb2.QueryMetadata
    events: _question_pb2.EventsResult
    series: _question_pb2.SeriesResult
    table: _question_pb2.TableResult
    funnel: _question_pb2.FunnelResult
    retention: _question_pb2.RetentionResult
    lifecycle: _question_pb2.LifecycleResult
    sessions: _question_pb2.SessionsResult
    paths: _question_pb2.PathsResult
    people: _question_pb2.PeopleResult
    next_page_token: str
    def __init__(self, metadata: _Optional[_Union[_question_pb2.QueryMetadata, _Mapping]] = ..., events: _Optional[_Union[_question_pb2.EventsResult, _Mapping]] = ..., series: _Optional[_Union[_question_pb2.SeriesResult, _Mapping]] = ..., table: _Optional[_Union[_question_pb2.TableResult, _Mapping]] = ..., funnel: _Optional[_Union[_question_pb2.FunnelResult, _Mapping]] = ..., retention: _Optional[_Union[_question_pb2.RetentionResult, _Mapping]] = ..., lifecycle: _Optional[_Union[_question_pb2.LifecycleResult, _Mapping]] = ..., sessions: _Optional[_Union[_question_pb2.SessionsResult, _Mapping]] = ..., paths: _Optional[_Union[_question_pb2.PathsResult, _Mapping]] = ..., people: _Optional[_Union[_question_pb2.PeopleResult, _Mapping]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ExplainQueryRequest(_message.Message):
    __slots__ = ("project", "query", "analyze", "as_of")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    ANALYZE_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    project: str
    query: _question_pb2.Query
    analyze: bool
    as_of: str
    def __init__(self, project: _Optional[str] = ..., query: _Optional[_Union[_question_pb2.Query, _Mapping]] = ..., analyze: _Optional[bool] = ..., as_of: _Optional[str] = ...) -> None: ...

class ExplainQueryResponse(_message.Message):
    __slots__ = ("scans", "time_range", "metadata", "rows_read")
    SCANS_FIELD_NUMBER: _ClassVar[int]
    TIME_RANGE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    ROWS_READ_FIELD_NUMBER: _ClassVar[int]
    scans: _containers.RepeatedCompositeFieldContainer[Scan]
    time_range: _question_pb2.TimeRange
    metadata: _question_pb2.QueryMetadata
    rows_read: int
    def __init__(self, scans: _Optional[_Iterable[_Union[Scan, _Mapping]]] = ..., time_range: _Optional[_Union[_question_pb2.TimeRange, _Mapping]] = ..., metadata: _Optional[_Union[_question_pb2.QueryMetadata, _Mapping]] = ..., rows_read: _Optional[int] = ...) -> None: ...

class Scan(_message.Message):
    __slots__ = ("source", "reason", "spans", "rows_expected", "statement")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SPANS_FIELD_NUMBER: _ClassVar[int]
    ROWS_EXPECTED_FIELD_NUMBER: _ClassVar[int]
    STATEMENT_FIELD_NUMBER: _ClassVar[int]
    source: str
    reason: str
    spans: _containers.RepeatedCompositeFieldContainer[_question_pb2.TimeRange]
    rows_expected: int
    statement: str
    def __init__(self, source: _Optional[str] = ..., reason: _Optional[str] = ..., spans: _Optional[_Iterable[_Union[_question_pb2.TimeRange, _Mapping]]] = ..., rows_expected: _Optional[int] = ..., statement: _Optional[str] = ...) -> None: ...

class ExportRequest(_message.Message):
    __slots__ = ("project", "query", "format", "as_of")
    class Format(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        FORMAT_UNSPECIFIED: _ClassVar[ExportRequest.Format]
        FORMAT_ARROW: _ClassVar[ExportRequest.Format]
        FORMAT_CSV: _ClassVar[ExportRequest.Format]
        FORMAT_NDJSON: _ClassVar[ExportRequest.Format]
        FORMAT_PARQUET: _ClassVar[ExportRequest.Format]
    FORMAT_UNSPECIFIED: ExportRequest.Format
    FORMAT_ARROW: ExportRequest.Format
    FORMAT_CSV: ExportRequest.Format
    FORMAT_NDJSON: ExportRequest.Format
    FORMAT_PARQUET: ExportRequest.Format
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    project: str
    query: _question_pb2.Query
    format: ExportRequest.Format
    as_of: str
    def __init__(self, project: _Optional[str] = ..., query: _Optional[_Union[_question_pb2.Query, _Mapping]] = ..., format: _Optional[_Union[ExportRequest.Format, str]] = ..., as_of: _Optional[str] = ...) -> None: ...

class ExportResponse(_message.Message):
    __slots__ = ("chunk", "rows", "rows_expected", "metadata")
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    ROWS_EXPECTED_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    chunk: bytes
    rows: int
    rows_expected: int
    metadata: _question_pb2.QueryMetadata
    def __init__(self, chunk: _Optional[bytes] = ..., rows: _Optional[int] = ..., rows_expected: _Optional[int] = ..., metadata: _Optional[_Union[_question_pb2.QueryMetadata, _Mapping]] = ...) -> None: ...

class SuggestRequest(_message.Message):
    __slots__ = ("project", "kind", "text", "name", "field", "limit", "source")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[SuggestRequest.Kind]
        KIND_EVENT_NAME: _ClassVar[SuggestRequest.Kind]
        KIND_METRIC_NAME: _ClassVar[SuggestRequest.Kind]
        KIND_FIELD: _ClassVar[SuggestRequest.Kind]
        KIND_VALUE: _ClassVar[SuggestRequest.Kind]
    KIND_UNSPECIFIED: SuggestRequest.Kind
    KIND_EVENT_NAME: SuggestRequest.Kind
    KIND_METRIC_NAME: SuggestRequest.Kind
    KIND_FIELD: SuggestRequest.Kind
    KIND_VALUE: SuggestRequest.Kind
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    project: str
    kind: SuggestRequest.Kind
    text: str
    name: str
    field: str
    limit: int
    source: _question_pb2.Source
    def __init__(self, project: _Optional[str] = ..., kind: _Optional[_Union[SuggestRequest.Kind, str]] = ..., text: _Optional[str] = ..., name: _Optional[str] = ..., field: _Optional[str] = ..., limit: _Optional[int] = ..., source: _Optional[_Union[_question_pb2.Source, str]] = ...) -> None: ...

class SuggestResponse(_message.Message):
    __slots__ = ("suggestions",)
    SUGGESTIONS_FIELD_NUMBER: _ClassVar[int]
    suggestions: _containers.RepeatedCompositeFieldContainer[Suggestion]
    def __init__(self, suggestions: _Optional[_Iterable[_Union[Suggestion, _Mapping]]] = ...) -> None: ...

class Suggestion(_message.Message):
    __slots__ = ("value", "count")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    value: str
    count: int
    def __init__(self, value: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class WatchQueryRequest(_message.Message):
    __slots__ = ("project", "query", "cursor", "min_interval", "page_size")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    MIN_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    project: str
    query: _question_pb2.Query
    cursor: str
    min_interval: _duration_pb2.Duration
    page_size: int
    def __init__(self, project: _Optional[str] = ..., query: _Optional[_Union[_question_pb2.Query, _Mapping]] = ..., cursor: _Optional[str] = ..., min_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., page_size: _Optional[int] = ...) -> None: ...

class WatchQueryResponse(_message.Message):
    __slots__ = ("kind", "cursor", "metadata", "events", "series", "table", "funnel", "retention", "lifecycle", "sessions", "paths", "people")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[WatchQueryResponse.Kind]
        KIND_SNAPSHOT: _ClassVar[WatchQueryResponse.Kind]
        KIND_DELTA: _ClassVar[WatchQueryResponse.Kind]
        KIND_HEARTBEAT: _ClassVar[WatchQueryResponse.Kind]
    KIND_UNSPECIFIED: WatchQueryResponse.Kind
    KIND_SNAPSHOT: WatchQueryResponse.Kind
    KIND_DELTA: WatchQueryResponse.Kind
    KIND_HEARTBEAT: WatchQueryResponse.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    FUNNEL_FIELD_NUMBER: _ClassVar[int]
    RETENTION_FIELD_NUMBER: _ClassVar[int]
    LIFECYCLE_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    PATHS_FIELD_NUMBER: _ClassVar[int]
    PEOPLE_FIELD_NUMBER: _ClassVar[int]
    kind: WatchQueryResponse.Kind
    cursor: str
    metadata: _question_pb2.QueryMetadata
    events: _question_pb2.EventsResult
    series: _question_pb2.SeriesResult
    table: _question_pb2.TableResult
    funnel: _question_pb2.FunnelResult
    retention: _question_pb2.RetentionResult
    lifecycle: _question_pb2.LifecycleResult
    sessions: _question_pb2.SessionsResult
    paths: _question_pb2.PathsResult
    people: _question_pb2.PeopleResult
    def __init__(self, kind: _Optional[_Union[WatchQueryResponse.Kind, str]] = ..., cursor: _Optional[str] = ..., metadata: _Optional[_Union[_question_pb2.QueryMetadata, _Mapping]] = ..., events: _Optional[_Union[_question_pb2.EventsResult, _Mapping]] = ..., series: _Optional[_Union[_question_pb2.SeriesResult, _Mapping]] = ..., table: _Optional[_Union[_question_pb2.TableResult, _Mapping]] = ..., funnel: _Optional[_Union[_question_pb2.FunnelResult, _Mapping]] = ..., retention: _Optional[_Union[_question_pb2.RetentionResult, _Mapping]] = ..., lifecycle: _Optional[_Union[_question_pb2.LifecycleResult, _Mapping]] = ..., sessions: _Optional[_Union[_question_pb2.SessionsResult, _Mapping]] = ..., paths: _Optional[_Union[_question_pb2.PathsResult, _Mapping]] = ..., people: _Optional[_Union[_question_pb2.PeopleResult, _Mapping]] = ...) -> None: ...

class GetLedgerRequest(_message.Message):
    __slots__ = ("project", "time_range", "producer_id", "page_size", "page_token")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    TIME_RANGE_FIELD_NUMBER: _ClassVar[int]
    PRODUCER_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    project: str
    time_range: _question_pb2.TimeRange
    producer_id: str
    page_size: int
    page_token: str
    def __init__(self, project: _Optional[str] = ..., time_range: _Optional[_Union[_question_pb2.TimeRange, _Mapping]] = ..., producer_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class GetLedgerResponse(_message.Message):
    __slots__ = ("entries", "total", "balanced", "next_page_token")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    BALANCED_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[LedgerEntry]
    total: LedgerEntry
    balanced: bool
    next_page_token: str
    def __init__(self, entries: _Optional[_Iterable[_Union[LedgerEntry, _Mapping]]] = ..., total: _Optional[_Union[LedgerEntry, _Mapping]] = ..., balanced: _Optional[bool] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class LedgerEntry(_message.Message):
    __slots__ = ("producer_id", "minute", "received", "stored", "duplicate", "rejected", "dead_lettered", "in_flight")
    PRODUCER_ID_FIELD_NUMBER: _ClassVar[int]
    MINUTE_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    STORED_FIELD_NUMBER: _ClassVar[int]
    DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    DEAD_LETTERED_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    producer_id: str
    minute: _timestamp_pb2.Timestamp
    received: int
    stored: int
    duplicate: int
    rejected: int
    dead_lettered: int
    in_flight: int
    def __init__(self, producer_id: _Optional[str] = ..., minute: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., received: _Optional[int] = ..., stored: _Optional[int] = ..., duplicate: _Optional[int] = ..., rejected: _Optional[int] = ..., dead_lettered: _Optional[int] = ..., in_flight: _Optional[int] = ...) -> None: ...

class GetPlatformAnalyticsRequest(_message.Message):
    __slots__ = ("project", "received_since")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_SINCE_FIELD_NUMBER: _ClassVar[int]
    project: str
    received_since: _timestamp_pb2.Timestamp
    def __init__(self, project: _Optional[str] = ..., received_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetPlatformAnalyticsResponse(_message.Message):
    __slots__ = ("measured_at", "processing", "query", "system")
    MEASURED_AT_FIELD_NUMBER: _ClassVar[int]
    PROCESSING_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_FIELD_NUMBER: _ClassVar[int]
    measured_at: _timestamp_pb2.Timestamp
    processing: ProcessingAnalytics
    query: QueryAnalytics
    system: SystemAnalytics
    def __init__(self, measured_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., processing: _Optional[_Union[ProcessingAnalytics, _Mapping]] = ..., query: _Optional[_Union[QueryAnalytics, _Mapping]] = ..., system: _Optional[_Union[SystemAnalytics, _Mapping]] = ...) -> None: ...

class ProcessingAnalytics(_message.Message):
    __slots__ = ("stored_per_second", "last_day", "commit_latency_p50", "commit_latency_p99", "partitions", "received")
    STORED_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    LAST_DAY_FIELD_NUMBER: _ClassVar[int]
    COMMIT_LATENCY_P50_FIELD_NUMBER: _ClassVar[int]
    COMMIT_LATENCY_P99_FIELD_NUMBER: _ClassVar[int]
    PARTITIONS_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    stored_per_second: float
    last_day: LedgerEntry
    commit_latency_p50: _duration_pb2.Duration
    commit_latency_p99: _duration_pb2.Duration
    partitions: _containers.RepeatedCompositeFieldContainer[PartitionAnalytics]
    received: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, stored_per_second: _Optional[float] = ..., last_day: _Optional[_Union[LedgerEntry, _Mapping]] = ..., commit_latency_p50: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., commit_latency_p99: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., partitions: _Optional[_Iterable[_Union[PartitionAnalytics, _Mapping]]] = ..., received: _Optional[_Iterable[int]] = ...) -> None: ...

class PartitionAnalytics(_message.Message):
    __slots__ = ("partition", "writer", "backlog_events", "backlog_bytes", "watermark", "lag", "paused_because", "received", "committed")
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    WRITER_FIELD_NUMBER: _ClassVar[int]
    BACKLOG_EVENTS_FIELD_NUMBER: _ClassVar[int]
    BACKLOG_BYTES_FIELD_NUMBER: _ClassVar[int]
    WATERMARK_FIELD_NUMBER: _ClassVar[int]
    LAG_FIELD_NUMBER: _ClassVar[int]
    PAUSED_BECAUSE_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_FIELD_NUMBER: _ClassVar[int]
    partition: int
    writer: str
    backlog_events: int
    backlog_bytes: int
    watermark: _timestamp_pb2.Timestamp
    lag: _duration_pb2.Duration
    paused_because: str
    received: int
    committed: int
    def __init__(self, partition: _Optional[int] = ..., writer: _Optional[str] = ..., backlog_events: _Optional[int] = ..., backlog_bytes: _Optional[int] = ..., watermark: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., lag: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., paused_because: _Optional[str] = ..., received: _Optional[int] = ..., committed: _Optional[int] = ...) -> None: ...

class QueryAnalytics(_message.Message):
    __slots__ = ("answered", "failed", "latency_p50", "latency_p99", "watching")
    ANSWERED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    LATENCY_P50_FIELD_NUMBER: _ClassVar[int]
    LATENCY_P99_FIELD_NUMBER: _ClassVar[int]
    WATCHING_FIELD_NUMBER: _ClassVar[int]
    answered: int
    failed: int
    latency_p50: _duration_pb2.Duration
    latency_p99: _duration_pb2.Duration
    watching: int
    def __init__(self, answered: _Optional[int] = ..., failed: _Optional[int] = ..., latency_p50: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., latency_p99: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., watching: _Optional[int] = ...) -> None: ...

class SystemAnalytics(_message.Message):
    __slots__ = ("database_bytes", "log_bytes", "process_cpu", "process_memory_bytes", "version", "postgresql_version", "timescaledb_version", "redis_version")
    DATABASE_BYTES_FIELD_NUMBER: _ClassVar[int]
    LOG_BYTES_FIELD_NUMBER: _ClassVar[int]
    PROCESS_CPU_FIELD_NUMBER: _ClassVar[int]
    PROCESS_MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    POSTGRESQL_VERSION_FIELD_NUMBER: _ClassVar[int]
    TIMESCALEDB_VERSION_FIELD_NUMBER: _ClassVar[int]
    REDIS_VERSION_FIELD_NUMBER: _ClassVar[int]
    database_bytes: int
    log_bytes: int
    process_cpu: float
    process_memory_bytes: int
    version: str
    postgresql_version: str
    timescaledb_version: str
    redis_version: str
    def __init__(self, database_bytes: _Optional[int] = ..., log_bytes: _Optional[int] = ..., process_cpu: _Optional[float] = ..., process_memory_bytes: _Optional[int] = ..., version: _Optional[str] = ..., postgresql_version: _Optional[str] = ..., timescaledb_version: _Optional[str] = ..., redis_version: _Optional[str] = ...) -> None: ...

class WatchCriticalRequest(_message.Message):
    __slots__ = ("project", "cursor", "since")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    project: str
    cursor: str
    since: _duration_pb2.Duration
    def __init__(self, project: _Optional[str] = ..., cursor: _Optional[str] = ..., since: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class WatchCriticalResponse(_message.Message):
    __slots__ = ("events", "cursor", "gap")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    GAP_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[CriticalEvent]
    cursor: str
    gap: bool
    def __init__(self, events: _Optional[_Iterable[_Union[CriticalEvent, _Mapping]]] = ..., cursor: _Optional[str] = ..., gap: _Optional[bool] = ...) -> None: ...

class CriticalEvent(_message.Message):
    __slots__ = ("event", "received_at", "producer_id")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_AT_FIELD_NUMBER: _ClassVar[int]
    PRODUCER_ID_FIELD_NUMBER: _ClassVar[int]
    event: _event_pb2.Event
    received_at: _timestamp_pb2.Timestamp
    producer_id: str
    def __init__(self, event: _Optional[_Union[_event_pb2.Event, _Mapping]] = ..., received_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., producer_id: _Optional[str] = ...) -> None: ...
