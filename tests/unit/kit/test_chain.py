"""The hash chain of the audit log: nothing can be done to it unseen."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from services.kit.chain import GENESIS, Entry, Fault, Verifier, link, storable

texts = st.text(max_size=20)
instants = st.datetimes(timezones=st.just(UTC))
entries = st.builds(Entry, st.integers(0, 9), instants, texts, texts, texts, texts, texts, texts)
chains = st.lists(entries, min_size=1, max_size=12)

Link = tuple[int, Entry, bytes]


def chained(given_entries: list[Entry]) -> list[Link]:
    made: list[Link] = []
    previous = GENESIS
    for sequence, entry in enumerate(given_entries, start=1):
        previous = link(previous, sequence, entry)
        made.append((sequence, entry, previous))
    return made


def verified(chain: list[Link], head: tuple[int, bytes]) -> Fault | None:
    verifier = Verifier()
    for position in chain:
        fault = verifier.add(*position)
        if fault is not None:
            return fault
    return verifier.finish(*head)


def head_of(chain: list[Link]) -> tuple[int, bytes]:
    return (chain[-1][0], chain[-1][2]) if chain else (0, GENESIS)


@given(st.lists(entries, max_size=12))
def test_an_untouched_chain_is_intact(written):
    chain = chained(written)
    assert verified(chain, head_of(chain)) is None


@given(chains, st.data())
def test_a_changed_field_is_found_at_its_entry(written, data):
    chain = chained(written)
    index = data.draw(st.integers(0, len(chain) - 1))
    name = data.draw(st.sampled_from([field.name for field in fields(Entry)]))
    sequence, entry, stored = chain[index]
    old = getattr(entry, name)
    new = data.draw(
        {int: st.integers(0, 9), str: texts, datetime: instants}[type(old)].filter(lambda value: value != old)
    )
    chain[index] = sequence, replace(entry, **{name: new}), stored
    fault = verified(chain, head_of(chain))
    assert fault is not None
    assert fault.sequence == sequence


@given(chains, st.data())
def test_a_removed_entry_is_found_at_its_place(written, data):
    chain = chained(written)
    head = head_of(chain)
    removed = data.draw(st.integers(0, len(chain) - 1))
    del chain[removed]
    fault = verified(chain, head)
    assert fault is not None
    assert fault.sequence == removed + 1
    assert "missing" in fault.explanation


@given(chains, st.integers(1, 12))
def test_a_removed_tail_is_found_by_the_head(written, count):
    chain = chained(written)
    kept = chain[: max(0, len(chain) - count)]
    fault = verified(kept, head_of(chain))
    assert fault is not None
    assert fault.sequence == len(kept) + 1


@given(chains, entries)
def test_an_entry_added_behind_the_head_is_found(written, more):
    chain = chained([*written, more])
    fault = verified(chain, head_of(chain[:-1]))
    assert fault is not None
    assert fault.sequence == len(chain)


@given(chains)
def test_a_repeated_entry_is_found(written):
    chain = chained(written)
    assert verified([*chain, chain[-1]], head_of(chain)) is not None


@given(st.lists(entries, min_size=2, max_size=12, unique=True), st.data())
def test_a_chain_rebuilt_from_a_changed_entry_does_not_meet_its_head(written, data):
    head = head_of(chained(written))
    index = data.draw(st.integers(0, len(written) - 1))
    written[index] = replace(written[index], actor=written[index].actor + "x")
    assert verified(chained(written), head) is not None


@given(entries, st.integers(-12, 12))
def test_a_hash_does_not_depend_on_the_zone_of_the_clock(entry, hours):
    if not 2 < entry.occurred_at.year < 9998:
        return
    elsewhere = replace(entry, occurred_at=entry.occurred_at.astimezone(timezone(timedelta(hours=hours))))
    assert link(GENESIS, 1, entry) == link(GENESIS, 1, elsewhere)


def test_text_that_moves_from_one_field_to_the_next_changes_the_hash():
    entry = Entry(1, datetime(2026, 1, 1, tzinfo=UTC), "ab", "c", "", "", "OK", "")
    assert link(GENESIS, 1, entry) != link(GENESIS, 1, replace(entry, actor="a", action="bc"))


@given(st.text(max_size=2000))
def test_any_text_becomes_storable(text):
    kept = storable(text)
    assert "\0" not in kept
    assert len(kept) <= 500
    assert storable(kept) == kept
