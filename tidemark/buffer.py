"""The buffer in front of a producer: serialized events or points come in from any thread, sealed batches go to `producer.py`."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tidemark import errors
from tidemark.tracing import MAX_ORIGINS
from tidemark.wire import prefix

if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext

Sealed = tuple[int, bytes, "tuple[SpanContext, ...]"]
"""How many, their bytes, and the spans under which they were added."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """When a batch is full, and how much may be unacknowledged in memory."""

    batch_count: int = 2000
    batch_bytes: int = 1 << 20
    batch_seconds: float = 0.02
    buffer_bytes: int = 32 << 20

    def __post_init__(self) -> None:
        if not 1 <= self.batch_count <= 10_000:
            raise ValueError(f"batch_count is {self.batch_count}; the server takes 1 to 10000 in a batch")
        if not 1 <= self.batch_bytes <= 4 << 20:
            raise ValueError(
                f"batch_bytes is {self.batch_bytes}; give 1 to {4 << 20}, the server takes 8 MiB messages"
            )
        if self.buffer_bytes < 2 * self.batch_bytes:
            raise ValueError(
                f"buffer_bytes is {self.buffer_bytes}; give at least twice batch_bytes, {2 * self.batch_bytes}"
            )


class Buffer:
    """Collects items into batches. `held` counts every byte from `add` until `release`, and never passes the limit.

    `signal` is called, outside the lock, when a batch begins and when one is full.
    """

    def __init__(self, noun: str, limits: Limits, signal: Callable[[], None]) -> None:
        self._noun, self._limits, self._signal = noun, limits, signal
        self._lock = threading.Lock()
        self._open: list[bytes] = []
        self._open_bytes = 0
        self._origins: dict[int, SpanContext] = {}
        self.sealed: deque[Sealed] = deque()
        self.held = 0
        self.added = 0
        self.closed = False

    def add(self, item: bytes, origin: "SpanContext | None" = None) -> None:
        """Takes one serialized event or point, added under the span `origin`; raises `BufferFull`. Thread-safe."""
        head = prefix(len(item))
        size = len(head) + len(item)
        with self._lock:
            if self.held + size > self._limits.buffer_bytes or self.closed or size > self._limits.batch_bytes:
                raise self._unable(size)
            self.held += size
            self.added += 1
            if self._open_bytes + size > self._limits.batch_bytes:
                self._seal()
            first = not self._open
            self._open += (head, item)
            self._open_bytes += size
            if origin is not None and len(self._origins) < MAX_ORIGINS:
                self._origins.setdefault(origin.span_id, origin)
            full = len(self._open) >= 2 * self._limits.batch_count
            if full:
                self._seal()
        if first or full:
            self._signal()

    def add_batch(self, count: int, body: bytes, origin: "SpanContext | None" = None) -> None:
        """Takes a whole batch of `count` events, as it goes over the wire; raises `BufferFull`. Thread-safe."""
        with self._lock:
            if self.held + len(body) > self._limits.buffer_bytes or self.closed:
                raise self._unable(len(body))
            self._seal()
            self.held += len(body)
            self.added += count
            self.sealed.append((count, body, () if origin is None else (origin,)))
        self._signal()

    def seal(self) -> None:
        """Ends the open batch, however small."""
        with self._lock:
            self._seal()

    def release(self, size: int) -> None:
        """Forgets `size` bytes: they are acknowledged, or safe in the spool."""
        with self._lock:
            self.held -= size

    @property
    def begun(self) -> bool:
        """Whether a batch is open."""
        return bool(self._open)

    @property
    def roomy(self) -> bool:
        """Whether there is room for a whole batch."""
        return self.held + self._limits.batch_bytes <= self._limits.buffer_bytes

    def _seal(self) -> None:
        if self._open:
            self.sealed.append((len(self._open) // 2, b"".join(self._open), tuple(self._origins.values())))
            self._open, self._open_bytes, self._origins = [], 0, {}

    def _unable(self, size: int) -> errors.Error:
        if self.closed:
            return errors.Closed()
        if size > self._limits.batch_bytes:
            return errors.TooLarge(
                f"one of the {self._noun} takes {size} bytes; a batch takes {self._limits.batch_bytes}"
            )
        return errors.BufferFull(
            f"{self.held} bytes of {self._noun} are not acknowledged and {size} more do not fit into buffer_bytes = "
            f"{self._limits.buffer_bytes}; await ready(), or drop"
        )
