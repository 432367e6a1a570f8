"""Producers as callers see them."""

from datetime import UTC, datetime, timedelta

from services.kit.keys import partition_of
from services.query.catalogue.producer import ProducerRecord

MINUTE = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_producer_tells_where_it_stands() -> None:
    sent = MINUTE + timedelta(seconds=30)
    found = ProducerRecord("web-1", MINUTE, 10, 6, 1, 2, 1, 3, 4, "arrow", sent).message(7, 8)
    assert (found.producer_id, found.epoch, found.sequence, found.source) == ("web-1", 3, 4, "arrow")
    assert found.partition == partition_of(7, "web-1", 8)
    assert found.last_received_at.ToDatetime(UTC) == sent
    counts = (found.stored_count, found.duplicate_count, found.rejected_count, found.dead_lettered_count)
    assert (found.received_count, counts) == (10, (6, 1, 2, 1))


def test_of_a_batch_that_is_no_longer_kept_the_minute_is_known() -> None:
    found = ProducerRecord("web-1", MINUTE, 0, 0, 0, 0, 0, 0, 0, None, None).message(7, 8)
    assert (found.last_received_at.ToDatetime(UTC), found.source) == (MINUTE, "")
