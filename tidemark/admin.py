"""Projects, keys, readers and the audit log: reached as `client.admin`, answered by `AdminService` with the records below."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

import grpc.aio

from tidemark import spelling
from tidemark.channel import Metadata
from tidemark.records import instant
from tidemark.scope import Calls
from tidemark.spelling import Instant
from tidemark.v1 import admin_pb2 as pb
from tidemark.v1 import admin_pb2_grpc

ROLES = ("ingest", "viewer", "analyst", "admin")


@dataclass(frozen=True, slots=True)
class Project:
    """A tenant."""

    name: str
    display_name: str
    time_zone: str
    create_time: datetime | None
    update_time: datetime | None
    etag: str

    @classmethod
    def of(cls, message: pb.Project) -> "Project":
        return cls(
            message.name,
            message.display_name,
            message.time_zone,
            instant(message.create_time),
            instant(message.update_time),
            message.etag,
        )


@dataclass(frozen=True, slots=True)
class Key:
    """An API key; `secret` is there only when it was just made."""

    name: str
    display_name: str
    role: str
    expire_time: datetime | None
    events_per_minute: int
    requests_per_minute: int
    create_time: datetime | None
    revoke_time: datetime | None
    secret: str = field(default="", repr=False)

    @classmethod
    def of(cls, message: pb.Key, secret: str = "") -> "Key":
        return cls(
            message.name,
            message.display_name,
            pb.Role.Name(message.role).removeprefix("ROLE_").lower(),
            instant(message.expire_time),
            message.events_per_minute,
            message.requests_per_minute,
            instant(message.create_time),
            instant(message.revoke_time),
            secret,
        )


@dataclass(frozen=True, slots=True)
class Reader:
    """A PostgreSQL role that reads one project's views; `password` is there only when it was just made."""

    name: str
    role: str
    connections: int
    create_time: datetime | None
    password: str = field(default="", repr=False)

    @classmethod
    def of(cls, message: pb.Reader, password: str = "") -> "Reader":
        return cls(message.name, message.role, message.connections, instant(message.create_time), password)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing done or read."""

    sequence: int
    occurred_at: datetime | None
    actor: str
    action: str
    resource: str
    peer: str
    outcome: str
    request_id: str
    hash: str

    @classmethod
    def of(cls, message: pb.AuditEntry) -> "AuditEntry":
        return cls(
            message.sequence,
            instant(message.occurred_at),
            message.actor,
            message.action,
            message.resource,
            message.peer,
            message.outcome,
            message.request_id,
            message.hash.hex(),
        )


@dataclass(frozen=True, slots=True)
class Verification:
    """What the verification of an audit log found."""

    intact: bool
    entry_count: int
    first_broken_sequence: int
    explanation: str


GOOD, WARNING, BAD, UNKNOWN = "good", "warning", "bad", "unknown"
"""How something can be."""
_STATES = {
    pb.Check.STATE_GOOD: GOOD,
    pb.Check.STATE_WARNING: WARNING,
    pb.Check.STATE_BAD: BAD,
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: how it is, what was found, and what to do."""

    subject: str
    state: str
    found: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What the installation says of itself, the worst first, and when by its own clock."""

    checks: list[Check]
    measured_at: datetime


class Admin(Calls):
    """Manages what a key with the role admin may manage. `project` is an id or `projects/{project}`; `-` the installation."""

    def __init__(self, channel: grpc.aio.Channel, metadata: Metadata, timeout: float) -> None:
        super().__init__(metadata, timeout)
        self._stub = admin_pb2_grpc.AdminServiceStub(channel)  # type: ignore[no-untyped-call]

    async def create_project(
        self, project_id: str, *, display_name: str = "", time_zone: str = ""
    ) -> Project:
        """Makes a project; needs a key of the whole installation."""
        request = pb.CreateProjectRequest(
            project_id=project_id,
            project=pb.Project(display_name=display_name, time_zone=time_zone),
            request_id=str(uuid4()),
        )
        return Project.of((await self._ask(self._stub.CreateProject, request)).project)

    async def project(self, project: str) -> Project:
        """Reads a project."""
        request = pb.GetProjectRequest(name=resource(project))
        return Project.of((await self._ask(self._stub.GetProject, request)).project)

    async def projects(self) -> AsyncIterator[Project]:
        """The projects that the key may see, by name."""
        async for page in self._pages(self._stub.ListProjects, pb.ListProjectsRequest()):
            for message in page.projects:
                yield Project.of(message)

    async def update_project(
        self, project: str, *, display_name: str | None = None, time_zone: str | None = None, etag: str = ""
    ) -> Project:
        """Changes what is given; with `etag`, only if nobody else did since."""
        given = {"display_name": display_name, "time_zone": time_zone}
        changes = {name: value for name, value in given.items() if value is not None}
        request = pb.UpdateProjectRequest(project=pb.Project(name=resource(project), etag=etag, **changes))  # type: ignore[arg-type]
        request.update_mask.paths.extend(changes)
        return Project.of((await self._ask(self._stub.UpdateProject, request)).project)

    async def create_key(
        self,
        project: str,
        role: str,
        *,
        display_name: str = "",
        expires_at: Instant | None = None,
        events_per_minute: int = 0,
        requests_per_minute: int = 0,
    ) -> Key:
        """Makes a key of role ingest, viewer, analyst or admin; its `secret` is in this answer and never again."""
        if role not in ROLES:
            raise ValueError(f"role: {role!r} is not known; write one of {', '.join(ROLES)}")
        key = pb.Key(
            display_name=display_name,
            role=pb.Role.Value(f"ROLE_{role.upper()}"),  # type: ignore[arg-type]
            expire_time=None if expires_at is None else spelling.timestamp(expires_at),
            events_per_minute=events_per_minute,
            requests_per_minute=requests_per_minute,
        )
        request = pb.CreateKeyRequest(parent=resource(project), key=key, request_id=str(uuid4()))
        answer = await self._ask(self._stub.CreateKey, request)
        return Key.of(answer.key, answer.secret)

    async def keys(self, project: str) -> AsyncIterator[Key]:
        """The keys of a project, newest first."""
        async for page in self._pages(self._stub.ListKeys, pb.ListKeysRequest(parent=resource(project))):
            for message in page.keys:
                yield Key.of(message)

    async def revoke_key(self, name: str) -> Key:
        """Ends the key `projects/{project}/keys/{key}` for ever."""
        return Key.of((await self._ask(self._stub.RevokeKey, pb.RevokeKeyRequest(name=name))).key)

    async def create_reader(self, project: str, reader_id: str, *, connections: int = 0) -> Reader:
        """Makes a reader; its `password` is in this answer and never again."""
        request = pb.CreateReaderRequest(
            parent=resource(project), reader_id=reader_id, reader=pb.Reader(connections=connections)
        )
        answer = await self._ask(self._stub.CreateReader, request)
        return Reader.of(answer.reader, answer.password)

    async def readers(self, project: str) -> AsyncIterator[Reader]:
        """The readers of a project, by name."""
        request = pb.ListReadersRequest(parent=resource(project))
        async for page in self._pages(self._stub.ListReaders, request):
            for message in page.readers:
                yield Reader.of(message)

    async def delete_reader(self, name: str) -> None:
        """Ends the reader `projects/{project}/readers/{reader}` and its connections."""
        await self._ask(self._stub.DeleteReader, pb.DeleteReaderRequest(name=name))

    async def audit(self, project: str, *, actor: str = "", action: str = "") -> AsyncIterator[AuditEntry]:
        """What was done and read in a project, newest first."""
        request = pb.ListAuditEntriesRequest(parent=resource(project), actor=actor, action=action)
        async for page in self._pages(self._stub.ListAuditEntries, request):
            for message in page.entries:
                yield AuditEntry.of(message)

    async def verify_audit(self, project: str) -> Verification:
        """Has the server recompute the hash chain of a project's audit log."""
        answer = await self._ask(
            self._stub.VerifyAuditLog, pb.VerifyAuditLogRequest(parent=resource(project))
        )
        return Verification(
            answer.intact, answer.entry_count, answer.first_broken_sequence, answer.explanation
        )

    async def diagnose(self) -> Diagnosis:
        """Has the server look at the whole installation; needs a key of it."""
        answer = await self._ask(self._stub.Diagnose, pb.DiagnoseRequest())
        found = [
            Check(each.subject, _STATES.get(each.state, UNKNOWN), each.found, each.remedy)
            for each in answer.checks
        ]
        return Diagnosis(found, answer.measured_at.ToDatetime(UTC))


def resource(project: str) -> str:
    """The resource name of a project given by id or name; empty stays empty."""
    return project if not project or project.startswith("projects/") else f"projects/{project}"
