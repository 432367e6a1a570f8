"""Rows of several segments come out in the order of one, few at a time."""

import uuid
from collections.abc import Iterator

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from services.query.columnar.layout import SCHEMA
from services.query.columnar.merge import interleaved, ordered, regrouped

Row = tuple[str | None, int, int]
"""User, instant and id."""


def table(rows: list[Row]) -> pa.Table:
    columns: dict[str, pa.Array] = {
        "user_id": pa.array([row[0] for row in rows], pa.string()),
        "occurred_at": pa.array([row[1] for row in rows], pa.timestamp("us", "UTC")),
        "event_id": pa.array([uuid.UUID(int=row[2]).bytes for row in rows], pa.uuid()),
    }
    return pa.table(
        [columns.get(each.name, pa.nulls(len(rows), each.type)) for each in SCHEMA], schema=SCHEMA
    )


def told(tables: Iterator[pa.Table]) -> list[Row]:
    return [
        (row["user_id"], int(row["occurred_at"].timestamp() * 1e6), row["event_id"].int)
        for each in tables
        for row in each.to_pylist()
    ]


def key(row: Row) -> tuple[bool, str, int, int]:
    return row[0] is None, row[0] or "", row[1], row[2]


def in_pieces(rows: list[Row], size: int) -> Iterator[pa.Table]:
    for first in range(0, len(rows), size):
        yield table(rows[first : first + size])


rows = st.lists(
    st.tuples(st.sampled_from([None, "a", "b", "ä"]), st.integers(0, 3), st.integers(0, 2**128 - 1)),
    max_size=20,
)


@given(rows)
def test_rows_stand_by_user_time_and_id(found: list[Row]) -> None:
    assert told(iter([ordered(table(found))])) == sorted(found, key=key)


@given(st.lists(st.tuples(rows, st.integers(1, 5)), max_size=5))
def test_rows_of_several_sources_come_in_one_order(sources: list[tuple[list[Row], int]]) -> None:
    expected = sorted((row for found, _ in sources for row in found), key=key)
    assert told(interleaved([in_pieces(sorted(found, key=key), size) for found, size in sources])) == expected


def test_a_source_that_is_ahead_is_not_read_further() -> None:
    read: list[int] = []

    def counted(place: int, rows: list[Row]) -> Iterator[pa.Table]:
        for row in rows:
            read.append(place)
            yield table([row])

    behind = [("a", i, i) for i in range(20)]
    ahead = [("b", i, 100 + i) for i in range(20)]
    merged = interleaved([counted(0, behind), counted(1, ahead)])
    for _ in range(10):
        next(merged)
    assert read.count(1) == 1


@given(st.lists(st.integers(0, 7), max_size=8), st.integers(1, 5))
def test_regrouped_rows_come_in_equal_tables(sizes: list[int], size: int) -> None:
    numbers = iter(range(sum(sizes)))
    given_ = [table([("a", 0, next(numbers)) for _ in range(count)]) for count in sizes]
    found = list(regrouped(iter(given_), size))
    assert [row[2] for row in told(iter(found))] == list(range(sum(sizes)))
    assert all(len(each) == size for each in found[:-1])
