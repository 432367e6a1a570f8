"""Faults of the same kind share a signature, whatever the values."""

import re

import pytest

from services.ingest.signature import signature


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("is 3, less than 10; send more", "is -7.25, less than 10; send more"),
        ("is 'a b', no e-mail", "is '', no e-mail"),
        ('is "x", not 12', 'is "y z", not 1e-9'),
        ("is 2026-01-01T00:00:00, too early", "is 2025-12-31T23:59:59, too early"),
    ],
)
def test_values_make_no_difference(one: str, other: str) -> None:
    assert signature("SCHEMA", "properties.a", "paid", one) == signature(
        "SCHEMA", "properties.a", "paid", other
    )


def test_what_is_wrong_and_where_makes_a_difference() -> None:
    faults = {
        signature("SCHEMA", "properties.a", "paid", "is missing"),
        signature("RULE", "properties.a", "paid", "is missing"),
        signature("SCHEMA", "properties.b", "paid", "is missing"),
        signature("SCHEMA", "properties.a", "sold", "is missing"),
        signature("SCHEMA", "properties.a", "paid", "is no text"),
    }
    assert len(faults) == 5
    assert all(re.fullmatch("[0-9a-f]{16}", each) for each in faults)


def test_a_signature_stays_what_it_is() -> None:
    """Letters of different releases must stay together."""
    assert signature("SCHEMA", "properties.a", "paid", "is 3") == signature(
        "SCHEMA", "properties.a", "paid", "is ?"
    )
