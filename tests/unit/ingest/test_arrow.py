"""The Arrow door takes plain columns of events and refuses, as a whole, whatever else comes through it."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.ingest import arrow, validate
from services.ingest.columns import EVENTS
from services.kit.errors import Invalid
from tests.ingesting import NOW_US, arrow_stream, event_id, record_batch
from tidemark.v1 import ingest_pb2

GOOD = arrow_stream(record_batch(3))


def read(data: bytes) -> pa.RecordBatch:
    return arrow.read(data, 10_000)


def refusal(data: bytes) -> str:
    with pytest.raises(Invalid) as caught:
        read(data)
    assert caught.value.field == "batch.events_arrow"
    return caught.value.description


def column_refusal(**columns: Any) -> str:
    return refusal(arrow_stream(record_batch(1, **columns)))


def text_of(data: bytes) -> pa.Array:
    """A column of type utf8 with one value, whatever its bytes are."""
    offsets = pa.py_buffer((0).to_bytes(4, "little") + len(data).to_bytes(4, "little"))
    return pa.StringArray.from_buffers(1, offsets, pa.py_buffer(data))


def times(unit: str, value: int, zone: str | None) -> pa.Array:
    return pa.array([value], pa.timestamp(unit, zone))


def test_rows_arrive_with_the_columns_of_events() -> None:
    rows = read(GOOD)
    assert rows.schema.names == EVENTS.names
    assert rows["event_id"].to_pylist() == [event_id(number) for number in range(3)]


def test_columns_may_stand_in_any_order() -> None:
    batch = record_batch(2)
    turned = batch.select(list(reversed(batch.schema.names)))
    assert read(arrow_stream(turned)).equals(read(arrow_stream(batch)))


def test_nulls_come_through_so_that_each_row_is_judged_by_itself() -> None:
    batch = record_batch(
        3,
        event_id=pa.array([event_id(0), None, event_id(2)], pa.binary(16)),
        name=pa.array(["a", "b", None]),
    )
    verdict = validate.events(ingest_pb2.EventBatch(events_arrow=arrow_stream(batch)), NOW_US)
    assert verdict.rows["name"].to_pylist() == ["a"]
    assert [each.field for each in verdict.rejections] == ["events[1].event_id", "events[2].name"]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (times("us", NOW_US, "UTC"), NOW_US),
        (times("us", NOW_US, None), NOW_US),
        (times("us", NOW_US, "Europe/Berlin"), NOW_US),
        (times("us", NOW_US, "Mars/Olympus"), NOW_US),
        (times("s", NOW_US // 1_000_000, "UTC"), NOW_US),
        (times("ms", NOW_US // 1000, "-05:00"), NOW_US),
        (times("ns", NOW_US * 1000 + 999, "UTC"), NOW_US),
    ],
)
def test_instants_are_read_in_utc_whatever_their_unit_and_zone(column: pa.Array, expected: int) -> None:
    rows = read(arrow_stream(record_batch(1, occurred_at=column)))
    assert rows["occurred_at"].cast(pa.int64()).to_pylist() == [expected]


def test_close_relatives_of_the_types_are_taken() -> None:
    uuids = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([event_id(0)], pa.binary(16)))
    batch = record_batch(
        1,
        event_id=uuids,
        type=pa.array([1], pa.int64()),
        name=pa.array(["a"], pa.large_string()),
        user_id=pa.nulls(1),
    )
    rows = read(arrow_stream(batch)).to_pylist()
    assert [(row["event_id"], row["type"], row["name"], row["user_id"]) for row in rows] == [
        (event_id(0), 1, "a", None)
    ]


@pytest.mark.parametrize("name", EVENTS.names)
def test_a_missing_column_is_named(name: str) -> None:
    assert column_refusal(**{name: None}).startswith(f"has 0 columns {name!r}; send event_id, type, name, ")


def test_a_column_given_twice_is_named() -> None:
    batch = record_batch()
    twice = pa.RecordBatch.from_arrays([*batch.columns, batch["name"]], names=[*batch.schema.names, "name"])
    assert refusal(arrow_stream(twice)).startswith("has 2 columns 'name'; send ")


def test_a_column_that_no_event_has_is_refused_and_not_dropped() -> None:
    expected = "has a column 'country', which is not one of an event; send it in properties"
    assert column_refusal(country=pa.array(["NO"])) == expected


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"event_id": pa.array(["0190-…"])}, "column 'event_id' is string; send fixed_size_binary(16)"),
        ({"event_id": pa.array([b"x" * 15])}, "column 'event_id' is binary; send fixed_size_binary(16)"),
        (
            {"event_id": pa.array([b"x" * 17], pa.binary(17))},
            "column 'event_id' is fixed_size_binary[17]; send fixed_size_binary(16)",
        ),
        ({"type": pa.array(["USER_ACTION"])}, "column 'type' is string; send uint8"),
        ({"type": pa.array([1.0])}, "column 'type' is double; send uint8"),
        ({"name": pa.array([b"\xff"])}, "column 'name' is binary; send utf8"),
        ({"occurred_at": pa.array([NOW_US])}, "column 'occurred_at' is int64; send timestamp(us, UTC)"),
        (
            {"occurred_at": pa.array(["2026-01-01"])},
            "column 'occurred_at' is string; send timestamp(us, UTC)",
        ),
        ({"properties": pa.array([{"a": 1}])}, "column 'properties' is struct<a: int64>; send utf8"),
        (
            {"name": pa.array(["a"]).dictionary_encode()},
            "column 'name' is dictionary<values=string, indices=int32, ordered=0>; send utf8",
        ),
        ({"name": pa.array(["a"], pa.string_view())}, "column 'name' is string_view; send utf8"),
        (
            {"name": pa.RunEndEncodedArray.from_arrays(pa.array([1], pa.int32()), pa.array(["a"]))},
            "column 'name' is run_end_encoded<run_ends: int32, values: string>; send utf8",
        ),
    ],
)
def test_a_column_of_another_type_is_named_with_the_one_to_send(
    columns: dict[str, pa.Array], message: str
) -> None:
    assert column_refusal(**columns) == message


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_compressed_buffers_are_refused_before_they_are_opened(compression: str) -> None:
    bomb = record_batch(10_000, name=pa.array(["x" * 200] * 10_000))
    assert (
        refusal(arrow_stream(bomb, compression=compression))
        == "has compressed buffers; send them as they are"
    )


def test_one_record_batch_is_taken_and_no_other_number() -> None:
    assert refusal(arrow_stream(record_batch(1), record_batch(1))) == "holds 2 record batches; send one"
    assert refusal(arrow_stream(schema=record_batch().schema)) == "holds 0 record batches; send one"


def test_ten_thousand_rows_are_taken_and_not_one_more() -> None:
    assert read(arrow_stream(record_batch(10_000))).num_rows == 10_000
    assert refusal(arrow_stream(record_batch(10_001))) == "has 10001 rows; send at most 10000 in one batch"


@pytest.mark.parametrize("data", [b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\x80", b"a\x80"])
@pytest.mark.parametrize("name", ["name", "user_id", "properties"])
def test_text_that_is_not_utf8_is_refused(name: str, data: bytes) -> None:
    assert "Invalid UTF8" in column_refusal(**{name: text_of(data)})


def test_an_instant_beyond_what_microseconds_can_count_is_refused() -> None:
    assert "out of bounds timestamp" in column_refusal(occurred_at=times("s", 2**62, "UTC"))


def test_a_stream_cut_anywhere_is_refused() -> None:
    for length in range(len(GOOD) - 8):  # The last eight bytes only say that nothing follows.
        refusal(GOOD[:length])


@settings(max_examples=300)
@given(st.binary(max_size=200))
@example(b"")
@example(b"ARROW1\0\0")
@example(b"\xff\xff\xff\xff\0\0\0\0")
@example(b"\xff\xff\xff\xff\xff\xff\xff\x7f")
def test_random_bytes_are_refused(data: bytes) -> None:
    refusal(data)


@settings(max_examples=500)
@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_read_within_the_limits(position: int, change: int) -> None:
    data = bytearray(GOOD)
    data[position] ^= change
    try:
        rows = read(bytes(data))
    except Invalid:
        return
    assert rows.num_rows <= 3
    rows.validate(full=True)
    verdict = validate.events(ingest_pb2.EventBatch(events_arrow=bytes(data)), NOW_US)
    assert verdict.rows.num_rows + len(verdict.rejections) == rows.num_rows
