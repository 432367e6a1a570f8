"""Facts of the pipeline: what they explain of a change, and when it is a data incident."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from benchmarks.root_cause import data_incident_recall
from services.insights.why.account import parts_of, senders
from services.insights.why.facts import cause, explained, facts
from services.insights.why.observed import Amounts, Observed, Sender, Versions
from services.kit.calendar import Span
from tidemark.v1 import insight_pb2 as pb
from tidemark.v1 import pipeline_pb2, query_pb2

Kind = pb.PipelineFact
START = datetime(2026, 11, 2, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
BUSY, QUIET = np.full(60, 10.0), np.zeros(60)


def sender(name: str = "web", after: Any = BUSY, **changes: Any) -> Sender:
    stored = Amounts(stored=600)
    good: dict[str, Any] = {
        "before": BUSY,
        "lead": BUSY,
        "was": stored,
        "part_before": 0.5,
        "part_after": 0.5,
    }
    return Sender(name, **good | {"after": after, "now": Amounts(stored=float(after.sum()))} | changes)


def observed(*who: Sender, after: float = 10.0, **changes: Any) -> Observed:
    """An hour by minutes, in which there were 20 before."""
    good = Observed(
        before=20,
        after=after,
        events_before=20,
        events_after=after,
        span=Span(START, START + HOUR),
        buckets=60,
        event="order_placed",
        senders=who,
        stored_before=20,
    )
    return replace(good, **changes)


def only(found: list[pb.PipelineFact]) -> pb.PipelineFact:
    (fact,) = found
    return fact


def test_a_producer_that_fell_silent_explains_what_it_had_brought() -> None:
    fact = only(facts(observed(sender("web"), sender("app", QUIET))))
    assert (fact.kind, fact.subject) == (Kind.KIND_SILENT_PRODUCER, "app")
    assert fact.text == "app sent nothing for 60 min, and had brought 50 %"
    assert fact.share == pytest.approx(1)
    assert cause([fact], -10) == pb.CAUSE_DATA_INCIDENT


def test_it_begins_when_the_silence_does() -> None:
    half = np.concatenate([BUSY[:30], QUIET[:30]])
    fact = only(facts(observed(sender("web"), sender("app", half), after=15)))
    assert fact.start_time.ToDatetime(UTC) == START + 30 * MINUTE


def test_one_that_pauses_as_it_always_did_is_not_silent() -> None:
    seldom = np.where(np.arange(60) % 20 == 0, 10.0, 0.0)
    assert not facts(observed(sender("app", np.roll(seldom, 5), before=seldom, lead=seldom)))
    night = sender("app", QUIET, before=QUIET)
    assert not facts(observed(night))


def test_a_server_that_was_replaced_explains_nothing() -> None:
    new = sender("web-2", before=QUIET, lead=QUIET, was=Amounts(), part_before=0.0, part_after=1.0)
    old = sender("web-1", QUIET, part_before=0.5, part_after=0.0)
    assert not facts(observed(new, old))


def test_many_silent_producers_are_told_together() -> None:
    lost = [sender(f"app-{i}", QUIET, part_before=0.1, part_after=0.0) for i in range(5)]
    fact = only(facts(observed(*lost, sender("web"))))
    assert fact.text == "5 producers sent nothing for 60 min, and had brought 50 %"


def test_one_more_of_a_fleet_explains_nothing_and_a_flood_explains_a_rise() -> None:
    strange: dict[str, Any] = {"before": QUIET, "lead": QUIET, "was": Amounts(), "part_before": 0.0}
    fleet = only(facts(observed(sender("web-1"), sender("web-2", **strange), after=30)))
    assert (fleet.kind, fleet.share) == (Kind.KIND_NEW_PRODUCER, 0)
    assert cause([fleet], 10) == pb.CAUSE_BUSINESS_CHANGE
    flood = only(
        facts(observed(sender(), sender("import", BUSY * 5, **strange | {"part_after": 0.8}), after=100))
    )
    assert flood.share == pytest.approx(1)
    assert flood.text == "import did not send before, and brings 80 %"


def test_dead_letters_explain_a_fall_as_far_as_they_go_and_no_rise() -> None:
    who = sender(part_before=1.0, now=Amounts(stored=600, dead=300))
    fact = only(facts(observed(who)))
    assert (fact.kind, fact.link) == (Kind.KIND_DEAD_LETTERS, "/data/letters")
    assert (
        fact.text == "300 events of order_placed were set aside as dead letters; 0 in as long a time before"
    )
    assert fact.share == pytest.approx(0.5)
    assert not facts(observed(who, after=30))
    assert not facts(observed(who, dead_part=0.01))


def test_dead_letters_of_a_sum_weigh_what_their_events_are_worth() -> None:
    who = sender(part_before=1.0, now=Amounts(stored=600, dead=300))
    summed = observed(who, before=2000, after=1500, events_after=15)
    assert only(facts(summed)).share == pytest.approx(1)


def test_dead_letters_of_before_explain_that_it_is_more_now() -> None:
    repaired = sender(part_before=1.0, was=Amounts(stored=600, dead=600), now=Amounts(stored=1200))
    assert only(facts(observed(repaired, after=30))).share == pytest.approx(1)


def test_duplicates_explain_the_events_whose_place_they_took() -> None:
    loop = sender(now=Amounts(stored=60, duplicate=540), part_before=1.0)
    fact = only(facts(observed(loop, after=2)))
    assert fact.kind == Kind.KIND_DUPLICATES
    assert fact.share == pytest.approx(1)


def test_what_is_late_and_what_waits_is_counted_once() -> None:
    waiting = observed(completeness=0.75, after=15, in_flight=300, lag=10 * MINUTE, paused=("poison",))
    found = {each.kind: each for each in facts(waiting)}
    assert found[Kind.KIND_LATE_DATA].share == pytest.approx(1)
    assert found[Kind.KIND_LAG].text.endswith("the oldest for 10 min; a partition is paused: poison")
    halves = [pb.PipelineFact(kind=kind, share=0.3) for kind in (Kind.KIND_LATE_DATA, Kind.KIND_LAG)]
    assert cause(halves, -1) == pb.CAUSE_BUSINESS_CHANGE


def test_a_definition_explains_what_a_filter_no_longer_sees() -> None:
    versions = (Versions("schema", 1, 2, "/data/schemas/order"),)
    hidden = observed(after=5, events_after=20, seen_after=0.25, versions=versions)
    assert only(facts(hidden)).share == pytest.approx(1)
    less_of_all = observed(after=5, events_after=5, versions=versions)
    assert only(facts(less_of_all)).share == 0
    fewer_of_some = observed(after=15, events_after=20, seen_after=0.75, versions=versions)
    assert only(facts(fewer_of_some)).share == 0
    moved = observed(after=0, events_after=0, moved=20, versions=versions)
    assert cause(facts(moved), moved.change) == pb.CAUSE_DATA_INCIDENT


@pytest.mark.parametrize(
    ("effect", "change", "share"),
    [(-5, -10, 0.5), (-10, -10, 1), (-14, -10, 1), (-30, -10, 0.5), (5, -10, 0), (5, 0, 0), (0, 3, 0)],
)
def test_an_effect_explains_a_change_of_its_sign_and_size(effect: float, change: float, share: float) -> None:
    assert explained(effect, change) == pytest.approx(share)


def test_no_change_has_no_cause_and_no_facts_are_a_change_of_the_business() -> None:
    assert cause([], 0) == pb.CAUSE_UNSPECIFIED
    assert cause([], -3) == pb.CAUSE_BUSINESS_CHANGE


@pytest.mark.parametrize("after", [0.0, 20.0, math.inf, 1e300])
def test_nothing_known_says_nothing(after: float) -> None:
    assert facts(observed(after=after, completeness=math.nan, before=0, events_before=0)) == []
    assert facts(observed(sender("a", np.zeros(1), before=np.zeros(1), lead=np.zeros(60)), after=after)) == []


def test_pipeline_faults_are_told_from_changes_of_the_business() -> None:
    figures, _ = data_incident_recall(3, cases=200)
    recall, mislabelled = (figures[name].value for name in ("data_incident_recall", "business_mislabelled"))
    assert recall is not None
    assert recall >= 0.9
    assert mislabelled is not None
    assert mislabelled <= 0.05


def test_rows_of_the_ledger_become_producers_minute_by_minute() -> None:
    def row(name: str, at: datetime, received: int, **amounts: Any) -> query_pb2.LedgerEntry:
        made = query_pb2.LedgerEntry(producer_id=name, received=received, **amounts)
        made.minute.FromDatetime(at)
        return made

    spans = Span(START - 2 * HOUR, START - HOUR), Span(START - HOUR, START), Span(START, START + HOUR / 2)
    rows: tuple[list[query_pb2.LedgerEntry], ...] = (
        [row("web", START - 2 * HOUR, 4, stored=4)],
        [],
        [
            row("web", START + MINUTE, 6, stored=3, duplicate=2, dead_lettered=1),
            row("app", START, 3, stored=3),
        ],
    )
    app, web = senders(spans, rows, (None, {"web": 0.25}), START + 10 * MINUTE)
    assert (app.producer_id, web.producer_id) == ("app", "web")
    assert web.after.tolist() == [0, 6, *[0] * 8]
    assert (web.was, web.now) == (Amounts(2.0), Amounts(3, 2, 0, 1))
    assert (web.part_before, web.part_after, app.part_before, app.part_after) == (1, 0.25, 0, 0)


def test_batches_say_what_each_producer_brought() -> None:
    batches = [
        pipeline_pb2.BatchLineage(producer_id=name, row_count=n) for name, n in (("a", 1), ("b", 2), ("a", 1))
    ]
    assert parts_of(batches) == {"a": 0.5, "b": 0.5}
    assert parts_of([]) is None
