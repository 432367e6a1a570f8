"""Setting, moving and taking fields."""

from tests.ruling import applied, faults, properties, seen, told

A_IS_5 = {"set": {"field": "properties.a", "value": 5}}


def test_a_value_is_set_whether_or_not_one_was_there() -> None:
    assert properties(A_IS_5, {"b": 1}, {"a": 1}, None) == [{"b": 1, "a": 5}, {"a": 5}, {"a": 5}]


def test_whole_numbers_are_set_without_a_fraction_and_others_with_theirs() -> None:
    rule = {"set": {"field": "properties.a", "value": {"n": 5, "x": [2.5]}}}
    found = applied([{"properties": None}], rule).rows["properties"].to_pylist()
    assert found == ['{"a":{"n":5,"x":[2.5]}}']


def test_what_is_there_already_is_no_change_and_keeps_its_bytes() -> None:
    found = applied([{"properties": '{ "a": 5 }'}, {"properties": '{"a":5.0}'}], A_IS_5)
    assert found.rows["properties"].to_pylist() == ['{ "a": 5 }', '{"a":5}']
    assert found.effects[0].changed_count == 1


def test_only_missing_leaves_what_is_there_and_null_is_missing() -> None:
    rule = {"set": {"field": "properties.a", "value": 5, "onlyMissing": True}}
    assert properties(rule, {"a": 1}, {"a": None}, {}) == [{"a": 1}, {"a": 5}, {"a": 5}]


def test_null_is_a_value() -> None:
    rule = {"set": {"field": "properties.a", "value": None}}
    assert properties(rule, {"a": 1}, {}) == [{"a": None}, {"a": None}]


def test_dots_reach_nested_values_and_make_the_objects_on_their_way() -> None:
    rule = {"set": {"field": "properties.a.b.c", "value": 5}}
    assert properties(rule, None, {"a": {"x": 1}}, {"a": {"b": {"c": 1, "d": 2}}}) == [
        {"a": {"b": {"c": 5}}},
        {"a": {"x": 1, "b": {"c": 5}}},
        {"a": {"b": {"c": 5, "d": 2}}},
    ]


def test_a_key_with_dots_is_taken_as_it_stands_where_it_is_there() -> None:
    rule = {"set": {"field": "properties.a.b", "value": 5}}
    assert properties(rule, {"a.b": 1, "a": {"b": 2}}) == [{"a.b": 5, "a": {"b": 2}}]


def test_places_in_arrays_are_reached_by_number() -> None:
    rule = {"set": {"field": "properties.items.1.price", "value": 5}}
    assert properties(rule, {"items": [{"price": 1}, {"price": 2}]}) == [
        {"items": [{"price": 1}, {"price": 5}]}
    ]


def test_nothing_is_set_below_what_is_no_object() -> None:
    rule = {"set": {"field": "properties.a.b", "value": 5}}
    sentence = "properties.a.b: cannot be set: there is no 'b' in what is no object; set the whole first"
    assert faults(rule, {"a": 1}, {"a": []}) == [sentence, sentence]


def test_columns_are_set_and_an_empty_text_is_none() -> None:
    event = {"user_id": "ann", "session_id": "s"}
    found = applied(
        [event],
        {"set": {"field": "name", "value": "bought"}},
        {"set": {"field": "user_id", "value": ""}},
        {"set": {"field": "session_id", "expression": "name + '-' + type"}},
    )
    assert [seen(found, name) for name in ("name", "user_id", "session_id")] == [
        ["bought"],
        [None],
        ["bought-USER_ACTION"],
    ]


