from datetime import UTC, datetime, timedelta

from services.query.question import LAST_END
from services.query.worker import Watched
from tidemark.v1 import question_pb2 as q

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
COUNT = q.Measure(aggregation=q.AGGREGATION_COUNT, name="order")


def watched(**of_series: object) -> q.Query:
    return q.Query(series=q.SeriesQuestion(measures=[COUNT], **of_series))


def listened(query: q.Query) -> tuple[datetime, datetime]:
    feed = Watched(1, "UTC", query.SerializeToString(), 100)
    span = feed.listened(feed.question(NOON))
    return span.start, span.end


def test_a_range_that_moves_on_is_listened_to_without_end() -> None:
    query = watched()
    query.time_range.last.FromTimedelta(timedelta(hours=1))
    assert listened(query) == (NOON - timedelta(hours=1), LAST_END)
    query.time_range.Clear()
    query.time_range.start.FromDatetime(NOON - timedelta(hours=2))
    assert listened(query) == (NOON - timedelta(hours=2), LAST_END)


def test_a_range_with_an_end_is_listened_to_with_what_it_is_compared_with() -> None:
    query = watched(compare=q.COMPARE_PREVIOUS_PERIOD)
    query.time_range.start.FromDatetime(NOON - timedelta(hours=2))
    query.time_range.end.FromDatetime(NOON - timedelta(hours=1))
    assert listened(query) == (NOON - timedelta(hours=3), NOON - timedelta(hours=1))
