"""What becomes of slots that nothing could run at their time."""

from datetime import UTC, datetime, timedelta

from services.reports.schedules.slots import TOLD, WINDOW, Slot, judged
from tidemark.v1.schedule_pb2 import Schedule

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LAST, ALL, NONE = Schedule.CATCH_UP_UNSPECIFIED, Schedule.CATCH_UP_ALL, Schedule.CATCH_UP_NONE


def runs(slots: list[Slot]) -> list[float]:
    """How many hours ago those were that run."""
    return [(NOW - slot.at) / HOUR for slot in slots if not slot.left_out]


def test_a_slot_on_time_runs_whatever_the_policy() -> None:
    for policy in (LAST, ALL, NONE):
        assert runs(judged([NOW - timedelta(seconds=2)], policy, timedelta(0), NOW)) == [1 / 1800]


def test_of_missed_slots_the_last_runs_unless_all_or_none_are_wanted() -> None:
    missed = [NOW - 3 * HOUR, NOW - 2 * HOUR, NOW - HOUR]
    assert runs(judged(missed, LAST, WINDOW, NOW)) == [1]
    assert runs(judged(missed, ALL, WINDOW, NOW)) == [3, 2, 1]
    assert runs(judged(missed, NONE, WINDOW, NOW)) == []
    assert runs(judged([*missed, NOW], NONE, WINDOW, NOW)) == [0]


def test_slots_older_than_the_window_are_not_caught_up_with() -> None:
    missed = [NOW - 50 * HOUR, NOW - 49 * HOUR, NOW - HOUR]
    found = judged(missed, ALL, 49 * HOUR, NOW)
    assert runs(found) == [49, 1]
    assert found[0].left_out.endswith("longer ago than the 49 hours that are caught up with")
    assert runs(judged(missed[:2], LAST, 48 * HOUR, NOW)) == []


def test_the_history_tells_of_every_slot_left_out_but_not_without_end() -> None:
    missed = [NOW - place * timedelta(minutes=5) for place in range(8000, 1, -1)]
    found = judged(missed, LAST, WINDOW, NOW)
    assert len(found) == TOLD + 1
    assert found[-2:] == [
        Slot(missed[-2], "missed: nothing ran at its time, and only the last slot is caught up with"),
        Slot(missed[-1]),
    ]
