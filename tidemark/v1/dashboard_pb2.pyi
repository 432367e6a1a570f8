import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from tidemark.v1 import access_pb2 as _access_pb2
from tidemark.v1 import query_pb2 as _query_pb2
from tidemark.v1 import question_pb2 as _question_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Dashboard(_message.Message):
    __slots__ = ("name", "display_name", "description", "tiles", "time_range", "time_zone", "filter", "variables", "refresh", "built_in", "create_time", "update_time", "etag")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TILES_FIELD_NUMBER: _ClassVar[int]
    TIME_RANGE_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    REFRESH_FIELD_NUMBER: _ClassVar[int]
    BUILT_IN_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    display_name: str
    description: str
    tiles: _containers.RepeatedCompositeFieldContainer[Tile]
    time_range: _question_pb2.TimeRange
    time_zone: str
    filter: _question_pb2.Filter
    variables: _containers.RepeatedCompositeFieldContainer[Variable]
    refresh: _duration_pb2.Duration
    built_in: bool
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    etag: str
    def __init__(self, name: _Optional[str] = ..., display_name: _Optional[str] = ..., description: _Optional[str] = ..., tiles: _Optional[_Iterable[_Union[Tile, _Mapping]]] = ..., time_range: _Optional[_Union[_question_pb2.TimeRange, _Mapping]] = ..., time_zone: _Optional[str] = ..., filter: _Optional[_Union[_question_pb2.Filter, _Mapping]] = ..., variables: _Optional[_Iterable[_Union[Variable, _Mapping]]] = ..., refresh: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., built_in: _Optional[bool] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ...) -> None: ...

class Tile(_message.Message):
    __slots__ = ("id", "title", "layout", "query", "text", "display")
    ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    LAYOUT_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_FIELD_NUMBER: _ClassVar[int]
    id: str
    title: str
    layout: Layout
    query: _question_pb2.Query
    text: str
    display: Display
    def __init__(self, id: _Optional[str] = ..., title: _Optional[str] = ..., layout: _Optional[_Union[Layout, _Mapping]] = ..., query: _Optional[_Union[_question_pb2.Query, _Mapping]] = ..., text: _Optional[str] = ..., display: _Optional[_Union[Display, _Mapping]] = ...) -> None: ...

class Layout(_message.Message):
    __slots__ = ("x", "y", "width", "height")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    x: int
    y: int
    width: int
    height: int
    def __init__(self, x: _Optional[int] = ..., y: _Optional[int] = ..., width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...

class Display(_message.Message):
    __slots__ = ("kind", "stacked", "unit", "decimals", "less_is_better")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[Display.Kind]
        KIND_LINE: _ClassVar[Display.Kind]
        KIND_AREA: _ClassVar[Display.Kind]
        KIND_BAR: _ClassVar[Display.Kind]
        KIND_NUMBER: _ClassVar[Display.Kind]
        KIND_TABLE: _ClassVar[Display.Kind]
        KIND_FUNNEL: _ClassVar[Display.Kind]
        KIND_RETENTION: _ClassVar[Display.Kind]
        KIND_EVENTS: _ClassVar[Display.Kind]
        KIND_PATHS: _ClassVar[Display.Kind]
    KIND_UNSPECIFIED: Display.Kind
    KIND_LINE: Display.Kind
    KIND_AREA: Display.Kind
    KIND_BAR: Display.Kind
    KIND_NUMBER: Display.Kind
    KIND_TABLE: Display.Kind
    KIND_FUNNEL: Display.Kind
    KIND_RETENTION: Display.Kind
    KIND_EVENTS: Display.Kind
    KIND_PATHS: Display.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    STACKED_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    DECIMALS_FIELD_NUMBER: _ClassVar[int]
    LESS_IS_BETTER_FIELD_NUMBER: _ClassVar[int]
    kind: Display.Kind
    stacked: bool
    unit: str
    decimals: int
    less_is_better: bool
    def __init__(self, kind: _Optional[_Union[Display.Kind, str]] = ..., stacked: _Optional[bool] = ..., unit: _Optional[str] = ..., decimals: _Optional[int] = ..., less_is_better: _Optional[bool] = ...) -> None: ...

class Variable(_message.Message):
    __slots__ = ("id", "display_name", "field", "values")
    ID_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    id: str
    display_name: str
    field: str
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[str] = ..., display_name: _Optional[str] = ..., field: _Optional[str] = ..., values: _Optional[_Iterable[str]] = ...) -> None: ...

