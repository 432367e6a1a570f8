from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.ingest.letters import record, tally
from services.ingest.letters.repair import Fault, Mended, mend
from services.ingest.letters.request import Plan
from services.ingest.letters.tally import Tally
from tests.ingesting import NOW_US, event, point
from tests.unit.ingest.letters.lettering import RECEIVED, letter, waiting
from tests.unit.ingest.letters.ruling import definition

OURS = "projects/ours"
HOUR_US = 3_600_000_000
BERLIN = ZoneInfo("Europe/Berlin")


def mended(*rows) -> Mended:
    [found], faults = mend([waiting(row) for row in rows], Plan(None, definition(), validate_only=True))
    assert faults == []
    return found


def fault(number: int = 1, message: str = "is 5, no text; send a text", **changes) -> Fault:
    kept = {"received_at": RECEIVED + timedelta(seconds=number)} | changes
    return Fault(letter(event(number), number, **kept), "SCHEMA", "properties.a", message)


def test_figures_are_counted_by_name_and_day_of_the_zone() -> None:
    counted = Tally(BERLIN)
    rows = [
        event(1),
        event(2, at_us=NOW_US - HOUR_US),
        event(3, at_us=NOW_US - 2 * HOUR_US),
        event(4, name="paid"),
    ]
    counted.recover(mended(*rows), set())
    new_year, before = datetime(2025, 12, 31, 23, tzinfo=UTC), datetime(2025, 12, 30, 23, tzinfo=UTC)
    assert [
        (each.event_name, each.day.ToDatetime(UTC), each.added_count) for each in counted.result(OURS).figures
    ] == [("clicked", before, 1), ("clicked", new_year, 2), ("paid", new_year, 1)]


def test_what_was_known_before_is_recovered_and_changes_no_figure() -> None:
    counted = Tally(BERLIN)
    counted.recover(mended(event(1), event(2)), {1})
    told = counted.result(OURS)
    assert (told.recovered_count, told.duplicate_count) == (2, 1)
    assert [each.added_count for each in told.figures] == [1]


def test_points_count_by_the_time_at_which_they_were_observed() -> None:
    counted = Tally(BERLIN)
    counted.recover(mended(point(), point(at_us=NOW_US - 24 * HOUR_US)), set())
    assert [(each.event_name, each.added_count) for each in counted.result(OURS).figures] == [
        ("cpu", 1),
        ("cpu", 1),
    ]


def test_faults_of_the_same_kind_are_told_together() -> None:
    counted = Tally(BERLIN)
    counted.fail([fault(1), fault(3, "is 7, no text; send a text"), fault(2), fault(4, "is missing")])
    told = counted.result(OURS)
    assert told.failed_count == 4
    first, second = told.still_failing
    assert (first.count, first.message, first.example.name) == (
        3,
        "is 7, no text; send a text",
        f"{OURS}/deadLetters/3",
    )
    assert first.first_received_at.ToDatetime(UTC) == RECEIVED + timedelta(seconds=1)
    assert first.last_received_at.ToDatetime(UTC) == RECEIVED + timedelta(seconds=3)
    assert (second.count, second.message) == (1, "is missing")


def test_a_letter_that_stands_for_a_batch_counts_its_rows() -> None:
    counted = Tally(BERLIN)
    counted.fail([fault(1, rows=500)])
    assert counted.failed == 1
    assert counted.result(OURS).still_failing[0].count == 500


def test_what_is_told_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "MAX_FIGURES", 2)
    monkeypatch.setattr(tally, "MAX_CLUSTERS", 2)
    counted = Tally(BERLIN)
    counted.recover(mended(*(event(number, name=f"n{number}") for number in range(9))), set())
    names = [f"n{'x' * number}" for number in range(99)]
    counted.fail([fault(number, name=name) for number, name in enumerate(names)])
    told = counted.result(OURS)
    assert (told.recovered_count, len(told.figures)) == (9, 2)
    assert (told.failed_count, len(told.still_failing)) == (99, 2)


def test_examples_fill_no_more_than_an_answer_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Tally(BERLIN)
    counted.fail([fault(number, name=f"n{'x' * number}") for number in range(3)])
    monkeypatch.setattr(record, "CONTENTS_BYTES", 2 * len(letter(event()).content))
    examples = [bool(each.example.content) for each in counted.result(OURS).still_failing]
    assert sorted(examples) == [False, True, True]


def test_progress_is_told_without_what_belongs_to_the_end() -> None:
    counted = Tally(BERLIN, selected=5, examined=2)
    counted.recover(mended(event(1)), set())
    counted.fail([fault(2)])
    told = counted.progress()
    assert (told.selected_count, told.examined_count, told.recovered_count, told.failed_count) == (5, 2, 1, 1)
    assert [*told.figures, *told.still_failing, *told.trials] == []
