"""Which segments are read, and which become one."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.calendar import Span
from services.query.columnar import layout
from services.query.columnar.layout import EMPTY, Key, Marks, Shredded
from services.query.columnar.segment import (
    FAN_IN,
    MOST_AT_ONCE,
    MOST_ROWS,
    Mirrored,
    Segment,
    merges,
    worthwhile,
)

MARCH = datetime(2026, 3, 1, tzinfo=UTC)


def segment(number: int, rows: int, month: int = 3, project_id: int = 1, days: int = 10) -> Segment:
    return Segment(
        f"s{number}", project_id, date(2026, month, 1), (0,), (1,), rows, rows * 30, b"", MARCH,
        MARCH + timedelta(days=days), EMPTY,
    )  # fmt: skip


def ids(groups: list[list[Segment]]) -> list[list[str]]:
    return [[each.segment_id for each in group] for group in groups]


def test_as_many_as_fan_in_of_a_size_become_one() -> None:
    some = [segment(i, 1000 + i) for i in range(FAN_IN)]
    assert merges(some[:-1]) == []
    assert ids(merges(some)) == [[each.segment_id for each in some]]


def test_months_projects_and_sizes_do_not_mix() -> None:
    assert merges([segment(i, 1000, month=1 + i % 2) for i in range(FAN_IN)]) == []
    assert merges([segment(i, 1000, project_id=1 + i % 2) for i in range(FAN_IN)]) == []
    assert merges([segment(i, 1000 if i % 2 else 100_000) for i in range(FAN_IN)]) == []


def test_no_segment_grows_beyond_the_most_rows() -> None:
    large = [segment(i, MOST_ROWS // 2) for i in range(5)]
    assert [len(group) for group in merges(large)] == [2]
    assert merges([segment(0, MOST_ROWS), segment(1, MOST_ROWS)]) == []


@given(st.lists(st.integers(1, 2 * MOST_ROWS), max_size=60))
def test_merging_comes_to_an_end_with_few_segments(sizes: list[int]) -> None:
    live = [segment(i, rows) for i, rows in enumerate(sizes)]
    made = len(live)
    for _ in range(10 * len(sizes) + 1):
        groups = merges(live)
        if not groups:
            break
        for group in groups:
            assert 2 <= len(group) <= MOST_AT_ONCE
            assert sum(each.rows for each in group) <= MOST_ROWS
            live = [each for each in live if each not in group]
            live.append(segment(made, sum(each.rows for each in group)))
            made += 1
    assert not merges(live)
    assert sum(each.rows for each in live) == sum(sizes)
    # Of each size a few remain; the largest, which are full, are as many as rows ask for.
    assert len(live) <= 4 * FAN_IN + 2 * sum(sizes) / (MOST_ROWS / FAN_IN)


@pytest.mark.parametrize(("hours", "read"), [(240, True), (24, True), (1, False)])
def test_segments_are_read_for_a_fair_share_of_their_rows(hours: int, read: bool) -> None:
    mirrored = Mirrored((1,), (segment(0, 1_000_000),), ())
    span = Span(MARCH, MARCH + timedelta(hours=hours))
    assert worthwhile(mirrored, (span,), 1000, 0.02) == read


def test_few_rows_are_read_from_the_hypertable() -> None:
    mirrored = Mirrored((1,), (segment(0, 900),), ())
    assert not worthwhile(mirrored, (Span(MARCH, MARCH + timedelta(days=30)),), 1000, 0.02)


def test_a_layout_is_read_as_it_was_written() -> None:
    keys = (Key("a", 3, "sn", Marks(hard=True)), Key("ä.b", 1, "r", Marks(odd=True, deep=True, nested=True)))
    found = {"properties": Shredded(keys, Marks(nested=True)), "context": Shredded((), None)}
    assert layout.read(layout.written(found)) == found


def test_the_keys_of_a_merged_segment_are_the_most_frequent() -> None:
    def of(*keys: tuple[str, int]) -> layout.Layout:
        return {**EMPTY, "properties": Shredded(tuple(Key(name, count, "s") for name, count in keys))}

    wanted = layout.wanted([of(("a", 1), ("b", 5)), of(("a", 5), ("c", 2))])
    assert wanted == {"properties": ("a", "b", "c"), "context": ()}
