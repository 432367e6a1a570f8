import datetime

from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EventType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVENT_TYPE_UNSPECIFIED: _ClassVar[EventType]
    EVENT_TYPE_USER_ACTION: _ClassVar[EventType]
    EVENT_TYPE_SYSTEM_EVENT: _ClassVar[EventType]
    EVENT_TYPE_PERFORMANCE_METRIC: _ClassVar[EventType]
    EVENT_TYPE_BUSINESS_METRIC: _ClassVar[EventType]
    EVENT_TYPE_ERROR_EVENT: _ClassVar[EventType]
    EVENT_TYPE_SECURITY_EVENT: _ClassVar[EventType]
EVENT_TYPE_UNSPECIFIED: EventType
EVENT_TYPE_USER_ACTION: EventType
EVENT_TYPE_SYSTEM_EVENT: EventType
EVENT_TYPE_PERFORMANCE_METRIC: EventType
EVENT_TYPE_BUSINESS_METRIC: EventType
EVENT_TYPE_ERROR_EVENT: EventType
EVENT_TYPE_SECURITY_EVENT: EventType

class Event(_message.Message):
    __slots__ = ("event_id", "type", "name", "occurred_at", "user_id", "session_id", "properties", "properties_json", "context", "context_json")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    PROPERTIES_FIELD_NUMBER: _ClassVar[int]
    PROPERTIES_JSON_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_JSON_FIELD_NUMBER: _ClassVar[int]
    event_id: bytes
    type: EventType
    name: str
    occurred_at: _timestamp_pb2.Timestamp
    user_id: str
    session_id: str
    properties: _struct_pb2.Struct
    properties_json: bytes
    context: _struct_pb2.Struct
    context_json: bytes
    def __init__(self, event_id: _Optional[bytes] = ..., type: _Optional[_Union[EventType, str]] = ..., name: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., properties: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., properties_json: _Optional[bytes] = ..., context: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., context_json: _Optional[bytes] = ...) -> None: ...
