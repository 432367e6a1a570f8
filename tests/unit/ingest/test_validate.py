"""A batch is judged row by row: what is accepted goes on as columns, what is not is named with field, value and remedy."""

import math
from typing import Any

import orjson
import pyarrow as pa
import pytest
from google.protobuf import struct_pb2, timestamp_pb2
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.ingest import validate
from services.ingest.columns import EVENTS, POINTS
from services.kit.errors import Invalid
from tests.ingesting import (
    NOW_US,
    arrow_stream,
    event,
    event_batch,
    event_id,
    json_of,
    point,
    point_batch,
    record_batch,
)
from tidemark.v1 import event_pb2, ingest_pb2, metric_pb2

MISSING, MALFORMED, OUT_OF_RANGE, TOO_LARGE = (
    validate.MISSING,
    validate.MALFORMED,
    validate.OUT_OF_RANGE,
    validate.TOO_LARGE,
)
HOUR_US = 3_600_000_000


def judged(*events: event_pb2.Event) -> validate.Verdict:
    return validate.events(event_batch(*events), NOW_US)


def rejection(row: event_pb2.Event) -> ingest_pb2.Rejection:
    """The verdict on the middle one of three events, of which the others are good."""
    verdict = judged(event(1), row, event(3))
    assert verdict.rows["event_id"].to_pylist() == [event_id(1), event_id(3)]
    (only,) = verdict.rejections
    assert only.index == 1
    assert only.sequence == 1
    assert only.event_id == row.event_id[:16]
    return only


def point_rejection(row: metric_pb2.MetricPoint) -> ingest_pb2.Rejection:
    verdict = validate.points(point_batch(point(1.0), row, point(3.0)), NOW_US)
    assert verdict.rows["value"].to_pylist() == [1.0, 3.0]
    (only,) = verdict.rejections
    assert (only.index, only.event_id) == (1, b"")
    return only


def stamp(seconds: int, nanos: int = 0) -> timestamp_pb2.Timestamp:
    return timestamp_pb2.Timestamp(seconds=seconds, nanos=nanos)


# --- what is good -----------------------------------------------------------------------------------------------------


def test_a_good_event_arrives_whole() -> None:
    given_event = event(
        7,
        user_id="ada",
        session_id="s-1",
        properties_json=b'{"amount":12.5}',
        context_json=b'{"page":"/"}',
        occurred_at=stamp(1_700_000_000, 123_456_789),
    )
    verdict = judged(given_event)
    assert verdict.rejections == []
    assert verdict.rows.schema == EVENTS
    (row,) = verdict.rows.to_pylist()
    assert row.pop("occurred_at").isoformat() == "2023-11-14T22:13:20.123456"
    assert row == {
        "event_id": event_id(7),
        "type": 1,
        "name": "clicked",
        "user_id": "ada",
        "session_id": "s-1",
        "properties": '{"amount":12.5}',
        "context": '{"page":"/"}',
    }


def test_what_an_event_leaves_out_is_null() -> None:
    (row,) = judged(event()).rows.to_pylist()
    assert [row[name] for name in ("user_id", "session_id", "properties", "context")] == [None] * 4


def test_a_struct_becomes_the_json_it_stands_for() -> None:
    properties = struct_pb2.Struct()
    properties.update({"text": "é\n", "number": 1.5, "flag": True, "nothing": None, "list": [1, {"a": []}]})
    (row,) = judged(event(properties=properties, context=struct_pb2.Struct())).rows.to_pylist()
    assert orjson.loads(row["properties"]) == {
        "text": "é\n",
        "number": 1.5,
        "flag": True,
        "nothing": None,
        "list": [1, {"a": []}],
    }
    assert row["context"] == "{}"


def test_an_empty_batch_is_judged_as_nothing() -> None:
    assert judged().rows.num_rows == 0
    assert validate.points(point_batch(), NOW_US).rows.schema == POINTS


def test_names_may_hold_any_text_but_control_characters() -> None:
    names = ["order placed", "Ω\u00a0é", "👩\u200d🚀", "'; DROP TABLE events; --", "x" * 200, "😀" * 200]
    assert judged(*(event(name=name) for name in names)).rows["name"].to_pylist() == names


def test_limits_are_included() -> None:
    at_limit = event(
        user_id="u" * 200,
        session_id="😀" * 200,
        properties_json=json_of(16),
        context_json=b'{"a":"' + b"x" * ((64 << 10) - 8) + b'"}',
        at_us=NOW_US + HOUR_US,
    )
    first_instant = event(at_us=0)
    assert judged(at_limit, first_instant).rejections == []


