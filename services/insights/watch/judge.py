"""Judges what has come: lines of answers and what was known of their series come in, findings and what is known now go out. Pure.

A series is learnt from its history first and judged bucket by bucket from then on, each bucket once. What a detector calls an alarm
goes to `discovery`, which holds the share of false findings over all series of the project, before anybody is told.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from services.insights.detect import anomaly
from services.insights.findings import indicator as indicators
from services.insights.findings.feedback import Said
from services.insights.watch.series import Line, Watched
from services.kit.instant import at
from tidemark.v1 import insight_pb2 as pb

KEPT = 60
"""Buckets of which a series remembers what was expected: the chart of what is found."""
WORTH = 1e-3
"""A bucket that is less likely than this, where nothing is wrong, shows that a finding goes on."""
PARTS = ("events", "type/", "name/")
MOST = 0.8
"""What makes up so much of a change of the whole is what is told."""
_ROWS = 5
_FIELDS = ("value", "expected", "lower", "upper", "p_value")


@dataclass(frozen=True, slots=True, eq=False)
class Recent:
    """The last buckets of a series, with what was expected; shape (buckets,) each, p-values last."""

    starts: NDArray[np.int64]
    """When each begins, in microseconds since 1970."""
    figures: NDArray[np.float64]
    """By row: value, expected, lower, upper, p-value; shape (5, buckets)."""

    def with_one(self, start: int, figures: tuple[float, ...]) -> "Recent":
        """With one bucket more, and without the oldest beyond `KEPT`."""
        column = np.array(figures, np.float64)[:, None]
        return Recent(np.append(self.starts, start)[-KEPT:], np.hstack([self.figures, column])[:, -KEPT:])

    def encode(self) -> bytes:
        """As bytes, to be stored."""
        return self.starts.astype("<i8").tobytes() + self.figures.astype("<f8").tobytes()


NOTHING = Recent(np.zeros(0, np.int64), np.zeros((_ROWS, 0)))


def recent(data: bytes) -> Recent:
    """What `encode` has made."""
    count = len(data) // (8 * (_ROWS + 1))
    starts = np.frombuffer(data[: 8 * count], "<i8").astype(np.int64)
    return Recent(starts, np.frombuffer(data[8 * count :], "<f8").astype(np.float64).reshape(_ROWS, count))


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What is known of a series."""

    watched: Watched
    learnt: anomaly.State
    recent: Recent
    until: int
    """The end of what was looked at: when the next bucket begins, in microseconds since 1970."""

    @property
    def p_value(self) -> float:
        """The chance of a last value as far off."""
        return float(self.recent.figures[4, -1]) if len(self.recent.starts) else 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Something found in one series."""

    watched: Watched
    detector: str
    type: pb.InsightType
    direction: pb.Direction
    p_value: float
    """1 where no chance is at work: a threshold was crossed."""
    start: datetime
    end: datetime
    figures: tuple[float, float, float, float]
    """Value, expected, lower and upper, of the bucket that shows it most."""
    effect: float
    relative: float
    recent: Recent
    buckets: int = 1
    alarm: bool = True
    """Whether it begins here; else it goes on, and only lengthens what was told before."""
    reach: float = 0.5
    statistics: Mapping[str, float] = field(default_factory=dict)
    method: str = ""


def learnt(line: Line, since: int) -> Known:
    """What is known of a series after its history, which begins no earlier than that of its project, `since`.

    A type of events is at 0 from the beginning on; any other series begins with its first value.
    """
    micros = line.starts.astype("datetime64[us]").astype(np.int64)
    first = int(np.searchsorted(micros, since))
    if not line.watched.type:
        there = np.flatnonzero(np.nan_to_num(line.values))
        first = max(first, int(there[0]) if len(there) else len(micros))
    state = anomaly.learn(line.values[first:], line.starts[first:])
    return Known(line.watched, state, NOTHING, _end(line))


def began(lines: Sequence[Line]) -> int:
    """When the first event of a project happened, in microseconds since 1970, by the series of its volume; 0 where that is not known."""
    for line in lines:
        there = np.flatnonzero(np.nan_to_num(line.values))
        if line.watched.key == "events" and len(there):
            return int(line.starts[there[0]].astype("datetime64[us]").astype(np.int64))
    return 0


def judged(known: Known, line: Line) -> tuple[Known, list[Found]]:
    """What is known after the buckets of a line that were not looked at yet, and what was found in them."""
    micros = line.starts.astype("datetime64[us]").astype(np.int64)
    found: list[Found] = []
    shown, until = known.recent, known.until
    for row in np.flatnonzero(micros >= known.until).tolist():
        value, start = float(line.values[row]), int(micros[row])
        bucket = anomaly.step(known.learnt, value, start // 1_000_000)
        until = (
            int(micros[row + 1]) if row + 1 < len(micros) else start + 1_000_000 * line.watched.words.seconds
        )
        shown = shown.with_one(start, (value, bucket.expected, bucket.lower, bucket.upper, bucket.p_value))
        # What comes right after a disturbance is rare by what went before; it goes on only where the value is off itself.
        off = not bucket.lower <= value <= bucket.upper
        if bucket.alarm or (off and bucket.p_value < WORTH):
            found.append(_anomaly(line.watched, bucket, value, start, until, shown))
        if (crossed := _crossed(line.watched, shown, start, until)) is not None:
            found.append(crossed)
    return Known(line.watched, known.learnt, shown, until), found


def with_reach(found: Found, whole: float) -> Found:
    """Knows which part of the project's events its series usually is, where `whole` is what is usual of all."""
    usual = found.figures[1] if math.isfinite(found.figures[1]) else found.figures[0]
    if not found.watched.words.counts or not whole > 0 or not math.isfinite(usual):
        return found
    return replace(found, reach=min(1.0, math.sqrt(max(0.0, usual) / whole)))


