"""Versions of rules as stored, and as messages of the contract. Pure.

`store.py` reads records; `servicer.py` puts their messages into its answers.
"""

from dataclasses import dataclass
from datetime import datetime

from tidemark.v1 import rule_pb2 as pb


@dataclass(frozen=True, slots=True)
class RulesRecord:
    """A version of a project's rules."""

    project: str
    version: int = 0
    rules: bytes = b""
    """A serialized `Rules` that holds nothing but the list."""
    created_at: datetime | None = None
    """None where there were never any rules."""

    def message(self) -> pb.Rules:
        """As callers see it."""
        made = pb.Rules.FromString(self.rules)
        made.name = f"projects/{self.project}/rules"
        made.version, made.etag = self.version, str(self.version)
        if self.created_at is not None:
            made.update_time.FromDatetime(self.created_at)
        return made
