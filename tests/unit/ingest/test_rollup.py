"""Buckets of every width hold what a plain recomputation from the rows would give."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest import microbatch, rollup
from services.ingest.microbatch import Microbatch
from services.ingest.rollup import EVENTS, METRICS, WIDTHS_US, Bucket, Buckets, Delta, Key
from services.kit import sketch
from tests.ingesting import MINUTE_US, NOW_US, entry_fields, event, gathered, point, position

Place = tuple[str, int, int, int, str, int, int]


@dataclass
class Naive:
    """A bucket as anybody would compute it."""

    count: int = 0
    users: set[str] = field(default_factory=set)
    values: list[float] = field(default_factory=list)


def naive(work: Microbatch) -> dict[Place, Naive]:
    """Every bucket of the rows of a microbatch."""
    buckets: defaultdict[Place, Naive] = defaultdict(Naive)
    for source, kind, rows in ((EVENTS, "type", work.events), (METRICS, "kind", work.points)):
        for row, batch, at_us in zip(rows.table.to_pylist(), rows.batch.tolist(), rows.at_us.tolist()):
            for width, width_us in WIDTHS_US.items():
                start = at_us // width_us * width_us
                place = (
                    width,
                    row["project_id"],
                    source,
                    row[kind],
                    row["name"],
                    start,
                    work.batches[batch].partition,
                )
                bucket = buckets[place]
                bucket.count += 1
                if row.get("user_id"):
                    bucket.users.add(row["user_id"])
                if "value" in row:
                    bucket.values.append(row["value"])
    return dict(buckets)


def deltas(work: Microbatch) -> list[Delta]:
    return rollup.deltas(work.events, work.points, work.batches)


def fold(buckets: Buckets, gains: Sequence[Delta]) -> dict[Key, Bucket]:
    """What `gains` change in buckets that nobody has filled before."""
    buckets.learn({}, buckets.unknown(gains))
    return buckets.add(gains)


def assert_equal(found: dict[Key, Bucket], expected: dict[Place, Naive]) -> None:
    assert {tuple(key) for key in found} == expected.keys()
    for key, bucket in found.items():
        wanted = expected[tuple(key)]
        assert bucket.count == wanted.count
        # Below a few hundred users the sketch counts exactly.
        assert round(bucket.uniques.get_estimate() if bucket.uniques else 0) == len(wanted.users)
        if wanted.values:
            assert bucket.sum == pytest.approx(sum(wanted.values))
            assert (bucket.min, bucket.max) == (min(wanted.values), max(wanted.values))
            assert bucket.quantiles is not None
            assert bucket.quantiles.n == wanted.count
            if wanted.count <= sketch.KLL_K:
                middle = sorted(wanted.values)[(wanted.count - 1) // 2]
                assert bucket.quantiles.get_quantile(0.5, inclusive=True) == middle
        else:
            assert (bucket.sum, bucket.min, bucket.max, bucket.quantiles) == (None, None, None, None)


TIMES = st.sampled_from(
    [0, 1, MINUTE_US - 1, MINUTE_US, 59 * MINUTE_US, 60 * MINUTE_US, 1440 * MINUTE_US, NOW_US]
)
NAMES = st.sampled_from(["a", "b", "ä"])


@st.composite
def works(draw: st.DrawFn) -> Microbatch:
    """A microbatch of two partitions and two projects."""
    entries: dict[int, list[tuple[str, dict[bytes, bytes]]]] = {}
    for number in range(draw(st.integers(1, 5))):
        if draw(st.booleans()):
            rows = [
                event(
                    100 * number + row,
                    at_us=draw(TIMES),
                    name=draw(NAMES),
                    type=draw(st.integers(1, 3)),
                    user_id=draw(st.sampled_from(["", "u", "v", "w"])),
                )
                for row in range(draw(st.integers(1, 6)))
            ]
        else:
            rows = [
                point(
                    draw(st.integers(-50, 50)) / 4,
                    at_us=draw(TIMES),
                    name=draw(NAMES),
                    kind=draw(st.integers(1, 2)),
                )
                for _ in range(draw(st.integers(1, 6)))
            ]
        fields = entry_fields(*rows, project_id=draw(st.integers(1, 2)), producer_id=str(number))
        entries.setdefault(draw(st.integers(0, 1)), []).append((f"1-{number}", fields))
    return microbatch.gather(entries, {0: position(0), 1: position(1)}, {}, 10**18)


@settings(max_examples=150)
@given(works())
def test_buckets_of_every_width_equal_a_plain_recomputation(work: Microbatch) -> None:
    assert_equal(fold(Buckets(), deltas(work)), naive(work))


@settings(max_examples=60)
@given(st.lists(works(), min_size=1, max_size=4), st.data())
def test_state_after_several_steps_equals_that_of_one(works: list[Microbatch], data: st.DataObject) -> None:
    """Also where a writer forgets in between and reads back what it stored."""
    one = fold(Buckets(), [delta for work in works for delta in deltas(work)])
    buckets, stored = Buckets(), dict[Key, Bucket]()
    for work in works:
        if data.draw(st.booleans()):
            buckets = Buckets()
        gains = deltas(work)
        asked = buckets.unknown(gains)
        buckets.learn({key: reread(stored[key]) for key in asked & stored.keys()}, asked)
        stored |= buckets.add(gains)
    assert stored.keys() == one.keys()
    for key, bucket in one.items():
        other = stored[key]
        assert (other.count, other.min, other.max) == (bucket.count, bucket.min, bucket.max)
        assert other.sum == bucket.sum  # Quarters add up without rounding.
        assert (other.uniques is None) == (bucket.uniques is None)
        if bucket.uniques and other.uniques:
            assert round(other.uniques.get_estimate()) == round(bucket.uniques.get_estimate())
        if bucket.quantiles and other.quantiles:
            assert other.quantiles.n == bucket.quantiles.n


def reread(bucket: Bucket) -> Bucket:
    """A bucket as it comes back from the database."""
    return Bucket(
        bucket.count,
        bucket.sum,
        bucket.min,
        bucket.max,
        sketch.merged_uniques([bucket.uniques.serialize_compact()]) if bucket.uniques else None,
        sketch.merged_quantiles([bucket.quantiles.serialize()]) if bucket.quantiles else None,
    )


def test_sketches_of_many_rows_keep_their_stated_error() -> None:
    rng = np.random.default_rng(1)
    values = rng.lognormal(size=8000)
    batches = [
        entry_fields(*(point(value) for value in values[at : at + 2000].tolist()), sequence=at // 2000 + 1)
        for at in range(0, 8000, 2000)
    ]
    users = [
        entry_fields(
            *(event(at + row, user_id=f"u{at + row}") for row in range(2000)),
            producer_id="u",
            sequence=at // 2000 + 1,
        )
        for at in range(0, 8000, 2000)
    ]
    buckets, changed = Buckets(), dict[Key, Bucket]()
    for fields in [*batches, *users]:
        changed |= fold(buckets, deltas(gathered(fields)))
    for key, bucket in changed.items():
        assert bucket.count == 8000
        if key.source == METRICS:
            assert bucket.quantiles is not None
            rank = float((values <= bucket.quantiles.get_quantile(0.9)).mean())
            assert rank == pytest.approx(0.9, abs=2 * sketch.QUANTILE_ERROR)
        else:
            assert bucket.uniques is not None
            assert bucket.uniques.get_estimate() == pytest.approx(8000, rel=sketch.UNIQUES_ERROR)


def test_nothing_gains_nothing() -> None:
    assert deltas(gathered()) == []
    assert Buckets().add([]) == {}


def test_only_buckets_not_in_memory_are_asked_for() -> None:
    buckets = Buckets()
    first, second = (
        deltas(gathered(entry_fields(event(1)))),
        deltas(gathered(entry_fields(event(2, name="other")))),
    )
    assert {key.width for key in buckets.unknown(first)} == set(WIDTHS_US)
    fold(buckets, first)
    assert buckets.unknown(first) == set()
    assert {key.name for key in buckets.unknown([*first, *second])} == {"other"}


def test_only_what_changed_is_written() -> None:
    buckets = Buckets()
    fold(buckets, deltas(gathered(entry_fields(event(1)))))
    changed = fold(buckets, deltas(gathered(entry_fields(event(2, at_us=NOW_US + MINUTE_US)))))
    assert {key.width: bucket.count for key, bucket in changed.items()} == {"1m": 1, "1h": 2, "1d": 2}


def test_buckets_longest_untouched_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollup, "MAX_BUCKETS", 6)
    buckets = Buckets()
    old, kept, new = (deltas(gathered(entry_fields(event(1, name=name)))) for name in ("old", "kept", "new"))
    for gains in (old, kept, old, kept):
        fold(buckets, gains)
    fold(buckets, new)
    assert {key.name for key in buckets.unknown([*old, *kept, *new])} == {"old"}


def test_a_commit_larger_than_memory_is_still_written_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollup, "MAX_BUCKETS", 2)
    buckets = Buckets()
    many = deltas(gathered(entry_fields(*(event(number, name=f"n{number}") for number in range(10)))))
    assert len(fold(buckets, many)) == 30
    assert len(buckets.unknown(many)) == 28


def test_values_whose_sum_is_beyond_a_double_are_counted_all_the_same() -> None:
    largest = float(np.finfo(np.float64).max)
    for changed in fold(Buckets(), deltas(gathered(entry_fields(point(largest), point(largest))))).values():
        assert (changed.count, changed.min, changed.max, changed.sum) == (2, largest, largest, np.inf)


def test_many_names_and_minutes_at_once_stay_apart() -> None:
    rows = [
        event(number, name=f"n{number % 97}", at_us=NOW_US - number % 89 * MINUTE_US)
        for number in range(9000)
    ]
    work = gathered(entry_fields(*rows))
    found = {(delta.key.name, delta.key.bucket_us): delta.rows for delta in deltas(work)}
    assert len(found) == 97 * 89
    assert sum(found.values()) == 9000
