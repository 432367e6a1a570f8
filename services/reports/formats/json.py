"""JSON: one document, which docs/report.schema.json describes. Its tables stand last, each of their rows on a line of its own.

So whoever cannot hold a million rows reads them line by line, as `check` does.
"""

from collections.abc import Sequence
from typing import BinaryIO

import orjson

from services.reports.document import Document, Table
from services.reports.formats import cells, plain
from tidemark.v1 import report_pb2 as pb

OPENS, CLOSES = b'"rows":[\n', b"]}"
"""Ends the line before the rows of a table, and begins the line behind them."""


def write(document: Document, proofs: Sequence[pb.SectionProof], sink: BinaryIO) -> dict[str, int]:
    """Writes the document; nothing is cut."""
    whole = {
        **plain.head(document),
        "sections": [plain.section(section) for section in document.sections],
        "proof": plain.proof(proofs),
    }
    sink.write(orjson.dumps(whole)[:-1] + b',"tables":[')
    tables = (table for section in document.sections for table in section.tables)
    for place, table in enumerate(tables):
        sink.write(b",\n" if place else b"\n")
        _table(table, sink)
    sink.write(b"\n]}\n")
    return {}


def _table(table: Table, sink: BinaryIO) -> None:
    sink.write(orjson.dumps(plain.table(table))[:-1] + b"," + OPENS)
    first = True
    for batch in cells.pieces(table):
        if not batch.num_rows:
            continue
        parts: list[str] = []
        lead = "["
        for column in batch.columns:
            parts += [lead, cells.json(column)]
            lead = ","
        rows = cells.written(cells.joined(",\n", *parts, "]"))
        sink.write(rows[2:] if first else rows)
        first = False
    sink.write(CLOSES if first else b"\n" + CLOSES)