def test_an_event_that_would_not_be_valid_stays_as_it_was() -> None:
    found = applied(
        [{"properties": {"a": "x" * 201, "n": 1}}],
        {"set": {"field": "name", "expression": "properties.b"}},
        {"set": {"field": "name", "expression": "properties.a"}},
        {"set": {"field": "name", "value": "a\nb"}},
        {"set": {"field": "user_id", "expression": "properties.n"}},
        {"set": {"field": "session_id", "value": "a\0b"}},
        {"set": {"field": "properties.a", "value": "a\0b"}},
        {"set": {"field": "properties.a", "value": {"a": ["\0"]}}},
        {"set": {"field": "properties.a", "expression": "0.0 / 0.0"}},
        {"set": {"field": "properties.a", "expression": "[1.0 / 0.0]"}},
    )
    assert [line.split(" ", 2)[2] for line in told(found)] == [
        "name: would be empty; an event needs a name",
        "name: would have 201 characters; at most 200 are stored",
        'name: would be "a\\nb"; control characters are not stored',
        "user_id: would be 1; only a text can be there: write string(...), or cast it first",
        'session_id: would be "a\\u0000b"; control characters are not stored',
        "properties.a: would hold a NUL character, which is not stored",
        'properties.a: would hold "\\u0000", which is not stored',
        "properties.a: would be nan, which is no number of JSON",
        "properties.a: would hold inf, which is not stored",
    ]
    assert (seen(found, "name"), seen(found)) == (["clicked"], [{"a": "x" * 201, "n": 1}])


def test_objects_stay_within_their_limits() -> None:
    long, deep = {"set": {"field": "properties.b", "value": "y" * 40_000}}, "properties." + ".".join("a" * 16)
    assert faults(long, {"a": "x" * 40_000}) == [
        "properties.b: would make 80015 bytes of properties; at most 65536 are stored"
    ]
    assert properties(long, {"a": "x" * 20_000}) == [{"a": "x" * 20_000, "b": "y" * 40_000}]
    assert faults({"set": {"field": deep, "value": 1}}, None) == [
        f"{deep}: would be nested deeper than 16 levels"
    ]
    assert faults({"set": {"field": deep[:-2], "value": [1]}}, None) == [
        f"{deep[:-2]}: would be nested deeper than 16 levels"
    ]
    assert len(properties({"set": {"field": deep[:-2], "value": 1}}, None)) == 1


def test_a_field_is_moved_with_its_null_and_replaces_what_is_there() -> None:
    rule = {"rename": {"field": "properties.a", "to": "properties.b"}}
    assert properties(rule, {"a": 1, "b": 2}, {"a": None}, {"b": 3}, None) == [
        {"b": 1},
        {"b": None},
        {"b": 3},
        None,
    ]


def test_a_field_is_moved_below_itself_and_out_again() -> None:
    inward = {"rename": {"field": "properties.a", "to": "properties.a.b"}}
    outward = {"rename": {"field": "properties.a.b", "to": "properties.a"}}
    assert properties(inward, {"a": 1}) == [{"a": {"b": 1}}]
    assert properties(outward, {"a": {"b": 1, "c": 2}}) == [{"a": 1}]


def test_a_field_is_moved_between_columns() -> None:
    found = applied(
        [{"user_id": "ann", "properties": {"session": "s1"}}],
        {"rename": {"field": "properties.session", "to": "session_id"}},
        {"rename": {"field": "user_id", "to": "context.user"}},
    )
    assert [seen(found, name) for name in ("session_id", "user_id", "properties", "context")] == [
        ["s1"],
        [None],
        [{}],
        [{"user": "ann"}],
    ]


def test_a_field_that_cannot_be_where_it_is_moved_to_stays() -> None:
    rule = {"rename": {"field": "properties.a", "to": "user_id"}}
    assert faults(rule, {"a": 1}) == [
        "user_id: would be 1; only a text can be there: write string(...), or cast it first"
    ]
    assert faults({"rename": {"field": "properties.a", "to": "properties.b.c"}}, {"a": 1, "b": 2}) == [
        "properties.b.c: cannot be set: there is no 'c' in what is no object; set the whole first"
    ]


def test_a_field_is_taken_away_at_every_depth() -> None:
    rule = {"drop": {"field": "properties.a.b"}}
    assert properties(rule, {"a": {"b": 1, "c": 2}}, {"a.b": 1, "a": {"b": 2}}, {"a": 1}, None) == [
        {"a": {"c": 2}},
        {"a": {"b": 2}},
        {"a": 1},
        None,
    ]
    assert properties({"drop": {"field": "properties.a.0"}}, {"a": [1, 2]}) == [{"a": [2]}]
    found = applied([{"user_id": "ann", "session_id": "s"}], {"drop": {"field": "user_id"}})
    assert (seen(found, "user_id"), seen(found, "session_id")) == ([None], ["s"])
