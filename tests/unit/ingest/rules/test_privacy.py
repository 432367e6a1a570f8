"""Hashes and masks."""

import hashlib
import hmac

import pytest

from services.ingest.rules.program import compile_rules
from services.kit.errors import Invalid
from tests.ruling import KEY, applied, message, program, properties, rows, seen

HASH = {"hash": {"field": "properties.a"}}


def test_a_hash_is_the_same_for_the_same_text_and_key_alone() -> None:
    first, second, third = (each["a"] for each in properties(HASH, {"a": "ann"}, {"a": "bob"}, {"a": "ann"}))
    assert first == third == hmac.new(KEY, b"ann", hashlib.sha256).hexdigest()
    assert first != second
    other = compile_rules(message(HASH), b"of another project").apply(rows({"properties": {"a": "ann"}}))
    assert seen(other)[0]["a"] != first


def test_a_person_is_hashed() -> None:
    found = applied([{"user_id": "ann"}, {"user_id": None}], {"hash": {"field": "user_id"}})
    assert seen(found, "user_id") == [hmac.new(KEY, b"ann", hashlib.sha256).hexdigest(), None]


def test_personal_data_of_any_type_is_kept_out() -> None:
    as_number, as_text = properties(HASH, {"a": 4111111111111111}, {"a": "4111111111111111"})
    assert as_number == as_text
    assert len(properties(HASH, {"a": {"street": "x"}})[0]["a"]) == 64
    mask = {"mask": {"field": "properties.a"}}
    assert properties(mask, {"a": 12.5}, {"a": True}, {"a": [1]}) == [
        {"a": "****"},
        {"a": "****"},
        {"a": "***"},
    ]


def test_nothing_happens_where_the_field_is_missing() -> None:
    for rule in (HASH, {"mask": {"field": "properties.a"}}):
        assert properties(rule, {"b": 1}, {"a": None}, None) == [{"b": 1}, {"a": None}, None]


@pytest.mark.parametrize(
    ("first", "last", "text", "made"),
    [
        (0, 0, "secret", "******"),
        (2, 0, "secret", "se****"),
        (0, 4, "4111111111111111", "************1111"),
        (1, 1, "añb", "a*b"),
        (2, 2, "abcd", "****"),
        (3, 3, "ab", "**"),
        (0, 0, "", ""),
    ],
)
def test_a_mask_covers_all_but_the_ends(first: int, last: int, text: str, made: str) -> None:
    rule = {"mask": {"field": "properties.a", "keepFirst": first, "keepLast": last}}
    assert properties(rule, {"a": text}) == [{"a": made}]


def test_a_mask_keeps_no_fewer_than_none() -> None:
    with pytest.raises(Invalid, match=r"mask\.keep_last: is -1; write 0 to 1000"):
        program({"mask": {"field": "properties.a", "keepLast": -1}})
