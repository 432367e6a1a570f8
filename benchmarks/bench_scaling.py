"""`make bench-scaling`: eight weeks of a load replayed on writers that are scaled, by forecast and backlog and by backlog alone.

The load is the requests of the site of the World Cup of 1998. What can be chosen is chosen on its first half; the figures are of the
second. `scaling.py` is the cluster that is assumed.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from benchmarks.harness import QUICK
from benchmarks.nab import folder
from benchmarks.report import Figure, publish
from benchmarks.scaling import (
    MOST,
    START_SECONDS,
    STEP_SECONDS,
    Floats,
    Outcome,
    Policy,
    outlooks,
    pod_rate,
    replay,
)
from services.insights.scaler.figure import Outlook, Wanted

DATA = Path("usage_worldcup98/requests_per_minute.parquet")
WEEK = 7 * 1440
BACKLOG = Policy(Wanted(), present=False, outlook=False)
POLICIES = {
    "backlog alone": BACKLOG,
    "backlog alone, 30 s": replace(BACKLOG, wanted=Wanted(backlog_seconds=30.0)),
    "backlog and present rate": Policy(Wanted(), outlook=False),
    "backlog and forecast": Policy(Wanted(), present=False),
    "all three": Policy(Wanted()),
}
"""What is compared on the second half; `all three` is what the service answers, as it is chosen on the first."""
SECONDS, UTILISATIONS = (10.0, 30.0), (0.8, 0.9, 1.0)
"""What is tried on the first half."""
SLOW_SECONDS = 180.0
"""A start that waits for a machine."""


def main() -> None:
    """Replays the load and publishes what came of it."""
    path = folder() / DATA
    if not path.exists():
        publish("scaling", _figures({}, f"{path} is missing"), [], {})
        return
    minutes = load(path)[-4 * WEEK if QUICK else 0 :]
    known = outlooks(minutes, WEEK)
    middle = WEEK + (len(minutes) - WEEK) // 2
    chosen = choose(minutes, WEEK, middle, known)
    halves = {"first": (WEEK, middle), "second": (middle, len(minutes))}
    found: dict[tuple[str, float, str], Outcome] = {}
    for (half, ends), start, name in product(halves.items(), (START_SECONDS, SLOW_SECONDS), POLICIES):
        policy = _adopted(POLICIES[name], chosen, start)
        found[half, start, name] = _replayed(minutes, *ends, policy, known)
    rows: list[dict[str, object]] = [
        {
            "half": half,
            "start_s": start,
            "policy": name,
            "lag_seconds": outcome.lag_seconds,
            "pod_minutes": outcome.pod_minutes,
            "lag_p99_s": outcome.lag_p99,
            "lag_most_s": outcome.lag_most,
        }
        for (half, start, name), outcome in found.items()
    ]
    rows.append({"forecasts": len(known), "good": float(np.mean([each.good for each in known.values()]))})
    settings = {
        "step_s": STEP_SECONDS,
        "writers": MOST,
        "backlog_s": chosen.backlog_seconds,
        "utilisation": chosen.utilisation,
        "days": (len(minutes) - middle) / 1440,
        "quick": int(QUICK),
    }
    second = {name: found["second", START_SECONDS, name] for name in POLICIES}
    publish("scaling", _figures(second, ""), rows, settings)


def load(path: Path) -> Floats:
    """Requests of each minute, 0 where there were none."""
    table = pq.read_table(path)
    periods = table["period"].to_numpy().astype("datetime64[m]")
    places = (periods - periods[0]).astype(np.int64)
    minutes = np.zeros(int(places[-1]) + 1)
    minutes[places] = table["count"].to_numpy()
    return minutes


def choose(minutes: Floats, first: int, last: int, known: Mapping[int, Outlook]) -> Wanted:
    """What waits least from one minute to another, among what needs no more pods than backlog alone."""
    most = _replayed(minutes, first, last, BACKLOG, known).pod_minutes
    tried = [
        Wanted(backlog_seconds=seconds, utilisation=share)
        for seconds, share in product(SECONDS, UTILISATIONS)
    ]
    outcomes = [_replayed(minutes, first, last, Policy(wanted), known) for wanted in tried]
    able = [place for place, each in enumerate(outcomes) if each.pod_minutes <= most]
    return tried[min(able or range(len(tried)), key=lambda place: outcomes[place].lag_seconds)]


def _adopted(policy: Policy, chosen: Wanted, start_seconds: float) -> Policy:
    """A policy with what was chosen, but for those of backlog alone, which have nothing to choose."""
    wanted = chosen if policy.present or policy.outlook else policy.wanted
    return replace(policy, wanted=replace(wanted, start_seconds=start_seconds))


def _replayed(
    minutes: Floats, first: int, last: int, policy: Policy, known: Mapping[int, Outlook]
) -> Outcome:
    """What comes of a policy where writers carry as much as the span needs of them."""
    sized = replace(policy.wanted, pod_rate=pod_rate(minutes[first:last]))
    return replay(minutes, first, last, replace(policy, wanted=sized), known, sized.start_seconds)


def _figures(found: Mapping[str, Outcome], reason: str) -> dict[str, Figure]:
    def saved(name: str, beside: str, what: str) -> float | None:
        if not found:
            return None
        return 1 - float(getattr(found[name], what)) / float(getattr(found[beside], what))

    return {
        "lag_saved": Figure(
            saved("all three", "backlog alone", "lag_seconds"), "of lag-seconds", 0.25, "higher", reason
        ),
        "pods_saved": Figure(
            saved("all three", "backlog alone", "pod_minutes"), "of pod-minutes", 0.0, "higher", reason
        ),
        "forecast_lag_saved": Figure(
            saved("all three", "backlog and present rate", "lag_seconds"),
            "of lag-seconds",
            None,
            "higher",
            reason,
        ),
        "forecast_pods_saved": Figure(
            saved("all three", "backlog and present rate", "pod_minutes"),
            "of pod-minutes",
            None,
            "higher",
            reason,
        ),
    }


if __name__ == "__main__":
    main()
