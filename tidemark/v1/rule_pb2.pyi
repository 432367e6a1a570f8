import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from tidemark.v1 import access_pb2 as _access_pb2
from tidemark.v1 import event_pb2 as _event_pb2
from tidemark.v1 import schema_pb2 as _schema_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Rules(_message.Message):
    __slots__ = ("name", "rules", "version", "update_time", "etag")
    NAME_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    rules: _containers.RepeatedCompositeFieldContainer[Rule]
    version: int
    update_time: _timestamp_pb2.Timestamp
    etag: str
    def __init__(self, name: _Optional[str] = ..., rules: _Optional[_Iterable[_Union[Rule, _Mapping]]] = ..., version: _Optional[int] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ...) -> None: ...

class Rule(_message.Message):
    __slots__ = ("rule_id", "description", "event_names", "when", "on_failure", "disabled", "set", "rename", "drop", "cast", "hash", "mask", "look_up", "parse_user_agent", "parse_url", "sessionize")
    class Failure(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        FAILURE_UNSPECIFIED: _ClassVar[Rule.Failure]
        FAILURE_KEEP: _ClassVar[Rule.Failure]
        FAILURE_DEAD_LETTER: _ClassVar[Rule.Failure]
    FAILURE_UNSPECIFIED: Rule.Failure
    FAILURE_KEEP: Rule.Failure
    FAILURE_DEAD_LETTER: Rule.Failure
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    EVENT_NAMES_FIELD_NUMBER: _ClassVar[int]
    WHEN_FIELD_NUMBER: _ClassVar[int]
    ON_FAILURE_FIELD_NUMBER: _ClassVar[int]
    DISABLED_FIELD_NUMBER: _ClassVar[int]
    SET_FIELD_NUMBER: _ClassVar[int]
    RENAME_FIELD_NUMBER: _ClassVar[int]
    DROP_FIELD_NUMBER: _ClassVar[int]
    CAST_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    MASK_FIELD_NUMBER: _ClassVar[int]
    LOOK_UP_FIELD_NUMBER: _ClassVar[int]
    PARSE_USER_AGENT_FIELD_NUMBER: _ClassVar[int]
    PARSE_URL_FIELD_NUMBER: _ClassVar[int]
    SESSIONIZE_FIELD_NUMBER: _ClassVar[int]
    rule_id: str
    description: str
    event_names: _containers.RepeatedScalarFieldContainer[str]
    when: str
    on_failure: Rule.Failure
    disabled: bool
    set: SetField
    rename: RenameField
    drop: DropField
    cast: CastField
    hash: HashField
    mask: MaskField
    look_up: LookUpField
    parse_user_agent: ParseUserAgent
    parse_url: ParseUrl
    sessionize: Sessionize
    def __init__(self, rule_id: _Optional[str] = ..., description: _Optional[str] = ..., event_names: _Optional[_Iterable[str]] = ..., when: _Optional[str] = ..., on_failure: _Optional[_Union[Rule.Failure, str]] = ..., disabled: _Optional[bool] = ..., set: _Optional[_Union[SetField, _Mapping]] = ..., rename: _Optional[_Union[RenameField, _Mapping]] = ..., drop: _Optional[_Union[DropField, _Mapping]] = ..., cast: _Optional[_Union[CastField, _Mapping]] = ..., hash: _Optional[_Union[HashField, _Mapping]] = ..., mask: _Optional[_Union[MaskField, _Mapping]] = ..., look_up: _Optional[_Union[LookUpField, _Mapping]] = ..., parse_user_agent: _Optional[_Union[ParseUserAgent, _Mapping]] = ..., parse_url: _Optional[_Union[ParseUrl, _Mapping]] = ..., sessionize: _Optional[_Union[Sessionize, _Mapping]] = ...) -> None: ...

class SetField(_message.Message):
    __slots__ = ("field", "value", "expression", "only_missing")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    ONLY_MISSING_FIELD_NUMBER: _ClassVar[int]
    field: str
    value: _struct_pb2.Value
    expression: str
    only_missing: bool
    def __init__(self, field: _Optional[str] = ..., value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., expression: _Optional[str] = ..., only_missing: _Optional[bool] = ...) -> None: ...

class RenameField(_message.Message):
    __slots__ = ("field", "to")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    field: str
    to: str
    def __init__(self, field: _Optional[str] = ..., to: _Optional[str] = ...) -> None: ...

class DropField(_message.Message):
    __slots__ = ("field",)
    FIELD_FIELD_NUMBER: _ClassVar[int]
    field: str
    def __init__(self, field: _Optional[str] = ...) -> None: ...

class CastField(_message.Message):
    __slots__ = ("field", "to")
    class Type(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        TYPE_UNSPECIFIED: _ClassVar[CastField.Type]
        TYPE_STRING: _ClassVar[CastField.Type]
        TYPE_NUMBER: _ClassVar[CastField.Type]
        TYPE_INTEGER: _ClassVar[CastField.Type]
        TYPE_BOOLEAN: _ClassVar[CastField.Type]
        TYPE_TIMESTAMP: _ClassVar[CastField.Type]
    TYPE_UNSPECIFIED: CastField.Type
    TYPE_STRING: CastField.Type
    TYPE_NUMBER: CastField.Type
    TYPE_INTEGER: CastField.Type
    TYPE_BOOLEAN: CastField.Type
    TYPE_TIMESTAMP: CastField.Type
    FIELD_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    field: str
    to: CastField.Type
    def __init__(self, field: _Optional[str] = ..., to: _Optional[_Union[CastField.Type, str]] = ...) -> None: ...

class HashField(_message.Message):
    __slots__ = ("field",)
    FIELD_FIELD_NUMBER: _ClassVar[int]
    field: str
    def __init__(self, field: _Optional[str] = ...) -> None: ...

class MaskField(_message.Message):
    __slots__ = ("field", "keep_first", "keep_last")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIRST_FIELD_NUMBER: _ClassVar[int]
    KEEP_LAST_FIELD_NUMBER: _ClassVar[int]
    field: str
    keep_first: int
    keep_last: int
    def __init__(self, field: _Optional[str] = ..., keep_first: _Optional[int] = ..., keep_last: _Optional[int] = ...) -> None: ...

class LookUpField(_message.Message):
    __slots__ = ("field", "table", "to", "otherwise")
    class TableEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _struct_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...
    FIELD_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    OTHERWISE_FIELD_NUMBER: _ClassVar[int]
    field: str
    table: _containers.MessageMap[str, _struct_pb2.Value]
    to: str
    otherwise: _struct_pb2.Value
    def __init__(self, field: _Optional[str] = ..., table: _Optional[_Mapping[str, _struct_pb2.Value]] = ..., to: _Optional[str] = ..., otherwise: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...

class ParseUserAgent(_message.Message):
    __slots__ = ("field", "to")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    field: str
    to: str
    def __init__(self, field: _Optional[str] = ..., to: _Optional[str] = ...) -> None: ...

class ParseUrl(_message.Message):
    __slots__ = ("field", "to")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    field: str
    to: str
    def __init__(self, field: _Optional[str] = ..., to: _Optional[str] = ...) -> None: ...

class Sessionize(_message.Message):
    __slots__ = ("inactivity",)
    INACTIVITY_FIELD_NUMBER: _ClassVar[int]
    inactivity: _duration_pb2.Duration
    def __init__(self, inactivity: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class GetRulesRequest(_message.Message):
    __slots__ = ("name", "version")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class GetRulesResponse(_message.Message):
    __slots__ = ("rules",)
    RULES_FIELD_NUMBER: _ClassVar[int]
    rules: Rules
    def __init__(self, rules: _Optional[_Union[Rules, _Mapping]] = ...) -> None: ...

class ListRulesVersionsRequest(_message.Message):
    __slots__ = ("name", "page_size", "page_token")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    name: str
    page_size: int
    page_token: str
    def __init__(self, name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListRulesVersionsResponse(_message.Message):
    __slots__ = ("rules", "next_page_token")
    RULES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    rules: _containers.RepeatedCompositeFieldContainer[Rules]
    next_page_token: str
    def __init__(self, rules: _Optional[_Iterable[_Union[Rules, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateRulesRequest(_message.Message):
    __slots__ = ("rules",)
    RULES_FIELD_NUMBER: _ClassVar[int]
    rules: Rules
    def __init__(self, rules: _Optional[_Union[Rules, _Mapping]] = ...) -> None: ...

class UpdateRulesResponse(_message.Message):
    __slots__ = ("rules",)
    RULES_FIELD_NUMBER: _ClassVar[int]
    rules: Rules
    def __init__(self, rules: _Optional[_Union[Rules, _Mapping]] = ...) -> None: ...

class TryRulesRequest(_message.Message):
    __slots__ = ("name", "rules", "schemas", "events", "event_name", "sample_size")
    NAME_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    SCHEMAS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_SIZE_FIELD_NUMBER: _ClassVar[int]
    name: str
    rules: Rules
    schemas: _containers.RepeatedCompositeFieldContainer[_schema_pb2.Schema]
    events: _containers.RepeatedCompositeFieldContainer[_event_pb2.Event]
    event_name: str
    sample_size: int
    def __init__(self, name: _Optional[str] = ..., rules: _Optional[_Union[Rules, _Mapping]] = ..., schemas: _Optional[_Iterable[_Union[_schema_pb2.Schema, _Mapping]]] = ..., events: _Optional[_Iterable[_Union[_event_pb2.Event, _Mapping]]] = ..., event_name: _Optional[str] = ..., sample_size: _Optional[int] = ...) -> None: ...

class TryRulesResponse(_message.Message):
    __slots__ = ("trials", "effects")
    TRIALS_FIELD_NUMBER: _ClassVar[int]
    EFFECTS_FIELD_NUMBER: _ClassVar[int]
    trials: _containers.RepeatedCompositeFieldContainer[Trial]
    effects: _containers.RepeatedCompositeFieldContainer[RuleEffect]
    def __init__(self, trials: _Optional[_Iterable[_Union[Trial, _Mapping]]] = ..., effects: _Optional[_Iterable[_Union[RuleEffect, _Mapping]]] = ...) -> None: ...

class Trial(_message.Message):
    __slots__ = ("before", "after", "changed_fields", "judgement")
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELDS_FIELD_NUMBER: _ClassVar[int]
    JUDGEMENT_FIELD_NUMBER: _ClassVar[int]
    before: _event_pb2.Event
    after: _event_pb2.Event
    changed_fields: _containers.RepeatedScalarFieldContainer[str]
    judgement: Judgement
    def __init__(self, before: _Optional[_Union[_event_pb2.Event, _Mapping]] = ..., after: _Optional[_Union[_event_pb2.Event, _Mapping]] = ..., changed_fields: _Optional[_Iterable[str]] = ..., judgement: _Optional[_Union[Judgement, _Mapping]] = ...) -> None: ...

class Judgement(_message.Message):
    __slots__ = ("outcome", "field", "message", "failed_rules", "schema_version", "rules_version")
    class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        OUTCOME_UNSPECIFIED: _ClassVar[Judgement.Outcome]
        OUTCOME_STORED: _ClassVar[Judgement.Outcome]
        OUTCOME_WARNED: _ClassVar[Judgement.Outcome]
        OUTCOME_DEAD_LETTERED: _ClassVar[Judgement.Outcome]
        OUTCOME_REJECTED: _ClassVar[Judgement.Outcome]
    OUTCOME_UNSPECIFIED: Judgement.Outcome
    OUTCOME_STORED: Judgement.Outcome
    OUTCOME_WARNED: Judgement.Outcome
    OUTCOME_DEAD_LETTERED: Judgement.Outcome
    OUTCOME_REJECTED: Judgement.Outcome
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    FAILED_RULES_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_VERSION_FIELD_NUMBER: _ClassVar[int]
    RULES_VERSION_FIELD_NUMBER: _ClassVar[int]
    outcome: Judgement.Outcome
    field: str
    message: str
    failed_rules: _containers.RepeatedScalarFieldContainer[str]
    schema_version: int
    rules_version: int
    def __init__(self, outcome: _Optional[_Union[Judgement.Outcome, str]] = ..., field: _Optional[str] = ..., message: _Optional[str] = ..., failed_rules: _Optional[_Iterable[str]] = ..., schema_version: _Optional[int] = ..., rules_version: _Optional[int] = ...) -> None: ...

class RuleEffect(_message.Message):
    __slots__ = ("rule_id", "applied_count", "changed_count", "failed_count", "first_failure")
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    APPLIED_COUNT_FIELD_NUMBER: _ClassVar[int]
    CHANGED_COUNT_FIELD_NUMBER: _ClassVar[int]
    FAILED_COUNT_FIELD_NUMBER: _ClassVar[int]
    FIRST_FAILURE_FIELD_NUMBER: _ClassVar[int]
    rule_id: str
    applied_count: int
    changed_count: int
    failed_count: int
    first_failure: str
    def __init__(self, rule_id: _Optional[str] = ..., applied_count: _Optional[int] = ..., changed_count: _Optional[int] = ..., failed_count: _Optional[int] = ..., first_failure: _Optional[str] = ...) -> None: ...
