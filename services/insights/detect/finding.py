"""What every detector gives: a `Finding`. Findings of many series pass `discovery` before anybody is told."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tidemark.v1 import insight_pb2 as pb

Floats = NDArray[np.float64]
"""Values in the unit of their series, in order of time; NaN where there is none."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something found in one series or two. Positions index the arrays that the detector was given."""

    detector: str
    """As in DetectorRecord: `anomaly-streaming`, `anomaly-batch`, `trend`, `correlation`, `impact`."""
    type: pb.InsightType
    series: tuple[int, ...]
    """Which series; two of a correlation, of which the first leads."""
    start: int
    end: int
    """What it is about: positions, half open."""
    direction: pb.Direction
    p_value: float
    """The chance of something as far off where nothing is: in one series, or in one pair with all lags; of `anomaly-streaming` in one
    value. How many of these were looked at is counted by `discovery`."""
    statistics: dict[str, float]
    """By name, as in Evidence.statistics."""
    method: str
    """How it was found, in words, with the method's name."""
    effect: float
    """The change in the unit of the series, for each bucket in the mean; NaN of a correlation."""
    relative: float
    """The same as a share of what was usual; NaN where that is 0."""
    expected: Floats | None = None
    lower: Floats | None = None
    upper: Floats | None = None
    """What was expected instead, with its band; as long as the series, or None."""
    marked: list[int] = field(default_factory=list)
    """Positions to be marked in a chart."""


def direction(change: float) -> pb.Direction:
    """Which way a change goes."""
    if change > 0:
        return pb.DIRECTION_UP
    return pb.DIRECTION_DOWN if change < 0 else pb.DIRECTION_UNSPECIFIED


def share(change: float, usual: float) -> float:
    """A change as a share of what was usual; NaN where that is 0."""
    return change / abs(usual) if usual else float("nan")
