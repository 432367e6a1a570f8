from datetime import UTC, datetime, timedelta

import pytest

from services.ingest.definitions.definition import Definition
from services.ingest.letters.request import (
    DISCARDED,
    Plan,
    Selection,
    open_selection,
    plan,
    selection,
    some_selection,
)
from services.kit.calendar import Span
from services.kit.errors import Invalid
from tests.unit.ingest.letters.ruling import drop, hashed
from tidemark import questions
from tidemark.v1 import letter_pb2 as pb
from tidemark.v1.rule_pb2 import Rule, Rules, Sessionize
from tidemark.v1.schema_pb2 import Schema

OURS = "projects/ours"
NOW = datetime(2026, 3, 2, tzinfo=UTC)
ANY = '{"type":"object"}'


def read(given: pb.DeadLetterSelection) -> Selection:
    return selection(given, OURS, "UTC", NOW)


def planned(**fields) -> Plan:
    return plan(pb.RepairDeadLettersRequest(parent=OURS, **fields), Definition(), b"key")


def test_nothing_given_means_all_open_letters() -> None:
    assert read(pb.DeadLetterSelection()) == Selection()
    assert not read(pb.DeadLetterSelection()).limited


def test_every_limit_is_read() -> None:
    given = pb.DeadLetterSelection(
        names=[f"{OURS}/deadLetters/7"],
        signature="0a",
        reason=pb.DEAD_LETTER_REASON_RULE,
        event_name="paid",
        time_range=questions.time_range("1h"),
        state=pb.DEAD_LETTER_STATE_DISCARDED,
    )
    hour = Span(NOW - timedelta(hours=1), NOW)
    assert read(given) == Selection((7,), "0a", "RULE", "paid", hour, DISCARDED)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (pb.DeadLetterSelection(names=["projects/theirs/deadLetters/7"]), "selection.names[0]"),
        (pb.DeadLetterSelection(names=[f"{OURS}/deadLetters/0"]), "selection.names[0]"),
        (
            pb.DeadLetterSelection(names=[f"{OURS}/deadLetters/1", f"{OURS}/deadLetters/1\n"]),
            "selection.names[1]",
        ),
        (pb.DeadLetterSelection(names=[f"{OURS}/deadLetters/{'9' * 19}"]), "selection.names[0]"),
        (pb.DeadLetterSelection(names=[f"{OURS}/deadLetters/1"] * 1001), "selection.names"),
        (pb.DeadLetterSelection(signature="a\0"), "selection.signature"),
        (pb.DeadLetterSelection(event_name="x" * 201), "selection.event_name"),
        (pb.DeadLetterSelection(reason=99), "selection.reason"),  # type: ignore[arg-type]
        (pb.DeadLetterSelection(state=-1), "selection.state"),  # type: ignore[arg-type]
        (pb.DeadLetterSelection(time_range={}), "selection.time_range"),
    ],
)
def test_what_selects_nothing_is_refused_by_name(given: pb.DeadLetterSelection, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(given)
    assert caught.value.field == field


def test_only_open_letters_are_settled() -> None:
    with pytest.raises(Invalid, match=r"selection\.state"):
        open_selection(pb.DeadLetterSelection(state=pb.DEAD_LETTER_STATE_REPAIRED), OURS, "UTC", NOW)


def test_giving_up_needs_a_limit() -> None:
    with pytest.raises(Invalid, match=r"selection: selects nothing in particular"):
        some_selection(pb.DeadLetterSelection(state=pb.DEAD_LETTER_STATE_OPEN), OURS, "UTC", NOW)
    assert some_selection(pb.DeadLetterSelection(signature="a"), OURS, "UTC", NOW).signature == "a"


def test_patches_need_no_id() -> None:
    named = drop("properties.a", rule_id="patch-2")
    found = planned(patches=[drop("properties.a"), named, drop("properties.b")]).patches
    assert found is not None


def test_a_plan_without_patches_has_the_present_definition() -> None:
    assert planned() == Plan(None, Definition(), validate_only=False)


def test_drafts_take_the_place_of_what_is_present() -> None:
    drafts = planned(
        validate_only=True,
        draft_rules=Rules(rules=[hashed("user_id")]),
        draft_schemas=[Schema(event_name="paid", document=ANY)],
    ).definition
    assert drafts.rules is not None
    assert drafts.rules_version == 0
    assert set(drafts.schemas) == {"paid"}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"draft_rules": Rules()}, "draft_rules"),
        ({"draft_schemas": [Schema()]}, "draft_schemas"),
        ({"patches": [drop("properties.a")] * 21}, "patches"),
        ({"patches": [Rule(sessionize=Sessionize())]}, "patches[0].sessionize"),
        ({"patches": [drop("event_id")]}, "patches[0].drop.field"),
        ({"patches": [Rule()]}, "patches[0]"),
        (
            {"validate_only": True, "draft_rules": Rules(rules=[drop("", rule_id="a")])},
            "draft_rules.rules[0].drop.field",
        ),
        (
            {"validate_only": True, "draft_schemas": [Schema(event_name="a", document="{")]},
            "draft_schemas[0].document",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(fields, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        planned(**fields)
    assert caught.value.field == field
