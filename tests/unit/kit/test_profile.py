"""Profiles tell what is seen at each path of the properties of events."""

from services.kit import profile
from services.kit.profile import profiles


def test_nested_values_have_paths_of_their_own() -> None:
    found = profiles([{"a": 1, "b": {"c": "x", "d": None}}, {"a": "1"}, {"b": {"c": "x"}, "e": [{"f": 1}]}])
    assert list(found) == ["a", "b", "b.c", "b.d", "e"]
    assert found["a"].types == {"number": 1, "string": 1}
    assert (found["b.c"].types, found["b.c"].present) == ({"string": 2}, 2)
    assert (found["b.d"].types, found["b.d"].nulls, found["b.d"].present) == ({}, 1, 1)
    assert found["e"].types == {"array": 1}


def test_examples_are_the_most_frequent_values() -> None:
    values = [1, "x", True, "x", 2, 3, 4, 5, 5]
    assert profiles([{"a": value} for value in values])["a"].examples() == ['"x"', "5", "1", "2", "3"]


def test_long_values_are_told_apart_and_not_shown() -> None:
    (found,) = profiles([{"a": "x" * 200}, {"a": "y" * 200}, {"a": "x" * 200}, {"a": "z"}]).values()
    assert len(found.values) == 3
    assert found.examples() == ['"z"']


def test_keys_without_end_are_cut_off() -> None:
    found = profiles([{f"k{i}": {"x": 1}} for i in range(2000)])
    assert len(found) == profile.MAX_PATHS
    assert profiles([{"k" * 501: 1, "a": {"k" * 499: 1, "b": 2}}]).keys() == {"a", "a.b"}
