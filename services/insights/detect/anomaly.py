"""Streaming anomalies: values of one series come in one by one; what was expected, and how strange each is, goes out.

Three things are strange. A value far from what season, level and last surprise lead to expect (`expectation`); several in a row that
are off to one side, each by little; and a value, or a stretch of values, unlike any of the recent past (`novelty`). Each gives a
p-value among its own past (`tail`), so that a series that always jumps may jump.

The state is bounded, whatever the length of the series, and stepping from a stored state is stepping on.
"""

import json
import math
import struct
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.insights.detect import novelty
from services.insights.detect import season as seasons
from services.insights.detect.expectation import HUGE, Expectation, begun, counted
from services.insights.detect.finding import Finding, Floats, direction, share
from services.insights.detect.tail import p_value
from tidemark.v1 import insight_pb2 as pb

LEAST = 30
"""Fewer values than this are too few for an expectation."""
VALUES, SURPRISES, DISTANCES = 512, 1_024, 1_024
"""How many values, surprises and distances are remembered."""
RUN = 8
"""How many surprises in a row are added up."""
QUIET = 60
"""For so many buckets a disturbance is told once, unless it gets worse."""
STRANGE = 0.995
"""The score from which a value is an alarm, and its p-value."""
RARE = 1e-3
VERSION = 1
_BAND = 0.99


@dataclass(slots=True)
class State:
    """What is remembered of a series, about 12 kB. `step` changes it in place."""

    interval: int
    """Seconds from one bucket to the next."""
    count: int = 0
    """How many values it has learnt from."""
    expectation: Expectation | None = None
    values: Floats = field(default_factory=lambda: np.zeros(0))
    surprises: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    alone: NDArray[np.float16] = field(default_factory=lambda: np.zeros(0, np.float16))
    stretch: NDArray[np.float16] = field(default_factory=lambda: np.zeros(0, np.float16))
    """Logarithms of the distances of values, and of stretches of values, to the nearest of the past."""
    strange: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    rare: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    """How strange and how rare the last QUIET values were."""

    def encode(self) -> bytes:
        """This state as bytes, to be stored."""
        known, arrays = self.expectation, [getattr(self, name) for name in _ARRAYS]
        scalars = None if known is None else [getattr(known, name) for name in _SCALARS]
        shape = known.profile if known else np.zeros(0)
        sizes = [len(array) for array in arrays]
        head = json.dumps([self.interval, self.count, scalars, sizes]).encode()
        body = b"".join(array.tobytes() for array in (*arrays, shape))
        return struct.pack(_HEAD, VERSION, len(head)) + head + body

    @classmethod
    def decode(cls, data: bytes) -> "State | None":
        """The state of `encode`; None for that of another version, after which the series is learnt anew."""
        if data[:1] != bytes([VERSION]):
            return None
        begin = struct.calcsize(_HEAD)
        at = begin + struct.unpack_from(_HEAD, data)[1]
        interval, count, scalars, sizes = json.loads(data[begin:at])
        state = cls(interval, count)
        for (name, kind), size in zip(_ARRAYS.items(), sizes):
            setattr(state, name, np.frombuffer(data, kind, size, at).copy())
            at += size * np.dtype(kind).itemsize
        if scalars is not None:
            state.expectation = Expectation(**dict(zip(_SCALARS, scalars)))
            state.expectation.profile = np.frombuffer(data, np.float64, offset=at).copy()
        return state


_HEAD = "<BI"
_ARRAYS = {
    "values": np.float64,
    "surprises": np.float32,
    "alone": np.float16,
    "stretch": np.float16,
    "strange": np.float32,
    "rare": np.float32,
}
_SCALARS = [name for name in Expectation.__slots__ if name != "profile"]


@dataclass(frozen=True, slots=True)
class Judged:
    """What a value is beside the past."""

    expected: float
    lower: float
    upper: float
    """What was expected, with the band that holds 99 % of values; NaN while there are too few."""
    p_value: float
    """The chance of something as strange; 1 while there are too few values, and where there is none."""
    score: float
    """How strange, from 0 to 1; 0 while something at least as strange is less than QUIET buckets ago."""
    alarm: bool
    """Whether a disturbance begins, or gets worse. To be told only when its p-value passes `discovery`."""


NOTHING = Judged(math.nan, math.nan, math.nan, 1.0, 0.0, False)


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
    """The state after these values. The season, in buckets, is searched for when it is None; 0 says that there is none.

    `step` keeps the season that was found here: a series is learnt anew from time to time, as when it is three weeks old.
    """
    return _run(values, starts, season)[0]


def score(values: Floats, starts: NDArray[np.datetime64], season: int | None = None) -> Scores:
    """Judges every value of a series from those before it, exactly as `step` does. NaN is no value."""
    return _run(values, starts, season)[1]


