"""Writers under a replayed load, scaled as KEDA and an HPA do it: what comes in by minute and a policy go in, lag and pods come out.

The policy is `services/insights/scaler/figure.py`, the code that answers KEDA; nothing of it is written anew here. What is assumed of
a cluster stands in the constants below.
"""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.insights.scaler import figure
from services.insights.scaler.figure import BUCKET_SECONDS, Load, Needed, Outlook, Sample, Shard, Wanted

Floats = NDArray[np.float64]

STEP_SECONDS = 15
"""How often KEDA and the HPA look."""
START_SECONDS = 45.0
"""Until a new pod works: it is scheduled, its image is there, it takes over partitions."""
LEAST, MOST = 1, 8
"""As many writers as there are partitions are of use."""
TOLERANCE, STABLE_SECONDS = 0.1, 300
"""An HPA leaves be what is off by a tenth, and goes down to the most that it wanted in the last five minutes."""
FORECAST_BUCKETS, HORIZON = 6, 12
"""A forecast of an hour every half hour, as the service makes them by default."""
STALE_SECONDS = 2700.0


@dataclass(frozen=True, slots=True)
class Policy:
    """Which of its figures an HPA follows."""

    wanted: Wanted
    present: bool = True
    """Whether the present rate counts beside the backlog."""
    outlook: bool = True
    """Whether what is about to come in does."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a policy led to."""

    lag_seconds: float
    """The age of the oldest event that is not committed, added up over time."""
    pod_minutes: float
    lag_p99: float
    lag_most: float


def pod_rate(minutes: Floats) -> float:
    """What a writer carries, events a second, so that `MOST` of them carry all but the busiest thousandth of the minutes."""
    return float(np.quantile(minutes, 0.999)) / MOST / 60


def outlooks(minutes: Floats, first: int) -> dict[int, Outlook]:
    """By bucket, what is forecast from the past alone at its beginning; `first` is the first minute."""
    width = BUCKET_SECONDS // 60
    buckets = minutes[: len(minutes) // width * width].reshape(-1, width).sum(axis=1)
    found = {}
    for end in range(first // width, len(buckets), FORECAST_BUCKETS):
        past = buckets[max(0, end - figure.PAST_BUCKETS) : end]
        at = float(end * BUCKET_SECONDS)
        found[end] = figure.outlook(figure.ahead(past.tolist(), HORIZON), at, at)
    return found


def replay(
    minutes: Floats,
    first: int,
    last: int,
    policy: Policy,
    known: Mapping[int, Outlook],
    start_seconds: float = START_SECONDS,
) -> Outcome:
    """What the writers do from one minute to another."""
    carried = policy.wanted.pod_rate * STEP_SECONDS
    steps = (last - first) * 60 // STEP_SECONDS
    arrived, committed = np.zeros(steps + 1), np.zeros(steps + 1)
    ready, held = [-math.inf] * LEAST, 0.0
    load, recent, outlook = Load(), deque[tuple[int, int]](), None
    for step in range(steps):
        now = first * 60 + step * STEP_SECONDS
        events = minutes[now // 60] / 60 * STEP_SECONDS
        held += len(ready) * STEP_SECONDS
        working = sum(at <= now for at in ready)
        arrived[step + 1] = arrived[step] + events
        committed[step + 1] = min(arrived[step + 1], committed[step] + working * carried)
        # What a writer carries is taken as known: of an entry that does not wait nothing is measured.
        load.add(Sample(now, (Shard("w", round(arrived[step + 1]), round(committed[step + 1]), 0.0, False),)))
        outlook = known.get(now // BUCKET_SECONDS, outlook) if policy.outlook else None
        asked = figure.needed(load, outlook, policy.wanted, now, STALE_SECONDS)
        wants = _wants(asked if policy.present else replace(asked, present=0.0), policy.wanted, len(ready))
        recent.append((now, wants))
        while recent[0][0] < now - STABLE_SECONDS:
            recent.popleft()
        if wants > len(ready):
            most = max(2 * len(ready), len(ready) + 4)
            ready += [now + start_seconds] * (min(wants, most) - len(ready))
        else:
            ready = sorted(ready)[: max(count for _, count in recent)]
    times = np.arange(steps + 1) * float(STEP_SECONDS)
    # The oldest event that is not committed came in when as much had come in as is committed now.
    age = np.maximum(times - np.interp(committed, arrived + times * 1e-9, times), 0.0)
    return Outcome(
        float(age.sum()) * STEP_SECONDS, held / 60, float(np.quantile(age, 0.99)), float(age.max())
    )


def _wants(asked: Needed, wanted: Wanted, pods: int) -> int:
    """How many pods an HPA wants: by each metric as many as its target says, and the most of these."""
    values = figure.values(asked)
    each = [values[name] / target for name, target in figure.targets(wanted).items()]
    return max(
        LEAST,
        min(MOST, max(pods if abs(one / pods - 1) <= TOLERANCE else math.ceil(one - 1e-9) for one in each)),
    )
