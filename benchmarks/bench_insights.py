"""`make bench-insights`: what the detectors of insights find, and what they only seem to find.

The code is the one that the service runs, `services/insights/detect` and `why`: no constant is set here. Series come from the Numenta Anomaly
Benchmark (`nab.py`), which needs the public data sets, and from `faults.py`.
"""

import os
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from numpy.typing import NDArray

from benchmarks import faults, nab
from benchmarks.harness import QUICK
from benchmarks.report import Figure, publish
from benchmarks.root_cause import data_incident_recall, root_cause_top1
from services.insights.detect import anomaly, correlation, discovery, forest, trend
from services.insights.detect.confidence import confidence
from services.insights.detect.finding import Finding
from services.insights.series import Missing

SEED = 20_260
NULLS = 100 if QUICK else 1_000
"""Series in which nothing happens."""
FAMILY = 10
"""So many series are a project, in which the share of false findings is held."""
BUCKETS, DAYS = 504, 120
"""Hours of an anomaly's series, days of a trend's."""
PLANTED = 2 if QUICK else 8
"""Series of each kind with each fault; as many beside them have none."""
STATES, MINUTES = 300, 10
RATE = discovery.RATE
NAB_AIM = 45.0

Row = dict[str, object]


def main() -> None:
    """Runs the benchmark and publishes what it found."""
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor() as pool:
        figures, rows = _nab(pool)
        for part in (_nulls(pool), _planted(pool), _speed()):
            figures |= part[0]
            rows += part[1]
    for simulated in (root_cause_top1, data_incident_recall):
        found, some = simulated(SEED, 60 if QUICK else 200)
        figures |= found
        rows += some
    settings = {"null_series": NULLS, "rate": RATE, "planted": PLANTED, "seed": SEED}
    publish("insights", figures, rows, settings)


def _nab(pool: ProcessPoolExecutor) -> tuple[dict[str, Figure], list[Row]]:
    """NAB's standard score of the streaming detector, beside two detectors whose score is published."""
    if not (nab.folder() / "anomaly_nab").is_dir():
        reason = f"not measured: {nab.folder().name}/anomaly_nab is missing"
        return {"nab_standard": Figure(None, "", NAB_AIM, "higher", reason)}, []
    files = list(nab.corpus(nab.folder()))[:: 4 if QUICK else 1]
    scores = dict(zip([each.name for each in files], pool.map(_scored, files)))
    normal = {each.name: _printed(nab.gaussian(each.values)) for each in files}
    chances = [
        nab.standard(
            files, {each.name: nab.chance(each.values, 100 * run + i) for i, each in enumerate(files)}
        )[0]
        for run in range(10)
    ]
    score, threshold = nab.standard(files, scores)
    rows: list[Row] = [
        {"nab": "streaming", "files": len(files), "score": score, "threshold": threshold},
        {"nab": "streaming, every other file", "score": nab.standard(files[::2], scores)[0]},
        {"nab": "streaming, the other half", "score": nab.standard(files[1::2], scores)[0]},
        {"nab": "windowed Gaussian (published 39.6)", "score": nab.standard(files, normal)[0]},
        {"nab": "random, mean of 10 (published 11.0)", "score": float(np.mean(chances))},
    ]
    return {"nab_standard": Figure(round(score, 2), "", NAB_AIM, "higher")}, rows


def _scored(file: nab.Labelled) -> nab.Floats:
    return anomaly.score(file.values, file.starts).scores


def _printed(scores: nab.Floats) -> nab.Floats:
    """Twelve digits, as in the published results: it decides which scores are 1."""
    return np.round(scores, 12)


