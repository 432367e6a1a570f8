"""Training: a plan and the rows read for it come in from `worker`, a predictor and all that is known of it go out to `store`. Pure; the
same rows and seed give the same version.

The candidates are chosen between, calibrated and given their threshold by scores of people who were not learnt from, within the rows of
training; the test is looked at once, to measure. There a candidate serves only if it beats the rule beyond the interval of its lead.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.insights.models import candidate, matrix
from services.insights.models.calibration import Calibration, calibrated
from services.insights.models.candidate import ALGORITHMS, RULE, Candidates
from services.insights.models.drift import reference
from services.insights.models.expectation import expected
from services.insights.models.explanation import importance
from services.insights.models.matrix import Column, Floats, Rows
from services.insights.models.metric import auc, calibration_bins, measured
from services.insights.models.predictor import Predictor
from services.insights.models.target import Parts, Plan, parts
from services.kit.errors import Refused
from services.kit.instant import at
from tidemark.v1 import model_pb2 as pb

LEAST_ROWS, LEAST_OF_EACH = 100, 10
LEAST_TESTED, LEAST_TESTED_OF_EACH = 30, 3
FOLDS = 5
WORDS = {
    ALGORITHMS[0]: "The rule", ALGORITHMS[1]: "Logistic regression", ALGORITHMS[2]: "Boosted trees",
    ALGORITHMS[3]: "The mean of logistic regression and boosted trees",
}  # fmt: skip
Progress = Callable[[float, str], None]
"""Is told how far training is; may raise to end it."""
Scores = dict[pb.Algorithm, Floats]
"""By algorithm, of every row."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What was learnt, and how well."""

    predictor: Predictor
    version: pb.ModelVersion
    """All that the data and the seed decide."""


@dataclass(frozen=True, slots=True)
class _Tested:
    """Probabilities and thresholds of the rows tested, by algorithm."""

    probabilities: Scores
    thresholds: Scores
    outcomes: Floats
    people: NDArray[np.int64]


def trained(plan: Plan, rows: Rows, seed: int, progress: Progress) -> Trained:
    """Learns and measures; raises `Refused` saying what is missing."""
    split = parts(plan, rows)
    _check(rows, split)
    columns = matrix.columns(rows.take(split.train).table)
    if not columns:
        raise Refused(
            "no feature differs between people; give fields, or events that have features of their own",
            reason="NO_FEATURES",
        )
    progress(0.05, "looking at the features")
    everything, people = matrix.coded(rows.table, columns), rows.people
    learnt, outcomes = everything[split.train], rows.outcomes[split.train]
    preferred = _preferred(plan, columns)
    folds = _folds(people[split.train], outcomes, plan.folds or FOLDS, seed)
    unseen = _crossed(learnt, outcomes, columns, preferred, folds, seed, progress)
    progress(0.6, "learning from all rows")
    found = candidate.fitted(learnt, outcomes, columns, preferred, seed)
    calibrations = {each: calibrated(unseen[each], outcomes) for each in ALGORITHMS}
    progress(0.7, "testing")
    if plan.folds:
        tested = _by_folds(unseen, outcomes, people[split.train], folds)
    else:
        tested = _later(
            found, calibrations, everything[split.test], rows.outcomes[split.test], people[split.test]
        )
    metrics = {each: _measured(tested, each, seed) for each in ALGORITHMS}
    best = max(ALGORITHMS[1:], key=lambda each: auc(unseen[each], outcomes))
    chosen = best if metrics[best].lead_lower > 0 else RULE
    progress(0.8, "asking what matters")
    made = Predictor(
        chosen,
        columns,
        found,
        calibrations[chosen],
        tuple(range(len(columns))),
        tuple(reference(learnt[:, i], each) for i, each in enumerate(columns)),
        expected(
            (tested.probabilities[chosen] - tested.outcomes) ** 2,
            tested.people,
            (calibrations[chosen].probability(unseen[chosen]) - outcomes) ** 2,
            rows.points[split.train],
        ),
    )
    weights = importance(made, everything[split.test], rows.outcomes[split.test], seed)
    places = {each.name: i for i, each in enumerate(columns)}
    made = replace(made, shown=tuple(places[each.feature] for each in weights))
    version = pb.ModelVersion(
        algorithm=chosen,
        verdict=verdict(chosen, best, metrics[best], columns[found.rule.column]),
        metrics=metrics[chosen],
        candidates=[
            pb.Candidate(algorithm=each, metrics=metrics[each])
            for each in sorted(ALGORITHMS, key=lambda each: -metrics[each].auc)
        ],
        importance=weights,
        calibration=calibration_bins(tested.probabilities[chosen], tested.outcomes),
        spec=plan.spec,
        train_rows=int(split.train.sum()),
        seed=seed,
    )
    for column in columns:
        version.columns.add(name=column.name, kind=column.kind, categories=column.levels or ())
    _tell_spans(version, rows, split)
    return Trained(made, version)


