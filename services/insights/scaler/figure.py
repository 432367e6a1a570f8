"""How many pods the load asks for: samples of the log and an outlook on what comes in go in, KEDA's metrics go out. Pure.

Two metrics, of which an HPA follows whichever asks for more pods, so that no forecast ever takes away what the backlog asks for:

- `backlog-seconds`: for how long one writer would work at what waits. Its target is how long work may wait, hence pods = value / target.
- `pods-for-rate`: the rate at which events come in, or are about to come in while a pod starts, over what one pod carries. Its target is 1.

`worker.py` takes samples and has outlooks made, `servicer.py` answers with them; `benchmarks/bench_scaling.py` replays a load on the same code.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import exp
from typing import Literal

import numpy as np

from services.insights.forecast import past as learn
from services.insights.forecast import pool, rolling, season
from services.insights.forecast.pool import Forecast
from tidemark.v1.query_pb2 import GetPlatformAnalyticsResponse, ProcessingAnalytics

BACKLOG, INCOMING = "backlog-seconds", "pods-for-rate"
BUCKET_SECONDS = 300
"""The width of the buckets that outlooks are made of."""
PAST_BUCKETS, COVERAGE, SEED = 14 * 288, 0.9, 1
"""An outlook learns from two weeks; one time in twenty more comes than the upper end of its band."""
RATE_SECONDS = 60.0
"""The present rate is the mean of so long."""
BUSY_LAG = 2.0
"""A writer whose oldest entry waits for so long is busy: it commits several times a second otherwise."""
LEAST_BUSY_SECONDS, REMEMBERED_SECONDS = 20.0, 600.0
"""What a writer carries is measured once writers were busy for the first, and forgets what was before the last second."""
SYNC_SECONDS = 30.0
"""Until somebody acts on a figure: KEDA and the HPA each look every 15 s."""
LEAST_ACTIVE = 0.1
"""The share of a pod that what is about to come in must ask for, where nothing else does."""

Target = Literal["writer", "ingest"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the operator asks of the pods of a target."""

    target: Target = "writer"
    backlog_seconds: float = 10.0
    """For how long work may wait."""
    pod_rate: float = 50_000.0
    """Events a second that a pod carries; of writers, until it is measured."""
    utilisation: float = 0.8
    """How much of that a pod should carry of the present rate; the upper end of an outlook has room in itself."""
    start_seconds: float = 45.0
    """How long a new pod takes until it works."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One partition of the log."""

    writer: str
    """Who owns it; empty when nobody does."""
    received: int
    committed: int
    lag: float
    """Seconds for which its oldest entry waits."""
    paused: bool

    @property
    def waiting(self) -> int:
        """Events that a writer could commit; those of a paused partition wait for a person."""
        return 0 if self.paused else max(0, self.received - self.committed)


@dataclass(frozen=True, slots=True)
class Sample:
    """The log at one instant."""

    at: float
    """Seconds since 1970."""
    shards: tuple[Shard, ...]

    @property
    def waiting(self) -> int:
        """Events that writers have before them."""
        return sum(shard.waiting for shard in self.shards)

    @property
    def received(self) -> int:
        """Events that the log has ever taken in."""
        return sum(shard.received for shard in self.shards)


