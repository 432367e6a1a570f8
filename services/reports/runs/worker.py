"""The loops of runs: one makes what was asked for, run by run, the other removes what has been kept for long enough.

Replicas share both. A run is held by the lease of its operation, which progress renews also while threads are at work; all that it makes
is written in one transaction with its end, so that after a crash another replica does it again and nothing is there twice.
"""

import asyncio
import contextlib
import tempfile
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import psycopg

from services.kit import metrics, operation
from services.kit.errors import DeadlineExceeded, Error, Exhausted, Refused, Unavailable
from services.kit.failure import shown
from services.kit.loop import repeat
from services.kit.operation import Cancelled, Job
from services.kit.scratch import Scratch
from services.kit.service import Pool
from services.kit.settings import Settings
from services.reports.build.asked import Asked
from services.reports.build.worker import build
from services.reports.definitions.expansion import sections
from services.reports.definitions.record import template_of
from services.reports.definitions.store import Store as DefinitionStore
from services.reports.editions.manifest import manifest, repeated
from services.reports.editions.record import Original
from services.reports.editions.store import Made
from services.reports.editions.store import Store as EditionStore
from services.reports.proof import prove
from services.reports.runs.record import Part, RunRecord, parts
from services.reports.runs.store import REPORT, Store
from services.reports.runs.writer import News, Turn, filed
from services.reports.source import Sources
from tidemark.v1.question_pb2 import TimeRange
from tidemark.v1.report_pb2 import Report, ReportFormat, Section

