from datetime import timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest import entry
from services.ingest.columns import POINTS
from services.ingest.definitions.definition import Definition
from services.ingest.letters.repair import Mended, Waiting, entries, mend, shown
from services.ingest.letters.request import Plan, plan
from services.ingest.trial import messages
from services.kit.instant import us_of
from tests.ingesting import event, event_id, point
from tests.unit.ingest.letters.lettering import RECEIVED, content_of, waiting
from tests.unit.ingest.letters.ruling import amount, definition, drop, hashed, put, to_number
from tidemark.v1 import letter_pb2 as pb
from tidemark.v1.rule_pb2 import DropField, Judgement, Rule
from tidemark.v1.schema_pb2 import ENFORCEMENT_REJECT

BAD, GOOD = b'{"amount":"12","note":1e-7}', b'{"amount":12,"note":1e-7}'


def planned(*patches: Rule, present: Definition | None = None) -> Plan:
    asked = pb.RepairDeadLettersRequest(patches=patches)
    return plan(asked, definition(amount()) if present is None else present, b"key")


def paid(number: int = 1, text: bytes = BAD, **fields):
    return event(number, name="paid", properties_json=text, **fields)


def mended(letters: list[Waiting], how: Plan) -> Mended:
    [found], faults = mend(letters, how)
    assert faults == []
    return found


def faults(letters: list[Waiting], how: Plan) -> list[tuple[int, str, str]]:
    found, faults_ = mend(letters, how)
    assert found == []
    return [(each.letter.dead_letter_id, each.reason, each.field) for each in faults_]


def test_what_the_present_schema_does_not_allow_stays_a_letter() -> None:
    assert faults([waiting(paid(), 4)], planned()) == [(4, "SCHEMA", "properties.amount")]
    strict = definition(amount(ENFORCEMENT_REJECT))
    assert faults([waiting(paid(), 4)], planned(present=strict)) == [(4, "SCHEMA", "properties.amount")]


def test_a_patch_mends_what_can_be_mended() -> None:
    letters = [waiting(paid(1), 1), waiting(paid(2, b'{"amount":"much"}'), 2), waiting(paid(3, GOOD), 3)]
    [found], [fault] = mend(letters, planned(to_number("properties.amount")))
    assert [each.letter.dead_letter_id for each in found.waiting] == [1, 3]
    assert [orjson.loads(text)["amount"] for text in found.rows["properties"].to_pylist()] == [12, 12]
    assert found.rows["fault"].null_count == 2
    assert (fault.letter.dead_letter_id, fault.reason, fault.field) == (2, "RULE", "properties.amount")


def test_a_patch_that_keeps_what_it_fails_on_leaves_the_verdict_to_the_schema() -> None:
    keeping = to_number("properties.amount")
    keeping.on_failure = Rule.FAILURE_KEEP
    assert faults([waiting(paid(text=b'{"amount":"much"}'), 2)], planned(keeping)) == [
        (2, "SCHEMA", "properties.amount")
    ]


def test_rules_are_applied_after_patches_and_their_version_is_told() -> None:
    present = definition(amount(), rules=(hashed("user_id"),), version=5)
    found = mended(
        [waiting(paid(user_id="ada"), rules_version=4)],
        planned(to_number("properties.amount"), present=present),
    )
    assert len(found.rows["user_id"][0].as_py()) == 64
    assert found.rules == [5]
    assert found.schemas == {"paid": 3}


@pytest.mark.parametrize("reason", ["UNSTORABLE", "POISON"])
def test_rules_are_not_applied_twice_to_what_the_database_refused(reason: str) -> None:
    present = definition(rules=(hashed("user_id"),), version=5)
    letters = [waiting(paid(user_id="0a1b"), reason=reason, rules_version=4)]
    found = mended(letters, planned(drop("properties.note"), present=present))
    assert found.rows["user_id"].to_pylist() == ["0a1b"]
    assert found.rules == [4]
    assert orjson.loads(found.rows["properties"][0].as_py()) == {"amount": "12"}


def test_what_no_rule_touches_stays_the_text_it_was() -> None:
    text = b'{"amount":12.50,"big":12345678901234567890.0}'
    found = mended([waiting(paid(text=text))], planned(put("context.seen", 1)))
    assert found.rows["properties"].to_pylist() == [text.decode()]


def test_a_point_is_brought_back_as_it_came() -> None:
    letters = [waiting(point(2.5, tags={"host": "a"}), reason="POISON")]
    found = mended(letters, planned(drop("properties.a")))
    assert found.kind == "points"
    assert found.rows.schema == POINTS
    assert found.rows["value"].to_pylist() == [2.5]
    assert shown(found, planned()) == []


def test_a_batch_that_cannot_be_read_says_that_it_cannot_be_repaired() -> None:
    _, [fault] = mend([waiting(b"h xyz", message="the checksum does not fit", field="")], planned())
    assert fault.reason == "CORRUPT"
    assert fault.message == "the checksum does not fit; its bytes cannot be repaired: discard it"


