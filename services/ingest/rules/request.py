"""What a request of RuleService says, once it is known to be well formed. Pure; raises `Invalid` naming the field.

Messages come in from `servicer.py`, plain values and compiled definitions go back to it.
"""

import re
from collections.abc import Iterable

from services.ingest.definitions.definition import Definition
from services.ingest.rules.program import compile_rules
from services.ingest.schemas.check import compile_schema
from services.ingest.schemas.request import event_name
from services.kit.errors import Invalid
from services.kit.resource import ID
from tidemark.v1 import rule_pb2 as pb
from tidemark.v1.schema_pb2 import Schema

SAMPLE, LARGEST_SAMPLE = 20, 1000
MAX_SCHEMAS = 1000


def project_of(name: str, field: str) -> str:
    """The name of the project in `projects/{project}/rules`."""
    match = re.fullmatch(f"(projects/{ID})/rules", name)
    if match is None:
        raise Invalid(field, f"is {name[:100]!r}; write projects/{{project}}/rules")
    return match[1]


def version(number: int) -> int:
    """The version asked for; 0 for the present one."""
    if number < 0:
        raise Invalid("version", f"is {number}; write the number of a version, or leave it out")
    return number


def stored(rules: pb.Rules) -> bytes:
    """Rules as they are stored, once they are known to compile."""
    compile_rules(rules, b"")
    return pb.Rules(rules=rules.rules).SerializeToString(deterministic=True)


def sample(request: pb.TryRulesRequest) -> int:
    """How many stored events rules are tried on; 0 where events are given."""
    if len(request.events) > LARGEST_SAMPLE:
        raise Invalid("events", f"has {len(request.events)} events; send at most {LARGEST_SAMPLE}")
    if request.event_name:
        event_name(request.event_name, "event_name")
    for field in ("event_name", "sample_size"):
        if request.events and getattr(request, field):
            raise Invalid(field, "is given beside events; leave one of the two out")
    if not 0 <= request.sample_size <= LARGEST_SAMPLE:
        raise Invalid(
            "sample_size", f"is {request.sample_size}; write 1 to {LARGEST_SAMPLE}, or leave it out"
        )
    return 0 if request.events else request.sample_size or SAMPLE


def definition(
    request: pb.TryRulesRequest, rules: pb.Rules, hash_key: bytes, schemas: Iterable[Schema]
) -> Definition:
    """What is to be tried: the drafts of a request in place of the present `rules` and `schemas`."""
    draft = request.HasField("rules")
    if draft and request.rules.name not in ("", request.name):
        raise Invalid("rules.name", f"is {request.rules.name[:100]!r}; write {request.name}, or leave it out")
    if len(request.schemas) > MAX_SCHEMAS:
        raise Invalid("schemas", f"has {len(request.schemas)} schemas; send at most {MAX_SCHEMAS}")
    compiled = {schema.event_name: compile_schema(schema) for schema in schemas}
    for place, schema in enumerate(request.schemas):
        event_name(schema.event_name, f"schemas[{place}].event_name")
        given = Schema(document=schema.document, enforcement=schema.enforcement)
        compiled[schema.event_name] = compile_schema(given, f"schemas[{place}]")
    tried = request.rules if draft else rules
    program = compile_rules(tried, hash_key) if tried.rules else None
    return Definition(program, 0 if draft else rules.version, compiled)
