"""Expressions in CEL: what they see, what they give, and what they may cost."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.rules.expression import Expression
from services.ingest.rules.table import Table
from services.kit.errors import Invalid
from tests.ruling import applied, rows, seen, told

ANN = {
    "user_id": "ann",
    "properties": {
        "n": 5,
        "x": 2.5,
        "text": "abc",
        "list": [1, 2, 3],
        "a.b": 7,
        "inner": {"c": 1},
        "no": None,
    },
    "context": {"os": "linux"},
}


def value(expression: str, event: dict = ANN) -> object:
    found = applied([event], {"set": {"field": "context.result", "expression": expression}})
    assert told(found) == []
    return seen(found, "context")[0]["result"]


def fault(expression: str, event: dict = ANN) -> str:
    found = applied([event], {"set": {"field": "context.result", "expression": expression}})
    (failure,) = found.failures
    assert failure.field == "context.result"
    return failure.message


def refused(expression: str) -> str:
    with pytest.raises(Invalid) as caught:
        applied([], {"when": expression, "drop": {"field": "user_id"}})
    assert caught.value.field == "rules.rules[0].when"
    return caught.value.description


@pytest.mark.parametrize(
    ("expression", "given"),
    [
        ("name + ' ' + type + ' ' + user_id", "clicked USER_ACTION ann"),
        ("session_id == null", True),
        ("properties.n + 1", 6),
        ("double(properties.n) + properties.x", 7.5),
        ("properties['a.b'] + 1", 8),
        ("properties.inner.c", 1),
        ("properties.inner", {"c": 1}),
        ("properties.list.map(i, i * 2)", [2, 4, 6]),
        ("properties.list.filter(i, i > 1)", [2, 3]),
        ("properties.list.exists(i, i == 3) && context.os.startsWith('lin')", True),
        ("size(properties.text)", 3),
        ("properties.text.matches('^a.c$')", True),
        ("'text' in properties && !('other' in properties)", True),
        ("occurred_at.getFullYear()", 2026),
        ("occurred_at", "2026-01-01T00:00:00Z"),
        ("occurred_at + duration('90m')", "2026-01-01T01:30:00Z"),
        ("occurred_at < timestamp('2027-01-01T00:00:00Z')", True),
        ("{'a': [1, null, 2.5, 'x']}", {"a": [1, None, 2.5, "x"]}),
        ("type(properties.n) == int && type(properties.x) == double", True),
    ],
)
def test_an_expression_sees_the_fields_of_the_event(expression: str, given: object) -> None:
    assert value(expression) == given


def test_a_key_that_is_missing_is_null_unless_it_is_asked_for() -> None:
    assert value("properties.missing == null && properties['x y'] == null") is True
    assert value("has(properties.missing)") is False
    assert value("has(properties.n) && !has(context.missing) && properties.other == null") is True
    assert value("has(properties.no)") is True
    assert value("properties.a == null", {}) is True


def test_two_types_of_number_are_told_how_to_meet() -> None:
    message = "CEL mixes no types; write double(...), int(...) or string(...) around one of them"
    assert fault("properties.n + properties.x").endswith(message)
    assert fault("properties.text + 1").endswith(message)
    assert fault("properties.no + 1").endswith(message)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("1 / (properties.n - 5)", "division by zero in CEL expression"),
        ("9223372036854775807 + properties.n", "Arithmetic overflow in 'add' on 9223372036854775807 and 5"),
        ("properties.list[5]", "index out of bounds: 5"),
        ("properties.inner.d", "finds no key 'd'; ask with has(...) first"),
        ("size(properties.n)", "calls 'size' with a value of a type that it does not take"),
        ("int(properties.text)", "Function 'int' error: string parse error: invalid digit found in string"),
        ("duration('1h')", "gives a duration, which is no JSON; write string(...) or int(...)"),
        ("bytes('a')", "gives bytes, which is no JSON; write string(...) or int(...)"),
        ("{1: 2}", "gives a map with keys that are no texts; write string(...)"),
    ],
)
def test_what_goes_wrong_with_an_event_is_a_fault_of_the_event(expression: str, message: str) -> None:
    assert fault(expression) == message


def test_a_condition_must_be_true_or_false() -> None:
    events = [{"properties": {"a": a}} for a in (True, False, 1, None)]
    found = applied(events, {"when": "properties.a", "set": {"field": "user_id", "value": "x"}})
    assert seen(found, "user_id") == ["x", None, None, None]
    assert told(found) == [
        "2 r0 when: is 1; write what is true or false",
        "3 r0 when: is null; write what is true or false",
    ]


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("1 +", "is no CEL: "),
        ("(" * 300 + "1" + ")" * 300, "is no CEL: "),
        ("'a' + ", "is no CEL: "),
        ("a == 1", "names 'a', which is no field; write name, "),
        ("property.a == 1", "names 'property', which is no field"),
        ("[1].all(x, x > y)", "names 'y', which is no field"),
        ("name.lowerAscii() == 'a'", "calls lowerAscii(), which there is not"),
        ("name.startWith('a')", "calls startWith(), which there is not; there is startsWith"),
        ("x" * 1001, "has 1001 characters; write at most 1000"),
        ("[1].all(x, [1].all(y, true))", "has all(...) inside of another macro; write two rules"),
        ("[1] . all (x, ([1].exists(y, true)))", "has exists(...) inside of another macro"),
        ("[1].all(x, true)" + " && [1].all(x, true)" * 3, "has more than 3 macros"),
        ("[1].map(x, x).map(x, x) == []", "map and filter twice"),
        ("[name].exists(x, x.matches('a'))", "has matches(...) inside of a macro; write two rules"),
        ("name.matches(user_id)", "calls matches otherwise than as in name.matches"),
        ("matches(name, 'a')", "calls matches otherwise"),
        (r"name.matches('\\w{400}')", "has the pattern "),
        (r"name.matches('" + r"\\w" * 5 + "')", "has the pattern "),
        ("name.matches('" + "a" * 101 + "')", "has the pattern "),
        ("name.matches('a') || name.matches('b') || name.matches('c')", "has more than 2 calls of matches"),
        ("name == '''a'''", "has a text in triple quotes"),
    ],
)
def test_what_cannot_be_applied_or_bounded_is_refused(expression: str, sentence: str) -> None:
    assert refused(expression).startswith(sentence) or sentence in refused(expression)


def test_macros_are_found_in_code_and_not_in_texts() -> None:
    assert value("[1].all(x, '.all(' != name) && ['a'].all(x, r'\\' != x) && \"\\\".all(\" != name") is True
    assert "inside of another macro" in refused("[1].all(x, r'\\' == name && [1].all(y, true))")
    assert "inside of another macro" in refused("[1].all(x, 1.0e5 == 2.0 && [1] . // .all(\n all (y, true))")


def test_what_an_expression_walks_through_is_bounded() -> None:
    many = {"properties": {"list": list(range(1000)), "s": "x" * 60_000}}
    assert value("properties.list.all(i, i >= 0)", many) is True
    assert value("properties.s + properties.s == 'x'", many) is False
    for expression, walked in [
        ("properties.list.map(i, i + 1)", "2000 elements and 3915 bytes"),
        ("properties.list.exists(i, i in properties.list)", "1000 elements and 3915 bytes"),
        ("properties.list.all(i, string(i) != properties.s)", "1000 elements and 63922 bytes"),
        ("+".join(["properties.s"] * 60), "60023 bytes"),
    ]:
        assert fault(expression, many) == (
            f"would walk through {walked} too often; write a simpler expression, or send less"
        )


def test_events_that_look_the_same_are_evaluated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = rows(*({"properties": {"a": n % 3, "b": n}} for n in range(30)), {"properties": {"a": 1.0}})
    expression, evaluated = Expression("properties.a == 1", "at", "when"), []
    kept = expression._evaluated
    monkeypatch.setattr(
        expression, "_evaluated", lambda held, size: evaluated.append(held) or kept(held, size)
    )
    assert expression.true(Table(batch), range(31)) == [*range(1, 30, 3), 30]
    assert [each["properties"]["a"] for each in evaluated] == [0, 1, 2, 1.0]


_ATOMS = st.sampled_from(
    ["1", "2.5", "'ab'", "true", "null", "name", "user_id", "type", "occurred_at", "properties", "properties.list",
     "properties.text", "properties.n", "context", "properties['inner']", "[1, 2]", "{'a': 1}", "duration('1h')", "1u", "b'x'"]
)  # fmt: skip
_FORMS = [
    "({0} + {1})", "({0} == {1})", "({0} < {1} ? {0} : {1})", "({0} && {1})", "{0}.map(i, {1})", "{0}.filter(i, {1} == i)",
    "{0}.all(i, {1} != i)", "{0}.exists(i, i in {1})", "string({0})", "size({0})", "{0}[{1}]", "{0}.a", "has({0}.a)", "[{0}, {1}]",
    "{{'k': {0}, 'l': {1}}}", "{0}.contains({1})", "{0}.matches('^a+.*$')", "int({0})", "double({0})", "timestamp({0})", "-{0}", "!{0}",
    "{0}.getHours()", "type({0})", "dyn({0}) * {1}", "{0} / {1}", "{0} % {1}",
]  # fmt: skip
EXPRESSIONS = st.recursive(
    _ATOMS,
    lambda inner: st.builds(lambda form, a, b: form.format(a, b), st.sampled_from(_FORMS), inner, inner),
    max_leaves=12,
)
_WORST = {
    "user_id": "u" * 200,
    "properties": {"n": 0, "list": list(range(290)), "text": "ab" * 3000, "inner": {"a": ["x"] * 200}},
    "context": {str(n): "y" * 20 for n in range(200)},
}
_BOUND_SECONDS = 0.1
"""Of one evaluation, be it over an event made to be slow: so 1 000 of any expression that is accepted take less than 100 s."""


@given(EXPRESSIONS)
def test_any_expression_that_is_accepted_ends_soon(expression: str) -> None:
    try:
        compiled = Expression(expression, "at", "when")
    except Invalid:
        return
    table = Table(rows(_WORST, ANN, {}))
    started = time.process_time()
    for _ in compiled.values(table, range(3)):
        pass
    assert time.process_time() - started < 3 * _BOUND_SECONDS


@given(st.text(alphabet="()[]{}.,?:!&|=<>+-*/%'\"\\rb 01exmapl", max_size=60))
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    try:
        compiled = Expression(text, "at", "when")
    except Invalid:
        return
    table = Table(rows(ANN, {}))
    for _ in compiled.values(table, range(2)):
        pass
