"""Projects, keys, readers and audit entries as stored, and as messages of the contract. Pure.

`store.py` reads records; `servicer.py` puts their messages into its answers.
"""

from dataclasses import dataclass
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from tidemark.v1 import admin_pb2


@dataclass(frozen=True, slots=True)
class ProjectRecord:
    """A project."""

    project_id: int
    slug: str
    display_name: str
    time_zone: str
    revision: int
    created_at: datetime
    updated_at: datetime

    def message(self) -> admin_pb2.Project:
        """As callers see it."""
        return admin_pb2.Project(
            name=f"projects/{self.slug}",
            display_name=self.display_name,
            time_zone=self.time_zone,
            create_time=_timestamp(self.created_at),
            update_time=_timestamp(self.updated_at),
            etag=str(self.revision),
        )


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key, without its secret; `project` is `-` for one of the whole installation."""

    key_id: str
    project: str
    display_name: str
    role: admin_pb2.Role
    events_per_minute: int
    requests_per_minute: int
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"projects/{self.project}/keys/{self.key_id}"

    def message(self) -> admin_pb2.Key:
        """As callers see it."""
        return admin_pb2.Key(
            name=self.name,
            display_name=self.display_name,
            role=self.role,
            expire_time=_timestamp(self.expires_at),
            events_per_minute=self.events_per_minute,
            requests_per_minute=self.requests_per_minute,
            create_time=_timestamp(self.created_at),
            revoke_time=_timestamp(self.revoked_at),
        )


@dataclass(frozen=True, slots=True)
class ReaderRecord:
    """A PostgreSQL role that sees one project."""

    project: str
    reader: str
    role: str
    connections: int
    created_at: datetime

    def message(self) -> admin_pb2.Reader:
        """As callers see it."""
        return admin_pb2.Reader(
            name=f"projects/{self.project}/readers/{self.reader}",
            role=self.role,
            connections=self.connections,
            create_time=_timestamp(self.created_at),
        )


@dataclass(frozen=True, slots=True)
class EntryRecord:
    """An audit entry."""

    sequence: int
    occurred_at: datetime
    actor: str
    action: str
    resource: str
    peer: str
    outcome: str
    request_id: str
    hash: bytes

    def message(self) -> admin_pb2.AuditEntry:
        """As callers see it."""
        return admin_pb2.AuditEntry(
            sequence=self.sequence,
            occurred_at=_timestamp(self.occurred_at),
            actor=self.actor,
            action=self.action,
            resource=self.resource,
            peer=self.peer,
            outcome=self.outcome,
            request_id=self.request_id,
            hash=self.hash,
        )


def _timestamp(instant: datetime | None) -> Timestamp | None:
    if instant is None:
        return None
    timestamp = Timestamp()
    timestamp.FromDatetime(instant)
    return timestamp
