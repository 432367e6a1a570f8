"""Records out of protobuf messages, and tables out of records."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from google.protobuf.struct_pb2 import Struct

from tidemark.ledger import Ledger, LedgerEntry
from tidemark.records import Change, Event, Events, EventType, Line, Metadata, Series
from tidemark.v1 import event_pb2, query_pb2, question_pb2

METADATA = Metadata.of(question_pb2.QueryMetadata(query_id="q", source=question_pb2.DATA_SOURCE_ROLLUP))
WHEN = datetime(2026, 11, 1, 12, 30, 0, 123456, tzinfo=UTC)


def stored(**fields):
    event = event_pb2.Event(event_id=bytes(16), type=1, name="e", occurred_at=WHEN, **fields)
    return question_pb2.StoredEvent(event=event, committed_at=WHEN)


def test_an_event_keeps_every_field():
    event = Event.of(stored(user_id="ann", properties_json=b'{"a": [1]}'))
    assert (event.event_id, event.type, event.occurred_at) == (UUID(int=0), EventType.USER_ACTION, WHEN)
    assert (event.properties, event.context, event.sent_at) == ({"a": [1]}, {}, None)


def test_properties_may_come_as_a_struct():
    struct = Struct()
    struct.update({"a": 1})
    assert Event.of(stored(properties=struct)).properties == {"a": 1}


def test_metadata_is_read_in_plain_words():
    assert (METADATA.source, METADATA.watermark, METADATA.elapsed) == ("rollup", None, 0.0)


@pytest.mark.parametrize(
    ("group", "other", "label"),
    [
        ((), False, "count"),
        (("ann", ""), False, "ann · (none)"),
        (("",), False, "(none)"),
        ((), True, "other"),
    ],
)
def test_a_line_is_called_by_its_group(group, other, label):
    assert Line("count", group, other, (), 0.0).label == label


def test_a_series_is_rows_and_an_arrow_table():
    message = question_pb2.SeriesResult(
        bucket_starts=[WHEN],
        series=[question_pb2.Series(measure_id="count", values=[2.0], previous_values=[1.0], total=2.0)],
    )
    series = Series.of(message, METADATA)
    assert series.rows() == [{"start": WHEN, "measure": "count", "group": "", "value": 2.0, "previous": 1.0}]
    pytest.importorskip("pyarrow")
    assert series.to_arrow()["value"].to_pylist() == [2.0]


def test_events_are_an_arrow_table_and_a_frame():
    events = Events.of(question_pb2.EventsResult(events=[stored(properties_json=b'{"a":1}')]), METADATA)
    pytest.importorskip("pyarrow")
    assert events.to_arrow()["properties"].to_pylist() == ['{"a":1}']
    pytest.importorskip("pandas")
    assert events.to_pandas().loc[0, "name"] == "e"


def test_a_heartbeat_has_no_answer():
    change = Change.of(
        query_pb2.WatchQueryResponse(kind=query_pb2.WatchQueryResponse.KIND_HEARTBEAT, cursor="c")
    )
    assert (change.kind, change.cursor, change.answer) == ("heartbeat", "c", None)


@pytest.mark.parametrize(("stored_count", "balanced"), [(5, True), (4, False)])
def test_a_ledger_entry_knows_whether_it_balances(stored_count, balanced):
    entry = query_pb2.LedgerEntry(
        received=9, stored=stored_count, duplicate=1, rejected=1, dead_lettered=1, in_flight=1
    )
    assert LedgerEntry.of(entry).balanced is balanced
    assert Ledger.of(query_pb2.GetLedgerResponse(entries=[entry])).rows()[0]["received"] == 9
