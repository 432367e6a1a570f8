"""The rules and schemas of a project, compiled: messages come in from `store` or from a request, the definition goes out to `judgement`.

Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.ingest.rules.program import Program, compile_rules
from services.ingest.schemas.check import Compiled, compile_schema
from tidemark.v1.rule_pb2 import Rules
from tidemark.v1.schema_pb2 import Schema


@dataclass(frozen=True, slots=True)
class Definition:
    """What is applied to the events of a project."""

    rules: Program | None = None
    """None where no rule is to be applied."""
    rules_version: int = 0
    """0 for none, or for a draft."""
    schemas: Mapping[str, Compiled] = field(default_factory=dict)
    """By name of event."""


def compiled(rules: Rules, hash_key: bytes, schemas: Iterable[Schema]) -> Definition:
    """The definition of these `rules`, which hash under `hash_key`, and `schemas`; raises `Invalid` naming what is at fault."""
    return Definition(
        compile_rules(rules, hash_key) if rules.rules else None,
        rules.version,
        {schema.event_name: compile_schema(schema) for schema in schemas},
    )
