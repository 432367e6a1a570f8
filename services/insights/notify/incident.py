"""Incidents as stored, and as messages of the contract. Pure.

The stores of `alerts` and `notify` read records; messages go into answers and into what people are told.
"""

from dataclasses import dataclass
from datetime import datetime

from tidemark.v1 import alert_pb2 as pb

COLUMNS = (
    "slug AS project, incident_id, rule_id, insight, labels, title, description, severity, state, start_at, open_at, end_at, "
    "value, latest_value, expected, acknowledged_by, acknowledged_at"
)
"""Of `incidents` joined with `projects`, as a record has them."""


@dataclass(frozen=True, slots=True)
class IncidentRecord:
    """An incident."""

    project: str
    incident_id: str
    rule_id: str
    insight: str
    labels: list[str]
    title: str
    description: str
    severity: int
    state: int
    start_at: datetime
    open_at: datetime
    end_at: datetime | None
    value: float
    latest_value: float
    expected: float
    acknowledged_by: str
    acknowledged_at: datetime | None

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"projects/{self.project}/incidents/{self.incident_id}"

    def message(self) -> pb.Incident:
        """As callers see it."""
        made = pb.Incident(
            name=self.name,
            alert_rule=f"projects/{self.project}/alertRules/{self.rule_id}" if self.rule_id else "",
            insight=self.insight,
            group=self.labels,
            title=self.title,
            description=self.description,
            severity=self.severity,  # type: ignore[arg-type]
            state=self.state,  # type: ignore[arg-type]
            value=self.value,
            latest_value=self.latest_value,
            expected=self.expected,
            acknowledged_by=self.acknowledged_by,
        )
        made.start_time.FromDatetime(self.start_at)
        made.open_time.FromDatetime(self.open_at)
        if self.end_at is not None:
            made.end_time.FromDatetime(self.end_at)
        if self.acknowledged_at is not None:
            made.acknowledge_time.FromDatetime(self.acknowledged_at)
        return made