def tested(known: Known) -> bool:
    """Whether something can be found in a series at all: it has learnt enough, and is not at 0 throughout."""
    return known.learnt.count >= anomaly.LEAST and bool(np.any(known.learnt.values))


def once(found: Sequence[Found]) -> list[Found]:
    """Tells of one disturbance once: where it is most of what happened to the whole, the narrowest series, else the whole.

    Findings of the same bucket and direction belong together, of the project, of a type and of events of a name.
    """
    together: dict[tuple[datetime, int], list[Found]] = {}
    for each in found:
        if each.detector == "anomaly-streaming" and each.watched.key.startswith(PARTS):
            together.setdefault((each.start, each.direction), []).append(each)
    left_out: set[int] = set()
    for group in together.values():
        whole = next((each for each in group if each.watched.key == "events"), None)
        for prefix in ("name/", "type/"):
            parts = [each for each in group if each.watched.key.startswith(prefix)]
            largest = max(parts, key=lambda each: abs(each.effect), default=None)
            usual = whole or max(group, key=lambda each: abs(each.effect))
            if largest is not None and abs(largest.effect) >= MOST * abs(usual.effect):
                broader = () if prefix == "type/" else ("type/",)
                left_out |= {id(each) for each in group if each.watched.key.startswith(("events", *broader))}
                break
        else:
            if whole is not None:
                left_out |= {id(each) for each in group if each is not whole}
    return [each for each in found if id(each) not in left_out]


def heard(found: Found, said: Said, zone: ZoneInfo) -> Found | None:
    """A finding as surely as people let it pass: None where it is expected at that hour, less sure after false alarms."""
    series = f"{found.watched.key} by {found.watched.words.seconds}"
    if said.silences(series, found.start, zone):
        return None
    return replace(found, p_value=said.charged(series, found.detector, found.p_value))


def _anomaly(
    watched: Watched, bucket: anomaly.Judged, value: float, start: int, end: int, shown: Recent
) -> Found:
    effect = value - bucket.expected
    return Found(
        watched=watched,
        detector="anomaly-streaming",
        type=pb.INSIGHT_TYPE_ANOMALY,
        direction=pb.DIRECTION_UP if effect > 0 else pb.DIRECTION_DOWN,
        p_value=bucket.p_value,
        start=at(start),
        end=at(end),
        figures=(value, bucket.expected, bucket.lower, bucket.upper),
        effect=effect,
        relative=effect / abs(bucket.expected) if bucket.expected else math.nan,
        recent=shown,
        alarm=bucket.alarm,
        statistics={"p_value": bucket.p_value, "score": bucket.score},
        method="Each value beside what the season and the values before it lead to expect; conformal p-value.",
    )


def _crossed(watched: Watched, shown: Recent, start: int, end: int) -> Found | None:
    """An indicator that is beyond its threshold now, and was not in the bucket before."""
    given = watched.indicator
    if given is None or not given.HasField("threshold"):
        return None
    value = float(shown.figures[0, -1])
    before = float(shown.figures[0, -2]) if len(shown.starts) > 1 else math.nan
    if not indicators.beyond(given, value):
        return None
    up = given.good_direction == pb.DIRECTION_DOWN
    effect = value - given.threshold
    limits = (-math.inf, given.threshold) if up else (given.threshold, math.inf)
    return Found(
        watched=watched,
        detector="threshold",
        type=pb.INSIGHT_TYPE_BUSINESS_IMPACT,
        direction=pb.DIRECTION_UP if up else pb.DIRECTION_DOWN,
        p_value=0.0,
        start=at(start),
        end=at(end),
        figures=(value, given.threshold, *limits),
        effect=effect,
        relative=effect / abs(given.threshold) if given.threshold else math.nan,
        recent=shown,
        alarm=not indicators.beyond(given, before),
        statistics={"threshold": given.threshold},
        method="The value beside the threshold that was set for the indicator.",
    )


def _end(line: Line) -> int:
    """When the bucket after the last one begins."""
    if not len(line.starts):
        return 0
    return (
        int(line.starts[-1].astype("datetime64[us]").astype(np.int64))
        + 1_000_000 * line.watched.words.seconds
    )
