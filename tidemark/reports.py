"""Reports: definitions and templates; reached as `client.reports`, answered by `ReportService`. What is made of them is in `editions.py`.

    await client.reports.create("Weekly", template="executive-summary", values={"conversion": "order_placed"}, locale="de")
    await client.reports.create(Path("weekly.yaml").read_text())
    for fault in await client.reports.validate({"displayName": "Weekly", "sections": []}): print(fault.field, fault.message)
    page = (await client.reports.preview("weekly")).html

A report is given as a message of the contract, as its fields as REST spells them, or as the text of a file, JSON or, where PyYAML is
installed, YAML. The file of a template has the fields, a line `---`, and the source. A report or template is told by its id or its name;
templates that come with Tidemark are told by their ids, too.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any, TypeVar
from uuid import uuid4

import orjson
from google.protobuf.json_format import MessageToDict, MessageToJson, ParseDict, ParseError
from google.protobuf.struct_pb2 import Struct, Value

from tidemark.channel import answered
from tidemark.errors import NotFound
from tidemark.scope import Scope
from tidemark.v1 import report_pb2 as pb
from tidemark.v1 import report_pb2_grpc

Values = Mapping[str, Any]
Given = pb.Report | Values | str
GivenTemplate = pb.ReportTemplate | Values | str
OURS = "projects/-/reportTemplates/"
SOURCE = "\n---\n"
"""Stands between the fields of a template and its source."""
PREVIEW_SECONDS = 60.0
"""How long a preview may take to be built."""

_OURS = ("name", "version", "create_time", "update_time", "etag", "built_in")
"""What a file need not say: the server gives it."""

M = TypeVar("M", pb.Report, pb.ReportTemplate)


class Reports(Scope):
    """The reports and templates of the client's project; needs a key of role analyst or admin to change them."""

    _service = report_pb2_grpc.ReportServiceStub

    async def create(
        self,
        report: Given,
        *,
        template: str = "",
        version: int = 0,
        values: Values | None = None,
        report_id: str = "",
        **fields: Any,
    ) -> pb.Report:
        """Makes a report: of a message, fields or a file; or, with a `template`, of a title and what is chosen for it.

        `fields` are those of the report beside, as in `locale="de"` or `time_zone="Europe/Berlin"`.
        """
        if template:
            given = pb.Report(display_name=str(report), **fields)
            given.template.name, given.template.version = await self._template(template), version
            given.template.values.update(values or {})
        else:
            given = pb.Report(**fields)
            given.MergeFrom(report_of(report))
        request = pb.CreateReportRequest(
            parent=await self._parent(), report_id=report_id, report=given, request_id=str(uuid4())
        )
        return (await self._ask(self._stub.CreateReport, request)).report  # type: ignore[no-any-return]

    async def get(self, report: str, *, version: int = 0) -> pb.Report:
        """Reads a report, as it is or as it was at a version."""
        request = pb.GetReportRequest(name=await self._named("reports", report), version=version)
        return (await self._ask(self._stub.GetReport, request)).report  # type: ignore[no-any-return]

    async def all(self) -> AsyncIterator[pb.Report]:
        """The reports of the project by id, without their sections."""
        request = pb.ListReportsRequest(parent=await self._parent())
        async for page in self._pages(self._stub.ListReports, request):
            for report in page.reports:
                yield report

    async def update(self, report: pb.Report) -> pb.Report:
        """Changes a report that was read, whole; fails where somebody else has changed it since, unless its etag is taken out."""
        request = pb.UpdateReportRequest(report=report)
        request.report.name = await self._named("reports", report.name)
        return (await self._ask(self._stub.UpdateReport, request)).report  # type: ignore[no-any-return]

    async def delete(self, report: str) -> None:
        """Deletes a report and its schedules; its editions stay."""
        request = pb.DeleteReportRequest(name=await self._named("reports", report))
        await self._ask(self._stub.DeleteReport, request)

    async def clone(
        self, report: str, *, display_name: str = "", report_id: str = "", expand: bool = False
    ) -> pb.Report:
        """Makes a report that is like another; with `expand` the clone has the sections that a template makes as its own."""
        request = pb.CloneReportRequest(
            name=await self._named("reports", report),
            report_id=report_id,
            display_name=display_name,
            expand=expand,
            request_id=str(uuid4()),
        )
        return (await self._ask(self._stub.CloneReport, request)).report  # type: ignore[no-any-return]

    async def validate(self, report: Given) -> list[pb.ReportFault]:
        """Everything that is wrong with a report, each with its field; nothing is kept."""
        request = pb.ValidateReportRequest(parent=await self._parent(), report=report_of(report))
        return list((await self._ask(self._stub.ValidateReport, request)).faults)

    async def preview(self, report: Given, *, section: str = "") -> pb.PreviewReportResponse:
        """A report as it would be now, or one section of it, as a page of HTML; a text without a line break names a saved one."""
        request = pb.PreviewReportRequest(parent=await self._parent(), section_id=section)
        if isinstance(report, str) and "\n" not in report and not report.lstrip().startswith("{"):
            request.name = await self._named("reports", report)
        else:
            request.report.CopyFrom(report_of(report))
        call = self._stub.PreviewReport(request, metadata=self._metadata, timeout=PREVIEW_SECONDS)
        return await answered(call)  # type: ignore[no-any-return]

    async def create_template(self, template: GivenTemplate, *, template_id: str = "") -> pb.ReportTemplate:
        """Makes a template of a message, fields or a file."""
        request = pb.CreateReportTemplateRequest(
            parent=await self._parent(),
            report_template_id=template_id,
            report_template=template_of(template),
            request_id=str(uuid4()),
        )
        return (await self._ask(self._stub.CreateReportTemplate, request)).report_template  # type: ignore[no-any-return]

    async def template(self, template: str, *, version: int = 0) -> pb.ReportTemplate:
        """Reads a template, the newest version or an older one."""
        request = pb.GetReportTemplateRequest(name=await self._template(template), version=version)
        return (await self._ask(self._stub.GetReportTemplate, request)).report_template  # type: ignore[no-any-return]

    async def templates(self) -> list[pb.ReportTemplate]:
        """The newest version of each template without its source: those that come with Tidemark, then those of the project."""
        request = pb.ListReportTemplatesRequest(parent=await self._parent())
        return list((await self._ask(self._stub.ListReportTemplates, request)).report_templates)

    async def update_template(self, template: pb.ReportTemplate) -> pb.ReportTemplate:
        """Makes a new version of a template that was read; reports keep the version they name."""
        request = pb.UpdateReportTemplateRequest(report_template=template)
        request.report_template.name = await self._named("reportTemplates", template.name)
        return (await self._ask(self._stub.UpdateReportTemplate, request)).report_template  # type: ignore[no-any-return]

    async def delete_template(self, template: str) -> None:
        """Deletes a template that no report names."""
        request = pb.DeleteReportTemplateRequest(name=await self._named("reportTemplates", template))
        await self._ask(self._stub.DeleteReportTemplate, request)

    async def expand(
        self, template: str, values: Values | None = None, *, version: int = 0
    ) -> list[pb.Section]:
        """The sections that a template makes with these values."""
        request = pb.ExpandReportTemplateRequest(
            name=await self._template(template), project=await self._parent(), version=version
        )
        request.values.update(values or {})
        return list((await self._ask(self._stub.ExpandReportTemplate, request)).sections)

    async def _template(self, text: str) -> str:
        """The name of a template: the project's own where there is one of this id."""
        if "/" in text:
            return text
        own = await self._named("reportTemplates", text)
        try:
            await self._ask(self._stub.GetReportTemplate, pb.GetReportTemplateRequest(name=own))
        except NotFound:
            return f"{OURS}{text}"
        return own


