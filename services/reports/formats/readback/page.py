"""HTML read back: the figures, control totals and rows that a page shows are compared with those of the document."""

import codecs
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from typing import BinaryIO

from services.reports.document import Block, Document, Figures, Table
from services.reports.formats import prose
from services.reports.formats.html import MOST_ROWS
from services.reports.formats.readback.fault import demand
from services.reports.formats.typeset.lines import clean
from services.reports.words import Words
from tidemark.v1 import report_pb2 as pb

_PIECE = 1 << 16
"""Bytes read at once."""


def look(source: BinaryIO, document: Document, proofs: Sequence[pb.SectionProof]) -> None:
    """Raises `Disagrees` where the page shows anything else."""
    seen, decoder = _Seen(), codecs.getincrementaldecoder("utf-8")("strict")
    while piece := source.read(_PIECE):
        seen.feed(decoder.decode(piece))
    seen.close()
    words = Words(document.locale, document.time_zone)
    _same("the figures", seen.cards, _figures(document, words))
    _same("the control totals", seen.tables.pop("proof-tables", [[]])[1:], _totals(document, proofs))
    seen.tables.pop("proof-data", None)
    shown = {
        f"table-{block.table_id}": block
        for block in _blocks(document)
        if isinstance(block, Table) and block.shown
    }
    _same("the tables", list(seen.tables), list(shown))
    for name, table in shown.items():
        found, titles = seen.tables[name], [clean(column.title) for column in table.columns]
        _same(f"the headings of table {table.table_id}", found[:1], [titles])
        demand(
            len(found) - 1 == min(MOST_ROWS, table.rows.count),
            f"table {table.table_id} has {len(found) - 1} rows",
        )
        for number, (ours, theirs) in enumerate(zip(found[1:], _rows(table, words)), 1):
            _same(f"row {number} of table {table.table_id}", ours, theirs)


def _same(what: str, found: object, wanted: object) -> None:
    demand(found == wanted, f"{what}: the page has {found}, the report {wanted}")


def _blocks(document: Document) -> Iterator[Block]:
    return (block for section in document.sections for block in section.blocks)


def _figures(document: Document, words: Words) -> list[list[str]]:
    return [
        [clean(figure.title), clean(words.value(figure.value, figure.form))]
        for block in _blocks(document)
        if isinstance(block, Figures)
        for figure in block.figures
    ]


def _totals(document: Document, proofs: Sequence[pb.SectionProof]) -> list[list[str]]:
    return [
        [clean(table.table_id), str(counted.row_count), clean(prose.sums(table, counted)), counted.sha256]
        for _, table, counted in prose.proven(document, proofs)
    ]


def _rows(table: Table, words: Words) -> Iterator[list[str]]:
    """As many rows as the page shows, cell by cell as they are written."""
    forms, room = [column.form for column in table.columns], MOST_ROWS
    for batch in table.rows.batches():
        shown = batch.slice(0, room)
        for row in zip(*(column.to_pylist() for column in shown.columns)):
            yield [clean(words.value(value, form)) for value, form in zip(row, forms)]
        room -= shown.num_rows
        if not room:
            return


class _Seen(HTMLParser):
    """The cells of tables by their names, the headings included, and title and value of each card."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.cards: list[list[str]] = []
        self._rows: list[list[str]] | None = None
        self._card = False
        self._into: list[str] | None = None
        """Where text goes: its last."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Something begins."""
        given = dict(attrs)
        kinds = (given.get("class") or "").split()
        if tag == "table":
            self._rows = self.tables.setdefault(given.get("id") or "", [])
        elif tag == "tr" and self._rows is not None:
            self._rows.append([])
        elif tag in ("td", "th") and self._rows:
            self._begin(self._rows[-1])
        elif "card" in kinds:
            self._card = True
            self.cards.append([])
        elif self._card and (tag == "h3" or "value" in kinds):
            self._begin(self.cards[-1])

    def handle_endtag(self, tag: str) -> None:
        """Something ends."""
        if tag in ("td", "th", "h3", "p"):
            self._into = None
        elif tag == "div":
            self._card = False
        elif tag == "table":
            self._rows = None

    def handle_data(self, data: str) -> None:
        """Text, piece by piece."""
        if self._into is not None:
            self._into[-1] += data

    def _begin(self, texts: list[str]) -> None:
        texts.append("")
        self._into = texts
