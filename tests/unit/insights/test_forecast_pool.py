"""Forecasts of series whose truth is known."""

import numpy as np
import pytest

from services.insights.forecast import pool, season
from services.insights.forecast.rolling import BOOSTED, FAST, LINEAR, NAIVE, SEASONAL_NAIVE, instants
from services.insights.forecast.season import Values
from tidemark.v1 import forecast_pb2 as pb

HOURS = np.arange(24 * 7 * 8)
DAY = 100 + 40 * np.sin(2 * np.pi * HOURS / 24)
WEEK = DAY * np.where(HOURS // 24 % 7 >= 5, 0.6, 1.0)


def noise(size: int, seed: int = 1) -> Values:
    return np.random.default_rng(seed).normal(0, 1, size)


def walk(size: int, seed: int = 1) -> Values:
    return 1_000 + np.cumsum(noise(size, seed))


def test_a_clean_season_goes_on() -> None:
    found = pool.forecasts([WEEK[:-24]], (24, 168), 24, methods=FAST)[0]
    np.testing.assert_allclose(found.values, WEEK[-24:], rtol=0.02)
    assert found.error is not None
    assert found.error.wape < 0.02


def test_trees_learn_what_two_seasons_do_together() -> None:
    found = pool.forecasts([WEEK[:-24] + noise(len(WEEK) - 24)], (24, 168), 24, methods=(BOOSTED,))[0]
    assert found.method == BOOSTED
    assert np.abs(found.values - WEEK[-24:]).mean() < 3


def test_a_trend_goes_on() -> None:
    values = 10 + 0.5 * np.arange(200)
    found = pool.forecasts([values], (), 10, methods=(pb.FORECAST_METHOD_THETA,))[0]
    assert np.all(np.diff(found.values) > 0)
    assert found.values[-1] > values[-1] + 1


def test_on_a_random_walk_the_naive_method_has_most_weight_or_is_hardly_beaten() -> None:
    found = pool.forecasts([walk(600)], (), 10, methods=FAST)[0]
    assert found.error is not None
    assert found.baseline is not None
    assert NAIVE in (found.method, *found.members)
    assert found.error.mae < 1.1 * found.baseline.mae


def test_the_only_method_asked_for_is_used_and_measured_beside_the_seasonal_naive() -> None:
    found = pool.forecasts([DAY + noise(len(DAY))], (24,), 24, methods=(NAIVE,))[0]
    assert found.method == NAIVE
    assert np.ptp(found.values) == 0
    assert found.error is not None
    assert found.baseline is not None
    assert found.baseline.mae < found.error.mae


def test_the_same_data_give_the_same_forecast() -> None:
    values = WEEK[:400] + noise(400)
    first, second = (pool.forecast(values, (24,), 24) for _ in range(2))
    np.testing.assert_array_equal(first.values, second.values)
    np.testing.assert_array_equal(first.lower, second.lower)


def test_a_forecast_scales_with_its_series() -> None:
    values = WEEK[:700] + noise(700)
    small, large = pool.forecasts([values, values * 1e6], (24,), 24, methods=FAST)
    np.testing.assert_allclose(large.values, small.values * 1e6, rtol=1e-9)


def test_what_was_never_negative_is_not_forecast_negative() -> None:
    values = np.maximum(40 - 0.4 * np.arange(120) + 2 * noise(120), 0.0)
    found = pool.forecasts([values], (), 30, methods=FAST)[0]
    assert found.values.min() >= 0
    assert found.lower.min() >= 0


def test_the_band_holds_the_share_it_promises_of_what_it_has_not_seen() -> None:
    truths = [WEEK + 5 * noise(len(WEEK), seed) for seed in range(20)]
    made = pool.forecasts([truth[:-24] for truth in truths], (24, 168), 24, 0.9, methods=FAST)
    inside = [
        (truth[-24:] >= found.lower) & (truth[-24:] <= found.upper) for truth, found in zip(truths, made)
    ]
    assert 0.86 <= float(np.mean(inside)) <= 0.94


def test_a_wider_band_holds_more() -> None:
    values = WEEK + 5 * noise(len(WEEK))
    narrow, wide = (pool.forecasts([values], (24, 168), 24, share, methods=FAST)[0] for share in (0.5, 0.95))
    assert np.all(wide.upper - wide.lower > narrow.upper - narrow.lower)


@pytest.mark.parametrize(
    "values",
    [
        np.full(200, 5.0),
        np.zeros(200),
        np.append(np.zeros(199), 1.0),
        1e300 * noise(200),
        1e15 + noise(200),
        -np.abs(noise(200)),
        np.full(200, 1e-320),
    ],
    ids=["constant", "zero", "one at last", "huge", "far from zero", "negative", "tiny"],
)
@pytest.mark.parametrize("seasons", [(), (24,), (24, 168)])
def test_odd_series_have_finite_forecasts(values: Values, seasons: tuple[int, ...]) -> None:
    found = pool.forecasts([values], seasons, 12, methods=(*FAST, LINEAR))[0]
    assert np.isfinite(found.values).all()
    assert np.isfinite(found.lower).all()
    assert found.error is None or np.isfinite(found.error.mae)


@pytest.mark.parametrize("count", [1, 2, 3, 8, 12])
def test_a_series_too_short_to_be_judged_has_no_error_and_no_band(count: int) -> None:
    found = pool.forecasts([np.arange(count, dtype=float)], (), 12)[0]
    assert found.method in (NAIVE, SEASONAL_NAIVE)
    np.testing.assert_array_equal(found.values, np.full(12, count - 1.0))
    assert found.error is None
    assert not len(found.lower)


def test_series_of_different_lengths_are_forecast_together() -> None:
    short, long = pool.forecasts([DAY[-100:], DAY], (24,), 24, methods=FAST)
    np.testing.assert_allclose(short.values, long.values, rtol=0.05)


def test_a_back_test_does_not_know_what_came_later() -> None:
    values = (WEEK + noise(len(WEEK)))[-500:]
    changed = values.copy()
    changed[-24:] *= 10
    kept, other = (
        pool.backtests([each], (24,), 24, 0.9, 0, origins=3, step=24)[0] for each in (values, changed)
    )
    np.testing.assert_allclose(kept.values, other.values, rtol=1e-6)
    np.testing.assert_allclose(kept.lower, other.lower, rtol=1e-6)


def test_a_back_test_tells_the_truth_of_every_instant() -> None:
    found = pool.backtests([DAY], (24,), 6, 0.9, 0, origins=4, step=12, methods=FAST, pool=FAST)[0]
    np.testing.assert_array_equal(found.backs, [42, 30, 18, 6])
    for back, truth in zip(found.backs, found.truths):
        np.testing.assert_allclose(truth, DAY[len(DAY) - back :][:6])
    assert found.error is not None
    assert (found.error.origins, found.error.count) == (4, 24)
    assert [error.mae for _, error in found.methods] == sorted(error.mae for _, error in found.methods)


def test_values_that_were_filled_are_not_compared_with() -> None:
    truths = DAY.copy()
    truths[-3:] = np.nan
    found = pool.backtests(
        [DAY], (24,), 6, 0.9, 0, origins=2, step=6, methods=FAST, pool=FAST, truths=[truths]
    )[0]
    assert found.error is not None
    assert found.error.count == 9


@pytest.mark.parametrize("horizon", [1, 24, 200])
def test_methods_are_judged_from_the_past_alone(horizon: int) -> None:
    found = instants(1_000, (24,), horizon, until=48)
    assert found[-1] == 48 + horizon
    assert found[0] <= 1_000 - 8
    assert list(found) == sorted(set(found), reverse=True)


def test_no_instant_is_asked_of_a_past_that_is_too_short() -> None:
    assert instants(20, (), 13) == ()


@pytest.mark.parametrize("days", [60, 100, 140, 200])
def test_what_falls_goes_on_falling_though_trees_can_forecast_for_the_first_time(days: int) -> None:
    made = pool.forecast(1_000 - 3.0 * np.arange(days), (7,), 14)
    np.testing.assert_allclose(made.values, 1_000 - 3.0 * np.arange(days, days + 14), rtol=0.05)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (60, (60, 1_440, 10_080)),
        (900, (4, 96, 672)),
        (3_600, (24, 168)),
        (86_400, (7,)),
        (7 * 86_400, (52,)),
        (30 * 86_400, (12,)),
    ],
)
def test_buckets_have_the_seasons_of_the_calendar(seconds: int, expected: tuple[int, ...]) -> None:
    assert season.usual(seconds) == expected


def test_seasons_are_found_where_they_are() -> None:
    assert season.find([WEEK + noise(len(WEEK))], (24, 168)) == (24, 168)
    assert season.find([DAY + noise(len(DAY))], (24, 168)) == (24,)


def test_noise_and_random_walks_have_no_season() -> None:
    assert season.find([noise(2_000)], (24, 168)) == ()
    assert season.find([walk(2_000, seed) for seed in range(5)], (24, 168)) == ()


def test_a_season_that_grows_with_the_level_is_taken_off() -> None:
    values = (100 + 0.1 * HOURS) * (1 + 0.4 * np.sin(2 * np.pi * HOURS / 24))
    seasonal = season.Seasonal.of(values[None], (24,))
    level = 100 + 0.1 * HOURS
    np.testing.assert_allclose(seasonal.rest[0, 48:-48], level[48:-48], rtol=0.02)
