"""How far a replica is behind: where the primary's write-ahead log stood at which instant comes in, an age goes out to `source`. Pure.

A replica that has replayed what the primary had written at an instant lacks nothing that was committed before. So its age is known
without comparing clocks, and it is no older while nothing is written.
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence

REMEMBERED = 1_000
"""Instants that are remembered; what has not come so far is as old as can be."""


class Freshness:
    """What is known of primary and replica. Instants are those of the monotonic clock of this process."""

    def __init__(self) -> None:
        self._written: deque[tuple[float, int]] = deque(maxlen=REMEMBERED)
        self._seen: tuple[int, ...] = ()

    def written(self, position: int, at: float) -> None:
        """The primary's log stood at `position`, or was further, at an instant."""
        while self._written and self._written[-1][1] >= position:
            self._written.pop()
        self._written.append((at, position))

    def as_of(self, replayed: int) -> float:
        """The instant up to which somebody lacks nothing who has replayed the log up to a position; minus infinity where that is unknown."""
        return next((at for at, position in reversed(self._written) if position <= replayed), -math.inf)

    def saw(self, versions: Sequence[int]) -> None:
        """Answers were given of data with so many commits to each partition: later ones must not be of older data."""
        before = self._seen + (0,) * (len(versions) - len(self._seen))
        self._seen = tuple(map(max, before, versions))

    def complete(self, versions: Sequence[int], announced: Mapping[int, int]) -> bool:
        """Whether data with so many commits to each partition hold all that was announced, and all that was seen before."""
        told = (announced.get(partition, 0) for partition in range(len(versions)))
        seen = self._seen + (0,) * (len(versions) - len(self._seen))
        return all(have >= max(each) for have, *each in zip(versions, told, seen))