TICK_SECONDS, BEAT_SECONDS, FORGET_SECONDS = 0.5, 0.5, 3600.0
ATTEMPTS = 5
"""How often a run is begun that ends with its process; what kills processes is not tried for ever."""
BUILT, WRITTEN = 0.6, 0.95
"""The shares of a run after which its document is built, and its files are made."""
SCRATCH = "tidemark-editions-"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run builds: a report at a version, with its sections, at an instant and of a state of the data."""

    report: Report
    sections: tuple[Section, ...]
    now: datetime
    time_range: TimeRange | None
    parts: Sequence[Part]
    original: Original | None = None


class Press:
    """Makes editions, a few runs at a time."""

    def __init__(
        self,
        pool: Pool,
        store: Store,
        editions: EditionStore,
        reports: DefinitionStore,
        sources: Sources,
        settings: Settings,
        draining: asyncio.Event,
    ) -> None:
        self._pool, self._store, self._editions = pool, store, editions
        self._reports, self._sources = reports, sources
        self._running, self._seconds = settings.reports_running, settings.report_seconds
        self._draining = draining
        self._scratch = Scratch(SCRATCH)

    async def run(self) -> None:
        """Worker: makes what is asked for until `draining`; outlives the absence of PostgreSQL, query and insights. Where none is to be made
        at once, others make them."""
        several = (
            repeat(self._next, self._draining, TICK_SECONDS, self._store.begun) for _ in range(self._running)
        )
        await asyncio.gather(self._draining.wait(), *several)

    async def forget(self) -> None:
        """Worker: removes what has been kept for long enough until `draining`."""
        await repeat(self._forgotten, self._draining, FORGET_SECONDS)

    async def _forgotten(self) -> bool:
        return await self._editions.forget() or await self._store.forget()

    async def _next(self) -> bool:
        # Two runs of one process are two owners, so that neither takes the other's for its own.
        job = await operation.claim(self._pool, REPORT, uuid.uuid4().hex)
        if job is not None:
            await self._work(job)
        return job is not None

    async def _work(self, job: Job) -> None:
        """Follows a run to its end, or to ours, after which another replica begins it anew."""
        run = await self._store.running(job)
        news = News()
        with (
            metrics.REPORT_SECONDS.time(),
            tempfile.TemporaryDirectory(dir=self._scratch.path, ignore_cleanup_errors=True) as folder,
        ):
            work = asyncio.create_task(self._made(job, run, Path(folder), news))
            draining = asyncio.create_task(self._draining.wait())
            try:
                # Whoever was asked to stop before anybody began is not made, however short that takes.
                await job.progress(news.share, news.step)
                while not work.done() and not draining.done():
                    await asyncio.wait(
                        {work, draining}, timeout=BEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED
                    )
                    if not work.done():
                        await job.progress(news.share, news.step)
                if work.done():
                    await work
            except Cancelled:
                await self._store.cancelled(job, run)
                metrics.REPORT_RUNS.labels("cancelled").inc()
            except Error as error:
                # What may be there again in a moment is waited for; the lease ends, and the run begins anew.
                passing = isinstance(error, Unavailable | Exhausted)
                if not passing or job.operation.attempts >= ATTEMPTS:
                    await self._failed(job, run, error)
            except (psycopg.Error, OSError):
                raise
            except Exception as error:  # noqa: BLE001 - whoever asked is told, and other runs go on
                await self._failed(job, run, shown(error))
            finally:
                news.stopped = True
                draining.cancel()
                work.cancel()
                await asyncio.gather(work, draining, return_exceptions=True)
                if self._draining.is_set():
                    await job.release()

    async def _failed(self, job: Job, run: RunRecord | None, error: Error) -> None:
        # Where it is another worker's by now, that one says what becomes of it.
        with contextlib.suppress(Cancelled):
            await self._store.failed(job, run, error)
            metrics.REPORT_RUNS.labels("failed").inc()

    async def _made(self, job: Job, run: RunRecord | None, folder: Path, news: News) -> None:
        if run is None:
            raise Refused("the run is not there any more, or is another operation's")
        if job.operation.attempts > ATTEMPTS:
            raise Refused(
                f"the run was begun {ATTEMPTS} times and came to no end, as where it ends its process: ask for less at once"
            )
        try:
            async with asyncio.timeout(self._seconds):
                made = await self._all(run, folder, news)
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"the run took longer than {self._seconds:g} s and was given up at {news.step!r}: ask for less, or in fewer forms"
            ) from error
        if made:
            news.tell(WRITTEN, "keeping")
            await self._store.keep(job, run, made)
            metrics.REPORT_RUNS.labels("done").inc()
        else:
            await self._store.skipped(job, run, "there was nothing to tell: no rows, and every figure is 0")
            metrics.REPORT_RUNS.labels("skipped").inc()

    async def _all(self, run: RunRecord, folder: Path, news: News) -> list[Made]:
        plan = await self._plan(run)
        found: list[Made] = []
        for i, part in enumerate(plan.parts):
            place = folder / str(i)
            place.mkdir()
            made = await self._edition(run, plan, part, place, Turn(news, i, len(plan.parts)))
            if made is not None:
                found.append(made)
        return found

    async def _edition(self, run: RunRecord, plan: Plan, part: Part, folder: Path, turn: Turn) -> Made | None:
        """The edition for some recipients; None where there is nothing to tell them."""
        original = None if plan.original is None else plan.original.edition.message()
        asked = Asked(
            project=f"projects/{run.project}",
            project_title=run.project_title or run.project,
            project_zone=run.project_zone,
            report=plan.report,
            sections=plan.sections,
            now=plan.now,
            filter=part.filter,
            time_range=plan.time_range,
            as_of=original.manifest.as_of if original else "",
        )

        async def progress(share: float, step: str) -> None:
            turn.tell(BUILT * share, step)

        async with build(self._sources, asked, progress) as built:
            if run.skip_empty and built.empty:
                return None
            # Its times are those of its slot, or of the edition that it repeats; it is made now.
            document = replace(built, made_at=datetime.now(UTC))
            turn.tell(BUILT, "counting")
            proofs = await asyncio.to_thread(prove, document)
            files = []
            for i, form in enumerate(run.formats):
                share = BUILT + (WRITTEN - BUILT) * i / len(run.formats)
                kind = cast("ReportFormat", form)
                files.append(await asyncio.to_thread(filed, kind, document, proofs, folder, turn, share))
            made = manifest(plan.report, part.filter, document, proofs, [file.about for file in files])
        if original is not None:
            made = repeated(made, original.manifest, original.name)
        return Made(made, plan.report.display_name, part.filter, plan.now, files, part.recipients)

    async def _plan(self, run: RunRecord) -> Plan:
        original = None if run.repeats is None else await self._editions.original(run.repeats)
        record = await self._reports.report(run.project_id, run.report_id, run.report_version)
        report = record.message()
        template = None
        if report.HasField("template"):
            ours, template_id = template_of(report.template.name)
            found = await self._reports.template(
                run.project_id if ours else None, template_id, report.template.version
            )
            template = found.message()
        now = run.slot_at or datetime.now(UTC)
        time_range, asked = run.asked_range, parts(run)
        if original is not None:
            now, time_range, asked = original.asked_at, original.asked_range, [Part(original.beside, [])]
        return Plan(report, tuple(sections(report, template)), now, time_range, asked, original)
