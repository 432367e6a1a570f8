"""Spines are read once, make room for others, and are forgotten with their segments."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier

import numpy as np
import pyarrow as pa
import pytest

from services.kit.calendar import Span
from services.query.columnar.cache import Spines
from services.query.columnar.layout import EMPTY
from services.query.columnar.segment import Segment
from services.query.columnar.spine import Spine

START = datetime(2026, 3, 1, tzinfo=UTC)
MARCH = Span(START, START + timedelta(days=31))


def segment(name: str, day: int = 0, project_id: int = 1) -> Segment:
    first = START + timedelta(days=day)
    return Segment(
        name, project_id, date(2026, 3, 1), (0,), (1,), 10, 100, b"", first, first + timedelta(hours=1), EMPTY
    )


def spine(rows: int = 100) -> Spine:
    return Spine(pa.array(["ann"]), np.array([rows], np.int32), np.zeros(rows, np.int64))


class Reading:
    """Counts what is read."""

    def __init__(self, rows: int = 100) -> None:
        self.times, self._rows = 0, rows

    def __call__(self) -> Spine:
        self.times += 1
        return spine(self._rows)


def test_a_spine_is_read_once() -> None:
    spines, read = Spines(1 << 20), Reading()
    first = spines.get(segment("a"), read)
    assert spines.get(segment("a"), read) is first
    assert read.times == 1


def test_those_who_want_one_at_once_read_it_once() -> None:
    spines, read, together = Spines(1 << 20), Reading(), Barrier(4)

    def want(_: int) -> Spine:
        together.wait(10)
        return spines.get(segment("a"), read)

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(want, range(4)))
    assert read.times == 1
    assert all(each is found[0] for each in found)


def test_the_one_used_longest_ago_makes_room() -> None:
    spines, read = Spines(2 * spine().size), Reading()
    for name in ("a", "b", "a", "c", "a", "b"):
        spines.get(segment(name), read)
    assert read.times == 4


def test_one_that_was_read_twice_takes_its_room_once() -> None:
    spines, read = Spines(2 * spine().size), Reading()
    for _ in range(2):
        spines._put(segment("a"), spine())
    for name in ("b", "a", "b"):
        spines.get(segment(name), read)
    assert read.times == 1


def test_nothing_is_kept_that_is_too_large() -> None:
    spines, read = Spines(100), Reading()
    for _ in range(2):
        assert len(spines.get(segment("a"), read).at) == 100
    assert read.times == 2


def test_one_that_cannot_be_read_is_read_again_by_the_next() -> None:
    spines, read = Spines(1 << 20), Reading()

    def broken() -> Spine:
        raise ValueError("no file")

    with pytest.raises(ValueError, match="no file"):
        spines.get(segment("a"), broken)
    assert len(spines.get(segment("a"), read).at) == 100


def test_what_is_no_segment_any_more_is_forgotten_with_a_question_about_its_time() -> None:
    spines, read = Spines(1 << 20), Reading()
    for each in (segment("gone"), segment("live"), segment("other", project_id=2), segment("late", day=40)):
        spines.get(each, read)
    spines.forget(1, MARCH, {"live"})
    for each in (segment("live"), segment("other", project_id=2), segment("late", day=40)):
        spines.get(each, read)
    assert read.times == 4
    spines.get(segment("gone"), read)
    assert read.times == 5
