import datetime

from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from tidemark.v1 import access_pb2 as _access_pb2
from tidemark.v1 import question_pb2 as _question_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FeatureSpec(_message.Message):
    __slots__ = ("cuts", "events", "history", "event_names", "sum_fields", "fields", "outcome", "without_history")
    CUTS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    EVENT_NAMES_FIELD_NUMBER: _ClassVar[int]
    SUM_FIELDS_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_HISTORY_FIELD_NUMBER: _ClassVar[int]
    cuts: CutPoints
    events: EventPoints
    history: _duration_pb2.Duration
    event_names: _containers.RepeatedScalarFieldContainer[str]
    sum_fields: _containers.RepeatedScalarFieldContainer[str]
    fields: _containers.RepeatedScalarFieldContainer[str]
    outcome: Outcome
    without_history: bool
    def __init__(self, cuts: _Optional[_Union[CutPoints, _Mapping]] = ..., events: _Optional[_Union[EventPoints, _Mapping]] = ..., history: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., event_names: _Optional[_Iterable[str]] = ..., sum_fields: _Optional[_Iterable[str]] = ..., fields: _Optional[_Iterable[str]] = ..., outcome: _Optional[_Union[Outcome, _Mapping]] = ..., without_history: _Optional[bool] = ...) -> None: ...

class CutPoints(_message.Message):
    __slots__ = ("cuts", "member", "member_within")
    CUTS_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    MEMBER_WITHIN_FIELD_NUMBER: _ClassVar[int]
    cuts: _containers.RepeatedCompositeFieldContainer[_timestamp_pb2.Timestamp]
    member: _question_pb2.Step
    member_within: _duration_pb2.Duration
    def __init__(self, cuts: _Optional[_Iterable[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]]] = ..., member: _Optional[_Union[_question_pb2.Step, _Mapping]] = ..., member_within: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class EventPoints(_message.Message):
    __slots__ = ("event", "time_range")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    TIME_RANGE_FIELD_NUMBER: _ClassVar[int]
    event: _question_pb2.Step
    time_range: _question_pb2.TimeRange
    def __init__(self, event: _Optional[_Union[_question_pb2.Step, _Mapping]] = ..., time_range: _Optional[_Union[_question_pb2.TimeRange, _Mapping]] = ...) -> None: ...

class Outcome(_message.Message):
    __slots__ = ("did", "field", "window", "negate", "match")
    DID_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    NEGATE_FIELD_NUMBER: _ClassVar[int]
    MATCH_FIELD_NUMBER: _ClassVar[int]
    did: _question_pb2.Step
    field: str
    window: _duration_pb2.Duration
    negate: bool
    match: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, did: _Optional[_Union[_question_pb2.Step, _Mapping]] = ..., field: _Optional[str] = ..., window: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., negate: _Optional[bool] = ..., match: _Optional[_Iterable[str]] = ...) -> None: ...

class ReadFeaturesRequest(_message.Message):
    __slots__ = ("project", "spec", "user_ids", "max_rows")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    MAX_ROWS_FIELD_NUMBER: _ClassVar[int]
    project: str
    spec: FeatureSpec
    user_ids: _containers.RepeatedScalarFieldContainer[str]
    max_rows: int
    def __init__(self, project: _Optional[str] = ..., spec: _Optional[_Union[FeatureSpec, _Mapping]] = ..., user_ids: _Optional[_Iterable[str]] = ..., max_rows: _Optional[int] = ...) -> None: ...

class ReadFeaturesResponse(_message.Message):
    __slots__ = ("chunk", "rows", "metadata")
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    chunk: bytes
    rows: int
    metadata: FeatureMetadata
    def __init__(self, chunk: _Optional[bytes] = ..., rows: _Optional[int] = ..., metadata: _Optional[_Union[FeatureMetadata, _Mapping]] = ...) -> None: ...

class FeatureMetadata(_message.Message):
    __slots__ = ("query", "sha256", "total_rows")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    TOTAL_ROWS_FIELD_NUMBER: _ClassVar[int]
    query: _question_pb2.QueryMetadata
    sha256: str
    total_rows: int
    def __init__(self, query: _Optional[_Union[_question_pb2.QueryMetadata, _Mapping]] = ..., sha256: _Optional[str] = ..., total_rows: _Optional[int] = ...) -> None: ...
