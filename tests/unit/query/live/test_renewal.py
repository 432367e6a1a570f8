from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.kit.calendar import Span
from services.query.live.renewal import Slots, carried, inhabited, latest, narrowed, newest, renewed, touched
from services.query.part import Part
from services.query.shape import Reading
from tests.unit.query.live.answers import HOUR, LATER, NOON, happened, planned
from tidemark.v1 import question_pb2 as q


def now(*slots: int) -> Slots:
    return Slots(frozenset(slots))


def test_touched_buckets_are_those_of_this_period_and_of_the_one_before() -> None:
    inside, before = Span(NOON + HOUR, NOON + HOUR + timedelta(minutes=1)), Span(NOON - 2 * HOUR, NOON - HOUR)
    assert touched(planned(), [inside, before]) == now(1)
    both = touched(planned(compare=q.COMPARE_PREVIOUS_PERIOD), [inside, before])
    assert both == Slots(frozenset({1}), frozenset({2}))
    assert not touched(planned(), [Span(NOON - HOUR, NOON), Span(NOON + 4 * HOUR, LATER)])


def test_only_what_was_touched_is_read() -> None:
    compared = planned(compare=q.COMPARE_PREVIOUS_PERIOD)
    found = narrowed(compared, now(1))
    assert [tile.spans for scan in found.scans for tile in scan.tiles] == [
        (Span(NOON + HOUR, NOON + 2 * HOUR),)
    ]
    assert [scan.tiles for scan in found.earlier] == [()]


def test_renewed_buckets_replace_the_old_and_vanish_with_their_rows() -> None:
    counts = {(0, 0): {0: Part(count=1), 1: Part(count=2)}, (0, None): {1: Part(count=9)}}
    old = Reading(cells=counts, earlier={(0, 0): {1: Part(count=4)}})
    found = renewed(old, Reading(cells={(0, 0): {2: Part(count=5)}}), now(1, 2))
    assert found.cells == {(0, 0): {0: Part(count=1), 2: Part(count=5)}}
    assert found.earlier == old.earlier
    assert old.cells[0, 0][1] == Part(count=2)


@given(st.integers(0, 6), st.integers(1, 8), st.integers(1, 8))
def test_a_range_that_moves_on_keeps_the_buckets_it_shares(moved: int, before: int, after: int) -> None:
    old, new = planned(NOON, before), planned(NOON + moved * HOUR, after)
    reading = Reading(cells={(0, 0): {slot: Part(count=slot + 1) for slot in range(before)}})
    found = carried(old, reading, new)
    assert found is not None
    kept, missing = found
    shared = range(moved, min(before, moved + after))
    assert kept.cells == ({(0, 0): {s - moved: Part(count=s + 1) for s in shared}} if shared else {})
    assert missing == now(*(slot for slot in range(after) if slot + moved not in shared))


def test_a_range_compared_keeps_what_it_shares_in_each_period() -> None:
    old, new = (planned(NOON + hours * HOUR, compare=q.COMPARE_PREVIOUS_PERIOD) for hours in (0, 1))
    earlier = {(0, 0): {0: Part(count=7), 1: Part(count=8)}}
    found = carried(old, Reading(cells={(0, 0): {3: Part(count=1)}}, earlier=earlier), new)
    assert found is not None
    assert found[0].cells == {(0, 0): {2: Part(count=1)}}
    assert found[0].earlier == {(0, 0): {0: Part(count=8)}}
    assert found[1] == Slots(frozenset({3}), frozenset({3}))


def test_another_question_keeps_nothing() -> None:
    assert carried(planned(), Reading(), planned(group_by=["name"])) is None


def test_groups_of_which_nothing_is_left_are_shown_no_more() -> None:
    reading = Reading((("a",), ("b",)), {(0, 1): {0: Part(count=1)}, (0, None): {0: Part(count=2)}})
    found = inhabited(reading)
    assert found.groups == (("b",),)
    assert found.cells == {(0, 0): {0: Part(count=1)}, (0, None): {0: Part(count=2)}}
    assert inhabited(found) is found


def test_the_newest_events_of_the_span_come_newest_first() -> None:
    found = newest([happened(i, i + 10) for i in (3, -1, 7, 5)], Span(NOON, LATER), 2)
    assert [e.event.event_id[0] for e in found] == [17, 15]


def test_no_answer_is_too_large_to_send() -> None:
    large = [happened(i, i) for i in range(5)]
    for event in large:
        event.event.properties_json = b"x" * 1_100_000
    assert len(newest(large, Span(NOON, LATER), 100)) == 3
    assert [number for number, _ in latest(tuple(enumerate(large)), 100)] == [2, 3, 4]
    assert [number for number, _ in latest(tuple(enumerate(large)), 2)] == [3, 4]
