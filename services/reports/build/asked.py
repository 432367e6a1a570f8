"""What is to be built: a definition, its sections, and when, for whom and of which data. `editions` and `definitions` make one."""

from dataclasses import dataclass
from datetime import datetime

from services.kit.calendar import Span
from services.reports.build import span
from tidemark.v1 import question_pb2 as q
from tidemark.v1 import report_pb2 as pb


@dataclass(frozen=True, slots=True)
class Asked:
    """A report to be built."""

    project: str
    """`projects/{project}`."""
    project_title: str
    """The name people read."""
    project_zone: str
    report: pb.Report
    sections: tuple[pb.Section, ...]
    """Those of the report, or what its template makes."""
    now: datetime
    """When it is made; relative times end here."""
    filter: q.Filter | None = None
    """Who reads it sees only these events."""
    time_range: q.TimeRange | None = None
    """Instead of the report's."""
    as_of: str = ""
    """The state of the data; as they are when empty."""
    row_limit: int | None = None
    """For a preview: so many events or people at most, and faults stand where a section would be."""

    @property
    def time_zone(self) -> str:
        """The zone in which days begin."""
        return self.report.time_zone or self.project_zone

    @property
    def locale(self) -> str:
        """How numbers and dates are written."""
        return self.report.locale or "en"

    @property
    def filters(self) -> tuple[q.Filter, ...]:
        """What holds for every question about events."""
        return tuple(
            each for each in (self.report.filter, self.filter) if each is not None and each.ByteSize()
        )

    @property
    def span(self) -> Span:
        """The time it tells of; raises `Invalid` for a range that is none."""
        stated = self.time_range
        if stated is None and self.report.HasField("time_range"):
            stated = self.report.time_range
        return span.resolved(stated, self.time_zone, self.now)
