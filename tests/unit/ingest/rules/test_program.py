"""Rules as a list: what is accepted, in which order they are applied, and what becomes of events that they fail on."""

from datetime import timedelta

import pytest

from services.ingest.rules.program import compile_rules
from services.kit.errors import Invalid
from tests.ruling import KEY, applied, message, program, rows, seen, told
from tidemark.v1.rule_pb2 import RuleEffect, Rules

SET = {"set": {"field": "properties.a", "value": 5}}


def refused(*rules: dict, at: str = "rules") -> str:
    with pytest.raises(Invalid) as caught:
        compile_rules(message(*rules), KEY, at)
    return f"{caught.value.field}: {caught.value.description}"


def test_no_rules_change_nothing() -> None:
    batch = rows({"properties": '{ "a": 1 }'}, {})
    found = compile_rules(Rules(), KEY).apply(batch)
    assert (found.rows, found.failures, found.effects) == (batch, [], [])


def test_no_events_are_no_trouble() -> None:
    found = program(
        SET, {"hash": {"field": "user_id"}}, {"when": "name == 'a'", "drop": {"field": "user_id"}}
    )
    assert found.apply(rows()).rows.num_rows == 0


def test_each_rule_sees_what_those_before_it_have_made() -> None:
    found = applied(
        [{"properties": {"a": "1"}}],
        {"cast": {"field": "properties.a", "to": "TYPE_INTEGER"}},
        {"set": {"field": "properties.b", "expression": "properties.a + 1"}},
        {"when": "properties.b == 2", "rename": {"field": "properties.b", "to": "properties.c"}},
        {"set": {"field": "name", "value": "renamed"}},
        {"eventNames": ["renamed"], "drop": {"field": "properties.a"}},
    )
    assert (seen(found), seen(found, "name")) == ([{"c": 2}], ["renamed"])


def test_a_rule_is_applied_to_its_events_alone() -> None:
    events = [{"name": name, "properties": {}} for name in ("a", "b", "c")]
    found = applied(events, SET | {"eventNames": ["a", "c"], "when": "name != 'c'"})
    assert seen(found) == [{"a": 5}, {}, {}]
    assert found.effects == [RuleEffect(rule_id="r0", applied_count=1, changed_count=1)]


def test_a_disabled_rule_is_checked_and_not_applied() -> None:
    found = applied([{"properties": {}}], SET | {"disabled": True})
    assert (seen(found), found.effects) == ([{}], [])
    assert refused({"disabled": True, "drop": {"field": "name"}}).startswith("rules.rules[0].drop.field: ")


def test_an_event_that_a_rule_fails_on_goes_on_as_it_was_before() -> None:
    found = applied(
        [{"properties": {"a": 1}}],
        {"set": {"field": "properties.b", "value": 2}},
        {"cast": {"field": "properties.a", "to": "TYPE_TIMESTAMP"}, "onFailure": "FAILURE_KEEP"},
        {"cast": {"field": "properties.a", "to": "TYPE_BOOLEAN"}},
        {"cast": {"field": "properties.b", "to": "TYPE_BOOLEAN"}},
        {"set": {"field": "properties.c", "value": 3}},
    )
    assert seen(found) == [{"a": "1970-01-01T00:00:01Z", "b": 2, "c": 3}]
    assert [(each.rule_id, each.dead) for each in found.failures] == [("r2", False), ("r3", False)]


def test_an_event_that_is_given_up_meets_no_further_rule() -> None:
    found = applied(
        [{"properties": {"a": "x"}}, {"properties": {"a": "1"}}],
        {"cast": {"field": "properties.a", "to": "TYPE_INTEGER"}, "onFailure": "FAILURE_DEAD_LETTER"},
        SET,
    )
    assert [(each.row, each.dead) for each in found.failures] == [(0, True)]
    assert [(each.applied_count, each.changed_count, each.failed_count) for each in found.effects] == [
        (2, 1, 1),
        (1, 1, 0),
    ]


def test_a_condition_that_fails_is_a_failure_of_the_rule() -> None:
    found = applied([{"properties": {"a": "x"}}, {}], SET | {"when": "properties.a > 1"})
    assert [line.split(" ")[:3] for line in told(found)] == [["0", "r0", "when:"], ["1", "r0", "when:"]]
    (effect,) = found.effects
    assert (effect.applied_count, effect.changed_count, effect.failed_count) == (2, 0, 2)
    assert effect.first_failure.startswith("when: ")


