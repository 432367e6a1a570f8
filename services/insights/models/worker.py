"""The loops of models: one trains what was asked for, operation by operation, the other looks at the versions that serve.

Replicas share both. An operation is held by a lease that progress renews, a model that is looked at by one of its own; what comes of
either is written in one transaction with its end, so that after a crash another replica does it again and nothing is there twice.
"""

import asyncio
import logging
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg

from services.insights.models import content, monitor, target
from services.insights.models.predictor import Predictor
from services.insights.models.source import Read, Source
from services.insights.models.store import RETRAIN, TRAIN, Due, Store
from services.insights.models.training import Trained, trained
from services.kit import metrics, operation
from services.kit.call import Project
from services.kit.errors import Error, NotFound, Refused, Unavailable
from services.kit.failure import shown
from services.kit.loop import repeat
from services.kit.operation import Cancelled, Job
from services.kit.service import Pool
from tidemark.v1 import model_pb2 as pb

TICK_SECONDS, BEAT_SECONDS = 0.5, 2.0
ATTEMPTS = 5
"""How often a training is begun that ends with a process; what kills processes is not tried for ever."""
DRIFT_EVERY = timedelta(days=1)
"""How often features of now are read where no window has ended."""
SEED = 1
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Report:
    """How far a training is; written by its thread, told by its job."""

    share: float = 0.0
    step: str = "reading"
    stopped: bool = False

    def __call__(self, share: float, step: str) -> None:
        """Takes news, and ends the thread that brings them when it is to stop."""
        if self.stopped:
            raise Cancelled
        self.share, self.step = share, step


