import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
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

class ForecastMethod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FORECAST_METHOD_UNSPECIFIED: _ClassVar[ForecastMethod]
    FORECAST_METHOD_NAIVE: _ClassVar[ForecastMethod]
    FORECAST_METHOD_SEASONAL_NAIVE: _ClassVar[ForecastMethod]
    FORECAST_METHOD_ETS: _ClassVar[ForecastMethod]
    FORECAST_METHOD_THETA: _ClassVar[ForecastMethod]
    FORECAST_METHOD_BOOSTED: _ClassVar[ForecastMethod]
    FORECAST_METHOD_MEAN: _ClassVar[ForecastMethod]
    FORECAST_METHOD_LINEAR: _ClassVar[ForecastMethod]
FORECAST_METHOD_UNSPECIFIED: ForecastMethod
FORECAST_METHOD_NAIVE: ForecastMethod
FORECAST_METHOD_SEASONAL_NAIVE: ForecastMethod
FORECAST_METHOD_ETS: ForecastMethod
FORECAST_METHOD_THETA: ForecastMethod
FORECAST_METHOD_BOOSTED: ForecastMethod
FORECAST_METHOD_MEAN: ForecastMethod
FORECAST_METHOD_LINEAR: ForecastMethod

class ForecastRequest(_message.Message):
    __slots__ = ("project", "query", "horizon", "coverage", "method", "as_of")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    HORIZON_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    project: str
    query: _question_pb2.Query
    horizon: int
    coverage: float
    method: ForecastMethod
    as_of: str
    def __init__(self, project: _Optional[str] = ..., query: _Optional[_Union[_question_pb2.Query, _Mapping]] = ..., horizon: _Optional[int] = ..., coverage: _Optional[float] = ..., method: _Optional[_Union[ForecastMethod, str]] = ..., as_of: _Optional[str] = ...) -> None: ...

class ForecastResponse(_message.Message):
    __slots__ = ("metadata", "bucket_starts", "series")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    BUCKET_STARTS_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    metadata: _question_pb2.QueryMetadata
    bucket_starts: _containers.RepeatedCompositeFieldContainer[_timestamp_pb2.Timestamp]
    series: _containers.RepeatedCompositeFieldContainer[SeriesForecast]
    def __init__(self, metadata: _Optional[_Union[_question_pb2.QueryMetadata, _Mapping]] = ..., bucket_starts: _Optional[_Iterable[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]]] = ..., series: _Optional[_Iterable[_Union[SeriesForecast, _Mapping]]] = ...) -> None: ...

class SeriesForecast(_message.Message):
    __slots__ = ("measure_id", "group", "other", "unit", "values", "lower", "upper", "method", "members", "seasons", "error", "baseline", "notes")
    MEASURE_ID_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    OTHER_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    SEASONS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    BASELINE_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    measure_id: str
    group: _containers.RepeatedScalarFieldContainer[str]
    other: bool
    unit: str
    values: _containers.RepeatedScalarFieldContainer[float]
    lower: _containers.RepeatedScalarFieldContainer[float]
    upper: _containers.RepeatedScalarFieldContainer[float]
    method: ForecastMethod
    members: _containers.RepeatedScalarFieldContainer[ForecastMethod]
    seasons: _containers.RepeatedScalarFieldContainer[int]
    error: ForecastError
    baseline: ForecastError
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, measure_id: _Optional[str] = ..., group: _Optional[_Iterable[str]] = ..., other: _Optional[bool] = ..., unit: _Optional[str] = ..., values: _Optional[_Iterable[float]] = ..., lower: _Optional[_Iterable[float]] = ..., upper: _Optional[_Iterable[float]] = ..., method: _Optional[_Union[ForecastMethod, str]] = ..., members: _Optional[_Iterable[_Union[ForecastMethod, str]]] = ..., seasons: _Optional[_Iterable[int]] = ..., error: _Optional[_Union[ForecastError, _Mapping]] = ..., baseline: _Optional[_Union[ForecastError, _Mapping]] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...

