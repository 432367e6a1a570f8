from datetime import UTC, datetime, timedelta

import pytest

from services.ingest.retention.policy import DAYS, TABLES, Policy, cuts, due, midnight

NOW = datetime(2026, 3, 10, 15, 30, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 10, tzinfo=UTC)
DAY = timedelta(days=1)


def test_zero_days_are_for_ever() -> None:
    assert list(cuts(Policy(), NOW)) == []
    assert Policy().shortest == 0


def test_days_are_whole_so_that_nothing_goes_before_its_time() -> None:
    assert Policy(raw_days=1).before("raw_days", NOW) == MIDNIGHT - DAY
    assert Policy(raw_days=36_500).before("raw_days", NOW) == MIDNIGHT - 36_500 * DAY


def test_a_table_goes_by_its_own_days() -> None:
    found = {cut.table: (MIDNIGHT - cut.before) // DAY for cut in cuts(Policy(1, 2, 3, 4, 5), NOW)}
    assert found == {
        "events": 1, "metric_points": 1, "dead_letters": 1, "rollups_1m": 2, "rollups_1h": 3, "window_results": 3,
        "rollups_1d": 4, "ledger": 5, "quality": 5, "batches": 5,
    }  # fmt: skip


def test_batches_are_asked_for_when_their_rows_are_gone() -> None:
    assert TABLES[-1][0] == "batches"
    assert {what for *_, what in TABLES} == set(DAYS)


@pytest.mark.parametrize(
    ("applied", "updated", "touched", "wanted"),
    [
        (None, None, None, True),
        (MIDNIGHT + DAY / 2, None, None, False),
        (MIDNIGHT - DAY / 24, None, None, True),  # A new day has begun.
        (MIDNIGHT + DAY / 4, MIDNIGHT + DAY / 2, None, True),  # It was changed.
        (MIDNIGHT + DAY / 2, MIDNIGHT + DAY / 4, None, False),
        (MIDNIGHT + DAY / 2, None, MIDNIGHT - 3 * DAY, True),  # Something came that is too old.
        (MIDNIGHT + DAY / 2, None, MIDNIGHT - 2 * DAY, False),
    ],
)
def test_it_is_due_when_there_may_be_something(
    applied: datetime | None, updated: datetime | None, touched: datetime | None, wanted: bool
) -> None:
    assert due(Policy(raw_days=9, minute_days=2), NOW, applied, updated, touched) is wanted
    assert not due(Policy(), NOW, applied, updated, touched)


def test_a_day_begins_at_midnight() -> None:
    assert midnight(NOW) == midnight(MIDNIGHT) == MIDNIGHT