def test_duplicate_keys_are_left_to_the_database_where_the_last_wins() -> None:
    (row,) = judged(event(properties_json=b'{"a":1,"a":2}')).rows.to_pylist()
    assert row["properties"] == '{"a":1,"a":2}'


def test_rows_that_share_a_context_are_all_accepted() -> None:
    context = b'{"library":"tidemark","nested":[[[]]]}'
    assert judged(*(event(number, context_json=context) for number in range(100))).rows.num_rows == 100


# --- what is not ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 15, 17, 1000])
def test_an_id_of_another_length_is_malformed(count: int) -> None:
    found = rejection(event(event_id=b"x" * count))
    assert (found.field, found.reason) == ("events[1].event_id", MALFORMED)
    assert found.message == f"has {count} bytes; send the 16 bytes of a UUID"


def test_an_event_without_an_id_misses_it() -> None:
    found = rejection(event(event_id=b""))
    assert (found.field, found.reason) == ("events[1].event_id", MISSING)


@pytest.mark.parametrize(
    ("number", "reason"), [(0, MISSING), (7, MALFORMED), (-1, MALFORMED), (2**31 - 1, MALFORMED)]
)
def test_a_type_that_the_contract_does_not_know_is_named_with_those_it_does(number: int, reason: int) -> None:
    found = rejection(event(type=number))
    assert (found.field, found.reason) == ("events[1].type", reason)
    assert found.message.startswith(f"is {number}; send one of EVENT_TYPE_USER_ACTION, ")


@pytest.mark.parametrize(
    ("name", "reason", "message"),
    [
        ("", MISSING, "is missing; say what happened, as in order_placed"),
        ("x" * 201, TOO_LARGE, "has 201 characters; send at most 200"),
        ("a\nb", MALFORMED, "is 'a\\nb'; send no control characters"),
        ("a\0", MALFORMED, "is 'a\\x00'; send no control characters"),
        ("\x85", MALFORMED, "is '\\x85'; send no control characters"),
    ],
)
def test_a_bad_name_is_rejected(name: str, reason: int, message: str) -> None:
    found = rejection(event(name=name))
    assert (found.field, found.reason, found.message) == ("events[1].name", reason, message)


@pytest.mark.parametrize(
    ("seconds", "nanos", "message"),
    [
        (-1, 0, "is 1969-12-31T23:59:59.000000, before 1970; send the time in UTC"),
        (-1, 999_999_999, "is 1969-12-31T23:59:59.999999, before 1970; send the time in UTC"),
        (0, -1, "is 0 s and -1 ns, which is no instant; send the time in UTC"),
        (5, 1_000_000_000, "is 5 s and 1000000000 ns, which is no instant; send the time in UTC"),
        (2**63 - 1, 0, f"is {2**63 - 1} s and 0 ns, which is no instant; send the time in UTC"),
        (-(2**63), 0, f"is {-(2**63)} s and 0 ns, which is no instant; send the time in UTC"),
        (
            NOW_US // 1_000_000 + 3601,
            0,
            "is 2026-01-01T01:00:01.000000, more than an hour ahead of the server's clock; send the time in UTC",
        ),
    ],
)
def test_an_absurd_time_is_out_of_range(seconds: int, nanos: int, message: str) -> None:
    found = rejection(event(occurred_at=stamp(seconds, nanos)))
    assert (found.field, found.reason, found.message) == ("events[1].occurred_at", OUT_OF_RANGE, message)
    found = point_rejection(point(observed_at=stamp(seconds, nanos)))
    assert (found.field, found.reason, found.message) == ("points[1].observed_at", OUT_OF_RANGE, message)


def test_a_time_left_out_is_not_the_beginning_of_1970() -> None:
    row = event()
    row.ClearField("occurred_at")
    found = rejection(row)
    assert (found.field, found.reason) == ("events[1].occurred_at", MISSING)
    assert judged(event(occurred_at=stamp(0))).rejections == []


@pytest.mark.parametrize("name", ["user_id", "session_id"])
@pytest.mark.parametrize(
    ("text", "reason", "message"),
    [
        ("x" * 201, TOO_LARGE, "has 201 characters; send at most 200"),
        ("a\0b", MALFORMED, "holds a NUL character; leave it out"),
    ],
)
def test_a_bad_user_or_session_is_rejected(name: str, text: str, reason: int, message: str) -> None:
    found = rejection(event(**{name: text}))
    assert (found.field, found.reason, found.message) == (f"events[1].{name}", reason, message)


