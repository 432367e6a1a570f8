"""The Numenta Anomaly Benchmark's scoring, from its published definition, and two of its reference detectors.

Lavin and Ahmad, "Evaluating Real-Time Anomaly Detection Algorithms: the Numenta Anomaly Benchmark", ICMLA 2015. A detection in a
labelled window earns more the earlier it is, and only the first one of a window counts; one outside of windows costs more the
further it is behind the last window; a window without detection costs one. One threshold holds for all files, the one that scores
best, as the benchmark does it. 0 is a detector that finds nothing, 100 is one that finds every window at its first row and nothing else.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.random import default_rng
from numpy.typing import NDArray
from scipy.special import expit, ndtr

Floats = NDArray[np.float64]

FALSE_ALARM = 0.11
"""What a detection far from every window costs in the standard profile; a hit earns at most 1, a miss costs 1."""
PROBATION, MOST_PROBATION = 0.15, 750
"""The share of a file, and at most how many rows, in which nothing counts."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A file of the benchmark."""

    name: str
    starts: NDArray[np.datetime64]
    values: Floats
    windows: tuple[tuple[int, int], ...]
    """First and last row of each labelled window."""

    @property
    def probation(self) -> int:
        """How many rows do not count."""
        return min(int(PROBATION * len(self.values)), MOST_PROBATION)


def folder() -> Path:
    """Where the data sets are: TIDEMARK_TEST_DATA, or `shared/data` beside the checkout."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    return Path(os.environ.get("TIDEMARK_TEST_DATA", beside))


def corpus(data: Path) -> Iterator[Labelled]:
    """Every file with its windows, from the folder of the data sets."""
    table = pq.read_table(data / "anomaly_nab" / "nab_all_series.parquet")
    labelled = json.loads((data / "anomaly_nab" / "combined_windows.json").read_text())
    for name in sorted(labelled):
        rows = table.filter(pc.equal(table["series"], name))
        starts = rows["timestamp"].to_numpy().astype("datetime64[us]")
        spans = np.array(labelled[name], dtype="datetime64[us]").reshape(-1, 2)
        windows = tuple(
            (int(np.argmax(starts == first)), int(np.argmax(starts == last))) for first, last in spans
        )
        yield Labelled(name, starts, rows["value"].to_numpy().astype(np.float64), windows)


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a detection at each row that counts would earn."""

    worth: Floats
    window: NDArray[np.int64]
    """Number of the window in its file; -1 outside of all."""
    counts: NDArray[np.bool_]


def weighed(file: Labelled) -> Weighed:
    """What each row of a file is worth, by the scaled sigmoid of its position relative to the windows."""
    rows = np.arange(len(file.values))
    window = np.full(len(rows), -1)
    worth = np.full(len(rows), -FALSE_ALARM)
    for number, (first, last) in enumerate(file.windows):
        width = last - first + 1
        behind = rows[last + 1 :] - last
        worth[last + 1 :] = FALSE_ALARM * _sigmoid(behind / max(width - 1, 1))
        inside = slice(first, last + 1)
        worth[inside] = _sigmoid(-(last - rows[inside] + 1) / width) / _sigmoid(np.array([-1.0]))
        window[inside] = number
    return Weighed(worth, window, rows >= file.probation)


def _sigmoid(position: Floats) -> Floats:
    scaled: Floats = np.where(position > 3, -1.0, 2 * expit(-5 * position) - 1)
    return scaled


def standard(files: Sequence[Labelled], scores: Mapping[str, Floats]) -> tuple[float, float]:
    """The normalised score of the standard profile, and the one threshold at which it is reached.

    `scores` has one anomaly score for each row of each file, larger is stranger.
    """
    alarms, worths, windows, found = [], [], [], 0
    for file in files:
        weights = weighed(file)
        counts = weights.counts
        known = np.unique(weights.window[counts & (weights.window >= 0)])
        number = np.where(weights.window >= 0, np.searchsorted(known, weights.window) + found, -1)
        alarms.append(scores[file.name][counts])
        worths.append(weights.worth[counts])
        windows.append(number[counts])
        found += len(known)
    return _best(np.concatenate(alarms), np.concatenate(worths), np.concatenate(windows), found)


def _best(alarms: Floats, worths: Floats, windows: NDArray[np.int64], count: int) -> tuple[float, float]:
    """Lowers the threshold from the strangest row on and keeps the best total."""
    order = np.argsort(-alarms, kind="stable")
    alarms, worths, windows = alarms[order], worths[order], windows[order]
    earned = np.where(windows < 0, worths, 0.0)
    best = np.full(count, -1.0)
    for row in np.flatnonzero(windows >= 0):
        window, worth = windows[row], worths[row]
        if worth > best[window]:
            earned[row] = worth - best[window]
            best[window] = worth
    totals = np.cumsum(earned) - count
    ends = np.flatnonzero(np.append(np.diff(alarms) != 0, True))
    top = ends[np.argmax(totals[ends])]
    if totals[top] <= -count:
        return 0.0, float("inf")
    return float(100 * (totals[top] + count) / (2 * count)), float(alarms[top])


def gaussian(values: Floats, window: int = 6_400, stride: int = 100) -> Floats:
    """The benchmark's windowed Gaussian: one minus the tail of a normal law fitted to the last `window` values."""
    scores = np.zeros(len(values))
    for row in range(1, len(values)):
        last = row if row <= window else window + (row - window) // stride * stride
        if row <= window or (row - window) % stride == 0:
            seen = values[last - window if last > window else 0 : last]
            mean, deviation = seen.mean(), seen.std() or 1e-6
        scores[row] = 1 - ndtr(-abs(values[row] - mean) / deviation)
    return scores


def chance(values: Floats, seed: int) -> Floats:
    """The benchmark's random detector."""
    return default_rng(seed).random(len(values))
