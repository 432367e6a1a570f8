"""Streaming anomalies: values of one series come in one by one; what was expected, and how strange each is, goes out.

Four things are strange: a value far from what season, level and last surprise lead to expect (`expectation`); several in a row that
are each a little off to one side; a value, and a stretch of values, unlike any of the recent past (`novelty`). Each has a p-value among
its own past (`tail`), so that a series which always jumps may jump. The state is bounded (`state`), and stepping from a stored one
is stepping on.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.insights.detect import novelty
from services.insights.detect import season as seasons
from services.insights.detect.expectation import HUGE, Expectation, begun
from services.insights.detect.finding import Finding, Floats, direction, share
from services.insights.detect.state import Kept, State
from services.insights.detect.tail import p_value
from tidemark.v1 import insight_pb2 as pb

__all__ = ["Judged", "Scores", "State", "findings", "learn", "score", "step"]

LEAST = 30
"""Fewer values than this are too few for an expectation."""
VALUES, SURPRISES, DISTANCES = 512, 1_024, 1_024
"""How many values, surprises and distances are remembered."""
GROWTH = 1.1
"""How many times as large as all before a surprise is remembered at most."""
USUAL = 4.0
"""A surprise of so many deviations is remembered as it is."""
RUN = 8
"""How many surprises in a row are added up."""
QUIET = 60
"""For so many buckets a disturbance is one, and is told again only when it gets worse."""
STRANGE, RARE = 0.995, 1e-3
"""An alarm is a score from the first on, or a p-value up to the second."""
BAND = 0.99
"""The share of values that the band should hold."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a value is beside the past."""

    expected: float
    lower: float
    upper: float
    """What was expected, with the band that holds 99 % of values; NaN while there are too few."""
    p_value: float
    """The chance of a value as strange; 1 while there are too few values, and where there is none."""
    score: float
    """How unlike the past, from 0 to 1; 0 while something at least as strange is less than QUIET buckets ago."""
    alarm: bool
    """Whether a disturbance begins, or gets worse. To be told only when its p-value passes `discovery`."""


NOTHING = Judged(math.nan, math.nan, math.nan, 1.0, 0.0, False)


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """`Judged` of every value of a series, by column; shape (values,) each."""

    expected: Floats
    lower: Floats
    upper: Floats
    p_values: Floats
    scores: Floats
    alarms: NDArray[np.bool_]


