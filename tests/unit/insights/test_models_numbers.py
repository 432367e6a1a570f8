"""Matrices, the rule, candidates, calibration and metrics of models: pure numerics on data that is easy, odd or next to nothing."""

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.insights.models import calibration, candidate, content, drift, matrix, metric, rule
from services.insights.models.matrix import Column, Floats

RANDOM = np.random.default_rng(5)


def brute(scores: Floats, outcomes: Floats) -> float:
    """The AUC by looking at every pair."""
    had, had_not = scores[outcomes > 0.5], scores[outcomes <= 0.5]
    wins = (had[:, None] > had_not).sum() + (had[:, None] == had_not).sum() / 2
    return float(wins / (len(had) * len(had_not)))


def stacked(*columns: Any) -> Floats:
    """Columns side by side."""
    return np.column_stack(columns).astype(np.float64)


def coded(table: pa.Table, onto: pa.Table | None = None) -> Floats:
    return matrix.coded(onto or table, matrix.columns(table))


def test_numbers_are_themselves_and_what_is_missing_or_infinite_is_nan() -> None:
    table = pa.table({"x": [1.0, None, math.inf, -1e300], "n": pa.array([1, 2, 3, None], pa.int64())})
    assert np.array_equal(
        coded(table),
        np.array([[1, 1], [math.nan, 2], [math.nan, 3], [-matrix.LARGEST, math.nan]]),
        equal_nan=True,
    )


def test_a_category_is_its_place_and_an_unseen_one_is_another() -> None:
    table = pa.table({"c": ["b"] * 20 + ["a"] * 12 + ["rare"] + [None] * 7})
    (column,) = matrix.columns(table)
    assert (column.kind, column.levels, column.usual) == ("category", ("b", "a"), 0.0)
    seen = pa.table({"c": ["a", "b", "rare", "new", None]})
    assert np.array_equal(coded(table, seen)[:, 0], [1, 0, 2, 2, math.nan], equal_nan=True)
    assert [column.told(each) for each in (0, 2, math.nan)] == ["c: b", "c: another", "c: none"]


def test_levels_are_bounded() -> None:
    table = pa.table({"c": [f"value-{i % 500}" for i in range(10_000)]})
    (column,) = matrix.columns(table)
    assert column.levels is not None
    assert len(column.levels) == matrix.MAX_LEVELS


def test_a_dictionary_and_a_column_that_is_not_there_are_read() -> None:
    table = pa.table({"c": pa.array(["a", "b"] * 10).dictionary_encode(), "x": [1.0, 2.0] * 10})
    found = coded(table, pa.table({"c": ["b"]}))
    assert np.array_equal(found, [[1, math.nan]], equal_nan=True)


def test_what_became_texts_or_numbers_in_another_table_is_read_all_the_same() -> None:
    numbers, texts = pa.table({"x": [1.0, 2.0, 3.0]}), pa.table({"x": ["2", "dear", None]})
    assert np.array_equal(coded(numbers, texts)[:, 0], [2, math.nan, math.nan], equal_nan=True)
    mixed, plain = pa.table({"x": ["2"] * 10 + ["a"] * 10}), pa.table({"x": [2.0, None]})
    assert np.array_equal(coded(mixed, plain)[:, 0], [0, math.nan], equal_nan=True)


def test_what_never_differs_is_no_feature() -> None:
    table = pa.table(
        {"one": [1.0] * 20, "none": pa.nulls(20), "same": ["a"] * 20, "rare": [f"{i}x" for i in range(20)]}
    )
    assert matrix.columns(table) == ()
    assert [each.name for each in matrix.columns(pa.table({"sometimes": [1.0, None] * 5}))] == ["sometimes"]


