"""What models learn from and how they are tested: nothing of the test's time in what is learnt, nothing shipped that is no better."""

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.insights.models import candidate, content, matrix, monitor, request, target, training
from services.insights.models.matrix import Rows
from services.insights.models.target import Plan
from services.insights.models.training import Trained
from services.kit.errors import Invalid, Refused
from tidemark.models import churn, comeback, conversion, outcome
from tidemark.v1 import feature_pb2
from tidemark.v1 import model_pb2 as pb

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def model(given_target: Any, **validation: Any) -> pb.Model:
    found = pb.Model(display_name="Test", validation=pb.Validation(**_plain(validation)))
    kinds = {
        pb.ChurnTarget: "churn",
        pb.ReturnTarget: "return",
        pb.ConversionTarget: "conversion",
        pb.OutcomeTarget: "outcome",
    }
    getattr(found, kinds[type(given_target)]).CopyFrom(given_target)
    for name, value in validation.items():
        if isinstance(value, datetime):
            getattr(found.validation, name).FromDatetime(value)
        elif isinstance(value, timedelta):
            getattr(found.validation, name).FromTimedelta(value)
    return found


def _plain(given_values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given_values.items() if isinstance(value, int)}


def table(count: int, seed: int = 1, *, signal: float = 3.0, **columns: Any) -> pa.Table:
    """Rows an hour apart whose outcome goes by `x` and `kind`."""
    random = np.random.default_rng(seed)
    x, kind = random.normal(0, 1, count), random.integers(0, 3, count)
    chance = 1 / (1 + np.exp(-signal * (x + 0.5 * (kind - 1))))
    return pa.table(
        {
            "user_id": [f"user-{i}" for i in range(count)],
            "point": pa.array([NOW + timedelta(hours=i) for i in range(count)], pa.timestamp("us", "UTC")),
            "outcome": random.random(count) < chance,
            "x": x,
            "kind": [("a", "b", "c")[each] for each in kind],
            "noise": random.normal(0, 1, count),
            **columns,
        }
    )


PLAN = Plan(feature_pb2.FeatureSpec(), timedelta(0), None, 0, (), stopped=False)


