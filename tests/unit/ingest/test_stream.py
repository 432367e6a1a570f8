"""A producer always has the same partition, and ids sort as Redis made them."""

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.stream import order
from services.kit.keys import partition_of

IDS = st.tuples(st.integers(0, 2**63), st.integers(0, 2**63))


def test_the_partition_of_a_producer_never_changes() -> None:
    """Producers in flight would be taken for new ones."""
    assert [partition_of(1, f"web-{number}", 8) for number in range(8)] == [0, 6, 4, 2, 1, 7, 5, 3]
    assert partition_of(2, "web-0", 8) == 5
    assert partition_of(1, "web-0", 1) == 0


@given(st.integers(0, 2**31 - 1), st.text("abc.:-_", min_size=1), st.integers(1, 4096))
def test_every_producer_has_a_partition(project: int, producer: str, partitions: int) -> None:
    assert 0 <= partition_of(project, producer, partitions) < partitions


def test_producers_spread_over_all_partitions() -> None:
    used = {partition_of(1, f"host-{number}:{number * 7}", 8) for number in range(100)}
    assert used == set(range(8))


@given(IDS, IDS)
def test_ids_sort_by_both_of_their_numbers(one: tuple[int, int], other: tuple[int, int]) -> None:
    assert order(f"{one[0]}-{one[1]}") == one
    assert (order(f"{one[0]}-{one[1]}") < order(f"{other[0]}-{other[1]}")) == (one < other)


def test_an_id_may_leave_its_second_number_out() -> None:
    assert order("5") == order("5-0")
    assert order("9-1") < order("10-0")