class CreateDashboardRequest(_message.Message):
    __slots__ = ("parent", "dashboard_id", "dashboard", "request_id")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    DASHBOARD_ID_FIELD_NUMBER: _ClassVar[int]
    DASHBOARD_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    parent: str
    dashboard_id: str
    dashboard: Dashboard
    request_id: str
    def __init__(self, parent: _Optional[str] = ..., dashboard_id: _Optional[str] = ..., dashboard: _Optional[_Union[Dashboard, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateDashboardResponse(_message.Message):
    __slots__ = ("dashboard",)
    DASHBOARD_FIELD_NUMBER: _ClassVar[int]
    dashboard: Dashboard
    def __init__(self, dashboard: _Optional[_Union[Dashboard, _Mapping]] = ...) -> None: ...

class GetDashboardRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetDashboardResponse(_message.Message):
    __slots__ = ("dashboard",)
    DASHBOARD_FIELD_NUMBER: _ClassVar[int]
    dashboard: Dashboard
    def __init__(self, dashboard: _Optional[_Union[Dashboard, _Mapping]] = ...) -> None: ...

class ListDashboardsRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListDashboardsResponse(_message.Message):
    __slots__ = ("dashboards", "next_page_token")
    DASHBOARDS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    dashboards: _containers.RepeatedCompositeFieldContainer[Dashboard]
    next_page_token: str
    def __init__(self, dashboards: _Optional[_Iterable[_Union[Dashboard, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateDashboardRequest(_message.Message):
    __slots__ = ("dashboard", "update_mask")
    DASHBOARD_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    dashboard: Dashboard
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, dashboard: _Optional[_Union[Dashboard, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class UpdateDashboardResponse(_message.Message):
    __slots__ = ("dashboard",)
    DASHBOARD_FIELD_NUMBER: _ClassVar[int]
    dashboard: Dashboard
    def __init__(self, dashboard: _Optional[_Union[Dashboard, _Mapping]] = ...) -> None: ...

class DeleteDashboardRequest(_message.Message):
    __slots__ = ("name", "etag")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    etag: str
    def __init__(self, name: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...

class DeleteDashboardResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CloneDashboardRequest(_message.Message):
    __slots__ = ("name", "dashboard_id", "display_name", "request_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DASHBOARD_ID_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    dashboard_id: str
    display_name: str
    request_id: str
    def __init__(self, name: _Optional[str] = ..., dashboard_id: _Optional[str] = ..., display_name: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class CloneDashboardResponse(_message.Message):
    __slots__ = ("dashboard",)
    DASHBOARD_FIELD_NUMBER: _ClassVar[int]
    dashboard: Dashboard
    def __init__(self, dashboard: _Optional[_Union[Dashboard, _Mapping]] = ...) -> None: ...

class WatchDashboardRequest(_message.Message):
    __slots__ = ("project", "name", "draft", "time_range", "filter", "variables", "cursor")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DRAFT_FIELD_NUMBER: _ClassVar[int]
    TIME_RANGE_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    project: str
    name: str
    draft: Dashboard
    time_range: _question_pb2.TimeRange
    filter: _question_pb2.Filter
    variables: _containers.RepeatedCompositeFieldContainer[VariableValues]
    cursor: str
    def __init__(self, project: _Optional[str] = ..., name: _Optional[str] = ..., draft: _Optional[_Union[Dashboard, _Mapping]] = ..., time_range: _Optional[_Union[_question_pb2.TimeRange, _Mapping]] = ..., filter: _Optional[_Union[_question_pb2.Filter, _Mapping]] = ..., variables: _Optional[_Iterable[_Union[VariableValues, _Mapping]]] = ..., cursor: _Optional[str] = ...) -> None: ...

class VariableValues(_message.Message):
    __slots__ = ("id", "values")
    ID_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    id: str
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[str] = ..., values: _Optional[_Iterable[str]] = ...) -> None: ...

class WatchDashboardResponse(_message.Message):
    __slots__ = ("cursor", "tiles", "watermark", "etag", "sent_at")
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    TILES_FIELD_NUMBER: _ClassVar[int]
    WATERMARK_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SENT_AT_FIELD_NUMBER: _ClassVar[int]
    cursor: str
    tiles: _containers.RepeatedCompositeFieldContainer[TileAnswer]
    watermark: _timestamp_pb2.Timestamp
    etag: str
    sent_at: _timestamp_pb2.Timestamp
    def __init__(self, cursor: _Optional[str] = ..., tiles: _Optional[_Iterable[_Union[TileAnswer, _Mapping]]] = ..., watermark: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ..., sent_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class TileAnswer(_message.Message):
    __slots__ = ("tile_id", "answer", "error")
    TILE_ID_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    tile_id: str
    answer: _query_pb2.WatchQueryResponse
    error: _status_pb2.Status
    def __init__(self, tile_id: _Optional[str] = ..., answer: _Optional[_Union[_query_pb2.WatchQueryResponse, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...
