"""What commits make of the results of a window, whatever their order and however they are cut."""

import math
import random
from collections import defaultdict
from itertools import pairwise

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.windows.result import Result
from services.ingest.windows.row import rows
from services.kit.window import value
from tests.ingesting import NOW_US
from tests.windowing import (
    ALL,
    SECOND_US,
    Happened,
    Kept,
    aggregate,
    hopping,
    lasting,
    sessions,
    tumbling,
)
from tidemark.v1 import window_pb2 as pb

EVENTS = st.lists(
    st.builds(
        Happened,
        at=st.integers(0, 200),
        user=st.sampled_from(["ann", "bob", None]),
        partition=st.integers(0, 2),
        properties=st.fixed_dictionaries({}, optional={"n": st.integers(-50, 50)}),
    ),
    min_size=1,
    max_size=40,
)


def values(kept: Kept, result: Result) -> list[float]:
    parts = result.parts or ()
    return [value(each, part, result.count) for each, part in zip(kept.definition.window.aggregates, parts)]


def shown(kept: Kept) -> list[tuple[object, ...]]:
    """All that is kept, as it can be compared."""
    return [
        (each.key, each.start_us, each.end_us, each.count, each.late, each.dropped, str(values(kept, each)))
        for each in kept.merged()
    ]


def naive(window: pb.Window, events: list[Happened]) -> dict[tuple[object, ...], list[Happened]]:
    """The events of each window, found one by one."""
    found: defaultdict[tuple[object, ...], list[Happened]] = defaultdict(list)
    if window.HasField("session"):
        gap = window.session.gap.seconds
        for user in {each.user or "" for each in events}:
            mine = sorted((each for each in events if (each.user or "") == user), key=lambda each: each.at)
            start = mine[0].at
            for before, each in pairwise([mine[0], *mine]):
                if each.at - before.at >= gap:
                    start = each.at
                found[user, float(start)].append(each)
        return found
    size = window.tumbling.size.seconds or window.hopping.size.seconds
    every = window.hopping.every.seconds or size
    for each in events:
        for start in range(-size, 201, every):
            if start <= each.at < start + size:
                found[each.user or "", float(start)].append(each)
    return found


@pytest.mark.parametrize(
    "window",
    [
        tumbling(*ALL, key=["user_id"]),
        hopping(*ALL, key=["user_id"]),
        sessions(*ALL),
    ],
    ids=["tumbling", "hopping", "sessions"],
)
@given(events=EVENTS, seed=st.integers(0, 99), cuts=st.integers(1, 6))
@settings(max_examples=60)
def test_neither_order_nor_cuts_nor_partitions_make_a_difference(
    window: pb.Window, events: list[Happened], seed: int, cuts: int
) -> None:
    whole = Kept(window).commit(*events)
    shuffled = random.Random(seed).sample(events, len(events))
    pieces = Kept(window)
    for place in range(cuts):
        if piece := shuffled[place::cuts]:
            pieces.commit(*piece)
    assert shown(pieces) == shown(whole)
    expected = naive(window, events)
    assert whole.counts() == {place: len(found) for place, found in expected.items()}
    for result in whole.merged():
        numbers = [
            each.properties["n"]
            for each in expected[*result.key, (result.start_us - NOW_US) / SECOND_US]
            if "n" in each.properties
        ]
        count, total, mean, least, most, uniques, _ = values(whole, result)
        assert count == result.count
        if numbers:
            assert (total, least, most, uniques) == (
                sum(numbers), min(numbers), max(numbers), len(set(numbers)),
            )  # fmt: skip
            assert mean == pytest.approx(sum(numbers) / len(numbers))
        else:
            assert math.isnan(total)


