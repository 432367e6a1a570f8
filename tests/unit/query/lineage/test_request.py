from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.kit.calendar import Span
from services.kit.errors import Invalid
from services.query.lineage.request import Bucket, subject
from tidemark.v1 import pipeline_pb2 as pb
from tidemark.v1.question_pb2 import SOURCE_EVENTS, SOURCE_METRICS, Interval

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def bucket(width: Interval.Unit = Interval.UNIT_HOUR, start: datetime = NOON, **fields) -> pb.RollupBucket:
    made = pb.RollupBucket(**{"name": "paid", "width": width} | fields)
    made.start.FromDatetime(start)
    return made


def test_an_event_is_asked_for_by_its_id() -> None:
    event_id = UUID("0190f3a4-5b6c-7d8e-9f00-112233445566")
    assert subject(pb.GetLineageRequest(event_id=event_id.bytes)) == event_id


@pytest.mark.parametrize(
    ("width", "start", "table", "length"),
    [
        (Interval.UNIT_MINUTE, NOON + timedelta(minutes=7), "1m", timedelta(minutes=1)),
        (Interval.UNIT_HOUR, NOON, "1h", timedelta(hours=1)),
        (Interval.UNIT_DAY, NOON.replace(hour=0), "1d", timedelta(days=1)),
    ],
)
def test_a_bucket_is_asked_for_by_name_width_and_start(
    width: Interval.Unit, start: datetime, table: str, length: timedelta
) -> None:
    found = subject(pb.GetLineageRequest(bucket=bucket(width, start)))
    assert found == Bucket(SOURCE_EVENTS, "paid", table, Span(start, start + length), 100)


def test_a_bucket_may_be_of_metrics_and_shows_so_many_batches() -> None:
    found = subject(pb.GetLineageRequest(bucket=bucket(source=SOURCE_METRICS), page_size=5000))
    assert found == Bucket(SOURCE_METRICS, "paid", "1h", Span(NOON, NOON + timedelta(hours=1)), 1000)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.GetLineageRequest(), "event_id"),
        (pb.GetLineageRequest(event_id=b"short"), "event_id"),
        (pb.GetLineageRequest(bucket=bucket(name="")), "bucket.name"),
        (pb.GetLineageRequest(bucket=bucket(name="a\0")), "bucket.name"),
        (pb.GetLineageRequest(bucket=bucket(source=9)), "bucket.source"),
        (pb.GetLineageRequest(bucket=bucket(Interval.UNIT_WEEK)), "bucket.width"),
        (pb.GetLineageRequest(bucket=pb.RollupBucket(name="a", width=Interval.UNIT_HOUR)), "bucket.start"),
        (pb.GetLineageRequest(bucket=bucket(start=NOON + timedelta(seconds=1))), "bucket.start"),
        (pb.GetLineageRequest(bucket=bucket(), page_size=-1), "page_size"),
    ],
)
def test_what_cannot_be_traced_is_refused_by_name(request_: pb.GetLineageRequest, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        subject(request_)
    assert caught.value.field == field