def test_a_letter_whose_content_is_damaged_stays_one() -> None:
    assert faults([waiting(paid(), 9, content=b"{")], planned()) == [(9, "SCHEMA", "properties.amount")]


def test_letters_of_all_kinds_are_mended_side_by_side() -> None:
    letters = [
        waiting(paid(1, GOOD), 1),
        waiting(point(), 2),
        waiting(paid(3, GOOD), 3, reason="UNSTORABLE"),
        waiting(b"?", 4),
    ]
    found, faults_ = mend(letters, planned())
    assert sorted((each.kind, each.past_rules, len(each.waiting)) for each in found) == [
        ("events", False, 1),
        ("events", True, 1),
        ("points", True, 1),
    ]
    assert [each.letter.dead_letter_id for each in faults_] == [4]


def test_entries_keep_producer_epoch_and_minute_apart() -> None:
    later = RECEIVED + timedelta(seconds=20)
    letters = [
        waiting(paid(1, GOOD), 1),
        waiting(paid(2, GOOD), 2, received_at=later),
        waiting(paid(3, GOOD), 3, received_at=later + timedelta(minutes=1)),
        waiting(paid(4, GOOD), 4, producer_id="web-2"),
        waiting(paid(5, GOOD), 5, epoch=8),
    ]
    made = list(entries(mended(letters, planned())))
    assert [(header.producer_id, header.epoch, list(header.repairs)) for header, _ in made] == [
        ("web-1", 7, [1, 2]),
        ("web-1", 7, [3]),
        ("web-2", 7, [4]),
        ("web-1", 8, [5]),
    ]
    header, rows = made[0]
    assert header.received_us == us_of(RECEIVED)
    assert (header.source, header.sequence, header.accepted, header.received) == ("repair", 0, 2, 0)
    assert header.schemas == {"paid": 3}
    assert rows["event_id"].to_pylist() == [event_id(1), event_id(2)]


def test_the_log_takes_the_entries_and_gives_them_back() -> None:
    letters = [waiting(paid(1, GOOD), 1), waiting(point(), 2)]
    found, _ = mend(letters, planned())
    for part in found:
        for header, rows in entries(part):
            fields = dict(zip((b"h", b"e"), entry.encode(header, rows)))
            assert entry.decode_header(fields) == header
            assert entry.decode_rows(fields) == rows


def test_it_shows_what_would_be_stored_beside_what_came() -> None:
    how = planned(to_number("properties.amount"), drop("properties.note"))
    [trial] = shown(mended([waiting(paid())], how), how)
    assert trial.before == messages(mended([waiting(paid(text=BAD))], planned(present=Definition())).came)[0]
    assert orjson.loads(trial.after.properties_json) == {"amount": 12}
    assert list(trial.changed_fields) == ["properties.amount", "properties.note"]
    assert trial.judgement.outcome == Judgement.OUTCOME_STORED
    assert trial.judgement.schema_version == 3


def test_rows_can_be_left_out() -> None:
    found = mended([waiting(paid(number, GOOD), number) for number in (1, 2, 3)], planned())
    left = found.without({1})
    assert [each.letter.dead_letter_id for each in left.waiting] == [1, 3]
    assert left.rows["event_id"].to_pylist() == [event_id(1), event_id(3)]
    assert found.without({}) is found


def test_nothing_comes_of_nothing() -> None:
    assert mend([], planned(drop("properties.a"))) == ([], [])


contents = st.one_of(
    st.binary(max_size=30),
    st.sampled_from([BAD, GOOD, b"{}", b'{"amount":1e-20000}', b'{"amount":{"deep":[1,null]}}']).map(
        lambda text: content_of(paid(text=text))
    ),
)
patches_ = st.sampled_from(
    [
        drop("properties.amount"),
        to_number("properties.amount"),
        put("properties.amount.deep", 1),
        hashed("user_id", rule_id=""),
        drop("session_id"),
        put("user_id", 5),
        Rule(when="properties.amount > 3", drop=DropField(field="context.a")),
    ]
)
reasons = st.sampled_from(["SCHEMA", "RULE", "UNSTORABLE", "POISON", "CORRUPT"])


@given(st.lists(st.tuples(contents, reasons), max_size=6), st.lists(patches_, max_size=3))
def test_whatever_is_tried_every_letter_is_mended_or_at_fault(
    letters: list[tuple[bytes, str]], patches: list[Rule]
) -> None:
    open_ = [
        waiting(paid(number), number, content=text, reason=reason)
        for number, (text, reason) in enumerate(letters, 1)
    ]
    found, faults_ = mend(open_, planned(*patches))
    ended = [each.letter.dead_letter_id for part in found for each in part.waiting]
    ended += [fault.letter.dead_letter_id for fault in faults_]
    assert sorted(ended) == list(range(1, len(letters) + 1))
    for part in found:
        assert len(part.waiting) == part.rows.num_rows == part.came.num_rows == len(part.rules)
        assert sum(header.accepted for header, _ in entries(part)) == len(part.waiting)
