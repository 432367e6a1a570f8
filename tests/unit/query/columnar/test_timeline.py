"""Rows of several places come out in one order."""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.calendar import Span
from services.kit.instant import EPOCH, MICROSECOND
from services.query.columnar import timeline
from services.query.columnar.scan import Flag, Scan, Text
from services.query.columnar.spine import spine
from services.query.columnar.texts import TEXTS
from services.query.fields import field
from services.query.filter import EVERYTHING
from tidemark.v1.question_pb2 import SOURCE_EVENTS

DAY = Span(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))
SCAN = Scan(
    DAY,
    EVERYTHING,
    (Text("name", field("name", SOURCE_EVENTS, "field")), Flag("odd", EVERYTHING)),
    anonymous=True,
)

Row = tuple[str | None, int, int, str]
"""User, instant, id and name."""


def key(row: Row) -> tuple[bool, str, int, int]:
    return row[0] is None, row[0] or "", row[1], row[2]


def arrow(rows: list[Row]) -> pa.Table:
    """Rows as a scan reads them."""
    columns = [
        pa.array([row[0] for row in rows], pa.string()),
        pa.array([row[1] for row in rows], pa.int64()),
        pa.array([row[3] or None for row in rows], pa.string()),
        pa.array([row[2] % 2 == 1 for row in rows], pa.bool_()),
    ]
    return pa.table(columns, names=list("abcd"))


