"""Entries become database rows, and every row of every entry is accounted for, whatever became of it."""

from collections import Counter
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest import entry, ledger, microbatch
from services.ingest.microbatch import MAX_NAMES, MAX_TOUCHED, MINUTE_US, Microbatch, Outcome
from tests.ingesting import NOW_US, entry_fields, entry_of_header, event, gathered, point, position

Fields = dict[bytes, bytes]


def all_new(work: Microbatch) -> Outcome:
    """The outcome when the database holds none of the events and can store everything."""
    events, points = np.ones(len(work.events.batch), np.bool_), np.ones(len(work.points.batch), np.bool_)
    return microbatch.outcome(work, events, events, points)


def flipped(fields: Fields, name: bytes, bit: int) -> Fields:
    """The entry with one bit of a field changed."""
    data = bytearray(fields[name])
    data[bit // 8 % len(data)] ^= 1 << bit % 8
    return fields | {name: bytes(data)}


def totals(work: Microbatch, result: Outcome) -> dict[str, int]:
    """The ledger, summed over producers and minutes."""
    summed: Counter[str] = Counter()
    for amounts in ledger.amounts(work, result).values():
        summed.update(amounts)
    return dict(summed)


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
    assert (letter.batch, letter.reason, letter.rows) == (0, "CORRUPT", 1)
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
    assert (letter.rows, letter.message) == (2, "the checksum of the rows does not fit")
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
        gathered(entry_fields(event(1)), entry_of_header(v=2, kind="events"))


def test_a_row_that_the_database_refuses_is_kept_whole() -> None:
    work = gathered(entry_fields(event(1), event(2, properties_json=b'{"a":1e-20000}', user_id="ada")))
    bad = np.array([False, True])
    (letter,) = microbatch.dead_letters(work.events, bad, ["value overflows numeric format"])
    assert (letter.batch, letter.reason, letter.rows) == (0, "UNSTORABLE", 1)
    assert letter.message == "value overflows numeric format"
    content = orjson.loads(letter.content)
    assert content["event_id"] == work.events.table["event_id"][1].as_py().hex()
    assert content["properties"] == '{"a":1e-20000}'
    assert content["user_id"] == "ada"
    assert content["occurred_at"] == "2026-01-01T00:00:00"


# --- the account ------------------------------------------------------------------------------------------------------


@st.composite
def works(draw: st.DrawFn) -> Microbatch:
    """A microbatch with repetitions, rejections and corrupt entries."""
    entries: dict[int, list[tuple[str, Fields]]] = {}
    for number in range(draw(st.integers(1, 6))):
        rows: list[Any] = (
            [point(1.0) for _ in range(draw(st.integers(1, 3)))]
            if draw(st.booleans())
            else [
                event(draw(st.integers(0, 4)), at_us=NOW_US + draw(st.integers(0, 1)))
                for _ in range(draw(st.integers(0, 4)))
            ]
        )
        fields = entry_fields(
            *rows,
            project_id=draw(st.integers(1, 2)),
            producer_id=draw(st.sampled_from("ab")),
            sequence=draw(st.integers(0, 3)),
            rejected=draw(st.integers(0, 2)),
            received_us=NOW_US + draw(st.integers(0, 2)) * MINUTE_US,
        )
        if draw(st.integers(0, 4)) == 0:
            fields = flipped(
                fields,
                draw(st.sampled_from([name for name in fields if fields[name]])),
                draw(st.integers(0, 9999)),
            )
        entries.setdefault(draw(st.integers(0, 1)), []).append((f"1-{number}", fields))
    known = draw(
        st.dictionaries(st.tuples(st.integers(1, 2), st.sampled_from("ab")), st.just((1, 1)), max_size=2)
    )
    return microbatch.gather(entries, {0: position(0), 1: position(1)}, known, 10**15)


def masks(draw: st.DrawFn, count: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)), np.bool_)


