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
    __slots__ = ("time_range", "time_zone", "events", "series")
    TIME_RANGE_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    time_range: TimeRange
    time_zone: str
    events: EventsQuestion
    series: SeriesQuestion
    def __init__(self, time_range: _Optional[_Union[TimeRange, _Mapping]] = ..., time_zone: _Optional[str] = ..., events: _Optional[_Union[EventsQuestion, _Mapping]] = ..., series: _Optional[_Union[SeriesQuestion, _Mapping]] = ...) -> None: ...

class TimeRange(_message.Message):
    __slots__ = ("start", "end", "last")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    start: _timestamp_pb2.Timestamp
    end: _timestamp_pb2.Timestamp
    last: _duration_pb2.Duration
    def __init__(self, start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Filter(_message.Message):
    __slots__ = ("comparison", "all", "any")
    COMPARISON_FIELD_NUMBER: _ClassVar[int]
    ALL_FIELD_NUMBER: _ClassVar[int]
    ANY_FIELD_NUMBER: _ClassVar[int]
    NOT_FIELD_NUMBER: _ClassVar[int]
    comparison: Comparison
    all: FilterGroup
    any: FilterGroup
    def __init__(self, comparison: _Optional[_Union[Comparison, _Mapping]] = ..., all: _Optional[_Union[FilterGroup, _Mapping]] = ..., any: _Optional[_Union[FilterGroup, _Mapping]] = ..., **kwargs) -> None: ...

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
    __slots__ = ("measures", "filter", "interval", "group_by", "top", "fill", "compare")
    MEASURES_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    GROUP_BY_FIELD_NUMBER: _ClassVar[int]
    TOP_FIELD_NUMBER: _ClassVar[int]
    FILL_FIELD_NUMBER: _ClassVar[int]
    COMPARE_FIELD_NUMBER: _ClassVar[int]
    measures: _containers.RepeatedCompositeFieldContainer[Measure]
    filter: Filter
    interval: Interval
    group_by: _containers.RepeatedScalarFieldContainer[str]
    top: int
    fill: Fill
    compare: Compare
    def __init__(self, measures: _Optional[_Iterable[_Union[Measure, _Mapping]]] = ..., filter: _Optional[_Union[Filter, _Mapping]] = ..., interval: _Optional[_Union[Interval, _Mapping]] = ..., group_by: _Optional[_Iterable[str]] = ..., top: _Optional[int] = ..., fill: _Optional[_Union[Fill, str]] = ..., compare: _Optional[_Union[Compare, str]] = ...) -> None: ...

class Measure(_message.Message):
    __slots__ = ("id", "source", "name", "aggregation", "field", "quantile")
    ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    AGGREGATION_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    QUANTILE_FIELD_NUMBER: _ClassVar[int]
    id: str
    source: Source
    name: str
    aggregation: Aggregation
    field: str
    quantile: float
    def __init__(self, id: _Optional[str] = ..., source: _Optional[_Union[Source, str]] = ..., name: _Optional[str] = ..., aggregation: _Optional[_Union[Aggregation, str]] = ..., field: _Optional[str] = ..., quantile: _Optional[float] = ...) -> None: ...

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
    __slots__ = ("query_id", "watermark", "completeness", "source", "error_bound", "elapsed", "data_version", "time_range")
    QUERY_ID_FIELD_NUMBER: _ClassVar[int]
    WATERMARK_FIELD_NUMBER: _ClassVar[int]
    COMPLETENESS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    ERROR_BOUND_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_FIELD_NUMBER: _ClassVar[int]
    DATA_VERSION_FIELD_NUMBER: _ClassVar[int]
    TIME_RANGE_FIELD_NUMBER: _ClassVar[int]
    query_id: str
    watermark: _timestamp_pb2.Timestamp
    completeness: float
    source: DataSource
    error_bound: float
    elapsed: _duration_pb2.Duration
    data_version: str
    time_range: TimeRange
    def __init__(self, query_id: _Optional[str] = ..., watermark: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., completeness: _Optional[float] = ..., source: _Optional[_Union[DataSource, str]] = ..., error_bound: _Optional[float] = ..., elapsed: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., data_version: _Optional[str] = ..., time_range: _Optional[_Union[TimeRange, _Mapping]] = ...) -> None: ...

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
    __slots__ = ("measure_id", "group", "other", "values", "previous_values", "total", "previous_total", "kind", "unit")
    MEASURE_ID_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    OTHER_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_VALUES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    measure_id: str
    group: _containers.RepeatedScalarFieldContainer[str]
    other: bool
    values: _containers.RepeatedScalarFieldContainer[float]
    previous_values: _containers.RepeatedScalarFieldContainer[float]
    total: float
    previous_total: float
    kind: _metric_pb2.MetricKind
    unit: str
    def __init__(self, measure_id: _Optional[str] = ..., group: _Optional[_Iterable[str]] = ..., other: _Optional[bool] = ..., values: _Optional[_Iterable[float]] = ..., previous_values: _Optional[_Iterable[float]] = ..., total: _Optional[float] = ..., previous_total: _Optional[float] = ..., kind: _Optional[_Union[_metric_pb2.MetricKind, str]] = ..., unit: _Optional[str] = ...) -> None: ...
