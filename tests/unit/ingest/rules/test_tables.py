"""Looking values up."""

import pytest

from services.kit.errors import Invalid
from tests.ruling import applied, program, properties, seen

PRICES = {"free": 0, "pro": {"eur": 10}, "5": "five", "true": "yes"}
RULE = {"lookUp": {"field": "properties.plan", "table": PRICES, "to": "properties.price"}}


def test_what_the_table_holds_is_set_and_else_nothing() -> None:
    plans = ["free", "pro", 5, True, "none", None, ["free"]]
    found = [each.get("price") for each in properties(RULE, *({"plan": plan} for plan in plans))]
    assert found == [0, {"eur": 10}, "five", "yes", None, None, None]


def test_otherwise_is_set_where_the_table_holds_nothing_even_for_a_missing_field() -> None:
    rule = {"lookUp": RULE["lookUp"] | {"otherwise": -1}}
    found = properties(rule, {"plan": "none"}, {"plan": [1]}, {}, None, {"plan": "free"})
    assert [each["price"] for each in found] == [-1, -1, -1, -1, 0]


def test_type_and_time_are_looked_up() -> None:
    found = applied(
        [{}],
        {"lookUp": {"field": "type", "table": {"USER_ACTION": "person"}, "to": "context.who"}},
        {"lookUp": {"field": "occurred_at", "table": {"2026-01-01T00:00:00Z": "new"}, "to": "context.year"}},
    )
    assert seen(found, "context") == [{"who": "person", "year": "new"}]


def test_values_of_one_table_are_not_shared_between_events() -> None:
    found = applied(
        [{"properties": {"plan": "pro"}}] * 2,
        RULE,
        {"when": "user_id == null", "set": {"field": "properties.price.usd", "value": 12}},
    )
    assert seen(found) == [{"plan": "pro", "price": {"eur": 10, "usd": 12}}] * 2
    again = applied([{"properties": {"plan": "pro"}}], RULE)
    assert seen(again) == [{"plan": "pro", "price": {"eur": 10}}]


def test_a_table_has_its_limits() -> None:
    table = {str(number): number for number in range(10_001)}
    with pytest.raises(Invalid, match=r"look_up\.table: has 10001 rows; write at most 10000"):
        program({"lookUp": {"field": "name", "table": table, "to": "properties.n"}})
