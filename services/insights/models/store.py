"""Models, versions and their health in the database. Plain values come in from `servicer.py` and `worker.py`, records go back."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import class_row

from services.insights.models.content import Content
from services.insights.models.monitor import Looked
from services.insights.models.record import ModelRecord, VersionRecord, halves
from services.kit import operation
from services.kit.call import Project
from services.kit.errors import AlreadyExists, Exhausted, Invalid, NotFound
from services.kit.instant import EPOCH
from services.kit.operation import Job, Operation
from services.kit.repetition import remember
from services.kit.resource import made_id
from services.kit.service import Pool
from tidemark.v1 import model_pb2 as pb

MAX_MODELS, MAX_LISTED, MAX_WINDOWS = 50, 100, 50
TRAIN, RETRAIN = "train", "retrain"
"""Verbs of operations: asked for, and because of drift."""
LEASE = timedelta(minutes=10)
"""How long a process may take to look at a model before another does."""

_MODEL = """
    SELECT slug AS project, model_id, models.model_number, definition, models.created_at, serving, shadow, head
    FROM models JOIN projects USING (project_id)
    LEFT JOIN model_versions ON model_versions.model_number = models.model_number AND version = serving
"""
_VERSION = """
    SELECT slug AS project, model_id, version, head, {detail} AS detail, serving, shadow, model_versions.created_at, promoted_at
    FROM model_versions JOIN models USING (model_number) JOIN projects USING (project_id)
    WHERE model_number = %(model)s
"""
_LOCK = "SELECT FROM projects WHERE project_id = %s FOR NO KEY UPDATE"
_TAKEN = "SELECT coalesce(array_agg(model_id::text), '{}') FROM models WHERE project_id = %s"
_INSERT = "INSERT INTO models (project_id, model_id, definition) VALUES (%s, %s, %s)"
_READ = f"{_MODEL} WHERE project_id = %s AND model_id = %s"
_LIST = f"{_MODEL} WHERE project_id = %s ORDER BY model_id"
_DELETE = "DELETE FROM models WHERE project_id = %s AND model_id = %s"
_READ_VERSION = f"{_VERSION.format(detail='detail')} AND version = %(version)s"
_LIST_VERSIONS = _VERSION.format(detail="''::bytea") + " ORDER BY version DESC LIMIT %(limit)s"
_CONTENT = "SELECT content, trees FROM model_versions WHERE model_number = %s AND version = %s"
_ADD = "UPDATE models SET versions = versions + 1 WHERE model_number = %s RETURNING versions, serving"
_INSERT_VERSION = """
    INSERT INTO model_versions (model_number, version, head, detail, content, trees) VALUES (%s, %s, %s, %s, %s, %s)
"""
# What was known of the health of the version before says nothing of this one.
_SERVE = """
    UPDATE models SET serving = %(version)s, shadow = nullif(shadow, %(version)s), health = NULL, drift_at = NULL, due_at = now()
    WHERE model_number = %(model)s AND serving IS DISTINCT FROM %(version)s
