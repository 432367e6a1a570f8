import hashlib
from datetime import UTC, datetime

from services.ingest.erasure.certificate import PLACES, Erasure, left, user_sha256
from tidemark.v1 import retention_pb2 as pb

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NAME = "projects/demo/erasures/e1"


def erasure(**changes: object) -> Erasure:
    """An erasure under way, but for `changes`."""
    good: dict[str, object] = {
        "project": "demo", "erasure_id": "e1", "user_sha256": user_sha256(NAME, "ann"), "state": 2,
        "requested_by": "projects/demo/keys/k", "notes": ["one"], "created_at": NOON, "completed_at": None,
        "parts": {"segments": 2, "events": 7},
    }  # fmt: skip
    return Erasure(**good | changes)  # type: ignore[arg-type]


def test_who_knows_the_person_knows_the_certificate() -> None:
    found = erasure().message()
    assert found.user_sha256 == hashlib.sha256(b"projects/demo/erasures/e1\nann").hexdigest()
    assert "ann" not in str(found)
    assert user_sha256(NAME, "ann") != user_sha256(NAME + "2", "ann")


def test_it_tells_what_was_removed_place_by_place() -> None:
    found = erasure().message()
    assert [(part.place, part.count) for part in found.parts] == [("events", 7), ("segments", 2)]
    assert len(set(PLACES)) == len(PLACES)
    assert (found.name, found.state, list(found.notes)) == (NAME, pb.Erasure.STATE_RUNNING, ["one"])
    assert not found.HasField("complete_time")
    assert erasure(state=3, completed_at=NOON).message().HasField("complete_time")


def test_the_note_says_which_buckets_were_left() -> None:
    assert left(NOON.date()).startswith("Buckets before 2026-03-02 were left")
