"""An entry of the log says what was put into it, in every later release, or that it is corrupt."""

from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest import columns, entry
from services.ingest.entry import Account, Corrupt, Header, TooNew
from tests.ingesting import NOW_US, entry_fields, entry_of_header, event, header, point

GOLDEN = Path(__file__).parents[2] / "golden" / "entries"
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
ENTRY = entry_fields(event(1, user_id="ada"), event(2), sequence=3, rejected=1)


def golden(name: str) -> dict[bytes, bytes]:
    head, _, body = (GOLDEN / name).read_bytes().partition(b"\n")
    return {b"h": head, b"e": body}


def test_events_written_by_version_1_decode_for_ever() -> None:
    fields = golden("events-1.bin")
    assert entry.decode_header(fields) == Header(
        kind="events",
        project_id=7,
        producer_id="web-1:a.b_c",
        epoch=1_767_225_600_000,
        sequence=42,
        sent_us=NOW_US - 1500,
        received_us=NOW_US,
        accepted=2,
        rejected=1,
    )
    rows = entry.decode_rows(fields)
    rows.validate(full=True)
    assert [[str(value) for value in row.values()] for row in rows.to_pylist()] == [
        [
            r"b'\x01\x9bv\xda\xa8\x00p\x00\x80\x00\x00\x00\x00\x00\x00\x01'",
            "1",
            "clicked",
            "1970-01-01 00:00:00",
            "ada",
            "s-1",
            '{"amount":12.5,"tags":["a","é"]}',
            '{"page":"/"}',
            "None",
        ],
        [
            r"b'\x01\x9bv\xda\xa8\x00p\x00\x80\x00\x00\x00\x00\x00\x00\x02'",
            "6",
            "login failed 🔒",
            "2025-12-31 23:59:59.999999",
            "None",
            "None",
            "None",
            "None",
            "None",
        ],
    ]


def test_points_written_by_version_1_decode_for_ever() -> None:
    fields = golden("points-1.bin")
    assert entry.decode_header(fields) == header(
        kind="points", project_id=7, producer_id="host", sequence=0, accepted=2
    )
    rows = entry.decode_rows(fields)
    rows.validate(full=True)
    assert [[str(value) for value in row.values()] for row in rows.to_pylist()] == [
        ["cpu", "2", "0.1", "1970-01-01 00:00:00", "ms", '{"host":"db-1"}'],
        ["balance", "1", "-1e+308", "2025-12-31 23:59:59.999999", "None", "None"],
    ]


def test_events_written_by_version_2_decode_for_ever() -> None:
    fields = golden("events-2.bin")
    assert entry.decode_header(fields) == Header(
        kind="events",
        project_id=7,
        producer_id="web-1:a.b_c",
        epoch=1_767_225_600_000,
        sequence=42,
        sent_us=NOW_US - 1500,
        received_us=NOW_US,
        accepted=2,
        rejected=1,
        source="segment",
        rules=3,
        schemas={"clicked": 2, "login failed 🔒": 5},
        quality={"login failed 🔒": [1, 1, 0, 1, 0]},
    )
    rows = entry.decode_rows(fields)
    rows.validate(full=True)
    assert rows.select(columns.EVENTS.names) == entry.decode_rows(golden("events-1.bin")).select(
        columns.EVENTS.names
    )
    assert rows["fault"].to_pylist() == [
        None,
        '{"reason":"SCHEMA","field":"properties.amount","message":"is missing; send a number"}',
    ]


def test_points_written_by_version_2_decode_for_ever() -> None:
    fields = golden("points-2.bin")
    found = entry.decode_header(fields)
    assert (found.source, found.repairs, found.received) == ("repair", [17, 2**40], 0)
    assert entry.decode_rows(fields) == entry.decode_rows(golden("points-1.bin"))


def test_an_entry_may_say_which_span_appended_it() -> None:
    fields = golden("events-2-traced.bin")
    plain = entry.decode_header(golden("events-2.bin"))
    assert entry.decode_header(fields) == replace(plain, traceparent=TRACEPARENT)
    assert entry.decode_rows(fields) == entry.decode_rows(golden("events-2.bin"))


@pytest.mark.parametrize(
    "text", ["", "no", TRACEPARENT + "0", TRACEPARENT.upper(), TRACEPARENT + "\n", 7, None, ["00"]]
)
def test_no_event_is_given_up_for_a_trace_that_cannot_be_read(text: object) -> None:
    members = orjson.loads(ENTRY[b"h"][8:]) | {"traceparent": text}
    assert entry.decode_header(entry_of_header(**members)) == entry.decode_header(ENTRY)


def test_an_entry_without_a_trace_takes_no_room_for_one() -> None:
    assert b"traceparent" not in ENTRY[b"h"]


