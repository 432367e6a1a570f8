import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from tidemark.v1 import access_pb2 as _access_pb2
from tidemark.v1 import dashboard_pb2 as _dashboard_pb2
from tidemark.v1 import insight_pb2 as _insight_pb2
from tidemark.v1 import question_pb2 as _question_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ReportFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REPORT_FORMAT_UNSPECIFIED: _ClassVar[ReportFormat]
    REPORT_FORMAT_PDF: _ClassVar[ReportFormat]
    REPORT_FORMAT_XLSX: _ClassVar[ReportFormat]
    REPORT_FORMAT_CSV: _ClassVar[ReportFormat]
    REPORT_FORMAT_JSON: _ClassVar[ReportFormat]
    REPORT_FORMAT_HTML: _ClassVar[ReportFormat]
REPORT_FORMAT_UNSPECIFIED: ReportFormat
REPORT_FORMAT_PDF: ReportFormat
REPORT_FORMAT_XLSX: ReportFormat
REPORT_FORMAT_CSV: ReportFormat
REPORT_FORMAT_JSON: ReportFormat
REPORT_FORMAT_HTML: ReportFormat

class Report(_message.Message):
    __slots__ = ("name", "display_name", "description", "sections", "template", "time_range", "time_zone", "locale", "filter", "variables", "version", "create_time", "update_time", "etag")
    class VariablesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    SECTIONS_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    TIME_RANGE_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    LOCALE_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    display_name: str
    description: str
    sections: _containers.RepeatedCompositeFieldContainer[Section]
    template: TemplateUse
    time_range: _question_pb2.TimeRange
    time_zone: str
    locale: str
    filter: _question_pb2.Filter
    variables: _containers.ScalarMap[str, str]
    version: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    etag: str
    def __init__(self, name: _Optional[str] = ..., display_name: _Optional[str] = ..., description: _Optional[str] = ..., sections: _Optional[_Iterable[_Union[Section, _Mapping]]] = ..., template: _Optional[_Union[TemplateUse, _Mapping]] = ..., time_range: _Optional[_Union[_question_pb2.TimeRange, _Mapping]] = ..., time_zone: _Optional[str] = ..., locale: _Optional[str] = ..., filter: _Optional[_Union[_question_pb2.Filter, _Mapping]] = ..., variables: _Optional[_Mapping[str, str]] = ..., version: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ...) -> None: ...

class TemplateUse(_message.Message):
    __slots__ = ("name", "version", "values")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    values: _struct_pb2.Struct
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., values: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class Section(_message.Message):
    __slots__ = ("id", "title", "text", "question", "figures", "insights", "forecast", "health", "new_page")
    ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    FIGURES_FIELD_NUMBER: _ClassVar[int]
    INSIGHTS_FIELD_NUMBER: _ClassVar[int]
    FORECAST_FIELD_NUMBER: _ClassVar[int]
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    NEW_PAGE_FIELD_NUMBER: _ClassVar[int]
    id: str
    title: str
    text: TextSection
    question: QuestionSection
    figures: FiguresSection
    insights: InsightsSection
    forecast: ForecastSection
    health: HealthSection
    new_page: bool
    def __init__(self, id: _Optional[str] = ..., title: _Optional[str] = ..., text: _Optional[_Union[TextSection, _Mapping]] = ..., question: _Optional[_Union[QuestionSection, _Mapping]] = ..., figures: _Optional[_Union[FiguresSection, _Mapping]] = ..., insights: _Optional[_Union[InsightsSection, _Mapping]] = ..., forecast: _Optional[_Union[ForecastSection, _Mapping]] = ..., health: _Optional[_Union[HealthSection, _Mapping]] = ..., new_page: _Optional[bool] = ...) -> None: ...

