import ast
import math
import operator
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.errors import Invalid
from services.query.formula import Formula, parsed, read, values
from tidemark.v1 import question_pb2 as q

IDS = ["A", "B", "conversion rate", "tick`ed"]
A, B = np.array([1.0, 2.0, math.nan, 4.0]), np.array([2.0, 0.0, 1.0, -1.0])
MEASURES = {"A": A, "B": B, "conversion rate": A, "tick`ed": B}


def computed(expression: str) -> list[float]:
    return values(Formula("F", parsed(expression, IDS, "e"), ""), MEASURES).tolist()


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("A + B", A + B),
        ("A - B - 1", A - B - 1),
        ("A - (B - 1)", A - B + 1),
        ("1 + A * 2", 1 + A * 2),
        ("8 / 4 / 2", np.ones(4)),
        ("-A * -B", A * B),
        ("+A--B", A + B),
        ("2e2 * .5 + 1.", np.full(4, 101.0)),
        ("`conversion rate` * `tick``ed`", A * B),
        (" ( ( A ) ) ", A),
    ],
)
def test_formulas_are_computed_as_they_are_written(expression: str, expected: np.ndarray) -> None:
    assert np.allclose(computed(expression), expected, equal_nan=True)


def test_division_by_zero_gives_nothing() -> None:
    assert np.array_equal(computed("A / B"), [0.5, math.nan, math.nan, -4], equal_nan=True)
    assert np.isnan(computed("A / 0")).all()


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "ends where a measure or a number belongs"),
        ("A +", "ends where"),
        ("A B", "has 'B' where an operator or the end belongs"),
        ("2A", "has 'A' where an operator"),
        ("(A", "lacks a closing parenthesis"),
        ("A)", r"has '\)' where an operator"),
        ("C", "names 'C', which is no measure; they are A, B, conversion rate"),
        ("conversion rate", "names 'conversion'"),
        ("A ** B", r"has '\*' where a measure"),
        ("A.real", "has '.real' where"),
        ("__import__(A)", "names '__import__'"),
        ("A if B else A", "has 'if' where an operator"),
        ("A % B", "has '% B' where"),
        ("1e999", "has the number 1e999, which is too large"),
        ("(" * 51 + "A" + ")" * 51, "is nested deeper than 50 levels"),
        ("-" * 51 + "A", "is nested deeper than 50 levels"),
        ("A" * 501, "has 501 characters"),
    ],
)
def test_what_is_wrong_is_named(expression: str, message: str) -> None:
    with pytest.raises(Invalid, match=message) as caught:
        parsed(expression, IDS, "query.series.formulas[0].expression")
    assert caught.value.field == "query.series.formulas[0].expression"


def test_formulas_are_named_by_number_and_need_names_of_their_own() -> None:
    found = read([q.Formula(expression="A"), q.Formula(id="x", expression="B", unit="%")], IDS, "f")
    assert [(each.id, each.unit, each.ids) for each in found] == [("F1", "", {"A"}), ("x", "%", {"B"})]
    for taken in ("A", "F1"):
        with pytest.raises(Invalid, match="give each its own") as caught:
            read([q.Formula(expression="A"), q.Formula(id=taken, expression="A")], IDS, "f")
        assert caught.value.field == "f[1].id"
    with pytest.raises(Invalid, match="give at most 10"):
        read([q.Formula(expression="A")] * 11, IDS, "f")


LEAVES = st.sampled_from(["A", "B"]) | st.integers(0, 1000).map(str) | st.floats(0, 1e6).map(repr)
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner)
        | inner.map("-{}".format)
        | st.builds("{} {} {}".format, inner, st.sampled_from("+-*/"), inner)
    ),
    max_leaves=12,
)
APPLIED: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda a, b: a / b if b else math.nan,
}


def by_hand(node: ast.expr, known: dict[str, float]) -> float:
    match node:
        case ast.BinOp(left, sign, right):
            return APPLIED[type(sign)](by_hand(left, known), by_hand(right, known))
        case ast.UnaryOp(ast.USub(), operand):
            return -by_hand(operand, known)
        case ast.Name(name):
            return known[name]
        case ast.Constant(number):
            return float(number)
        case _:
            raise AssertionError(ast.dump(node))


@given(EXPRESSIONS, st.floats(-1e3, 1e3), st.floats(-1e3, 1e3) | st.just(0.0))
def test_formulas_bind_and_nest_as_everywhere(expression: str, a: float, b: float) -> None:
    expected = by_hand(ast.parse(expression, mode="eval").body, {"A": a, "B": b})
    formula = Formula("F", parsed(expression, IDS, "e"), "")
    [found] = values(formula, {"A": np.array([a]), "B": np.array([b])}).tolist()
    assert found == pytest.approx(expected, nan_ok=True)


@given(st.text(max_size=60) | st.text("AB()+-*/.12e` ", max_size=60))
def test_no_text_is_more_than_wrong(expression: str) -> None:
    try:
        found = parsed(expression, IDS, "e")
    except Invalid:
        return
    values(Formula("F", found, ""), MEASURES)
