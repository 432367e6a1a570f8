"""Entries become database rows, and every row of every entry is accounted for, whatever became of it."""

from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest import entry, ledger, microbatch
from services.ingest.outcome import outcome
from tests.ingesting import (
    NOW_US,
    all_new,
    copied,
    entry_fields,
    entry_of_header,
    event,
    event_id,
    flipped,
    gathered,
    point,
    position,
    totals,
)

# --- rows -------------------------------------------------------------------------------------------------------------


def test_rows_carry_what_the_client_said_and_what_the_writer_knows() -> None:
    work = gathered(
        entry_fields(event(1, user_id="ada", properties_json=b"{}"), project_id=4),
        entry_fields(point(2.5, tags={"a": "b"}, unit="ms"), project_id=5, producer_id="host"),
    )
    (stored,) = work.events.table.to_pylist()
    assert {
        name: stored[name] for name in ("project_id", "batch_id", "type", "late", "user_id", "properties")
    } == {
        "project_id": 4,
        "batch_id": 0,
        "type": 1,
        "late": False,
        "user_id": "ada",
        "properties": "{}",
    }
    (measured,) = work.points.table.to_pylist()
    assert {name: measured[name] for name in ("project_id", "batch_id", "value", "unit", "tags")} == {
        "project_id": 5,
        "batch_id": 4096,
        "value": 2.5,
        "unit": "ms",
        "tags": '{"a":"b"}',
    }
    assert work.events.at_us.tolist() == work.points.at_us.tolist() == [NOW_US]


def test_the_columns_are_those_of_the_tables() -> None:
    work = gathered()
    events = "project_id event_id occurred_at batch_id type late name user_id session_id properties context"
    assert work.events.table.column_names == events.split()
    assert work.points.table.column_names == [
        "project_id",
        "observed_at",
        "batch_id",
        "kind",
        "late",
        "value",
        "name",
        "unit",
        "tags",
    ]


def test_a_position_moves_on_by_what_its_partition_brought() -> None:
    first, second = (
        entry_fields(event(1), rejected=2, sequence=1),
        entry_fields(event(2), event(3), sequence=2),
    )
    start = position(3, epoch=9, last_id="5-0", version=7, batches=10, received=100, bytes=1000)
    work = microbatch.gather({3: [("6-0", first), ("6-1", second)]}, {3: start, 4: position(4)}, {}, 0)
    size = sum(len(part) for fields in (first, second) for part in fields.values())
    after = work.after[3]
    assert work.before == {3: start}
    assert work.after.keys() == {3}
    assert (after.partition, after.epoch, after.last_id, after.version) == (3, 9, "6-1", 8)
    assert (after.batches, after.received, after.bytes) == (12, 105, 1000 + size)
    assert [batch.batch_id for batch in work.batches] == [10 * 4096 + 3, 11 * 4096 + 3]


def test_rows_of_several_partitions_keep_apart() -> None:
    entries = {1: [("1-0", entry_fields(event(1)))], 2: [("1-0", entry_fields(event(2), producer_id="b"))]}
    work = microbatch.gather(entries, {1: position(1), 2: position(2)}, {}, 0)
    assert [batch.partition for batch in work.batches] == [1, 2]
    assert {partition: after.received for partition, after in work.after.items()} == {1: 1, 2: 1}


@pytest.mark.parametrize(("age_us", "late"), [(0, False), (100, False), (101, True), (-50, False)])
def test_what_arrives_later_than_accepted_is_flagged(age_us: int, late: bool) -> None:
    fields = entry_fields(event(1, at_us=NOW_US - age_us), received_us=NOW_US)
    assert gathered(fields, late_after_us=100).events.table["late"].to_pylist() == [late]


def test_the_watermark_lies_behind_receipt_by_the_usual_lateness() -> None:
    start = position(lateness_us=300, watermark_us=NOW_US - 400)
    work = microbatch.gather({0: [("1-0", entry_fields(event(1)))]}, {0: start}, {}, 10**9)
    assert work.after[0].watermark_us == NOW_US - 300
    earlier = microbatch.gather({0: [("1-1", entry_fields(received_us=NOW_US - 900))]}, work.after, {}, 10**9)
    assert earlier.after[0].watermark_us == NOW_US - 300


