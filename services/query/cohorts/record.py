"""Cohorts as stored, and as messages of the contract. Pure.

`store.py` reads records; `servicer.py` puts their messages into its answers.
"""

from dataclasses import dataclass
from datetime import datetime

from tidemark.v1 import cohort_pb2 as pb


@dataclass(frozen=True, slots=True)
class CohortRecord:
    """A cohort."""

    project: str
    cohort_id: str
    display_name: str
    description: str
    rule: bytes | None
    """A serialized `CohortRule`; None for a static cohort."""
    people: int
    """How many are listed."""
    revision: int
    created_at: datetime
    updated_at: datetime
    user_ids: list[str] | None = None
    """Who is listed, where that was asked for."""

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"projects/{self.project}/cohorts/{self.cohort_id}"

    def message(self) -> pb.Cohort:
        """As callers see it."""
        made = pb.Cohort(
            name=self.name,
            display_name=self.display_name,
            description=self.description,
            etag=str(self.revision),
        )
        if self.rule is None:
            made.people.count = self.people
            made.people.user_ids.extend(self.user_ids or ())
        else:
            made.rule.ParseFromString(self.rule)
        made.create_time.FromDatetime(self.created_at)
        made.update_time.FromDatetime(self.updated_at)
        return made
