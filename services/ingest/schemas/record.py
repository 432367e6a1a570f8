"""Schemas as stored, and as messages of the contract. Pure.

`store.py` reads records; `servicer.py` puts their messages into its answers.
"""

from dataclasses import dataclass
from datetime import datetime

from tidemark.v1 import schema_pb2 as pb


@dataclass(frozen=True, slots=True)
class SchemaRecord:
    """A version of a schema."""

    project: str
    schema_id: str
    event_name: str
    version: int
    document: str
    enforcement: int
    compatibility: int
    description: str
    created_at: datetime
    """When the schema was."""
    updated_at: datetime
    """When this version was."""

    def message(self) -> pb.Schema:
        """As callers see it."""
        made = pb.Schema(
            name=f"projects/{self.project}/schemas/{self.schema_id}",
            event_name=self.event_name,
            document=self.document,
            enforcement=self.enforcement,  # type: ignore[arg-type]
            compatibility=self.compatibility,  # type: ignore[arg-type]
            description=self.description,
            version=self.version,
            etag=str(self.version),
        )
        made.create_time.FromDatetime(self.created_at)
        made.update_time.FromDatetime(self.updated_at)
        return made
