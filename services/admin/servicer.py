"""AdminService: each method reads the request (`request.py`), asks the store, and builds the answer."""

import secrets
from datetime import UTC, datetime
from typing import Any

from services.admin import diagnosis, source
from services.admin import request as read
from services.admin.store import Store
from services.kit import audit, page, resource
from services.kit.call import INSTALLATION, Project, current
from services.kit.errors import Denied, Invalid
from services.kit.identity import caller, new_secret, project
from services.kit.service import Resources
from tidemark.v1 import admin_pb2, admin_pb2_grpc

PAGE, LARGEST_PAGE = 100, 1000


class Admin(admin_pb2_grpc.AdminServiceServicer):
    """The RPCs of AdminService."""

    def __init__(self, resources: Resources) -> None:
        self._resources, self._pool = resources, resources.pool
        self._store = Store(resources.pool)

    async def CreateProject(
        self, request: admin_pb2.CreateProjectRequest, context: Any
    ) -> admin_pb2.CreateProjectResponse:
        """Makes a project."""
        slug = read.project_id(request.project_id)
        audit.note(f"projects/{slug}")
        fields, request_id = read.new_project(request.project), resource.request_id(request.request_id)
        made = await self._store.create_project(slug, fields, request_id)
        return admin_pb2.CreateProjectResponse(project=made.message())

    async def GetProject(
        self, request: admin_pb2.GetProjectRequest, context: Any
    ) -> admin_pb2.GetProjectResponse:
        """Reads a project."""
        found = await _required(request.name, "name")
        stored = await self._store.project(found.slug)
        return admin_pb2.GetProjectResponse(project=stored.message())

    async def ListProjects(
        self, request: admin_pb2.ListProjectsRequest, context: Any
    ) -> admin_pb2.ListProjectsResponse:
        """Lists projects by slug."""
        limit = page.size(request.page_size, PAGE, LARGEST_PAGE)
        (after,) = page.position(request, str) or ("",)
        rows = await self._store.projects(caller().project_id, after, limit + 1)
        return admin_pb2.ListProjectsResponse(
            projects=[row.message() for row in rows[:limit]],
            next_page_token=page.token(request, rows[limit - 1].slug) if len(rows) > limit else "",
        )

    async def UpdateProject(
        self, request: admin_pb2.UpdateProjectRequest, context: Any
    ) -> admin_pb2.UpdateProjectResponse:
        """Changes the fields that the mask names."""
        found = await _required(request.project.name, "project.name")
        changes, revision = read.changes(request), resource.revision(request.project.etag, "project.etag")
        changed = await self._store.update_project(found.slug, changes, revision)
        return admin_pb2.UpdateProjectResponse(project=changed.message())

    async def CreateKey(
        self, request: admin_pb2.CreateKeyRequest, context: Any
    ) -> admin_pb2.CreateKeyResponse:
        """Makes a key and shows its secret."""
        parent = await _parent(request.parent, "parent")
        fields = read.new_key(request.key, datetime.now(UTC))
        secret = new_secret()
        key = await self._store.create_key(
            _id(parent), secret, fields, resource.request_id(request.request_id)
        )
        audit.note(key.name)
        # The secret of a key made before is known to nobody but its owner.
        shown = secret.text if key.key_id == secret.key_id else ""
        return admin_pb2.CreateKeyResponse(key=key.message(), secret=shown)

    async def ListKeys(self, request: admin_pb2.ListKeysRequest, context: Any) -> admin_pb2.ListKeysResponse:
        """Lists keys, newest first."""
        parent = await _parent(request.parent, "parent")
        limit = page.size(request.page_size, PAGE, LARGEST_PAGE)
        (before,) = page.position(request, str) or (None,)
        rows = await self._store.keys(_id(parent), before, limit + 1)
        return admin_pb2.ListKeysResponse(
            keys=[row.message() for row in rows[:limit]],
            next_page_token=page.token(request, rows[limit - 1].key_id) if len(rows) > limit else "",
        )

    async def RevokeKey(
        self, request: admin_pb2.RevokeKeyRequest, context: Any
    ) -> admin_pb2.RevokeKeyResponse:
        """Ends a key."""
        parent, key_id = read.key_name(request.name)
        audit.note(request.name)
        key = await self._store.revoke_key(_id(await _parent(parent, "name")), key_id)
        return admin_pb2.RevokeKeyResponse(key=key.message())

    async def CreateReader(
        self, request: admin_pb2.CreateReaderRequest, context: Any
    ) -> admin_pb2.CreateReaderResponse:
        """Makes a reader and shows its password."""
        parent = await _required(request.parent, "parent")
        reader, connections = read.reader_id(request.reader_id), read.connections(request.reader)
        audit.note(f"{parent.name}/readers/{reader}")
        password = secrets.token_urlsafe(24)
        # Roles are shared by all databases of the server: its own part keeps the name apart from any other, and it tells
        # nobody whose project it reads.
        role = f"tm_{reader.replace('-', '_')}_{secrets.token_hex(4)}"
        made = await self._store.create_reader(parent.project_id, reader, role, password, connections)
        return admin_pb2.CreateReaderResponse(reader=made.message(), password=password)

    async def ListReaders(
        self, request: admin_pb2.ListReadersRequest, context: Any
    ) -> admin_pb2.ListReadersResponse:
        """Lists readers by name."""
        parent = await _required(request.parent, "parent")
        limit = page.size(request.page_size, PAGE, LARGEST_PAGE)
        (after,) = page.position(request, str) or ("",)
        rows = await self._store.readers(parent.project_id, after, limit + 1)
        return admin_pb2.ListReadersResponse(
            readers=[row.message() for row in rows[:limit]],
            next_page_token=page.token(request, rows[limit - 1].reader) if len(rows) > limit else "",
        )

    async def DeleteReader(
        self, request: admin_pb2.DeleteReaderRequest, context: Any
    ) -> admin_pb2.DeleteReaderResponse:
        """Ends a reader."""
        parent, reader = read.reader_name(request.name)
        audit.note(request.name)
        await self._store.delete_reader((await _required(parent, "name")).project_id, reader)
        return admin_pb2.DeleteReaderResponse()

    async def ListAuditEntries(
        self, request: admin_pb2.ListAuditEntriesRequest, context: Any
    ) -> admin_pb2.ListAuditEntriesResponse:
        """Lists audit entries, newest first."""
        parent = await _parent(request.parent, "parent")
        actor, action = read.sought(request.actor, "actor"), read.sought(request.action, "action")
        limit = page.size(request.page_size, PAGE, LARGEST_PAGE)
        (before,) = page.position(request, int) or (None,)
        rows = await self._store.entries(parent.project_id, actor, action, before, limit + 1)
        return admin_pb2.ListAuditEntriesResponse(
            entries=[row.message() for row in rows[:limit]],
            next_page_token=page.token(request, rows[limit - 1].sequence) if len(rows) > limit else "",
        )

    async def VerifyAuditLog(
        self, request: admin_pb2.VerifyAuditLogRequest, context: Any
    ) -> admin_pb2.VerifyAuditLogResponse:
        """Recomputes a chain."""
        parent = await _parent(request.parent, "parent")
        verdict = await audit.verify(self._pool, parent.project_id)
        return admin_pb2.VerifyAuditLogResponse(
            intact=verdict.fault is None,
            entry_count=verdict.checked,
            first_broken_sequence=verdict.fault.sequence if verdict.fault else 0,
            explanation=verdict.fault.explanation if verdict.fault else "",
        )

    async def Diagnose(self, request: admin_pb2.DiagnoseRequest, context: Any) -> admin_pb2.DiagnoseResponse:
        """Tells what is wrong with the installation."""
        audit.note("projects/-")
        response = admin_pb2.DiagnoseResponse(checks=diagnosis.checks(await source.measured(self._resources)))
        response.measured_at.FromDatetime(datetime.now(UTC))
        return response


async def _required(name: str, field: str) -> Project:
    """The project that a field must name."""
    if not name:
        raise Invalid(field, "is empty; write projects/{project}")
    return await project(name, field)


async def _parent(name: str, field: str) -> Project:
    """The project that a field must name, or the whole installation, which only keys of its own may manage."""
    if name != "projects/-":
        return await _required(name, field)
    if caller().project_id is not None:
        raise Denied(
            f"the key belongs to projects/{caller().project_slug} and may not touch the installation",
            reason="WRONG_PROJECT",
        )
    audit.note(current.get().resource or name)
    return INSTALLATION


def _id(parent: Project) -> int | None:
    """As keys are stored: those of the installation have no project."""
    return parent.project_id or None