def test_lateness_rises_at_once_and_falls_slowly() -> None:
    slow = gathered(entry_fields(*(event(number, at_us=NOW_US - 1000) for number in range(50))))
    assert slow.after[0].lateness_us == 1000
    quick = microbatch.gather({0: [("2-0", entry_fields(event(99), sequence=2))]}, slow.after, {}, 10**9)
    assert quick.after[0].lateness_us == 900


def test_late_and_future_events_do_not_count_for_lateness() -> None:
    fields = entry_fields(
        event(1, at_us=NOW_US - 5000), event(2, at_us=NOW_US + 700), event(3, at_us=NOW_US - 10)
    )
    assert gathered(fields, late_after_us=100).after[0].lateness_us == 10


# --- repetitions ------------------------------------------------------------------------------------------------------


def test_a_batch_that_was_committed_before_counts_as_duplicate() -> None:
    work = gathered(entry_fields(event(1), event(2), sequence=5, rejected=1), known={(1, "web-1"): (1, 5)})
    assert [batch.repeated for batch in work.batches] == [True]
    assert len(work.events.batch) == 0
    assert work.producers == {}
    assert totals(work, all_new(work)) == {
        "received": 3,
        "stored": 0,
        "duplicate": 2,
        "rejected": 1,
        "dead_lettered": 0,
    }


def test_a_batch_that_is_twice_in_the_log_counts_once() -> None:
    fields = entry_fields(point(1.0), sequence=6)
    work = gathered(fields, fields, known={(1, "web-1"): (1, 5)})
    assert [batch.repeated for batch in work.batches] == [False, True]
    assert work.points.table["value"].to_pylist() == [1.0]
    assert work.producers == {(1, "web-1"): (1, 6)}


def test_a_newer_epoch_begins_anew() -> None:
    work = gathered(entry_fields(event(1), epoch=2, sequence=1), known={(1, "web-1"): (1, 5)})
    assert [batch.repeated for batch in work.batches] == [False]
    assert work.producers == {(1, "web-1"): (2, 1)}


def test_batches_outside_any_sequence_are_no_repetitions() -> None:
    fields = entry_fields(event(1), sequence=0)
    work = gathered(fields, fields, known={(1, "web-1"): (1, 5)})
    assert [batch.repeated for batch in work.batches] == [False, False]
    assert work.producers == {}
    assert work.repeated_ids.tolist() == [False, True]


def test_the_same_producer_name_in_two_projects_is_two_producers() -> None:
    work = gathered(entry_fields(event(1), project_id=1), entry_fields(event(1), project_id=2))
    assert [batch.repeated for batch in work.batches] == [False, False]
    assert work.repeated_ids.tolist() == [False, False]
    assert work.producers == {(1, "web-1"): (1, 1), (2, "web-1"): (1, 1)}


def test_an_event_that_comes_twice_counts_once() -> None:
    work = gathered(entry_fields(event(1), event(2), event(1)), entry_fields(event(2), sequence=2))
    assert work.repeated_ids.tolist() == [False, False, True, True]
    result = all_new(work)
    assert result.stored.tolist() == [2, 0]
    assert result.duplicate.tolist() == [1, 1]


def test_one_id_at_two_times_is_two_events() -> None:
    """As the contract says and the index of the table counts."""
    work = gathered(entry_fields(event(1), event(1, at_us=NOW_US + 1)))
    assert work.repeated_ids.tolist() == [False, False]


# --- what cannot be stored --------------------------------------------------------------------------------------------


def test_an_entry_with_an_unreadable_header_becomes_one_dead_letter() -> None:
    good = entry_fields(event(1))
    bad = flipped(good, b"h", 100)
    work = gathered(bad, good)
    (letter,) = work.dead
    assert (letter.batch, letter.why.reason, letter.rows) == (0, "CORRUPT", 1)
    assert letter.content == b"e " + bad[b"e"] + b"\nh " + bad[b"h"]
    assert work.after[0].last_id == "1-1"
    assert totals(work, all_new(work)) == {
        "received": 2,
        "stored": 1,
        "duplicate": 0,
        "rejected": 0,
        "dead_lettered": 1,
    }