def trained(data: pa.Table | Rows, plan: Plan = PLAN, seed: int = 1) -> Trained:
    rows = matrix.rows(data) if isinstance(data, pa.Table) else data
    return training.trained(plan, rows, seed, lambda share, step: None)


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """Few trees: what is looked at here does not depend on how many there are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(candidate.TREES, "max_iter", 15)
        yield


@pytest.fixture(scope="module")
def good() -> Trained:
    return trained(table(800))


@given(st.integers(1, 90), st.integers(1, 60), st.integers(0, 50), st.integers(0, 200), st.integers(0, 400))
def test_the_window_of_every_training_cut_is_over_before_the_test(
    window: int, step: int, cuts: int, tested: int, train: int
) -> None:
    asked = model(
        churn("visit", window=timedelta(days=window)),
        cuts=cuts, step=timedelta(days=step), test_start=NOW - (window + tested) * DAY, train_start=NOW - (window * 2 + tested + train) * DAY,
    )  # fmt: skip
    found = target.plan(asked, NOW, [])
    instants = [each.ToDatetime(UTC) for each in found.spec.cuts.cuts]
    assert found.test_start == NOW - (window + tested) * DAY
    learnt = [each for each in instants if each < found.test_start]
    assert all(each + window * DAY <= found.test_start for each in learnt)
    assert 1 <= len(learnt) <= (cuts or 12)
    assert min(learnt) >= NOW - (window * 2 + tested + train) * DAY
    assert all(each + window * DAY <= NOW for each in instants)
    assert found.test_start in instants
    assert len(instants) <= 100


def test_targets_say_who_is_looked_at_and_what_becomes_of_them() -> None:
    gone = target.plan(model(churn("visit", window="7d", active_within="14d")), NOW, ["visit"]).spec
    assert (gone.cuts.member.name, gone.outcome.did.name, gone.outcome.negate) == ("visit", "visit", True)
    assert gone.cuts.member_within.ToTimedelta() == 14 * DAY
    assert gone.event_names == ["visit"]
    back = target.plan(model(comeback("visit", window="7d")), NOW, [])
    assert (back.stopped, back.spec.outcome.negate) == (True, False)
    assert back.lately.cuts.member_within.ToTimedelta() == 7 * DAY
    assert back.lately.cuts.cuts == back.spec.cuts.cuts
    buys = target.plan(model(conversion("buy", window="7d", eligible="visit")), NOW, []).spec
    assert (buys.cuts.member.name, buys.outcome.did.name) == ("visit", "buy")
    told = target.plan(model(outcome("offer", field="properties.taken", without_history=True)), NOW, ["x"])
    assert (told.window, told.spec.events.event.name, list(told.spec.event_names)) == (
        timedelta(0),
        "offer",
        [],
    )


def test_predictions_are_of_everybody_now_or_of_events_without_an_outcome() -> None:
    gone = target.as_of(target.plan(model(churn("visit", window="7d")), NOW - 9 * DAY, []), NOW)
    assert [each.ToDatetime(UTC) for each in gone.spec.cuts.cuts] == [NOW]
    assert not gone.spec.HasField("outcome")
    again = target.as_of(target.plan(model(outcome("visit", did="visit", window="2d")), NOW, []), NOW)
    assert again.spec.events.time_range.start.ToDatetime(UTC) == NOW - 2 * DAY
    assert again.spec.HasField("outcome")


def test_a_test_whose_outcomes_are_not_known_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        target.plan(model(churn("visit", window="30d"), test_start=NOW - 5 * DAY), NOW, [])
    assert caught.value.reason == "OUTCOMES_UNKNOWN"
    with pytest.raises(Refused) as caught:
        target.plan(model(churn("visit", window="30d"), train_start=NOW - 40 * DAY), NOW, [])
    assert caught.value.reason == "TOO_FEW_ROWS"


def test_an_event_is_learnt_from_only_when_its_outcome_was_known_before_the_test() -> None:
    plan = Plan(
        feature_pb2.FeatureSpec(), timedelta(hours=10), NOW + timedelta(hours=50), 0, (), stopped=False
    )
    rows = matrix.rows(table(100))
    split = target.parts(plan, rows)
    assert np.flatnonzero(split.train).tolist() == list(range(41))
    assert np.flatnonzero(split.test).tolist() == list(range(50, 100))


def test_what_beats_the_rule_serves_and_says_by_how_much(good: Trained) -> None:
    version = good.version
    assert version.algorithm != pb.ALGORITHM_RULE
    assert version.metrics.lead_lower > 0
    assert "above the rule (x)" in version.verdict
    assert [each.feature for each in version.importance][:2] == ["x", "kind"]
    assert version.metrics.count == 161
    assert version.train_end.ToDatetime(UTC) < version.test_start.ToDatetime(UTC)
    assert sum(each.count for each in version.calibration) == version.metrics.count


def test_what_does_not_beat_the_rule_leaves_it_to_serve() -> None:
    version = trained(table(600, signal=0.3)).version
    assert version.algorithm == pb.ALGORITHM_RULE
    assert "does not beat it beyond chance" in version.verdict
    assert {each.algorithm for each in version.candidates} == {1, 2, 3, 4}


def test_the_same_rows_and_seed_give_the_same_version(good: Trained) -> None:
    again = trained(table(800))
    assert again.version == good.version
    assert content.stored(again.predictor).sha256 == content.stored(good.predictor).sha256


@pytest.mark.parametrize("algorithm", [1, 2, 3, 4])
def test_what_is_stored_predicts_the_same(good: Trained, algorithm: pb.Algorithm) -> None:
    predictor = replace(good.predictor, algorithm=algorithm)
    loaded = content.loaded(content.stored(predictor))
    values = predictor.matrix(matrix.rows(table(50, seed=3)).table)
    scores, reasons = loaded.explained(values)
    assert np.array_equal(scores, predictor.probabilities(values))
    assert reasons == predictor.explained(values)[1]
    assert np.array_equal(loaded.rule(values), predictor.rule(values))
    assert loaded.expected == predictor.expected
    assert loaded.drift(values) == predictor.drift(values)


def test_a_reason_is_what_the_score_would_lose(good: Trained) -> None:
    rows = matrix.rows(table(30, seed=4)).table
    values = good.predictor.matrix(rows)
    scores, reasons = good.predictor.explained(values)
    for i, mine in enumerate(reasons):
        assert len(mine) <= 5
        for each in mine:
            place = [column.name for column in good.predictor.columns].index(each.feature)
            usual = values[i : i + 1].copy()
            usual[0, place] = good.predictor.columns[place].usual
            lost = scores[i] - good.predictor.probabilities(usual)[0]
            assert each.contribution == pytest.approx(lost)


def test_a_feature_that_is_missing_is_named_and_no_crash(good: Trained) -> None:
    bare = pa.table({"noise": [0.0, None]})
    assert good.predictor.missing(bare) == ["x", "kind"]
    assert np.isfinite(good.predictor.probabilities(good.predictor.matrix(bare))).all()


def test_folds_test_every_row_by_what_the_others_teach() -> None:
    plan = Plan(feature_pb2.FeatureSpec(), timedelta(0), None, 4, (), stopped=False)
    version = trained(table(300), plan).version
    assert version.metrics.count == version.train_rows == 300


def test_people_are_never_on_both_sides_of_a_fold() -> None:
    people = np.repeat(np.arange(40), 5)
    folds = training._folds(people, (people % 3 == 0).astype(float), 5, 1)
    assert all(len(set(folds[people == each])) == 1 for each in range(40))
    assert sorted(set(folds)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (table(0), "TOO_FEW_ROWS"),
        (table(40), "TOO_FEW_ROWS"),
        (table(300, outcome=[True] * 300), "ONE_CLASS_ONLY"),
        (table(300, outcome=[i < 5 for i in range(300)]), "TOO_FEW_ROWS"),
        (table(300, outcome=pa.nulls(300, pa.bool_())), "OUTCOMES_UNKNOWN"),
        (table(300, x=[1.0] * 300, kind=["a"] * 300, noise=pa.nulls(300)), "NO_FEATURES"),
    ],
)
def test_what_is_missing_is_said_by_its_reason(data: pa.Table, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        trained(data)
    assert caught.value.reason == reason


def test_odd_values_are_learnt_from_without_a_crash() -> None:
    count = 300
    odd = [(math.nan, math.inf, -math.inf, 1e300, -1e300, 0.0)[i % 6] for i in range(count)]
    version = trained(
        table(count, odd=odd, empty=pa.nulls(count, pa.string()), texts=[f"{i}" for i in range(count)])
    ).version
    assert version.metrics.auc > 0.5


def test_progress_is_told_and_may_end_a_training() -> None:
    told: list[float] = []

    class Enough(Exception):
        """Ends it."""

    def progress(share: float, step: str) -> None:
        told.append(share)
        if share > 0.3:
            raise Enough(step)

    with pytest.raises(Enough):
        training.trained(PLAN, matrix.rows(table(300)), 1, progress)
    assert told == sorted(told)


def window(rows: Rows, good: Trained, shadow: Trained | None = None, sums: float = 0.0) -> monitor.Looked:
    span = monitor.Window(NOW, NOW + DAY)
    return monitor.looked(span, rows, good.predictor, shadow.predictor if shadow else None, sums, 1)


def test_a_stable_world_raises_no_alarm(good: Trained) -> None:
    sums = 0.0
    for seed in range(10, 20):
        found = window(matrix.rows(table(200, seed=seed)), good, sums=sums)
        assert not monitor.alarming(found.window)
        assert not found.window.loss_alarm
        sums = monitor.added(sums, found.excess)


def turned(count: int, seed: int) -> Rows:
    """What spoke for the outcome speaks against it, at other values."""
    data = table(count, seed=seed, signal=-3.0)
    return matrix.rows(data.set_column(3, "x", pa.array(np.asarray(data["x"]) + 3.0)))


def test_a_world_that_has_turned_raises_it_and_a_better_challenger_is_seen(good: Trained) -> None:
    found = window(turned(300, 2), good)
    assert monitor.alarming(found.window)
    assert found.drift[0].feature == "x"
    assert monitor.wanting([found.window], [], None)
    assert not monitor.wanting([found.window], [], pb.ModelVersion())
    assert "train anew" in monitor.summary(found.window, found.drift)
    challenger = trained(turned(800, 3))
    compared = window(turned(300, 4), good, challenger)
    assert compared.better
    assert compared.window.shadow.auc > compared.window.metrics.auc
    assert not window(turned(300, 4), challenger, good).better
    assert monitor.wanting([compared.window], [compared.window] * 2, pb.ModelVersion())


def test_a_window_with_few_outcomes_says_nothing(good: Trained) -> None:
    found = window(turned(10, 2), good)
    assert (found.excess, found.window.metrics.count, found.window.loss_alarm) == (0.0, 10, False)
    assert "no outcomes" in monitor.summary(None, []).lower()


def test_windows_follow_the_test_once_their_outcomes_are_known() -> None:
    asked = model(churn("visit", window="7d"))
    plan, version = target.plan(asked, NOW, []), pb.ModelVersion()
    version.test_start.FromDatetime(NOW - 30 * DAY)
    version.test_end.FromDatetime(NOW - 30 * DAY + timedelta(microseconds=1))
    found = monitor.windows(asked, plan, version, NOW, None)
    assert [each.start for each in found] == [NOW - 23 * DAY, NOW - 16 * DAY, NOW - 9 * DAY]
    assert monitor.windows(asked, plan, version, NOW, found[1].end) == found[2:]
    assert monitor.windows(asked, plan, version, NOW - 30 * DAY, None) == []
    assert monitor.learnt_before(version, found[0])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (pb.Model(), "model.target"),
        (model(pb.ChurnTarget()), "model.churn.window"),
        (model(pb.ConversionTarget(window=churn(window="7d").window)), "model.conversion.goal"),
        (model(pb.OutcomeTarget()), "model.outcome.event"),
        (model(churn(window="7d"), folds=3), "model.validation.folds"),
        (model(outcome("offer", field="properties.x"), folds=1), "model.validation.folds"),
        (model(outcome("offer", field="user_id")), "model.outcome.outcome.field"),
        (model(churn(window="7d"), cuts=51), "model.validation.cuts"),
        (model(churn(window="7d"), test_start=NOW, test_end=NOW - DAY), "model.validation.test_end"),
        (model(churn(window="9000d")), "model.churn.window"),
    ],
)
def test_a_definition_at_fault_names_its_field(change: pb.Model, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        request.new(change)
    assert caught.value.field == field


def test_what_the_server_says_of_a_model_is_not_taken_from_callers() -> None:
    given_model = model(churn("visit", window="7d"))
    given_model.name, given_model.serving_version = (
        "projects/other/models/x",
        "projects/other/models/x/versions/1",
    )
    kept = request.new(given_model)
    assert (kept.name, kept.serving_version, kept.display_name) == ("", "", "Test")


def test_a_feature_that_nobody_has_is_learnt_around() -> None:
    columns = [matrix.Column("x", None, 0.0), matrix.Column("never", None, math.nan)]
    values = np.random.default_rng(3).normal(size=200)
    rows = np.column_stack([values, np.full(200, np.nan)])
    found = candidate.fitted(rows, (values > 0).astype(float), columns, 0, 1)
    rows[:, 1] = 7.0
    scores = found.score(candidate.BOOSTED, rows)
    assert ((scores > 0.5) == (values > 0)).mean() > 0.95
