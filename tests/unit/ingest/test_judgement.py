"""Rules come first, then schemas; what is at fault stays as it came, what is refused leaves, and all of it is counted."""

from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest import columns, judgement, validate
from services.ingest.definitions.definition import Definition, compiled
from services.ingest.judgement import MAX_MESSAGE, judge, trials
from tests.ingesting import NOW_US, event, event_batch
from tidemark.v1 import rule_pb2, schema_pb2
from tidemark.v1.rule_pb2 import Judgement, Rule, Rules

KEEP, DEAD = Rule.FAILURE_KEEP, Rule.FAILURE_DEAD_LETTER
WARN, DEAD_LETTER, REJECT = (
    schema_pb2.ENFORCEMENT_WARN,
    schema_pb2.ENFORCEMENT_DEAD_LETTER,
    schema_pb2.ENFORCEMENT_REJECT,
)
AMOUNT = '{"type":"object","properties":{"amount":{"type":"number"}},"required":["amount"]}'


def rows(*events: Any) -> pa.RecordBatch:
    return validate.events(event_batch(*events), NOW_US).rows


def paid(number: int, **properties: object) -> Any:
    return event(number, name="paid", properties_json=orjson.dumps(properties))


def cast(field: str, on_failure: Any = DEAD, **more: Any) -> Rule:
    """A rule that makes a field a number, and fails where it cannot."""
    number = rule_pb2.CastField(field=field, to=rule_pb2.CastField.TYPE_NUMBER)
    return Rule(rule_id=more.pop("rule_id", "number"), cast=number, on_failure=on_failure, **more)


def definition(*rules: Rule, enforcement: Any = None, version: int = 3) -> Definition:
    """These rules, and a schema that wants an amount where `enforcement` says what to do without."""
    schemas = [
        schema_pb2.Schema(event_name="paid", version=2, document=AMOUNT, enforcement=enforcement)
        for _ in range(enforcement is not None)
    ]
    return compiled(Rules(rules=rules, version=version), b"k" * 32, schemas)


def faults(judged: judgement.Judged) -> list[Any]:
    return [text and orjson.loads(text) for text in judged.rows["fault"].to_pylist()]


def test_without_rules_and_schemas_rows_pass_as_they_are() -> None:
    came = rows(paid(1, amount="x"), event(2))
    judged = judge(came, Definition())
    assert judged.rows.schema == columns.EVENTS_2
    assert judged.rows.select(columns.EVENTS.names) == came
    assert judged.rows["fault"].null_count == 2
    assert (judged.refused, judged.dead_lettered, judged.quality, judged.versions) == ([], 0, {}, {})


def test_schemas_see_what_rules_have_made() -> None:
    judged = judge(
        rows(paid(1, amount="12.5"), paid(2, amount=1)),
        definition(cast("properties.amount"), enforcement=REJECT),
    )
    assert judged.refused == []
    assert [orjson.loads(text) for text in judged.rows["properties"].to_pylist()] == [
        {"amount": 12.5},
        {"amount": 1},
    ]
    assert judged.versions == {"paid": 2}
    assert judged.quality == {"paid": [2, 0, 0, 0, 0]}


def test_a_schema_warns_sets_aside_or_refuses() -> None:
    came = rows(paid(1, amount=1), paid(2), event(3), paid(4, amount="x"))
    warned = judge(came, definition(enforcement=WARN))
    assert (warned.rows.num_rows, warned.dead_lettered, warned.refused) == (4, 0, [])
    assert warned.quality == {"paid": [3, 2, 0, 0, 0]}

    kept = judge(came, definition(enforcement=DEAD_LETTER))
    assert (kept.rows.num_rows, kept.dead_lettered, kept.refused) == (4, 2, [])
    assert [fault and fault["reason"] for fault in faults(kept)] == [None, "SCHEMA", None, "SCHEMA"]
    assert faults(kept)[3]["field"] == "properties.amount"
    assert kept.quality == {"paid": [3, 2, 0, 2, 0]}

    refused = judge(came, definition(enforcement=REJECT))
    assert [each.row for each in refused.refused] == [1, 3]
    assert [value[-1] for value in refused.rows["event_id"].to_pylist()] == [1, 3]
    assert refused.quality == {"paid": [3, 2, 0, 0, 2]}


def test_what_a_rule_gives_up_stays_as_it_came_and_no_schema_sees_it() -> None:
    upper = Rule(rule_id="name", set=rule_pb2.SetField(field="name", expression="'sold'"))
    came = rows(paid(1, amount="x"), paid(2, amount="7"))
    judged = judge(came, definition(upper, cast("properties.amount"), enforcement=REJECT))
    assert judged.rows["name"].to_pylist() == ["paid", "sold"]
    assert judged.rows["properties"].to_pylist()[0] == '{"amount":"x"}'
    assert [fault and fault["reason"] for fault in faults(judged)] == ["RULE", None]
    assert judged.quality == {"paid": [0, 0, 1, 1, 0]}
    assert judged.versions == {}


