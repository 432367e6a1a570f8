from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit import opaque
from services.kit.calendar import Span
from services.kit.errors import Invalid
from services.query.state import Facts, Until, name, read

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOW = Facts(NOON, (5, 6), (3, 4), NOON - HOUR, (400, 600), 300, removals=7, removed=2, project_id=9)

counts = st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=5).map(tuple)
instants = st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(
    st.builds(
        Facts, at=instants, versions=counts, batches=counts, watermark=st.none() | instants, totals=counts,
        received_hour=st.integers(0, 2**40), removals=st.integers(0, 2**40), removed=st.integers(0, 2**40),
        project_id=st.integers(1, 2**31 - 1),
    ),
    st.none() | st.integers(0, 2**40),
)  # fmt: skip
def test_a_name_tells_all_that_was_known_of_a_state(facts: Facts, in_flight: int | None) -> None:
    found = read(name(facts, in_flight), facts.project_id)
    assert found == replace(facts, in_flight=in_flight, passed=True)


def test_no_name_is_no_state() -> None:
    assert read("", 9) is None


def test_a_name_is_of_one_project() -> None:
    with pytest.raises(Invalid, match="names no state of this project's data"):
        read(name(NOW, 0), 8)


@given(st.text(max_size=40))
def test_no_other_text_names_a_state(text: str) -> None:
    if text:
        with pytest.raises(Invalid):
            read(text, 9)


@given(st.integers(0, 9), st.sampled_from([None, True, -1, 2**63, 1.5, "1", [], [None], [-1], {}, [[1]]]))
def test_no_changed_name_is_read_as_anything_else(place: int, value: object) -> None:
    told = orjson.loads(opaque.opened(name(NOW, 0)))
    told[place] = value
    try:
        found = read(opaque.sealed(orjson.dumps(told)), 9)
    except Invalid:
        return
    # Nobody knows a watermark, or what is in flight; and of versions or totals there may be none.
    assert (place in (2, 9) and value is None) or (place in (3, 5) and not value)
    assert found is not None


def test_a_state_of_later_is_none_of_ours() -> None:
    then = replace(NOW, passed=True)
    for later in (
        replace(then, at=NOON + HOUR),
        replace(then, batches=(3, 5)),
        replace(then, batches=(3, 4, 0)),
        replace(then, totals=(401, 600)),
        replace(then, removed=3),
    ):
        with pytest.raises(Invalid, match="has not come to"):
            NOW.since(later)
    assert NOW.since(then) == replace(then, told_at=NOON)


def test_a_state_from_which_rows_were_removed_has_another_version() -> None:
    then = replace(NOW, at=NOON - HOUR, totals=(400, 500), removals=6, removed=1, passed=True)
    assert NOW.since(then).gone == 1
    assert len({NOW.version, then.version, NOW.since(then).version}) == 3
    assert NOW.since(replace(NOW, passed=True)).version == NOW.version


def test_what_is_removed_is_no_news_and_what_comes_or_is_repaired_is() -> None:
    assert NOW.unchanged(replace(NOW, removed=1, removals=6))
    assert not NOW.unchanged(replace(NOW, removals=6))
    assert not NOW.unchanged(replace(NOW, totals=(400, 599)))


def test_batches_are_counted_where_something_changed() -> None:
    until = Until((3, 4), (Span(NOON, NOON + HOUR),))
    assert until.limit(Span(NOON - HOUR, NOON)) == ()
    assert until.limit(Span(NOON - HOUR, NOON + HOUR)) == (3, 4)
    assert replace(until, changed=None).limit(Span(NOON - HOUR, NOON)) == (3, 4)
