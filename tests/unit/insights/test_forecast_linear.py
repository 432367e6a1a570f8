"""Linear models of series that are linear in their past."""

import numpy as np

from services.insights.forecast import linear
from services.insights.forecast.season import Values

NOW = np.zeros(1, np.int64)


def swinging(size: int, seed: int = 1) -> Values:
    """What no calendar knows: it swings in about 17 buckets, pushed at random."""
    noise = np.random.default_rng(seed).normal(0, 1, size)
    values = np.zeros(size)
    for at in range(2, size):
        values[at] = 1.84 * values[at - 1] - 0.98 * values[at - 2] + noise[at]
    return 100 + values


def missed(model: linear.Linear, many: list[Values], row: int, truth: Values) -> float:
    made = model.forecast(many, NOW, len(truth))
    return float(np.abs(made[row, 0] - truth).mean())


def test_a_rhythm_without_a_calendar_goes_on() -> None:
    whole = swinging(900)
    past, truth = whole[:-8], whole[-8:]
    model = linear.learn([past], 0, (), 8)
    assert model is not None
    assert missed(model, [past], 0, truth) < 0.5 * float(np.abs(truth - past[-1]).mean())


def test_short_series_lean_on_the_others() -> None:
    long = [swinging(900, seed) for seed in (2, 3)]
    alone: list[float] = []
    beside: list[float] = []
    for seed in range(10, 20):
        whole = swinging(200, seed)
        for many, errors in (([whole[:-8]], alone), ([whole[:-8], *long], beside)):
            model = linear.learn(many, 0, (6,), 8)
            assert model is not None
            errors.append(missed(model, many, 0, whole[-8:]))
    assert np.mean(beside) < np.mean(alone)


def test_a_series_too_short_to_be_learnt_from_is_told_by_what_the_others_share() -> None:
    many = [swinging(60), *(swinging(900, seed) for seed in (2, 3))]
    model = linear.learn(many, 0, (7,), 14)
    assert model is not None
    assert np.isfinite(model.forecast(many, NOW, 14)).all()
    other = linear.learn([many[0][::-1], *many[1:]], 0, (7,), 14)
    assert other is not None
    np.testing.assert_array_equal(model.coefficients[0], other.coefficients[0])


def test_models_of_the_past_do_not_know_what_came_later() -> None:
    values = swinging(900)
    changed = np.append(values[:-24], 10 * values[-24:])
    backs = np.array([24])
    kept, other = (linear.learn([each], 24, (24,), 12) for each in (values, changed))
    assert kept is not None
    assert other is not None
    np.testing.assert_array_equal(kept.forecast([values], backs, 12), other.forecast([changed], backs, 12))


def test_a_longer_season_goes_in_where_there_is_past_enough_for_it() -> None:
    hours = np.arange(24 * 7 * 30)
    week = 100 + np.random.default_rng(1).normal(0, 1, len(hours)) + 50 * (hours // 24 % 7 == 3)
    long, short = (linear.learn([each], 24, (24, 168), 24) for each in (week, week[-24 * 7 * 8 :]))
    assert long is not None
    assert short is not None
    assert long.places.min() == -168
    assert short.places.min() == -120
    np.testing.assert_allclose(long.forecast([week], np.array([24]), 24)[0, 0], week[-24:], atol=8)


def test_what_is_too_short_for_an_instant_is_not_told() -> None:
    values = swinging(300)
    model = linear.learn([values], 0, (), 8)
    assert model is not None
    made = model.forecast([values], np.array([290, 0]), 8)[0]
    assert np.isnan(made[0]).all()
    assert np.isfinite(made[1]).all()


def test_nothing_is_learnt_from_too_little() -> None:
    assert linear.learn([swinging(12)], 0, (), 8) is None
    assert linear.learn([swinging(900)], 895, (), 8) is None