@dataclass(slots=True)
class Load:
    """What is known of the load: the samples of the last minute, and what busy writers have done."""

    samples: deque[Sample] = field(default_factory=deque)
    busy_events: float = 0.0
    busy_seconds: float = 0.0

    def add(self, sample: Sample) -> None:
        """Takes a sample in."""
        if self.samples:
            self._measure(self.samples[-1], sample)
        self.samples.append(sample)
        while len(self.samples) > 2 and self.samples[1].at <= sample.at - RATE_SECONDS:
            self.samples.popleft()

    @property
    def known(self) -> bool:
        """Whether there is a rate."""
        return len(self.samples) > 1

    @property
    def waiting(self) -> int:
        """Events that writers have before them."""
        return self.samples[-1].waiting if self.samples else 0

    @property
    def rate(self) -> float:
        """Events a second that come in."""
        if not self.known:
            return 0.0
        first, last = self.samples[0], self.samples[-1]
        return max(0, last.received - first.received) / max(last.at - first.at, 1e-3)

    @property
    def drain_rate(self) -> float | None:
        """Events a second that one busy writer commits; None until writers were busy for long enough."""
        if self.busy_seconds < LEAST_BUSY_SECONDS or not self.busy_events:
            return None
        return self.busy_events / self.busy_seconds

    def _measure(self, before: Sample, after: Sample) -> None:
        """Counts what the writers committed that were behind at both ends; those that were not could have done more."""
        elapsed = after.at - before.at
        if elapsed <= 0 or len(before.shards) != len(after.shards):
            return
        done: dict[str, int] = {}
        busy: set[str] = set()
        moved: set[str] = set()
        for old, new in zip(before.shards, after.shards):
            if old.writer != new.writer:
                moved |= {old.writer, new.writer}
                continue
            done[new.writer] = done.get(new.writer, 0) + max(0, new.committed - old.committed)
            if not new.paused and min(old.lag, new.lag) >= BUSY_LAG:
                busy.add(new.writer)
        for writer in busy - moved - {""}:
            kept = exp(-elapsed / REMEMBERED_SECONDS)
            self.busy_events = self.busy_events * kept + done[writer]
            self.busy_seconds = self.busy_seconds * kept + elapsed


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is about to come in."""

    made_at: float
    start: float
    """When the first bucket begins, in seconds since 1970."""
    upper: tuple[float, ...]
    """Upper end of the band, events of each bucket."""
    good: bool
    """Whether an error was measured, and is no worse than that of the seasonal naive method."""

    def rate(self, now: float, within: float, stale_after: float) -> float | None:
        """Events a second to be ready for until `within` seconds from now; None where the outlook is stale, poor, or ends before."""
        if not self.good or now - self.made_at > stale_after:
            return None
        first = int((now - self.start) // BUCKET_SECONDS)
        last = int((now + within - self.start) // BUCKET_SECONDS)
        if first < 0 or last >= len(self.upper):
            return None
        return max(self.upper[first : last + 1]) / BUCKET_SECONDS


@dataclass(frozen=True, slots=True)
class Needed:
    """How many pods are asked for, by what."""

    backlog_seconds: float
    backlog: float
    present: float
    outlook: float | None
    """None where there is none that can be believed."""

    @property
    def incoming(self) -> float:
        """Pods for what comes in and is about to."""
        return max(self.present, self.outlook or 0.0)

    @property
    def active(self) -> bool:
        """Whether there is anything to do, now or while a pod starts."""
        return self.backlog > 0 or self.present > 0 or (self.outlook or 0.0) >= LEAST_ACTIVE


def sample(answer: GetPlatformAnalyticsResponse) -> Sample:
    """The log as query tells it of all projects."""
    return Sample(
        answer.measured_at.ToMicroseconds() / 1e6,
        tuple(
            Shard(
                each.writer,
                each.received,
                each.committed,
                each.lag.ToMicroseconds() / 1e6,
                bool(each.paused_because),
            )
            for each in answer.processing.partitions
        ),
    )


def past(processing: ProcessingAnalytics, now: float) -> tuple[list[int], float]:
    """What came in by bucket, as far as all of it is committed, and when the bucket after that begins."""
    lag = max(
        (each.lag.ToMicroseconds() / 1e6 for each in processing.partitions if not each.paused_because),
        default=0.0,
    )
    counts = list(processing.received)
    # The last is that under way; those that are not committed yet look smaller than they are.
    end = now // BUCKET_SECONDS * BUCKET_SECONDS + BUCKET_SECONDS
    left_out = min(len(counts), int((end - (now - lag) // BUCKET_SECONDS * BUCKET_SECONDS) // BUCKET_SECONDS))
    return counts[: len(counts) - left_out], end - left_out * BUCKET_SECONDS


def ahead(counts: Sequence[float], horizon: int) -> Forecast:
    """How what came in goes on, by bucket; raises `Missing` where there is too little of it. Takes a tenth of a second of one core."""
    learnt = learn.of("what the platform has received", np.array(counts, np.float64), len(counts))
    seasons = season.find([learnt.values], season.usual(BUCKET_SECONDS))
    (found,) = pool.forecasts([learnt.values], seasons, horizon, COVERAGE, SEED, methods=rolling.FAST)
    return found


def outlook(found: Forecast, made_at: float, start: float) -> Outlook:
    """What a forecast says of the buckets from `start` on."""
    good = (
        found.error is not None
        and found.baseline is not None
        and len(found.upper) > 0
        and found.error.mae <= found.baseline.mae
    )
    return Outlook(made_at, start, tuple(float(value) for value in found.upper), good)


def needed(load: Load, expected: Outlook | None, wanted: Wanted, now: float, stale_after: float) -> Needed:
    """How many pods of a target the load asks for."""
    drained = load.drain_rate if wanted.target == "writer" else None
    pod_rate = drained or wanted.pod_rate
    rate = None
    if expected is not None:
        rate = expected.rate(now, wanted.start_seconds + SYNC_SECONDS, stale_after)
    seconds = load.waiting / pod_rate if wanted.target == "writer" else 0.0
    return Needed(
        seconds,
        seconds / wanted.backlog_seconds,
        load.rate / (pod_rate * wanted.utilisation),
        None if rate is None else rate / pod_rate,
    )


def targets(wanted: Wanted) -> dict[str, float]:
    """The metrics of a target, and how much of each a pod should have. Ingest keeps nothing waiting, so that there the rate is all."""
    found = {BACKLOG: wanted.backlog_seconds} if wanted.target == "writer" else {}
    return found | {INCOMING: 1.0}


def values(found: Needed) -> dict[str, float]:
    """What the metrics stand at."""
    return {BACKLOG: found.backlog_seconds, INCOMING: found.incoming}
