"""Trend, correlation, impact and the isolation forest: what is there is found, chance is not, and what is missing is said."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from services.insights.detect import correlation, forest, impact, shape, trend
from services.insights.series import Missing
from tidemark.v1 import insight_pb2 as pb


def white(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=count)


def wandering(count: int, seed: int, lasts: float = 0.8) -> np.ndarray:
    return shape.wandering(white(count, seed)[None, :], lasts)[0]


def test_a_steady_rise_is_found_with_its_slope() -> None:
    finding = trend.trend(100 + 0.05 * np.arange(120) + white(120))
    assert finding is not None
    assert finding.direction == pb.DIRECTION_UP
    assert finding.statistics["slope_lower"] < 0.05 < finding.statistics["slope_upper"]
    assert finding.effect == pytest.approx(0.05 * 119, rel=0.25)
    assert finding.relative == pytest.approx(finding.effect / 100, rel=0.05)


def test_a_change_of_level_is_found_where_it_is() -> None:
    values = 10 + white(120)
    values[70:] -= 3
    finding = trend.trend(values)
    assert finding is not None
    assert finding.direction == pb.DIRECTION_DOWN
    assert finding.start == pytest.approx(70, abs=2)
    assert finding.effect == pytest.approx(-3, abs=0.6)
    assert finding.marked == [finding.start]


def test_a_trend_of_a_long_series_has_the_places_and_the_slope_of_all_its_values() -> None:
    values = white(5_000)
    values[3_000:] += 2
    finding = trend.trend(values)
    assert finding is not None
    assert finding.start == pytest.approx(3_000, abs=50)
    assert len(finding.expected) == 5_000
    rising = trend.trend(0.001 * np.arange(5_000) + white(5_000))
    assert rising is not None
    assert rising.statistics["slope_per_bucket"] == pytest.approx(0.001, rel=0.1)


def test_a_season_is_no_trend() -> None:
    days = np.arange(60)
    assert trend.trend(5 * np.sin(2 * np.pi * days / 7) + white(60), season=7) is None


@pytest.mark.parametrize("lasts", [0.0, 0.5, 0.9])
def test_series_that_wander_have_seldom_a_trend(lasts: float) -> None:
    found = [trend.trend(wandering(100, seed, lasts), seed=seed) for seed in range(30)]
    assert sum(each is not None and each.p_value < 0.01 for each in found) <= 3


def test_series_that_move_together_are_found_with_the_lag() -> None:
    leader = wandering(150, 1)
    matrix = np.array([wandering(150, 2), np.roll(leader, 3) + 0.3 * white(150, 3), leader, np.ones(150)])
    found = correlation.correlate(matrix, 7, seed=0)
    assert found[0].series == (2, 1)
    assert found[0].statistics["lag_buckets"] == 3
    assert found[0].statistics["rho"] > 0.5
    assert found[0].p_value < 1e-4
    assert math.isnan(found[0].effect)
    assert correlation.pairs(matrix) == 3
    assert correlation.correlate(matrix, 7, seed=0)[0] == found[0]


def test_series_that_only_rise_both_do_not_move_together() -> None:
    rise = 0.1 * np.arange(150)
    matrix = np.array([rise + white(150, 1), rise + white(150, 2)])
    assert all(each.p_value > 1e-3 for each in correlation.correlate(matrix, 7, seed=0))


def test_opposite_series_have_a_negative_correlation_despite_gaps() -> None:
    values = white(200)
    other = -values + 0.2 * white(200, 1)
    other[::5] = np.nan
    [found] = correlation.correlate(np.array([values, other]), 0, seed=0)
    assert found.direction == pb.DIRECTION_DOWN
    assert found.statistics["rho"] < -0.4


def test_too_few_buckets_have_no_correlation() -> None:
    assert correlation.correlate(np.array([white(30), white(30)]), 24, seed=0) == []
    assert correlation.correlate(np.zeros((0, 100)), 24, seed=0) == []


def test_an_impact_has_its_effect_within_its_interval() -> None:
    values = 100 + 5 * white(104)
    values[90:] += 12
    finding = impact.impact(values[:90], values[90:])
    told = finding.statistics
    assert told["effect_lower"] < 12 < told["effect_upper"]
    assert told["cumulative"] == pytest.approx(14 * finding.effect)
    assert finding.p_value < 0.001
    assert (finding.start, finding.end) == (90, 104)
    assert finding.relative == pytest.approx(0.12, abs=0.04)
    assert len(finding.expected) == len(finding.lower) == len(finding.upper) == 104
    assert np.isnan(finding.expected[:90]).all()


def test_nothing_that_happened_is_no_impact() -> None:
    p_values = [impact.impact(*np.split(wandering(104, seed), [90]), seed=seed).p_value for seed in range(40)]
    assert sum(p <= 0.05 for p in p_values) <= 6


def test_a_weekend_after_an_instant_is_no_impact() -> None:
    days = np.arange(70)
    values = 50 - 20 * (days % 7 >= 5) + white(70)
    assert impact.impact(values[:68], values[68:], season=7).p_value > 0.05
    assert impact.impact(values[:68], values[68:] - 20, season=7).p_value < 0.05


def test_an_impact_on_what_never_changed_is_told_as_found() -> None:
    finding = impact.impact(np.full(30, 5.0), np.full(10, 6.0))
    assert finding.effect == pytest.approx(1.0)
    assert finding.p_value < 0.05
    assert impact.impact(np.zeros(30), np.zeros(10)).p_value == 1.0


def test_the_forest_finds_a_burst_but_no_chance() -> None:
    values = 100 + 5 * white(400)
    values[250:253] += 120
    [found] = forest.search(values)
    assert found.start <= 250
    assert found.end >= 253
    assert found.direction == pb.DIRECTION_UP
    assert forest.search(values)[0].p_value == found.p_value
    assert forest.search(100 + 5 * white(400, 1)) == []


SEARCHES: dict[str, Callable[[np.ndarray], object]] = {
    "trend": trend.trend,
    "impact": lambda values: impact.impact(values, np.ones(3)),
    "forest": forest.search,
}


@pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)
def test_what_is_missing_is_said(search: Callable[[np.ndarray], object]) -> None:
    for values, reason in (
        (np.zeros(0), "SERIES_EMPTY"),
        (np.full(99, np.nan), "SERIES_EMPTY"),
        (np.ones(1), "SERIES_TOO_SHORT"),
        (np.arange(12.0), "SERIES_TOO_SHORT"),
    ):
        with pytest.raises(Missing) as missing:
            search(values)
        assert missing.value.reason == reason
    for steady in (trend.trend, forest.search):
        with pytest.raises(Missing) as missing:
            steady(np.full(99, 4.0))
        assert missing.value.reason == "SERIES_CONSTANT"
    with pytest.raises(Missing) as missing:
        impact.impact(white(50), np.full(3, np.nan))
    assert missing.value.reason == "SERIES_EMPTY"
    with pytest.raises(Missing):
        impact.impact(white(25), white(50))


@pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)
@pytest.mark.parametrize(
    "values",
    [
        1e300 * white(120),
        np.where(np.arange(120) == 60, 1e300, white(120)),
        np.where(np.arange(120) % 3, white(120), np.nan),
        np.random.default_rng(0).standard_cauchy(120),
        -np.exp(3 * white(120)),
        (np.arange(120) == 60).astype(float),
        np.append(0.0, np.full(119, 1e9)),
        np.where(np.arange(120) == 60, np.inf, white(120)),
    ],
    ids=["huge", "one huge", "gaps", "heavy", "negative", "rare", "step at start", "infinite"],
)
def test_odd_series_are_searched(search: Callable[[np.ndarray], object], values: np.ndarray) -> None:
    found = search(values)
    for each in found if isinstance(found, list) else [found]:
        assert each is None or (0 < each.p_value <= 1 and math.isfinite(each.effect))


def test_odd_series_correlate_with_nothing() -> None:
    odd = [
        np.full(120, np.nan),
        np.full(120, 2.0),
        1e300 * white(120, 1),
        np.random.default_rng(2).standard_cauchy(120),
    ]
    assert all(each.p_value > 1e-3 for each in correlation.correlate(np.array(odd), 5, seed=0))
