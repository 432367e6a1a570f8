from datetime import UTC, datetime

from services.query.accounts.analytics import Figures, Partition, Process, processing, query, system
from tidemark.v1.query_pb2 import LedgerEntry

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_a_backlog_is_what_the_log_has_and_the_database_has_not() -> None:
    partitions = [
        Partition(0, "w", 10, 100, NOON, "1-0", ""),
        Partition(1, "", 50, 900, None, "1-0", "too bad"),
    ]
    found = processing(120, LedgerEntry(received=3), [0.5, 2.0], partitions, [(15, 180), (40, 800)], [1.5, 0])
    assert found.stored_per_second == 2
    assert [(p.backlog_events, p.backlog_bytes, p.writer) for p in found.partitions] == [
        (5, 80, "w"),
        (0, 0, ""),
    ]
    assert found.partitions[0].watermark.ToDatetime(UTC) == NOON
    assert not found.partitions[1].HasField("watermark")
    assert [each.lag.ToMilliseconds() for each in found.partitions] == [1500, 0]
    assert [each.paused_because for each in found.partitions] == ["", "too bad"]
    assert found.commit_latency_p99.ToMilliseconds() == 2000


def test_without_batches_there_is_no_latency() -> None:
    assert not processing(0, LedgerEntry(), None, [], [], []).HasField("commit_latency_p50")


def test_questions_are_counted_with_their_time() -> None:
    figures = Figures()
    assert not query(figures, 0).HasField("latency_p50")
    for i in range(100):
        figures.answer(i / 100)
    figures.failed += 1
    found = query(figures, 3)
    assert (found.answered, found.failed, found.watching) == (100, 1, 3)
    assert 480 <= found.latency_p50.ToMilliseconds() <= 520
    assert found.latency_p99.ToMilliseconds() >= 970


def test_cpu_is_a_share_of_one_core() -> None:
    found = system(1, 2, Process(30.0, 60.0, 3), ("0.1", "17", "2.19", "8.0"))
    assert found.process_cpu == 0.5
    assert (found.version, found.postgresql_version, found.redis_version) == ("0.1", "17", "8.0")
