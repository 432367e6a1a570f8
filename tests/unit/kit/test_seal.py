"""Secrets of others, sealed."""

import pytest

from services.kit import seal


def test_a_secret_is_opened_by_its_key_and_in_its_place_only() -> None:
    kept = seal.closed("key", "a secret", b"here")
    assert seal.opened(("key",), kept, b"here") == "a secret"
    assert b"a secret" not in kept
    for key, data, about in (
        ("other", kept, b"here"),
        ("key", kept, b"there"),
        ("key", kept[:-1] + bytes([kept[-1] ^ 1]), b"here"),
        ("key", b"", b"here"),
        ("key", kept[:20], b"here"),
    ):
        with pytest.raises(ValueError, match=r"does not open|Nonce|too short"):
            seal.opened((key,), data, about)


def test_while_a_key_is_replaced_either_opens() -> None:
    for key in ("new", "old"):
        assert seal.opened(("new", "old"), seal.closed(key, "a secret", b"here"), b"here") == "a secret"
    with pytest.raises(ValueError, match="does not open"):
        seal.opened(("new", "old"), seal.closed("older", "a secret", b"here"), b"here")


def test_equal_secrets_are_sealed_differently() -> None:
    assert seal.closed("key", "same", b"") != seal.closed("key", "same", b"")
