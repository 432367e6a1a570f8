import math
from datetime import UTC, datetime, timedelta

from services.kit.call import Project
from services.query.live.worker import (
    EVER,
    LAST_END,
    LEAST_INTERVAL,
    QUICK,
    ROUND_SECONDS,
    Feed,
    Watched,
    listened,
    pause,
    together,
)
from services.query.question import read
from tidemark.v1 import question_pb2 as q

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
COUNT = q.Measure(aggregation=q.AGGREGATION_COUNT, name="order")
HOUR = timedelta(hours=1)


def watched(**of_series: object) -> q.Query:
    return q.Query(series=q.SeriesQuestion(measures=[COUNT], **of_series))


def heard(query: q.Query) -> tuple[datetime, datetime]:
    span = listened(query, read(query, "UTC", NOON))
    return span.start, span.end


def test_a_range_that_moves_on_is_listened_to_without_end() -> None:
    query = watched()
    query.time_range.last.FromTimedelta(HOUR)
    assert heard(query) == (NOON - HOUR, LAST_END)
    query.time_range.Clear()
    query.time_range.start.FromDatetime(NOON - 2 * HOUR)
    assert heard(query) == (NOON - 2 * HOUR, LAST_END)
    query.time_range.Clear()
    query.time_range.calendar.unit = q.Interval.UNIT_HOUR
    assert heard(query)[1] == LAST_END


def test_a_range_with_an_end_is_listened_to_with_what_it_is_compared_with() -> None:
    query = watched(compare=q.COMPARE_PREVIOUS_PERIOD)
    query.time_range.start.FromDatetime(NOON - 2 * HOUR)
    query.time_range.end.FromDatetime(NOON - HOUR)
    assert heard(query) == (NOON - 3 * HOUR, NOON - HOUR)


def test_what_people_did_may_be_changed_by_events_of_any_time() -> None:
    query = q.Query(lifecycle=q.LifecycleQuestion())
    query.time_range.last.FromTimedelta(24 * HOUR)
    assert listened(query, read(query, "UTC", NOON)) == EVER


def test_slow_questions_rest_longer_than_they_take() -> None:
    query = q.Query(events=q.EventsQuestion())
    query.time_range.last.FromTimedelta(HOUR)
    events = read(query, "UTC", NOON)
    assert pause(events, 0.05) + 0.05 == LEAST_INTERVAL
    assert pause(events, 3.0) == 3.0
    query = q.Query(lifecycle=q.LifecycleQuestion(), time_range=query.time_range)
    lifecycle = read(query, "UTC", NOON)
    assert pause(lifecycle, 0.01) == 1.0
    assert pause(lifecycle, 3.0) == 12.0


def test_cursors_tell_projects_and_questions_apart() -> None:
    here, there = Project(1, "here", "UTC"), Project(2, "there", "UTC")
    digests = {Watched(project, query).digest for project in (here, there) for query in (b"a", b"b")}
    assert len(digests) == 4


def test_as_many_are_answered_together_as_take_a_part_of_the_time() -> None:
    def feed(asked_at: float, seconds: float) -> Feed:
        found = Feed(Watched(Project(1, "here", "UTC"), b""))
        found.asked_at, found.seconds = asked_at, seconds
        return found

    late, early, slow, new = (
        feed(*each) for each in ((3, QUICK / 2), (2, QUICK / 2), (1, QUICK * 2), (0, math.inf))
    )
    assert together([late, early, slow, new]) == [early, late]
    many = [feed(i, QUICK * 0.9) for i in range(100)]
    assert 1 < len(together(many)) <= ROUND_SECONDS / 4 / (QUICK * 0.9)
