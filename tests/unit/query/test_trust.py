import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.calendar import Span
from services.query.state import Facts
from services.query.trust import Origin, completeness, metadata

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
FACTS = Facts(NOON, (1, 2), (1, 2), NOON - HOUR, totals=(400, 600), received_hour=300)


def test_behind_the_watermark_an_answer_is_complete() -> None:
    assert completeness(Span(NOON - 3 * HOUR, NOON - HOUR), FACTS, 10**6) == 1


def test_ahead_of_the_watermark_what_is_in_flight_is_missing() -> None:
    assert completeness(Span(NOON - HOUR, NOON), FACTS, 100) == pytest.approx(300 / 400)
    assert completeness(Span(NOON - HOUR / 2, NOON + HOUR), FACTS, 100) == pytest.approx(150 / 250)
    assert completeness(Span(NOON - 1000 * HOUR, NOON), FACTS, 100) == pytest.approx(1000 / 1100)
    assert completeness(Span(NOON - HOUR, NOON), FACTS, 0) == 1


def test_without_a_watermark_nothing_is_settled() -> None:
    assert completeness(Span(NOON - 3 * HOUR, NOON - HOUR), replace(FACTS, watermark=None), 100) < 1


@given(
    st.integers(-5, 5),
    st.integers(1, 100),
    st.integers(-10, 10**9),
    st.integers(0, 10**9),
    st.integers(0, 10**9),
)
def test_completeness_is_a_share(start: int, length: int, in_flight: int, received: int, hour: int) -> None:
    facts = replace(FACTS, totals=(received,), received_hour=hour)
    assert 0 <= completeness(Span(NOON + start * HOUR, NOON + (start + length) * HOUR), facts, in_flight) <= 1


def test_the_same_data_has_the_same_version() -> None:
    assert FACTS.version == replace(FACTS, at=NOON + HOUR).version
    assert FACTS.version == replace(FACTS, versions=(7, 7)).version, "another project was committed to"
    assert FACTS.version != replace(FACTS, totals=(401, 600)).version
    found = metadata(Span(NOON - HOUR, NOON), FACTS, 0, 0.25, "id", Origin(notes=("mind this",)))
    assert (found.source, found.notes, found.answered_at.ToDatetime(UTC)) == (1, ["mind this"], NOON)
    assert (found.data_version, found.query_id, found.error_bound) == (FACTS.version, "id", 0)
    assert found.elapsed.ToMilliseconds() == 250
    assert found.time_range.start.ToDatetime(UTC) == NOON - HOUR
    assert found.watermark.ToDatetime(UTC) == NOON - HOUR


def test_an_answer_of_a_replica_says_how_far_that_was_behind() -> None:
    span, origin = Span(NOON - HOUR, NOON), Origin()
    assert not metadata(span, FACTS, 0, 0.0, "id", origin).HasField("replica_behind")
    there = metadata(span, replace(FACTS, behind=0.25), 0, 0.0, "id", origin)
    assert there.replica_behind.ToMilliseconds() == 250
    assert (there.data_version, there.as_of) == (
        FACTS.version,
        metadata(span, FACTS, 0, 0.0, "id", origin).as_of,
    )


def test_completeness_is_unknown_without_the_log_but_for_what_is_settled() -> None:
    assert math.isnan(completeness(Span(NOON - HOUR, NOON), FACTS, None))
    assert completeness(Span(NOON - 3 * HOUR, NOON - HOUR), FACTS, None) == 1
