import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.query.behaviour.happening import (
    LATER,
    MINUTE,
    NOON,
    Event,
    answered,
    by_user,
    happened,
    histories,
    question,
    step,
)
from tidemark.v1 import question_pb2 as q


def asked(names: str, window: int = 10, group_by: str = "", top: int = 0) -> q.Query:
    funnel = q.FunnelQuestion(
        steps=[step("" if name == "*" else name) for name in names], group_by=group_by, top=top
    )
    funnel.window.FromTimedelta(window * MINUTE)
    return q.Query(funnel=funnel)


def run(names: str, events: Sequence[Event], minutes: int = 30, now=LATER, **others):
    return answered(question(asked(names, **others), NOON, NOON + minutes * MINUTE), events, now)


def people(group: q.FunnelGroup) -> list[int]:
    return [each.people for each in group.steps]


def test_steps_are_done_in_order_and_each_person_counts_once() -> None:
    events = happened(
        (0, "a"), (1, "b"), (2, "c"), (3, "a"),
        (0, "a", "bob"), (2, "c", "bob"),
        (0, "b", "cat"), (1, "a", "cat"),
    )  # fmt: skip
    [group] = run("abc", events)[0].groups
    assert people(group) == [3, 1, 1]
    assert [each.of_first for each in group.steps] == [1, 1 / 3, 1 / 3]
    assert [each.of_previous for each in group.steps] == [1, 1 / 3, 1]
    assert group.all
    assert not group.other


def test_of_two_events_in_one_instant_the_one_with_the_greater_id_follows() -> None:
    first, second = Event(NOON, 1, "a"), Event(NOON, 2, "b")
    assert people(run("ab", [first, second])[0].groups[0]) == [1, 1]
    assert people(run("ba", [first, second])[0].groups[0]) == [1, 0]


def test_the_same_step_twice_needs_two_events() -> None:
    assert people(run("aa", happened((0, "a")))[0].groups[0]) == [1, 0]
    assert people(run("aa", happened((0, "a"), (0, "a")))[0].groups[0]) == [1, 1]


def test_steps_may_follow_beyond_the_range_until_the_window_ends() -> None:
    events = happened((29, "a"), (38, "b"), (39, "c"), (40, "c"))
    assert people(run("abc", events, window=10)[0].groups[0]) == [1, 1, 1]
    assert people(run("abc", events, window=9)[0].groups[0]) == [1, 1, 0]
    assert people(run("abc", happened((30, "a"), (31, "b"), (32, "c")))[0].groups[0]) == [0, 0, 0]


def test_a_later_attempt_counts_where_it_goes_further() -> None:
    events = happened((0, "a"), (1, "b"), (20, "a"), (21, "b"), (22, "c"))
    [group] = run("abc", events)[0].groups
    assert people(group) == [1, 1, 1]
    assert group.time_to_convert.median.ToTimedelta() == 2 * MINUTE


def test_of_equal_attempts_the_earliest_counts() -> None:
    [group] = run("ab", happened((0, "a"), (5, "a"), (6, "b")))[0].groups
    assert group.steps[1].median_time.ToTimedelta() == 6 * MINUTE


def test_times_are_those_between_steps_of_who_came() -> None:
    events = happened((0, "a"), (1, "b"), (0, "a", "bob"), (4, "b", "bob"), (0, "a", "cat"))
    [group] = run("ab", events)[0].groups
    assert not group.steps[0].HasField("median_time")
    assert group.steps[1].median_time.ToTimedelta() == timedelta(minutes=2.5)
    assert group.steps[1].mean_time.ToTimedelta() == timedelta(minutes=2.5)
    assert sum(group.time_to_convert.people) == 2
    assert len(group.time_to_convert.edges) == len(group.time_to_convert.people) + 1
    assert list(group.time_to_convert.edges[:2]) == [0, 30]


def test_groups_are_as_at_the_first_step_the_largest_first_and_the_rest_together() -> None:
    events = [
        *happened((0, "a", "u1"), (0, "a", "u2"), (1, "b", "u2"), plan="free"),
        *happened((0, "a", "u3"), plan="paid"),
        *happened((2, "b", "u3"), plan="free"),
        *happened((0, "a", "u4"), plan="trial"),
        *happened((0, "a", "u5"), (0, "a", "u6"), (0, "a", "u7")),
    ]
    events = [Event(each.at, i, each.name, each.user, None, each.plan) for i, each in enumerate(events)]
    found = run("ab", events, group_by="properties.plan", top=2)[0].groups
    assert [(each.group, each.all, each.other, people(each)) for each in found] == [
        ("", True, False, [7, 2]),
        ("", False, False, [3, 0]),
        ("free", False, False, [2, 1]),
        ("", False, True, [2, 1]),
    ]


