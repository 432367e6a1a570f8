import datetime

from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from tidemark.v1 import event_pb2 as _event_pb2
from tidemark.v1 import metric_pb2 as _metric_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Operator(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OPERATOR_UNSPECIFIED: _ClassVar[Operator]
    OPERATOR_EQUAL: _ClassVar[Operator]
    OPERATOR_NOT_EQUAL: _ClassVar[Operator]
    OPERATOR_IN: _ClassVar[Operator]
    OPERATOR_NOT_IN: _ClassVar[Operator]
    OPERATOR_LESS: _ClassVar[Operator]
    OPERATOR_LESS_OR_EQUAL: _ClassVar[Operator]
    OPERATOR_GREATER: _ClassVar[Operator]
    OPERATOR_GREATER_OR_EQUAL: _ClassVar[Operator]
    OPERATOR_CONTAINS: _ClassVar[Operator]
    OPERATOR_NOT_CONTAINS: _ClassVar[Operator]
    OPERATOR_STARTS_WITH: _ClassVar[Operator]
    OPERATOR_ENDS_WITH: _ClassVar[Operator]
    OPERATOR_EXISTS: _ClassVar[Operator]
    OPERATOR_NOT_EXISTS: _ClassVar[Operator]
    OPERATOR_MATCHES: _ClassVar[Operator]
    OPERATOR_NOT_MATCHES: _ClassVar[Operator]

class LifecycleState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LIFECYCLE_STATE_UNSPECIFIED: _ClassVar[LifecycleState]
    LIFECYCLE_STATE_NEW: _ClassVar[LifecycleState]
    LIFECYCLE_STATE_RETURNING: _ClassVar[LifecycleState]
    LIFECYCLE_STATE_RESURRECTING: _ClassVar[LifecycleState]
    LIFECYCLE_STATE_DORMANT: _ClassVar[LifecycleState]

class Source(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SOURCE_UNSPECIFIED: _ClassVar[Source]
    SOURCE_EVENTS: _ClassVar[Source]
    SOURCE_METRICS: _ClassVar[Source]

class Aggregation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AGGREGATION_UNSPECIFIED: _ClassVar[Aggregation]
    AGGREGATION_COUNT: _ClassVar[Aggregation]
    AGGREGATION_SUM: _ClassVar[Aggregation]
    AGGREGATION_AVG: _ClassVar[Aggregation]
    AGGREGATION_MIN: _ClassVar[Aggregation]
    AGGREGATION_MAX: _ClassVar[Aggregation]
    AGGREGATION_RATE: _ClassVar[Aggregation]
    AGGREGATION_UNIQUES: _ClassVar[Aggregation]
    AGGREGATION_QUANTILE: _ClassVar[Aggregation]

class Fill(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FILL_UNSPECIFIED: _ClassVar[Fill]
    FILL_NONE: _ClassVar[Fill]
    FILL_ZERO: _ClassVar[Fill]
    FILL_PREVIOUS: _ClassVar[Fill]
    FILL_LINEAR: _ClassVar[Fill]

class Compare(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COMPARE_UNSPECIFIED: _ClassVar[Compare]
    COMPARE_PREVIOUS_PERIOD: _ClassVar[Compare]

class DataSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DATA_SOURCE_UNSPECIFIED: _ClassVar[DataSource]
    DATA_SOURCE_RAW: _ClassVar[DataSource]
    DATA_SOURCE_ROLLUP: _ClassVar[DataSource]
    DATA_SOURCE_SEGMENT: _ClassVar[DataSource]
    DATA_SOURCE_CACHE: _ClassVar[DataSource]
OPERATOR_UNSPECIFIED: Operator
OPERATOR_EQUAL: Operator
OPERATOR_NOT_EQUAL: Operator
OPERATOR_IN: Operator
OPERATOR_NOT_IN: Operator
OPERATOR_LESS: Operator
OPERATOR_LESS_OR_EQUAL: Operator
OPERATOR_GREATER: Operator
OPERATOR_GREATER_OR_EQUAL: Operator
OPERATOR_CONTAINS: Operator
OPERATOR_NOT_CONTAINS: Operator
OPERATOR_STARTS_WITH: Operator
OPERATOR_ENDS_WITH: Operator
OPERATOR_EXISTS: Operator
OPERATOR_NOT_EXISTS: Operator
OPERATOR_MATCHES: Operator
OPERATOR_NOT_MATCHES: Operator
LIFECYCLE_STATE_UNSPECIFIED: LifecycleState
LIFECYCLE_STATE_NEW: LifecycleState
LIFECYCLE_STATE_RETURNING: LifecycleState
LIFECYCLE_STATE_RESURRECTING: LifecycleState
LIFECYCLE_STATE_DORMANT: LifecycleState
SOURCE_UNSPECIFIED: Source
SOURCE_EVENTS: Source
SOURCE_METRICS: Source
AGGREGATION_UNSPECIFIED: Aggregation
AGGREGATION_COUNT: Aggregation
AGGREGATION_SUM: Aggregation
AGGREGATION_AVG: Aggregation
AGGREGATION_MIN: Aggregation
AGGREGATION_MAX: Aggregation
AGGREGATION_RATE: Aggregation
AGGREGATION_UNIQUES: Aggregation
AGGREGATION_QUANTILE: Aggregation
FILL_UNSPECIFIED: Fill
FILL_NONE: Fill
FILL_ZERO: Fill
FILL_PREVIOUS: Fill
FILL_LINEAR: Fill
COMPARE_UNSPECIFIED: Compare
COMPARE_PREVIOUS_PERIOD: Compare
DATA_SOURCE_UNSPECIFIED: DataSource
DATA_SOURCE_RAW: DataSource
DATA_SOURCE_ROLLUP: DataSource
DATA_SOURCE_SEGMENT: DataSource
DATA_SOURCE_CACHE: DataSource

class Query(_message.Message):
    __slots__ = ("time_range", "time_zone", "events", "series", "table", "funnel", "retention", "lifecycle", "sessions", "paths", "people", "window")
    TIME_RANGE_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    FUNNEL_FIELD_NUMBER: _ClassVar[int]
    RETENTION_FIELD_NUMBER: _ClassVar[int]
    LIFECYCLE_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    PATHS_FIELD_NUMBER: _ClassVar[int]
    PEOPLE_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    time_range: TimeRange
    time_zone: str
    events: EventsQuestion
    series: SeriesQuestion
    table: TableQuestion
    funnel: FunnelQuestion
    retention: RetentionQuestion
    lifecycle: LifecycleQuestion
    sessions: SessionsQuestion
    paths: PathsQuestion
    people: PeopleQuestion
    window: WindowQuestion
    def __init__(self, time_range: _Optional[_Union[TimeRange, _Mapping]] = ..., time_zone: _Optional[str] = ..., events: _Optional[_Union[EventsQuestion, _Mapping]] = ..., series: _Optional[_Union[SeriesQuestion, _Mapping]] = ..., table: _Optional[_Union[TableQuestion, _Mapping]] = ..., funnel: _Optional[_Union[FunnelQuestion, _Mapping]] = ..., retention: _Optional[_Union[RetentionQuestion, _Mapping]] = ..., lifecycle: _Optional[_Union[LifecycleQuestion, _Mapping]] = ..., sessions: _Optional[_Union[SessionsQuestion, _Mapping]] = ..., paths: _Optional[_Union[PathsQuestion, _Mapping]] = ..., people: _Optional[_Union[PeopleQuestion, _Mapping]] = ..., window: _Optional[_Union[WindowQuestion, _Mapping]] = ...) -> None: ...

class TimeRange(_message.Message):
    __slots__ = ("start", "end", "last", "calendar")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    CALENDAR_FIELD_NUMBER: _ClassVar[int]
    start: _timestamp_pb2.Timestamp
    end: _timestamp_pb2.Timestamp
    last: _duration_pb2.Duration
    calendar: CalendarRange
    def __init__(self, start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., calendar: _Optional[_Union[CalendarRange, _Mapping]] = ...) -> None: ...

class CalendarRange(_message.Message):
    __slots__ = ("unit", "count", "ago")
    UNIT_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    AGO_FIELD_NUMBER: _ClassVar[int]
    unit: Interval.Unit
    count: int
    ago: int
    def __init__(self, unit: _Optional[_Union[Interval.Unit, str]] = ..., count: _Optional[int] = ..., ago: _Optional[int] = ...) -> None: ...

class Filter(_message.Message):
    __slots__ = ("comparison", "all", "any", "cohort")
    COMPARISON_FIELD_NUMBER: _ClassVar[int]
    ALL_FIELD_NUMBER: _ClassVar[int]
    ANY_FIELD_NUMBER: _ClassVar[int]
    NOT_FIELD_NUMBER: _ClassVar[int]
    COHORT_FIELD_NUMBER: _ClassVar[int]
    comparison: Comparison
    all: FilterGroup
    any: FilterGroup
    cohort: str
    def __init__(self, comparison: _Optional[_Union[Comparison, _Mapping]] = ..., all: _Optional[_Union[FilterGroup, _Mapping]] = ..., any: _Optional[_Union[FilterGroup, _Mapping]] = ..., cohort: _Optional[str] = ..., **kwargs) -> None: ...

class FilterGroup(_message.Message):
    __slots__ = ("filters",)
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    filters: _containers.RepeatedCompositeFieldContainer[Filter]
    def __init__(self, filters: _Optional[_Iterable[_Union[Filter, _Mapping]]] = ...) -> None: ...

class Comparison(_message.Message):
    __slots__ = ("field", "operator", "values")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    field: str
    operator: Operator
    values: _containers.RepeatedCompositeFieldContainer[_struct_pb2.Value]
    def __init__(self, field: _Optional[str] = ..., operator: _Optional[_Union[Operator, str]] = ..., values: _Optional[_Iterable[_Union[_struct_pb2.Value, _Mapping]]] = ...) -> None: ...

class EventsQuestion(_message.Message):
    __slots__ = ("filter",)
    FILTER_FIELD_NUMBER: _ClassVar[int]
    filter: Filter
    def __init__(self, filter: _Optional[_Union[Filter, _Mapping]] = ...) -> None: ...

class SeriesQuestion(_message.Message):
    __slots__ = ("measures", "filter", "interval", "group_by", "top", "fill", "compare", "formulas")
    MEASURES_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    GROUP_BY_FIELD_NUMBER: _ClassVar[int]
    TOP_FIELD_NUMBER: _ClassVar[int]
    FILL_FIELD_NUMBER: _ClassVar[int]
    COMPARE_FIELD_NUMBER: _ClassVar[int]
    FORMULAS_FIELD_NUMBER: _ClassVar[int]
    measures: _containers.RepeatedCompositeFieldContainer[Measure]
    filter: Filter
    interval: Interval
    group_by: _containers.RepeatedScalarFieldContainer[str]
    top: int
    fill: Fill
    compare: Compare
    formulas: _containers.RepeatedCompositeFieldContainer[Formula]
    def __init__(self, measures: _Optional[_Iterable[_Union[Measure, _Mapping]]] = ..., filter: _Optional[_Union[Filter, _Mapping]] = ..., interval: _Optional[_Union[Interval, _Mapping]] = ..., group_by: _Optional[_Iterable[str]] = ..., top: _Optional[int] = ..., fill: _Optional[_Union[Fill, str]] = ..., compare: _Optional[_Union[Compare, str]] = ..., formulas: _Optional[_Iterable[_Union[Formula, _Mapping]]] = ...) -> None: ...

class Formula(_message.Message):
    __slots__ = ("id", "expression", "unit")
    ID_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    id: str
    expression: str
    unit: str
    def __init__(self, id: _Optional[str] = ..., expression: _Optional[str] = ..., unit: _Optional[str] = ...) -> None: ...

class Measure(_message.Message):
    __slots__ = ("id", "source", "name", "aggregation", "field", "quantile", "filter", "hidden")
    ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    AGGREGATION_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    QUANTILE_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    id: str
    source: Source
    name: str
    aggregation: Aggregation
    field: str
    quantile: float
    filter: Filter
    hidden: bool
    def __init__(self, id: _Optional[str] = ..., source: _Optional[_Union[Source, str]] = ..., name: _Optional[str] = ..., aggregation: _Optional[_Union[Aggregation, str]] = ..., field: _Optional[str] = ..., quantile: _Optional[float] = ..., filter: _Optional[_Union[Filter, _Mapping]] = ..., hidden: _Optional[bool] = ...) -> None: ...

class TableQuestion(_message.Message):
    __slots__ = ("measures", "formulas", "filter", "group_by", "top", "order_by", "ascending", "compare")
    MEASURES_FIELD_NUMBER: _ClassVar[int]
    FORMULAS_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    GROUP_BY_FIELD_NUMBER: _ClassVar[int]
    TOP_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    ASCENDING_FIELD_NUMBER: _ClassVar[int]
    COMPARE_FIELD_NUMBER: _ClassVar[int]
    measures: _containers.RepeatedCompositeFieldContainer[Measure]
    formulas: _containers.RepeatedCompositeFieldContainer[Formula]
    filter: Filter
    group_by: _containers.RepeatedScalarFieldContainer[str]
    top: int
    order_by: str
    ascending: bool
    compare: Compare
    def __init__(self, measures: _Optional[_Iterable[_Union[Measure, _Mapping]]] = ..., formulas: _Optional[_Iterable[_Union[Formula, _Mapping]]] = ..., filter: _Optional[_Union[Filter, _Mapping]] = ..., group_by: _Optional[_Iterable[str]] = ..., top: _Optional[int] = ..., order_by: _Optional[str] = ..., ascending: _Optional[bool] = ..., compare: _Optional[_Union[Compare, str]] = ...) -> None: ...

class Step(_message.Message):
    __slots__ = ("name", "filter", "display_name")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    filter: Filter
    display_name: str
    def __init__(self, name: _Optional[str] = ..., filter: _Optional[_Union[Filter, _Mapping]] = ..., display_name: _Optional[str] = ...) -> None: ...

class FunnelQuestion(_message.Message):
    __slots__ = ("steps", "window", "filter", "group_by", "top")
    STEPS_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    GROUP_BY_FIELD_NUMBER: _ClassVar[int]
    TOP_FIELD_NUMBER: _ClassVar[int]
    steps: _containers.RepeatedCompositeFieldContainer[Step]
    window: _duration_pb2.Duration
    filter: Filter
    group_by: str
    top: int
    def __init__(self, steps: _Optional[_Iterable[_Union[Step, _Mapping]]] = ..., window: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., filter: _Optional[_Union[Filter, _Mapping]] = ..., group_by: _Optional[str] = ..., top: _Optional[int] = ...) -> None: ...

class RetentionQuestion(_message.Message):
    __slots__ = ("start", "back", "period", "periods", "mode", "entry", "group_by", "top", "filter")
    class Mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        MODE_UNSPECIFIED: _ClassVar[RetentionQuestion.Mode]
        MODE_ON: _ClassVar[RetentionQuestion.Mode]
        MODE_ON_OR_AFTER: _ClassVar[RetentionQuestion.Mode]
    MODE_UNSPECIFIED: RetentionQuestion.Mode
    MODE_ON: RetentionQuestion.Mode
    MODE_ON_OR_AFTER: RetentionQuestion.Mode
    class Start(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        START_UNSPECIFIED: _ClassVar[RetentionQuestion.Start]
        START_FIRST: _ClassVar[RetentionQuestion.Start]
        START_EVERY: _ClassVar[RetentionQuestion.Start]
    START_UNSPECIFIED: RetentionQuestion.Start
    START_FIRST: RetentionQuestion.Start
    START_EVERY: RetentionQuestion.Start
    START_FIELD_NUMBER: _ClassVar[int]
    BACK_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    PERIODS_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    GROUP_BY_FIELD_NUMBER: _ClassVar[int]
    TOP_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    start: Step
    back: Step
    period: Interval.Unit
    periods: int
    mode: RetentionQuestion.Mode
    entry: RetentionQuestion.Start
    group_by: str
    top: int
    filter: Filter
    def __init__(self, start: _Optional[_Union[Step, _Mapping]] = ..., back: _Optional[_Union[Step, _Mapping]] = ..., period: _Optional[_Union[Interval.Unit, str]] = ..., periods: _Optional[int] = ..., mode: _Optional[_Union[RetentionQuestion.Mode, str]] = ..., entry: _Optional[_Union[RetentionQuestion.Start, str]] = ..., group_by: _Optional[str] = ..., top: _Optional[int] = ..., filter: _Optional[_Union[Filter, _Mapping]] = ...) -> None: ...

class LifecycleQuestion(_message.Message):
    __slots__ = ("activity", "period")
    ACTIVITY_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    activity: Step
    period: Interval.Unit
    def __init__(self, activity: _Optional[_Union[Step, _Mapping]] = ..., period: _Optional[_Union[Interval.Unit, str]] = ...) -> None: ...

class SessionsQuestion(_message.Message):
    __slots__ = ("filter", "gap", "interval", "top")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    GAP_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    TOP_FIELD_NUMBER: _ClassVar[int]
    filter: Filter
    gap: _duration_pb2.Duration
    interval: Interval
    top: int
    def __init__(self, filter: _Optional[_Union[Filter, _Mapping]] = ..., gap: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., interval: _Optional[_Union[Interval, _Mapping]] = ..., top: _Optional[int] = ...) -> None: ...

class PathsQuestion(_message.Message):
    __slots__ = ("start", "backwards", "depth", "top", "step_by", "filter", "gap")
    START_FIELD_NUMBER: _ClassVar[int]
    BACKWARDS_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    TOP_FIELD_NUMBER: _ClassVar[int]
    STEP_BY_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    GAP_FIELD_NUMBER: _ClassVar[int]
    start: Step
    backwards: bool
    depth: int
    top: int
    step_by: str
    filter: Filter
    gap: _duration_pb2.Duration
    def __init__(self, start: _Optional[_Union[Step, _Mapping]] = ..., backwards: _Optional[bool] = ..., depth: _Optional[int] = ..., top: _Optional[int] = ..., step_by: _Optional[str] = ..., filter: _Optional[_Union[Filter, _Mapping]] = ..., gap: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class WindowQuestion(_message.Message):
    __slots__ = ("window", "aggregates", "key", "top")
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    AGGREGATES_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    TOP_FIELD_NUMBER: _ClassVar[int]
    window: str
    aggregates: _containers.RepeatedScalarFieldContainer[str]
    key: _containers.RepeatedScalarFieldContainer[str]
    top: int
    def __init__(self, window: _Optional[str] = ..., aggregates: _Optional[_Iterable[str]] = ..., key: _Optional[_Iterable[str]] = ..., top: _Optional[int] = ...) -> None: ...

class PeopleQuestion(_message.Message):
    __slots__ = ("did", "funnel", "retention", "lifecycle", "cohort")
    DID_FIELD_NUMBER: _ClassVar[int]
    FUNNEL_FIELD_NUMBER: _ClassVar[int]
    RETENTION_FIELD_NUMBER: _ClassVar[int]
    LIFECYCLE_FIELD_NUMBER: _ClassVar[int]
    COHORT_FIELD_NUMBER: _ClassVar[int]
    did: Step
    funnel: FunnelPeople
    retention: RetentionPeople
    lifecycle: LifecyclePeople
    cohort: str
    def __init__(self, did: _Optional[_Union[Step, _Mapping]] = ..., funnel: _Optional[_Union[FunnelPeople, _Mapping]] = ..., retention: _Optional[_Union[RetentionPeople, _Mapping]] = ..., lifecycle: _Optional[_Union[LifecyclePeople, _Mapping]] = ..., cohort: _Optional[str] = ...) -> None: ...

class FunnelPeople(_message.Message):
    __slots__ = ("funnel", "step", "lost", "group")
    FUNNEL_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    LOST_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    funnel: FunnelQuestion
    step: int
    lost: bool
    group: str
    def __init__(self, funnel: _Optional[_Union[FunnelQuestion, _Mapping]] = ..., step: _Optional[int] = ..., lost: _Optional[bool] = ..., group: _Optional[str] = ...) -> None: ...

class RetentionPeople(_message.Message):
    __slots__ = ("retention", "start", "offset", "lost")
    RETENTION_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    LOST_FIELD_NUMBER: _ClassVar[int]
    retention: RetentionQuestion
    start: _timestamp_pb2.Timestamp
    offset: int
    lost: bool
    def __init__(self, retention: _Optional[_Union[RetentionQuestion, _Mapping]] = ..., start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., offset: _Optional[int] = ..., lost: _Optional[bool] = ...) -> None: ...

class LifecyclePeople(_message.Message):
    __slots__ = ("lifecycle", "start", "state")
    LIFECYCLE_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    lifecycle: LifecycleQuestion
    start: _timestamp_pb2.Timestamp
    state: LifecycleState
    def __init__(self, lifecycle: _Optional[_Union[LifecycleQuestion, _Mapping]] = ..., start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[LifecycleState, str]] = ...) -> None: ...

class Interval(_message.Message):
    __slots__ = ("unit", "count")
    class Unit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        UNIT_UNSPECIFIED: _ClassVar[Interval.Unit]
        UNIT_SECOND: _ClassVar[Interval.Unit]
        UNIT_MINUTE: _ClassVar[Interval.Unit]
        UNIT_HOUR: _ClassVar[Interval.Unit]
        UNIT_DAY: _ClassVar[Interval.Unit]
        UNIT_WEEK: _ClassVar[Interval.Unit]
        UNIT_MONTH: _ClassVar[Interval.Unit]
    UNIT_UNSPECIFIED: Interval.Unit
    UNIT_SECOND: Interval.Unit
    UNIT_MINUTE: Interval.Unit
    UNIT_HOUR: Interval.Unit
    UNIT_DAY: Interval.Unit
    UNIT_WEEK: Interval.Unit
    UNIT_MONTH: Interval.Unit
    UNIT_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    unit: Interval.Unit
    count: int
    def __init__(self, unit: _Optional[_Union[Interval.Unit, str]] = ..., count: _Optional[int] = ...) -> None: ...

class QueryMetadata(_message.Message):
    __slots__ = ("query_id", "watermark", "completeness", "source", "error_bound", "elapsed", "data_version", "time_range", "answered_at", "notes", "as_of", "replica_behind")
    QUERY_ID_FIELD_NUMBER: _ClassVar[int]
    WATERMARK_FIELD_NUMBER: _ClassVar[int]
    COMPLETENESS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    ERROR_BOUND_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_FIELD_NUMBER: _ClassVar[int]
    DATA_VERSION_FIELD_NUMBER: _ClassVar[int]
    TIME_RANGE_FIELD_NUMBER: _ClassVar[int]
    ANSWERED_AT_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    REPLICA_BEHIND_FIELD_NUMBER: _ClassVar[int]
    query_id: str
    watermark: _timestamp_pb2.Timestamp
    completeness: float
    source: DataSource
    error_bound: float
    elapsed: _duration_pb2.Duration
    data_version: str
    time_range: TimeRange
    answered_at: _timestamp_pb2.Timestamp
    notes: _containers.RepeatedScalarFieldContainer[str]
    as_of: str
    replica_behind: _duration_pb2.Duration
    def __init__(self, query_id: _Optional[str] = ..., watermark: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., completeness: _Optional[float] = ..., source: _Optional[_Union[DataSource, str]] = ..., error_bound: _Optional[float] = ..., elapsed: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., data_version: _Optional[str] = ..., time_range: _Optional[_Union[TimeRange, _Mapping]] = ..., answered_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., notes: _Optional[_Iterable[str]] = ..., as_of: _Optional[str] = ..., replica_behind: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class StoredEvent(_message.Message):
    __slots__ = ("event", "sent_at", "received_at", "committed_at", "late")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    SENT_AT_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_AT_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_AT_FIELD_NUMBER: _ClassVar[int]
    LATE_FIELD_NUMBER: _ClassVar[int]
    event: _event_pb2.Event
    sent_at: _timestamp_pb2.Timestamp
    received_at: _timestamp_pb2.Timestamp
    committed_at: _timestamp_pb2.Timestamp
    late: bool
    def __init__(self, event: _Optional[_Union[_event_pb2.Event, _Mapping]] = ..., sent_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., received_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., committed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., late: _Optional[bool] = ...) -> None: ...

class EventsResult(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[StoredEvent]
    def __init__(self, events: _Optional[_Iterable[_Union[StoredEvent, _Mapping]]] = ...) -> None: ...

class SeriesResult(_message.Message):
    __slots__ = ("bucket_starts", "series")
    BUCKET_STARTS_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    bucket_starts: _containers.RepeatedCompositeFieldContainer[_timestamp_pb2.Timestamp]
    series: _containers.RepeatedCompositeFieldContainer[Series]
    def __init__(self, bucket_starts: _Optional[_Iterable[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]]] = ..., series: _Optional[_Iterable[_Union[Series, _Mapping]]] = ...) -> None: ...

class Series(_message.Message):
    __slots__ = ("measure_id", "group", "other", "values", "previous_values", "total", "previous_total", "kind", "unit", "late_counts")
    MEASURE_ID_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    OTHER_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_VALUES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    LATE_COUNTS_FIELD_NUMBER: _ClassVar[int]
    measure_id: str
    group: _containers.RepeatedScalarFieldContainer[str]
    other: bool
    values: _containers.RepeatedScalarFieldContainer[float]
    previous_values: _containers.RepeatedScalarFieldContainer[float]
    total: float
    previous_total: float
    kind: _metric_pb2.MetricKind
    unit: str
    late_counts: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, measure_id: _Optional[str] = ..., group: _Optional[_Iterable[str]] = ..., other: _Optional[bool] = ..., values: _Optional[_Iterable[float]] = ..., previous_values: _Optional[_Iterable[float]] = ..., total: _Optional[float] = ..., previous_total: _Optional[float] = ..., kind: _Optional[_Union[_metric_pb2.MetricKind, str]] = ..., unit: _Optional[str] = ..., late_counts: _Optional[_Iterable[int]] = ...) -> None: ...

class TableResult(_message.Message):
    __slots__ = ("columns", "rows", "total")
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedCompositeFieldContainer[TableColumn]
    rows: _containers.RepeatedCompositeFieldContainer[TableRow]
    total: TableRow
    def __init__(self, columns: _Optional[_Iterable[_Union[TableColumn, _Mapping]]] = ..., rows: _Optional[_Iterable[_Union[TableRow, _Mapping]]] = ..., total: _Optional[_Union[TableRow, _Mapping]] = ...) -> None: ...

class TableColumn(_message.Message):
    __slots__ = ("id", "kind", "unit")
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    id: str
    kind: _metric_pb2.MetricKind
    unit: str
    def __init__(self, id: _Optional[str] = ..., kind: _Optional[_Union[_metric_pb2.MetricKind, str]] = ..., unit: _Optional[str] = ...) -> None: ...

class TableRow(_message.Message):
    __slots__ = ("group", "other", "values", "previous_values")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    OTHER_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_VALUES_FIELD_NUMBER: _ClassVar[int]
    group: _containers.RepeatedScalarFieldContainer[str]
    other: bool
    values: _containers.RepeatedScalarFieldContainer[float]
    previous_values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, group: _Optional[_Iterable[str]] = ..., other: _Optional[bool] = ..., values: _Optional[_Iterable[float]] = ..., previous_values: _Optional[_Iterable[float]] = ...) -> None: ...

class FunnelResult(_message.Message):
    __slots__ = ("groups",)
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    groups: _containers.RepeatedCompositeFieldContainer[FunnelGroup]
    def __init__(self, groups: _Optional[_Iterable[_Union[FunnelGroup, _Mapping]]] = ...) -> None: ...

class FunnelGroup(_message.Message):
    __slots__ = ("group", "all", "other", "steps", "time_to_convert")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    ALL_FIELD_NUMBER: _ClassVar[int]
    OTHER_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    TIME_TO_CONVERT_FIELD_NUMBER: _ClassVar[int]
    group: str
    all: bool
    other: bool
    steps: _containers.RepeatedCompositeFieldContainer[FunnelStep]
    time_to_convert: TimeToConvert
    def __init__(self, group: _Optional[str] = ..., all: _Optional[bool] = ..., other: _Optional[bool] = ..., steps: _Optional[_Iterable[_Union[FunnelStep, _Mapping]]] = ..., time_to_convert: _Optional[_Union[TimeToConvert, _Mapping]] = ...) -> None: ...

class FunnelStep(_message.Message):
    __slots__ = ("display_name", "people", "of_first", "of_previous", "median_time", "mean_time")
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    PEOPLE_FIELD_NUMBER: _ClassVar[int]
    OF_FIRST_FIELD_NUMBER: _ClassVar[int]
    OF_PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    MEDIAN_TIME_FIELD_NUMBER: _ClassVar[int]
    MEAN_TIME_FIELD_NUMBER: _ClassVar[int]
    display_name: str
    people: int
    of_first: float
    of_previous: float
    median_time: _duration_pb2.Duration
    mean_time: _duration_pb2.Duration
    def __init__(self, display_name: _Optional[str] = ..., people: _Optional[int] = ..., of_first: _Optional[float] = ..., of_previous: _Optional[float] = ..., median_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., mean_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class TimeToConvert(_message.Message):
    __slots__ = ("median", "p90", "edges", "people")
    MEDIAN_FIELD_NUMBER: _ClassVar[int]
    P90_FIELD_NUMBER: _ClassVar[int]
    EDGES_FIELD_NUMBER: _ClassVar[int]
    PEOPLE_FIELD_NUMBER: _ClassVar[int]
    median: _duration_pb2.Duration
    p90: _duration_pb2.Duration
    edges: _containers.RepeatedScalarFieldContainer[float]
    people: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, median: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., p90: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., edges: _Optional[_Iterable[float]] = ..., people: _Optional[_Iterable[int]] = ...) -> None: ...

class RetentionResult(_message.Message):
    __slots__ = ("groups",)
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    groups: _containers.RepeatedCompositeFieldContainer[RetentionGroup]
    def __init__(self, groups: _Optional[_Iterable[_Union[RetentionGroup, _Mapping]]] = ...) -> None: ...

class RetentionGroup(_message.Message):
    __slots__ = ("group", "all", "other", "rows", "mean")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    ALL_FIELD_NUMBER: _ClassVar[int]
    OTHER_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    group: str
    all: bool
    other: bool
    rows: _containers.RepeatedCompositeFieldContainer[RetentionRow]
    mean: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, group: _Optional[str] = ..., all: _Optional[bool] = ..., other: _Optional[bool] = ..., rows: _Optional[_Iterable[_Union[RetentionRow, _Mapping]]] = ..., mean: _Optional[_Iterable[float]] = ...) -> None: ...

class RetentionRow(_message.Message):
    __slots__ = ("start", "people", "back", "complete")
    START_FIELD_NUMBER: _ClassVar[int]
    PEOPLE_FIELD_NUMBER: _ClassVar[int]
    BACK_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    start: _timestamp_pb2.Timestamp
    people: int
    back: _containers.RepeatedScalarFieldContainer[int]
    complete: int
    def __init__(self, start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., people: _Optional[int] = ..., back: _Optional[_Iterable[int]] = ..., complete: _Optional[int] = ...) -> None: ...

class LifecycleResult(_message.Message):
    __slots__ = ("starts", "new", "returning", "resurrecting", "dormant")
    STARTS_FIELD_NUMBER: _ClassVar[int]
    NEW_FIELD_NUMBER: _ClassVar[int]
    RETURNING_FIELD_NUMBER: _ClassVar[int]
    RESURRECTING_FIELD_NUMBER: _ClassVar[int]
    DORMANT_FIELD_NUMBER: _ClassVar[int]
    starts: _containers.RepeatedCompositeFieldContainer[_timestamp_pb2.Timestamp]
    new: _containers.RepeatedScalarFieldContainer[int]
    returning: _containers.RepeatedScalarFieldContainer[int]
    resurrecting: _containers.RepeatedScalarFieldContainer[int]
    dormant: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, starts: _Optional[_Iterable[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]]] = ..., new: _Optional[_Iterable[int]] = ..., returning: _Optional[_Iterable[int]] = ..., resurrecting: _Optional[_Iterable[int]] = ..., dormant: _Optional[_Iterable[int]] = ...) -> None: ...

class SessionsResult(_message.Message):
    __slots__ = ("bucket_starts", "sessions", "mean_seconds", "bounce_share", "mean_events", "total", "entries", "exits")
    BUCKET_STARTS_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    MEAN_SECONDS_FIELD_NUMBER: _ClassVar[int]
    BOUNCE_SHARE_FIELD_NUMBER: _ClassVar[int]
    MEAN_EVENTS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    EXITS_FIELD_NUMBER: _ClassVar[int]
    bucket_starts: _containers.RepeatedCompositeFieldContainer[_timestamp_pb2.Timestamp]
    sessions: _containers.RepeatedScalarFieldContainer[int]
    mean_seconds: _containers.RepeatedScalarFieldContainer[float]
    bounce_share: _containers.RepeatedScalarFieldContainer[float]
    mean_events: _containers.RepeatedScalarFieldContainer[float]
    total: SessionsTotal
    entries: _containers.RepeatedCompositeFieldContainer[Frequency]
    exits: _containers.RepeatedCompositeFieldContainer[Frequency]
    def __init__(self, bucket_starts: _Optional[_Iterable[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]]] = ..., sessions: _Optional[_Iterable[int]] = ..., mean_seconds: _Optional[_Iterable[float]] = ..., bounce_share: _Optional[_Iterable[float]] = ..., mean_events: _Optional[_Iterable[float]] = ..., total: _Optional[_Union[SessionsTotal, _Mapping]] = ..., entries: _Optional[_Iterable[_Union[Frequency, _Mapping]]] = ..., exits: _Optional[_Iterable[_Union[Frequency, _Mapping]]] = ...) -> None: ...

