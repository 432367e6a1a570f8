import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from tidemark.v1 import access_pb2 as _access_pb2
from tidemark.v1 import event_pb2 as _event_pb2
from tidemark.v1 import question_pb2 as _question_pb2
from tidemark.v1 import schema_pb2 as _schema_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetLineageRequest(_message.Message):
    __slots__ = ("project", "event_id", "bucket", "page_size")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    BUCKET_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    project: str
    event_id: bytes
    bucket: RollupBucket
    page_size: int
    def __init__(self, project: _Optional[str] = ..., event_id: _Optional[bytes] = ..., bucket: _Optional[_Union[RollupBucket, _Mapping]] = ..., page_size: _Optional[int] = ...) -> None: ...

class RollupBucket(_message.Message):
    __slots__ = ("source", "name", "width", "start")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    source: _question_pb2.Source
    name: str
    width: _question_pb2.Interval.Unit
    start: _timestamp_pb2.Timestamp
    def __init__(self, source: _Optional[_Union[_question_pb2.Source, str]] = ..., name: _Optional[str] = ..., width: _Optional[_Union[_question_pb2.Interval.Unit, str]] = ..., start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetLineageResponse(_message.Message):
    __slots__ = ("events", "bucket")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    BUCKET_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[EventLineage]
    bucket: BucketLineage
    def __init__(self, events: _Optional[_Iterable[_Union[EventLineage, _Mapping]]] = ..., bucket: _Optional[_Union[BucketLineage, _Mapping]] = ...) -> None: ...

class EventLineage(_message.Message):
    __slots__ = ("event", "batch", "schema_version", "dead_letter", "segment_id")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_VERSION_FIELD_NUMBER: _ClassVar[int]
    DEAD_LETTER_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_ID_FIELD_NUMBER: _ClassVar[int]
    event: _event_pb2.Event
    batch: BatchLineage
    schema_version: int
    dead_letter: str
    segment_id: str
    def __init__(self, event: _Optional[_Union[_event_pb2.Event, _Mapping]] = ..., batch: _Optional[_Union[BatchLineage, _Mapping]] = ..., schema_version: _Optional[int] = ..., dead_letter: _Optional[str] = ..., segment_id: _Optional[str] = ...) -> None: ...

class BatchLineage(_message.Message):
    __slots__ = ("batch_id", "source", "producer_id", "epoch", "sequence", "partition", "entry_id", "rules_version", "sent_at", "received_at", "appended_at", "committed_at", "row_count")
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PRODUCER_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    ENTRY_ID_FIELD_NUMBER: _ClassVar[int]
    RULES_VERSION_FIELD_NUMBER: _ClassVar[int]
    SENT_AT_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_AT_FIELD_NUMBER: _ClassVar[int]
    APPENDED_AT_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_AT_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    batch_id: int
    source: str
    producer_id: str
    epoch: int
    sequence: int
    partition: int
    entry_id: str
    rules_version: int
    sent_at: _timestamp_pb2.Timestamp
    received_at: _timestamp_pb2.Timestamp
    appended_at: _timestamp_pb2.Timestamp
    committed_at: _timestamp_pb2.Timestamp
    row_count: int
    def __init__(self, batch_id: _Optional[int] = ..., source: _Optional[str] = ..., producer_id: _Optional[str] = ..., epoch: _Optional[int] = ..., sequence: _Optional[int] = ..., partition: _Optional[int] = ..., entry_id: _Optional[str] = ..., rules_version: _Optional[int] = ..., sent_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., received_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., appended_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., committed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., row_count: _Optional[int] = ...) -> None: ...

class BucketLineage(_message.Message):
    __slots__ = ("rollup_count", "row_count", "batch_count", "batches")
    ROLLUP_COUNT_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    BATCH_COUNT_FIELD_NUMBER: _ClassVar[int]
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    rollup_count: int
    row_count: int
    batch_count: int
    batches: _containers.RepeatedCompositeFieldContainer[BatchLineage]
    def __init__(self, rollup_count: _Optional[int] = ..., row_count: _Optional[int] = ..., batch_count: _Optional[int] = ..., batches: _Optional[_Iterable[_Union[BatchLineage, _Mapping]]] = ...) -> None: ...

class ListEventQualityRequest(_message.Message):
    __slots__ = ("project", "time_range", "search", "page_size", "page_token")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    TIME_RANGE_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    project: str
    time_range: _question_pb2.TimeRange
    search: str
    page_size: int
    page_token: str
    def __init__(self, project: _Optional[str] = ..., time_range: _Optional[_Union[_question_pb2.TimeRange, _Mapping]] = ..., search: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListEventQualityResponse(_message.Message):
    __slots__ = ("events", "next_page_token")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[EventQuality]
    next_page_token: str
    def __init__(self, events: _Optional[_Iterable[_Union[EventQuality, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class EventQuality(_message.Message):
    __slots__ = ("event_name", "count", "previous_count", "last_occurred_at", "freshness", "schema", "schema_version", "enforcement", "checked_count", "violation_count", "violation_share", "rule_failure_count", "dead_lettered_count", "rejected_count")
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_COUNT_FIELD_NUMBER: _ClassVar[int]
    LAST_OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    FRESHNESS_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_VERSION_FIELD_NUMBER: _ClassVar[int]
    ENFORCEMENT_FIELD_NUMBER: _ClassVar[int]
    CHECKED_COUNT_FIELD_NUMBER: _ClassVar[int]
    VIOLATION_COUNT_FIELD_NUMBER: _ClassVar[int]
    VIOLATION_SHARE_FIELD_NUMBER: _ClassVar[int]
    RULE_FAILURE_COUNT_FIELD_NUMBER: _ClassVar[int]
    DEAD_LETTERED_COUNT_FIELD_NUMBER: _ClassVar[int]
    REJECTED_COUNT_FIELD_NUMBER: _ClassVar[int]
    event_name: str
    count: int
    previous_count: int
    last_occurred_at: _timestamp_pb2.Timestamp
    freshness: _duration_pb2.Duration
    schema: str
    schema_version: int
    enforcement: _schema_pb2.Enforcement
    checked_count: int
    violation_count: int
    violation_share: float
    rule_failure_count: int
    dead_lettered_count: int
    rejected_count: int
    def __init__(self, event_name: _Optional[str] = ..., count: _Optional[int] = ..., previous_count: _Optional[int] = ..., last_occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., freshness: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., schema: _Optional[str] = ..., schema_version: _Optional[int] = ..., enforcement: _Optional[_Union[_schema_pb2.Enforcement, str]] = ..., checked_count: _Optional[int] = ..., violation_count: _Optional[int] = ..., violation_share: _Optional[float] = ..., rule_failure_count: _Optional[int] = ..., dead_lettered_count: _Optional[int] = ..., rejected_count: _Optional[int] = ...) -> None: ...

class GetEventQualityRequest(_message.Message):
    __slots__ = ("project", "event_name", "time_range", "sample_size")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    TIME_RANGE_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_SIZE_FIELD_NUMBER: _ClassVar[int]
    project: str
    event_name: str
    time_range: _question_pb2.TimeRange
    sample_size: int
    def __init__(self, project: _Optional[str] = ..., event_name: _Optional[str] = ..., time_range: _Optional[_Union[_question_pb2.TimeRange, _Mapping]] = ..., sample_size: _Optional[int] = ...) -> None: ...

class GetEventQualityResponse(_message.Message):
    __slots__ = ("event", "sample_count", "previous_sample_count", "properties")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_SAMPLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    PROPERTIES_FIELD_NUMBER: _ClassVar[int]
    event: EventQuality
    sample_count: int
    previous_sample_count: int
    properties: _containers.RepeatedCompositeFieldContainer[PropertyQuality]
    def __init__(self, event: _Optional[_Union[EventQuality, _Mapping]] = ..., sample_count: _Optional[int] = ..., previous_sample_count: _Optional[int] = ..., properties: _Optional[_Iterable[_Union[PropertyQuality, _Mapping]]] = ...) -> None: ...

class PropertyQuality(_message.Message):
    __slots__ = ("path", "null_share", "previous_null_share", "types", "type_drift", "distinct_count", "examples", "planned")
    class TypesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    PATH_FIELD_NUMBER: _ClassVar[int]
    NULL_SHARE_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_NULL_SHARE_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    TYPE_DRIFT_FIELD_NUMBER: _ClassVar[int]
    DISTINCT_COUNT_FIELD_NUMBER: _ClassVar[int]
    EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    PLANNED_FIELD_NUMBER: _ClassVar[int]
    path: str
    null_share: float
    previous_null_share: float
    types: _containers.ScalarMap[str, float]
    type_drift: float
    distinct_count: int
    examples: _containers.RepeatedScalarFieldContainer[str]
    planned: bool
    def __init__(self, path: _Optional[str] = ..., null_share: _Optional[float] = ..., previous_null_share: _Optional[float] = ..., types: _Optional[_Mapping[str, float]] = ..., type_drift: _Optional[float] = ..., distinct_count: _Optional[int] = ..., examples: _Optional[_Iterable[str]] = ..., planned: _Optional[bool] = ...) -> None: ...

class ListProducersRequest(_message.Message):
    __slots__ = ("project", "page_size", "page_token")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    project: str
    page_size: int
    page_token: str
    def __init__(self, project: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListProducersResponse(_message.Message):
    __slots__ = ("producers", "next_page_token")
    PRODUCERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    producers: _containers.RepeatedCompositeFieldContainer[ProducerStatus]
    next_page_token: str
    def __init__(self, producers: _Optional[_Iterable[_Union[ProducerStatus, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ProducerStatus(_message.Message):
    __slots__ = ("producer_id", "epoch", "sequence", "partition", "source", "last_received_at", "received_count", "stored_count", "duplicate_count", "rejected_count", "dead_lettered_count")
    PRODUCER_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    LAST_RECEIVED_AT_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_COUNT_FIELD_NUMBER: _ClassVar[int]
    STORED_COUNT_FIELD_NUMBER: _ClassVar[int]
    DUPLICATE_COUNT_FIELD_NUMBER: _ClassVar[int]
    REJECTED_COUNT_FIELD_NUMBER: _ClassVar[int]
    DEAD_LETTERED_COUNT_FIELD_NUMBER: _ClassVar[int]
    producer_id: str
    epoch: int
    sequence: int
    partition: int
    source: str
    last_received_at: _timestamp_pb2.Timestamp
    received_count: int
    stored_count: int
    duplicate_count: int
    rejected_count: int
    dead_lettered_count: int
    def __init__(self, producer_id: _Optional[str] = ..., epoch: _Optional[int] = ..., sequence: _Optional[int] = ..., partition: _Optional[int] = ..., source: _Optional[str] = ..., last_received_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., received_count: _Optional[int] = ..., stored_count: _Optional[int] = ..., duplicate_count: _Optional[int] = ..., rejected_count: _Optional[int] = ..., dead_lettered_count: _Optional[int] = ...) -> None: ...