"""
_PROMOTED = "UPDATE model_versions SET promoted_at = now() WHERE model_number = %s AND version = %s"
_SHADOW = "UPDATE models SET shadow = %s, due_at = now() WHERE model_number = %s"
_CLAIM = """
    UPDATE models SET owner = %(owner)s, leased_until = now() + %(lease)s
    FROM projects
    WHERE models.project_id = projects.project_id AND model_number = (
        SELECT model_number FROM models
        WHERE serving IS NOT NULL AND due_at <= now() AND (leased_until IS NULL OR leased_until < now())
        ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING models.project_id, slug AS project, model_id, model_number, definition, serving, shadow, health, drift_at
"""
_WINDOWS = """
    SELECT window_bytes, excess, end_at FROM model_windows WHERE model_number = %s AND version = %s ORDER BY start_at DESC LIMIT %s
"""
_HELD = "SELECT FROM models WHERE model_number = %s AND owner = %s AND serving = %s FOR UPDATE"
_INSERT_WINDOW = """
    INSERT INTO model_windows (model_number, version, start_at, end_at, window_bytes, excess) VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT DO NOTHING
"""
_CHECKED = """
    UPDATE models SET health = %(health)s, drift_at = coalesce(%(drift_at)s, drift_at), due_at = now() + %(pause)s, leased_until = NULL
    WHERE model_number = %(model)s AND owner = %(owner)s
"""
_LATER = "UPDATE models SET due_at = now() + %s, leased_until = NULL WHERE model_number = %s AND owner = %s"
_HEALTH = "SELECT health FROM models WHERE model_number = %s"

Connection = psycopg.AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class Due:
    """A model to be looked at."""

    project_id: int
    project: str
    model_id: str
    model_number: int
    definition: bytes
    serving: int
    shadow: int | None
    health: bytes | None
    drift_at: datetime | None

    @property
    def name(self) -> str:
        """`projects/{project}/models/{model}`."""
        return f"projects/{self.project}/models/{self.model_id}"


@dataclass(frozen=True, slots=True)
class Past:
    """The windows of a version, newest first."""

    windows: list[pb.HealthWindow]
    excesses: list[float]
    last: datetime | None
    """When the newest ends."""


class Store:
    """The tables `models`, `model_versions` and `model_windows`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create(
        self, project: Project, model_id: str, model: pb.Model, request_id: uuid.UUID | None
    ) -> ModelRecord:
        """The model made now, or by an earlier request of the same id; its id is made up unless it is given."""
        async with self._pool.connection() as connection:
            # Two at once must neither choose the same id nor both be the last that fits.
            await connection.execute(_LOCK, (project.project_id,))
            [(taken,)] = await (await connection.execute(_TAKEN, (project.project_id,))).fetchall()
            chosen = model_id or made_id(model.display_name, "model", taken)
            made = await remember(connection, request_id, f"CreateModel {project.project_id}", chosen)
            if made is not None:
                if model_id not in ("", made):
                    raise Invalid(
                        "request_id", f"has made {project.name}/models/{made} before; write a new one"
                    )
                return await _read(connection, project, made)
            if chosen in taken:
                raise AlreadyExists(
                    f"there is a model {project.name}/models/{chosen} already", reason="MODEL_EXISTS"
                )
            if len(taken) >= MAX_MODELS:
                raise Exhausted(
                    f"{project.name} has {MAX_MODELS} models, which is the limit: delete one",
                    retry_after=60.0,
                    reason="TOO_MANY_MODELS",
                )
            definition = model.SerializeToString(deterministic=True)
            await connection.execute(_INSERT, (project.project_id, chosen, definition))
            return await _read(connection, project, chosen)

    async def model(self, project: Project, model_id: str) -> ModelRecord:
        """The model; raises `NotFound`."""
        async with self._pool.connection() as connection:
            return await _read(connection, project, model_id)

    async def models(self, project: Project) -> list[ModelRecord]:
        """The models of a project, by id."""
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(ModelRecord))
            return await (await cursor.execute(_LIST, (project.project_id,))).fetchall()

    async def delete(self, project: Project, model_id: str) -> None:
        """Deletes the model with its versions; raises `NotFound`."""
        async with self._pool.connection() as connection:
            if not (await connection.execute(_DELETE, (project.project_id, model_id))).rowcount:
                raise _unknown(project, model_id)

    async def begin(
        self, project: Project, model_id: str, request: pb.TrainModelRequest, request_id: uuid.UUID | None
    ) -> Operation:
        """Begins to train a version, or tells of the training that an earlier request of the same id began."""
        async with self._pool.connection() as connection:
            record = await _read(connection, project, model_id)
            made = await operation.create(connection, project.project_id, TRAIN, record.name, request)
            before = await remember(connection, request_id, f"TrainModel {record.name}", made)
            if before is not None:
                await connection.rollback()
            found = await operation.read(connection, project.project_id, before or made)
            if found is None:
                raise NotFound(f"the training that request_id {request_id} began is no longer known")
            return found

    async def version(self, record: ModelRecord, version: int) -> VersionRecord:
        """A version; raises `NotFound`."""
        async with self._pool.connection() as connection:
            return await _version(connection, record.model_number, record.name, version)

    async def versions(self, record: ModelRecord) -> list[VersionRecord]:
        """The newest versions, newest first, without their details."""
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(VersionRecord))
            values = {"model": record.model_number, "limit": MAX_LISTED}
            return await (await cursor.execute(_LIST_VERSIONS, values)).fetchall()

    async def content(self, model_number: int, version: int) -> Content:
        """What predicts; raises `NotFound` when the model is gone."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute(_CONTENT, (model_number, version))).fetchone()
        if row is None:
            raise NotFound(f"the model has no version {version}", reason="VERSION_NOT_FOUND")
        return Content(*row)

    async def promote(self, record: ModelRecord, version: int) -> VersionRecord:
        """Lets a version serve; raises `NotFound` where there is none of this number."""
        async with self._pool.connection() as connection:
            await _version(connection, record.model_number, record.name, version)
            await _serve(connection, record.model_number, version)
            return await _version(connection, record.model_number, record.name, version)

    async def save(
        self,
        job: Job,
        project: Project,
        model_id: str,
        version: pb.ModelVersion,
        content: Content,
        shadow: bool,
    ) -> None:
        """Keeps a version that was trained and ends its operation, both or neither."""
        async with self._pool.connection() as connection:
            record = await _read(connection, project, model_id)
            row = await (await connection.execute(_ADD, (record.model_number,))).fetchone()
            if row is None:
                raise _unknown(project, model_id)
            number, serving = row
            values = (record.model_number, number, *halves(version), content.text, content.trees)
            await connection.execute(_INSERT_VERSION, values)
            if shadow and serving is not None:
                await connection.execute(_SHADOW, (number, record.model_number))
            else:
                await _serve(connection, record.model_number, number)
            made = await _version(connection, record.model_number, record.name, number)
            await job.done(connection, made.message())

    async def health(self, record: ModelRecord) -> pb.GetModelHealthResponse:
        """What was found when the serving version was looked at last."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute(_HEALTH, (record.model_number,))).fetchone()
            past = await _past(connection, record.model_number, record.serving or 0)
        found = pb.GetModelHealthResponse.FromString(row[0] if row and row[0] else b"")
        found.windows.extend(past.windows)
        return found

    async def claim(self, owner: str) -> Due | None:
        """The model that is due longest; None where none is."""
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(Due))
            return await (await cursor.execute(_CLAIM, {"owner": owner, "lease": LEASE})).fetchone()

    async def known(self, due: Due) -> tuple[pb.ModelVersion, pb.ModelVersion | None, Past]:
        """The version that serves, the one in its shadow, and the windows of the former."""
        async with self._pool.connection() as connection:
            serving = await _version(connection, due.model_number, due.name, due.serving)
            shadow = None
            if due.shadow is not None:
                shadow = (await _version(connection, due.model_number, due.name, due.shadow)).message()
            return serving.message(), shadow, await _past(connection, due.model_number, due.serving)

    async def checked(
        self,
        due: Due,
        owner: str,
        found: Sequence[Looked],
        health: pb.GetModelHealthResponse,
        *,
        drift_at: datetime | None,
        retrain: pb.TrainModelRequest | None,
        promote: int | None,
        pause: timedelta,
    ) -> None:
        """Keeps what was found and begins what follows of it, all or nothing; nothing where the model is another's by now."""
        async with self._pool.connection() as connection:
            held = await (await connection.execute(_HELD, (due.model_number, owner, due.serving))).fetchone()
            if held is None:
                return
            for each in found:
                span = (each.window.start.ToDatetime(EPOCH.tzinfo), each.window.end.ToDatetime(EPOCH.tzinfo))
                values = (due.model_number, due.serving, *span, each.window.SerializeToString(), each.excess)
                await connection.execute(_INSERT_WINDOW, values)
            values_ = {"model": due.model_number, "owner": owner, "pause": pause, "drift_at": drift_at}
            await connection.execute(_CHECKED, values_ | {"health": health.SerializeToString()})
            if retrain is not None and not await _under_way(connection, due):
                await operation.create(connection, due.project_id, RETRAIN, due.name, retrain)
            if promote is not None:
                await _serve(connection, due.model_number, promote)

    async def later(self, due: Due, owner: str, pause: timedelta) -> None:
        """Gives a model back that could not be looked at."""
        async with self._pool.connection() as connection:
            await connection.execute(_LATER, (pause, due.model_number, owner))


