"""Work of two kinds side by side: an iterator comes in, and the same items go out, each made in a thread while the one before is used.

It is worth it where one of the two is zlib, which leaves the interpreter to others.
"""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Iterator[T]) -> Generator[T]:
    """The items in their order, one of them ahead; to be closed where not all are taken."""
    with ThreadPoolExecutor(1, "ahead") as thread:
        coming = thread.submit(_next, items)
        while found := coming.result():
            coming = thread.submit(_next, items)
            yield found[0]


def _next(items: Iterator[T]) -> tuple[T] | None:
    """The next item, or None behind the last."""
    return next(((item,) for item in items), None)