def test_types_are_named() -> None:
    found = run("ab", happened((0, "a")), group_by="type")[0].groups
    assert [each.group for each in found] == ["", "USER_ACTION"]


def test_nobody_is_no_division_by_zero() -> None:
    [group] = run("ab", [])[0].groups
    assert people(group) == [0, 0]
    assert math.isnan(group.steps[1].of_first)
    assert not group.HasField("time_to_convert")


def test_steps_are_called_as_asked() -> None:
    funnel = q.FunnelQuestion(steps=[step("a", display_name="Visit"), step("b"), step()])
    [group] = answered(question(q.Query(funnel=funnel), NOON, LATER), [])[0].groups
    assert [each.display_name for each in group.steps] == ["Visit", "b", "any event"]


def test_people_whose_window_has_not_ended_are_told() -> None:
    events = happened((0, "a"), (1, "b"), (8, "a", "bob"), (8, "a", "cat"), (9, "b", "cat"), (0, "a", "dan"))
    assert run("ab", events, now=NOON + 15 * MINUTE)[1] == (
        "the window of 25 % of the people has not ended yet",
    )
    assert run("ab", events, now=NOON + 18 * MINUTE)[1] == ()


def furthest(theirs: Sequence[Event], names: str, start: int, window: timedelta) -> int:
    """How many steps can be come to from an event, by trying every way."""

    def reach(last: int, step: int) -> int:
        if step == len(names):
            return step
        ways = [
            reach(i, step + 1)
            for i in range(last + 1, len(theirs))
            if theirs[i].at - theirs[start].at <= window and names[step] in ("*", theirs[i].name)
        ]
        return max([step, *ways])

    return reach(start, 1)


def greedy(theirs: Sequence[Event], names: str, start: int, steps: int) -> list[Event]:
    """The events of an attempt, each as soon as possible."""
    came, place = [theirs[start]], start
    for name in names[1:steps]:
        place = next(i for i in range(place + 1, len(theirs)) if name in ("*", theirs[i].name))
        came.append(theirs[place])
    return came


def attempts(
    events: Sequence[Event], names: str, minutes: tuple[int, int], window: timedelta
) -> list[list[Event]]:
    """The attempt of each person that counts."""
    found = []
    for theirs in by_user(events).values():
        best: list[Event] = []
        for i, event in enumerate(theirs):
            if names[0] in ("*", event.name) and minutes[0] * MINUTE <= event.at - NOON < minutes[1] * MINUTE:
                steps = furthest(theirs, names, i, window)
                if steps > len(best):
                    best = greedy(theirs, names, i, steps)
        if best:
            found.append(best)
    return found


@given(histories(), st.text("abc*", min_size=2, max_size=4), st.integers(1, 15), st.integers(1, 3))
def test_it_is_what_trying_every_way_finds(events: list[Event], names: str, window: int, top: int) -> None:
    span = question(asked(names, window, "properties.plan", top), NOON + 5 * MINUTE, NOON + 25 * MINUTE)
    found = answered(span, events)[0].groups
    expected = attempts(events, names, (5, 25), window * MINUTE)
    check(found[0], expected, len(names))
    plans: dict[str, list[list[Event]]] = defaultdict(list)
    for each in expected:
        plans[each[0].plan or ""].append(each)
    shown = sorted(plans, key=lambda plan: (-len(plans[plan]), plan))
    assert [each.group for each in found[1:] if not each.other] == shown[:top]
    for group, plan in zip(found[1:], shown[:top]):
        check(group, plans[plan], len(names))
    rest = [each for plan in shown[top:] for each in plans[plan]]
    assert found[-1].other == bool(rest)
    if rest:
        check(found[-1], rest, len(names))


def check(group: q.FunnelGroup, expected: list[list[Event]], steps: int) -> None:
    assert people(group) == [sum(len(each) > step for each in expected) for step in range(steps)]
    for i in range(1, steps):
        taken = [(each[i].at - each[i - 1].at).total_seconds() for each in expected if len(each) > i]
        assert group.steps[i].HasField("median_time") == bool(taken)
        if taken:
            assert group.steps[i].median_time.ToTimedelta().total_seconds() == np.median(taken)
            assert math.isclose(
                group.steps[i].mean_time.ToTimedelta().total_seconds(), float(np.mean(taken)), abs_tol=1e-5
            )
    whole = [(each[-1].at - each[0].at).total_seconds() for each in expected if len(each) == steps]
    convert = group.time_to_convert
    assert sum(convert.people) == len(whole)
    for low, high, count in zip(convert.edges, convert.edges[1:], convert.people):
        assert count == sum(low <= each < high for each in whole)