class Trainer:
    """Trains, one version at a time."""

    def __init__(self, pool: Pool, store: Store, source: Source, draining: asyncio.Event) -> None:
        self._pool, self._store, self._source, self._draining = pool, store, source, draining
        self._owner = uuid.uuid4().hex

    async def run(self) -> None:
        """Worker: trains until `draining`; outlives the absence of PostgreSQL."""
        await repeat(self._next, self._draining, TICK_SECONDS)

    async def _next(self) -> bool:
        job = await self._claimed()
        if job is not None:
            await self._work(job)
        return job is not None

    async def _claimed(self) -> Job | None:
        for verb in (TRAIN, RETRAIN):
            if job := await operation.claim(self._pool, verb, self._owner):
                return job
        return None

    async def _work(self, job: Job) -> None:
        """Follows a training to its end, or to ours, after which another replica begins it anew."""
        report = Report()
        work = asyncio.create_task(self._train(job, report))
        draining = asyncio.create_task(self._draining.wait())
        try:
            # Whoever was asked to stop before anybody began is not trained, however short that takes.
            await job.progress(report.share, report.step)
            while not work.done() and not draining.done():
                await asyncio.wait(
                    {work, draining}, timeout=BEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                if not work.done():
                    await job.progress(report.share, report.step)
            if work.done():
                await work
        except Cancelled:
            metrics.MODEL_TRAININGS.labels("cancelled").inc()
            await job.cancelled()
        except Error as error:
            # What may be there again in a moment is waited for; the lease ends, and the operation begins anew.
            if not isinstance(error, Unavailable) or job.operation.attempts >= ATTEMPTS:
                metrics.MODEL_TRAININGS.labels("failed").inc()
                await job.failed(error)
        except (psycopg.Error, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - whoever asked is told, and other trainings go on
            metrics.MODEL_TRAININGS.labels("failed").inc()
            await job.failed(shown(error))
        finally:
            report.stopped = True
            draining.cancel()
            work.cancel()
            await asyncio.gather(work, draining, return_exceptions=True)
            if self._draining.is_set():
                await job.release()

    async def _train(self, job: Job, report: Report) -> None:
        request = job.request(pb.TrainModelRequest)
        assert isinstance(request, pb.TrainModelRequest)
        if job.operation.attempts > ATTEMPTS:
            raise Refused(
                f"training was begun {ATTEMPTS} times and ended with its process each time: look at fewer people or features"
            )
        project = Project(job.operation.project_id, job.operation.project, "UTC")
        model_id = job.operation.target.rpartition("/")[2]
        model = (await self._store.model(project, model_id)).model
        if job.operation.verb == RETRAIN:
            # What was fixed when the model was made would keep it from what is new.
            model.validation.ClearField("test_start")
            model.validation.ClearField("test_end")
        plan, read = await self._read(project, model)
        made = await asyncio.to_thread(trained, plan, read.rows, request.seed or SEED, report)
        stored = content.stored(made.predictor)
        self._tell(made, read, stored, job.operation.verb)
        await self._store.save(job, project, model_id, made.version, stored, request.shadow)
        metrics.MODEL_TRAININGS.labels("trained").inc()

    async def _read(self, project: Project, model: pb.Model) -> tuple[target.Plan, Read]:
        horizon = await self._source.horizon(project.name, datetime.now(UTC))
        if horizon is None:
            raise Refused(f"{project.name} has no events to learn from; send some", reason="TOO_FEW_ROWS")
        names = list(model.event_names)
        if not names and not model.outcome.without_history:
            names = await self._source.frequent(project.name, horizon - target.EARLIEST, horizon)
        plan = target.plan(model, horizon, names)
        return plan, await self._source.rows(project.name, plan)

    def _tell(self, made: Trained, read: Read, stored: content.Content, verb: str) -> None:
        """Puts into a version what the data and the time say of it."""
        version, metadata = made.version, read.metadata
        version.model_sha256, version.data_sha256 = stored.sha256, metadata.sha256
        version.data_version = metadata.query.data_version
        version.reason = (
            "Its inputs have drifted and its error has grown." if verb == RETRAIN else "Asked for."
        )
        if read.sampled:
            version.verdict += f" Learnt and tested on {len(read.rows):,} of {metadata.total_rows:,} points, chosen at random."


class Watcher:
    """Looks at the versions that serve, one model at a time."""

    def __init__(self, store: Store, source: Source, draining: asyncio.Event, every_seconds: float) -> None:
        self._store, self._source, self._draining = store, source, draining
        self._pause = timedelta(seconds=every_seconds)
        self._owner = uuid.uuid4().hex

    async def run(self) -> None:
        """Worker: looks until `draining`; outlives the absence of PostgreSQL and query."""
        await repeat(self._next, self._draining, TICK_SECONDS)

    async def _next(self) -> bool:
        due = await self._store.claim(self._owner)
        if due is not None:
            await self._guarded(due)
        return due is not None

    async def _guarded(self, due: Due) -> None:
        """Looks at a model; one that cannot be looked at does not keep others from it."""
        try:
            await self.look(due)
        except NotFound:
            log.info("%s is gone", due.name)
        except asyncio.CancelledError:
            # The time to drain is over: others look at once, and not when the lease is.
            await self._store.later(due, self._owner, timedelta(0))
            raise
        except (psycopg.Error, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - other models are looked at all the same
            metrics.MODEL_LOOK_FAILURES.inc()
            log.warning("%s cannot be looked at now: %s", due.name, shown(error))
            await self._store.later(due, self._owner, self._pause)

    async def look(self, due: Due) -> None:
        """Reads what has become known, and what is to follow."""
        now = datetime.now(UTC)
        model, (version, shadow, past) = pb.Model.FromString(due.definition), await self._store.known(due)
        plan = target.again(model, version)
        horizon = await self._source.horizon(f"projects/{due.project}", now) or now
        spans = monitor.windows(model, plan, version, horizon, past.last)
        serving = await self._predictor(due, due.serving)
        challenger = None if due.shadow is None else await self._predictor(due, due.shadow)
        found: list[monitor.Looked] = []
        sums = monitor.summed(past.excesses[::-1])
        # The first that calls for something ends the look: what follows is looked at by what comes of it.
        for span in spans[: monitor.AT_ONCE]:
            knows = shadow is not None and monitor.learnt_before(shadow, span)
            read = await self._source.rows(
                f"projects/{due.project}", target.between(plan, span.start, span.end)
            )
            seen = await asyncio.to_thread(
                monitor.looked, span, read.rows, serving, challenger if knows else None, sums, version.seed
            )
            found.append(seen)
            sums = monitor.added(sums, seen.excess)
            if seen.better:
                break
        health = pb.GetModelHealthResponse.FromString(due.health or b"")
        drift = found[-1].drift if found else None
        fresh = due.drift_at is None or now - due.drift_at >= DRIFT_EVERY
        if drift is None and fresh:
            drift = await self._drift(due, plan, serving, horizon)
        if drift is not None:
            del health.drift[:]
            health.drift.extend(drift)
        latest = found[-1].window if found else past.windows[0] if past.windows else None
        health.alarm = latest is not None and monitor.alarming(latest)
        health.summary = monitor.summary(latest, health.drift)
        health.check_time.FromDatetime(now)
        retrain = None
        if model.retrain and monitor.wanting([each.window for each in found], past.windows, shadow):
            retrain = pb.TrainModelRequest(name=due.name, seed=version.seed, shadow=True)
        metrics.MODEL_LOOKS.labels("alarming" if health.alarm else "well").inc()
        await self._store.checked(
            due,
            self._owner,
            found,
            health,
            drift_at=now if drift is not None else None,
            retrain=retrain,
            promote=due.shadow if found and found[-1].better else None,
            pause=timedelta(0) if len(found) < len(spans) else self._pause,
        )

    async def _drift(
        self, due: Due, plan: target.Plan, serving: Predictor, horizon: datetime
    ) -> list[pb.FeatureDrift]:
        """Features of now, as of the last event; nothing of too few people."""
        read = await self._source.rows(f"projects/{due.project}", target.as_of(plan, horizon))
        rows = read.rows.take(np.isnan(read.rows.outcomes))
        return await asyncio.to_thread(lambda: serving.drift(serving.matrix(rows.table)))

    async def _predictor(self, due: Due, version: int) -> Predictor:
        stored = await self._store.content(due.model_number, version)
        return await asyncio.to_thread(content.loaded, stored)
