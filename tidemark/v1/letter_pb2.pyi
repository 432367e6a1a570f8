import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from tidemark.v1 import access_pb2 as _access_pb2
from tidemark.v1 import question_pb2 as _question_pb2
from tidemark.v1 import rule_pb2 as _rule_pb2
from tidemark.v1 import schema_pb2 as _schema_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DeadLetterReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DEAD_LETTER_REASON_UNSPECIFIED: _ClassVar[DeadLetterReason]
    DEAD_LETTER_REASON_SCHEMA: _ClassVar[DeadLetterReason]
    DEAD_LETTER_REASON_RULE: _ClassVar[DeadLetterReason]
    DEAD_LETTER_REASON_UNSTORABLE: _ClassVar[DeadLetterReason]
    DEAD_LETTER_REASON_CORRUPT: _ClassVar[DeadLetterReason]
    DEAD_LETTER_REASON_POISON: _ClassVar[DeadLetterReason]

class DeadLetterState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DEAD_LETTER_STATE_UNSPECIFIED: _ClassVar[DeadLetterState]
    DEAD_LETTER_STATE_OPEN: _ClassVar[DeadLetterState]
    DEAD_LETTER_STATE_REPAIRED: _ClassVar[DeadLetterState]
    DEAD_LETTER_STATE_DISCARDED: _ClassVar[DeadLetterState]
DEAD_LETTER_REASON_UNSPECIFIED: DeadLetterReason
DEAD_LETTER_REASON_SCHEMA: DeadLetterReason
DEAD_LETTER_REASON_RULE: DeadLetterReason
DEAD_LETTER_REASON_UNSTORABLE: DeadLetterReason
DEAD_LETTER_REASON_CORRUPT: DeadLetterReason
DEAD_LETTER_REASON_POISON: DeadLetterReason
DEAD_LETTER_STATE_UNSPECIFIED: DeadLetterState
DEAD_LETTER_STATE_OPEN: DeadLetterState
DEAD_LETTER_STATE_REPAIRED: DeadLetterState
DEAD_LETTER_STATE_DISCARDED: DeadLetterState

class DeadLetter(_message.Message):
    __slots__ = ("name", "reason", "field", "message", "signature", "event_name", "event_id", "user_id", "content", "producer_id", "received_at", "state", "settled_at", "row_count")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    PRODUCER_ID_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_AT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SETTLED_AT_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    name: str
    reason: DeadLetterReason
    field: str
    message: str
    signature: str
    event_name: str
    event_id: bytes
    user_id: str
    content: str
    producer_id: str
    received_at: _timestamp_pb2.Timestamp
    state: DeadLetterState
    settled_at: _timestamp_pb2.Timestamp
    row_count: int
    def __init__(self, name: _Optional[str] = ..., reason: _Optional[_Union[DeadLetterReason, str]] = ..., field: _Optional[str] = ..., message: _Optional[str] = ..., signature: _Optional[str] = ..., event_name: _Optional[str] = ..., event_id: _Optional[bytes] = ..., user_id: _Optional[str] = ..., content: _Optional[str] = ..., producer_id: _Optional[str] = ..., received_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[DeadLetterState, str]] = ..., settled_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., row_count: _Optional[int] = ...) -> None: ...

class DeadLetterSelection(_message.Message):
    __slots__ = ("names", "signature", "reason", "event_name", "time_range", "state")
    NAMES_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    TIME_RANGE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    signature: str
    reason: DeadLetterReason
    event_name: str
    time_range: _question_pb2.TimeRange
    state: DeadLetterState
    def __init__(self, names: _Optional[_Iterable[str]] = ..., signature: _Optional[str] = ..., reason: _Optional[_Union[DeadLetterReason, str]] = ..., event_name: _Optional[str] = ..., time_range: _Optional[_Union[_question_pb2.TimeRange, _Mapping]] = ..., state: _Optional[_Union[DeadLetterState, str]] = ...) -> None: ...

