"""Schedules as stored, as messages of the contract, and as they are taken on. Pure.

`store` reads records; `servicer` puts their messages into its answers, `worker` runs what is due.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from tidemark.v1.report_pb2 import Report
from tidemark.v1.schedule_pb2 import Schedule


@dataclass(frozen=True, slots=True)
class ScheduleRecord:
    """A schedule."""

    project: str
    report_id: str
    schedule_id: str
    definition: bytes
    revision: int
    created_at: datetime
    updated_at: datetime
    next_at: datetime | None
    last_run_id: str

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"projects/{self.project}/reports/{self.report_id}/schedules/{self.schedule_id}"

    def message(self) -> Schedule:
        """As callers see it."""
        made = Schedule.FromString(self.definition)
        made.name, made.etag = self.name, str(self.revision)
        made.create_time.FromDatetime(self.created_at)
        made.update_time.FromDatetime(self.updated_at)
        if self.next_at is not None:
            made.next_time.FromDatetime(self.next_at)
        if self.last_run_id:
            made.last_run = f"projects/{self.project}/reports/{self.report_id}/runs/{self.last_run_id}"
        return made


@dataclass(frozen=True, slots=True)
class Due:
    """A schedule that is looked at."""

    schedule_number: int
    project_id: int
    project: str
    project_zone: str
    report_id: str
    report_version: int
    head: bytes
    """The report without its sections."""
    schedule_id: str
    definition: bytes
    found_version: int
    """Version of the report by which its next slot was found."""
    next_at: datetime
    now: datetime

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"projects/{self.project}/reports/{self.report_id}/schedules/{self.schedule_id}"

    @property
    def report(self) -> Report:
        """The report without its sections, as it is now."""
        found = Report.FromString(self.head)
        found.name = f"projects/{self.project}/reports/{self.report_id}"
        found.version = self.report_version
        return found

    @property
    def schedule(self) -> Schedule:
        """What it says."""
        return Schedule.FromString(self.definition)

    def zone(self) -> ZoneInfo:
        """The zone that its times are of."""
        return ZoneInfo(zone_name(self.schedule, self.report, self.project_zone))


def zone_name(schedule: Schedule, report: Report, project_zone: str) -> str:
    """The zone that the times of a schedule are of: its own, its report's, or the project's."""
    return schedule.time_zone or report.time_zone or project_zone


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run that waits for its data."""

    run_number: int
    project: str
    """`projects/{project}`."""
    complete_at: datetime
    """The watermark has to be past it."""
    give_up_at: datetime
    now: datetime
