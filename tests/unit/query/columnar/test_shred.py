"""Documents are taken apart so that every value can be told again, as the database would print it."""

import json
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.query.columnar.layout import FORMS, MOST_KEYS, Marks, Shredded, column
from services.query.columnar.shred import Shredder


def taken_apart(*texts: str | None, keys: list[str] | None = None) -> tuple[Shredded, list[dict[str, Any]]]:
    """What is known of documents, and for each of them the forms and values of its keys."""
    shredder = Shredder("properties", keys)
    columns = shredder.columns(pa.chunked_array([list(texts)], pa.string()))
    known = shredder.shredded()
    rows: list[dict[str, Any]] = [{} for _ in texts]
    for place, key in enumerate(known.keys):
        for form in FORMS:
            name = column("properties", place, form)
            assert (form in key.forms) == (name in columns)
            for row, value in enumerate(columns[name].to_pylist() if name in columns else []):
                if value is not None:
                    assert key.name not in rows[row], "a value has one form"
                    rows[row][key.name] = form, value
    return known, rows


@pytest.mark.parametrize(
    ("text", "form", "stored"),
    [
        ('"x"', "s", "x"),
        ('""', "s", ""),
        ("1", "n", 1.0),
        ("-12.5", "n", -12.5),
        ("123456789012345", "n", 123456789012345.0),
        ("1.0", "d", "1.0"),
        ("20.50", "d", "20.50"),
        ("0.00001", "d", "0.00001"),
        ("9007199254740993", "d", "9007199254740993"),
        ("true", "r", "true"),
        ("null", "r", "null"),
        ('{"b": [1.50, "ä\\n", null]}', "r", '{"b": [1.50, "ä\\n", null]}'),
    ],
)
def test_each_value_has_one_form(text: str, form: str, stored: object) -> None:
    _, rows = taken_apart(f'{{"a": {text}}}')
    assert rows == [{"a": (form, stored)}]


def test_documents_that_are_missing_or_empty_have_no_values() -> None:
    _, rows = taken_apart(None, "{}", '{"a": 1}')
    assert rows == [{}, {}, {"a": ("n", 1.0)}]


def test_the_most_frequent_keys_have_columns_and_others_are_told_of() -> None:
    texts = [json.dumps({"often": 1, f"key{i}": "x"}) for i in range(MOST_KEYS)]
    known, _ = taken_apart(*texts)
    assert len(known.keys) == MOST_KEYS
    assert known.keys[0].name == "often"
    assert known.keys[0].count == MOST_KEYS
    assert known.rest == Marks()


def test_without_other_keys_nothing_is_left() -> None:
    assert taken_apart('{"a": 1}', '{"b": 2}')[0].rest is None


def test_keys_that_are_given_are_the_only_ones() -> None:
    known, rows = taken_apart('{"a": 1, "b": {"c": 1.50}}', keys=["a", "z"])
    assert [key.name for key in known.keys] == ["a", "z"]
    assert rows == [{"a": ("n", 1.0)}]
    assert known.rest == Marks(odd=True, deep=True, nested=True)


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("1", Marks()),
        ("20.0", Marks()),
        ("9007199254740993", Marks(hard=True)),
        ("0.1000000000000000055511151231257827", Marks(hard=True)),
        ('{"b": 1}', Marks(nested=True)),
        ('{"b": 1.0}', Marks(nested=True)),
        ('{"b": 1.50}', Marks(odd=True, nested=True)),
        ('[{"b": 1}]', Marks(deep=True, nested=True)),
    ],
)
def test_marks_tell_what_is_not_exact(text: str, marks: Marks) -> None:
    known, _ = taken_apart(f'{{"a": {text}}}')
    assert known.keys[0].marks == marks


numbers = st.one_of(
    st.integers(-(10**20), 10**20).map(str),
    st.decimals(-(10**6), 10**6, places=4).map(lambda number: f"{number:f}"),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda number: f"{Decimal(repr(number)):f}"),
)
values = st.recursive(
    st.one_of(st.text(), st.booleans(), st.none(), numbers.map(lambda text: ("number", text))),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)


def printed(value: Any) -> str:
    """As jsonb prints it."""
    match value:
        case ("number", text):
            return str(text)
        case dict():
            members = [
                f"{json.dumps(key, ensure_ascii=False)}: {printed(each)}" for key, each in value.items()
            ]
            return "{" + ", ".join(members) + "}"
        case list():
            return "[" + ", ".join(map(printed, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def shown(form: str, stored: Any) -> str:
    """A stored value as `where` shows it."""
    if form == "n":
        return str(int(stored)) if abs(stored) < 1e15 and stored == int(stored) else repr(stored)
    return str(stored)


@given(st.lists(st.dictionaries(st.sampled_from("abc"), values, max_size=3), min_size=1, max_size=6))
def test_every_value_is_told_again_as_it_was_printed(documents: list[dict[str, Any]]) -> None:
    _, rows = taken_apart(*map(printed, documents))
    for document, row in zip(documents, rows, strict=True):
        assert row.keys() == document.keys()
        for key, value in document.items():
            form, stored = row[key]
            assert shown(form, stored) == (value if form == "s" else printed(value))
