import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from tidemark.v1 import access_pb2 as _access_pb2
from tidemark.v1 import question_pb2 as _question_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class InsightType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INSIGHT_TYPE_UNSPECIFIED: _ClassVar[InsightType]
    INSIGHT_TYPE_ANOMALY: _ClassVar[InsightType]
    INSIGHT_TYPE_TREND: _ClassVar[InsightType]
    INSIGHT_TYPE_CORRELATION: _ClassVar[InsightType]
    INSIGHT_TYPE_PREDICTION: _ClassVar[InsightType]
    INSIGHT_TYPE_BUSINESS_IMPACT: _ClassVar[InsightType]

class Severity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEVERITY_UNSPECIFIED: _ClassVar[Severity]
    SEVERITY_LOW: _ClassVar[Severity]
    SEVERITY_MEDIUM: _ClassVar[Severity]
    SEVERITY_HIGH: _ClassVar[Severity]
    SEVERITY_CRITICAL: _ClassVar[Severity]

class Direction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DIRECTION_UNSPECIFIED: _ClassVar[Direction]
    DIRECTION_UP: _ClassVar[Direction]
    DIRECTION_DOWN: _ClassVar[Direction]

class Cause(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CAUSE_UNSPECIFIED: _ClassVar[Cause]
    CAUSE_BUSINESS_CHANGE: _ClassVar[Cause]
    CAUSE_DATA_INCIDENT: _ClassVar[Cause]

class Feedback(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FEEDBACK_UNSPECIFIED: _ClassVar[Feedback]
    FEEDBACK_CONFIRMED: _ClassVar[Feedback]
    FEEDBACK_EXPECTED: _ClassVar[Feedback]
    FEEDBACK_FALSE_ALARM: _ClassVar[Feedback]
INSIGHT_TYPE_UNSPECIFIED: InsightType
INSIGHT_TYPE_ANOMALY: InsightType
INSIGHT_TYPE_TREND: InsightType
INSIGHT_TYPE_CORRELATION: InsightType
INSIGHT_TYPE_PREDICTION: InsightType
INSIGHT_TYPE_BUSINESS_IMPACT: InsightType
SEVERITY_UNSPECIFIED: Severity
SEVERITY_LOW: Severity
SEVERITY_MEDIUM: Severity
SEVERITY_HIGH: Severity
SEVERITY_CRITICAL: Severity
DIRECTION_UNSPECIFIED: Direction
DIRECTION_UP: Direction
DIRECTION_DOWN: Direction
CAUSE_UNSPECIFIED: Cause
CAUSE_BUSINESS_CHANGE: Cause
CAUSE_DATA_INCIDENT: Cause
FEEDBACK_UNSPECIFIED: Feedback
FEEDBACK_CONFIRMED: Feedback
FEEDBACK_EXPECTED: Feedback
FEEDBACK_FALSE_ALARM: Feedback

class Insight(_message.Message):
    __slots__ = ("name", "type", "title", "description", "severity", "confidence", "priority", "state", "detector", "subject", "indicator", "direction", "evidence", "cause", "facts", "contributions", "recommendations", "occurrence_count", "start_time", "end_time", "create_time", "update_time", "expire_time", "feedback", "feedback_by", "incident", "worth")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Insight.State]
        STATE_OPEN: _ClassVar[Insight.State]
        STATE_ACKNOWLEDGED: _ClassVar[Insight.State]
        STATE_DISMISSED: _ClassVar[Insight.State]
        STATE_EXPIRED: _ClassVar[Insight.State]
    STATE_UNSPECIFIED: Insight.State
    STATE_OPEN: Insight.State
    STATE_ACKNOWLEDGED: Insight.State
    STATE_DISMISSED: Insight.State
    STATE_EXPIRED: Insight.State
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DETECTOR_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    INDICATOR_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTIONS_FIELD_NUMBER: _ClassVar[int]
    RECOMMENDATIONS_FIELD_NUMBER: _ClassVar[int]
    OCCURRENCE_COUNT_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    FEEDBACK_FIELD_NUMBER: _ClassVar[int]
    FEEDBACK_BY_FIELD_NUMBER: _ClassVar[int]
    INCIDENT_FIELD_NUMBER: _ClassVar[int]
    WORTH_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: InsightType
    title: str
    description: str
    severity: Severity
    confidence: float
    priority: float
    state: Insight.State
    detector: str
    subject: str
    indicator: str
    direction: Direction
    evidence: Evidence
    cause: Cause
    facts: _containers.RepeatedCompositeFieldContainer[PipelineFact]
    contributions: _containers.RepeatedCompositeFieldContainer[Contribution]
    recommendations: _containers.RepeatedCompositeFieldContainer[Recommendation]
    occurrence_count: int
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    feedback: Feedback
    feedback_by: str
    incident: str
    worth: Worth
    def __init__(self, name: _Optional[str] = ..., type: _Optional[_Union[InsightType, str]] = ..., title: _Optional[str] = ..., description: _Optional[str] = ..., severity: _Optional[_Union[Severity, str]] = ..., confidence: _Optional[float] = ..., priority: _Optional[float] = ..., state: _Optional[_Union[Insight.State, str]] = ..., detector: _Optional[str] = ..., subject: _Optional[str] = ..., indicator: _Optional[str] = ..., direction: _Optional[_Union[Direction, str]] = ..., evidence: _Optional[_Union[Evidence, _Mapping]] = ..., cause: _Optional[_Union[Cause, str]] = ..., facts: _Optional[_Iterable[_Union[PipelineFact, _Mapping]]] = ..., contributions: _Optional[_Iterable[_Union[Contribution, _Mapping]]] = ..., recommendations: _Optional[_Iterable[_Union[Recommendation, _Mapping]]] = ..., occurrence_count: _Optional[int] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., feedback: _Optional[_Union[Feedback, str]] = ..., feedback_by: _Optional[str] = ..., incident: _Optional[str] = ..., worth: _Optional[_Union[Worth, _Mapping]] = ...) -> None: ...

class Worth(_message.Message):
    __slots__ = ("value", "lower", "upper", "unit")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    value: float
    lower: float
    upper: float
    unit: str
    def __init__(self, value: _Optional[float] = ..., lower: _Optional[float] = ..., upper: _Optional[float] = ..., unit: _Optional[str] = ...) -> None: ...

class Evidence(_message.Message):
    __slots__ = ("query", "bucket_starts", "series", "statistics", "method", "completeness")
    class StatisticsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    QUERY_FIELD_NUMBER: _ClassVar[int]
    BUCKET_STARTS_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    STATISTICS_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    COMPLETENESS_FIELD_NUMBER: _ClassVar[int]
    query: _question_pb2.Query
    bucket_starts: _containers.RepeatedCompositeFieldContainer[_timestamp_pb2.Timestamp]
    series: _containers.RepeatedCompositeFieldContainer[EvidenceSeries]
    statistics: _containers.ScalarMap[str, float]
    method: str
    completeness: float
    def __init__(self, query: _Optional[_Union[_question_pb2.Query, _Mapping]] = ..., bucket_starts: _Optional[_Iterable[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]]] = ..., series: _Optional[_Iterable[_Union[EvidenceSeries, _Mapping]]] = ..., statistics: _Optional[_Mapping[str, float]] = ..., method: _Optional[str] = ..., completeness: _Optional[float] = ...) -> None: ...

