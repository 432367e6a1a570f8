from dataclasses import replace
from datetime import UTC, timedelta

import pytest

from services.ingest.letters.record import reason_number, reason_text
from tests.ingesting import event
from tests.unit.ingest.letters.lettering import RECEIVED, letter
from tidemark.v1 import letter_pb2 as pb

OURS = "projects/ours"


def test_a_letter_is_shown_whole() -> None:
    came = event(3, user_id="ada", properties_json=b'{"amount":"x"}')
    shown = letter(came, 12).message_in(OURS)
    assert shown.name == f"{OURS}/deadLetters/12"
    assert (shown.reason, shown.state) == (pb.DEAD_LETTER_REASON_SCHEMA, pb.DEAD_LETTER_STATE_OPEN)
    assert (shown.event_id, shown.user_id, shown.event_name) == (came.event_id, "ada", "clicked")
    assert '"properties":{"amount":"x"}' in shown.content
    assert shown.received_at.ToDatetime(UTC) == RECEIVED
    assert not shown.HasField("settled_at")


def test_bytes_that_are_no_text_are_shown_as_far_as_they_can_be() -> None:
    assert letter(b"h \xff\xfe{}").message_in(OURS).content == "h \\xff\\xfe{}"


def test_what_became_of_a_letter_is_told() -> None:
    settled = replace(letter(event()), state=2, settled_at=RECEIVED + timedelta(days=1))
    shown = settled.message_in(OURS, whole=False)
    assert (shown.state, shown.content) == (pb.DEAD_LETTER_STATE_REPAIRED, "")
    assert shown.settled_at.ToDatetime(UTC) == RECEIVED + timedelta(days=1)


@pytest.mark.parametrize("number", [number for number in pb.DeadLetterReason.values() if number])
def test_reasons_are_stored_as_the_contract_names_them(number: int) -> None:
    assert reason_number(reason_text(number)) == number