def test_an_entry_with_unreadable_rows_becomes_a_dead_letter_for_all_of_them() -> None:
    bad = flipped(entry_fields(event(1), event(2), rejected=1, project_id=3), b"e", 1000)
    work = gathered(bad)
    (letter,) = work.dead
    assert (letter.rows, letter.why.message) == (2, "the checksum of the rows does not fit")
    assert ledger.amounts(work, all_new(work))[3, "web-1", NOW_US]["dead_lettered"] == 2
    assert totals(work, all_new(work))["received"] == 3


@settings(max_examples=200)
@given(st.sampled_from([b"h", b"e"]), st.integers(0, 10_000))
def test_a_flipped_bit_anywhere_loses_nothing_and_stores_nothing_wrong(name: bytes, bit: int) -> None:
    good = entry_fields(event(1), event(2))
    work = gathered(flipped(good, name, bit), entry_fields(event(3), producer_id="other"))
    assert work.events.table["batch_id"].to_pylist() == [4096]
    assert len(work.dead) == 1
    summed = totals(work, all_new(work))
    assert summed["received"] == summed["stored"] + summed["dead_lettered"]


def test_an_entry_of_a_later_release_stops_the_writer() -> None:
    with pytest.raises(entry.TooNew):
        gathered(entry_fields(event(1)), entry_of_header(v=99, kind="events"))


# --- rows at fault ----------------------------------------------------------------------------------------------------


def test_a_row_at_fault_becomes_a_dead_letter_as_it_came() -> None:
    row = event(2, user_id="ada", properties_json=b'{"amount":1e-20000}', context_json=b'{"page":"/"}')
    work = gathered(
        entry_fields(event(1), row, event(3), faults={1: ("SCHEMA", "properties.amount", "is 0; send more")})
    )
    assert [value[-1] for value in work.events.table["event_id"].to_pylist()] == [1, 3]
    (letter,) = work.dead
    assert (letter.why.reason, letter.why.field, letter.why.message) == (
        "SCHEMA",
        "properties.amount",
        "is 0; send more",
    )
    assert (letter.batch, letter.rows, letter.name, letter.event_id, letter.user_id) == (
        0,
        1,
        "clicked",
        event_id(2),
        "ada",
    )
    assert orjson.loads(letter.content) == {
        "event_id": "019b76da-a800-7000-8000-000000000002",
        "type": "EVENT_TYPE_USER_ACTION",
        "name": "clicked",
        "occurred_at": "2026-01-01T00:00:00.000000Z",
        "user_id": "ada",
        "properties": {"amount": 0.0},
        "context": {"page": "/"},
    }
    assert b'{"amount":1e-20000}' in letter.content
    assert totals(work, all_new(work)) == {
        "received": 3,
        "stored": 2,
        "duplicate": 0,
        "rejected": 0,
        "dead_lettered": 1,
    }


def test_faults_of_a_batch_that_was_committed_before_count_as_duplicates() -> None:
    fields = entry_fields(event(1), event(2), faults={0: ("RULE", "name", "?")}, sequence=5)
    work = gathered(fields, known={(1, "web-1"): (1, 5)})
    assert work.dead == []
    assert totals(work, all_new(work))["duplicate"] == 2


def test_letters_differ_in_signature_by_what_is_wrong_and_not_by_the_value() -> None:
    faults = {
        number: ("SCHEMA", "properties.n", f"is {number}, less than 10; send more") for number in range(2)
    }
    faults[2] = ("SCHEMA", "properties.n", "is missing")
    letters = gathered(entry_fields(*(event(number) for number in range(3)), faults=faults)).dead
    assert letters[0].signature == letters[1].signature != letters[2].signature


# --- poison -----------------------------------------------------------------------------------------------------------


def test_all_rows_of_poison_become_letters_of_their_own() -> None:
    entries = [entry_fields(event(1), event(2)), entry_fields(point(1.5, unit="ms"), producer_id="host")]
    numbered = [(f"1-{number}", fields) for number, fields in enumerate(entries)]
    work = microbatch.gather({0: numbered}, {0: position()}, {}, 0, "violates a constraint")
    assert len(work.events.batch) == len(work.points.batch) == 0
    assert [(letter.batch, letter.why.reason, letter.why.message, letter.rows) for letter in work.dead] == [
        (0, "POISON", "violates a constraint", 1),
        (0, "POISON", "violates a constraint", 1),
        (1, "POISON", "violates a constraint", 1),
    ]
    assert orjson.loads(work.dead[2].content) == {
        "name": "cpu",
        "kind": "METRIC_KIND_GAUGE",
        "value": 1.5,
        "observed_at": "2026-01-01T00:00:00.000000Z",
        "unit": "ms",
    }
    assert totals(work, all_new(work))["dead_lettered"] == 3


