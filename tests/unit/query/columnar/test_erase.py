from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest

from services.query.columnar.erase import Erasure, Expiry, concerned, kept
from services.query.columnar.layout import EMPTY, SCHEMA
from services.query.columnar.segment import Segment

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def table(*rows: tuple[str | None, int, int, datetime]) -> pa.Table:
    """Rows of user, partition, number of the batch, and instant."""
    columns = {
        "user_id": [user for user, *_ in rows],
        "occurred_at": [at for *_, at in rows],
        "batch_id": [number * 4096 + partition for _, partition, number, _ in rows],
    }
    return pa.table({name: pa.array(values, SCHEMA.field(name).type) for name, values in columns.items()})


def segment(project_id: int = 1, first_at: datetime = NOON) -> Segment:
    """A segment of a project."""
    return Segment("s", project_id, date(2026, 3, 1), (), (), 1, 1, b"", first_at, NOON + HOUR, EMPTY)


ROWS = table(
    (None, 0, 1, NOON), ("ann", 0, 1, NOON), ("ann", 0, 5, NOON), ("ann", 1, 1, NOON), ("ann", 9, 0, NOON), ("bob", 0, 1, NOON + HOUR)
)  # fmt: skip


def test_a_person_goes_up_to_the_batches_that_an_erasure_covers() -> None:
    erasure = Erasure("e", 1, "ann", (5, 1))
    # Not what came with the fifth batch or later, nor with a partition that did not exist.
    assert erasure.gone(ROWS).tolist() == [False, True, False, False, False, False]
    assert Erasure("e", 1, "ann", (6, 2)).gone(ROWS).tolist() == [False, True, True, True, False, False]


def test_what_is_too_old_goes_whoever_did_it() -> None:
    assert Expiry(1, NOON + HOUR).gone(ROWS).tolist() == [True] * 5 + [False]
    assert not Expiry(1, NOON).gone(ROWS).any()


@pytest.mark.parametrize(("rows", "left"), [([ROWS], 4), ([], 0), ([table(("ann", 0, 0, NOON))], 0)])
def test_tables_keep_the_rest_in_order(rows: list[pa.Table], left: int) -> None:
    found = list(kept(iter(rows), Erasure("e", 1, "ann", (6,))))
    assert sum(map(len, found)) == left
    assert all(len(each) for each in found)
    if left:
        assert found[0]["user_id"].to_pylist() == [None, "ann", "ann", "bob"]


def test_segments_of_others_and_of_later_times_are_left_alone() -> None:
    mine, theirs, later = segment(), segment(2), segment(first_at=NOON + HOUR)
    assert concerned([mine, theirs, later], Erasure("e", 1, "ann", ())) == [mine, later]
    assert concerned([mine, theirs, later], Expiry(1, NOON + HOUR)) == [mine]
