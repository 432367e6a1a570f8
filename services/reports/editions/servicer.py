"""EditionService: each method reads the request (`request.py`), asks the store, and builds the answer.

What is asked for is begun here and made by `services/reports/runs`. Files go out in pieces as they are stored.
"""

import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from google.api.httpbody_pb2 import HttpBody

from services.kit import audit, page, resource
from services.kit.call import Project, current
from services.kit.errors import Invalid, NotFound
from services.kit.identity import opened, project
from services.kit.instant import us_of
from services.reports.definitions.store import Store as DefinitionStore
from services.reports.delivery.store import Store as DeliveryStore
from services.reports.editions import link
from services.reports.editions import request as read
from services.reports.editions.record import EditionRecord, FileRecord
from services.reports.editions.store import Store
from services.reports.runs.record import RunRecord
from services.reports.runs.store import Store as RunStore
from services.reports.source import Sources
from tidemark.v1 import edition_pb2 as pb
from tidemark.v1 import edition_pb2_grpc
from tidemark.v1.question_pb2 import EventsQuestion, Filter, Query
from tidemark.v1.report_pb2 import Report

PAGE, LARGEST_PAGE = 50, 1000


class Editions(edition_pb2_grpc.EditionServiceServicer):
    """The RPCs of EditionService."""

    def __init__(
        self,
        store: Store,
        runs: RunStore,
        reports: DefinitionStore,
        deliveries: DeliveryStore,
        sources: Sources,
        edge_url: str,
    ) -> None:
        self._store, self._runs, self._reports, self._deliveries = store, runs, reports, deliveries
        self._sources, self._edge_url = sources, edge_url

    async def RunReport(self, request: pb.RunReportRequest, context: Any) -> pb.RunReportResponse:
        """Begins a run."""
        about, report = await self._report(request.name)
        recipients = read.recipients(request.destinations, about.name)
        for each in recipients:
            await self._deliveries.destination(about, each.destination.rpartition("/")[2])
        beside = read.filter_of(request)
        if beside is not None:
            await self._sound(about, beside)
        begun = await self._runs.ask(
            about,
            report,
            formats=read.formats(request.formats),
            recipients=recipients,
            beside=beside,
            time_range=read.time_range(request, report.time_zone or about.time_zone, datetime.now(UTC)),
            request_id=resource.request_id(request.request_id),
        )
        return pb.RunReportResponse(operation=begun.message())

    async def RerunEdition(self, request: pb.RerunEditionRequest, context: Any) -> pb.RerunEditionResponse:
        """Begins to make an edition again."""
        about, edition = await self._edition(request.name)
        formats = read.formats(request.formats)
        manifest = edition.message().manifest
        record = await self._reports.report(about.project_id, edition.report_id, manifest.report_version)
        begun = await self._runs.ask(
            about,
            record.message(),
            formats=formats or [each.format for each in manifest.files],
            repeats=edition.edition_number,
            request_id=resource.request_id(request.request_id),
        )
        return pb.RerunEditionResponse(operation=begun.message())

    async def GetRun(self, request: pb.GetRunRequest, context: Any) -> pb.GetRunResponse:
        """Reads a run."""
        _, found = await self._run(request.name)
        return pb.GetRunResponse(run=found.message())

    async def ListRuns(self, request: pb.ListRunsRequest, context: Any) -> pb.ListRunsResponse:
        """Lists runs, newest first."""
        about, report_id = await self._parent(request.parent)
        limit = page.size(request.page_size, PAGE, LARGEST_PAGE)
        after = page.newest(request)
        span = read.span(request, about.time_zone, datetime.now(UTC))
        report_id, schedule_id = read.schedule(request, about.name, report_id)
        rows = await self._runs.runs(
            about,
            report_id,
            states=read.states(request.states),
            schedule=schedule_id,
            start=span.start if span else None,
            end=span.end if span else None,
            after=after,
            limit=limit + 1,
        )
        last = rows[limit - 1] if len(rows) > limit else None
        return pb.ListRunsResponse(
            runs=[row.message() for row in rows[:limit]],
            next_page_token=page.token(request, us_of(last.created_at), last.run_id) if last else "",
        )

    async def RetryRun(self, request: pb.RetryRunRequest, context: Any) -> pb.RetryRunResponse:
        """Begins a run anew, by its report as it is now; a rerun by that of its edition."""
        about, found = await self._run(request.name)
        version = found.report_version
        if found.repeats is None:
            version = (await self._reports.report(about.project_id, found.report_id)).version
        begun = await self._runs.retry(about, found, version)
        return pb.RetryRunResponse(operation=begun.message())

    async def GetEdition(self, request: pb.GetEditionRequest, context: Any) -> pb.GetEditionResponse:
        """Reads an edition."""
        _, found = await self._edition(request.name)
        return pb.GetEditionResponse(edition=found.message())

    async def ListEditions(self, request: pb.ListEditionsRequest, context: Any) -> pb.ListEditionsResponse:
        """Lists editions, newest first."""
        about, report_id = await self._parent(request.parent)
        limit = page.size(request.page_size, PAGE, LARGEST_PAGE)
        after = page.newest(request)
        rows = await self._store.editions(about, report_id, after, limit + 1)
        last = rows[limit - 1] if len(rows) > limit else None
        return pb.ListEditionsResponse(
            editions=[row.message() for row in rows[:limit]],
            next_page_token=page.token(request, us_of(last.created_at), last.edition_id) if last else "",
        )

    async def DownloadEdition(
        self, request: pb.DownloadEditionRequest, context: Any
    ) -> AsyncIterator[HttpBody]:
        """Gives a file."""
        form = read.form(request.format)
        _, found = await self._edition(request.name)
        async for piece in self._sent(await self._store.file(found, form), context, inline=False):
            yield piece

    async def CreateEditionLink(
        self, request: pb.CreateEditionLinkRequest, context: Any
    ) -> pb.CreateEditionLinkResponse:
        """Makes a link to a file; its token is told here and nowhere else."""
        form = read.form(request.format)
        lifetime = link.lifetime(request.lifetime if request.HasField("lifetime") else None, "lifetime")
        _, found = await self._edition(request.name)
        token = secrets.token_urlsafe(link.BYTES)
        expires_at = await self._store.link(found, form, link.stored(token), lifetime)
        made = pb.CreateEditionLinkResponse(path=link.path(token), url=link.url(self._edge_url, token))
        made.expire_time.FromDatetime(expires_at)
        return made

    async def RevokeEditionLinks(
        self, request: pb.RevokeEditionLinksRequest, context: Any
    ) -> pb.RevokeEditionLinksResponse:
        """Ends all links of an edition."""
        _, found = await self._edition(request.name)
        return pb.RevokeEditionLinksResponse(revoked_count=await self._store.revoke(found))

    async def OpenEditionLink(
        self, request: pb.OpenEditionLinkRequest, context: Any
    ) -> AsyncIterator[HttpBody]:
        """Gives the file behind a link."""
        found = await self._store.behind(link.stored(request.token))
        if found is None:
            raise NotFound(
                "the link has expired, was ended, or never was: ask whoever sent it", reason="LINK_NOT_FOUND"
            )
        opened(Project(found.project_id, found.project, "UTC"), found.edition)
        async for piece in self._sent(found, context, inline=True):
            yield piece

    async def _sent(self, file: FileRecord, context: Any, *, inline: bool) -> AsyncIterator[HttpBody]:
        # What is told before the first piece cannot be taken back: the record comes first.
        await current.get().open()
        await context.send_initial_metadata(link.headers(file.file_name, file.format, inline=inline))
        content_type = file.content_type
        async for piece in self._store.pieces(file):
            yield HttpBody(content_type=content_type, data=piece)
            content_type = ""

    async def _sound(self, about: Project, beside: Filter) -> None:
        """Has query look at a filter before anything is begun; raises what is wrong with it."""
        query = Query(events=EventsQuestion(filter=beside))
        query.time_range.last.FromSeconds(60)
        try:
            await self._sources.explain(about.name, query)
        except Invalid as error:
            field = error.field.replace("query.events.filter", "filter", 1)
            raise Invalid(field, error.description) from error

    async def _report(self, name: str) -> tuple[Project, Report]:
        parent, report_id = read.report(name, "name")
        audit.note(name)
        about = await project(parent, "name")
        return about, (await self._reports.report(about.project_id, report_id)).message()

    async def _run(self, name: str) -> tuple[Project, RunRecord]:
        place = read.place(name, "runs")
        audit.note(name)
        about = await project(place.project, "name")
        return about, await self._runs.run(about, place.report_id, place.last)

    async def _edition(self, name: str) -> tuple[Project, EditionRecord]:
        place = read.place(name, "editions")
        audit.note(name)
        about = await project(place.project, "name")
        return about, await self._store.edition(about, place.report_id, place.last)

    async def _parent(self, name: str) -> tuple[Project, str | None]:
        parent, report_id = read.parent(name)
        audit.note(name)
        return await project(parent, "parent"), report_id
