import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from tidemark.v1 import access_pb2 as _access_pb2
from tidemark.v1 import event_pb2 as _event_pb2
from tidemark.v1 import metric_pb2 as _metric_pb2
from tidemark.v1 import rule_pb2 as _rule_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AckMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACK_MODE_UNSPECIFIED: _ClassVar[AckMode]
    ACK_MODE_DURABLE: _ClassVar[AckMode]
    ACK_MODE_FAST: _ClassVar[AckMode]
    ACK_MODE_COMMITTED: _ClassVar[AckMode]

class RejectionReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REJECTION_REASON_UNSPECIFIED: _ClassVar[RejectionReason]
    REJECTION_REASON_MISSING: _ClassVar[RejectionReason]
    REJECTION_REASON_MALFORMED: _ClassVar[RejectionReason]
    REJECTION_REASON_OUT_OF_RANGE: _ClassVar[RejectionReason]
    REJECTION_REASON_TOO_LARGE: _ClassVar[RejectionReason]
    REJECTION_REASON_SCHEMA: _ClassVar[RejectionReason]
ACK_MODE_UNSPECIFIED: AckMode
ACK_MODE_DURABLE: AckMode
ACK_MODE_FAST: AckMode
ACK_MODE_COMMITTED: AckMode
REJECTION_REASON_UNSPECIFIED: RejectionReason
REJECTION_REASON_MISSING: RejectionReason
REJECTION_REASON_MALFORMED: RejectionReason
REJECTION_REASON_OUT_OF_RANGE: RejectionReason
REJECTION_REASON_TOO_LARGE: RejectionReason
REJECTION_REASON_SCHEMA: RejectionReason

class Producer(_message.Message):
    __slots__ = ("producer_id", "epoch", "sequence")
    PRODUCER_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    producer_id: str
    epoch: int
    sequence: int
    def __init__(self, producer_id: _Optional[str] = ..., epoch: _Optional[int] = ..., sequence: _Optional[int] = ...) -> None: ...

class EventBatch(_message.Message):
    __slots__ = ("producer", "events", "events_arrow", "sent_at", "traceparent")
    PRODUCER_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_ARROW_FIELD_NUMBER: _ClassVar[int]
    SENT_AT_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    producer: Producer
    events: _containers.RepeatedCompositeFieldContainer[_event_pb2.Event]
    events_arrow: bytes
    sent_at: _timestamp_pb2.Timestamp
    traceparent: str
    def __init__(self, producer: _Optional[_Union[Producer, _Mapping]] = ..., events: _Optional[_Iterable[_Union[_event_pb2.Event, _Mapping]]] = ..., events_arrow: _Optional[bytes] = ..., sent_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., traceparent: _Optional[str] = ...) -> None: ...

class PointBatch(_message.Message):
    __slots__ = ("producer", "points", "sent_at", "traceparent")
    PRODUCER_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    SENT_AT_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    producer: Producer
    points: _containers.RepeatedCompositeFieldContainer[_metric_pb2.MetricPoint]
    sent_at: _timestamp_pb2.Timestamp
    traceparent: str
    def __init__(self, producer: _Optional[_Union[Producer, _Mapping]] = ..., points: _Optional[_Iterable[_Union[_metric_pb2.MetricPoint, _Mapping]]] = ..., sent_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., traceparent: _Optional[str] = ...) -> None: ...

class Rejection(_message.Message):
    __slots__ = ("sequence", "index", "event_id", "field", "reason", "message")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    index: int
    event_id: bytes
    field: str
    reason: RejectionReason
    message: str
    def __init__(self, sequence: _Optional[int] = ..., index: _Optional[int] = ..., event_id: _Optional[bytes] = ..., field: _Optional[str] = ..., reason: _Optional[_Union[RejectionReason, str]] = ..., message: _Optional[str] = ...) -> None: ...

class PublishRequest(_message.Message):
    __slots__ = ("project", "batch", "ack_mode")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    ACK_MODE_FIELD_NUMBER: _ClassVar[int]
    project: str
    batch: EventBatch
    ack_mode: AckMode
    def __init__(self, project: _Optional[str] = ..., batch: _Optional[_Union[EventBatch, _Mapping]] = ..., ack_mode: _Optional[_Union[AckMode, str]] = ...) -> None: ...

