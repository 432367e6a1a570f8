"""JSON that goes through rules without loss."""

import orjson
import pyarrow as pa
import pytest

from services.ingest.rules import exact
from tests.ruling import applied

NUMBERS = [
    "0", "-1", "1.5", "18446744073709551615", "-9223372036854775808", "123456789012345678901234567890", "0.1",
    "1.23456789012345678901", "1e-400", "-1.5E-399", "1e308", "9007199254740993.0", "1" * 5000 + "e-4990",
]  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_beside_what_a_rule_changes_stays_the_same_number(number: str) -> None:
    text = f'{{"a":{number},"b":[{{"c":{number}}}]}}'
    rule = {"set": {"field": "properties.new", "value": 1}}
    (found,) = applied([{"properties": text}], rule).rows["properties"].to_pylist()
    read = exact.loads(found.encode())
    kept = exact.dumps(read["a"]).decode()
    assert kept == number or (len(number) < 17 and float(kept) == float(number))
    assert exact.same(read["b"], [{"c": read["a"]}])


def test_texts_that_look_like_numbers_are_read_the_same() -> None:
    value = {"card": "4111111111111111", "hash": "3e400", "at": 1767225600000000, "x": [True, None, 2.5]}
    text = orjson.dumps(value)
    assert exact.doubtful(pa.array([text.decode(), '{"a":1}', None])) == {0}
    assert exact.loads(text) == value


@pytest.mark.parametrize(
    ("one", "other"), [(1, 1.0), (1, True), (0, False), ([1], [1.0]), ("1", 1), (None, 0)]
)
def test_values_of_different_types_are_not_the_same(one: object, other: object) -> None:
    assert not exact.same(one, other)
    assert exact.same(one, one)


def test_the_order_of_keys_is_no_difference() -> None:
    assert exact.same({"a": 1, "b": 2}, {"b": 2, "a": 1})


@pytest.mark.parametrize(
    "text", ["", "-", "01", "1.", ".5", "1e", "0x1", "1_000", "1,5", "NaN", "Infinity", "1e999", "٣", " 1"]
)
def test_what_is_no_number_of_json_is_none(text: str) -> None:
    assert exact.number(text) is None


def test_numbers_are_read_exactly() -> None:
    assert [exact.number(text) for text in ("5", "-5", "2.50", "1e3")] == [5, -5, 2.5, 1000.0]
    assert exact.dumps(exact.number("123456789012345678901234567890")) == b"123456789012345678901234567890"
