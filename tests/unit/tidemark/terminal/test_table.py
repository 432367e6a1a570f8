"""Tables: aligned, harmless, and cut where the terminal ends."""

import math

import pytest

from tidemark.terminal.table import columns, fitted, number, short, size, table


def test_numbers_stand_to_the_right_and_texts_to_the_left():
    assert table(["name", "count"], [["a", 1], ["bcd", 1234]]) == [
        "name  count",
        "a         1",
        "bcd   1,234",
    ]


def test_a_table_fits_its_width():
    lines = table(["a", "b"], [["x" * 50, "y" * 100]], 60)
    assert all(columns(line) <= 60 for line in lines)
    assert lines[1].endswith("…")


def test_wide_characters_count_twice():
    assert fitted("東京", 6) == "東京  "
    assert fitted("東京タワー", 5) == "東京…"


def test_what_steers_a_terminal_is_made_harmless():
    assert "\x1b" not in "".join(table(["a"], [["\x1b[2J"]]))


@pytest.mark.parametrize(
    ("value", "shown"),
    [(math.nan, "-"), (3.0, "3"), (1234567.0, "1,234,567"), (0.12345, "0.1235"), (12345.67, "12,346")],
)
def test_numbers(value, shown):
    assert number(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(12_500, "12.5k"), (3e6, "3M"), (0.25, "0.25"), (-2000, "-2k")])
def test_short_numbers(value, shown):
    assert short(value) == shown


@pytest.mark.parametrize(("count", "shown"), [(12, "12 B"), (2048, "2.0 KiB"), (5 << 40, "5.0 TiB")])
def test_sizes(count, shown):
    assert size(count) == shown


def test_a_table_without_rows_is_its_header():
    assert table(["a", "b"], []) == ["a  b"]
