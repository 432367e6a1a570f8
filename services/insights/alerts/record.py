"""Alert rules as stored, and as messages of the contract. Pure.

`store.py` reads records; `servicer.py` puts their messages into its answers.
"""

from dataclasses import dataclass
from datetime import datetime

from tidemark.v1.alert_pb2 import AlertRule


@dataclass(frozen=True, slots=True)
class RuleRecord:
    """An alert rule."""

    project: str
    rule_id: str
    definition: bytes
    revision: int
    created_at: datetime
    updated_at: datetime
    evaluated_at: datetime | None
    fault: str

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"projects/{self.project}/alertRules/{self.rule_id}"

    def message(self) -> AlertRule:
        """As callers see it."""
        made = AlertRule.FromString(self.definition)
        made.name, made.etag, made.fault = self.name, str(self.revision), self.fault
        made.create_time.FromDatetime(self.created_at)
        made.update_time.FromDatetime(self.updated_at)
        if self.evaluated_at is not None:
            made.evaluate_time.FromDatetime(self.evaluated_at)
        return made


@dataclass(frozen=True, slots=True)
class Look:
    """A rule that a worker has taken on to look at."""

    rule_number: int
    project_id: int
    project: str
    """`projects/{project}`."""
    time_zone: str
    rule_id: str
    definition: bytes
    revision: int
    claims: int
    """Tells this look from later ones."""
    state: bytes
    updated_at: datetime
    waited: float
    """Seconds since it was due."""
    going_on: list[list[str]]
    """The groups with an incident that nobody has ended."""
