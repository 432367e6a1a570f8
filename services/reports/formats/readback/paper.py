"""PDF read back by PDFium: what can be read on the pages is searched for the figures and control totals of the document.

What stands side by side may be read in another order than it was written, so that numbers are searched for one by one. PDFium ends the
process when two threads are in it: whoever calls this sees to it that one is, and all that was opened is closed here.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import BinaryIO

from pypdfium2 import PdfDocument, PdfiumError, PdfPage

from services.reports.document import Document, Figures
from services.reports.formats import prose
from services.reports.formats.readback.fault import Disagrees, demand
from services.reports.words import Words
from tidemark.v1 import report_pb2 as pb

_NUMBER = re.compile(r"\d(?:[\d.,’'\s]*\d)?")


def look(source: BinaryIO, document: Document, proofs: Sequence[pb.SectionProof]) -> None:
    """Raises `Disagrees` where a page is empty, or a number that matters stands nowhere."""
    pages = _read(source)
    for number, page in enumerate(pages, 1):
        demand(bool(page), f"page {number} is empty")
    whole = "".join(pages)
    for what, said in (*_figures(document), *_totals(document, proofs)):
        demand(_bare(said) in whole, f"{what} is on no page: {said}")


def _figures(document: Document) -> Iterator[tuple[str, str]]:
    """The numbers of figures, with what they are."""
    words = Words(document.locale, document.time_zone)
    for section in document.sections:
        for block in section.blocks:
            for figure in block.figures if isinstance(block, Figures) else ():
                for number in _NUMBER.findall(words.value(figure.value, figure.form)):
                    yield f"figure {figure.title!r}", number


def _totals(document: Document, proofs: Sequence[pb.SectionProof]) -> Iterator[tuple[str, str]]:
    """Rows, sums and hash of each table."""
    for _, table, counted in prose.proven(document, proofs):
        yield f"the hash of table {table.table_id}", counted.sha256
        yield f"the number of rows of table {table.table_id}", str(counted.row_count)
        for column, told in zip(table.columns, counted.columns):
            if column.form.kind in prose.NUMBERS:
                yield f"the sum of column {told.title!r} of table {table.table_id}", prose.exact(told.sum)


def _read(source: BinaryIO) -> list[str]:
    try:
        with PdfDocument(source) as opened:
            return [_text(page) for page in opened]
    except PdfiumError as error:
        raise Disagrees(f"it is no PDF: {error}") from error


def _text(page: PdfPage) -> str:
    with closing(page), closing(page.get_textpage()) as text:
        return _bare(text.get_text_range())


def _bare(text: str) -> str:
    """What tells texts apart however their lines are broken: no space, and nothing that cannot be seen."""
    folded = unicodedata.normalize("NFKC", text)
    return "".join(letter for letter in folded if unicodedata.category(letter)[0] not in "ZC")
