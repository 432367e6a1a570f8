"""What goes over the wire is what protobuf itself would have written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemark.v1 import event_pb2, ingest_pb2, metric_pb2
from tidemark.wire import ARROW, EVENTS, POINTS, prefix


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_joined_events_parse_as_one_batch(properties):
    events = [event_pb2.Event(name="e", properties_json=it) for it in properties]
    body = b"".join(prefix(event.ByteSize()) + event.SerializeToString() for event in events)
    sent = EVENTS.message("projects/p", 1, "me", 7, 3, 1_500_000_000_123_456_000, body)
    read = ingest_pb2.PublishRequest.FromString(sent)
    assert list(read.batch.events) == events
    assert (read.project, read.ack_mode) == ("projects/p", ingest_pb2.ACK_MODE_DURABLE)
    assert read.batch.producer == ingest_pb2.Producer(producer_id="me", epoch=7, sequence=3)
    assert read.batch.sent_at.ToMicroseconds() == 1_500_000_000_123_456


def test_points_go_by_their_own_messages():
    point = metric_pb2.MetricPoint(name="m", value=1.5)
    body = prefix(point.ByteSize()) + point.SerializeToString()
    read = ingest_pb2.RecordMetricsRequest.FromString(POINTS.message("", 2, "me.metrics", 1, 1, 0, body))
    assert list(read.batch.points) == [point]


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152])
def test_an_arrow_body_of_any_size_is_one_field(size):
    batch = ingest_pb2.EventBatch(events_arrow=bytes(size))
    assert ingest_pb2.EventBatch.FromString(prefix(size, ARROW) + bytes(size)) == batch
