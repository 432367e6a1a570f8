from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.errors import Invalid
from services.query.cohorts.rule import people, read, scan
from tests.unit.query.behaviour.happening import (
    BERLIN,
    NOON,
    Event,
    by_user,
    happened,
    histories,
    step,
    table,
)
from tidemark.v1 import cohort_pb2 as pb

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def did(name: str, minutes: tuple[int, int] = (0, 60), **others) -> pb.CohortCondition:
    found = pb.CohortCondition(did=step(name), **others)
    found.time_range.start.FromDatetime(NOON + minutes[0] * MINUTE)
    found.time_range.end.FromDatetime(NOON + minutes[1] * MINUTE)
    return found


def members(*conditions: pb.CohortCondition, events: list[Event], either: bool = False) -> tuple[str, ...]:
    rule = read(pb.CohortRule(conditions=conditions, any=either), BERLIN, NOON, "rule")
    return people(rule, table(scan(rule), events))


EVENTS = happened(
    (0, "a"), (1, "a"), (2, "b"), (3, "a", "bob"), (70, "b", "bob"), (4, "b", "cat"), (9, "c", "dan")
)


def test_conditions_are_joined_by_and_or_by_or() -> None:
    assert members(did("a"), did("b"), events=EVENTS) == ("ann",)
    assert members(did("a"), did("b"), events=EVENTS, either=True) == ("ann", "bob", "cat")


def test_what_was_done_is_counted() -> None:
    assert members(did("a", at_least=2), events=EVENTS) == ("ann",)
    assert members(did("a", at_most=1), events=EVENTS) == ("bob",)
    assert members(did("a", at_least=1, at_most=2), events=EVENTS) == ("ann", "bob")


def test_who_did_not_is_told_among_those_who_did() -> None:
    assert members(did("a"), did("b", negated=True), events=EVENTS) == ("bob",)
    assert members(did("a"), did("a", at_least=2, negated=True), events=EVENTS) == ("bob",)


def test_each_condition_has_its_own_time() -> None:
    assert members(did("a"), did("b", (65, 75)), events=EVENTS) == ("bob",)


def test_relative_ranges_move_on_with_the_clock() -> None:
    rule = pb.CohortRule(conditions=[pb.CohortCondition(did=step("a"))])
    rule.conditions[0].time_range.last.FromTimedelta(DAY)
    found = [read(rule, BERLIN, now, "rule").deeds[0].span.start for now in (NOON, NOON + MINUTE)]
    assert found == [NOON - DAY, NOON - DAY + MINUTE]


def test_nobody_is_a_member_where_nothing_happened() -> None:
    assert members(did("a"), events=[]) == ()


CONDITIONS = st.builds(
    did,
    st.sampled_from(["a", "b", ""]),
    st.sampled_from([(0, 20), (10, 30), (0, 41)]),
    at_least=st.integers(0, 2),
    at_most=st.sampled_from([0, 2, 3]),
    negated=st.booleans(),
)


@given(histories(), st.lists(CONDITIONS, min_size=1, max_size=3), st.booleans())
def test_it_is_what_counting_one_by_one_finds(
    events: list[Event], conditions: list[pb.CohortCondition], any_: bool
) -> None:
    conditions[0].negated = False
    for each in conditions:
        each.negated &= not any_
    expected = []
    for user, theirs in by_user(events).items():
        met = []
        for each in conditions:
            span = each.time_range
            start, end = (moment.ToDatetime(NOON.tzinfo) for moment in (span.start, span.end))
            times = sum(each.did.name in ("", event.name) and start <= event.at < end for event in theirs)
            met.append(((each.at_least or 1) <= times <= (each.at_most or 99)) != each.negated)
        if any(met) if any_ else all(met):
            expected.append(user)
    assert list(members(*conditions, events=events, either=any_)) == expected


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (pb.CohortRule(), "conditions"),
        (pb.CohortRule(conditions=[did("a")] * 21), "conditions"),
        (pb.CohortRule(conditions=[did("a", negated=True)]), "conditions"),
        (pb.CohortRule(conditions=[did("a"), did("b", negated=True)], any=True), "conditions[1].negated"),
        (pb.CohortRule(conditions=[did("a", at_least=-1)]), "conditions[0].at_least"),
        (pb.CohortRule(conditions=[did("a", at_least=3, at_most=2)]), "conditions[0].at_most"),
        (pb.CohortRule(conditions=[did("a\0")]), "conditions[0].did.name"),
        (pb.CohortRule(conditions=[pb.CohortCondition(did=step("a"))]), "conditions[0].time_range"),
    ],
)
def test_what_is_wrong_is_named(rule: pb.CohortRule, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(rule, BERLIN, NOON, "rule")
    assert caught.value.field == f"rule.{field}"


def test_cohorts_do_not_rest_on_others() -> None:
    nested = did("a")
    nested.did.filter.all.filters.add().cohort = "projects/p/cohorts/buyers"
    with pytest.raises(Invalid, match="cohorts cannot rest on others"):
        read(pb.CohortRule(conditions=[nested]), BERLIN, datetime(2026, 3, 2, tzinfo=BERLIN), "rule")