def report_of(given: Given) -> pb.Report:
    """A report as a message; raises `ValueError` for what is none."""
    return _message(given, pb.Report)


def template_of(given: GivenTemplate) -> pb.ReportTemplate:
    """A template as a message; raises `ValueError` for what is none."""
    if not isinstance(given, str) or SOURCE not in given:
        return _message(given, pb.ReportTemplate)
    fields, _, source = given.partition(SOURCE)
    template = _message(fields, pb.ReportTemplate)
    template.source = source
    return template


def to_file(definition: pb.Report | pb.ReportTemplate, *, yaml: bool = False) -> str:
    """A report or template as a file that makes it again."""
    kept: Any = type(definition)()
    kept.CopyFrom(definition)
    for name in (*_OURS, "source"):
        if name in kept.DESCRIPTOR.fields_by_name:
            kept.ClearField(name)
    if yaml:
        text = str(_yaml().safe_dump(MessageToDict(kept), allow_unicode=True, sort_keys=False, width=120))
    else:
        text = f"{MessageToJson(kept, ensure_ascii=False)}\n"
    return text if isinstance(definition, pb.Report) else f"{text.rstrip()}{SOURCE}{definition.source}"


def plain(value: Struct | Value) -> Any:
    """What was chosen, as JSON has it."""
    return MessageToDict(value)


def _message(given: M | Values | str, kind: type[M]) -> M:
    if isinstance(given, kind):
        return given
    try:
        fields = _fields(given) if isinstance(given, str) else given
        if not isinstance(fields, Mapping):
            raise ParseError("it holds no fields")
        return ParseDict(dict(fields), kind())
    except (ParseError, TypeError, AttributeError) as error:
        noun = "report" if kind is pb.Report else "template"
        raise ValueError(f"{noun}: is none: {error}") from error


def _fields(text: str) -> Any:
    """What a file says."""
    if text.lstrip().startswith("{"):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise ParseError(str(error)) from error
    yaml = _yaml()
    loader: Any = type("Loader", (yaml.SafeLoader,), {})
    # Instants are texts to the contract.
    loader.yaml_implicit_resolvers = {
        sign: [each for each in resolvers if not each[0].endswith(":timestamp")]
        for sign, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        return yaml.load(text, Loader=loader)
    except yaml.YAMLError as error:
        raise ParseError(str(error)) from error


def _yaml() -> Any:
    try:
        import yaml
    except ImportError as error:
        raise ValueError("yaml: needs PyYAML; install tidemark[yaml], or write JSON") from error
    return yaml