class EvidenceSeries(_message.Message):
    __slots__ = ("label", "unit", "values", "expected", "lower", "upper", "marked")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    MARKED_FIELD_NUMBER: _ClassVar[int]
    label: str
    unit: str
    values: _containers.RepeatedScalarFieldContainer[float]
    expected: _containers.RepeatedScalarFieldContainer[float]
    lower: _containers.RepeatedScalarFieldContainer[float]
    upper: _containers.RepeatedScalarFieldContainer[float]
    marked: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, label: _Optional[str] = ..., unit: _Optional[str] = ..., values: _Optional[_Iterable[float]] = ..., expected: _Optional[_Iterable[float]] = ..., lower: _Optional[_Iterable[float]] = ..., upper: _Optional[_Iterable[float]] = ..., marked: _Optional[_Iterable[int]] = ...) -> None: ...

class PipelineFact(_message.Message):
    __slots__ = ("kind", "text", "subject", "share", "start_time", "link")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[PipelineFact.Kind]
        KIND_DEAD_LETTERS: _ClassVar[PipelineFact.Kind]
        KIND_REJECTED: _ClassVar[PipelineFact.Kind]
        KIND_SILENT_PRODUCER: _ClassVar[PipelineFact.Kind]
        KIND_LATE_DATA: _ClassVar[PipelineFact.Kind]
        KIND_DUPLICATES: _ClassVar[PipelineFact.Kind]
        KIND_LAG: _ClassVar[PipelineFact.Kind]
        KIND_DEFINITION_CHANGED: _ClassVar[PipelineFact.Kind]
        KIND_NEW_PRODUCER: _ClassVar[PipelineFact.Kind]
    KIND_UNSPECIFIED: PipelineFact.Kind
    KIND_DEAD_LETTERS: PipelineFact.Kind
    KIND_REJECTED: PipelineFact.Kind
    KIND_SILENT_PRODUCER: PipelineFact.Kind
    KIND_LATE_DATA: PipelineFact.Kind
    KIND_DUPLICATES: PipelineFact.Kind
    KIND_LAG: PipelineFact.Kind
    KIND_DEFINITION_CHANGED: PipelineFact.Kind
    KIND_NEW_PRODUCER: PipelineFact.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    kind: PipelineFact.Kind
    text: str
    subject: str
    share: float
    start_time: _timestamp_pb2.Timestamp
    link: str
    def __init__(self, kind: _Optional[_Union[PipelineFact.Kind, str]] = ..., text: _Optional[str] = ..., subject: _Optional[str] = ..., share: _Optional[float] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., link: _Optional[str] = ...) -> None: ...

