"""Event ids: ordered, unique, of the right version, and the same for the same content."""

from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from tidemark.ids import Minter, derived

INSTANTS = st.integers(min_value=0, max_value=(1 << 48) * 1_000_000 - 1)


@given(st.lists(st.integers(min_value=0, max_value=1 << 60), min_size=1, max_size=50))
def test_minted_ids_grow_even_where_the_clock_goes_back(clock):
    minter = Minter()
    ids = [minter.mint(now) for now in clock]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)


@given(INSTANTS)
def test_a_minted_id_is_a_uuid7_of_its_millisecond(now):
    made = UUID(bytes=Minter().mint(now))
    assert (made.version, made.variant) == (7, RFC_4122)
    # In the very first millisecond of 1970 the counter begins at 1.
    assert made.int >> 80 == now // 1_000_000


def test_more_than_4096_ids_in_a_millisecond_borrow_from_the_next():
    minter = Minter()
    ids = [minter.mint(1_700_000_000_000_000_000) for _ in range(10_000)]
    assert ids == sorted(set(ids))
    assert int.from_bytes(ids[-1][:6]) - int.from_bytes(ids[0][:6]) == 10_000 // 4096


@given(INSTANTS, st.binary())
def test_a_derived_id_is_a_uuid8_that_content_and_time_decide(now, content):
    milliseconds = now // 1_000_000
    made = UUID(bytes=derived(milliseconds, content))
    assert (made.version, made.variant) == (8, RFC_4122)
    assert made.int >> 80 == milliseconds
    assert derived(milliseconds, content) == made.bytes
    assert derived(milliseconds, content + b"x") != made.bytes
