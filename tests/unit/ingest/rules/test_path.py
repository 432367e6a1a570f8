"""Which fields rules may name, and what is meant by them."""

import pytest

from services.ingest.rules.path import Path, parent, readable, removable, writable
from services.kit.errors import Invalid


@pytest.mark.parametrize(
    ("text", "held", "value"),
    [
        ("properties.a", {"a": 1}, 1),
        ("properties.a", {}, None),
        ("properties.a.b", {"a": {"b": 1}}, 1),
        ("properties.a.b", {"a.b": 2, "a": {"b": 1}}, 2),
        ("properties.a.b", {"a.b": None, "a": {"b": 1}}, None),
        ("properties.a.b", {"a": None}, None),
        ("properties.a.0.b", {"a": [{"b": 1}]}, 1),
        ("properties.a.-1", {"a": [1]}, None),
        ("properties.a.²", {"a": [1, 2, 3]}, None),
        ("properties.a.1", {"a": [1]}, None),
        ("properties.a..b", {"a": {"": {"b": 1}}}, 1),
        ("properties..", {"": {"": 1}}, 1),
        ("properties.a.b", {"a": "text"}, None),
    ],
)
def test_a_key_is_taken_as_it_stands_and_then_as_a_way(text: str, held: dict, value: object) -> None:
    path = readable(text, "field")
    assert path.within(held) == value
    assert path.take(held) == held or path.is_in(held)


def test_objects_are_not_changed_in_place() -> None:
    held = {"a": {"b": [{"c": 1}]}, "d": 2}
    path = writable("properties.a.b.0.c", "field")
    assert path.put(held, 5) == {"a": {"b": [{"c": 5}]}, "d": 2}
    assert path.take(held) == {"a": {"b": [{}]}, "d": 2}
    assert held == {"a": {"b": [{"c": 1}]}, "d": 2}


@pytest.mark.parametrize("text", ["", "nothing", "properties", "properties.", "event_id", "tags.a", "name.a"])
def test_what_is_no_field_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match=r"^here: .*; a rule reads name, .*, context\.<key>$"):
        readable(text, "here")


def test_a_path_is_short_and_without_nul() -> None:
    with pytest.raises(Invalid, match="here: has 501 characters; a path has at most 500 and no NUL"):
        readable("properties." + "a" * 490, "here")
    with pytest.raises(Invalid, match="no NUL"):
        readable("properties.\0", "here")


def test_type_and_time_are_read_and_never_changed() -> None:
    for text in ("type", "occurred_at"):
        assert readable(text, "here") == Path(text, text)
        with pytest.raises(Invalid, match="which no rule changes"):
            writable(text, "here")


def test_a_name_is_changed_but_not_taken_away() -> None:
    assert writable("name", "here") == Path("name", "name")
    with pytest.raises(Invalid, match="without which there is no event"):
        removable("name", "here")


def test_parts_are_set_below_objects() -> None:
    assert parent("context", "to").below("os") == Path("context.os", "context", "os")
    assert parent("properties.client", "to").below("os").put({}, "x") == {"client": {"os": "x"}}
    with pytest.raises(Invalid, match="has no parts"):
        parent("user_id", "to")