def part(rows: list[Row], pieces: int, *, ordered: bool, scan: Scan = SCAN) -> timeline.Part:
    """Rows that come in some pieces."""
    size = max(1, -(-len(rows) // pieces))
    batches = {first: arrow(rows[first : first + size]) for first in range(0, max(1, len(rows)), size)}
    if not ordered:
        return timeline.concatenated([timeline.loose(each, scan) for each in batches.values()])
    made = spine(batches.values())
    codes = made.codes()
    return timeline.concatenated(
        [
            timeline.part(made, codes, np.arange(first, first + len(each)), each.columns[2:], scan)
            for first, each in batches.items()
        ]
    )


def together(places: Iterable[tuple[list[Row], bool]], pieces: int = 2) -> list[tuple[object, ...]]:
    parts: list[timeline.Part] = []
    rows: list[Row] = []
    for found, ordered in places:
        sorted_ = sorted(found, key=key) if ordered else found
        parts.append(part(sorted_, pieces, ordered=ordered))
        rows += sorted_
    columns = [each.columns for each in parts]
    order = timeline.order(parts)
    if order.disputed is not None:
        assert set(order.instants()) == {rows[each][1] for each in order.rows()}
        assert set(order.rows()) <= set(order.rows_at(order.instants()))
        order = timeline.settled(order, {int(each): f"{rows[each][2]:08}" for each in order.rows()})
    table = timeline.table(order, columns, SCAN)
    table.validate(full=True)
    return list(zip(*(column.to_pylist() for column in table.columns)))


rows = st.lists(
    st.tuples(
        st.sampled_from([None, "ann", "bob", "Ünal"]),
        st.integers(0, 3),
        st.integers(0, 10**6),
        st.sampled_from(["a", "b", ""]),
    ),
    max_size=12,
)


@given(st.lists(st.tuples(rows, st.booleans()), max_size=4), st.integers(1, 3))
def test_rows_stand_by_user_time_and_id_whatever_place_they_come_from(
    places: list[tuple[list[Row], bool]], pieces: int
) -> None:
    seen: set[int] = set()
    unique = []
    for found, ordered in places:
        mine = []
        for row in found:
            if row[2] not in seen:
                seen.add(row[2])
                mine.append(row)
        unique.append((mine, ordered))
    expected = sorted((row for found, _ in unique for row in found), key=key)
    assert together(unique, pieces) == [(row[0], row[1], row[3] or None, row[2] % 2 == 1) for row in expected]


def test_ids_are_asked_for_only_where_nothing_else_decides() -> None:
    one, two = [("ann", 1, 1, "a"), ("ann", 2, 2, "a")], [("ann", 3, 3, "a"), ("bob", 1, 4, "a")]
    parts = [part(each, 1, ordered=True) for each in (one, two)]
    assert timeline.order(parts).disputed is None
    parts = [part(one, 1, ordered=True), part([("ann", 2, 3, "a")], 1, ordered=True)]
    order = timeline.order(parts)
    assert order.instants().tolist() == [2]
    assert len(order.rows()) == 2


@given(rows, st.lists(st.integers(0, 4), min_size=1, max_size=3, unique=True), st.integers(1, 3))
def test_cuts_leave_a_row_of_each_user_piece_and_flag_and_all_rows_behind_the_last(
    found: list[Row], cuts: list[int], pieces: int
) -> None:
    ends = sorted(cuts)
    scan = replace(SCAN, cuts=tuple(EPOCH + cut * MICROSECOND for cut in ends))
    every = sorted(found, key=key)
    thin = part(every, pieces, ordered=True, scan=scan)
    users = [None if code < 0 else thin.users[code].as_py() for code in thin.codes]
    odd = thin.columns[1].to_pylist()
    kept = Counter(zip(users, (sum(cut <= at for cut in ends) for at in thin.at), odd))
    needed = Counter((row[0], sum(cut <= row[1] for cut in ends), row[2] % 2 == 1) for row in every)
    assert kept.keys() == needed.keys()
    assert all(count == needed[each] for each, count in kept.items() if each[1] == len(ends))
    assert all(count <= pieces for each, count in kept.items() if each[1] < len(ends))


def test_ids_decide_from_an_instant_on_if_one_is_given() -> None:
    both = [[("ann", 2, 1, "a"), ("ann", 5, 2, "a")], [("ann", 2, 3, "a"), ("ann", 5, 4, "a")]]
    order = timeline.order([part(each, 1, ordered=True) for each in both], settled_from=5)
    assert order.instants().tolist() == [5]
    assert timeline.order([part(each, 1, ordered=True) for each in both], settled_from=6).disputed is None


def test_codes_grow_with_the_rows() -> None:
    parts = [part([("bob", 1, 1, "a")], 1, ordered=True), part([("ann", 1, 2, "a")], 1, ordered=True)]
    columns = [each.columns for each in parts]
    table = timeline.table(timeline.order(parts), columns, SCAN)
    assert table["user"].combine_chunks().indices.to_pylist() == [0, 1]
    assert table["user"].to_pylist() == ["ann", "bob"]


def test_users_without_a_row_are_none_of_those_in_order() -> None:
    made = spine([arrow([("ann", 1, 1, "a"), ("bob", 1, 2, "a"), ("eve", 1, 3, "a")])])
    only = timeline.part(made, made.codes(), np.array([1]), arrow([("bob", 1, 2, "a")]).columns[2:], SCAN)
    assert timeline.order([only]).users.to_pylist() == ["bob"]


def test_many_places_cost_hardly_more_than_few() -> None:
    users = [f"user-{number:06}" for number in range(100_000)]

    def took(places: int) -> float:
        size = len(users) // places
        texts = [pa.array(users[first : first + size]) for first in range(0, len(users), size)]
        codes, at = np.arange(size, dtype=np.int32), np.zeros(size, np.int64)
        parts = [timeline.Part(each, codes, at, (), ordered=True) for each in texts]
        began = time.process_time()
        assert len(timeline.order(parts).users) == len(users)
        return time.process_time() - began

    # A place whose users were looked up among all would cost what all do: fifty times as much here.
    assert took(500) < 8 * max(took(5), 0.05)


def test_times_too_far_apart_for_one_number_are_ordered_all_the_same() -> None:
    far = 1 << 62
    assert [row[1] for row in together([([("ann", far, 1, "a"), ("bob", 0, 2, "a")], False)])] == [far, 0]


@pytest.mark.parametrize("anonymous", [True, False])
def test_no_rows_give_an_empty_table(anonymous: bool) -> None:
    table = timeline.table(timeline.order([]), [], SCAN)
    assert table.num_rows == 0
    assert table.schema.names == ["user", "at", "name", "odd"]
    assert table.schema.types == [TEXTS, pa.int64(), TEXTS, pa.bool_()]
    assert isinstance(table["at"].to_numpy(), np.ndarray)
