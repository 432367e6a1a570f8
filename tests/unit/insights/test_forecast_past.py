"""What can be learnt from of a series, and what it misses."""

import numpy as np
import pytest

from services.insights.forecast import past
from services.insights.series import Missing

NAN = np.nan


def test_the_unfinished_last_bucket_is_left_out() -> None:
    found = past.of("orders", np.array([4.0, 5, 6, 1]), 3)
    np.testing.assert_array_equal(found.values, [4, 5, 6])
    assert found.notes == ("the last bucket is not finished and was left out",)


def test_a_series_begins_with_its_first_count() -> None:
    found = past.of("orders", np.array([0.0, 0, 3, 0, 4, 5]), 6)
    np.testing.assert_array_equal(found.values, [3, 0, 4, 5])
    assert "begins 2 buckets after" in found.notes[0]


def test_gaps_are_filled_on_the_line_and_told() -> None:
    found = past.of("latency", np.array([1.0, NAN, 3, 4, np.inf, 6]), 6)
    np.testing.assert_array_equal(found.values, [1, 2, 3, 4, 5, 6])
    assert np.isnan(found.known[[1, 4]]).all()
    assert found.notes == ("2 buckets without a value were filled on the line between their neighbours",)


def test_silence_at_the_end_is_told() -> None:
    found = past.of("latency", np.array([1.0, 2, 3, 4, NAN]), 5)
    assert found.values[-1] == 4
    assert found.notes == ("has had no value for the last 1 buckets; the value before was taken",)


def test_nothing_but_zero_is_a_series() -> None:
    np.testing.assert_array_equal(past.of("orders", np.zeros(5), 5).values, np.zeros(5))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([], "SERIES_EMPTY"),
        ([NAN, NAN, NAN, NAN], "SERIES_EMPTY"),
        ([NAN, 1, 2], "SERIES_TOO_SHORT"),
        ([1, 2], "SERIES_TOO_SHORT"),
        ([1, *[NAN] * 20, 2, 3], "SERIES_CONSTANT_GAP"),
    ],
)
def test_what_is_missing_is_said(values: list[float], reason: str) -> None:
    with pytest.raises(Missing) as missing:
        past.of("orders", np.array(values, dtype=float), len(values))
    assert missing.value.reason == reason
    assert "orders" in str(missing.value)