@pytest.mark.parametrize("name", ["properties", "context"])
@pytest.mark.parametrize(
    ("text", "reason", "part"),
    [
        (b'{"a":"' + b"x" * (1 << 20) + b'"}', TOO_LARGE, "has 1048584 bytes; send at most 65536"),
        (json_of(17), TOO_LARGE, "is nested deeper than 16 levels"),
        (b'{"a":' + b"[" * 17 + b"]" * 17 + b"}", TOO_LARGE, "is nested deeper than 16 levels"),
        (b"[" * 30_000 + b"]" * 30_000, MALFORMED, "is not JSON: depth limit exceeded"),
        (b"{" * 60_000, MALFORMED, "is not JSON"),
        (b"[1]", MALFORMED, "is a JSON array; send an object"),
        (b'"a"', MALFORMED, "is a JSON string; send an object"),
        (b"1", MALFORMED, "is a JSON number; send an object"),
        (b"1.5", MALFORMED, "is a JSON number; send an object"),
        (b"true", MALFORMED, "is a JSON boolean; send an object"),
        (b"null", MALFORMED, "is a JSON null; send an object"),
        (b'{"a":NaN}', MALFORMED, "is not JSON"),
        (b'{"a":Infinity}', MALFORMED, "is not JSON"),
        (b'{"a":1e400}', MALFORMED, "is not JSON: number is infinity"),
        (b'{"a":1e200000}', MALFORMED, "is not JSON: number is infinity"),
        (b'{"a":' + b"9" * 400 + b"}", MALFORMED, "is not JSON: number is infinity"),
        (b'{"a":"\\ud800"}', MALFORMED, "is not JSON"),
        (b'{"a":"\xed\xa0\x80"}', MALFORMED, "is not JSON: str is not valid UTF-8"),
        (b'{"a":"\xff"}', MALFORMED, "is not JSON: str is not valid UTF-8"),
        (b'{"a":"\\u0000"}', MALFORMED, "holds a NUL character; leave it out"),
        (b'{"a\\u0000":1}', MALFORMED, "holds a NUL character; leave it out"),
        (b'{"a":[[{"b":"\\u0000"}]]}', MALFORMED, "holds a NUL character; leave it out"),
        (b'{"a":"\0"}', MALFORMED, "is not JSON"),
        (b"\xef\xbb\xbf{}", MALFORMED, "is not JSON: UTF-8 byte order mark"),
        (b"{}{}", MALFORMED, "is not JSON"),
        (b"{'a':1}", MALFORMED, "is not JSON"),
        (b" ", MALFORMED, "is not JSON"),
        (b"\0", MALFORMED, "is not JSON"),
    ],
)
def test_bad_json_is_rejected(name: str, text: bytes, reason: int, part: str) -> None:
    found = rejection(event(**{f"{name}_json": text}))
    assert (found.field, found.reason) == (f"events[1].{name}", reason)
    assert found.message.startswith(part)


def test_an_escaped_backslash_before_u0000_is_no_nul() -> None:
    assert judged(event(properties_json=b'{"a":"\\\\u0000"}')).rejections == []


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_lacks_is_rejected_in_a_struct(number: float) -> None:
    properties = struct_pb2.Struct(fields={"a": struct_pb2.Value(number_value=number)})
    found = rejection(event(properties=properties))
    assert (found.field, found.reason) == ("events[1].properties", MALFORMED)
    assert found.message.startswith("cannot be stored as JSON: ")


def test_a_struct_obeys_the_limits_of_json() -> None:
    deep = struct_pb2.Struct()
    level = deep
    for _ in range(16):
        level = level.fields["a"].struct_value
    level.fields["a"].null_value = struct_pb2.NULL_VALUE
    assert rejection(event(properties=deep)).message == "is nested deeper than 16 levels"
    large = struct_pb2.Struct(fields={"a": struct_pb2.Value(string_value="x" * (64 << 10))})
    assert rejection(event(context=large)).reason == TOO_LARGE
    nul = struct_pb2.Struct(fields={"a\0": struct_pb2.Value(bool_value=True)})
    assert rejection(event(properties=nul)).message == "holds a NUL character; leave it out"


@pytest.mark.parametrize("name", ["properties", "context"])
def test_struct_and_json_together_are_rejected(name: str) -> None:
    found = rejection(event(**{name: struct_pb2.Struct(), f"{name}_json": b"{}"}))
    assert (found.field, found.reason) == (f"events[1].{name}", MALFORMED)
    assert found.message == f"is given beside {name}_json; send one of the two"