def test_every_version_ever_written_has_a_golden_entry() -> None:
    written = {f"{kind}-{version}.bin" for version, kind in columns.SCHEMAS}
    assert {path.name for path in GOLDEN.iterdir()} == written | {"events-2-traced.bin"}


def test_what_goes_in_comes_out() -> None:
    fields = entry_fields(point(1.5, tags={"a": "b"}), sequence=9, sent_us=5, rejected=2)
    found = entry.decode_header(fields)
    assert found == header(kind="points", sequence=9, sent_us=5, accepted=1, rejected=2)
    assert found.received == 3
    (row,) = entry.decode_rows(fields).to_pylist()
    assert (row["value"], row["tags"]) == (1.5, '{"a":"b"}')


def test_an_entry_without_rows_has_no_body() -> None:
    fields = entry_fields(rejected=3)
    assert fields[b"e"] == b""
    assert entry.decode_rows(fields).num_rows == 0
    assert entry.decode_header(fields).received == 3


@settings(max_examples=300)
@given(st.data())
def test_a_flipped_bit_anywhere_is_noticed(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(ENTRY)))
    changed = bytearray(ENTRY[name])
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    fields = ENTRY | {name: bytes(changed)}
    with pytest.raises(Corrupt, match="checksum"):
        _decode(fields)


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from([b"h", b"e", b"x"]), st.binary(max_size=30)))
def test_any_other_entry_is_corrupt(fields: dict[bytes, bytes]) -> None:
    with pytest.raises(Corrupt):
        _decode(fields)
    assert entry.row_count(fields) == 1
    assert entry.producer(fields) is None


@pytest.mark.parametrize("members", [{}, {"v": 1}, {"v": 1, "kind": "events"}, {"v": 1, "kind": []}])
def test_a_header_that_lacks_something_is_corrupt(members: dict[str, object]) -> None:
    with pytest.raises(Corrupt, match="the header cannot be read"):
        entry.decode_header(entry_of_header(**members))


def test_rows_that_are_not_as_many_as_the_header_says_are_corrupt() -> None:
    rows = entry.decode_rows(ENTRY)
    head, body = entry.encode(replace(entry.decode_header(ENTRY), accepted=3), rows)
    with pytest.raises(Corrupt, match="holds 2 rows where the header says 3"):
        entry.decode_rows({b"h": head, b"e": body})


@pytest.mark.parametrize(("version", "kind"), [(3, "events"), (1, "traces")])
def test_an_entry_of_a_later_release_is_left_for_it(version: int, kind: str) -> None:
    with pytest.raises(TooNew, match=f"version {version} of kind '{kind}' is newer than this release"):
        entry.decode_header(entry_of_header(v=version, kind=kind))


def test_a_glance_tells_rows_and_producer() -> None:
    assert entry.row_count(ENTRY) == 2
    assert entry.producer(ENTRY) == (1, "web-1")


def test_an_account_counts_entries_as_the_writer_does() -> None:
    corrupt = {b"h": b"?", b"e": b"??"}
    size = sum(map(len, ENTRY.values()))
    other = entry_fields(event(), project_id=2)
    before = Account(10, 100, {1: 4})
    after = entry.account(before, [ENTRY, corrupt, other])
    assert after == Account(14, 100 + size + 3 + sum(map(len, other.values())), {1: 7, 2: 1})
    assert before == Account(10, 100, {1: 4})


def _decode(fields: dict[bytes, bytes]) -> None:
    entry.decode_header(fields)
    entry.decode_rows(fields)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("project", 2**31),
        ("project", "1"),
        ("project", True),
        ("producer", "a\0b"),
        ("producer", 7),
        ("epoch", -1),
        ("sequence", 2**53),
        ("sent", 2.5),
        ("received", 10**18),
        ("accepted", -1),
        ("rejected", None),
        ("crc", []),
        ("source", "door"),
        ("rules", -1),
        ("schemas", []),
        ("schemas", {"clicked": "1"}),
        ("schemas", {"a\0b": 1}),
        ("quality", {"clicked": [1, 2]}),
        ("quality", {"clicked": [1, 2, 3, 4, -5]}),
        ("quality", {"clicked": 5}),
        ("repairs", [1]),
        ("repairs", [1, "2"]),
        ("repairs", {"1": 2}),
    ],
)
def test_a_header_that_no_batch_can_have_is_corrupt(name: str, value: object) -> None:
    members = orjson.loads(ENTRY[b"h"][8:]) | {name: value}
    fields = entry_of_header(**members)
    with pytest.raises(Corrupt, match="holds what no batch can have"):
        entry.decode_header(fields)
    assert entry.producer(fields) is None
    assert entry.row_count(fields) == 1
