"""Changing types."""

import pytest

from services.kit.errors import Invalid
from tests.ruling import applied, faults, program, properties, seen


def cast(to: str) -> dict:
    return {"cast": {"field": "properties.a", "to": f"TYPE_{to}"}}


@pytest.mark.parametrize(
    ("to", "values", "made"),
    [
        ("STRING", ["x", 5, 2.5, True], ["x", "5", "2.5", "true"]),
        ("NUMBER", [5, 2.5, "5", " -2.50 ", "1e3"], [5, 2.5, 5, -2.5, 1000.0]),
        ("INTEGER", [5, 5.0, "5", "5.0", "1e3"], [5, 5, 5, 5, 1000]),
        (
            "BOOLEAN",
            [True, "true", "YES", " 1 ", 1, 1.0, False, "false", "no", "0", 0],
            [True] * 6 + [False] * 5,
        ),
        (
            "TIMESTAMP",
            [1767225600, 1767225600000, 1767225600.5, "1767225600", "2026-01-01", "20260101T000000Z"],
            ["2026-01-01T00:00:00Z"] * 2 + ["2026-01-01T00:00:00.500Z"] + ["2026-01-01T00:00:00Z"] * 3,
        ),
        (
            "TIMESTAMP",
            ["2026-01-01T01:30:00+01:00", "2026-W01-4T00:00:00.000001"],
            ["2026-01-01T00:30:00Z", "2026-01-01T00:00:00.000001Z"],
        ),
    ],
)
def test_values_take_the_type_asked_for(to: str, values: list, made: list) -> None:
    found = [each["a"] for each in properties(cast(to), *({"a": value} for value in values))]
    assert found == made
    assert list(map(type, found)) == list(map(type, made))


@pytest.mark.parametrize(
    ("to", "noun", "values"),
    [
        ("STRING", "text", [[1], {"b": 1}]),
        ("NUMBER", "number", ["", "five", "1,5", "0x10", "1e999", True, [5]]),
        ("INTEGER", "whole number", [2.5, "2.5", 1e300, True, "five"]),
        ("BOOLEAN", "true or false", ["maybe", "", 2, 0.5, []]),
        ("TIMESTAMP", "instant", ["yesterday", "2026-13-01", 1e300, -1e300, True, {}, ""]),
    ],
)
def test_a_value_without_such_a_form_stays_and_is_told(to: str, noun: str, values: list) -> None:
    for sentence in faults(cast(to), *({"a": value} for value in values)):
        assert sentence.startswith("properties.a: is ")
        assert sentence.endswith(f", of which no {noun} can be made")


def test_nothing_happens_where_the_field_is_missing() -> None:
    assert properties(cast("INTEGER"), {"b": 1}, {"a": None}, None) == [{"b": 1}, {"a": None}, None]


def test_a_whole_number_beyond_64_bits_is_one() -> None:
    big = "123456789012345678901234567890"
    found = applied([{"properties": {"a": big}}], cast("INTEGER"))
    assert found.rows["properties"].to_pylist() == [f'{{"a":{big}}}']


def test_columns_are_texts_and_stay_so() -> None:
    found = applied([{"user_id": "1767225600"}], {"cast": {"field": "user_id", "to": "TYPE_TIMESTAMP"}})
    assert seen(found, "user_id") == ["2026-01-01T00:00:00Z"]
    with pytest.raises(
        Invalid, match=r"rules\.rules\[0\]\.cast\.to: is no text, and user_id can be nothing else"
    ):
        program({"cast": {"field": "user_id", "to": "TYPE_NUMBER"}})


def test_a_type_must_be_given() -> None:
    with pytest.raises(Invalid, match=r"cast\.to: is 0; write one of TYPE_STRING, "):
        program({"cast": {"field": "properties.a"}})