class Contribution(_message.Message):
    __slots__ = ("fields", "values", "before", "after", "share", "lift")
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    LIFT_FIELD_NUMBER: _ClassVar[int]
    fields: _containers.RepeatedScalarFieldContainer[str]
    values: _containers.RepeatedScalarFieldContainer[str]
    before: float
    after: float
    share: float
    lift: float
    def __init__(self, fields: _Optional[_Iterable[str]] = ..., values: _Optional[_Iterable[str]] = ..., before: _Optional[float] = ..., after: _Optional[float] = ..., share: _Optional[float] = ..., lift: _Optional[float] = ...) -> None: ...

class Recommendation(_message.Message):
    __slots__ = ("action", "expected_effect", "effect", "confidence", "source", "link")
    ACTION_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_EFFECT_FIELD_NUMBER: _ClassVar[int]
    EFFECT_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    action: str
    expected_effect: str
    effect: float
    confidence: float
    source: str
    link: str
    def __init__(self, action: _Optional[str] = ..., expected_effect: _Optional[str] = ..., effect: _Optional[float] = ..., confidence: _Optional[float] = ..., source: _Optional[str] = ..., link: _Optional[str] = ...) -> None: ...

class Indicator(_message.Message):
    __slots__ = ("name", "display_name", "kind", "series", "subject", "good_direction", "threshold", "value_per_unit", "value_unit", "interval", "create_time")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[Indicator.Kind]
        KIND_RETENTION: _ClassVar[Indicator.Kind]
        KIND_ERROR_RATE: _ClassVar[Indicator.Kind]
        KIND_RESPONSE_TIME: _ClassVar[Indicator.Kind]
        KIND_THROUGHPUT: _ClassVar[Indicator.Kind]
        KIND_NAMED: _ClassVar[Indicator.Kind]
    KIND_UNSPECIFIED: Indicator.Kind
    KIND_RETENTION: Indicator.Kind
    KIND_ERROR_RATE: Indicator.Kind
    KIND_RESPONSE_TIME: Indicator.Kind
    KIND_THROUGHPUT: Indicator.Kind
    KIND_NAMED: Indicator.Kind
    NAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    GOOD_DIRECTION_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    VALUE_PER_UNIT_FIELD_NUMBER: _ClassVar[int]
    VALUE_UNIT_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    display_name: str
    kind: Indicator.Kind
    series: _question_pb2.SeriesQuestion
    subject: str
    good_direction: Direction
    threshold: float
    value_per_unit: float
    value_unit: str
    interval: _question_pb2.Interval.Unit
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., display_name: _Optional[str] = ..., kind: _Optional[_Union[Indicator.Kind, str]] = ..., series: _Optional[_Union[_question_pb2.SeriesQuestion, _Mapping]] = ..., subject: _Optional[str] = ..., good_direction: _Optional[_Union[Direction, str]] = ..., threshold: _Optional[float] = ..., value_per_unit: _Optional[float] = ..., value_unit: _Optional[str] = ..., interval: _Optional[_Union[_question_pb2.Interval.Unit, str]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Detector(_message.Message):
    __slots__ = ("anomaly", "trend", "correlation", "impact", "false_discovery_rate")
    ANOMALY_FIELD_NUMBER: _ClassVar[int]
    TREND_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_FIELD_NUMBER: _ClassVar[int]
    IMPACT_FIELD_NUMBER: _ClassVar[int]
    FALSE_DISCOVERY_RATE_FIELD_NUMBER: _ClassVar[int]
    anomaly: AnomalyDetector
    trend: TrendDetector
    correlation: CorrelationDetector
    impact: ImpactDetector
    false_discovery_rate: float
    def __init__(self, anomaly: _Optional[_Union[AnomalyDetector, _Mapping]] = ..., trend: _Optional[_Union[TrendDetector, _Mapping]] = ..., correlation: _Optional[_Union[CorrelationDetector, _Mapping]] = ..., impact: _Optional[_Union[ImpactDetector, _Mapping]] = ..., false_discovery_rate: _Optional[float] = ...) -> None: ...

class AnomalyDetector(_message.Message):
    __slots__ = ("mode",)
    class Mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        MODE_UNSPECIFIED: _ClassVar[AnomalyDetector.Mode]
        MODE_STREAMING: _ClassVar[AnomalyDetector.Mode]
        MODE_BATCH: _ClassVar[AnomalyDetector.Mode]
    MODE_UNSPECIFIED: AnomalyDetector.Mode
    MODE_STREAMING: AnomalyDetector.Mode
    MODE_BATCH: AnomalyDetector.Mode
    MODE_FIELD_NUMBER: _ClassVar[int]
    mode: AnomalyDetector.Mode
    def __init__(self, mode: _Optional[_Union[AnomalyDetector.Mode, str]] = ...) -> None: ...

class TrendDetector(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CorrelationDetector(_message.Message):
    __slots__ = ("largest_lag",)
    LARGEST_LAG_FIELD_NUMBER: _ClassVar[int]
    largest_lag: int
    def __init__(self, largest_lag: _Optional[int] = ...) -> None: ...

class ImpactDetector(_message.Message):
    __slots__ = ("at",)
    AT_FIELD_NUMBER: _ClassVar[int]
    at: _timestamp_pb2.Timestamp
    def __init__(self, at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Baseline(_message.Message):
    __slots__ = ("subject", "query", "figures", "bucket_start", "value", "expected", "lower", "upper", "p_value", "bucket_count")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    FIGURES_FIELD_NUMBER: _ClassVar[int]
    BUCKET_START_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    P_VALUE_FIELD_NUMBER: _ClassVar[int]
    BUCKET_COUNT_FIELD_NUMBER: _ClassVar[int]
    subject: str
    query: _question_pb2.Query
    figures: EventFigures
    bucket_start: _timestamp_pb2.Timestamp
    value: float
    expected: float
    lower: float
    upper: float
    p_value: float
    bucket_count: int
    def __init__(self, subject: _Optional[str] = ..., query: _Optional[_Union[_question_pb2.Query, _Mapping]] = ..., figures: _Optional[_Union[EventFigures, _Mapping]] = ..., bucket_start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., value: _Optional[float] = ..., expected: _Optional[float] = ..., lower: _Optional[float] = ..., upper: _Optional[float] = ..., p_value: _Optional[float] = ..., bucket_count: _Optional[int] = ...) -> None: ...

class EventFigures(_message.Message):
    __slots__ = ("type", "count", "hour_count", "hour_people", "hour_sum", "hour_min", "hour_max", "property_counts")
    class PropertyCountsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    TYPE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    HOUR_COUNT_FIELD_NUMBER: _ClassVar[int]
    HOUR_PEOPLE_FIELD_NUMBER: _ClassVar[int]
    HOUR_SUM_FIELD_NUMBER: _ClassVar[int]
    HOUR_MIN_FIELD_NUMBER: _ClassVar[int]
    HOUR_MAX_FIELD_NUMBER: _ClassVar[int]
    PROPERTY_COUNTS_FIELD_NUMBER: _ClassVar[int]
    type: str
    count: int
    hour_count: int
    hour_people: int
    hour_sum: float
    hour_min: float
    hour_max: float
    property_counts: _containers.ScalarMap[str, int]
    def __init__(self, type: _Optional[str] = ..., count: _Optional[int] = ..., hour_count: _Optional[int] = ..., hour_people: _Optional[int] = ..., hour_sum: _Optional[float] = ..., hour_min: _Optional[float] = ..., hour_max: _Optional[float] = ..., property_counts: _Optional[_Mapping[str, int]] = ...) -> None: ...

class GetInsightRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetInsightResponse(_message.Message):
    __slots__ = ("insight",)
    INSIGHT_FIELD_NUMBER: _ClassVar[int]
    insight: Insight
    def __init__(self, insight: _Optional[_Union[Insight, _Mapping]] = ...) -> None: ...

class ListInsightsRequest(_message.Message):
    __slots__ = ("parent", "types", "least_severity", "states", "cause", "time_range", "search", "order", "page_size", "page_token")
    class Order(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ORDER_UNSPECIFIED: _ClassVar[ListInsightsRequest.Order]
        ORDER_PRIORITY: _ClassVar[ListInsightsRequest.Order]
        ORDER_NEWEST: _ClassVar[ListInsightsRequest.Order]
    ORDER_UNSPECIFIED: ListInsightsRequest.Order
    ORDER_PRIORITY: ListInsightsRequest.Order
    ORDER_NEWEST: ListInsightsRequest.Order
    PARENT_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    LEAST_SEVERITY_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    TIME_RANGE_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    parent: str
    types: _containers.RepeatedScalarFieldContainer[InsightType]
    least_severity: Severity
    states: _containers.RepeatedScalarFieldContainer[Insight.State]
    cause: Cause
    time_range: _question_pb2.TimeRange
    search: str
    order: ListInsightsRequest.Order
    page_size: int
    page_token: str
    def __init__(self, parent: _Optional[str] = ..., types: _Optional[_Iterable[_Union[InsightType, str]]] = ..., least_severity: _Optional[_Union[Severity, str]] = ..., states: _Optional[_Iterable[_Union[Insight.State, str]]] = ..., cause: _Optional[_Union[Cause, str]] = ..., time_range: _Optional[_Union[_question_pb2.TimeRange, _Mapping]] = ..., search: _Optional[str] = ..., order: _Optional[_Union[ListInsightsRequest.Order, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListInsightsResponse(_message.Message):
    __slots__ = ("insights", "next_page_token")
    INSIGHTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    insights: _containers.RepeatedCompositeFieldContainer[Insight]
    next_page_token: str
    def __init__(self, insights: _Optional[_Iterable[_Union[Insight, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchInsightsRequest(_message.Message):
    __slots__ = ("parent", "cursor")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    parent: str
    cursor: str
    def __init__(self, parent: _Optional[str] = ..., cursor: _Optional[str] = ...) -> None: ...

class WatchInsightsResponse(_message.Message):
    __slots__ = ("insights", "cursor")
    INSIGHTS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    insights: _containers.RepeatedCompositeFieldContainer[Insight]
    cursor: str
    def __init__(self, insights: _Optional[_Iterable[_Union[Insight, _Mapping]]] = ..., cursor: _Optional[str] = ...) -> None: ...

class AcknowledgeInsightRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class AcknowledgeInsightResponse(_message.Message):
    __slots__ = ("insight",)
    INSIGHT_FIELD_NUMBER: _ClassVar[int]
    insight: Insight
    def __init__(self, insight: _Optional[_Union[Insight, _Mapping]] = ...) -> None: ...

class GiveFeedbackRequest(_message.Message):
    __slots__ = ("name", "feedback", "comment")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FEEDBACK_FIELD_NUMBER: _ClassVar[int]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    name: str
    feedback: Feedback
    comment: str
    def __init__(self, name: _Optional[str] = ..., feedback: _Optional[_Union[Feedback, str]] = ..., comment: _Optional[str] = ...) -> None: ...

class GiveFeedbackResponse(_message.Message):
    __slots__ = ("insight",)
    INSIGHT_FIELD_NUMBER: _ClassVar[int]
    insight: Insight
    def __init__(self, insight: _Optional[_Union[Insight, _Mapping]] = ...) -> None: ...

class ExplainChangeRequest(_message.Message):
    __slots__ = ("project", "measure", "filter", "after", "before", "fields", "top")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    MEASURE_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    TOP_FIELD_NUMBER: _ClassVar[int]
    project: str
    measure: _question_pb2.Measure
    filter: _question_pb2.Filter
    after: _question_pb2.TimeRange
    before: _question_pb2.TimeRange
    fields: _containers.RepeatedScalarFieldContainer[str]
    top: int
    def __init__(self, project: _Optional[str] = ..., measure: _Optional[_Union[_question_pb2.Measure, _Mapping]] = ..., filter: _Optional[_Union[_question_pb2.Filter, _Mapping]] = ..., after: _Optional[_Union[_question_pb2.TimeRange, _Mapping]] = ..., before: _Optional[_Union[_question_pb2.TimeRange, _Mapping]] = ..., fields: _Optional[_Iterable[str]] = ..., top: _Optional[int] = ...) -> None: ...

class ExplainChangeResponse(_message.Message):
    __slots__ = ("before", "after", "contributions", "facts", "cause")
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTIONS_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    before: float
    after: float
    contributions: _containers.RepeatedCompositeFieldContainer[Contribution]
    facts: _containers.RepeatedCompositeFieldContainer[PipelineFact]
    cause: Cause
    def __init__(self, before: _Optional[float] = ..., after: _Optional[float] = ..., contributions: _Optional[_Iterable[_Union[Contribution, _Mapping]]] = ..., facts: _Optional[_Iterable[_Union[PipelineFact, _Mapping]]] = ..., cause: _Optional[_Union[Cause, str]] = ...) -> None: ...

class RunDetectorRequest(_message.Message):
    __slots__ = ("project", "query", "detector")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    DETECTOR_FIELD_NUMBER: _ClassVar[int]
    project: str
    query: _question_pb2.Query
    detector: Detector
    def __init__(self, project: _Optional[str] = ..., query: _Optional[_Union[_question_pb2.Query, _Mapping]] = ..., detector: _Optional[_Union[Detector, _Mapping]] = ...) -> None: ...

class RunDetectorResponse(_message.Message):
    __slots__ = ("insights", "series_count", "notes", "metadata")
    INSIGHTS_FIELD_NUMBER: _ClassVar[int]
    SERIES_COUNT_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    insights: _containers.RepeatedCompositeFieldContainer[Insight]
    series_count: int
    notes: _containers.RepeatedScalarFieldContainer[str]
    metadata: _question_pb2.QueryMetadata
    def __init__(self, insights: _Optional[_Iterable[_Union[Insight, _Mapping]]] = ..., series_count: _Optional[int] = ..., notes: _Optional[_Iterable[str]] = ..., metadata: _Optional[_Union[_question_pb2.QueryMetadata, _Mapping]] = ...) -> None: ...

class ListDetectorsRequest(_message.Message):
    __slots__ = ("parent",)
    PARENT_FIELD_NUMBER: _ClassVar[int]
    parent: str
    def __init__(self, parent: _Optional[str] = ...) -> None: ...

class ListDetectorsResponse(_message.Message):
    __slots__ = ("detectors", "series_count", "false_discovery_rate")
    DETECTORS_FIELD_NUMBER: _ClassVar[int]
    SERIES_COUNT_FIELD_NUMBER: _ClassVar[int]
    FALSE_DISCOVERY_RATE_FIELD_NUMBER: _ClassVar[int]
    detectors: _containers.RepeatedCompositeFieldContainer[DetectorRecord]
    series_count: int
    false_discovery_rate: float
    def __init__(self, detectors: _Optional[_Iterable[_Union[DetectorRecord, _Mapping]]] = ..., series_count: _Optional[int] = ..., false_discovery_rate: _Optional[float] = ...) -> None: ...

class DetectorRecord(_message.Message):
    __slots__ = ("detector", "description", "run_time", "every", "insight_count", "true_count", "false_count", "precision_lower", "precision_upper")
    DETECTOR_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    RUN_TIME_FIELD_NUMBER: _ClassVar[int]
    EVERY_FIELD_NUMBER: _ClassVar[int]
    INSIGHT_COUNT_FIELD_NUMBER: _ClassVar[int]
    TRUE_COUNT_FIELD_NUMBER: _ClassVar[int]
    FALSE_COUNT_FIELD_NUMBER: _ClassVar[int]
    PRECISION_LOWER_FIELD_NUMBER: _ClassVar[int]
    PRECISION_UPPER_FIELD_NUMBER: _ClassVar[int]
    detector: str
    description: str
    run_time: _timestamp_pb2.Timestamp
    every: _duration_pb2.Duration
    insight_count: int
    true_count: int
    false_count: int
    precision_lower: float
    precision_upper: float
    def __init__(self, detector: _Optional[str] = ..., description: _Optional[str] = ..., run_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., every: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., insight_count: _Optional[int] = ..., true_count: _Optional[int] = ..., false_count: _Optional[int] = ..., precision_lower: _Optional[float] = ..., precision_upper: _Optional[float] = ...) -> None: ...

class ListBaselinesRequest(_message.Message):
    __slots__ = ("parent",)
    PARENT_FIELD_NUMBER: _ClassVar[int]
    parent: str
    def __init__(self, parent: _Optional[str] = ...) -> None: ...

class ListBaselinesResponse(_message.Message):
    __slots__ = ("baselines",)
    BASELINES_FIELD_NUMBER: _ClassVar[int]
    baselines: _containers.RepeatedCompositeFieldContainer[Baseline]
    def __init__(self, baselines: _Optional[_Iterable[_Union[Baseline, _Mapping]]] = ...) -> None: ...

class CreateIndicatorRequest(_message.Message):
    __slots__ = ("parent", "indicator_id", "indicator", "request_id")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    INDICATOR_ID_FIELD_NUMBER: _ClassVar[int]
    INDICATOR_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    parent: str
    indicator_id: str
    indicator: Indicator
    request_id: str
    def __init__(self, parent: _Optional[str] = ..., indicator_id: _Optional[str] = ..., indicator: _Optional[_Union[Indicator, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateIndicatorResponse(_message.Message):
    __slots__ = ("indicator",)
    INDICATOR_FIELD_NUMBER: _ClassVar[int]
    indicator: Indicator
    def __init__(self, indicator: _Optional[_Union[Indicator, _Mapping]] = ...) -> None: ...

class ListIndicatorsRequest(_message.Message):
    __slots__ = ("parent",)
    PARENT_FIELD_NUMBER: _ClassVar[int]
    parent: str
    def __init__(self, parent: _Optional[str] = ...) -> None: ...

class ListIndicatorsResponse(_message.Message):
    __slots__ = ("indicators",)
    INDICATORS_FIELD_NUMBER: _ClassVar[int]
    indicators: _containers.RepeatedCompositeFieldContainer[Indicator]
    def __init__(self, indicators: _Optional[_Iterable[_Union[Indicator, _Mapping]]] = ...) -> None: ...

class DeleteIndicatorRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DeleteIndicatorResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
