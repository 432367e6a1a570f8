"""How buckets move a group: incidents open after so many at fault, end after so many without, and the place survives storage."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from services.insights.alerts.standing import Place, Standing, walk


def turns(
    faults: str, *, opens: int = 1, clears: int = 1, place: Place | None = None, may_open: bool = True
) -> list[tuple[int, bool, int]]:
    """Position, whether it opened, and when; `x` is a bucket at fault, bucket n begins at 10 n."""
    found = walk(
        place or Place(),
        [each == "x" for each in faults],
        [10 * place for place in range(len(faults))],
        for_buckets=opens,
        clear_buckets=clears,
        may_open=may_open,
    )
    return [(turn.position, turn.opened, turn.at) for turn in found]


def test_an_incident_begins_with_the_first_bucket_at_fault_and_ends_with_the_last() -> None:
    assert turns(".xx.") == [(1, True, 10), (3, False, 30)]


def test_it_takes_enough_buckets_in_a_row() -> None:
    assert turns("xx.xxx", opens=3) == [(5, True, 30)]


def test_a_short_recovery_does_not_end_it() -> None:
    assert turns("x.x..", clears=2) == [(0, True, 0), (4, False, 30)]


def test_a_snoozed_group_opens_when_it_is_awake_and_still_at_fault() -> None:
    place = Place()
    assert turns("xx", place=place, may_open=False) == []
    assert turns("x", place=place) == [(0, True, 0)]


@given(st.text("x.", max_size=40), st.integers(0, 40), st.integers(1, 4), st.integers(1, 4))
def test_it_makes_no_difference_how_looks_cut_the_buckets(
    faults: str, cut: int, opens: int, clears: int
) -> None:
    asked = {"for_buckets": opens, "clear_buckets": clears}
    marks = [each == "x" for each in faults]
    starts = list(range(len(faults)))
    whole = [(turn.opened, turn.at) for turn in walk(Place(), marks, starts, **asked)]
    standing = Standing(None, {("a", ""): Place()})
    parted = []
    for part in (slice(0, cut), slice(cut, None)):
        standing = Standing.decode(standing.encode())
        place = standing.places[("a", "")]
        parted += [(turn.opened, turn.at) for turn in walk(place, marks[part], starts[part], **asked)]
    assert parted == whole


def test_a_standing_is_kept_whole() -> None:
    places = {("DE", ""): Place(2, 0, True, 5, 0, -1, b"\x00\xff"), (): Place()}
    standing = Standing(datetime(2026, 3, 2, 12, 0, 0, 1, tzinfo=UTC), places)
    assert Standing.decode(standing.encode()) == standing
    assert Standing.decode(b"") == Standing()
