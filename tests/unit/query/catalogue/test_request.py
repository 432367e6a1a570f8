"""What requests about quality say, once they are well formed."""

from datetime import UTC, datetime, timedelta

import pytest

from services.kit.calendar import Span
from services.kit.errors import Invalid
from services.query.catalogue import request
from tidemark import questions
from tidemark.v1 import pipeline_pb2 as pb

NOW = datetime(2026, 1, 8, 12, 0, 30, tzinfo=UTC)
END = datetime(2026, 1, 8, 12, 1, tzinfo=UTC)


def test_without_a_range_it_is_the_last_week() -> None:
    assert request.minutes(None, "UTC", NOW) == Span(END - timedelta(days=7), END)


def test_a_range_is_widened_to_whole_minutes() -> None:
    asked = questions.time_range(start="2026-01-01T00:00:40Z", end="2026-01-01T00:02:10Z")
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert request.minutes(asked, "UTC", NOW) == Span(start, start + timedelta(minutes=3))


def test_samples_have_a_usual_and_a_largest_size() -> None:
    sizes = [request.sample(pb.GetEventQualityRequest(sample_size=size)) for size in (0, 5, 20_000)]
    assert sizes == [2000, 5, 10_000]
    with pytest.raises(Invalid, match="sample_size"):
        request.sample(pb.GetEventQualityRequest(sample_size=-1))


def test_texts_are_short_and_without_nul() -> None:
    assert (request.search(""), request.event_name("a")) == ("", "a")
    for read, text in ((request.search, "x" * 501), (request.search, "\0"), (request.event_name, "")):
        with pytest.raises(Invalid):
            read(text)