def test_the_first_fault_of_a_row_is_the_one_reported() -> None:
    found = rejection(event(event_id=b"short", name="", user_id="\0"))
    assert found.field == "events[1].event_id"


# --- points -----------------------------------------------------------------------------------------------------------


def test_a_good_point_arrives_whole() -> None:
    verdict = validate.points(point_batch(point(-0.5, tags={"host": "a", "": ""}, unit="ms")), NOW_US)
    assert verdict.rows.schema == POINTS
    (row,) = verdict.rows.to_pylist()
    assert orjson.loads(row.pop("tags")) == {"host": "a", "": ""}
    assert row.pop("observed_at").isoformat() == "2026-01-01T00:00:00"
    assert row == {"name": "cpu", "kind": metric_pb2.METRIC_KIND_GAUGE, "value": -0.5, "unit": "ms"}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_out_of_range(value: float) -> None:
    found = point_rejection(point(value))
    assert (found.field, found.reason) == ("points[1].value", OUT_OF_RANGE)
    assert found.message == f"is {value}; send a finite number"


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"name": ""}, "name", MISSING),
        ({"kind": 0}, "kind", MISSING),
        ({"kind": 6}, "kind", MALFORMED),
        ({"unit": "u" * 33}, "unit", TOO_LARGE),
        ({"unit": "\0"}, "unit", MALFORMED),
        ({"tags": {str(number): "" for number in range(33)}}, "tags", TOO_LARGE),
        ({"tags": {"a": "x" * 201}}, "tags", TOO_LARGE),
        ({"tags": {"x" * 201: ""}}, "tags", TOO_LARGE),
        ({"tags": {"\0": ""}}, "tags", MALFORMED),
        ({"tags": {"a": "b\0"}}, "tags", MALFORMED),
    ],
)
def test_a_bad_point_is_rejected(fields: dict[str, Any], field: str, reason: int) -> None:
    found = point_rejection(point(**fields))
    assert (found.field, found.reason) == (f"points[1].{field}", reason)


# --- the batch as a whole ---------------------------------------------------------------------------------------------


def test_a_batch_takes_ten_thousand_rows_and_not_one_more() -> None:
    assert judged(*[event()] * 10_000).rows.num_rows == 10_000
    with pytest.raises(Invalid, match=r"^batch\.events: has 10001 rows; send at most 10000 in one batch$"):
        judged(*[event()] * 10_001)
    with pytest.raises(Invalid, match=r"^batch\.points: has 10001 rows"):
        validate.points(point_batch(*[point()] * 10_001), NOW_US)


def test_an_answer_that_rejects_every_row_fits_in_one_message() -> None:
    worst = event(name="\x01" * 199, event_id=b"x" * 16)
    verdict = judged(*[worst] * 10_000)
    assert len(verdict.rejections) == 10_000
    assert ingest_pb2.PublishResponse(rejections=verdict.rejections).ByteSize() < 4 << 20


def test_events_through_both_doors_at_once_are_refused() -> None:
    batch = event_batch(event())
    batch.events_arrow = arrow_stream(record_batch())
    with pytest.raises(Invalid, match=r"^batch\.events_arrow: is given beside events; send one of the two$"):
        validate.events(batch, NOW_US)