def learn(values: Floats, starts: NDArray[np.datetime64], season: int | None = None) -> State:
    """The state after these values. The season, in buckets, is searched for when it is None; 0 says that there is none.

    `step` keeps the season that was found here, so a young series is learnt anew when it is three days, and three weeks, old.
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
    slot = at // max(state.interval, 1)
    if known and known.counts and not (value >= 0 and value == math.floor(value)):
        known = None  # It does not count after all, and all that is known is in the scale of counts.
        state.surprises = state.surprises[:0]
    if known is None and len(state.values) >= LEAST:
        past = state.values.astype(np.float64)
        known, _ = begun(past, np.arange(slot - len(past), slot), 0)
    state.expectation = known
    judged = _judged(state, known, value, slot) if known else NOTHING
    if known:
        known.update(value, slot)
    state.remember("values", value, VALUES)
    state.count += 1
    return judged


def findings(values: Floats, scores: Scores, series: int = 0) -> list[Finding]:
    """The disturbances of a series, in order of time: alarms less than QUIET buckets apart are one.

    The p-value of each is that of its strangest value: it is held against all values that were judged (`discovery`).
    """
    rows = np.flatnonzero(scores.alarms)
    groups = np.split(rows, np.flatnonzero(np.diff(rows) >= QUIET) + 1) if len(rows) else []
    return [_finding(values, scores, group, series) for group in groups]


def _finding(values: Floats, scores: Scores, alarms: NDArray[np.intp], series: int) -> Finding:
    span = slice(int(alarms[0]), int(alarms[-1]) + QUIET)
    outside = (values[span] < scores.lower[span]) | (values[span] > scores.upper[span])
    marked = np.union1d(alarms, np.flatnonzero(outside) + span.start)
    worst = int(alarms[np.argmin(scores.p_values[alarms])])
    chance = float(scores.p_values[worst])
    effect = float((values[marked] - scores.expected[marked]).mean())
    return Finding(
        detector="anomaly-streaming",
        type=pb.INSIGHT_TYPE_ANOMALY,
        series=(series,),
        start=int(marked[0]),
        end=int(marked[-1]) + 1,
        direction=direction(float(values[worst] - scores.expected[worst])),
        p_value=chance,
        statistics={"p_value": chance, "score": float(scores.scores[alarms].max())},
        method="Surprise beside season, level and last values, and distance to the nearest past; conformal p-value, Pareto tail",
        effect=effect,
        relative=share(effect, float(scores.expected[marked].mean())),
        expected=scores.expected,
        lower=scores.lower,
        upper=scores.upper,
        marked=marked.tolist(),
    )


def _judged(state: State, known: Expectation, value: float, slot: int) -> Judged:
    surprise = known.surprise(value, slot)
    past = state.values
    alone, stretch = novelty.alone(past, value), novelty.stretch(past, value)
    rare = _rare(state, surprise, alone, stretch)
    strange = 1 - math.sqrt(_rank(state.alone, alone) * _rank(state.stretch, stretch))
    fresh = strange > state.strange.max(initial=0.0)
    rarer = rare < state.rare.min(initial=1.0)
    expected, reach = known.expected(slot), known.scale * _reach(state.surprises)
    state.remember("surprises", _tamed(state.surprises, surprise), SURPRISES)
    state.remember("alone", alone, DISTANCES)
    state.remember("stretch", stretch, DISTANCES)
    state.remember("strange", strange, QUIET)
    state.remember("rare", rare, QUIET)
    return Judged(
        known.value(expected),
        known.value(expected - reach),
        known.value(expected + reach),
        rare,
        strange if fresh else 0.0,
        bool((fresh and strange >= STRANGE) or (rarer and rare <= RARE)),
    )


def _rare(state: State, surprise: float, alone: float, stretch: float) -> float:
    """The p-value of the rarest of the four, times four.

    Surprises are counted in deviations, and are never taken to be rarer than those of a normal law: where nearly all values are the
    same, the little they differ by says nothing of how far the next may be off.
    """
    past = state.surprises.astype(np.float64)
    ways = [
        max(p_value(np.abs(past), abs(surprise)), _normal(surprise)),
        p_value(state.alone.astype(np.float64), alone),
        p_value(state.stretch.astype(np.float64), stretch, 1 / novelty.STRETCH),
    ]
    if len(past) >= LEAST:
        sums = np.cumsum(np.append(np.zeros(1), past))
        runs, run = np.abs(sums[RUN:] - sums[:-RUN]), float(past[1 - RUN :].sum()) + surprise
        ways.append(max(p_value(runs, abs(run), 1 / RUN), _normal(run / math.sqrt(RUN))))
    return min(1.0, 4 * min(ways))


def _normal(deviations: float) -> float:
    """The chance of being as far off, to either side, by a normal law."""
    return math.erfc(abs(deviations) / math.sqrt(2))


def _tamed(past: Kept, surprise: float) -> float:
    """A surprise as it is remembered: at most a tenth larger than any before it, so that one disturbance does not make the next look
    common, while what keeps coming is learnt."""
    if len(past) < LEAST:
        return surprise
    most = max(GROWTH * float(np.abs(past).max()), USUAL)
    return min(max(surprise, -most), most)


def _rank(sample: Kept, distance: float) -> float:
    """The conformal p-value of a distance, in the precision that distances are remembered in."""
    return (1 + int(np.count_nonzero(sample >= sample.dtype.type(distance)))) / (1 + len(sample))


def _reach(surprises: Kept) -> float:
    """How many deviations the band is wide to each side: three while nothing is known."""
    if len(surprises) < LEAST:
        return 3.0
    place = math.ceil(BAND * len(surprises)) - 1
    return float(np.partition(np.abs(surprises), place)[place])


def _run(values: Floats, starts: NDArray[np.datetime64], season: int | None) -> tuple[State, Scores]:
    seconds = starts.astype("datetime64[s]").astype(np.int64)
    interval = int(np.median(np.diff(seconds))) if len(seconds) > 1 else 0
    state = State(interval)
    judged: list[Judged] = []
    looks = _looks(seconds, interval, season)
    for row, (value, at) in enumerate(zip(values.tolist(), seconds.tolist())):
        if row in looks:
            _look(state, values[:row], seconds[:row], season)
        judged.append(step(state, value, at))
    return state, Scores(
        expected=np.array([each.expected for each in judged], np.float64),
        lower=np.array([each.lower for each in judged], np.float64),
        upper=np.array([each.upper for each in judged], np.float64),
        p_values=np.array([each.p_value for each in judged], np.float64),
        scores=np.array([each.score for each in judged], np.float64),
        alarms=np.array([each.alarm for each in judged], np.bool_),
    )


def _looks(seconds: NDArray[np.int64], interval: int, season: int | None) -> set[int]:
    """The rows before which a season is looked for: when there are 3, 6, 12 and so on cycles of one, or one of that given."""
    if not len(seconds) or interval <= 0 or season == 0:
        return set()
    first = 1 if season else seasons.CYCLES
    rows = set()
    for candidate in [season] if season else seasons.candidates(interval):
        ends = seconds[0] + candidate * interval * first * 2 ** np.arange(1 if season else 24)
        rows |= {int(row) for row in np.searchsorted(seconds, ends) if row < len(seconds)}
    return rows


def _look(state: State, values: Floats, seconds: NDArray[np.int64], season: int | None) -> None:
    """Begins the expectation anew where another season is found in what has come so far."""
    there = np.isfinite(values)
    slots, values = seconds[there] // state.interval, np.clip(values[there], -HUGE, HUGE)
    if len(values) < LEAST:
        return
    found = season or seasons.find(values, slots, state.interval)
    if found and (state.expectation is None or found != state.expectation.season):
        recent = slots > slots[-1] - seasons.MOST_CYCLES * found
        state.expectation, surprises = begun(values[recent], slots[recent], found)
        state.surprises = state.surprises[:0]
        for surprise in surprises[-SURPRISES:].tolist():
            state.remember("surprises", _tamed(state.surprises, surprise), SURPRISES)
