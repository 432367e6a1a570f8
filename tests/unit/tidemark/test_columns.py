"""The columnar door: tables become batches of the contract's columns."""

from datetime import UTC, datetime

import pytest

from tidemark.columns import bodies
from tidemark.ids import Minter
from tidemark.v1 import ingest_pb2

pyarrow = pytest.importorskip("pyarrow")
WHEN = datetime(2026, 11, 1, tzinfo=UTC)


def read(body):
    return pyarrow.ipc.open_stream(ingest_pb2.EventBatch.FromString(body).events_arrow).read_all()


def test_missing_columns_are_filled():
    ((count, body),) = bodies(
        pyarrow.table({"name": ["a", "b"], "occurred_at": [WHEN, WHEN]}), Minter(), 1 << 20
    )
    table = read(body)
    assert (count, table["type"].to_pylist(), table["user_id"].to_pylist()) == (2, [1, 1], [None, None])
    assert len(set(table["event_id"].to_pylist())) == 2


@pytest.mark.parametrize(("rows", "most_bytes"), [(25_000, 64 << 20), (1000, 4096)])
def test_large_tables_become_several_batches(rows, most_bytes):
    table = pyarrow.table({"name": [f"n{at}" for at in range(rows)], "occurred_at": [WHEN] * rows})
    parts = list(bodies(table, Minter(), most_bytes))
    assert len(parts) > 1
    assert max(count for count, _ in parts) <= 10_000
    assert [name for _, body in parts for name in read(body)["name"].to_pylist()] == table["name"].to_pylist()


def test_a_record_batch_will_do():
    batch = pyarrow.record_batch({"name": ["a"], "occurred_at": [WHEN]})
    assert [count for count, _ in bodies(batch, Minter(), 1 << 20)] == [1]


def test_no_rows_are_no_batches():
    table = pyarrow.table(
        {
            "name": pyarrow.array([], "string"),
            "occurred_at": pyarrow.array([], pyarrow.timestamp("us", "UTC")),
        }
    )
    assert list(bodies(table, Minter(), 1 << 20)) == []


def test_columns_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"columns: \['amount'\] are not known"):
        list(bodies(pyarrow.table({"name": ["a"], "occurred_at": [WHEN], "amount": [1]}), Minter(), 1 << 20))
    with pytest.raises(ValueError, match=r"columns: \['occurred_at'\] are missing"):
        list(bodies(pyarrow.table({"name": ["a"]}), Minter(), 1 << 20))
