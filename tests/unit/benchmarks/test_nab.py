"""NAB's scoring, on files small enough to be scored by hand."""

import numpy as np
import pytest

from benchmarks import nab


def labelled(count: int = 1_000, *windows: tuple[int, int]) -> nab.Labelled:
    starts = np.datetime64("2024-01-01", "us") + np.arange(count) * np.timedelta64(5, "m")
    return nab.Labelled("a.csv", starts, np.zeros(count), windows)


def alarms(*rows: int, count: int = 1_000) -> dict[str, np.ndarray]:
    scores = np.zeros(count)
    scores[list(rows)] = 1.0
    return {"a.csv": scores}


FILE = labelled(1_000, (500, 599))


def test_the_first_row_of_a_window_is_worth_everything() -> None:
    assert nab.standard([FILE], alarms(500)) == (pytest.approx(100), 1.0)


def test_later_is_worth_less_and_only_the_first_counts() -> None:
    middle = nab.standard([FILE], alarms(550))[0]
    assert 90 < middle < 100
    assert nab.standard([FILE], alarms(550, 560, 599))[0] == pytest.approx(middle)
    assert nab.standard([FILE], alarms(599))[0] < middle


def test_nothing_found_is_worth_nothing() -> None:
    assert nab.standard([FILE], {"a.csv": np.zeros(1_000)})[0] == 0.0


def test_a_false_alarm_costs_and_one_before_the_probation_does_not() -> None:
    assert nab.standard([FILE], alarms(300, 500))[0] == pytest.approx(100 - 100 * nab.FALSE_ALARM / 2)
    assert nab.standard([FILE], alarms(149, 500))[0] == pytest.approx(100)


def test_right_behind_a_window_costs_less_than_far_behind() -> None:
    near, far = nab.standard([FILE], alarms(500, 605))[0], nab.standard([FILE], alarms(500, 950))[0]
    assert 100 > near > far


def test_one_threshold_is_chosen_for_all_files() -> None:
    scores = {"a.csv": np.zeros(1_000)}
    scores["a.csv"][[300, 310, 320]] = 0.5
    scores["a.csv"][500] = 0.9
    assert nab.standard([FILE], scores) == (pytest.approx(100), 0.9)


def test_the_probation_has_an_end() -> None:
    assert labelled(1_000).probation == 150
    assert labelled(20_000).probation == nab.MOST_PROBATION
