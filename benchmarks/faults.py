"""Series in which nothing happens, and faults to put into them: what `bench_insights.py` asks the detectors about."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray
from scipy.signal import lfilter

Floats = NDArray[np.float64]

DAY = 24
"""Buckets of an hour in a season."""


@dataclass(frozen=True, slots=True)
class Faulty:
    """A series of hours in which one thing happens, or nothing."""

    kind: str
    fault: str
    """Empty where nothing happens."""
    values: Floats
    start: int
    end: int
    """Where it happens."""


def white(chance: Generator, count: int) -> Floats:
    """Independent values of a normal law."""
    return chance.normal(100, 10, count)


def lasting(chance: Generator, count: int) -> Floats:
    """Each value keeps 0.3 to 0.9 of the one before."""
    news = chance.normal(0, 10, count + 200)
    made: Floats = 100 + lfilter([1.0], [1.0, -chance.uniform(0.3, 0.9)], news)[200:]
    return made


def seasonal(chance: Generator, count: int) -> Floats:
    """Days with a peak."""
    day = 1 + 0.5 * np.sin(2 * np.pi * (np.arange(count) / DAY + chance.random()))
    made: Floats = 100 * day + chance.normal(0, 8, count)
    return made


def counts(chance: Generator, count: int) -> Floats:
    """Counts of things that come by chance, few or many."""
    return chance.poisson(chance.choice([0.2, 3, 30, 300]), count).astype(np.float64)


def heavy(chance: Generator, count: int) -> Floats:
    """Steps of a random walk that leaps now and then: Student's law with three degrees of freedom."""
    return 100 + 10 * chance.standard_t(3, count)


KINDS: dict[str, Callable[[Generator, int], Floats]] = {
    "white": white,
    "autoregressive": lasting,
    "seasonal": seasonal,
    "poisson": counts,
    "heavy-tailed": heavy,
}
FAULTS = {"spike": 1, "drop": 5, "shift": 0, "drift": 80, "variance": 40}
"""How many buckets each lasts; 0 for all that are left."""


def null(kind: str, count: int, seed: int) -> Floats:
    """A series of a kind in which nothing happens."""
    return KINDS[kind](default_rng(seed), count)


def faulty(kind: str, fault: str, count: int, seed: int) -> Faulty:
    """A series of a kind in which a fault begins somewhere in its last third, in units of the deviation of the series."""
    chance = default_rng(seed)
    values = KINDS[kind](chance, count)
    size = max(float(values.std()), 1.0)
    start = int(chance.integers(2 * count // 3, count - 90))
    end = start + (FAULTS[fault] or count - start)
    span, sign = slice(start, end), float(chance.choice([-1.0, 1.0]))
    match fault:
        case "spike":
            values[span] += 10 * size
        case "drop":
            values[span] -= 8 * size
        case "shift":
            values[span] += sign * 5 * size
        case "drift":
            values[span] += sign * np.linspace(0, 8, end - start) * size
            values[end:] += sign * 8 * size
        case "variance":
            values[span] += chance.normal(0, 5 * size, end - start)
    if kind == "poisson":
        values = np.maximum(np.round(values), 0.0)
    return Faulty(kind, fault, values, start, count if fault == "drift" else end)
