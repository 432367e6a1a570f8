"""Streaming anomalies: values of one series come in one by one, what was expected and how strange each is goes out.

First version: its internals change, its signatures stay.
"""

import json
import math
import zlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.insights.detect.finding import Finding, Floats, direction, share
from tidemark.v1 import insight_pb2 as pb

LEAST = 30
"""Fewer values than this are too few for an expectation."""
VERSION = 1


@dataclass(slots=True)
class State:
    """What is remembered of a series, bounded, whatever its length. `step` changes it in place."""

    interval: int
    """Seconds from one bucket to the next."""
    season: int = 0
    """Buckets in a season; 0 while none is known."""
    count: int = 0
    """How many values it has learnt from."""
    quiet: int = 0
    """How many buckets the disturbance that is being told of may still last."""
    history: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)

    def encode(self) -> bytes:
        """This state as bytes, to be stored."""
        content = [self.interval, self.season, self.count, self.quiet, self.history, self.scores]
        return bytes([VERSION]) + zlib.compress(json.dumps(content).encode())

    @classmethod
    def decode(cls, data: bytes) -> "State | None":
        """The state of `encode`; None for that of another version, after which the series has to be learnt anew."""
        return cls(*json.loads(zlib.decompress(data[1:]))) if data[:1] == bytes([VERSION]) else None


@dataclass(frozen=True, slots=True)
class Judged:
    """What a value is beside the past."""

    expected: float
    lower: float
    upper: float
    """What was expected, with the band that holds 99 % of values; NaN while there are too few."""
    p_value: float
    """The chance of a value as far off; 1 while there are too few, and where there is no value."""
    score: float
    """The same as a score from 0 to 1, lowered while a disturbance goes on."""
    alarm: bool
    """Whether a disturbance begins here; to be told only if it also passes `discovery`."""


@dataclass(frozen=True, slots=True)
class Scores:
    """`Judged` of every value of a series, by column."""

    expected: Floats
    lower: Floats
    upper: Floats
    p_values: Floats
    scores: Floats
    alarms: NDArray[np.bool_]


def learn(values: Floats, starts: NDArray[np.datetime64], season: int | None = None) -> State:
    """The state after these values. The season, in buckets, is searched for when it is None; 0 says that there is none."""
    return _run(values, starts, season)[0]


def step(state: State, value: float, at: int) -> Judged:
    """Judges one value, then learns from it. `at` is when its bucket begins, in seconds; NaN is no value."""
    past = np.array(state.history[-512:])
    if not math.isfinite(value):
        return Judged(math.nan, math.nan, math.nan, 1.0, 0.0, False)
    state.quiet = max(state.quiet - 1, 0)
    judged = Judged(math.nan, math.nan, math.nan, 1.0, 0.0, False)
    if len(past) >= LEAST:
        middle = float(np.median(past))
        scale = float(np.median(np.abs(past - middle))) * 1.4826 or 1e-9 + abs(middle) * 1e-6
        strange = abs(value - middle) / scale
        p_value = (1 + sum(score >= strange for score in state.scores)) / (1 + len(state.scores))
        alarm = p_value < 0.01 and strange > 6 and not state.quiet
        state.scores = [*state.scores[-511:], strange]
        if alarm:
            state.quiet = 30
        judged = Judged(middle, middle - 3 * scale, middle + 3 * scale, p_value, 1 - p_value, alarm)
    state.history = [*state.history[-511:], value]
    state.count += 1
    return judged


def score(values: Floats, starts: NDArray[np.datetime64], season: int | None = None) -> Scores:
    """Judges every value of a series from those before it, as `step` does. NaN is no value."""
    return _run(values, starts, season)[1]


def findings(values: Floats, scores: Scores, series: int = 0) -> list[Finding]:
    """The disturbances of a series: each alarm, with the values after it that were as strange."""
    return [_finding(values, scores, int(row), series) for row in np.flatnonzero(scores.alarms)]


def _run(values: Floats, starts: NDArray[np.datetime64], season: int | None) -> tuple[State, Scores]:
    seconds = starts.astype("datetime64[s]").astype(np.int64)
    state = State(int(np.median(np.diff(seconds))) if len(seconds) > 1 else 0, season or 0)
    judged = [step(state, float(value), int(at)) for value, at in zip(values, seconds)]
    columns = [np.array([getattr(one, name) for one in judged]) for name in Judged.__slots__]
    return state, Scores(*columns)


def _finding(values: Floats, scores: Scores, row: int, series: int) -> Finding:
    change = float(values[row] - scores.expected[row])
    return Finding(
        detector="anomaly-streaming",
        type=pb.INSIGHT_TYPE_ANOMALY,
        series=(series,),
        start=row,
        end=row + 1,
        direction=direction(change),
        p_value=float(scores.p_values[row]),
        statistics={"p_value": float(scores.p_values[row])},
        method="robust z of the seasonal residual with a conformal p-value",
        effect=change,
        relative=share(change, float(scores.expected[row])),
        expected=scores.expected,
        lower=scores.lower,
        upper=scores.upper,
        marked=[row],
    )