class TextSection(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class QuestionSection(_message.Message):
    __slots__ = ("query", "display", "view")
    class View(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        VIEW_UNSPECIFIED: _ClassVar[QuestionSection.View]
        VIEW_TABLE: _ClassVar[QuestionSection.View]
        VIEW_CHART: _ClassVar[QuestionSection.View]
        VIEW_BOTH: _ClassVar[QuestionSection.View]
    VIEW_UNSPECIFIED: QuestionSection.View
    VIEW_TABLE: QuestionSection.View
    VIEW_CHART: QuestionSection.View
    VIEW_BOTH: QuestionSection.View
    QUERY_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    query: _question_pb2.Query
    display: _dashboard_pb2.Display
    view: QuestionSection.View
    def __init__(self, query: _Optional[_Union[_question_pb2.Query, _Mapping]] = ..., display: _Optional[_Union[_dashboard_pb2.Display, _Mapping]] = ..., view: _Optional[_Union[QuestionSection.View, str]] = ...) -> None: ...

class FiguresSection(_message.Message):
    __slots__ = ("figures",)
    FIGURES_FIELD_NUMBER: _ClassVar[int]
    figures: _containers.RepeatedCompositeFieldContainer[KeyFigure]
    def __init__(self, figures: _Optional[_Iterable[_Union[KeyFigure, _Mapping]]] = ...) -> None: ...

class KeyFigure(_message.Message):
    __slots__ = ("id", "title", "query", "display", "no_comparison")
    ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_FIELD_NUMBER: _ClassVar[int]
    NO_COMPARISON_FIELD_NUMBER: _ClassVar[int]
    id: str
    title: str
    query: _question_pb2.Query
    display: _dashboard_pb2.Display
    no_comparison: bool
    def __init__(self, id: _Optional[str] = ..., title: _Optional[str] = ..., query: _Optional[_Union[_question_pb2.Query, _Mapping]] = ..., display: _Optional[_Union[_dashboard_pb2.Display, _Mapping]] = ..., no_comparison: _Optional[bool] = ...) -> None: ...

class InsightsSection(_message.Message):
    __slots__ = ("least_severity", "limit")
    LEAST_SEVERITY_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    least_severity: _insight_pb2.Severity
    limit: int
    def __init__(self, least_severity: _Optional[_Union[_insight_pb2.Severity, str]] = ..., limit: _Optional[int] = ...) -> None: ...

class ForecastSection(_message.Message):
    __slots__ = ("query", "horizon", "coverage", "display")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    HORIZON_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_FIELD_NUMBER: _ClassVar[int]
    query: _question_pb2.Query
    horizon: int
    coverage: float
    display: _dashboard_pb2.Display
    def __init__(self, query: _Optional[_Union[_question_pb2.Query, _Mapping]] = ..., horizon: _Optional[int] = ..., coverage: _Optional[float] = ..., display: _Optional[_Union[_dashboard_pb2.Display, _Mapping]] = ...) -> None: ...

class HealthSection(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ReportTemplate(_message.Message):
    __slots__ = ("name", "display_name", "description", "parameters", "source", "version", "built_in", "create_time", "etag")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    BUILT_IN_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    display_name: str
    description: str
    parameters: _containers.RepeatedCompositeFieldContainer[TemplateParameter]
    source: str
    version: int
    built_in: bool
    create_time: _timestamp_pb2.Timestamp
    etag: str
    def __init__(self, name: _Optional[str] = ..., display_name: _Optional[str] = ..., description: _Optional[str] = ..., parameters: _Optional[_Iterable[_Union[TemplateParameter, _Mapping]]] = ..., source: _Optional[str] = ..., version: _Optional[int] = ..., built_in: _Optional[bool] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ...) -> None: ...

class TemplateParameter(_message.Message):
    __slots__ = ("id", "display_name", "description", "kind", "default_value")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[TemplateParameter.Kind]
        KIND_NUMBER: _ClassVar[TemplateParameter.Kind]
        KIND_BOOLEAN: _ClassVar[TemplateParameter.Kind]
        KIND_LIST: _ClassVar[TemplateParameter.Kind]
        KIND_EVENT: _ClassVar[TemplateParameter.Kind]
        KIND_EVENTS: _ClassVar[TemplateParameter.Kind]
        KIND_FIELD: _ClassVar[TemplateParameter.Kind]
        KIND_METRIC: _ClassVar[TemplateParameter.Kind]
    KIND_UNSPECIFIED: TemplateParameter.Kind
    KIND_NUMBER: TemplateParameter.Kind
    KIND_BOOLEAN: TemplateParameter.Kind
    KIND_LIST: TemplateParameter.Kind
    KIND_EVENT: TemplateParameter.Kind
    KIND_EVENTS: TemplateParameter.Kind
    KIND_FIELD: TemplateParameter.Kind
    KIND_METRIC: TemplateParameter.Kind
    ID_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_VALUE_FIELD_NUMBER: _ClassVar[int]
    id: str
    display_name: str
    description: str
    kind: TemplateParameter.Kind
    default_value: _struct_pb2.Value
    def __init__(self, id: _Optional[str] = ..., display_name: _Optional[str] = ..., description: _Optional[str] = ..., kind: _Optional[_Union[TemplateParameter.Kind, str]] = ..., default_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...

class CreateReportRequest(_message.Message):
    __slots__ = ("parent", "report_id", "report", "request_id")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    REPORT_ID_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    parent: str
    report_id: str
    report: Report
    request_id: str
    def __init__(self, parent: _Optional[str] = ..., report_id: _Optional[str] = ..., report: _Optional[_Union[Report, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateReportResponse(_message.Message):
    __slots__ = ("report",)
    REPORT_FIELD_NUMBER: _ClassVar[int]
    report: Report
    def __init__(self, report: _Optional[_Union[Report, _Mapping]] = ...) -> None: ...

class GetReportRequest(_message.Message):
    __slots__ = ("name", "version")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class GetReportResponse(_message.Message):
    __slots__ = ("report",)
    REPORT_FIELD_NUMBER: _ClassVar[int]
    report: Report
    def __init__(self, report: _Optional[_Union[Report, _Mapping]] = ...) -> None: ...

class ListReportsRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListReportsResponse(_message.Message):
    __slots__ = ("reports", "next_page_token")
    REPORTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    reports: _containers.RepeatedCompositeFieldContainer[Report]
    next_page_token: str
    def __init__(self, reports: _Optional[_Iterable[_Union[Report, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateReportRequest(_message.Message):
    __slots__ = ("report",)
    REPORT_FIELD_NUMBER: _ClassVar[int]
    report: Report
    def __init__(self, report: _Optional[_Union[Report, _Mapping]] = ...) -> None: ...

class UpdateReportResponse(_message.Message):
    __slots__ = ("report",)
    REPORT_FIELD_NUMBER: _ClassVar[int]
    report: Report
    def __init__(self, report: _Optional[_Union[Report, _Mapping]] = ...) -> None: ...

class DeleteReportRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DeleteReportResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CloneReportRequest(_message.Message):
    __slots__ = ("name", "report_id", "display_name", "expand", "request_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REPORT_ID_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    EXPAND_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    report_id: str
    display_name: str
    expand: bool
    request_id: str
    def __init__(self, name: _Optional[str] = ..., report_id: _Optional[str] = ..., display_name: _Optional[str] = ..., expand: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class CloneReportResponse(_message.Message):
    __slots__ = ("report",)
    REPORT_FIELD_NUMBER: _ClassVar[int]
    report: Report
    def __init__(self, report: _Optional[_Union[Report, _Mapping]] = ...) -> None: ...

class ValidateReportRequest(_message.Message):
    __slots__ = ("parent", "report")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    parent: str
    report: Report
    def __init__(self, parent: _Optional[str] = ..., report: _Optional[_Union[Report, _Mapping]] = ...) -> None: ...

class ValidateReportResponse(_message.Message):
    __slots__ = ("faults",)
    FAULTS_FIELD_NUMBER: _ClassVar[int]
    faults: _containers.RepeatedCompositeFieldContainer[ReportFault]
    def __init__(self, faults: _Optional[_Iterable[_Union[ReportFault, _Mapping]]] = ...) -> None: ...

class ReportFault(_message.Message):
    __slots__ = ("field", "message")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    field: str
    message: str
    def __init__(self, field: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class PreviewReportRequest(_message.Message):
    __slots__ = ("parent", "name", "report", "section_id")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    SECTION_ID_FIELD_NUMBER: _ClassVar[int]
    parent: str
    name: str
    report: Report
    section_id: str
    def __init__(self, parent: _Optional[str] = ..., name: _Optional[str] = ..., report: _Optional[_Union[Report, _Mapping]] = ..., section_id: _Optional[str] = ...) -> None: ...

class PreviewReportResponse(_message.Message):
    __slots__ = ("html", "sections")
    HTML_FIELD_NUMBER: _ClassVar[int]
    SECTIONS_FIELD_NUMBER: _ClassVar[int]
    html: str
    sections: _containers.RepeatedCompositeFieldContainer[SectionProof]
    def __init__(self, html: _Optional[str] = ..., sections: _Optional[_Iterable[_Union[SectionProof, _Mapping]]] = ...) -> None: ...

class SectionProof(_message.Message):
    __slots__ = ("section_id", "tables", "data_version", "watermark", "completeness", "notes")
    SECTION_ID_FIELD_NUMBER: _ClassVar[int]
    TABLES_FIELD_NUMBER: _ClassVar[int]
    DATA_VERSION_FIELD_NUMBER: _ClassVar[int]
    WATERMARK_FIELD_NUMBER: _ClassVar[int]
    COMPLETENESS_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    section_id: str
    tables: _containers.RepeatedCompositeFieldContainer[TableProof]
    data_version: str
    watermark: _timestamp_pb2.Timestamp
    completeness: float
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, section_id: _Optional[str] = ..., tables: _Optional[_Iterable[_Union[TableProof, _Mapping]]] = ..., data_version: _Optional[str] = ..., watermark: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., completeness: _Optional[float] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...

class TableProof(_message.Message):
    __slots__ = ("table_id", "row_count", "columns", "sha256")
    TABLE_ID_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    table_id: str
    row_count: int
    columns: _containers.RepeatedCompositeFieldContainer[ColumnProof]
    sha256: str
    def __init__(self, table_id: _Optional[str] = ..., row_count: _Optional[int] = ..., columns: _Optional[_Iterable[_Union[ColumnProof, _Mapping]]] = ..., sha256: _Optional[str] = ...) -> None: ...

class ColumnProof(_message.Message):
    __slots__ = ("title", "value_count", "sum")
    TITLE_FIELD_NUMBER: _ClassVar[int]
    VALUE_COUNT_FIELD_NUMBER: _ClassVar[int]
    SUM_FIELD_NUMBER: _ClassVar[int]
    title: str
    value_count: int
    sum: float
    def __init__(self, title: _Optional[str] = ..., value_count: _Optional[int] = ..., sum: _Optional[float] = ...) -> None: ...

class CreateReportTemplateRequest(_message.Message):
    __slots__ = ("parent", "report_template_id", "report_template", "request_id")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    REPORT_TEMPLATE_ID_FIELD_NUMBER: _ClassVar[int]
    REPORT_TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    parent: str
    report_template_id: str
    report_template: ReportTemplate
    request_id: str
    def __init__(self, parent: _Optional[str] = ..., report_template_id: _Optional[str] = ..., report_template: _Optional[_Union[ReportTemplate, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateReportTemplateResponse(_message.Message):
    __slots__ = ("report_template",)
    REPORT_TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    report_template: ReportTemplate
    def __init__(self, report_template: _Optional[_Union[ReportTemplate, _Mapping]] = ...) -> None: ...

class GetReportTemplateRequest(_message.Message):
    __slots__ = ("name", "version")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class GetReportTemplateResponse(_message.Message):
    __slots__ = ("report_template",)
    REPORT_TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    report_template: ReportTemplate
    def __init__(self, report_template: _Optional[_Union[ReportTemplate, _Mapping]] = ...) -> None: ...

class ListReportTemplatesRequest(_message.Message):
    __slots__ = ("parent",)
    PARENT_FIELD_NUMBER: _ClassVar[int]
    parent: str
    def __init__(self, parent: _Optional[str] = ...) -> None: ...

class ListReportTemplatesResponse(_message.Message):
    __slots__ = ("report_templates",)
    REPORT_TEMPLATES_FIELD_NUMBER: _ClassVar[int]
    report_templates: _containers.RepeatedCompositeFieldContainer[ReportTemplate]
    def __init__(self, report_templates: _Optional[_Iterable[_Union[ReportTemplate, _Mapping]]] = ...) -> None: ...

class UpdateReportTemplateRequest(_message.Message):
    __slots__ = ("report_template",)
    REPORT_TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    report_template: ReportTemplate
    def __init__(self, report_template: _Optional[_Union[ReportTemplate, _Mapping]] = ...) -> None: ...

class UpdateReportTemplateResponse(_message.Message):
    __slots__ = ("report_template",)
    REPORT_TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    report_template: ReportTemplate
    def __init__(self, report_template: _Optional[_Union[ReportTemplate, _Mapping]] = ...) -> None: ...

class DeleteReportTemplateRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DeleteReportTemplateResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ExpandReportTemplateRequest(_message.Message):
    __slots__ = ("name", "project", "version", "values", "report_template")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    REPORT_TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    name: str
    project: str
    version: int
    values: _struct_pb2.Struct
    report_template: ReportTemplate
    def __init__(self, name: _Optional[str] = ..., project: _Optional[str] = ..., version: _Optional[int] = ..., values: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., report_template: _Optional[_Union[ReportTemplate, _Mapping]] = ...) -> None: ...

class ExpandReportTemplateResponse(_message.Message):
    __slots__ = ("sections",)
    SECTIONS_FIELD_NUMBER: _ClassVar[int]
    sections: _containers.RepeatedCompositeFieldContainer[Section]
    def __init__(self, sections: _Optional[_Iterable[_Union[Section, _Mapping]]] = ...) -> None: ...
