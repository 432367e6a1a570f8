"""Keeps answers for a while: an answer comes in under what names it, and goes out again through `source` to whoever asks the same.

Answers are kept in the process and not in Redis: there each would be written to the disk of the log, and take of its memory
(decision record 0013).
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from google.protobuf.message import Message

from services.kit import metrics
from tidemark.v1.question_pb2 import QueryMetadata

OVERHEAD = 1000
"""Bytes that an answer takes beside its content."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer, what is known of it, and when it was computed."""

    result: Message
    metadata: QueryMetadata
    next: tuple[datetime, str] | None
    """For events and people: where the next page begins."""
    at: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class Flight:
    """An answer that is being computed; once landed without one, it was not to be had."""

    kept: Kept | None = None
    landed: asyncio.Event = field(default_factory=asyncio.Event)


class Cache:
    """The answers last asked for, in at most so many bytes, and those under way."""

    def __init__(self, most_bytes: int) -> None:
        self._most, self._size = most_bytes, 0
        self._kept: OrderedDict[Hashable, tuple[Kept, int]] = OrderedDict()
        self._flights: dict[Hashable, Flight] = {}

    def get(self, key: Hashable, most_seconds: float = float("inf")) -> Kept | None:
        """The answer kept under `key`, unless it is older."""
        found = self._kept.get(key)
        if found is None or time.monotonic() - found[0].at > most_seconds:
            return None
        self._kept.move_to_end(key)
        return found[0]

    def put(self, key: Hashable, kept: Kept) -> None:
        """Keeps an answer; those that were asked for longest ago make room. One that would fill a quarter is not kept."""
        size = kept.result.ByteSize() + OVERHEAD
        self._drop(key)
        if size <= self._most // 4:
            self._kept[key] = kept, size
            self._size += size
        while self._size > self._most:
            self._drop(next(iter(self._kept)))
        metrics.QUERY_CACHE_BYTES.set(self._size)

    def flight(self, key: Hashable) -> Flight | None:
        """The answer that is being computed under `key`; None when none is."""
        return self._flights.get(key)

    @contextmanager
    def flying(self, key: Hashable) -> Iterator[Flight]:
        """The flight under which an answer is computed; it lands at the end, with what was put into it."""
        flight = self._flights[key] = Flight()
        try:
            yield flight
        finally:
            del self._flights[key]
            flight.landed.set()

    def _drop(self, key: Hashable) -> None:
        if found := self._kept.pop(key, None):
            self._size -= found[1]