def test_an_empty_table_has_rows_of_no_width() -> None:
    table = pa.table({"user_id": pa.array([], pa.string()), "point": pa.array([], pa.timestamp("us", "UTC"))})
    rows = matrix.rows(table)
    assert len(rows) == 0
    assert matrix.columns(rows.table) == ()


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.9]), st.booleans()), min_size=2, max_size=40))
def test_the_auc_is_that_of_all_pairs(pairs: list[tuple[float, bool]]) -> None:
    scores, outcomes = (np.array(each, dtype=float) for each in zip(*pairs, strict=True))
    found = metric.auc(scores, outcomes)
    if 0 < outcomes.sum() < len(outcomes):
        assert found == pytest.approx(brute(scores, outcomes))
        doubled = metric.auc(np.repeat(scores, 2), np.repeat(outcomes, 2))
        assert metric.auc(scores, outcomes, np.full(len(scores), 2.0)) == pytest.approx(doubled)
    else:
        assert math.isnan(found)


def test_metrics_stand_beside_the_majority_and_have_intervals() -> None:
    outcomes = (RANDOM.random(500) < 0.2).astype(float)
    scores = np.clip(0.2 + 0.3 * (outcomes - 0.2) + RANDOM.normal(0, 0.2, 500), 0, 1)
    found = metric.measured(scores, np.full(500, 0.2), outcomes, np.arange(500), np.full(500, 0.5), 1)
    assert found.majority_accuracy == max(outcomes.mean(), 1 - outcomes.mean())
    assert found.accuracy_lower < found.accuracy < found.accuracy_upper
    assert found.auc_lower < found.auc < found.auc_upper
    assert found.rule_auc == 0.5
    assert 0 < found.lead_lower < found.auc - 0.5 < found.lead_upper
    assert found.lift_at_10 > 1
    again = metric.measured(scores, np.full(500, 0.2), outcomes, np.arange(500), np.full(500, 0.5), 1)
    assert again == found


def test_rows_of_one_person_widen_the_interval() -> None:
    outcomes = np.repeat((RANDOM.random(60) < 0.5).astype(float), 20)
    scores = np.repeat(RANDOM.random(60), 20)
    apart, together = (
        metric.measured(scores, scores, outcomes, people, np.full(1200, 0.5), 1)
        for people in (np.arange(1200), np.repeat(np.arange(60), 20))
    )
    assert together.auc_upper - together.auc_lower > 2 * (apart.auc_upper - apart.auc_lower)


def test_metrics_of_one_class_are_nothing_rather_than_a_number() -> None:
    found = metric.measured(np.full(5, 0.5), np.full(5, 0.5), np.ones(5), np.arange(5), np.full(5, 0.5), 1)
    assert math.isnan(found.auc)
    assert math.isnan(found.balanced_accuracy)
    assert found.accuracy == 1


def test_calibration_makes_probabilities_that_hold_and_keeps_the_order() -> None:
    truth = RANDOM.random(5000)
    outcomes = (RANDOM.random(5000) < truth).astype(float)
    odds = 3 * np.log(truth / (1 - truth)) + 1
    skewed = 1 / (1 + np.exp(-odds))
    found = calibration.calibrated(skewed, outcomes)
    probabilities = found.probability(skewed)
    assert np.abs(probabilities - truth).mean() < 0.03
    assert (np.diff(probabilities[np.argsort(skewed)]) >= 0).all()
    lower, upper = found.interval(probabilities)
    assert ((lower <= probabilities) & (probabilities <= upper)).all()
    assert np.mean((lower <= truth) & (truth <= upper)) > 0.8
    assert abs(found.threshold - 0.5) < 0.1
    unsure = np.abs(probabilities - found.threshold) < found.margin
    assert unsure.mean() == pytest.approx(calibration.UNSURE_SHARE, abs=0.01)


def test_scores_that_say_nothing_become_the_common_share() -> None:
    outcomes = (np.arange(200) % 4 == 0).astype(float)
    found = calibration.calibrated(np.full(200, 0.9), outcomes)
    assert found.probability(np.array([0.9]))[0] == pytest.approx(0.25, abs=0.01)
    extremes = found.probability(np.array([0.0, 1.0]))
    assert np.isfinite(extremes).all()


