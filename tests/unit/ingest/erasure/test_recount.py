"""What a recount gives is what the writer would have counted had the person never been there."""

from collections import defaultdict
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from services.ingest import rollup
from services.ingest.erasure.recount import Left, Recount
from services.ingest.rollup import EVENTS, WIDTHS_US, Bucket, Buckets, Delta, Key
from services.kit.instant import at
from tests.ingesting import MINUTE_US, NOW_US

Row = tuple[int, str, int, int, str]
"""Type, name, partition, minute of the day, who."""
ROWS = st.lists(
    st.tuples(
        st.sampled_from([1, 2]), st.sampled_from("ab"), st.sampled_from([0, 3]), st.integers(0, 1439), st.sampled_from("xyz")
    ),
    max_size=60,
)  # fmt: skip


def minute_of(row: Row) -> datetime:
    """When a row happened."""
    return at(NOW_US + row[3] * MINUTE_US)


def left_by(rows: list[Row], person: str) -> list[Left]:
    """The rows of others, by minute."""
    groups: defaultdict[tuple[int, str, int, datetime], list[str]] = defaultdict(list)
    for row in rows:
        if row[4] != person:
            groups[row[0], row[1], row[2], minute_of(row)].append(row[4])
    return [(*group, len(users), sorted(set(users))) for group, users in groups.items()]


def written(rows: list[Row]) -> dict[Key, Bucket]:
    """The buckets of rows, as a writer fills them."""
    deltas = [
        Delta(Key("1m", 7, EVENTS, row[0], row[1], NOW_US + row[3] * MINUTE_US, row[2]), 1, [row[4]], None)
        for row in rows
    ]
    buckets = Buckets()
    buckets.learn({}, {key for delta in deltas for key in rollup.widths(delta.key)})
    return buckets.add(deltas)


@given(ROWS)
def test_it_counts_what_others_did(rows: list[Row]) -> None:
    recount = Recount(7, {(row[0], row[1], row[2], minute_of(row)) for row in rows if row[4] == "x"})
    recount.add(left_by(rows, "x"))
    found = {key: bucket for width in WIDTHS_US for key, bucket in recount.of(width)}
    theirs = written([row for row in rows if row[4] != "x"])
    held = {key for key in written(rows) if key in written([row for row in rows if row[4] == "x"])}
    assert found.keys() == held
    for key, bucket in found.items():
        expected = theirs.get(key, Bucket())
        assert bucket.count == expected.count
        users = expected.uniques.get_estimate() if expected.uniques else 0
        assert (bucket.uniques.get_estimate() if bucket.uniques else 0) == users


def test_minutes_without_anybody_left_are_empty() -> None:
    recount = Recount(7, [(1, "a", 0, at(NOW_US))])
    assert [(key.width, bucket.count) for width in WIDTHS_US for key, bucket in recount.of(width)] == [
        ("1m", 0),
        ("1h", 0),
        ("1d", 0),
    ]
