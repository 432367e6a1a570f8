"""Linear models that tell a horizon from the values before it: one for each series, drawn to one that all series of a question share.
Pure.

What goes in are the last values and, where there is past enough for it, those one longer season before the horizon, less the level and
in units of the spread of the last ones. Every step ahead has coefficients of its own (ridge regression, Hoerl and Kennard 1970). A
series' own coefficients are drawn to those of all series instead of to zero, so that a short series leans on the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve

from services.insights.forecast.season import Values

ROWS = 20_000
"""More, of all series together, are thinned out evenly."""
LEAST_ROWS = 20
"""A series with fewer has the coefficients that all share."""
_CYCLES, _MOST_RECENT, _LEAST_RECENT = 5, 120, 4
"""So many of the shortest seasons go in, as far as they are so many values; fewer than the least teach nothing."""
_USUAL_SEASON = 24
"""Where there is none."""
_PARTS = 4
"""What goes in is at most a fourth of the past, so that there are rows to learn from."""
_WIDTH, _ROWS_EACH = 48, 10
"""A longer season goes in by so many values, where there are so many rows for each that goes in."""
_SHARED, _OWN = 0.01, 0.03
"""How strongly coefficients are drawn to zero, and to those that are shared; a mean square is 1."""
_FAR = 10.0
"""What lies further out, in spreads, is learnt as if it lay here."""

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Linear:
    """What was learnt."""

    recent: int
    """How many of the last values go in."""
    level: int
    """Of how many of them the mean is the level."""
    places: Places
    """Where all that goes in lies, in buckets from the instant: the last values first."""
    coefficients: tuple[Values, ...]
    """(inputs, horizon) of each series."""

    def forecast(self, many: Sequence[Values], backs: NDArray[np.int64], horizon: int) -> Values:
        """(series, instants, horizon): how the series it was learnt from go on from `backs` buckets before their end; NaN where there
        is too little before it."""
        made = np.full((len(many), len(backs), horizon), np.nan)
        for row, (values, coefficients) in enumerate(zip(many, self.coefficients)):
            origin = len(values) - backs
            able = origin + self.places.min() >= 0
            inputs, level, spread = self.seen(values, origin[able])
            made[row, able] = level + spread * (inputs @ coefficients)
        return made

    def seen(self, values: Values, origin: Places) -> tuple[Values, Values, Values]:
        """What goes in at each instant, (instants, inputs), and the level and spread that it is told by."""
        inputs = values[origin[:, None] + self.places]
        recent = inputs[:, : self.recent]
        level = recent[:, -self.level :].mean(axis=1, keepdims=True)
        spread = recent.std(axis=1, keepdims=True) + 1e-9 + 1e-6 * np.abs(level)
        return np.clip((inputs - level) / spread, -_FAR, _FAR), level, spread


def learn(many: Sequence[Values], back: int, seasons: Sequence[int], horizon: int) -> Linear | None:
    """Models of series from what lies `back` buckets before their end; None where there is too little to learn from."""
    length = int(np.median([len(values) for values in many])) - back
    shortest = min(seasons, default=_USUAL_SEASON)
    recent = min(_CYCLES * shortest, _MOST_RECENT, length // _PARTS)
    if recent < _LEAST_RECENT:
        return None
    places = _places(recent, seasons, horizon, length)
    shape = Linear(recent, min(shortest, recent), places, ())
    first = -int(places.min())
    products: list[tuple[Values, Values] | None] = []
    for values in many:
        count = len(values) - back - first - horizon + 1
        if count < LEAST_ROWS:
            products.append(None)
            continue
        every = -(-count * len(many) // ROWS)
        origin = len(values) - back - horizon - np.arange(0, count, every)
        inputs, level, spread = shape.seen(values, origin)
        after = values[origin[:, None] + np.arange(horizon)]
        targets = np.clip((after - level) / spread, -_FAR, _FAR)
        products.append((inputs.T @ inputs / len(origin), inputs.T @ targets / len(origin)))
    known = [each for each in products if each is not None]
    if not known:
        return None
    one = np.eye(len(places))
    square, product = (np.mean([each[part] for each in known], axis=0) for part in (0, 1))
    shared = solve(square + _SHARED * one, product, assume_a="pos")
    coefficients = tuple(
        shared if each is None else solve(each[0] + _OWN * one, each[1] + _OWN * shared, assume_a="pos")
        for each in products
    )
    return Linear(recent, shape.level, places, coefficients)


def _places(recent: int, seasons: Sequence[int], horizon: int, length: int) -> Places:
    places = np.arange(-recent, 0)
    for season in seasons:
        wide = min(horizon, season)
        block = np.unique(np.linspace(0, wide - 1, min(wide, _WIDTH)).astype(np.int64)) - season
        rows = length - season - horizon
        if season > recent and rows >= _ROWS_EACH * (len(places) + len(block)):
            places = np.concatenate([places, block])
    return places
