from dataclasses import replace
from datetime import UTC

from hypothesis import given
from hypothesis import strategies as st

from services.query.live.answer import DELTA, SNAPSHOT, changed, content, delta, snapshot
from services.query.part import Part
from services.query.shape import Reading, result
from tests.unit.query.live.answers import (
    HOUR,
    LATER,
    NOON,
    answered,
    counted,
    events,
    happened,
    planned,
    series,
)
from tidemark.v1 import question_pb2 as q

COUNTS = st.lists(st.integers(0, 3), min_size=4, max_size=4)


@given(COUNTS, COUNTS)
def test_the_old_answer_with_its_changes_is_the_new_answer(old: list[int], new: list[int]) -> None:
    before, after = counted(*old), counted(*new)
    change = delta(before, after)
    shown = dict(zip((t.seconds for t in series(before).bucket_starts), old))
    if change is not None:
        assert change.kind == DELTA
        assert change.series.series[0].total == sum(new)
        shown |= dict(zip((t.seconds for t in change.series.bucket_starts), change.series.series[0].values))
    assert list(shown.values()) == new
    assert (change is None) == (old == new)


def test_a_change_is_found_once_for_all_who_follow() -> None:
    old, new = counted(1, 2), counted(1, 3)
    assert delta(old, new) is delta(old, new)
    assert delta(new, replace(new, facts=replace(new.facts, versions=(9, 9)))) is None


def test_a_range_that_moved_on_brings_its_new_buckets_and_its_total() -> None:
    old, new = counted(1, 2, 3), counted(2, 3, 0, start=NOON + HOUR)
    assert changed(series(old), series(new)) == [2]
    change = delta(old, new)
    assert change is not None
    assert [t.ToDatetime(UTC) for t in change.series.bucket_starts] == [NOON + 3 * HOUR]
    assert change.series.series[0].total == 5


def test_other_lines_bring_a_snapshot() -> None:
    grouped = planned(group_by=["name"])
    one, two = (
        answered(grouped.question, result(grouped, Reading(groups, {(0, 0): {0: Part(count=1)}}), LATER))
        for groups in ((("a",),), (("b",),))
    )
    assert one.lines != two.lines
    change = delta(one, two)
    assert change is not None
    assert change.kind == SNAPSHOT


def test_a_value_that_stays_unknown_is_no_change() -> None:
    how = planned(fill=q.FILL_NONE)
    one, two = (answered(how.question, result(how, Reading(), LATER)) for _ in range(2))
    assert delta(one, two) is None


def test_what_is_no_series_and_no_events_is_sent_whole_when_it_differs() -> None:
    def table(count: int) -> q.TableResult:
        return q.TableResult(rows=[q.TableRow(group=["a"], values=[count, float("nan")])])

    one, same, other = (answered(counted(1).question, table(count)) for count in (1, 1, 2))
    assert delta(one, same) is None
    change = delta(one, other)
    assert change is not None
    assert (change.kind, change.table.rows[0].values[0]) == (SNAPSHOT, 2)
    assert content(table(1)) == one.content


def test_only_events_that_arrived_since_are_sent() -> None:
    old = events()
    first, second, third = (replace(events(), number=old.number + i).number for i in (1, 2, 3))
    new = events(arrived=((old.number, happened(9, 1)), (second, happened(1, 2)), (third, happened(5, 3))))
    change = delta(old, new)
    assert change is not None
    assert [e.event.event_id[0] for e in change.events.events] == [3, 2]
    assert first > old.number
    assert delta(new, replace(new, number=new.number + 1, changes={})) is None


def test_a_snapshot_holds_all_of_an_answer() -> None:
    whole = snapshot(counted(1, 2))
    assert (whole.kind, list(whole.series.series[0].values)) == (SNAPSHOT, [1, 2])


def test_a_restated_window_is_a_change_though_its_value_is_the_same() -> None:
    def kept(*late: int) -> q.SeriesResult:
        shown = q.SeriesResult(series=[q.Series(measure_id="n", values=[5, 5], late_counts=late)])
        for hour in range(2):
            shown.bucket_starts.add().FromDatetime(NOON + hour * HOUR)
        return shown

    question = counted(1).question
    change = delta(answered(question, kept(0, 0)), answered(question, kept(0, 1)))
    assert change is not None
    assert (change.kind, list(change.series.series[0].late_counts)) == (DELTA, [1])
