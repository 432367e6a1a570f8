"""What the database says of rows decides what becomes of them, and nothing is lost or counted twice."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest import ledger, microbatch
from services.ingest.microbatch import MINUTE_US, Microbatch
from services.ingest.outcome import MAX_NAMES, MAX_TOUCHED, outcome
from tests.ingesting import (
    NOW_US,
    all_new,
    copied,
    entry_fields,
    event,
    event_id,
    flipped,
    gathered,
    point,
    position,
)

# --- the account ------------------------------------------------------------------------------------------------------


@st.composite
def works(draw: st.DrawFn) -> Microbatch:
    """A microbatch with repetitions, rejections, rows at fault, repairs and corrupt entries."""
    entries: dict[int, list[tuple[str, dict[bytes, bytes]]]] = {}
    for number in range(draw(st.integers(1, 6))):
        rows: list[Any] = (
            [point(1.0) for _ in range(draw(st.integers(1, 3)))]
            if draw(st.booleans())
            else [
                event(draw(st.integers(0, 4)), at_us=NOW_US + draw(st.integers(0, 1)))
                for _ in range(draw(st.integers(0, 4)))
            ]
        )
        what: dict[str, Any] = {"sequence": draw(st.integers(0, 3)), "rejected": draw(st.integers(0, 2))}
        if rows and draw(st.integers(0, 3)) == 0:
            letters = draw(st.lists(st.integers(1, 9), min_size=len(rows), max_size=len(rows)))
            what = {"sequence": 0, "source": "repair", "repairs": letters}
        elif rows and draw(st.integers(0, 3)) == 0:
            what["faults"] = {0: ("SCHEMA", "", "")}
        fields = entry_fields(
            *rows,
            **what,
            project_id=draw(st.integers(1, 2)),
            producer_id=draw(st.sampled_from("ab")),
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
    open_letters = data.draw(st.sets(st.integers(1, 9)))
    work = work.repairing(open_letters)
    events, points = len(work.events.batch), len(work.points.batch)
    storable = masks(data.draw, events) | work.repeated_ids
    fresh = masks(data.draw, events) | ~storable  # What cannot be stored was never asked about.
    result = outcome(work, copied(storable, fresh), copied(masks(data.draw, points)))

    assert result.repaired.keys() <= open_letters
    for index, batch in enumerate(work.batches):
        counted = result.stored[index] + result.duplicate[index] + result.dead[index]
        repaired = sum(repairer == index for repairer in result.repaired.values())
        assert counted == (repaired if batch.header.repairs else batch.header.accepted)
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
    fresh, storable = [True, False, True, True], [True, True, False, True]
    result = outcome(work, copied(storable, fresh), copied([]))
    assert (result.stored.tolist(), result.duplicate.tolist(), result.dead.tolist()) == ([2], [1], [1])
    assert [value[-1] for value in result.events.table["event_id"].to_pylist()] == [0, 3]
    (letter,) = result.letters
    assert (letter.why.reason, letter.why.message, letter.event_id) == ("UNSTORABLE", "no good", event_id(2))


def test_only_what_no_schema_or_rule_set_aside_is_broken() -> None:
    at_fault = entry_fields(event(1), event(2), faults={0: ("RULE", "", "")})
    again = entry_fields(event(9), sequence=0, source="repair", repairs=[5])
    work = gathered(at_fault, entry_fields(event(3), event(4), sequence=2), again, {b"h": b"?"})
    result = outcome(work, copied([True, False, True, True]), copied([]))
    assert result.broken(work.batches) == {0: (5, 2)}


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
    fresh = [True, False, *[True] * (MAX_NAMES + 2)]
    result = outcome(work, copied([True] * len(fresh), fresh), copied([True]))
    assert result.names() == {1: ["a", "c"], 2: None}
    assert all_new(gathered()).names() == {}


def test_nothing_stored_touches_nothing() -> None:
    work = gathered(entry_fields(event(1)))
    assert outcome(work, copied([True], fresh=[False]), copied([])).touched(work.batches) == {}


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