class PublishResponse(_message.Message):
    __slots__ = ("sequence", "epoch", "accepted_count", "repeated_batch_count", "rejections", "dead_lettered_count")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_COUNT_FIELD_NUMBER: _ClassVar[int]
    REPEATED_BATCH_COUNT_FIELD_NUMBER: _ClassVar[int]
    REJECTIONS_FIELD_NUMBER: _ClassVar[int]
    DEAD_LETTERED_COUNT_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    epoch: int
    accepted_count: int
    repeated_batch_count: int
    rejections: _containers.RepeatedCompositeFieldContainer[Rejection]
    dead_lettered_count: int
    def __init__(self, sequence: _Optional[int] = ..., epoch: _Optional[int] = ..., accepted_count: _Optional[int] = ..., repeated_batch_count: _Optional[int] = ..., rejections: _Optional[_Iterable[_Union[Rejection, _Mapping]]] = ..., dead_lettered_count: _Optional[int] = ...) -> None: ...

class PublishBatchRequest(_message.Message):
    __slots__ = ("project", "batch", "ack_mode", "request_id")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    ACK_MODE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    project: str
    batch: EventBatch
    ack_mode: AckMode
    request_id: str
    def __init__(self, project: _Optional[str] = ..., batch: _Optional[_Union[EventBatch, _Mapping]] = ..., ack_mode: _Optional[_Union[AckMode, str]] = ..., request_id: _Optional[str] = ...) -> None: ...

class PublishBatchResponse(_message.Message):
    __slots__ = ("accepted_count", "repeated", "rejections", "dead_lettered_count")
    ACCEPTED_COUNT_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    REJECTIONS_FIELD_NUMBER: _ClassVar[int]
    DEAD_LETTERED_COUNT_FIELD_NUMBER: _ClassVar[int]
    accepted_count: int
    repeated: bool
    rejections: _containers.RepeatedCompositeFieldContainer[Rejection]
    dead_lettered_count: int
    def __init__(self, accepted_count: _Optional[int] = ..., repeated: _Optional[bool] = ..., rejections: _Optional[_Iterable[_Union[Rejection, _Mapping]]] = ..., dead_lettered_count: _Optional[int] = ...) -> None: ...

class RecordMetricsRequest(_message.Message):
    __slots__ = ("project", "batch", "ack_mode")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    ACK_MODE_FIELD_NUMBER: _ClassVar[int]
    project: str
    batch: PointBatch
    ack_mode: AckMode
    def __init__(self, project: _Optional[str] = ..., batch: _Optional[_Union[PointBatch, _Mapping]] = ..., ack_mode: _Optional[_Union[AckMode, str]] = ...) -> None: ...

class RecordMetricsResponse(_message.Message):
    __slots__ = ("sequence", "epoch", "accepted_count", "repeated_batch_count", "rejections")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_COUNT_FIELD_NUMBER: _ClassVar[int]
    REPEATED_BATCH_COUNT_FIELD_NUMBER: _ClassVar[int]
    REJECTIONS_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    epoch: int
    accepted_count: int
    repeated_batch_count: int
    rejections: _containers.RepeatedCompositeFieldContainer[Rejection]
    def __init__(self, sequence: _Optional[int] = ..., epoch: _Optional[int] = ..., accepted_count: _Optional[int] = ..., repeated_batch_count: _Optional[int] = ..., rejections: _Optional[_Iterable[_Union[Rejection, _Mapping]]] = ...) -> None: ...

class RecordMetricsBatchRequest(_message.Message):
    __slots__ = ("project", "batch", "ack_mode", "request_id")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    ACK_MODE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    project: str
    batch: PointBatch
    ack_mode: AckMode
    request_id: str
    def __init__(self, project: _Optional[str] = ..., batch: _Optional[_Union[PointBatch, _Mapping]] = ..., ack_mode: _Optional[_Union[AckMode, str]] = ..., request_id: _Optional[str] = ...) -> None: ...

class RecordMetricsBatchResponse(_message.Message):
    __slots__ = ("accepted_count", "repeated", "rejections")
    ACCEPTED_COUNT_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    REJECTIONS_FIELD_NUMBER: _ClassVar[int]
    accepted_count: int
    repeated: bool
    rejections: _containers.RepeatedCompositeFieldContainer[Rejection]
    def __init__(self, accepted_count: _Optional[int] = ..., repeated: _Optional[bool] = ..., rejections: _Optional[_Iterable[_Union[Rejection, _Mapping]]] = ...) -> None: ...

class ValidateEventsRequest(_message.Message):
    __slots__ = ("project", "events")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    project: str
    events: _containers.RepeatedCompositeFieldContainer[_event_pb2.Event]
    def __init__(self, project: _Optional[str] = ..., events: _Optional[_Iterable[_Union[_event_pb2.Event, _Mapping]]] = ...) -> None: ...

class ValidateEventsResponse(_message.Message):
    __slots__ = ("trials",)
    TRIALS_FIELD_NUMBER: _ClassVar[int]
    trials: _containers.RepeatedCompositeFieldContainer[_rule_pb2.Trial]
    def __init__(self, trials: _Optional[_Iterable[_Union[_rule_pb2.Trial, _Mapping]]] = ...) -> None: ...