def test_a_failure_that_is_kept_is_counted_and_stored() -> None:
    judged = judge(
        rows(paid(1, amount="x"), paid(2, amount="7")), definition(cast("properties.amount", KEEP))
    )
    assert judged.dead_lettered == 0
    assert judged.rows["properties"].to_pylist() == ['{"amount":"x"}', '{"amount":7}']
    assert judged.quality == {"paid": [0, 0, 1, 0, 0]}


def test_places_are_right_where_rules_schemas_and_refusals_meet() -> None:
    came = rows(
        paid(0, amount="x"),
        paid(1),
        paid(2, amount="1"),
        paid(3, amount="y"),
        paid(4, other=1),
        paid(5, amount=2),
    )
    judged = judge(came, definition(cast("properties.amount"), enforcement=REJECT))
    assert [each.row for each in judged.refused] == [1, 4]
    assert [value[-1] for value in judged.rows["event_id"].to_pylist()] == [0, 2, 3, 5]
    assert [fault and fault["reason"] for fault in faults(judged)] == ["RULE", None, "RULE", None]
    assert judged.quality == {"paid": [4, 2, 2, 2, 2]}


def test_messages_are_short_however_long_the_value() -> None:
    judged = judge(rows(paid(1, amount="x" * 5000)), definition(enforcement=REJECT))
    assert 0 < len(judged.refused[0].message) <= MAX_MESSAGE


def outcomes(*events: Any, of: Definition) -> list[str]:
    return [
        Judgement.Outcome.Name(each.judgement.outcome).removeprefix("OUTCOME_")
        for each in trials(rows(*events), of)[0]
    ]


def test_a_trial_tells_what_becomes_of_each_event_and_why() -> None:
    events = [paid(1, amount="x"), paid(2), paid(3, amount="4"), event(4)]
    assert outcomes(*events, of=definition(cast("properties.amount"), enforcement=REJECT)) == [
        "DEAD_LETTERED",
        "REJECTED",
        "STORED",
        "STORED",
    ]
    found, effects = trials(rows(*events), definition(cast("properties.amount", KEEP), enforcement=WARN))
    kept, warned, stored, other = found
    assert [Judgement.Outcome.Name(each.judgement.outcome) for each in (kept, warned, stored, other)] == [
        "OUTCOME_WARNED",
        "OUTCOME_WARNED",
        "OUTCOME_STORED",
        "OUTCOME_STORED",
    ]
    assert (list(kept.judgement.failed_rules), kept.judgement.field) == (["number"], "properties.amount")
    assert warned.judgement.message
    assert [each.judgement.schema_version for each in found] == [2, 2, 2, 0]
    assert {each.judgement.rules_version for each in found} == {3}
    assert list(stored.changed_fields) == ["properties.amount"]
    assert (stored.before, stored.after.properties_json) == (events[2], b'{"amount":4}')
    assert [
        (each.rule_id, each.applied_count, each.changed_count, each.failed_count) for each in effects
    ] == [("number", 4, 1, 1)]


def test_what_is_not_stored_has_no_form_in_which_it_would_be() -> None:
    found, _ = trials(rows(paid(1)), definition(enforcement=DEAD_LETTER))
    assert not found[0].HasField("after")
    assert list(found[0].changed_fields) == []


@pytest.mark.parametrize("enforcement", [None, WARN, DEAD_LETTER, REJECT])
@settings(max_examples=60)
@given(data=st.data())
def test_trials_tell_what_the_judgement_does(enforcement: Any, data: st.DataObject) -> None:
    values = st.one_of(st.none(), st.integers(-3, 3), st.sampled_from(["1", "x", ""]), st.booleans())
    given_ = data.draw(st.lists(st.dictionaries(st.sampled_from(["amount", "b"]), values), max_size=8))
    came = rows(
        *(paid(number, **each) if number % 3 else event(number) for number, each in enumerate(given_))
    )
    of = definition(
        cast("properties.amount", data.draw(st.sampled_from([KEEP, DEAD]))), enforcement=enforcement
    )
    judged, (found, _) = judge(came, of), trials(came, of)
    told = [each.judgement.outcome for each in found]
    refused = [row for row, outcome in enumerate(told) if outcome == Judgement.OUTCOME_REJECTED]
    assert [each.row for each in judged.refused] == refused
    assert judged.rows.num_rows == came.num_rows - len(refused)
    assert told.count(Judgement.OUTCOME_DEAD_LETTERED) == judged.dead_lettered
    stay = [each for row, each in enumerate(found) if row not in refused]
    for each, text, properties in zip(
        stay, judged.rows["fault"].to_pylist(), judged.rows["properties"].to_pylist()
    ):
        assert (text is not None) == (each.judgement.outcome == Judgement.OUTCOME_DEAD_LETTERED)
        assert (properties or "").encode() == (each.before if text else each.after).properties_json
    for counts in judged.quality.values():
        assert counts[1] >= counts[4]
    assert sum(counts[3] for counts in judged.quality.values()) == judged.dead_lettered
    assert sum(counts[4] for counts in judged.quality.values()) == len(refused)