WELL_FORMED = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
TEXTS = st.one_of(
    st.sampled_from(["", "a", "x" * 200, "x" * 201, "\0", "a\tb", "é", "\u2028"]),
    WELL_FORMED,
)
JSONS = st.one_of(
    st.sampled_from(
        [b"", b"{}", b"[]", b"null", b'{"a":"\\u0000"}', b'{"a":1e999}', json_of(16), json_of(17), b"{"]
    ),
    st.binary(max_size=8),
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | WELL_FORMED,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WELL_FORMED, inner, max_size=2),
        max_leaves=6,
    ).map(orjson.dumps),
)
TIMES = st.builds(
    stamp,
    st.sampled_from([0, -1, 1, 2**36, 2**62, -(2**62), NOW_US // 1_000_000, NOW_US // 1_000_000 + 4000]),
    st.sampled_from([0, 1, 999_999_999, 1_000_000_000, -1]),
)
ROWS = st.builds(
    event_pb2.Event,
    event_id=st.binary(max_size=17) | st.just(b"x" * 16),
    type=st.integers(-(2**31), 2**31 - 1) | st.integers(0, 7),
    name=TEXTS,
    occurred_at=st.none() | TIMES,
    user_id=TEXTS,
    session_id=TEXTS,
    properties_json=JSONS,
    context_json=JSONS,
)


@settings(max_examples=300)
@given(st.lists(ROWS, max_size=5))
def test_every_event_is_either_accepted_or_rejected(rows: list[event_pb2.Event]) -> None:
    verdict = judged(*rows)
    assert verdict.rows.num_rows + len(verdict.rejections) == len(rows)
    verdict.rows.validate(full=True)
    rejected = [each.index for each in verdict.rejections]
    assert rejected == sorted(set(rejected))
    accepted = [row.event_id for index, row in enumerate(rows) if index not in rejected]
    assert verdict.rows["event_id"].to_pylist() == accepted
    for each in verdict.rejections:
        assert each.field.startswith(f"events[{each.index}].")
        assert each.reason != ingest_pb2.REJECTION_REASON_UNSPECIFIED
        assert each.message


@settings(max_examples=200)
@given(
    st.lists(
        st.builds(
            metric_pb2.MetricPoint,
            name=TEXTS,
            value=st.floats(),
            kind=st.integers(0, 7),
            observed_at=st.none() | TIMES,
            tags=st.dictionaries(TEXTS, TEXTS, max_size=3),
            unit=TEXTS,
        ),
        max_size=5,
    )
)
def test_every_point_is_either_accepted_or_rejected(rows: list[metric_pb2.MetricPoint]) -> None:
    verdict = validate.points(point_batch(*rows), NOW_US)
    assert verdict.rows.num_rows + len(verdict.rejections) == len(rows)
    assert all(map(math.isfinite, verdict.rows["value"].to_pylist()))


@settings(max_examples=200)
@given(st.lists(ROWS, min_size=1, max_size=5))
@example([event(type=300), event(at_us=-5, type=0), event(event_id=b"")])
def test_both_doors_judge_equal_rows_equally(rows: list[event_pb2.Event]) -> None:
    """Of rows that both can say: the Arrow door has no ids of other lengths, no invalid UTF-8 and no impossible instants."""
    sayable = [row for row in rows if len(row.event_id) in (0, 16) and _is_sayable(row)]
    columns = {
        "event_id": pa.array([row.event_id or None for row in sayable], pa.binary(16)),
        "type": pa.array([row.type for row in sayable], pa.int32()),
        "name": pa.array([row.name for row in sayable], pa.string()),
        "occurred_at": pa.array(
            [_us(row) if row.HasField("occurred_at") else None for row in sayable], pa.timestamp("us", "UTC")
        ),
        "user_id": pa.array([row.user_id for row in sayable], pa.string()),
        "session_id": pa.array([row.session_id for row in sayable], pa.string()),
        "properties": pa.array([row.properties_json.decode() for row in sayable], pa.string()),
        "context": pa.array([row.context_json.decode() for row in sayable], pa.string()),
    }
    by_rows = judged(*sayable)
    stream = arrow_stream(record_batch(0, **columns))
    by_columns = validate.events(ingest_pb2.EventBatch(producer={"sequence": 1}, events_arrow=stream), NOW_US)
    assert by_columns.rows.equals(by_rows.rows)
    assert by_columns.rejections == by_rows.rejections


def _is_sayable(row: event_pb2.Event) -> bool:
    try:
        row.properties_json.decode()
        row.context_json.decode()
    except UnicodeDecodeError:
        return False
    at = row.occurred_at
    return 0 <= at.nanos < 1_000_000_000 and abs(at.seconds) < 1 << 37


def _us(row: event_pb2.Event) -> int:
    return row.occurred_at.seconds * 1_000_000 + row.occurred_at.nanos // 1000


def test_a_struct_too_large_for_its_json_is_not_converted() -> None:
    bomb = event(0)
    bomb.properties.fields["a"].list_value.values.extend([struct_pb2.Value()] * 400_000)
    (rejection,) = validate.events(event_batch(bomb, event(1)), NOW_US).rejections
    assert (rejection.field, rejection.reason) == ("events[0].properties", validate.TOO_LARGE)
    assert "send at most 65536 as JSON" in rejection.message


def test_no_struct_within_the_limit_is_taken_for_too_large() -> None:
    dense = event(0)
    for _ in range(16_000):
        dense.properties.fields["a"].list_value.values.add().number_value = 1
    assert not validate.events(event_batch(dense), NOW_US).rejections