async def _serve(connection: Connection, model_number: int, version: int) -> None:
    served = await connection.execute(_SERVE, {"model": model_number, "version": version})
    if served.rowcount:
        await connection.execute(_PROMOTED, (model_number, version))


async def _read(connection: Connection, project: Project, model_id: str) -> ModelRecord:
    cursor = connection.cursor(row_factory=class_row(ModelRecord))
    found = await (await cursor.execute(_READ, (project.project_id, model_id))).fetchone()
    if found is None:
        raise _unknown(project, model_id)
    return found


async def _version(connection: Connection, model_number: int, name: str, version: int) -> VersionRecord:
    cursor = connection.cursor(row_factory=class_row(VersionRecord))
    values = {"model": model_number, "version": version}
    found = await (await cursor.execute(_READ_VERSION, values)).fetchone()
    if found is None:
        raise NotFound(f"there is no version {name}/versions/{version}", reason="VERSION_NOT_FOUND")
    return found


async def _past(connection: Connection, model_number: int, version: int) -> Past:
    rows = await (await connection.execute(_WINDOWS, (model_number, version, MAX_WINDOWS))).fetchall()
    windows = [pb.HealthWindow.FromString(row[0]) for row in rows]
    return Past(windows, [row[1] for row in rows], rows[0][2] if rows else None)


async def _under_way(connection: Connection, due: Due) -> bool:
    """Whether a version of the model is being trained."""
    found = await operation.listed(connection, due.project_id, due.name, "", MAX_LISTED)
    return any(each.ended_at is None for each in found)


def _unknown(project: Project, model_id: str) -> NotFound:
    return NotFound(f"there is no model {project.name}/models/{model_id}", reason="MODEL_NOT_FOUND")