class ListDeadLettersRequest(_message.Message):
    __slots__ = ("parent", "selection", "page_size", "page_token")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    SELECTION_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    parent: str
    selection: DeadLetterSelection
    page_size: int
    page_token: str
    def __init__(self, parent: _Optional[str] = ..., selection: _Optional[_Union[DeadLetterSelection, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListDeadLettersResponse(_message.Message):
    __slots__ = ("dead_letters", "next_page_token")
    DEAD_LETTERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    dead_letters: _containers.RepeatedCompositeFieldContainer[DeadLetter]
    next_page_token: str
    def __init__(self, dead_letters: _Optional[_Iterable[_Union[DeadLetter, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListDeadLetterClustersRequest(_message.Message):
    __slots__ = ("parent", "selection")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    SELECTION_FIELD_NUMBER: _ClassVar[int]
    parent: str
    selection: DeadLetterSelection
    def __init__(self, parent: _Optional[str] = ..., selection: _Optional[_Union[DeadLetterSelection, _Mapping]] = ...) -> None: ...

class ListDeadLetterClustersResponse(_message.Message):
    __slots__ = ("clusters",)
    CLUSTERS_FIELD_NUMBER: _ClassVar[int]
    clusters: _containers.RepeatedCompositeFieldContainer[DeadLetterCluster]
    def __init__(self, clusters: _Optional[_Iterable[_Union[DeadLetterCluster, _Mapping]]] = ...) -> None: ...

class DeadLetterCluster(_message.Message):
    __slots__ = ("signature", "reason", "field", "event_name", "message", "count", "first_received_at", "last_received_at", "example")
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    FIRST_RECEIVED_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_RECEIVED_AT_FIELD_NUMBER: _ClassVar[int]
    EXAMPLE_FIELD_NUMBER: _ClassVar[int]
    signature: str
    reason: DeadLetterReason
    field: str
    event_name: str
    message: str
    count: int
    first_received_at: _timestamp_pb2.Timestamp
    last_received_at: _timestamp_pb2.Timestamp
    example: DeadLetter
    def __init__(self, signature: _Optional[str] = ..., reason: _Optional[_Union[DeadLetterReason, str]] = ..., field: _Optional[str] = ..., event_name: _Optional[str] = ..., message: _Optional[str] = ..., count: _Optional[int] = ..., first_received_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_received_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., example: _Optional[_Union[DeadLetter, _Mapping]] = ...) -> None: ...

class RepairDeadLettersRequest(_message.Message):
    __slots__ = ("parent", "selection", "patches", "validate_only", "draft_rules", "draft_schemas")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    SELECTION_FIELD_NUMBER: _ClassVar[int]
    PATCHES_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    DRAFT_RULES_FIELD_NUMBER: _ClassVar[int]
    DRAFT_SCHEMAS_FIELD_NUMBER: _ClassVar[int]
    parent: str
    selection: DeadLetterSelection
    patches: _containers.RepeatedCompositeFieldContainer[_rule_pb2.Rule]
    validate_only: bool
    draft_rules: _rule_pb2.Rules
    draft_schemas: _containers.RepeatedCompositeFieldContainer[_schema_pb2.Schema]
    def __init__(self, parent: _Optional[str] = ..., selection: _Optional[_Union[DeadLetterSelection, _Mapping]] = ..., patches: _Optional[_Iterable[_Union[_rule_pb2.Rule, _Mapping]]] = ..., validate_only: _Optional[bool] = ..., draft_rules: _Optional[_Union[_rule_pb2.Rules, _Mapping]] = ..., draft_schemas: _Optional[_Iterable[_Union[_schema_pb2.Schema, _Mapping]]] = ...) -> None: ...

class RepairDeadLettersResponse(_message.Message):
    __slots__ = ("selected_count", "examined_count", "recovered_count", "duplicate_count", "failed_count", "still_failing", "figures", "trials")
    SELECTED_COUNT_FIELD_NUMBER: _ClassVar[int]
    EXAMINED_COUNT_FIELD_NUMBER: _ClassVar[int]
    RECOVERED_COUNT_FIELD_NUMBER: _ClassVar[int]
    DUPLICATE_COUNT_FIELD_NUMBER: _ClassVar[int]
    FAILED_COUNT_FIELD_NUMBER: _ClassVar[int]
    STILL_FAILING_FIELD_NUMBER: _ClassVar[int]
    FIGURES_FIELD_NUMBER: _ClassVar[int]
    TRIALS_FIELD_NUMBER: _ClassVar[int]
    selected_count: int
    examined_count: int
    recovered_count: int
    duplicate_count: int
    failed_count: int
    still_failing: _containers.RepeatedCompositeFieldContainer[DeadLetterCluster]
    figures: _containers.RepeatedCompositeFieldContainer[FigureChange]
    trials: _containers.RepeatedCompositeFieldContainer[_rule_pb2.Trial]
    def __init__(self, selected_count: _Optional[int] = ..., examined_count: _Optional[int] = ..., recovered_count: _Optional[int] = ..., duplicate_count: _Optional[int] = ..., failed_count: _Optional[int] = ..., still_failing: _Optional[_Iterable[_Union[DeadLetterCluster, _Mapping]]] = ..., figures: _Optional[_Iterable[_Union[FigureChange, _Mapping]]] = ..., trials: _Optional[_Iterable[_Union[_rule_pb2.Trial, _Mapping]]] = ...) -> None: ...

class FigureChange(_message.Message):
    __slots__ = ("event_name", "day", "added_count")
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    DAY_FIELD_NUMBER: _ClassVar[int]
    ADDED_COUNT_FIELD_NUMBER: _ClassVar[int]
    event_name: str
    day: _timestamp_pb2.Timestamp
    added_count: int
    def __init__(self, event_name: _Optional[str] = ..., day: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., added_count: _Optional[int] = ...) -> None: ...

class DiscardDeadLettersRequest(_message.Message):
    __slots__ = ("parent", "selection")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    SELECTION_FIELD_NUMBER: _ClassVar[int]
    parent: str
    selection: DeadLetterSelection
    def __init__(self, parent: _Optional[str] = ..., selection: _Optional[_Union[DeadLetterSelection, _Mapping]] = ...) -> None: ...

class DiscardDeadLettersResponse(_message.Message):
    __slots__ = ("discarded_count",)
    DISCARDED_COUNT_FIELD_NUMBER: _ClassVar[int]
    discarded_count: int
    def __init__(self, discarded_count: _Optional[int] = ...) -> None: ...

class ResumePartitionRequest(_message.Message):
    __slots__ = ("partition",)
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    partition: int
    def __init__(self, partition: _Optional[int] = ...) -> None: ...

class ResumePartitionResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
