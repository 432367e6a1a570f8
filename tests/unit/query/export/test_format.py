"""Files of every form read back as what was written."""

import csv
import io
import json
import math
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.errors import Invalid
from services.query.export.format import GROUP_ROWS, PIECE_BYTES, File
from services.query.export.rows import EVENTS
from tidemark.v1.query_pb2 import ExportRequest

ARROW, CSV = ExportRequest.FORMAT_ARROW, ExportRequest.FORMAT_CSV
NDJSON, PARQUET = ExportRequest.FORMAT_NDJSON, ExportRequest.FORMAT_PARQUET
NOON = datetime(2026, 3, 2, 12, 0, 0, 5, tzinfo=UTC)
SCHEMA = pa.schema(
    [
        ("text", pa.string()),
        ("=sum", pa.float64()),
        ("count", pa.int64()),
        ("at", pa.timestamp("us", "UTC")),
        ("late", pa.bool_()),
    ]
)


def written(
    form: ExportRequest.Format, rows: list[dict[str, object]], schema: pa.Schema = SCHEMA, size: int = 3
) -> bytes:
    file, found = File(form, schema), []
    table = pa.Table.from_pylist(rows, schema)
    for batch in table.to_batches(max_chunksize=size):
        found += file.write(batch)
    return b"".join([*found, *file.end()])


def row(text: str | None, value: float | None = 1.5, count: int | None = 2) -> dict[str, object]:
    return {"text": text, "=sum": value, "count": count, "at": NOON, "late": False}


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@given(
    st.lists(
        st.tuples(st.none() | texts, st.none() | st.floats(), st.none() | st.integers(-(2**63), 2**63 - 1))
    )
)
def test_every_form_reads_back(values: list[tuple[str | None, float | None, int | None]]) -> None:
    rows = [row(*each) for each in values]
    arrow = pa.ipc.open_stream(written(ARROW, rows)).read_all()
    parquet = pa.parquet.read_table(io.BytesIO(written(PARQUET, rows)))
    for table in (arrow, parquet):
        assert repr(table.to_pylist()) == repr(pa.Table.from_pylist(rows, SCHEMA).to_pylist())
    for line, (text, value, count) in zip(
        written(NDJSON, rows).decode().split("\n")[:-1], values, strict=True
    ):
        finite = value if value is not None and math.isfinite(value) else None
        assert json.loads(line) == {
            "text": text, "=sum": finite, "count": count, "at": "2026-03-02T12:00:00.000005Z", "late": False
        }  # fmt: skip
    read = list(csv.reader(io.StringIO(written(CSV, rows).decode(), newline="")))
    assert read[0] == ["text", "'=sum", "count", "at", "late"]
    for cells, (text, value, count) in zip(read[1:], values, strict=True):
        shown = text or ""
        assert cells[0] == (f"'{shown}" if shown.startswith(("=", "+", "-", "@", "\t", "\r")) else shown)
        assert cells[1] == "" if value is None or not math.isfinite(value) else float(cells[1]) == value
        assert cells[2] == ("" if count is None else str(count))


@given(st.lists(texts, min_size=1))
def test_no_cell_of_a_csv_begins_like_a_formula(values: list[str]) -> None:
    for cells in list(
        csv.reader(io.StringIO(written(CSV, [row(each) for each in values]).decode(), newline=""))
    )[1:]:
        assert not cells[0].startswith(("=", "+", "-", "@", "\t", "\r"))


def test_stored_json_stands_in_an_object_as_it_is() -> None:
    event = dict.fromkeys(EVENTS.names) | {"event_id": "e", "properties": '{"a": [1, "é"]}', "name": 'x"y'}
    (line,) = written(NDJSON, [event], EVENTS).decode().splitlines()
    assert '"properties":{"a": [1, "é"]}' in line
    assert json.loads(line)["name"] == 'x"y'
    assert json.loads(line)["context"] is None


def test_pieces_are_no_larger_than_a_message_may_be() -> None:
    file = File(NDJSON, pa.schema([("text", pa.string())]))
    pieces = file.write(pa.record_batch({"text": ["x" * 1000] * 5000}))
    assert [len(piece) for piece in pieces[:-1]] == [PIECE_BYTES] * (len(pieces) - 1)
    assert len(pieces) == 5


def test_a_parquet_file_has_row_groups_of_a_bounded_size() -> None:
    schema = pa.schema([("n", pa.int64())])
    file, data = File(PARQUET, schema), b""
    for start in range(0, 3 * GROUP_ROWS, 16_384):
        pieces = file.write(pa.record_batch({"n": list(range(start, start + 16_384))}, schema=schema))
        data += b"".join(pieces)
    data += b"".join(file.end())
    found = pa.parquet.ParquetFile(io.BytesIO(data))
    assert [found.metadata.row_group(i).num_rows for i in range(found.num_row_groups)] == [GROUP_ROWS] * 3
    assert found.metadata.row_group(0).column(0).compression == "ZSTD"
    assert found.read()["n"].to_pylist() == list(range(3 * GROUP_ROWS))


@pytest.mark.parametrize("form", [0, 5])
def test_an_unknown_form_is_refused(form: int) -> None:
    with pytest.raises(Invalid, match="format: is . give one of FORMAT_ARROW".replace(" . ", " .; ")):
        File(form, SCHEMA)  # type: ignore[arg-type]
