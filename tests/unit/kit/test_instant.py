"""Instants as numbers and back."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.instant import at, us_of


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_survives_the_way_there_and_back(instant: datetime) -> None:
    assert at(us_of(instant)) == instant


def test_an_instant_counts_in_utc_whatever_its_zone() -> None:
    here = datetime(1970, 1, 1, 2, 0, 0, 1, tzinfo=timezone(timedelta(hours=2)))
    assert us_of(here) == 1


@pytest.mark.parametrize("us", [2**62, -(2**62)])
def test_an_instant_beyond_the_calendar_is_an_overflow(us: int) -> None:
    with pytest.raises(OverflowError):
        at(us)
