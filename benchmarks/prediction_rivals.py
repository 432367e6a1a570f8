"""The rivals of `prediction_usage.py`, and how many series are forecast as well as by the best of them.

Rivals are AutoETS, MSTL and SeasonalNaive of statsforecast, learning from the last eight weeks of hours before each instant (days: from
all). AutoARIMA is left out, for it takes minutes at each instant, and AutoETS from quick runs.

"The best rival" has two readings, and both are told: whichever rival turned out best on a series, which nobody knows beforehand (the
stricter one, which the aim is held to), and the one rival with the least mean error over a data set.
"""

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import QUICK
from benchmarks.report import Figure

Values = NDArray[np.float64]
RIVAL_PAST = 24 * 7 * 8
LEAST_ORIGINS = 14
"""From so many instants an error says something about a single series."""
M4_HORIZON = 48


@dataclass(frozen=True)
class Compared:
    """The error of one series, and those of its rivals, as WAPE."""

    data_set: str
    origins: int
    ours: float
    rivals: dict[str, float]

    def reaches(self, rivals: Iterable[str]) -> bool:
        """Whether the error is at most that of the best of these rivals; a thousandth is as good as equal."""
        return self.ours <= min(self.rivals[rival] for rival in rivals) * 1.001


def shares(compared: Sequence[Compared]) -> dict[str, Figure]:
    """How many series are forecast as well as by the best rival, by each reading of it."""
    by_set: dict[str, list[Compared]] = {}
    for each in compared:
        by_set.setdefault(each.data_set, []).append(each)
    fixed = {
        name: min(members[0].rivals, key=lambda rival: np.mean([each.rivals[rival] for each in members]))
        for name, members in by_set.items()
    }
    rolled = [each for each in compared if each.origins >= LEAST_ORIGINS]
    return {
        "best_or_equal_share": Figure(
            share(each.reaches(each.rivals) for each in compared), "", 0.6, "higher"
        ),
        "best_or_equal_share_rolled": Figure(
            share(each.reaches(each.rivals) for each in rolled), "", None, "higher"
        ),
        "best_or_equal_fixed_share": Figure(
            share(each.reaches([fixed[each.data_set]]) for each in compared), "", None, "higher"
        ),
    }


def share(held: Iterable[bool]) -> float:
    """How many of them are so, of one."""
    return float(np.mean(list(held)))


def rivals_of(values: Values, seasons: Sequence[int], horizon: int, origins: int) -> dict[str, float]:
    """WAPE of each rival over the last `origins` instants."""
    from statsforecast.models import (  # type: ignore[import-untyped]
        MSTL,
        AutoETS,
        SeasonalNaive,
    )

    models: dict[str, Callable[[], Any]] = {
        **{f"seasonal naive {season}": partial(SeasonalNaive, season) for season in seasons},
        "MSTL": lambda: MSTL(season_length=list(seasons)),
    }
    if not QUICK:
        models["AutoETS"] = lambda: AutoETS(season_length=seasons[0])
    found: dict[str, float] = {}
    for name, make in models.items():
        missed = total = 0.0
        for back in range(origins, 0, -1):
            at = len(values) - horizon * back
            past, truth = values[max(at - RIVAL_PAST, 0) : at], values[at : at + horizon]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                told = make().forecast(y=past, h=horizon)["mean"]
            missed += float(np.abs(told - truth).sum())
            total += float(np.abs(truth).sum())
        found[name] = missed / total
    return found


def scores(told: Values, past: Values, truth: Values) -> tuple[float, float]:
    """sMAPE and MASE as the M4 competition defines them."""
    smape = float(np.mean(2 * np.abs(told - truth) / (np.abs(told) + np.abs(truth))))
    return smape, float(np.abs(told - truth).mean() / np.abs(past[24:] - past[:-24]).mean())


def naive2(past: Values) -> Values:
    """The competition's benchmark: naive on the series divided by its indices of the day."""
    window = np.concatenate([[0.5], np.ones(23), [0.5]]) / 24
    ratio = past[12:-12] / np.convolve(past, window, "valid")
    place = (np.arange(len(ratio)) + 12) % 24
    index = np.array([ratio[place == hour].mean() for hour in range(24)])
    index /= index.mean()
    count = len(past)
    level = past[-1] / index[(count - 1) % 24]
    return np.asarray(level * index[(count + np.arange(M4_HORIZON)) % 24])