def _nulls(pool: ProcessPoolExecutor) -> tuple[dict[str, Figure], list[Row]]:
    """The share of projects without any fault in which something was found: the false discovery rate where all is chance."""
    rows: list[Row] = []
    worst = 0.0
    for name, searched in _SEARCHES.items():
        families = list(pool.map(searched, range(NULLS // FAMILY)))
        told = [bool(each) for each in families]
        worst = max(worst, float(np.mean(told)))
        rows.append(
            {
                "null": name,
                "series": NULLS,
                "projects": len(told),
                "with a false finding": float(np.mean(told)),
                "false findings a series": sum(families) / NULLS,
            }
        )
    return {"null_false_discovery_rate": Figure(round(worst, 4), "", RATE, "lower")}, rows


def _family(number: int, count: int) -> Iterator[tuple[str, faults.Floats]]:
    kinds = list(faults.KINDS)
    for member in range(FAMILY):
        kind = kinds[member % len(kinds)]
        yield kind, faults.null(kind, count, SEED + number * FAMILY + member)


def _streaming_nulls(number: int) -> int:
    """Findings of a project in which each value is judged as it comes, and told at once."""
    day = discovery.Day(FAMILY * BUCKETS)
    judged = [anomaly.score(values, _hours(BUCKETS)) for _, values in _family(number, BUCKETS)]
    return sum(
        day.tells(float(scores.p_values[hour]), RATE)
        for hour in range(BUCKETS)
        for scores in judged
        if scores.alarms[hour]
    )


def _forest_nulls(number: int) -> int:
    series = list(_family(number, BUCKETS))
    return _kept([each for kind, values in series for each in _in_batch(kind, values)], FAMILY)


def _trend_nulls(number: int) -> int:
    found = []
    for kind, values in _family(number, DAYS):
        try:
            each = trend.trend(values, faults.DAY if kind == "seasonal" else 0, SEED)
        except Missing:
            continue
        found += [each] if each else []
    return _kept(found, FAMILY)


def _correlation_nulls(number: int) -> int:
    matrix = np.array([values for _, values in _family(number, DAYS)])
    found = correlation.correlate(matrix, 7, SEED, faults.DAY)
    return _kept(found, correlation.pairs(matrix), dependent=True)


def _kept(found: Iterable[Finding], tests: int, dependent: bool = False) -> int:
    p_values = np.array([each.p_value for each in found])
    return int(discovery.held(p_values, RATE, tests, dependent)[1].sum())


_SEARCHES = {
    "anomaly-streaming": _streaming_nulls,
    "anomaly-batch": _forest_nulls,
    "trend": _trend_nulls,
    "correlation": _correlation_nulls,
}


def _planted(pool: ProcessPoolExecutor) -> tuple[dict[str, Figure], list[Row]]:
    """Recall by fault and precision of what is told, at the rate, in projects of faulty series and as many without."""
    cases = [
        (kind, fault, SEED + 1_000 * i + 100 * j + k)
        for i, kind in enumerate(faults.KINDS)
        for j, fault in enumerate(faults.FAULTS)
        for k in range(PLANTED)
    ]
    cases += [(kind, "", seed + 500_000) for kind, _, seed in cases]
    cases = [cases[i] for i in np.random.default_rng(SEED).permutation(len(cases))]
    rows: list[Row] = []
    surest: list[tuple[float, bool]] = []
    searched = list(pool.map(_searched, cases, chunksize=4))
    for detector in ("anomaly-streaming", "anomaly-batch"):
        found = [
            (i, each) for i, (_, some) in enumerate(searched) for each in some if each.detector == detector
        ]
        tests = FAMILY * (BUCKETS if detector == "anomaly-streaming" else 1)
        q_values, kept = np.ones(len(found)), np.zeros(len(found), np.bool_)
        for project in range(len(cases) // FAMILY):
            of = [row for row, (i, _) in enumerate(found) if i // FAMILY == project]
            p_values = np.array([found[row][1].p_value for row in of])
            q_values[of], kept[of] = discovery.held(p_values, RATE, tests)
        true = np.array([_true(searched[i][0], each) for i, each in found], np.bool_)
        hit = {i for (i, _), keep, right in zip(found, kept, true) if keep and right}
        surest += [(confidence(float(q)), bool(right)) for q, right in zip(q_values, true)]
        precision = float(true[kept].mean()) if kept.any() else float("nan")
        for fault in faults.FAULTS:
            of = [i for i, case in enumerate(cases) if case[1] == fault]
            recall = len(hit & set(of)) / len(of)
            rows.append({"planted": fault, "detector": detector, "series": len(of), "recall": recall})
        rows.append({"planted": "all", "detector": detector, "told": int(kept.sum()), "precision": precision})
    return {}, rows + _calibration(surest)


def _searched(case: tuple[str, str, int]) -> tuple[faults.Faulty, list[Finding]]:
    kind, fault, seed = case
    if fault:
        planted = faults.faulty(kind, fault, BUCKETS, seed)
    else:
        planted = faults.Faulty(kind, "", faults.null(kind, BUCKETS, seed), 0, 0)
    scores = anomaly.score(planted.values, _hours(BUCKETS))
    return planted, [*anomaly.findings(planted.values, scores), *_in_batch(kind, planted.values)]


def _in_batch(kind: str, values: faults.Floats) -> list[Finding]:
    try:
        return forest.search(values, faults.DAY if kind == "seasonal" else 0, SEED)
    except Missing:
        return []


def _true(planted: faults.Faulty, found: Finding) -> bool:
    """Whether a finding is about the fault: it overlaps it, or what comes right after it."""
    return bool(planted.fault) and found.start < planted.end + anomaly.RUN and found.end > planted.start


def _calibration(surest: list[tuple[float, bool]]) -> list[Row]:
    """Of findings told with some confidence, the share that is true."""
    rows: list[Row] = []
    for low, high in ((0.0, 0.7), (0.7, 0.9), (0.9, 0.97), (0.97, 1.0)):
        some = [(sure, right) for sure, right in surest if low <= sure < high]
        if some:
            sure, right = np.mean(some, axis=0).tolist()
            rows.append(
                {"confidence": f"{low} to {high}", "findings": len(some), "stated": sure, "true": right}
            )
    return rows


def _speed() -> tuple[dict[str, Figure], list[Row]]:
    """Series judged a second on one core, each read from its stored state and stored again, as the service does."""
    chance = np.random.default_rng(SEED)
    full = anomaly.learn(chance.normal(size=1_200), _hours(1_200))
    stored = [full.encode() for _ in range(STATES)]
    values = chance.normal(size=(MINUTES, STATES))
    began = time.process_time()
    for minute, row in enumerate(values.tolist()):
        for number, value in enumerate(row):
            state = anomaly.State.decode(stored[number])
            if state is None:
                raise RuntimeError("a state of this version must be readable")
            anomaly.step(state, value, 3_600 * (1_200 + minute))
            stored[number] = state.encode()
    rate = STATES * MINUTES / (time.process_time() - began)
    size = max(len(each) for each in stored)
    return {
        "series_per_second": Figure(round(rate), "series/s", 1_000, "higher"),
        "state_bytes": Figure(size, "bytes", 16_384, "lower"),
    }, []


def _hours(count: int) -> NDArray[np.datetime64]:
    return np.datetime64("2024-01-01", "us") + np.arange(count) * np.timedelta64(1, "h")
