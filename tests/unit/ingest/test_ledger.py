"""What a commit says of itself beside its rows."""

from services.ingest import ledger
from services.ingest.microbatch import MINUTE_US, Microbatch
from services.kit.instant import at
from tests.ingesting import NOW_US, all_new, entry_fields, event, gathered


def account(work: Microbatch) -> dict[str, list[tuple[object, ...]]]:
    """The rows for each table, when everything is stored."""
    result = all_new(work)
    told = ledger.account(work, result, result.touched(work.batches))
    return {statement.split()[2]: rows for statement, rows in told}


def test_the_ledger_has_a_row_for_each_producer_and_minute_of_receipt() -> None:
    work = gathered(
        entry_fields(event(1), sequence=1, rejected=2),
        entry_fields(event(2), event(3), sequence=2),
        entry_fields(event(4), sequence=3, received_us=NOW_US + MINUTE_US),
        entry_fields(event(5), producer_id="web-2"),
    )
    assert account(work)["ledger"] == [
        (1, "web-1", at(NOW_US), 5, 3, 0, 2, 0),
        (1, "web-1", at(NOW_US + MINUTE_US), 1, 1, 0, 0, 0),
        (1, "web-2", at(NOW_US), 1, 1, 0, 0, 0),
    ]


def test_a_producer_stands_at_its_last_batch_with_all_that_it_sent() -> None:
    work = gathered(entry_fields(event(1), sequence=7), entry_fields(event(2), event(3), sequence=8))
    assert account(work)["producers"] == [(1, "web-1", 1, 8, 3)]


def test_a_batch_outside_any_sequence_moves_no_producer_on() -> None:
    told = account(gathered(entry_fields(event(1), sequence=0)))
    assert told["producers"] == []
    assert told["project_totals"] == [(0, 1, 1, 0)]


def test_a_commit_tells_the_spans_it_touched_as_the_database_reads_them() -> None:
    work = gathered(entry_fields(event(1), event(2, at_us=NOW_US - 5 * MINUTE_US)))
    assert account(work)["commits"] == [
        (
            0, 1, 1,
            "{[2025-12-31T23:55:00+00:00,2025-12-31T23:56:00+00:00),[2026-01-01T00:00:00+00:00,2026-01-01T00:01:00+00:00)}",
        )
    ]  # fmt: skip
