"""What is made ahead comes as it would without, and what goes wrong in between is told."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from services.reports.formats.ahead import ahead


def numbers(made: list[int], last: int = 5) -> Iterator[int]:
    for number in range(last):
        made.append(threading.get_ident())
        yield number


def test_items_come_in_their_order_and_are_made_in_another_thread() -> None:
    made: list[int] = []
    assert list(ahead(numbers(made))) == [0, 1, 2, 3, 4]
    assert threading.get_ident() not in made
    assert list(ahead(iter([]))) == []
    assert list(ahead(iter([0, None, ""]))) == [0, None, ""]


def test_no_more_than_one_is_made_ahead() -> None:
    made: list[int] = []
    with closing(ahead(numbers(made))) as items:
        assert next(items) == 0
    assert len(made) == 2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]


def test_an_error_comes_where_its_item_would() -> None:
    def fails() -> Iterator[int]:
        yield 1
        raise ValueError("no second")

    items = ahead(fails())
    assert next(items) == 1
    with pytest.raises(ValueError, match="no second"):
        next(items)
