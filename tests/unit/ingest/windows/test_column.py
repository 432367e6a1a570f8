"""How fields of events are read as keys, numbers and different values."""

import math
from typing import Any

import pytest

from services.ingest.rules.exact import loads
from services.ingest.rules.path import readable
from services.ingest.windows.column import Columns, item, number, text
from tests.windowing import Happened, rows


@pytest.mark.parametrize(
    ("json", "expected"),
    [
        ("null", ""),
        ('"pro"', "pro"),
        ('""', ""),
        ("1", "1"),
        ("1.0", "1"),
        ("1e2", "100"),
        ("1.5", "1.5"),
        ("-0.25", "-0.25"),
        ("true", "true"),
        ('{"b":1,"a":[1, 2]}', '{"a":[1,2],"b":1}'),
        ("12345678901234567890123", "12345678901234567890123"),
        (f'"{"x" * 300}"', "x" * 200),
    ],
)
def test_a_key_reads_as_people_write_it(json: str, expected: str) -> None:
    assert text(loads(json.encode())) == expected


@pytest.mark.parametrize(
    ("written", "printed"),
    [("1e2", "100"), ("1e17", "100000000000000000"), ("1.50", "1.50"), ("2.5e-1", "0.25"), ("7.0", "7.0")],
)
def test_a_key_is_the_same_when_the_database_gives_it_back(written: str, printed: str) -> None:
    assert text(loads(written.encode())) == text(loads(printed.encode()))


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1, 1.0), (1.5, 1.5), (1e301, None), (1e-301, 0.0), (True, None), ("1", None), (None, None), ([], None)],
)
def test_only_numbers_of_json_are_numbers(value: Any, expected: float | None) -> None:
    found = number(value)
    assert math.isnan(found) if expected is None else found == expected


def test_values_of_different_types_are_different() -> None:
    assert len({item(each) for each in (1, "1", True, "true", 1.5, "1.5", [1], {"a": 1})}) == 8
    assert item(1) == item(1.0)
    assert item(None) is None


def test_paths_reach_nested_values_and_keys_with_dots() -> None:
    events = [
        Happened(1, properties={"a.b": 1, "a": {"b": 2}}),
        Happened(2, properties={"a": {"b": 3}}),
        Happened(3, properties={"a": [5, 6]}),
    ]
    columns = Columns(rows(events))
    assert columns.numbers(readable("properties.a.b", "key")).tolist()[:2] == [1, 3]
    assert columns.numbers(readable("properties.a.1", "key")).tolist()[2] == 6
    codes, texts = columns.texts(readable("user_id", "key"))
    assert ([texts[code] for code in codes], columns.texts(readable("type", "key"))[1]) == (
        ["ann"] * 3,
        ["USER_ACTION"],
    )
