"""Texts get the same number where they are the same, and nowhere else."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from services.query.columnar import texts

Batch = Sequence[str | None]


def numbered(batches: Sequence[Batch]) -> list[str | None]:
    """What is read of a column by its numbers; each text must have one."""
    column = pa.chunked_array([pa.array(batch, pa.string()) for batch in batches], pa.string())
    found = texts.united(texts.encoded(column))
    held = found.to_pylist()
    codes: dict[str | None, set[int | None]] = {}
    for text, code in zip(held, found.indices.to_pylist(), strict=True):
        codes.setdefault(text, set()).add(code)
    assert all(len(each) == 1 for each in codes.values())
    assert found.indices.null_count == sum(text is None for text in held)
    return held


@pytest.mark.parametrize(
    "batches",
    [
        [],
        [[]],
        [[None]],
        [["", None, ""]],
        [["a"], ["a", "b"]],
        [["view"] * 50 + ["buy"] * 50, ["buy", None] * 50],
        [["s1", "s1", "s2", None, "s3"], ["s3", "s4", "", "s1"]],
        [["1234567", "12345678", "123456789", "x" * 100, "x" * 101], ["12345678", "x" * 100, "ж" * 9]],
    ],
)
def test_what_is_read_comes_out_again(batches: list[Batch]) -> None:
    assert numbered(batches) == [text for batch in batches for text in batch]


@pytest.mark.parametrize("different", [3, 500, 100_000])
def test_few_texts_and_many_are_told_apart_alike(different: int) -> None:
    chance = np.random.default_rng(different)
    batches = [
        [None if number % 17 == 0 else f"session-{number}" for number in chance.integers(0, different, 3000)]
        for _ in range(3)
    ]
    assert numbered(batches) == [text for batch in batches for text in batch]


def test_texts_of_which_all_have_one_hash_are_told_apart_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(texts, "_hashes", lambda values: np.zeros(len(values), np.uint64))
    batches: list[Batch] = [["a", "b", None, "a"], ["c", "b", "", "d", "e"]]
    assert numbered(batches) == [text for batch in batches for text in batch]


def test_hashes_are_of_the_text_alone_wherever_it_stands() -> None:
    words = ["", "a", "seven77", "eight888", "nine99999", "sixteen161616161", "a" * 40]
    whole = texts._hashes(pa.array(words))
    assert len(set(whole.tolist())) == len(words)
    apart = [texts._hashes(pa.array(["before", word, "behind"]).slice(1, 1))[0] for word in words]
    assert whole.tolist() == apart
