"""Rules and schemas for tests of what is done with dead letters."""

from google.protobuf.struct_pb2 import Value

from services.ingest.definitions.definition import Definition, compiled
from tidemark.v1.rule_pb2 import CastField, DropField, HashField, Rule, Rules, SetField
from tidemark.v1.schema_pb2 import ENFORCEMENT_DEAD_LETTER, Enforcement, Schema

AMOUNT = '{"type":"object","properties":{"amount":{"type":"number"}},"required":["amount"]}'
"""Asks for an amount that is a number."""


def drop(field: str, rule_id: str = "") -> Rule:
    """Takes a field away."""
    return Rule(rule_id=rule_id, drop=DropField(field=field))


def to_number(field: str, rule_id: str = "") -> Rule:
    """Makes a number of a text; what has no such form stays a letter."""
    cast = CastField(field=field, to=CastField.TYPE_NUMBER)
    return Rule(rule_id=rule_id, cast=cast, on_failure=Rule.FAILURE_DEAD_LETTER)


def put(field: str, value: float, rule_id: str = "") -> Rule:
    """Sets a field to a number."""
    return Rule(rule_id=rule_id, set=SetField(field=field, value=Value(number_value=value)))


def hashed(field: str, rule_id: str = "hashed") -> Rule:
    """Replaces a text by a code."""
    return Rule(rule_id=rule_id, hash=HashField(field=field))


def amount(
    enforcement: Enforcement = ENFORCEMENT_DEAD_LETTER, name: str = "paid", version: int = 3
) -> Schema:
    """A schema that asks for an amount."""
    return Schema(event_name=name, version=version, document=AMOUNT, enforcement=enforcement)


def definition(*schemas: Schema, rules: tuple[Rule, ...] = (), version: int = 0) -> Definition:
    """What is applied to events: these rules, then these schemas."""
    return compiled(Rules(rules=rules, version=version), b"key", schemas)