class ForecastError(_message.Message):
    __slots__ = ("wape", "mase", "mae", "coverage", "origins", "count")
    WAPE_FIELD_NUMBER: _ClassVar[int]
    MASE_FIELD_NUMBER: _ClassVar[int]
    MAE_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    ORIGINS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    wape: float
    mase: float
    mae: float
    coverage: float
    origins: int
    count: int
    def __init__(self, wape: _Optional[float] = ..., mase: _Optional[float] = ..., mae: _Optional[float] = ..., coverage: _Optional[float] = ..., origins: _Optional[int] = ..., count: _Optional[int] = ...) -> None: ...

class BacktestRequest(_message.Message):
    __slots__ = ("project", "query", "horizon", "origins", "step", "coverage", "method")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    HORIZON_FIELD_NUMBER: _ClassVar[int]
    ORIGINS_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    project: str
    query: _question_pb2.Query
    horizon: int
    origins: int
    step: int
    coverage: float
    method: ForecastMethod
    def __init__(self, project: _Optional[str] = ..., query: _Optional[_Union[_question_pb2.Query, _Mapping]] = ..., horizon: _Optional[int] = ..., origins: _Optional[int] = ..., step: _Optional[int] = ..., coverage: _Optional[float] = ..., method: _Optional[_Union[ForecastMethod, str]] = ...) -> None: ...

class BacktestResponse(_message.Message):
    __slots__ = ("metadata", "series")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    metadata: _question_pb2.QueryMetadata
    series: _containers.RepeatedCompositeFieldContainer[SeriesBacktest]
    def __init__(self, metadata: _Optional[_Union[_question_pb2.QueryMetadata, _Mapping]] = ..., series: _Optional[_Iterable[_Union[SeriesBacktest, _Mapping]]] = ...) -> None: ...

class SeriesBacktest(_message.Message):
    __slots__ = ("measure_id", "group", "other", "error", "baseline", "methods", "points")
    MEASURE_ID_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    OTHER_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    BASELINE_FIELD_NUMBER: _ClassVar[int]
    METHODS_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    measure_id: str
    group: _containers.RepeatedScalarFieldContainer[str]
    other: bool
    error: ForecastError
    baseline: ForecastError
    methods: _containers.RepeatedCompositeFieldContainer[MethodError]
    points: _containers.RepeatedCompositeFieldContainer[BacktestPoint]
    def __init__(self, measure_id: _Optional[str] = ..., group: _Optional[_Iterable[str]] = ..., other: _Optional[bool] = ..., error: _Optional[_Union[ForecastError, _Mapping]] = ..., baseline: _Optional[_Union[ForecastError, _Mapping]] = ..., methods: _Optional[_Iterable[_Union[MethodError, _Mapping]]] = ..., points: _Optional[_Iterable[_Union[BacktestPoint, _Mapping]]] = ...) -> None: ...

class MethodError(_message.Message):
    __slots__ = ("method", "error")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    method: ForecastMethod
    error: ForecastError
    def __init__(self, method: _Optional[_Union[ForecastMethod, str]] = ..., error: _Optional[_Union[ForecastError, _Mapping]] = ...) -> None: ...

class BacktestPoint(_message.Message):
    __slots__ = ("origin", "bucket_start", "value", "lower", "upper", "truth")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    BUCKET_START_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    TRUTH_FIELD_NUMBER: _ClassVar[int]
    origin: _timestamp_pb2.Timestamp
    bucket_start: _timestamp_pb2.Timestamp
    value: float
    lower: float
    upper: float
    truth: float
    def __init__(self, origin: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., bucket_start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., value: _Optional[float] = ..., lower: _Optional[float] = ..., upper: _Optional[float] = ..., truth: _Optional[float] = ...) -> None: ...
