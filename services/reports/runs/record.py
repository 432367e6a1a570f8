"""Runs as stored, and as messages of the contract. Pure.

`store.py` reads records; the servicer of `editions` puts their messages into its answers, `worker.py` and the schedules go on from them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from tidemark.v1 import edition_pb2 as pb
from tidemark.v1.question_pb2 import Filter, TimeRange
from tidemark.v1.schedule_pb2 import Recipient

ENDED = (pb.Run.STATE_DONE, pb.Run.STATE_SKIPPED, pb.Run.STATE_FAILED, pb.Run.STATE_CANCELLED)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run."""

    run_number: int
    run_id: str
    project_id: int
    project: str
    project_title: str
    project_zone: str
    report_id: str
    report_version: int
    schedule_id: str | None
    slot_at: datetime | None
    state: int
    reason: str
    operation_id: str | None
    formats: Sequence[int]
    recipients: Sequence[bytes]
    filter: bytes | None
    time_range: bytes | None
    skip_empty: bool
    repeats: int | None
    created_at: datetime
    ended_at: datetime | None
    editions: Sequence[str]
    """Ids of what it made."""

    @property
    def report(self) -> str:
        """The name of its report."""
        return f"projects/{self.project}/reports/{self.report_id}"

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"{self.report}/runs/{self.run_id}"

    @property
    def asked_range(self) -> TimeRange | None:
        """The range asked for instead of the report's."""
        return None if self.time_range is None else TimeRange.FromString(self.time_range)

    def message(self) -> pb.Run:
        """As callers see it."""
        made = pb.Run(
            name=self.name,
            schedule=f"{self.report}/schedules/{self.schedule_id}" if self.schedule_id else "",
            state=self.state,  # type: ignore[arg-type]
            reason=self.reason,
            operation=f"projects/{self.project}/operations/{self.operation_id}" if self.operation_id else "",
            editions=[f"{self.report}/editions/{each}" for each in self.editions],
        )
        made.create_time.FromDatetime(self.created_at)
        if self.slot_at is not None:
            made.slot_time.FromDatetime(self.slot_at)
        if self.ended_at is not None:
            made.end_time.FromDatetime(self.ended_at)
        return made


class Part(NamedTuple):
    """Recipients who get the same edition."""

    filter: Filter | None
    """Beside the report's."""
    recipients: Sequence[Recipient]


def parts(run: RunRecord) -> list[Part]:
    """The editions that a run is to make: one for each row filter of its recipients, or one where it has none."""
    beside = None if run.filter is None else Filter.FromString(run.filter)
    found: dict[bytes, Part] = {}
    for each in run.recipients:
        recipient = Recipient.FromString(each)
        own = recipient.filter if recipient.HasField("filter") else beside
        key = b"" if own is None else own.SerializeToString(deterministic=True)
        part = found.setdefault(key, Part(own, []))
        part.recipients.append(recipient)  # type: ignore[attr-defined]
    return list(found.values()) or [Part(beside, [])]
