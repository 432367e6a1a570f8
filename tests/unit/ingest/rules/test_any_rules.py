"""Whatever the rules and whatever the events: as many rows come out as went in, and what no rule touches stays to the byte."""

from typing import Any

import orjson
import pyarrow.compute as pc
from hypothesis import given
from hypothesis import strategies as st

from services.ingest import validate
from services.ingest.rules.program import compile_rules
from services.kit.errors import Invalid
from tests.ingesting import NOW_US
from tests.ruling import KEY, message, rows
from tidemark.v1.event_pb2 import Event
from tidemark.v1.ingest_pb2 import EventBatch

_PATHS = st.sampled_from(
    ["name", "user_id", "session_id", "type", "occurred_at", "properties.a", "properties.a.b", "properties.a.0", "properties.c",
     "properties..", "context.a", "context.user_agent", "properties.url", "properties." + ".".join("a" * 14)]
)  # fmt: skip
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(
        ["2026-01-01", "true", "1e5", "12", "http://a/?utm_source=x", "x" * 201, "Mozilla/5.0 (X11)"]
    )
)
_JSON = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "0", ""]), inner, max_size=3)
    ),
    max_leaves=6,
)
_EXPRESSIONS = st.sampled_from(
    ["properties.a", "properties.a == 1", "properties.a.b > 2", "name + user_id", "properties", "true", "false", "1.0 / 0.0",
     "properties.c.map(x, x)", "has(properties.a)", "occurred_at", "context.a.size() > 1", "[properties.a, context]", "''"]
)  # fmt: skip
_ACTIONS = st.one_of(
    st.builds(lambda field, value, missing: {"set": {"field": field, "value": value, "onlyMissing": missing}}, _PATHS,
              _JSON.filter(lambda value: "9" * 18 not in str(value)), st.booleans()),
    st.builds(lambda field, source: {"set": {"field": field, "expression": source}}, _PATHS, _EXPRESSIONS),
    st.builds(lambda field, to: {"rename": {"field": field, "to": to}}, _PATHS, _PATHS),
    st.builds(lambda field: {"drop": {"field": field}}, _PATHS),
    st.builds(lambda field, to: {"cast": {"field": field, "to": to}}, _PATHS, st.integers(0, 6)),
    st.builds(lambda field: {"hash": {"field": field}}, _PATHS),
    st.builds(lambda field, first: {"mask": {"field": field, "keepFirst": first}}, _PATHS, st.integers(0, 3)),
    st.builds(lambda field, to, table: {"lookUp": {"field": field, "to": to, "table": table}}, _PATHS, _PATHS,
              st.dictionaries(st.sampled_from(["12", "true", "x"]), st.integers(0, 9) | st.just({"a": [1]}), max_size=2)),
    st.builds(lambda field, to: {"parseUserAgent": {"field": field, "to": to}}, _PATHS, _PATHS | st.just("context")),
    st.builds(lambda field, to: {"parseUrl": {"field": field, "to": to}}, _PATHS, _PATHS | st.just("properties")),
)  # fmt: skip
_RULES = st.builds(
    lambda action, when, names, dead: (
        action
        | {"when": when, "eventNames": names, "onFailure": "FAILURE_DEAD_LETTER" if dead else "FAILURE_KEEP"}
    ),
    _ACTIONS,
    st.just("") | _EXPRESSIONS,
    st.just([]) | st.just(["clicked"]),
    st.booleans(),
)
_KEYS = st.sampled_from(["a", "b", "c", "url", "user_agent", "a.b", "", "0", "é"])


def _json(value: Any) -> bytes:
    """JSON with whole numbers of any size."""
    if isinstance(value, dict):
        return (
            b"{" + b", ".join(orjson.dumps(key) + b": " + _json(each) for key, each in value.items()) + b"}"
        )
    if isinstance(value, list):
        return b"[" + b",".join(map(_json, value)) + b"]"
    return str(value).encode() if type(value) is int else orjson.dumps(value)


_OBJECTS = st.none() | st.dictionaries(_KEYS, _JSON, max_size=4).map(lambda value: _json(value).decode())
_EVENTS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["clicked", "viewed"]),
        "type": st.sampled_from([1, 6]),
        "user_id": st.none() | st.text("abü", min_size=1, max_size=3),
        "session_id": st.none() | st.just("s"),
        "properties": _OBJECTS,
        "context": _OBJECTS,
    }
)


def _accepted(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of the rules that can be compiled."""
    found = []
    for rule in rules:
        try:
            compile_rules(message(rule), KEY)
        except Invalid:
            continue
        found.append(rule)
    return found


def _refused(batch: Any) -> list[str]:
    """What `validate` says of the rows as events of a client."""
    events = []
    for row in batch.to_pylist():
        texts = {name: row[name] or "" for name in ("name", "user_id", "session_id")}
        objects = {f"{name}_json": (row[name] or "").encode() for name in ("properties", "context")}
        event = Event(event_id=row["event_id"], type=row["type"], **texts, **objects)
        event.occurred_at.FromMicroseconds(NOW_US)
        events.append(event)
    return [each.message for each in validate.events(EventBatch(events=events), NOW_US).rejections]


@given(st.lists(_RULES, max_size=5), st.lists(_EVENTS, max_size=4))
def test_rules_lose_no_event_and_make_none_that_is_not_valid(rules: list, events: list) -> None:
    batch = rows(*events)
    found = compile_rules(message(*_accepted(rules)), KEY).apply(batch)
    assert found.rows.schema == batch.schema
    assert found.rows.select(["event_id", "type", "occurred_at"]) == batch.select(
        ["event_id", "type", "occurred_at"]
    )
    if not _refused(batch):
        assert _refused(found.rows) == []
    for effect in found.effects:
        assert effect.changed_count <= effect.applied_count <= len(events)
        assert effect.failed_count <= effect.applied_count


@given(_RULES, st.lists(_EVENTS, min_size=1, max_size=4))
def test_what_a_rule_does_not_name_stays_to_the_byte(rule: dict, events: list) -> None:
    batch = rows(*events)
    found = compile_rules(message(*_accepted([rule])), KEY).apply(batch)
    action = next(value for key, value in rule.items() if isinstance(value, dict))
    named = {action.get("field") or "", action.get("to") or "" if isinstance(action.get("to"), str) else ""}
    written = {path.partition(".")[0] for path in named} or {"properties", "context"}
    if "parseUserAgent" in rule or "parseUrl" in rule:
        written |= {"properties", "context"}
    for column in {"name", "user_id", "session_id", "properties", "context"} - written:
        assert found.rows[column] == batch[column]
    failed = {failure.row for failure in found.failures}
    for column in written & set(batch.schema.names):
        same = pc.equal(found.rows[column], batch[column]).fill_null(True).to_pylist()
        assert all(same[row] for row in failed)


@given(_EVENTS)
def test_numbers_of_any_size_survive_a_change_beside_them(event: dict) -> None:
    rule = {"set": {"field": "properties.new", "value": 1}}
    found = compile_rules(message(rule), KEY).apply(rows(event)).rows["properties"][0].as_py()
    before = orjson.loads(event["properties"] or "{}")
    kept = [orjson.dumps(value) for key, value in orjson.loads(found).items() if key != "new"]
    assert kept == [orjson.dumps(value) for value in before.values()]
