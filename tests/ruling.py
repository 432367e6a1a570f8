"""Rules and the events that they are applied to, for tests of what becomes of them."""

from typing import Any

import orjson
import pyarrow as pa
from google.protobuf.json_format import ParseDict

from services.ingest.columns import EVENTS
from services.ingest.rules.program import Applied, Program, compile_rules
from services.kit.instant import at
from tests.ingesting import NOW_US, event_id
from tidemark.v1.rule_pb2 import Rules

KEY = b"a secret of the project"


def rows(*events: dict[str, Any]) -> pa.RecordBatch:
    """Events in good order but for these fields; objects may be given as JSON."""
    good = {
        "type": 1,
        "name": "clicked",
        "user_id": None,
        "session_id": None,
        "properties": None,
        "context": None,
    }
    made = []
    for number, fields in enumerate(events):
        row = {"event_id": event_id(number), "occurred_at": at(NOW_US).replace(tzinfo=None)} | good | fields
        for name in ("properties", "context"):
            if isinstance(row[name], dict):
                row[name] = orjson.dumps(row[name]).decode()
        made.append(row)
    return pa.RecordBatch.from_pylist(made, schema=EVENTS)


def message(*rules: dict[str, Any]) -> Rules:
    """Rules out of their JSON; named `r0`, `r1` unless they have a name."""
    return ParseDict(
        {"rules": [{"ruleId": f"r{number}"} | rule for number, rule in enumerate(rules)]}, Rules()
    )


def program(*rules: dict[str, Any]) -> Program:
    """The program of rules given as JSON."""
    return compile_rules(message(*rules), KEY)


def applied(events: list[dict[str, Any]], *rules: dict[str, Any]) -> Applied:
    """What rules make of events."""
    return program(*rules).apply(rows(*events))


def seen(found: Applied, column: str = "properties") -> list[Any]:
    """A column afterwards; objects are read."""
    values = found.rows[column].to_pylist()
    if column not in ("properties", "context"):
        return values
    return [None if text is None else orjson.loads(text) for text in values]


def told(found: Applied) -> list[str]:
    """The failures, each as a sentence."""
    return [f"{each.row} {each.rule_id} {each.field}: {each.message}" for each in found.failures]


def properties(rule: dict[str, Any], *objects: Any) -> list[Any]:
    """The properties that one rule leaves, where it fails on none."""
    found = applied([{"properties": each} for each in objects], rule)
    assert told(found) == []
    return seen(found)


def faults(rule: dict[str, Any], *objects: Any) -> list[str]:
    """What one rule says of properties, on all of which it fails and which it leaves as they are."""
    batch = rows(*({"properties": each} for each in objects))
    found = program(rule).apply(batch)
    assert found.rows == batch
    assert [each.row for each in found.failures] == list(range(len(objects)))
    return [f"{each.field}: {each.message}" for each in found.failures]
