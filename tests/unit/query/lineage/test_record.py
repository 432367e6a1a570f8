from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.query.lineage.record import Batch, Letter, StoredEvent, batch_message, ways
from tidemark.v1 import letter_pb2
from tidemark.v1 import pipeline_pb2 as pb

OURS = "projects/ours"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
EVENT_ID = UUID("0190f3a4-5b6c-7d8e-9f00-112233445566")
CAME, REPAIR = 4096 * 7 + 3, 4096 * 9 + 3
EVENT = StoredEvent(EVENT_ID, NOON, 1, "paid", "ada", None, '{"amount": 5}', None, REPAIR)
LETTER = Letter(11, CAME, "paid", letter_pb2.DEAD_LETTER_STATE_OPEN, None, None)
REPAIRED = replace(LETTER, state=letter_pb2.DEAD_LETTER_STATE_REPAIRED, settled_by=REPAIR, occurred_at=NOON)
BATCHES = {
    number: Batch(number, source, "web-1", 2, 5, "1767225600123-0", 4, {"paid": 3}, None, NOON, NOON, 10)
    for number, source in ((CAME, "events"), (REPAIR, "repair"))
}


def told(events: list[StoredEvent], letters: list[Letter]) -> list[pb.EventLineage]:
    return ways(OURS, events, letters, BATCHES, {NOON: "segment"})


def test_a_stored_event_tells_its_batch_and_all_that_was_applied_to_it() -> None:
    [way] = told([EVENT], [])
    assert way.event.event_id == EVENT_ID.bytes
    assert way.event.properties_json == b'{"amount": 5}'
    assert (way.schema_version, way.segment_id, way.dead_letter) == (3, "segment", "")
    assert (way.batch.partition, way.batch.source, way.batch.rules_version, way.batch.row_count) == (
        3,
        "repair",
        4,
        10,
    )
    assert way.batch.appended_at.ToMilliseconds() == 1_767_225_600_123
    assert not way.batch.HasField("sent_at")


def test_an_event_that_was_repaired_names_the_letter_it_was() -> None:
    [way] = told([EVENT], [REPAIRED])
    assert way.dead_letter == f"{OURS}/deadLetters/11"
    assert way.batch.batch_id == REPAIR


def test_an_open_letter_stands_for_itself_and_has_no_event() -> None:
    [way] = told([], [LETTER])
    assert not way.HasField("event")
    assert (way.dead_letter, way.batch.batch_id, way.segment_id) == (f"{OURS}/deadLetters/11", CAME, "")


def test_a_letter_whose_event_was_known_shows_the_event_as_it_is_stored() -> None:
    first, second = told([replace(EVENT, batch_id=CAME)], [REPAIRED])
    assert first.dead_letter == ""
    assert second.event == first.event
    assert second.dead_letter == f"{OURS}/deadLetters/11"


def test_of_two_letters_of_one_event_one_has_brought_it() -> None:
    ways_ = told([EVENT], [REPAIRED, replace(REPAIRED, dead_letter_id=12)])
    assert [way.dead_letter.rpartition("/")[2] for way in ways_] == ["11", "12"]


def test_an_event_with_two_times_has_two_ways() -> None:
    other = replace(EVENT, occurred_at=NOON + timedelta(hours=1), batch_id=CAME)
    ways_ = told([EVENT, other], [])
    assert [(way.batch.batch_id, way.segment_id) for way in ways_] == [(REPAIR, "segment"), (CAME, "")]


def test_a_batch_that_is_no_longer_kept_tells_what_its_number_says() -> None:
    assert batch_message(REPAIR, {}, 4) == pb.BatchLineage(batch_id=REPAIR, partition=3, row_count=4)
