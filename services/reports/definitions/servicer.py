"""ReportService: each method reads the request, has the report examined (`source.py`), asks the store, and builds the answer."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any

from services.kit import audit, page, resource
from services.kit.call import Project
from services.kit.errors import Exhausted, Invalid, NotFound, Refused
from services.kit.identity import named, parent_of, project
from services.reports.build.asked import Asked
from services.reports.build.worker import build
from services.reports.definitions import expansion, parameter, preview
from services.reports.definitions.preview import MAX_ANSWER
from services.reports.definitions.record import template_of
from services.reports.definitions.source import Examined, asked, examined
from services.reports.definitions.store import Store, files
from services.reports.definitions.validate import MAX_BYTES
from services.reports.source import Sources
from tidemark.v1 import report_pb2 as pb
from tidemark.v1 import report_pb2_grpc

PAGE, LARGEST_PAGE = 50, 1000
MOST_PREVIEWS = 3
"""Previews of a project that are built at once."""


class Reports(report_pb2_grpc.ReportServiceServicer):
    """The RPCs of ReportService."""

    def __init__(self, store: Store, sources: Sources) -> None:
        self._store, self._sources = store, sources
        self._previews: Counter[int] = Counter()

    async def CreateReport(self, request: pb.CreateReportRequest, context: Any) -> pb.CreateReportResponse:
        """Makes a report."""
        parent = await parent_of(request.parent)
        report_id = _new_id(request.report_id, parent, "reports", "report_id")
        again = resource.request_id(request.request_id)
        found = await self._sound(parent, request.report)
        made = await self._store.create_report(parent, report_id, found.report, again)
        audit.note(made.name)
        return pb.CreateReportResponse(report=made.message())

    async def GetReport(self, request: pb.GetReportRequest, context: Any) -> pb.GetReportResponse:
        """Reads a report."""
        parent, report_id = await named(request.name, "reports")
        version = _version(request.version)
        found = await self._store.report(parent.project_id, report_id, version)
        return pb.GetReportResponse(report=found.message())

    async def ListReports(self, request: pb.ListReportsRequest, context: Any) -> pb.ListReportsResponse:
        """Lists reports by id."""
        parent = await parent_of(request.parent)
        limit = page.size(request.page_size, PAGE, LARGEST_PAGE)
        (after,) = page.position(request, str) or ("",)
        rows = await self._store.reports(parent.project_id, after, limit + 1)
        sizes = accumulate(len(row.head) + 200 for row in rows)
        shown = max(1, min(limit, sum(size <= MAX_ANSWER for size in sizes)))
        return pb.ListReportsResponse(
            reports=[row.message() for row in rows[:shown]],
            next_page_token=page.token(request, rows[shown - 1].report_id) if len(rows) > shown else "",
        )

    async def UpdateReport(self, request: pb.UpdateReportRequest, context: Any) -> pb.UpdateReportResponse:
        """Changes a report, whole."""
        parent, report_id = await named(request.report.name, "reports", "report.name")
        version = resource.revision(request.report.etag, "report.etag")
        found = await self._sound(parent, request.report)
        changed = await self._store.update_report(parent, report_id, found.report, version)
        return pb.UpdateReportResponse(report=changed.message())

    async def DeleteReport(self, request: pb.DeleteReportRequest, context: Any) -> pb.DeleteReportResponse:
        """Deletes a report."""
        parent, report_id = await named(request.name, "reports")
        await self._store.delete_report(parent, report_id)
        return pb.DeleteReportResponse()

    async def CloneReport(self, request: pb.CloneReportRequest, context: Any) -> pb.CloneReportResponse:
        """Makes a report that is like another."""
        parent, other_id = await named(request.name, "reports")
        report_id = _new_id(request.report_id, parent, "reports", "report_id")
        again = resource.request_id(request.request_id)
        clone = (await self._store.report(parent.project_id, other_id)).message()
        if request.expand and clone.HasField("template"):
            clone.sections.extend(await self._store.sections(parent, clone))
            clone.ClearField("template")
            if clone.ByteSize() > MAX_BYTES:
                raise Invalid("expand", f"makes a report of {clone.ByteSize()} bytes; leave it out")
        room = resource.MAX_NAME - len(" (copy)")
        clone.display_name = request.display_name or f"{clone.display_name[:room]} (copy)"
        resource.display_name(clone.display_name, "display_name")
        made = await self._store.create_report(parent, report_id, clone, again)
        audit.note(made.name)
        return pb.CloneReportResponse(report=made.message())

    async def ValidateReport(
        self, request: pb.ValidateReportRequest, context: Any
    ) -> pb.ValidateReportResponse:
        """Says what is wrong with a report."""
        parent = await parent_of(request.parent)
        now = datetime.now(UTC)
        found = await examined(self._store, parent, request.report, now)
        found = await asked(self._sources, parent, found, now)
        return pb.ValidateReportResponse(faults=found.faults)

    async def PreviewReport(self, request: pb.PreviewReportRequest, context: Any) -> pb.PreviewReportResponse:
        """Builds a report as it would be now."""
        parent = await parent_of(request.parent)
        now = datetime.now(UTC)
        found = await examined(self._store, parent, await self._previewed(request, parent), now)
        found.of(request.section_id).require_sound()
        question = Asked(
            project=parent.name,
            project_title=await self._store.title(parent),
            project_zone=parent.time_zone,
            report=found.report,
            sections=tuple(preview.built(found.sections, request.section_id)),
            now=now,
            row_limit=preview.ROWS,
        )
        async with self._turn(parent), build(self._sources, question, _unheard) as document:
            return await asyncio.to_thread(preview.page, document, request.section_id)

    async def CreateReportTemplate(
        self, request: pb.CreateReportTemplateRequest, context: Any
    ) -> pb.CreateReportTemplateResponse:
        """Makes a template."""
        parent = await parent_of(request.parent)
        template_id = _new_id(request.report_template_id, parent, "reportTemplates", "report_template_id")
        again = resource.request_id(request.request_id)
        await asyncio.to_thread(expansion.check, request.report_template)
        made = await self._store.create_template(parent, template_id, request.report_template, again)
        audit.note(made.name)
        return pb.CreateReportTemplateResponse(report_template=made.message())

    async def GetReportTemplate(
        self, request: pb.GetReportTemplateRequest, context: Any
    ) -> pb.GetReportTemplateResponse:
        """Reads a template."""
        parent, template_id = await _template(request.name, "name")
        version = _version(request.version)
        found = await self._store.template(parent.project_id if parent else None, template_id, version)
        return pb.GetReportTemplateResponse(report_template=found.message())

    async def ListReportTemplates(
        self, request: pb.ListReportTemplatesRequest, context: Any
    ) -> pb.ListReportTemplatesResponse:
        """Lists templates: those that come with Tidemark, then the others by id."""
        parent = await parent_of(request.parent)
        ours = [replace(versions[-1], body=b"") for versions in files().values()]
        rows = [*ours, *await self._store.templates(parent.project_id)]
        return pb.ListReportTemplatesResponse(report_templates=[row.message() for row in rows])

    async def UpdateReportTemplate(
        self, request: pb.UpdateReportTemplateRequest, context: Any
    ) -> pb.UpdateReportTemplateResponse:
        """Makes a new version of a template."""
        given = request.report_template
        parent, template_id = await _own_template(given.name, "report_template.name")
        version = resource.revision(given.etag, "report_template.etag")
        await asyncio.to_thread(expansion.check, given)
        changed = await self._store.update_template(parent, template_id, given, version)
        return pb.UpdateReportTemplateResponse(report_template=changed.message())

    async def DeleteReportTemplate(
        self, request: pb.DeleteReportTemplateRequest, context: Any
    ) -> pb.DeleteReportTemplateResponse:
        """Deletes a template that no report names."""
        parent, template_id = await _own_template(request.name, "name")
        await self._store.delete_template(parent, template_id)
        return pb.DeleteReportTemplateResponse()

    async def ExpandReportTemplate(
        self, request: pb.ExpandReportTemplateRequest, context: Any
    ) -> pb.ExpandReportTemplateResponse:
        """Gives the sections that a template makes."""
        owner, template_id = template_of(request.name, "name")
        parent = await project(request.project or owner, "project" if request.project else "name")
        audit.note(request.name)
        if owner not in ("", parent.name):
            raise Invalid("project", f"is {request.project[:100]!r}, not that of the template; leave it out")
        at = "name"
        if request.HasField("report_template"):
            template, at = request.report_template, "report_template.source"
            parameter.check(template.parameters, "report_template.parameters")
        else:
            version = _version(request.version)
            found = await self._store.template(parent.project_id if owner else None, template_id, version)
            template = found.message()
        made = await asyncio.to_thread(expansion.expanded, template, request.values, at, "values")
        return pb.ExpandReportTemplateResponse(sections=made)

    async def _sound(self, parent: Project, report: pb.Report) -> Examined:
        """A report with which nothing is wrong; raises `Invalid` with all that is."""
        now = datetime.now(UTC)
        found = await examined(self._store, parent, report, now)
        found = await asked(self._sources, parent, found, now)
        found.require_sound()
        return found

    async def _previewed(self, request: pb.PreviewReportRequest, parent: Project) -> pb.Report:
        if request.WhichOneof("source") is None:
            raise Invalid("name", "is empty, and so is report; give one of the two")
        if request.HasField("report"):
            return request.report
        owner, report_id = resource.parted(request.name, "reports", "name")
        if owner != parent.name:
            raise Invalid("name", f"is {request.name[:100]!r}, not of {parent.name}")
        return (await self._store.report(parent.project_id, report_id)).message()

    @asynccontextmanager
    async def _turn(self, parent: Project) -> AsyncIterator[None]:
        """One of the previews that a project may have built at once."""
        if self._previews[parent.project_id] >= MOST_PREVIEWS:
            raise Exhausted(
                f"{MOST_PREVIEWS} previews of the project are being built; ask again when they are",
                retry_after=1.0,
                reason="TOO_MANY_PREVIEWS",
            )
        self._previews[parent.project_id] += 1
        try:
            yield
        finally:
            self._previews[parent.project_id] -= 1


async def _unheard(share: float, step: str) -> None:
    """A preview tells nobody how far it is."""


async def _template(name: str, field: str) -> tuple[Project | None, str]:
    """The project of a template and its id; no project for those that come with Tidemark, which everybody may read."""
    owner, template_id = template_of(name, field)
    audit.note(name)
    return (await project(owner, field) if owner else None), template_id


async def _own_template(name: str, field: str) -> tuple[Project, str]:
    parent, template_id = await _template(name, field)
    if parent is None:
        if template_id not in files():
            raise NotFound(f"there is no template {name[:100]!r}", reason="TEMPLATE_NOT_FOUND")
        raise Refused(f"{name} comes with Tidemark: make one of your own from its source", reason="BUILT_IN")
    return parent, template_id


def _new_id(text: str, parent: Project, collection: str, field: str) -> str:
    """The id that a request wants for something new; empty where it leaves that to us."""
    if text:
        resource.new_id(text, field)
        audit.note(f"{parent.name}/{collection}/{text}")
    return text


def _version(version: int) -> int:
    if version < 0:
        raise Invalid("version", f"is {version}; give one from 1, or 0 for the newest")
    return version
