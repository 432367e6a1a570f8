"""A spine says of each row of a segment whose it is and when."""

from itertools import pairwise

import pyarrow as pa
import pytest

from services.query.columnar.spine import spine

ROWS = [("ann", 3), ("ann", 5), ("bob", 1), ("eve", 2), ("eve", 2), (None, 1), (None, 9)]


def cut(rows: list[tuple[str | None, int]], cuts: tuple[int, ...]) -> list[pa.Table]:
    """The rows in pieces."""
    return [
        pa.table(
            {
                "user": pa.array([user for user, _ in rows[first:behind]], pa.string()),
                "at": pa.array([at for _, at in rows[first:behind]], pa.int64()),
            }
        )
        for first, behind in pairwise((0, *cuts, len(rows)))
    ]


@pytest.mark.parametrize("rows", [ROWS, ROWS[:5], ROWS[5:], ROWS[:1], []])
@pytest.mark.parametrize("cuts", [(), (1,), (4,), (1, 1, 4, 6)])
def test_what_is_read_comes_out_again_wherever_batches_end(
    rows: list[tuple[str | None, int]], cuts: tuple[int, ...]
) -> None:
    made = spine(cut(rows, tuple(min(each, len(rows)) for each in cuts)))
    codes = made.codes().tolist()
    assert [None if code < 0 else made.users[code].as_py() for code in codes] == [user for user, _ in rows]
    assert made.at.tolist() == [at for _, at in rows]
    assert made.users.to_pylist() == sorted({user for user, _ in rows if user is not None})
    assert made.known == sum(user is not None for user, _ in rows)


def test_no_batch_at_all_makes_an_empty_one() -> None:
    made = spine([])
    assert (len(made.users), len(made.at), made.known, made.codes().tolist()) == (0, 0, 0, [])