class SessionsTotal(_message.Message):
    __slots__ = ("sessions", "people", "mean", "median", "bounce_share", "mean_events")
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    PEOPLE_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    MEDIAN_FIELD_NUMBER: _ClassVar[int]
    BOUNCE_SHARE_FIELD_NUMBER: _ClassVar[int]
    MEAN_EVENTS_FIELD_NUMBER: _ClassVar[int]
    sessions: int
    people: int
    mean: _duration_pb2.Duration
    median: _duration_pb2.Duration
    bounce_share: float
    mean_events: float
    def __init__(self, sessions: _Optional[int] = ..., people: _Optional[int] = ..., mean: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., median: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., bounce_share: _Optional[float] = ..., mean_events: _Optional[float] = ...) -> None: ...

class Frequency(_message.Message):
    __slots__ = ("value", "count")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    value: str
    count: int
    def __init__(self, value: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class PathsResult(_message.Message):
    __slots__ = ("nodes", "links", "paths")
    NODES_FIELD_NUMBER: _ClassVar[int]
    LINKS_FIELD_NUMBER: _ClassVar[int]
    PATHS_FIELD_NUMBER: _ClassVar[int]
    nodes: _containers.RepeatedCompositeFieldContainer[PathNode]
    links: _containers.RepeatedCompositeFieldContainer[PathLink]
    paths: int
    def __init__(self, nodes: _Optional[_Iterable[_Union[PathNode, _Mapping]]] = ..., links: _Optional[_Iterable[_Union[PathLink, _Mapping]]] = ..., paths: _Optional[int] = ...) -> None: ...

class PathNode(_message.Message):
    __slots__ = ("step", "value", "other", "paths", "ended")
    STEP_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    OTHER_FIELD_NUMBER: _ClassVar[int]
    PATHS_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    step: int
    value: str
    other: bool
    paths: int
    ended: int
    def __init__(self, step: _Optional[int] = ..., value: _Optional[str] = ..., other: _Optional[bool] = ..., paths: _Optional[int] = ..., ended: _Optional[int] = ...) -> None: ...

class PathLink(_message.Message):
    __slots__ = ("to", "paths")
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    PATHS_FIELD_NUMBER: _ClassVar[int]
    to: int
    paths: int
    def __init__(self, to: _Optional[int] = ..., paths: _Optional[int] = ..., **kwargs) -> None: ...

class PeopleResult(_message.Message):
    __slots__ = ("people", "total")
    PEOPLE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    people: _containers.RepeatedCompositeFieldContainer[Person]
    total: int
    def __init__(self, people: _Optional[_Iterable[_Union[Person, _Mapping]]] = ..., total: _Optional[int] = ...) -> None: ...

class Person(_message.Message):
    __slots__ = ("user_id", "first_seen", "last_seen", "events")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEEN_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    first_seen: _timestamp_pb2.Timestamp
    last_seen: _timestamp_pb2.Timestamp
    events: int
    def __init__(self, user_id: _Optional[str] = ..., first_seen: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_seen: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., events: _Optional[int] = ...) -> None: ...