def test_the_rule_is_the_share_at_the_level_of_the_best_feature() -> None:
    values = stacked(RANDOM.random(400), np.arange(400) % 2, RANDOM.random(400))
    outcomes = values[:, 1].copy()
    columns = (Column("x", None, 0.5), Column("c", ("a", "b"), 0), Column("y", None, 0.5))
    found = rule.fitted(values, outcomes, columns)
    assert found.column == 1
    shares = found.score(np.array([[0, 0, 0], [0, 1, 0], [0, 2, 0], [0, math.nan, 0]]))
    assert shares[0] < 0.1 < 0.4 < shares[2] == shares[3] < 0.6 < 0.9 < shares[1]
    assert rule.fitted(values, outcomes, columns, preferred=2).column == 2


def test_every_candidate_scores_what_it_has_never_seen() -> None:
    values = stacked(RANDOM.normal(0, 1, 300), RANDOM.integers(0, 2, 300), RANDOM.lognormal(0, 3, 300))
    outcomes = (values[:, 0] + values[:, 1] > 0.5).astype(float)
    columns = (Column("x", None, 0), Column("c", ("a", "b"), 0), Column("huge", None, 1))
    found = candidate.fitted(values, outcomes, columns, None, 1)
    odd = np.array([[math.nan] * 3, [1e30, 2, -1e30], [-1e30, math.nan, 1e30]])
    for scores in found.scores(odd).values():
        assert ((scores >= 0) & (scores <= 1)).all()
    apart = found.scores(values)
    assert np.allclose(apart[candidate.MEAN], (apart[candidate.LOGISTIC] + apart[candidate.BOOSTED]) / 2)
    assert metric.auc(apart[candidate.LOGISTIC], outcomes) > 0.95


def test_features_as_in_training_have_not_drifted_and_others_have() -> None:
    columns = (
        Column("same", None, 0),
        Column("moved", None, 0),
        Column("kind", ("a", "b"), 0),
        Column("gone", None, 0),
    )

    def sample(count: int, moved: float, share: float, gone: float) -> Floats:
        found = stacked(
            RANDOM.normal(0, 1, count),
            RANDOM.normal(moved, 1, count),
            RANDOM.random(count) < share,
            RANDOM.random(count),
        )
        found[RANDOM.random(count) < gone, 3] = math.nan
        return found

    was = sample(2000, 0, 0.3, 0.01)
    references = [drift.reference(was[:, i], each) for i, each in enumerate(columns)]
    assert not any(each.drifted for each in drift.drifts(sample(1000, 0, 0.3, 0.01), columns, references))
    found = {each.feature: each for each in drift.drifts(sample(1000, 1.5, 0.7, 0.6), columns, references)}
    assert [name for name, each in found.items() if each.drifted] == [
        name for name in found if name != "same"
    ]
    assert found["gone"].missing_share > 0.5 > found["gone"].train_missing_share
    assert list(found)[-1] == "same"
    assert drift.drifts(sample(10, 9, 0.9, 0.9), columns, references) == []


def test_a_category_that_training_never_saw_is_drift() -> None:
    columns = (Column("kind", ("a", "b"), 0),)
    references = [drift.reference(np.array([0.0, 1.0] * 100), columns[0])]
    (found,) = drift.drifts(np.full((200, 1), 2.0), columns, references)
    assert found.drifted
    (same,) = drift.drifts(np.array([[0.0], [1.0]] * 100), columns, references)
    assert (same.psi, same.drifted) == (0.0, False)


def test_types_that_are_not_trusted_are_not_loaded() -> None:
    import skops.io
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import FunctionTransformer

    harmful = skops.io.dumps(FunctionTransformer(func=brute))
    with pytest.raises(ValueError, match="not trusted"):
        content._trees(harmful)
    with pytest.raises(ValueError, match="not trees"):
        content._trees(skops.io.dumps(LogisticRegression()))
