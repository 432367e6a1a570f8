"""Editions: reports that are made, proven and kept; reached as `client.editions`, answered by `EditionService`.

    run = await client.editions.run("weekly", formats=["pdf", "xlsx"], last="7d", on_progress=print)
    edition = await client.editions.get(run.editions[0])
    await client.editions.download(edition.name, "pdf", to="weekly.pdf")
    again = await client.editions.rerun(edition.name)
    assert not (await client.editions.get(again.editions[0])).manifest.differences

A report is told by its id or its name, a run or an edition by its name or by `REPORT/ID`. A run that makes nothing raises its reason. What
an edition proves is the contract's own `Manifest`.
"""

import hashlib
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import grpc.aio

from tidemark.errors import from_rpc
from tidemark.exporting import Target
from tidemark.operations import Operation, Working
from tidemark.plain import instant, utc
from tidemark.spelling import Condition, Instant, Span, any_range, chosen, duration, every
from tidemark.v1 import edition_pb2 as pb
from tidemark.v1 import edition_pb2_grpc
from tidemark.v1.report_pb2 import ReportFormat

FORMATS = {
    "pdf": ReportFormat.REPORT_FORMAT_PDF,
    "xlsx": ReportFormat.REPORT_FORMAT_XLSX,
    "csv": ReportFormat.REPORT_FORMAT_CSV,
    "json": ReportFormat.REPORT_FORMAT_JSON,
    "html": ReportFormat.REPORT_FORMAT_HTML,
}
STATES = {name.removeprefix("STATE_").lower(): number for name, number in pb.Run.State.items() if number}
OnProgress = Callable[[Operation], None]
FILE_SECONDS = 3600.0
"""How long a file may take to come."""


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt to make editions of a report."""

    name: str
    schedule: str
    slot_time: datetime | None
    """The instant of the schedule it is for; None where somebody asked for it."""
    state: str
    reason: str
    """Why it failed, was left out, or what it waits for."""
    operation: str
    editions: tuple[str, ...]
    create_time: datetime
    end_time: datetime | None
    message: pb.Run

    @classmethod
    def of(cls, message: pb.Run) -> "Run":
        """A run as the contract tells it."""
        return cls(
            name=message.name,
            schedule=message.schedule,
            slot_time=instant(message.slot_time),
            state=pb.Run.State.Name(message.state).removeprefix("STATE_").lower(),
            reason=message.reason,
            operation=message.operation,
            editions=tuple(message.editions),
            create_time=utc(message.create_time),
            end_time=instant(message.end_time),
            message=message,
        )


@dataclass(frozen=True, slots=True)
class File:
    """A file of an edition."""

    format: str
    name: str
    """What it is called when it is saved."""
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Edition:
    """What was made of a report once."""

    name: str
    title: str
    run: str
    files: tuple[File, ...]
    create_time: datetime
    expire_time: datetime
    manifest: pb.Manifest
    message: pb.Edition

    @classmethod
    def of(cls, message: pb.Edition) -> "Edition":
        """An edition as the contract tells it."""
        files = (
            File(word_of(each.format), each.file_name, each.size_bytes, each.sha256)
            for each in message.manifest.files
        )
        return cls(
            name=message.name,
            title=message.display_name,
            run=message.run,
            files=tuple(files),
            create_time=utc(message.create_time),
            expire_time=utc(message.expire_time),
            manifest=message.manifest,
            message=message,
        )

    def file(self, form: str) -> File:
        """Its file of this form; raises `ValueError` where it has none."""
        for each in self.files:
            if each.format == form:
                return each
        has = ", ".join(each.format for each in self.files)
        raise ValueError(f"format: {self.name} has no {form!r}; it has {has}")


@dataclass(frozen=True, slots=True)
class Link:
    """An address at which whoever has it opens a file."""

    path: str
    """At the edge, behind the address that people use."""
    url: str
    """The whole address, where the operator has set one."""
    expire_time: datetime


class Editions(Working):
    """The runs and editions of the client's project; needs a key of role analyst or admin to make some."""

    _service = edition_pb2_grpc.EditionServiceStub

    async def begin(
        self,
        report: str,
        *,
        formats: Iterable[str] = (),
        last: Span | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
        during: str | None = None,
        where: Iterable[Condition] = (),
        destinations: Iterable[str] = (),
    ) -> Operation:
        """Begins to make an edition, and does not wait for it; follow the operation with `client.operations`."""
        request = pb.RunReportRequest(
            name=await self._named("reports", report),
            formats=[format_of(each) for each in formats],
            time_range=any_range(last, start, end, during),
            filter=every(where),
            destinations=[await self._named("destinations", each) for each in destinations],
            request_id=str(uuid4()),
        )
        return Operation.of((await self._ask(self._stub.RunReport, request)).operation)

    async def run(self, report: str, *, on_progress: OnProgress | None = None, **asked: Any) -> Run:
        """Makes an edition and waits for it; `asked` as in `begin`. Raises why there is none."""
        return await self.made(await self.begin(report, **asked), on_progress)

    async def rerun(
        self, edition: str, *, formats: Iterable[str] = (), on_progress: OnProgress | None = None
    ) -> Run:
        """Makes an edition again from the data as they were, and waits; its manifest says what differs."""
        request = pb.RerunEditionRequest(
            name=await self._place(edition, "editions"),
            formats=[format_of(each) for each in formats],
            request_id=str(uuid4()),
        )
        begun = Operation.of((await self._ask(self._stub.RerunEdition, request)).operation)
        return await self.made(begun, on_progress)

    async def retry(self, run: str) -> Operation:
        """Begins a run that failed or was cancelled anew, and does not wait for it; `made` does."""
        request = pb.RetryRunRequest(name=await self._place(run, "runs"))
        return Operation.of((await self._ask(self._stub.RetryRun, request)).operation)

    async def made(self, begun: Operation, on_progress: OnProgress | None = None) -> Run:
        """The run of an operation when it has ended; raises why it made nothing."""
        ended = await self._operations.wait(begun.name, on_progress)
        return Run.of(ended.result(pb.RunReportResult).run)

    async def cancel(self, run: str) -> Operation:
        """Asks a run to stop."""
        found = await self.one_run(run)
        if not found.operation:
            raise ValueError(f"run: {found.name} is {found.state} and is not being made")
        return await self._operations.cancel(found.operation)

    async def one_run(self, run: str) -> Run:
        """Reads a run."""
        request = pb.GetRunRequest(name=await self._place(run, "runs"))
        return Run.of((await self._ask(self._stub.GetRun, request)).run)

    async def runs(
        self,
        report: str = "-",
        *,
        states: Iterable[str] = (),
        schedule: str = "",
        last: Span | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
    ) -> AsyncIterator[Run]:
        """Runs, newest first; of one report, or of all."""
        parent = await self._named("reports", report)
        request = pb.ListRunsRequest(
            parent=parent,
            states=[chosen("state", each, STATES) for each in states],  # type: ignore[misc]
            schedule=f"{parent}/schedules/{schedule}" if schedule and "/" not in schedule else schedule,
            time_range=any_range(last, start, end),
        )
        async for page in self._pages(self._stub.ListRuns, request):
            for each in page.runs:
                yield Run.of(each)

    async def get(self, edition: str) -> Edition:
        """Reads an edition with all that it proves."""
        request = pb.GetEditionRequest(name=await self._place(edition, "editions"))
        return Edition.of((await self._ask(self._stub.GetEdition, request)).edition)

    async def list(self, report: str = "-") -> AsyncIterator[Edition]:
        """Editions, newest first, without the sections of their manifests; of one report, or of all."""
        request = pb.ListEditionsRequest(parent=await self._named("reports", report))
        async for page in self._pages(self._stub.ListEditions, request):
            for each in page.editions:
                yield Edition.of(each)

    async def download(self, edition: str, form: str, to: str | Path | BinaryIO | None = None) -> File:
        """Saves a file of an edition and checks it against the manifest: as its own name here, into a folder, or as the path given.

        A path is there only when the whole file is.
        """
        found = await self.get(edition)
        file = found.file(form)
        request = pb.DownloadEditionRequest(name=found.name, format=format_of(form))
        await self._saved(self._stub.DownloadEdition, request, _target(to, file), file.sha256)
        return file

    async def link(self, edition: str, form: str, lifetime: Span | None = None) -> Link:
        """Makes an address at which whoever has it opens a file without a key, for seven days if nothing else is said."""
        request = pb.CreateEditionLinkRequest(
            name=await self._place(edition, "editions"),
            format=format_of(form),
            lifetime=None if lifetime is None else duration(lifetime),
        )
        made = await self._ask(self._stub.CreateEditionLink, request)
        return Link(made.path, made.url, utc(made.expire_time))

    async def revoke_links(self, edition: str) -> int:
        """Ends all links of an edition; gives how many there were."""
        request = pb.RevokeEditionLinksRequest(name=await self._place(edition, "editions"))
        return (await self._ask(self._stub.RevokeEditionLinks, request)).revoked_count  # type: ignore[no-any-return]

    async def open(self, link: str, to: str | Path | BinaryIO) -> None:
        """Saves the file behind a link: its address, its path, or the last part of it."""
        request = pb.OpenEditionLinkRequest(token=link.rpartition("/")[2])
        await self._saved(self._stub.OpenEditionLink, request, to, None)

    async def _saved(self, method: Any, request: Any, to: str | Path | BinaryIO, sha256: str | None) -> None:
        digest = hashlib.sha256()
        with Target(to) as target:
            try:
                async for piece in method(request, metadata=self._metadata, timeout=FILE_SECONDS):
                    digest.update(piece.data)
                    target.write(piece.data)
            except grpc.aio.AioRpcError as error:
                raise from_rpc(error) from error
            if sha256 not in (None, digest.hexdigest()):
                raise ConnectionError("the file that came is not the one that the manifest names: ask again")
            target.keep()

    async def _place(self, text: str, collection: str) -> str:
        """The name of a run or an edition that is told by its name or as `REPORT/ID`."""
        if text.startswith("projects/"):
            return text
        report, slash, last = text.rpartition("/")
        if not slash:
            raise ValueError(f"{collection.removesuffix('s')}: {text!r} names no report; write REPORT/{text}")
        return f"{await self._named('reports', report)}/{collection}/{last}"


def format_of(word: str) -> ReportFormat:
    """The form of a file by its name."""
    return chosen("format", word, FORMATS)  # type: ignore[return-value]


def word_of(form: int) -> str:
    """The name of a form."""
    return next((word for word, number in FORMATS.items() if number == form), str(form))


def _target(to: str | Path | BinaryIO | None, file: File) -> str | Path | BinaryIO:
    if to is None:
        return Path(file.name)
    return Path(to) / file.name if isinstance(to, str | Path) and Path(to).is_dir() else to
