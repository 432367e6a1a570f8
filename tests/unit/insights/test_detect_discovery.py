"""The share of false findings, and how sure what is left is."""

import numpy as np
import pytest

from services.insights.detect import discovery
from services.insights.detect.confidence import confidence
from services.insights.detect.discovery import Day, held


def test_the_step_up_of_benjamini_and_hochberg() -> None:
    p_values = np.array([0.039, 0.001, 0.008, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216])
    q_values, kept = held(p_values, 0.05)
    assert kept.tolist() == [False, True, True] + [False] * 7
    assert q_values[1] == pytest.approx(0.01)
    assert q_values[2] == pytest.approx(0.04)
    assert q_values[0] == q_values[3] == q_values[4] == pytest.approx(0.084)


def test_tests_that_found_nothing_count_too() -> None:
    assert held(np.array([0.02]), 0.05)[1].tolist() == [True]
    assert held(np.array([0.02]), 0.05, count=3)[1].tolist() == [False]


def test_tests_that_depend_on_each_other_cost_more() -> None:
    q_values, _ = held(np.array([0.01, 0.5]), 0.1, dependent=True)
    assert q_values[0] == pytest.approx(0.01 * 2 * 1.5)


def test_nothing_looked_at_is_nothing_found() -> None:
    q_values, kept = held(np.zeros(0))
    assert (len(q_values), len(kept)) == (0, 0)
    assert held(np.array([np.nan]))[1].tolist() == [False]


def test_of_chance_alone_no_more_is_told_than_stated() -> None:
    chance = np.random.default_rng(0)
    told = [held(chance.random(200), 0.1)[1].any() for _ in range(400)]
    assert np.mean(told) <= 0.13
    days = []
    for _ in range(400):
        day = Day(200)
        days.append(any(day.tells(p) for p in chance.random(200).tolist()))
    assert np.mean(days) <= 0.13


def test_a_day_allows_more_after_each_true_finding() -> None:
    day = Day(planned=1_000)
    assert day.limit() == pytest.approx(1e-4)
    assert not day.tells(2e-4)
    assert day.q_value(2e-4) == pytest.approx(0.2)
    assert day.tells(1e-5)
    assert day.tells(2e-4)
    assert day.told == 2
    assert Day(0).limit() == discovery.RATE


def test_confidence_is_not_one_minus_p() -> None:
    assert confidence(0.05) == pytest.approx(0.711, abs=0.001)
    assert confidence(0.01) == pytest.approx(0.889, abs=0.001)
    assert confidence(0.9) == 0.5
    assert confidence(float("nan")) == 0.5
    assert confidence(0.0) == 0.99
    falling = [confidence(q) for q in np.linspace(0.001, 1, 200)]
    assert falling == sorted(falling, reverse=True)


def test_what_people_say_moves_confidence() -> None:
    assert confidence(0.05, true=10) > confidence(0.05) > confidence(0.05, false=10)
    assert confidence(0.05, true=3, false=3) == confidence(0.05)
    assert confidence(1.0, false=10_000) == 0.01