def test_rows_that_no_rule_has_changed_keep_their_bytes() -> None:
    texts = ['{ "a" : 1.0e2 }', '{"a":5}', None, '{"b":"\\u00e9"}', '{"x": 1}']
    found = applied(
        [{"properties": text, "context": text} for text in texts],
        {"when": "has(properties.x)", "set": {"field": "properties.x", "value": 2}},
    )
    assert found.rows["properties"].to_pylist() == [*texts[:-1], '{"x":2}']
    assert found.rows["context"].to_pylist() == texts


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ({}, "rules.rules[1]: of the rule 'r1' has no action"),
        (SET | {"ruleId": ""}, "rules.rules[1].rule_id: is missing; write 1 to 40 lower-case letters"),
        (SET | {"ruleId": "No"}, "rules.rules[1].rule_id: is 'No'; write 1 to 40"),
        (SET | {"ruleId": "r0"}, "rules.rules[1].rule_id: is 'r0', as rules.rules[0].rule_id is"),
        (SET | {"description": "x" * 1001}, "rules.rules[1].description: has 1001 characters"),
        (SET | {"eventNames": ["a"] * 101}, "rules.rules[1].event_names: has 101 names; write at most 100"),
        (SET | {"eventNames": ["a", ""]}, "rules.rules[1].event_names[1]: has 0 characters"),
        (SET | {"onFailure": 7}, "rules.rules[1].on_failure: is 7; write FAILURE_KEEP or"),
        (SET | {"when": "nope"}, "rules.rules[1].when: names 'nope', which is no field"),
        ({"set": {"field": "properties.a"}}, "rules.rules[1].set: says not to what"),
        (
            {"set": {"field": "event_id", "value": 1}},
            "rules.rules[1].set.field: is 'event_id'; a rule changes",
        ),
        ({"set": {"field": "name", "expression": "1 +"}}, "rules.rules[1].set.expression: is no CEL"),
        ({"set": {"field": "name", "expression": ""}}, "rules.rules[1].set.expression: is no CEL"),
        (
            {"rename": {"field": "name", "to": "user_id"}},
            "rules.rules[1].rename.field: is 'name', without which",
        ),
        (
            {"rename": {"field": "user_id", "to": "type"}},
            "rules.rules[1].rename.to: is 'type', which no rule",
        ),
        ({"hash": {}}, "rules.rules[1].hash.field: is missing"),
        (
            {"lookUp": {"field": "x", "to": "name"}},
            "rules.rules[1].look_up.field: is 'x'; a rule reads name, user_id",
        ),
    ],
)
def test_a_rule_that_cannot_be_applied_is_refused_with_its_place(rule: dict, sentence: str) -> None:
    assert refused(SET, rule).startswith(sentence)


def test_a_place_begins_where_the_caller_says() -> None:
    assert refused({}, at="patches").startswith("patches.rules[0]: ")


def test_a_list_has_its_limits() -> None:
    assert refused(*[SET] * 101) == "rules.rules: has 101 rules; write at most 100"
    large = {"set": {"field": "properties.a", "value": "x" * (1 << 20)}}
    assert refused(large).startswith("rules.rules: has 10486")


def test_a_value_that_is_no_json_is_refused() -> None:
    rules = message(SET)
    rules.rules[0].set.value.number_value = float("nan")
    with pytest.raises(Invalid, match=r"rules\.rules\[0\]\.set\.value: is no JSON"):
        compile_rules(rules, KEY)
    rules.rules[0].set.value.Clear()
    with pytest.raises(Invalid, match=r"rules\.rules\[0\]\.set\.value: is empty; write a value, or null"):
        compile_rules(rules, KEY)


@pytest.mark.parametrize(
    ("rule", "inactivity"),
    [
        ({"sessionize": {}}, timedelta(minutes=30)),
        ({"sessionize": {"inactivity": "90s"}}, timedelta(seconds=90)),
        ({"sessionize": {}, "disabled": True}, None),
        (SET, None),
    ],
)
def test_sessions_are_left_to_those_who_know_the_person(rule: dict, inactivity: timedelta | None) -> None:
    assert program(rule).sessionize == inactivity


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        (
            [{"sessionize": {"inactivity": "0.5s"}}],
            "rules.rules[0].sessionize.inactivity: is 0.5 s; write 1 second",
        ),
        ([{"sessionize": {"inactivity": "86401s"}}], "rules.rules[0].sessionize.inactivity: is 86401 s"),
        ([{"sessionize": {}, "when": "true"}], "rules.rules[0].when: is given beside sessionize"),
        ([{"sessionize": {}, "eventNames": ["a"]}], "rules.rules[0].event_names: is given beside sessionize"),
        (
            [{"sessionize": {}, "disabled": True}, {"sessionize": {}}],
            "rules.rules[1].sessionize: is the second in the list",
        ),
    ],
)
def test_sessions_are_given_once_and_to_all(rules: list, sentence: str) -> None:
    assert refused(*rules).startswith(sentence)
