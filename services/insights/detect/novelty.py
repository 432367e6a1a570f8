"""How unlike the recent past a value is, and a stretch of values: the distance to the nearest neighbour.

After Burnaev and Ishimtsev, "Conformalized density- and distance-based anomaly detection in time-series data", 2016: delay windows, the
distance to what is nearest among those before, and its conformal p-value. Here one neighbour, plain Euclid, and two lengths.
"""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from services.insights.detect.state import Kept

STRETCH = 16
"""How many values make a stretch."""
NOTHING = -700.0
"""The logarithm of a distance of 0, or near it."""


def alone(past: Kept, value: float) -> float:
    """The logarithm of the distance of a value to the nearest before it."""
    return _logarithm(float(np.abs(past - value).min())) if len(past) else NOTHING


def stretch(past: Kept, value: float) -> float:
    """The logarithm of the distance of the last STRETCH values to the nearest stretch that ended before they began."""
    if len(past) < 2 * STRETCH - 1:
        return NOTHING
    now = np.append(past[1 - STRETCH :], value)
    before = sliding_window_view(past[: 1 - STRETCH], STRETCH)
    apart = before - now
    return _logarithm(math.sqrt(float(np.einsum("ij,ij->i", apart, apart).min())))


def _logarithm(distance: float) -> float:
    return max(math.log(distance), NOTHING) if distance > 0 else NOTHING
