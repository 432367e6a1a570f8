"""JSON read back by orjson: a document comes in, its tables go out to `check`, a thousand lines at a time.

Each row is a line of its own. What is left without them is parsed as a whole and has to be the document, word for word.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, BinaryIO

import orjson
import pyarrow as pa

from services.reports.document import Document, Table
from services.reports.formats import cells, plain
from services.reports.formats.json import CLOSES, OPENS
from services.reports.formats.readback.fault import Disagrees, again, demand, tables
from tidemark.v1 import report_pb2 as pb

_LINES = 1_024
"""Read at once: so few that their lists are gone before Python begins to look for what is not needed any more."""


def read(source: BinaryIO, document: Document, proofs: Sequence[pb.SectionProof]) -> Iterator[Table]:
    """The tables of the document, in their order; each has to be read before the next is asked for."""
    frame: list[bytes] = []
    for table in tables(document):
        for line in source:
            frame.append(line)
            if line.endswith(OPENS):
                break
        else:
            raise Disagrees(f"table {table.table_id} is missing")
        yield again(table, partial(_rows, source, table, frame))
    frame.extend(source)
    try:
        found = orjson.loads(b"".join(frame))
    except orjson.JSONDecodeError as error:
        raise Disagrees(f"it is no JSON: {error}") from error
    wanted = {
        **plain.head(document),
        "sections": [plain.section(section) for section in document.sections],
        "proof": plain.proof(proofs),
        "tables": [{**plain.table(table), "rows": []} for table in tables(document)],
    }
    for key in wanted.keys() | found.keys():
        demand(found.get(key) == wanted.get(key), f"{key} is another")


def _rows(source: BinaryIO, table: Table, frame: list[bytes]) -> Iterator[pa.RecordBatch]:
    kinds, lines = cells.types(table), list[bytes]()
    for line in source:
        if line.startswith(CLOSES):
            frame.append(line)
            yield _batch(lines, kinds, table)
            return
        lines.append(line)
        if len(lines) == _LINES:
            yield _batch(lines, kinds, table)
            lines.clear()
    raise Disagrees(f"table {table.table_id} has no end")


def _batch(lines: list[bytes], kinds: Sequence[pa.DataType], table: Table) -> pa.RecordBatch:
    """Rows of as many lines, all of which but the last of a table end with a comma."""
    try:
        rows = orjson.loads(b"[" + b"".join(lines).rstrip(b",\n") + b"]")
        demand(len(rows) == len(lines), "a row is missing")
        demand(all(len(row) == len(kinds) for row in rows), "a row has more cells or fewer than columns")
        columns = list(zip(*rows)) or [()] * len(kinds)
        return pa.RecordBatch.from_arrays(
            [_column(column, kind) for column, kind in zip(columns, kinds)], [""] * len(kinds)
        )
    except (orjson.JSONDecodeError, pa.ArrowException, TypeError, Disagrees) as error:
        raise Disagrees(f"table {table.table_id}: {error}") from error


def _column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(kind):
        return pa.array(values, pa.string()).cast(kind)
    if pa.types.is_floating(kind):
        return pa.array([None if value is None else _number(value) for value in values], kind)
    return pa.array(values, kind)


def _number(value: Any) -> float:
    """Whole numbers of JSON are integers to Python."""
    demand(type(value) in (int, float), f"{value!r} is no number")
    return float(value)
