"""Erasures as stored, and as messages of the contract: in the end, certificates. Pure.

`store.py` reads records; the servicer of `retention` puts their messages into its answers.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from tidemark.v1 import retention_pb2 as pb

PLACES = (
    "events", "dead_letters", "cohorts", "windows", "rollups_1m", "rollups_1h", "rollups_1d", "segments", "incidents",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Erasure:
    """The removal of a person, who is named by a hash alone."""

    project: str
    erasure_id: str
    user_sha256: str
    state: int
    requested_by: str
    notes: Sequence[str]
    created_at: datetime
    completed_at: datetime | None
    parts: Mapping[str, int] = field(default_factory=dict)
    """By place, what was removed."""

    @property
    def name(self) -> str:
        """Its resource name."""
        return name(self.project, self.erasure_id)

    def message(self) -> pb.Erasure:
        """As callers see it."""
        made = pb.Erasure(
            name=self.name,
            user_sha256=self.user_sha256,
            state=pb.Erasure.State.Name(self.state),  # type: ignore[arg-type]
            requested_by=self.requested_by,
            parts=[
                pb.ErasedPart(place=each, count=self.parts[each]) for each in PLACES if each in self.parts
            ],
            notes=self.notes,
        )
        made.create_time.FromDatetime(self.created_at)
        if self.completed_at:
            made.complete_time.FromDatetime(self.completed_at)
        return made


def name(project: str, erasure_id: str) -> str:
    """The resource name of an erasure."""
    return f"projects/{project}/erasures/{erasure_id}"


def user_sha256(name: str, user_id: str) -> str:
    """What stands for the person: who knows the id and the name of the erasure can compute it."""
    return hashlib.sha256(f"{name}\n{user_id}".encode()).hexdigest()


def left(before: date) -> str:
    """The note about buckets that could not be counted anew."""
    return (
        f"Buckets before {before.isoformat()} were left: the events that they count are gone by retention, and none holds an "
        "identity."
    )


def kept(editions: int, until: date) -> str:
    """The note about reports that were made of the data before."""
    return (
        f"Editions of reports are copies that never change, and {editions:,} made before this may hold the person; the last is removed "
        f"on {until.isoformat()}."
    )
