"""What is remembered of a series between two of its values, and how it is stored."""

import json
import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.insights.detect.expectation import Expectation
from services.insights.detect.finding import Floats

Kept = NDArray[np.floating[Any]]
"""What came last, oldest first; shape (at most so many,)."""

VERSION = 1
"""What is stored says by which version; another one's is not read, and the series is learnt anew."""
_HEAD = "<BI"
_KINDS: dict[str, np.dtype[Any]] = {
    "values": np.dtype("<f8"),
    "surprises": np.dtype("<f4"),
    "alone": np.dtype("<f2"),
    "stretch": np.dtype("<f2"),
    "strange": np.dtype("<f4"),
    "rare": np.dtype("<f4"),
}
_SCALARS = [name for name in Expectation.__slots__ if name != "profile"]


def _none(name: str) -> Kept:
    nothing: Kept = np.zeros(0, _KINDS[name])
    return nothing


@dataclass(slots=True)
class State:
    """About 13 kB when full, whatever the length of the series. `anomaly.step` changes it in place."""

    interval: int
    """Seconds from one bucket to the next."""
    count: int = 0
    """How many values it has learnt from."""
    expectation: Expectation | None = None
    """What is expected; None while there are too few values."""
    values: Kept = field(default_factory=lambda: _none("values"))
    """The last values."""
    surprises: Kept = field(default_factory=lambda: _none("surprises"))
    """How many deviations they were above what was expected."""
    alone: Kept = field(default_factory=lambda: _none("alone"))
    stretch: Kept = field(default_factory=lambda: _none("stretch"))
    """How far values, and stretches of values, were from the nearest before them, as logarithms."""
    strange: Kept = field(default_factory=lambda: _none("strange"))
    rare: Kept = field(default_factory=lambda: _none("rare"))
    """Scores and p-values of the last values, those that a disturbance may still go on from."""

    def remember(self, name: str, value: float, most: int) -> None:
        """Appends to one of the arrays and forgets the oldest beyond `most`."""
        kept: Kept = getattr(self, name)[1 - most :]
        setattr(self, name, np.append(kept, _KINDS[name].type(value)))

    def encode(self) -> bytes:
        """This state as bytes, to be stored."""
        known = self.expectation
        arrays = [getattr(self, name) for name in _KINDS]
        scalars = None if known is None else [getattr(known, name) for name in _SCALARS]
        profile: Floats = np.zeros(0) if known is None else known.profile
        head = json.dumps([self.interval, self.count, scalars, [len(array) for array in arrays]]).encode()
        body = b"".join(array.tobytes() for array in (*arrays, profile))
        return struct.pack(_HEAD, VERSION, len(head)) + head + body

    @classmethod
    def decode(cls, data: bytes) -> "State | None":
        """The state of `encode`; None for that of another version."""
        if data[:1] != bytes([VERSION]):
            return None
        begin = struct.calcsize(_HEAD)
        at = begin + struct.unpack_from(_HEAD, data)[1]
        interval, count, scalars, sizes = json.loads(data[begin:at])
        state = cls(interval, count)
        for (name, kind), size in zip(_KINDS.items(), sizes):
            setattr(state, name, np.frombuffer(data, kind, size, at).copy())
            at += size * kind.itemsize
        if scalars is not None:
            state.expectation = Expectation(**dict(zip(_SCALARS, scalars)))
            state.expectation.profile = np.frombuffer(data, "<f8", offset=at).copy()
        return state
