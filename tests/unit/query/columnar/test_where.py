"""Conditions in the SQL of DuckDB: values and keys are parameters, and what would not be exact is refused."""

import re

import pytest

from services.query.columnar.layout import EMPTY, Key, Layout, Marks, Shredded
from services.query.columnar.where import Inexact, Inquiry, condition, json, text
from services.query.fields import field
from services.query.filter import All, Any, Comparison, Members, Not
from tidemark.v1 import question_pb2 as pb

HOSTILE = "x'); DROP TABLE segments; --\" $p0 {y}"


def compared(path: str, operator: int, *values: object, layout: Layout = EMPTY) -> Inquiry:
    inquiry = Inquiry()
    stated = Comparison(field(path, pb.SOURCE_EVENTS, "field"), pb.Operator.ValueType(operator), values)  # type: ignore[arg-type]
    inquiry.text = condition(stated, layout, inquiry)
    return inquiry


def shredded(*keys: Key, rest: Marks | None = None) -> Layout:
    return {**EMPTY, "properties": Shredded(keys, rest)}


def test_keys_and_values_never_stand_in_the_text() -> None:
    for layout in (EMPTY, shredded(rest=Marks()), shredded(Key(HOSTILE, 1, "sndr"), rest=Marks())):
        for path in (f"properties.{HOSTILE}", f"properties.a.{HOSTILE}", "user_id"):
            found = compared(path, pb.OPERATOR_EQUAL, HOSTILE, 1.5, True, layout=layout)
            assert "DROP" not in found.text
            assert found.named.items() <= found.parameters.items()
            assert set(re.findall(r"\$(\w+)", found.text)) == set(found.named)


def test_a_key_that_no_row_has_is_known_to_be_missing() -> None:
    assert compared("properties.a", pb.OPERATOR_EQUAL, "x").text == "false"
    assert compared("properties.a", pb.OPERATOR_NOT_EQUAL, "x").text == "(false) IS NOT TRUE"
    assert compared("properties.a", pb.OPERATOR_EXISTS).text == "false"
    assert compared("properties.a.b", pb.OPERATOR_CONTAINS, "x").text == "false"


def test_only_forms_that_some_row_has_are_looked_at() -> None:
    strings = shredded(Key("k", 1, "s"))
    assert compared("properties.k", pb.OPERATOR_IN, "x", 1.0, True, layout=strings).text == "(p0s IN ($p0))"
    numbers = shredded(Key("k", 1, "n"))
    found = compared("properties.k", pb.OPERATOR_LESS, 3.0, layout=numbers)
    assert found.text == "p0n < CAST($p0 AS DOUBLE)"
    assert found.parameters == {"p0": 3.0}


def test_the_text_of_a_value_is_that_of_its_form() -> None:
    layout = shredded(Key("k", 1, "sdr"))
    found = text(field("properties.k", pb.SOURCE_EVENTS, "field"), layout, Inquiry())
    assert found == "concat(coalesce(p0s, p0d, nullif(p0r, 'null')))"


@pytest.mark.parametrize("operator", [pb.OPERATOR_EQUAL, pb.OPERATOR_GREATER])
def test_numbers_that_no_double_holds_are_not_compared(operator: int) -> None:
    layout = shredded(Key("k", 1, "d", Marks(hard=True)))
    with pytest.raises(Inexact):
        compared("properties.k", operator, 1.0, layout=layout)
    assert compared("properties.k", pb.OPERATOR_EQUAL, "x", layout=layout).text == "false"


@pytest.mark.parametrize("marks", [Marks(odd=True), Marks(deep=True)])
def test_texts_that_are_printed_in_another_way_are_not_groups(marks: Marks) -> None:
    layout = shredded(Key("k", 1, "r", marks))
    assert text(field("properties.k", pb.SOURCE_EVENTS, "field"), layout, Inquiry())
    with pytest.raises(Inexact):
        text(field("properties.k.b", pb.SOURCE_EVENTS, "field"), layout, Inquiry())


def test_nested_values_are_not_told_apart_by_their_text() -> None:
    layout = shredded(Key("k", 1, "r", Marks(nested=True)))
    with pytest.raises(Inexact):
        _ = json(field("properties.k", pb.SOURCE_EVENTS, "field"), layout, Inquiry()).identity


def test_unusual_places_in_lists_are_left_to_the_database() -> None:
    layout = shredded(Key("k", 1, "r"))
    for step in ("-1", "+1", "01", " 1"):
        with pytest.raises(Inexact):
            compared(f"properties.k.{step}", pb.OPERATOR_EXISTS, layout=layout)
    assert "json_extract" in compared("properties.k.0", pb.OPERATOR_EXISTS, layout=layout).text


def test_people_are_a_table() -> None:
    inquiry = Inquiry()
    found = condition(Members("projects/p/cohorts/c", ("ann", HOSTILE)), EMPTY, inquiry)
    assert found == "user_id IN (SELECT id FROM t0)"
    assert inquiry.tables["t0"]["id"].to_pylist() == ["ann", HOSTILE]


def test_groups_of_conditions_are_joined() -> None:
    one = Comparison(field("name", pb.SOURCE_EVENTS, "field"), pb.OPERATOR_EQUAL, ("a",))
    inquiry = Inquiry()
    assert condition(Any((one, Not(All((one,))))), EMPTY, inquiry) == (
        "(name IN (CAST($p0 AS VARCHAR)) OR ((name IN (CAST($p1 AS VARCHAR)))) IS NOT TRUE)"
    )
    assert condition(All(()), EMPTY, inquiry) == "true"