def verdict(chosen: pb.Algorithm, best: pb.Algorithm, metrics: pb.ModelMetrics, rule: Column) -> str:
    """Why that one predicts, in a sentence."""
    lead = f"{metrics.lead_lower:.3f} to {metrics.lead_upper:.3f}"
    told = f"the rule ({rule.text or rule.name})"
    if chosen == RULE:
        return (
            f"{WORDS[RULE]} ({rule.text or rule.name}) predicts: {WORDS[best][0].lower()}{WORDS[best][1:]}, the best of the "
            f"others, does not beat it beyond chance (lead in AUC {lead}, with 95 %)."
        )
    return f"{WORDS[chosen]} predicts: AUC {metrics.auc:.3f}, {lead} above {told} with 95 %, on {metrics.count:,} points."


def _check(rows: Rows, split: Parts) -> None:
    """Raises `Refused` where there is too little to learn from or to test on."""
    if len(rows) and not np.isfinite(rows.outcomes).any():
        raise Refused(
            f"of {len(rows)} points none has an outcome that is known; wait until their windows are over, or look earlier",
            reason="OUTCOMES_UNKNOWN",
        )
    for outcomes, what, least, of_each in (
        (rows.outcomes[split.train], "to learn from", LEAST_ROWS, LEAST_OF_EACH),
        (rows.outcomes[split.test], "to test on", LEAST_TESTED, LEAST_TESTED_OF_EACH),
    ):
        count, had = len(outcomes), int(outcomes.sum())
        if count < least:
            raise Refused(
                f"there are {count} points {what}, and it takes {least} at least; look at more people, further back or at more instants",
                reason="TOO_FEW_ROWS",
            )
        if had in (0, count):
            raise Refused(
                f"the outcome is {'true' if had else 'false'} of all {count} points {what}; define it so that it differs",
                reason="ONE_CLASS_ONLY",
            )
        if min(had, count - had) < of_each:
            raise Refused(
                f"the outcome is true of {had} of {count} points {what}, and it takes {of_each} of each kind at least",
                reason="TOO_FEW_ROWS",
            )


def _preferred(plan: Plan, columns: tuple[Column, ...]) -> int | None:
    names = [each.name for each in columns]
    return next((names.index(each) for each in plan.preferred if each in names), None)


def _folds(people: NDArray[np.int64], outcomes: Floats, count: int, seed: int) -> NDArray[np.int64]:
    """The part of each row, from 0: all rows of a person in one, and the outcome as frequent in all."""
    size = int(people.max()) + 1
    share = np.bincount(people, outcomes, size) / np.maximum(np.bincount(people, minlength=size), 1)
    order = np.lexsort((np.random.default_rng(seed).random(size), share))
    places = np.empty(size, dtype=np.int64)
    places[order] = np.arange(size) % count
    return places[people]  # type: ignore[no-any-return]


def _crossed(
    learnt: Floats,
    outcomes: Floats,
    columns: tuple[Column, ...],
    preferred: int | None,
    folds: NDArray[np.int64],
    seed: int,
    progress: Progress,
) -> Scores:
    """The scores of every row by what the other parts teach."""
    found: Scores = {each: np.empty(len(outcomes)) for each in ALGORITHMS}
    count = int(folds.max()) + 1
    for fold in range(count):
        progress(0.1 + 0.5 * fold / count, f"learning from part {fold + 1} of {count}")
        mine = folds == fold
        taught = candidate.fitted(learnt[~mine], outcomes[~mine], columns, preferred, seed)
        for each, scores in taught.scores(learnt[mine]).items():
            found[each][mine] = scores
    return found


def _later(
    found: Candidates,
    calibrations: dict[pb.Algorithm, Calibration],
    tested: Floats,
    outcomes: Floats,
    people: NDArray[np.int64],
) -> _Tested:
    scores = found.scores(tested)
    return _Tested(
        {each: calibrations[each].probability(scores[each]) for each in ALGORITHMS},
        {each: np.full(len(outcomes), calibrations[each].threshold) for each in ALGORITHMS},
        outcomes,
        people,
    )


def _by_folds(
    unseen: Scores, outcomes: Floats, people: NDArray[np.int64], folds: NDArray[np.int64]
) -> _Tested:
    """Every part calibrated by the others as well, so that none is tested by what it has taught."""
    probabilities: Scores = {each: np.empty(len(outcomes)) for each in ALGORITHMS}
    thresholds: Scores = {each: np.empty(len(outcomes)) for each in ALGORITHMS}
    for fold in range(int(folds.max()) + 1):
        mine = folds == fold
        for each in ALGORITHMS:
            by_others = calibrated(unseen[each][~mine], outcomes[~mine])
            probabilities[each][mine] = by_others.probability(unseen[each][mine])
            thresholds[each][mine] = by_others.threshold
    return _Tested(probabilities, thresholds, outcomes, people)


def _measured(tested: _Tested, algorithm: pb.Algorithm, seed: int) -> pb.ModelMetrics:
    return measured(
        tested.probabilities[algorithm],
        tested.probabilities[RULE],
        tested.outcomes,
        tested.people,
        tested.thresholds[algorithm],
        seed,
    )


def _tell_spans(version: pb.ModelVersion, rows: Rows, split: Parts) -> None:
    for name, chosen in (("train", split.train), ("test", split.test)):
        points = rows.points[chosen]
        getattr(version, f"{name}_start").FromDatetime(at(int(points.min())))
        getattr(version, f"{name}_end").FromDatetime(at(int(points.max()) + 1))