@settings(max_examples=200)
@given(st.data())
def test_the_ledger_always_balances(data: st.DataObject) -> None:
    work = data.draw(works())
    events, points = len(work.events.batch), len(work.points.batch)
    storable = masks(data.draw, events) | work.repeated_ids
    fresh = masks(data.draw, events) | ~storable  # What cannot be stored was never asked about.
    result = microbatch.outcome(work, fresh, storable, masks(data.draw, points))

    received = np.array([batch.header.accepted for batch in work.batches])
    assert (result.stored + result.duplicate + result.dead == received).all()
    assert (result.duplicate >= 0).all()
    assert result.stored.sum() == len(result.events.batch) + len(result.points.batch)

    rows = ledger.amounts(work, result)
    for row in rows.values():
        assert row["received"] == row["stored"] + row["duplicate"] + row["rejected"] + row["dead_lettered"]
    assert sum(row["received"] for row in rows.values()) == sum(
        batch.header.received for batch in work.batches
    )


def test_what_the_database_says_decides_what_becomes_of_each_row() -> None:
    work = gathered(entry_fields(*(event(number) for number in range(4))))
    fresh, storable = np.array([True, False, True, True]), np.array([True, True, False, True])
    result = microbatch.outcome(work, fresh, storable, np.ones(0, np.bool_))
    assert (result.stored.tolist(), result.duplicate.tolist(), result.dead.tolist()) == ([2], [1], [1])
    assert [value[-1] for value in result.events.table["event_id"].to_pylist()] == [0, 3]


# --- what was touched -------------------------------------------------------------------------------------------------


def touched(*minutes: int) -> list[tuple[int, int]]:
    """The spans, in minutes, of events in these minutes."""
    work = gathered(
        entry_fields(*(event(number, at_us=minute * MINUTE_US + 5) for number, minute in enumerate(minutes)))
    )
    spans = all_new(work).touched(work.batches)[0][1]
    assert all(edge % MINUTE_US == 0 for span in spans for edge in span)
    return [(start // MINUTE_US, end // MINUTE_US) for start, end in spans]


def test_neighbouring_minutes_are_one_span() -> None:
    assert touched(10, 12, 11, 10, 20) == [(10, 13), (20, 21)]


def test_beyond_sixty_four_spans_the_smallest_gaps_are_closed() -> None:
    far_apart = [1000 * number for number in range(60)]
    close = [100_000 + 2 * number for number in range(10)]
    spans = touched(*far_apart, *close)
    assert len(spans) == MAX_TOUCHED
    assert spans[:60] == [(minute, minute + 1) for minute in far_apart]
    assert spans[60][0] == 100_000
    assert spans[-1][1] == 100_019


def test_names_are_those_of_what_is_stored_unless_they_are_too_many() -> None:
    work = gathered(
        entry_fields(event(1, name="a"), event(2, name="b"), event(3, name="a")),
        entry_fields(point(1.0, name="c"), producer_id="host"),
        entry_fields(*(event(n, name=f"n{n}") for n in range(MAX_NAMES + 1)), project_id=2),
    )
    fresh = np.array([True, False, *[True] * (MAX_NAMES + 2)])
    result = microbatch.outcome(work, fresh, np.ones(len(fresh), np.bool_), np.ones(1, np.bool_))
    assert result.names() == {1: ["a", "c"], 2: None}
    assert all_new(gathered()).names() == {}


def test_nothing_stored_touches_nothing() -> None:
    work = gathered(entry_fields(event(1)))
    none = np.zeros(1, np.bool_)
    assert microbatch.outcome(work, none, ~none, np.ones(0, np.bool_)).touched(work.batches) == {}


@settings(max_examples=100)
@given(st.lists(st.integers(0, 300), min_size=1, max_size=200))
def test_spans_cover_every_minute_in_order_and_are_few(minutes: list[int]) -> None:
    spans = touched(*minutes)
    assert len(spans) <= MAX_TOUCHED
    assert all(any(start <= minute < end for start, end in spans) for minute in minutes)
    edges = [edge for span in spans for edge in span]
    assert edges == sorted(set(edges))
    if len(spans) < MAX_TOUCHED:
        assert sum(end - start for start, end in spans) == len(set(minutes))