def test_poison_that_cannot_be_decoded_is_kept_whole() -> None:
    bad = flipped(entry_fields(event(1), event(2)), b"e", 1000)
    (letter,) = microbatch.gather({0: [("1-0", bad)]}, {0: position()}, {}, 0, "fails").dead
    assert (letter.why.reason, letter.rows, letter.kind) == ("CORRUPT", 2, "events")


def test_texts_that_the_database_cannot_hold_are_shown_without_what_it_cannot() -> None:
    rows = entry.decode_rows(entry_fields(event(1, user_id="ada")))
    place = rows.schema.get_field_index("user_id")
    odd = rows.set_column(place, rows.schema.field(place), pa.array(["a\0da"]))
    head, body = entry.encode(entry.decode_header(entry_fields(event(1))), odd)
    (letter,) = microbatch.gather(
        {0: [("1-0", {b"h": head, b"e": body})]}, {0: position()}, {}, 0, "no \0 in text"
    ).dead
    assert (letter.user_id, letter.why.message) == ("a\ufffdda", "no \ufffd in text")
    assert orjson.loads(letter.content)["user_id"] == "a\0da"


# --- repairs ----------------------------------------------------------------------------------------------------------


def repair(*letters: int, first: int = 0, **changes: Any) -> dict[bytes, bytes]:
    """A repair of these dead letters, with events of successive numbers."""
    rows = [event(first + number) for number in range(len(letters))]
    return entry_fields(*rows, source="repair", sequence=0, repairs=letters, **changes)


def test_a_repair_was_received_before() -> None:
    work = gathered(repair(7, 8))
    assert work.after[0].received == 0
    assert work.letters() == [7, 8]
    result = all_new(work)
    assert result.repaired == {7: 0, 8: 0}
    assert totals(work, result) == {
        "received": 0,
        "stored": 2,
        "duplicate": 0,
        "rejected": 0,
        "dead_lettered": -2,
    }


def test_only_letters_that_are_open_are_repaired_and_each_once() -> None:
    work = gathered(repair(7, 8, 9), entry_fields(event(50)), repair(9, 10, first=20)).repairing([8, 9, 10])
    assert work.events.letter.tolist() == [8, 9, 0, 10]
    assert work.events.batch.tolist() == [0, 0, 1, 2]
    assert all_new(work).repaired == {8: 0, 9: 0, 10: 2}


def test_a_row_that_is_not_repaired_hides_none_with_the_same_id() -> None:
    work = gathered(repair(7), entry_fields(event(0)))
    assert work.repeated_ids.tolist() == [False, True]
    assert work.repairing([]).repeated_ids.tolist() == [False]


def test_a_repair_that_cannot_be_stored_leaves_its_letter_alone() -> None:
    work = gathered(repair(7, 8))
    result = outcome(work, copied([True, False]), copied([]))
    assert (result.repaired, result.letters) == ({7: 0}, [])
    assert totals(work, result) == {
        "received": 0,
        "stored": 1,
        "duplicate": 0,
        "rejected": 0,
        "dead_lettered": -1,
    }
    for poison in ("fails", ""):
        fields = repair(7) if poison else flipped(repair(7), b"e", 1000)
        work = microbatch.gather({0: [("1-0", fields)]}, {0: position()}, {}, 0, poison)
        assert work.dead == []
        assert set(totals(work, all_new(work)).values()) == {0}


def test_a_repair_of_what_is_known_counts_as_duplicate() -> None:
    work = gathered(repair(7, 8))
    result = outcome(work, copied([True, True], fresh=[False, True]), copied([]))
    assert result.repaired == {7: 0, 8: 0}
    assert (result.stored.tolist(), result.duplicate.tolist()) == ([1], [1])
