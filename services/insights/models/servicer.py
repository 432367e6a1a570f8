"""ModelService: each method reads the request (`request.py`), asks the store, and builds the answer; predictions are made of what
`source` reads as of now, by what `cache` keeps of versions.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from services.insights.models import content, target
from services.insights.models import request as read
from services.insights.models.cache import Predictors, Run, Runs
from services.insights.models.matrix import Rows
from services.insights.models.predictor import Predictor
from services.insights.models.record import ModelRecord
from services.insights.models.source import Read, Source
from services.insights.models.store import Store
from services.kit import audit, metrics, page, resource
from services.kit.call import Project
from services.kit.errors import Invalid, Refused
from services.kit.identity import parent_of, project
from services.kit.instant import at, us_of
from tidemark.v1 import model_pb2 as pb
from tidemark.v1 import model_pb2_grpc

PAGE, LARGEST_PAGE = 100, 1000
IMPORTANCE = 10


class Models(model_pb2_grpc.ModelServiceServicer):
    """The RPCs of ModelService."""

    def __init__(self, store: Store, source: Source) -> None:
        self._store, self._source = store, source
        self._predictors, self._runs = Predictors(), Runs()

    async def CreateModel(self, request: pb.CreateModelRequest, context: Any) -> pb.CreateModelResponse:
        """Makes a model."""
        parent = await parent_of(request.parent)
        model_id = resource.new_id(request.model_id, "model_id") if request.model_id else ""
        if model_id:
            audit.note(f"{parent.name}/models/{model_id}")
        request_id = resource.request_id(request.request_id)
        made = await self._store.create(parent, model_id, read.new(request.model), request_id)
        audit.note(made.name)
        return pb.CreateModelResponse(model=made.message())

    async def GetModel(self, request: pb.GetModelRequest, context: Any) -> pb.GetModelResponse:
        """Reads a model."""
        _, record = await self._named(request.name)
        return pb.GetModelResponse(model=record.message())

    async def ListModels(self, request: pb.ListModelsRequest, context: Any) -> pb.ListModelsResponse:
        """Lists models by id."""
        parent = await parent_of(request.parent)
        return pb.ListModelsResponse(models=[each.message() for each in await self._store.models(parent)])

    async def DeleteModel(self, request: pb.DeleteModelRequest, context: Any) -> pb.DeleteModelResponse:
        """Deletes a model with its versions."""
        parent, model_id = await _within(request.name)
        await self._store.delete(parent, model_id)
        return pb.DeleteModelResponse()

    async def TrainModel(self, request: pb.TrainModelRequest, context: Any) -> pb.TrainModelResponse:
        """Begins to train a version."""
        parent, model_id = await _within(request.name)
        if request.seed < 0:
            raise Invalid("seed", f"is {request.seed}; give 1 or more, or 0 for 1")
        request_id = resource.request_id(request.request_id)
        begun = await self._store.begin(parent, model_id, request, request_id)
        return pb.TrainModelResponse(operation=begun.message())

    async def GetModelVersion(
        self, request: pb.GetModelVersionRequest, context: Any
    ) -> pb.GetModelVersionResponse:
        """Reads a version."""
        record, version = await self._version(request.name)
        found = await self._store.version(record, version)
        return pb.GetModelVersionResponse(version=found.message())

    async def ListModelVersions(
        self, request: pb.ListModelVersionsRequest, context: Any
    ) -> pb.ListModelVersionsResponse:
        """Lists versions, newest first."""
        parent, model_id = await _within(request.parent, "parent")
        record = await self._store.model(parent, model_id)
        found = await self._store.versions(record)
        return pb.ListModelVersionsResponse(versions=[each.message() for each in found])

    async def PromoteModelVersion(
        self, request: pb.PromoteModelVersionRequest, context: Any
    ) -> pb.PromoteModelVersionResponse:
        """Lets a version serve."""
        record, version = await self._version(request.name)
        found = await self._store.promote(record, version)
        return pb.PromoteModelVersionResponse(version=found.message())

    async def GetModelHealth(
        self, request: pb.GetModelHealthRequest, context: Any
    ) -> pb.GetModelHealthResponse:
        """Says how the serving version fares."""
        _, record = await self._named(request.name)
        if record.serving is None:
            raise _not_trained(record)
        found = await self._store.health(record)
        found.summary = (
            found.summary or "It has not been looked at since it serves; that takes a minute or two."
        )
        return found

    async def GetPredictiveInsights(
        self, request: pb.GetPredictiveInsightsRequest, context: Any
    ) -> pb.GetPredictiveInsightsResponse:
        """Predicts for people, the greatest scores first."""
        user_ids, least = read.people(request.user_ids), read.least_score(request.least_score)
        limit = page.size(request.page_size, PAGE, LARGEST_PAGE)
        now = datetime.now(UTC)
        point_us, behind = page.position(request, int, int) or (us_of(now), 0)
        if not 0 <= point_us <= us_of(now) or behind < 0:
            raise Invalid("page_token", "is not a token that this server gave; begin at the first page")
        if request.version < 0:
            raise Invalid("version", f"is {request.version}; give its number, or 0 for the one that serves")
        _, record = await self._named(request.name)
        number = request.version or record.serving
        if number is None:
            raise _not_trained(record)
        version = (await self._store.version(record, number)).message()
        predictor = await self._predictor(record.model_number, number)
        key = (record.model_number, number, point_us, user_ids)
        run = self._runs.get(key) if behind else None
        if run is None:
            run = await self._run(record, version, predictor, user_ids, at(point_us))
            self._runs.put(key, run)
        count = int((run.scores >= least).sum())
        chosen = np.arange(min(behind, count), min(behind + limit, count))
        with metrics.MODEL_PREDICT_SECONDS.time():
            predictions = await asyncio.to_thread(_predictions, predictor, run.rows.take(chosen))
        more = behind + limit < count
        return pb.GetPredictiveInsightsResponse(
            predictions=predictions,
            version=version.name,
            metrics=version.metrics,
            importance=version.importance[:IMPORTANCE],
            metadata=run.metadata,
            total_count=run.total,
            notes=run.notes,
            next_page_token=page.token(request, point_us, behind + limit) if more else "",
        )

    async def _run(
        self,
        record: ModelRecord,
        version: pb.ModelVersion,
        predictor: Predictor,
        user_ids: tuple[str, ...],
        now: datetime,
    ) -> Run:
        """The scores of those asked for, or of everybody, as of an instant."""
        name, plan = f"projects/{record.project}", target.again(record.model, version)
        found, notes = await self._as_of(name, plan, user_ids, now), []
        if not len(found.rows) and not user_ids:
            # Of a history that ended long ago nobody is left by now: predictions are as of its end.
            ended = await self._source.horizon(name, now)
            if ended is not None and now - ended > (plan.window or target.HISTORY):
                found = await self._as_of(name, plan, user_ids, ended)
                notes.append(
                    f"Nothing has happened since {ended:%Y-%m-%d %H:%M}: predictions are as of then."
                )
        if version.algorithm == pb.ALGORITHM_RULE:
            notes.append(f"The simple rule predicts. {version.verdict}")
        if missing := predictor.missing(found.rows.table):
            notes.append(f"Features that were there in training are missing: {', '.join(missing[:5])}.")
        if found.sampled and not plan.stopped:
            notes.append(
                f"Of {found.metadata.total_rows:,} people {len(found.rows):,} were looked at, chosen at random."
            )
        rows, scores = await asyncio.to_thread(_ranked, predictor, found.rows)
        total = len(rows) if plan.stopped or plan.spec.HasField("events") else found.metadata.total_rows
        return Run(rows, scores, max(total, len(rows)), found.metadata.query, tuple(notes))

    async def _as_of(self, name: str, plan: target.Plan, user_ids: tuple[str, ...], now: datetime) -> Read:
        found = await self._source.rows(name, target.as_of(plan, now), user_ids)
        # Of events those whose outcome is known need no prediction.
        return replace(found, rows=found.rows.take(np.isnan(found.rows.outcomes)))

    async def _predictor(self, model_number: int, version: int) -> Predictor:
        found = self._predictors.get(model_number, version)
        if found is None:
            stored = await self._store.content(model_number, version)
            found = await asyncio.to_thread(content.loaded, stored)
            self._predictors.put(model_number, version, found)
        return found

    async def _named(self, name: str) -> tuple[Project, ModelRecord]:
        parent, model_id = await _within(name)
        return parent, await self._store.model(parent, model_id)

    async def _version(self, name: str) -> tuple[ModelRecord, int]:
        parent_name, model_id, version = read.number(name)
        audit.note(name)
        parent = await project(parent_name, "name")
        return await self._store.model(parent, model_id), version


def _ranked(predictor: Predictor, rows: Rows) -> tuple[Rows, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Rows in the order of their scores, the greatest first, then by their order."""
    scores = predictor.probabilities(predictor.matrix(rows.table))
    order = np.argsort(-scores, kind="stable")
    return rows.take(order), scores[order]


def _predictions(predictor: Predictor, rows: Rows) -> Sequence[pb.Prediction]:
    matrix = predictor.matrix(rows.table)
    scores, reasons = predictor.explained(matrix)
    lower, upper = predictor.calibration.interval(scores)
    threshold, margin = predictor.calibration.threshold, predictor.calibration.margin
    found = []
    for i, user in enumerate(rows.users.to_pylist()):
        unsure = abs(scores[i] - threshold) < margin
        made = pb.Prediction(
            user_id=user,
            score=scores[i],
            lower=lower[i],
            upper=upper[i],
            outcome=not unsure and scores[i] >= threshold,
            abstained=unsure,
            reasons=reasons[i],
        )
        made.point.FromDatetime(at(int(rows.points[i])))
        found.append(made)
    return found


async def _within(name: str, field: str = "name") -> tuple[Project, str]:
    """The project and the id in the name of a model."""
    parent, model_id = resource.parted(name, "models", field)
    audit.note(name)
    return await project(parent, field), model_id


def _not_trained(record: ModelRecord) -> Refused:
    return Refused(f"{record.name} predicts nothing yet: train it", reason="NOT_TRAINED")