def step(state: State, value: float, at: int) -> Judged:
    """Judges one value, then learns from it. `at` is when its bucket begins, in seconds; NaN is no value."""
    known = state.expectation
    if not math.isfinite(value):
        if known:
            known.skip()
        return NOTHING
    value = min(max(value, -HUGE), HUGE)
    slot = at // state.interval if state.interval else at
    judged = NOTHING
    if known and known.counts and not (value >= 0 and value == math.floor(value)):
        known = None  # No counts after all: what was learnt is in another scale.
        state.surprises = state.surprises[:0]
    if known is None and len(state.values) >= LEAST:
        known = state.expectation = begun(state.values, np.arange(len(state.values)), 0)
    if known:
        judged = _judged(state, known, value, slot)
        known.update(value, slot)
    state.values = np.append(state.values[1 - VALUES :], value)
    state.count += 1
    return judged


def _judged(state: State, known: Expectation, value: float, slot: int) -> Judged:
    surprise = known.surprise(value, slot)
    alone, stretch = novelty.alone(state.values, value), novelty.stretch(state.values, value)
    rare = _rare(state, surprise, alone, stretch)
    strange = 1 - math.sqrt(_rank(state.alone, alone) * _rank(state.stretch, stretch))
    reach = known.scale * _reach(state.surprises)
    expected = known.expected(slot)
    new = strange > state.strange.max(initial=0.0)
    rarer = rare < state.rare.min(initial=1.0)
    state.surprises = np.append(state.surprises[1 - SURPRISES :], np.float32(surprise))
    state.alone = np.append(state.alone[1 - DISTANCES :], np.float16(alone))
    state.stretch = np.append(state.stretch[1 - DISTANCES :], np.float16(stretch))
    state.strange = np.append(state.strange[1 - QUIET :], np.float32(strange))
    state.rare = np.append(state.rare[1 - QUIET :], np.float32(rare))
    return Judged(
        known.value(expected),
        known.value(expected - reach),
        known.value(expected + reach),
        rare,
        strange if new else 0.0,
        (new and strange >= STRANGE) or (rarer and rare <= RARE),
    )


def _rank(sample: NDArray[np.float16], score: float) -> float:
    return (1 + int(np.count_nonzero(sample >= np.float16(score)))) / (1 + len(sample))


def _rare(state: State, surprise: float, alone: float, stretch: float) -> float:
    past = state.surprises.astype(np.float64)
    ways = [p_value(np.abs(past), abs(surprise))]
    if len(past) >= LEAST:
        sums = np.convolve(past, np.ones(RUN), "valid")
        ways.append(p_value(np.abs(sums), abs(float(past[1 - RUN :].sum()) + surprise), 1 / RUN))
    import os
    v=os.environ.get("V","")
    if "a" in v: ways.append(p_value(state.alone.astype(np.float64), alone))
    if "s" in v: ways.append(p_value(state.stretch.astype(np.float64), stretch, 1 / novelty.STRETCH))
    return min(1.0, len(ways) * min(ways))


def _reach(surprises: NDArray[np.float32]) -> float:
    """How many deviations the band is wide on each side."""
    return float(np.quantile(np.abs(surprises), _BAND)) if len(surprises) >= LEAST else 3.0


def _run(values: Floats, starts: NDArray[np.datetime64], season: int | None) -> tuple[State, Scores]:
    slots = starts.astype("datetime64[s]").astype(np.int64)
    interval = int(np.median(np.diff(slots))) if len(slots) > 1 else 0
    state, judged = State(interval), []
    checks = _checks(slots, interval, season)
    for row, (value, at) in enumerate(zip(values.tolist(), slots.tolist())):
        if row in checks:
            _seasonal(state, values[:row], slots[:row], season)
        judged.append(step(state, value, at))
    columns = [np.array([getattr(one, name) for one in judged], np.float64) for name in _COLUMNS]
    return state, Scores(*columns, np.array([one.alarm for one in judged], np.bool_))


_COLUMNS = [name for name in Judged.__slots__ if name != "alarm"]


def _checks(seconds: NDArray[np.int64], interval: int, season: int | None) -> set[int]:
    """The rows before which a season is looked for: when there are three, six, twelve and so on cycles of one."""
    if not len(seconds) or interval <= 0 or season == 0:
        return set()
    rows = set()
    for candidate in [season] if season else seasons.candidates(interval):
        cycles = seasons.CYCLES if season is None else 1
        while (row := int(np.searchsorted(seconds, seconds[0] + cycles * candidate * interval))) < len(seconds):
            rows.add(row)
            if season:
                break
            cycles *= 2
    return rows


def _seasonal(state: State, values: Floats, seconds: NDArray[np.int64], season: int | None) -> None:
    """Begins the expectation anew where a season is found in what has come so far."""
    there = np.isfinite(values)
    values, slots = values[there], seconds[there] // state.interval
    if len(values) < LEAST:
        return
    values = np.clip(values, -HUGE, HUGE)
    found = season or seasons.find(values, slots, state.interval)
    if found and (state.expectation is None or found != state.expectation.season):
        recent = slots > slots[-1] - seasons.MOST_CYCLES * found
        state.expectation = begun(values[recent], slots[recent], found)


def findings(values: Floats, scores: Scores, series: int = 0) -> list[Finding]:
    """The disturbances of a series, one for each alarm that is not a worsening of the one before."""
    found: list[Finding] = []
    for row in np.flatnonzero(scores.alarms).tolist():
        found.append(_finding(values, scores, row, series))
    return found


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
