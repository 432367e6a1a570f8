"""Files compared with what is proven: a file that a writer made comes in; where it says anything else, `Disagrees` goes out.

Files of data are read back by other programs than those that wrote them, and every cell is counted and hashed again. Of files that people
read, what they show is compared: figures, control totals, and rows that were not cut. Next: `editions` keeps what passed.
"""

import math
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

from services.reports.document import Document, Table
from services.reports.formats.readback import archive, book, lines, page, paper
from services.reports.formats.readback.fault import Disagrees, demand, tables
from services.reports.proof import total
from tidemark.v1 import report_pb2 as pb

__all__ = ["Disagrees", "check"]

_READERS: dict[
    pb.ReportFormat, Callable[[BinaryIO, Document, Sequence[pb.SectionProof]], Iterator[Table]]
] = {
    pb.REPORT_FORMAT_XLSX: book.read,
    pb.REPORT_FORMAT_CSV: archive.read,
    pb.REPORT_FORMAT_JSON: lines.read,
}
"""Give every cell."""
_BROKEN = (zipfile.BadZipFile, zlib.error, KeyError, ValueError, EOFError)
"""What archives and texts raise that are none, or are cut off."""
_EYES: dict[pb.ReportFormat, Callable[[BinaryIO, Document, Sequence[pb.SectionProof]], None]] = {
    pb.REPORT_FORMAT_PDF: paper.look,
    pb.REPORT_FORMAT_HTML: page.look,
}
"""Compare what people see."""


def check(
    form: pb.ReportFormat, source: BinaryIO, document: Document, proofs: Sequence[pb.SectionProof]
) -> None:
    """Raises `Disagrees` where a file of a document says anything but what is proven."""
    try:
        if form in _EYES:
            _EYES[form](source, document, proofs)
        else:
            _count(form, source, document, proofs)
    except _BROKEN as error:
        raise Disagrees(f"the file cannot be read: {error}") from error


def _count(
    form: pb.ReportFormat, source: BinaryIO, document: Document, proofs: Sequence[pb.SectionProof]
) -> None:
    """Counts every cell again."""
    proven = [counted for section in proofs for counted in section.tables]
    demand([counted.table_id for counted in proven] == [table.table_id for table in tables(document)],
           "other tables are proven than the document has")  # fmt: skip
    read = _READERS[form](source, document, proofs)
    for table, counted, found in zip(tables(document), proven, map(total, read), strict=True):
        if found != counted and form == pb.REPORT_FORMAT_XLSX:
            # Cells of a workbook cannot hold everything; what they can is compared as strictly.
            counted = _held(table, document.time_zone, counted)
        demand(found == counted, f"table {table.table_id}: {difference(found, counted)}")


def _held(table: Table, zone: str, proven: pb.TableProof) -> pb.TableProof:
    """What is counted of a table as a workbook holds it; numbers are the same."""
    held = total(book.held(table, zone))
    for ours, theirs in zip(held.columns, proven.columns, strict=True):
        demand(_same(ours.sum, theirs.sum), f"table {table.table_id}: {difference(held, proven)}")
    return held


def difference(found: pb.TableProof, wanted: pb.TableProof) -> str:
    """What is not as it should be, in words."""
    if found.row_count != wanted.row_count:
        return f"there are {found.row_count} rows, proven are {wanted.row_count}"
    for ours, theirs in zip(found.columns, wanted.columns, strict=True):
        if ours.value_count != theirs.value_count:
            return f"column {ours.title!r} has {ours.value_count} values, proven are {theirs.value_count}"
        if not _same(ours.sum, theirs.sum):
            return f"the sum of column {ours.title!r} is {ours.sum!r}, proven is {theirs.sum!r}"
    return f"a cell is another: the hash is {found.sha256}, proven is {wanted.sha256}"


def _same(ours: float, theirs: float) -> bool:
    return ours == theirs or (math.isnan(ours) and math.isnan(theirs))