@pytest.mark.parametrize(
    "window",
    [tumbling(key=["user_id"]), hopping(seconds=40, key=["user_id"]), sessions()],
    ids=["tumbling", "hopping", "sessions"],
)
@given(
    commits=st.lists(st.tuples(EVENTS, st.integers(-50, 250)), min_size=1, max_size=5),
    lateness=st.integers(0, 60),
)
@settings(max_examples=60)
def test_what_comes_late_is_counted_or_counted_as_dropped(
    window: pb.Window, commits: list[tuple[list[Happened], int]], lateness: int
) -> None:
    kept = Kept(lasting(window, lateness))
    watermark = -100
    for events, mark in commits:
        watermark = max(watermark, mark)
        kept.commit(*events, watermark=watermark)
    events = sum(len(events) for events, _ in commits)
    overlap = 2 if window.HasField("hopping") else 1
    found = kept.merged()
    assert sum(each.count + each.dropped for each in found) == events * overlap
    assert all(0 <= each.late <= each.count for each in found)


def test_a_late_event_restates_its_window_and_one_that_is_too_late_does_not() -> None:
    kept = Kept(lasting(tumbling(), 30))
    kept.commit(Happened(10), Happened(20))
    kept.commit(Happened(30), watermark=59)
    (on_time,) = kept.merged()
    assert (on_time.count, on_time.late, on_time.restated) == (3, 0, False)
    kept.commit(Happened(40), watermark=60)
    (late,) = kept.merged()
    assert (late.count, late.late, late.restated, late.dropped) == (4, 1, True, 0)
    kept.commit(Happened(50), watermark=90)
    (dropped,) = kept.merged()
    assert (dropped.count, dropped.late, dropped.dropped) == (4, 1, 1)


def test_a_window_of_which_everything_came_too_late_tells_so() -> None:
    kept = Kept(lasting(tumbling(*ALL), 0))
    kept.commit(Happened(10), watermark=1000)
    (found,) = kept.merged()
    assert (found.count, found.dropped, found.parts) == (0, 1, ())
    kept.commit(Happened(20), watermark=1000)
    assert [each.dropped for each in kept.merged()] == [2]


def test_only_events_of_its_names_count() -> None:
    kept = Kept(tumbling(event_names=["bought", "sold"]))
    kept.commit(Happened(1), Happened(2, name="bought"), Happened(3, name="sold"))
    assert kept.counts() == {(0.0,): 2}


def test_only_events_that_an_expression_is_true_of_count() -> None:
    kept = Kept(tumbling(when="properties.n > 1.0"))
    numbers = [{"n": 1.5}, {"n": 0.5}, {}, {"n": "text"}]
    kept.commit(*(Happened(1, properties=each) for each in numbers))
    assert kept.counts() == {(0.0,): 1}


def test_each_combination_of_values_has_windows_of_its_own() -> None:
    kept = Kept(tumbling(key=["user_id", "properties.plan"]))
    kept.commit(
        Happened(1, properties={"plan": "pro"}),
        Happened(2, properties={"plan": "pro"}),
        Happened(3, "bob", properties={"plan": "pro"}),
        Happened(4, None),
    )
    assert kept.counts() == {("ann", "pro", 0.0): 2, ("bob", "pro", 0.0): 1, ("", "", 0.0): 1}


def test_an_event_is_in_every_window_over_it() -> None:
    kept = Kept(hopping(seconds=60, every=20)).commit(Happened(45))
    assert kept.counts() == {(0.0,): 1, (20.0,): 1, (40.0,): 1}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(JSON, min_size=1, max_size=10))
@settings(max_examples=80)
def test_no_value_breaks_a_window(found: list[object]) -> None:
    window = tumbling(*ALL, key=["properties.n"])
    events = [Happened(1, properties={"n": each}) for each in found]
    kept = Kept(window).commit(*events)
    assert sum(each.count for each in kept.merged()) == len(events)
    for result in kept.merged():
        assert all(len(text) <= 200 for text in result.key)
        assert orjson.loads(rows(window, [result]))[0]["count"] == result.count


def test_a_sum_beyond_the_largest_double_is_infinite() -> None:
    kept = Kept(tumbling(aggregate("SUM", "properties.n")))
    kept.commit(*(Happened(1, properties={"n": 9e299}) for _ in range(10)))
    (found,) = kept.merged()
    assert values(kept, found)[0] == pytest.approx(9e300)
