"""A document as PDF: pages to print, with charts as vectors.

Comes in: a `Document` and its proofs. Goes out: bytes to an open file, the same for the same document. Everything is laid out once, so
that the contents and the foot of each page know how many there are, then drawn. The last page is the proof. Next: `check` reads it
back. Pure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO

from services.reports.document import (
    Chart,
    Document,
    Figures,
    Notice,
    Paragraph,
    Section,
    Style,
    Table,
)
from services.reports.formats import prose
from services.reports.formats.chart import draw
from services.reports.formats.paper.block import Block, Picture, Row, Text, notice, rows
from services.reports.formats.paper.board import Board
from services.reports.formats.paper.card import ACROSS, cards
from services.reports.formats.paper.flow import SIDE, Page, flow, width_of
from services.reports.formats.paper.front import ASIDE, Contents, Facts, Head, mark_of
from services.reports.formats.paper.grid import Cells, grids
from services.reports.formats.typeset import fonts
from services.reports.formats.typeset.lines import Look, single
from services.reports.words import Words
from tidemark.v1.report_pb2 import SectionProof, TableProof

MOST_ROWS = 500
"""Rows of a table that are printed."""
SUMS = 300
"""Letters of sums after which another row of the proof begins."""
MANY_COLUMNS = 12
"""From so many on a table gets pages that lie."""
BODY = Look(9.5)
NOTE = Look(7.5, "muted")
HEADINGS = {1: Look(13.5, bold=True), 2: Look(11.5, bold=True), 3: Look(10, bold=True)}


def write(document: Document, proofs: Sequence[SectionProof], sink: BinaryIO) -> dict[str, int]:
    """Writes the file; gives the rows held of tables that were cut."""
    made = _Paper(document)
    pages = flow([*made.opening(), *made.sections(), *made.proof(proofs)])
    made.print(pages, sink)
    return made.held


class _Paper:
    """A document on its way to paper."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.words = Words(document.locale, document.time_zone)
        self.fonts = fonts.Setting(fonts.installed())
        self.held: dict[str, int] = {}
        self.begins: dict[str, int] = {}
        """On which page each mark is."""
        self.width = width_of(False)

    def opening(self) -> Iterator[Block]:
        """The head of the first page, and the contents where there is more than one section."""
        document, width = self.document, self.width
        yield Head(
            single(document.project, Look(9.5, "accent", bold=True), self.fonts, width),
            tuple(self._rows(_flat(document.title), Look(23, bold=True), width, 1.24)),
            width,
        )
        if document.description:
            yield Text(tuple(self._rows(document.description, Look(10.5, "muted"), width)), width, before=0.0)
        facts = []
        for name, text in prose.facts(document, self.words):
            lines = self._rows(text, Look(8.5), width - ASIDE)
            facts += [(name if not place else "", line) for place, line in enumerate(lines)]
        yield Facts(tuple(facts), width)
        if document.notes:
            lines = [row for note in document.notes for row in self._rows(note, NOTE, width)]
            yield Text(tuple(lines), width)
        if len(document.sections) > 1:
            yield self._heading("Contents", Look(11, "muted", bold=True), 14.0)
            titles = [_flat(section.title) or section.section_id for section in document.sections]
            yield Contents((*titles, "Proof"), self.begins, width)

    def sections(self) -> Iterator[Block]:
        """All sections."""
        for place, section in enumerate(self.document.sections):
            title = _flat(section.title) or section.section_id
            head = self._rows(title, Look(16.5, bold=True), self.width, 1.3)
            head[0] = replace(head[0], height=head[0].height + 4)
            yield Text(
                tuple(head),
                self.width,
                before=26.0,
                keep=True,
                fresh=section.new_page,
                mark=mark_of(place),
                title=title,
            )
            titles = {title}
            wide = False
            for block in section.blocks:
                for laid in self._block(block, titles):
                    wide = laid.wide
                    yield laid
            yield from self._trust(section, wide)

    def _block(self, block: object, titles: set[str]) -> Iterator[Block]:
        """One block; a title that was just said is not said again."""
        match block:
            case Paragraph():
                yield self._paragraph(block)
            case Notice():
                said = [self._runs(one, self.width - 33) for one in block.paragraphs]
                yield notice(block.title, said, block.mark, self.width, self.fonts)
            case Figures():
                for begin in range(0, len(block.figures), ACROSS):
                    yield cards(block.figures[begin : begin + ACROSS], self.width, self.words, self.fonts)
            case Chart():
                if block.title not in titles:
                    yield self._heading(block.title, Look(10, bold=True), 12.0)
                titles.add(block.title)
                yield Picture(draw(block, self.width, self.words, self._measure))
            case Table() if block.shown:
                if block.title not in titles:
                    wide = len(block.columns) >= MANY_COLUMNS
                    yield replace(self._heading(block.title, Look(10, bold=True), 12.0), wide=wide)
                yield from self._table(block)
            case _:
                pass

    def _paragraph(self, paragraph: Paragraph) -> Text:
        if paragraph.level:
            look = HEADINGS[min(paragraph.level, 3)]
            return Text(tuple(self._runs(paragraph, self.width, look)), self.width, before=14.0, keep=True)
        return Text(
            tuple(self._runs(paragraph, self.width)), self.width, before=3.0 if paragraph.item else 7.0
        )

    def _runs(self, paragraph: Paragraph, width: float, look: Look = BODY) -> list[Row]:
        runs = [
            (
                run.text,
                replace(
                    look,
                    bold=look.bold or Style.BOLD in run.style,
                    italic=Style.ITALIC in run.style,
                    ink="accent" if run.link else look.ink,
                    link=run.link,
                ),
            )
            for run in paragraph.runs
        ]
        return rows(runs, width, self.fonts, item=paragraph.item)

    def _table(self, table: Table) -> Iterator[Block]:
        wide = len(table.columns) >= MANY_COLUMNS
        width = width_of(wide)
        if not table.rows.count:
            yield Text(tuple(self._rows("No rows.", Look(8.5, "muted"), width)), width, before=4.0, wide=wide)
            return
        held = min(table.rows.count, MOST_ROWS)
        yield from grids(_cells(table, held, self.words), width, self.fonts, wide)
        if held < table.rows.count:
            self.held[table.table_id] = held
            told = prose.cut(table, held, self.words)
            yield Text(
                tuple(self._rows(told, Look(8, "warn"), width)), width, before=5.0, wide=wide, tail=True
            )

    def _trust(self, section: Section, wide: bool) -> Iterator[Block]:
        told = [prose.trust(section.trust, self.words), *section.trust.notes]
        lines = [row for text in told if text for row in self._rows(text, NOTE, self.width)]
        if lines:
            yield Text(tuple(lines), self.width, before=9.0, wide=wide, tail=True)

    def proof(self, proofs: Sequence[SectionProof]) -> Iterator[Block]:
        """The last page: what every table holds, and of which data it is."""
        mark = mark_of(len(self.document.sections))
        head = self._rows("Proof", Look(16.5, bold=True), self.width, 1.6)
        yield Text(tuple(head), self.width, before=0.0, keep=True, fresh=True, mark=mark, title="Proof")
        yield Text(tuple(self._rows(prose.PROOF, Look(8.5, "muted"), self.width)), self.width)
        told = prose.proven(self.document, proofs)
        if told:
            proven = [row for _, table, counted in told for row in _proven(table, counted)]
            columns: tuple[tuple[str, ...], ...] = tuple(zip(*proven))
            numbers = (False, True, False, False)
            cells = Cells(("Table", "Rows", "Sums", "SHA-256"), columns, numbers, numbers)
            yield from grids(cells, self.width, self.fonts)
        sections = [proof for proof in proofs if proof.data_version]
        if sections:
            yield self._heading("Data", Look(10, bold=True), 14.0)
            columns = (
                tuple(proof.section_id for proof in sections),
                tuple(proof.data_version for proof in sections),
                tuple(prose.until(proof, self.words) for proof in sections),
                tuple(self.words.value(proof.completeness, prose.SHARE) for proof in sections),
            )
            heads = ("Section", "Data version", "Complete up to", "Completeness")
            numbers = (False, False, False, True)
            yield from grids(Cells(heads, columns, numbers, numbers), self.width, self.fonts)
        if self.fonts.missing:
            told_so = self._rows(prose.letters(list(self.fonts.missing)), Look(7.5, "warn"), self.width)
            yield Text(tuple(told_so), self.width, before=12.0)

    def print(self, pages: Sequence[Page], sink: BinaryIO) -> None:
        """Draws the pages."""
        document = self.document
        for number, page in enumerate(pages, 1):
            marks = (block.mark for block, _ in page.placed if isinstance(block, Text) and block.mark)
            self.begins.update((mark, number) for mark in marks)
        board = Board(
            sink, self.fonts, document.title, document.description, document.locale or "en", document.made_at
        )
        for number, page in enumerate(pages, 1):
            width, height = page.size
            board.page(width, height)
            for block, y in page.placed:
                block.draw(board, SIDE, y)
            self._rim(board, page, number, len(pages))
            board.end()
        board.save()

    def _rim(self, board: Board, page: Page, number: int, count: int) -> None:
        """What stands above and below on every page."""
        width, height = page.size
        if number > 1:
            board.text(self.document.title, SIDE, 34, NOTE, width=(width - 2 * SIDE) * 0.66)
            board.text(self.document.project, width - SIDE, 34, NOTE, "end", (width - 2 * SIDE) * 0.3)
            board.rule(SIDE, 40, width - 2 * SIDE, "line")
        board.rule(SIDE, height - 40, width - 2 * SIDE, "line")
        said = f"{self.words.span(self.document.span)} · {self.document.time_zone} · made {self.words.instant(self.document.made_at)}"
        board.text(said, SIDE, height - 28, NOTE, width=(width - 2 * SIDE) * 0.8)
        board.text(f"Page {number} of {count}", width - SIDE, height - 28, NOTE, "end")

    def _heading(self, text: str, look: Look, before: float) -> Text:
        return Text(tuple(self._rows(_flat(text), look, self.width)), self.width, before=before, keep=True)

    def _rows(self, text: str, look: Look, width: float, leading: float = 1.42) -> list[Row]:
        return rows([(text, look)], width, self.fonts, leading=leading)

    def _measure(self, text: str, size: float, bold: bool) -> float:
        return single(text, Look(size, bold=bold), self.fonts).width


def _flat(text: str) -> str:
    """A title, which is one paragraph whatever is in it."""
    return " ".join(text.split())


def _proven(table: Table, counted: TableProof) -> Iterator[tuple[str, str, str, str]]:
    """The rows that prove a table: one, or more where its sums are many."""
    some: list[str] = []
    first, last = (table.table_id, str(counted.row_count)), counted.sha256
    for title, total in prose.totals(table, counted):
        if sum(map(len, some)) > SUMS:
            yield (*first, " · ".join(some), last)
            some, first, last = [], ("", ""), ""
        some.append(f"{title} {total}")
    yield (*first, " · ".join(some), last)


def _cells(table: Table, most: int, words: Words) -> Cells:
    """The first rows of a table as texts."""
    columns: list[list[str]] = [[] for _ in table.columns]
    for batch in table.rows.batches():
        room = most - len(columns[0]) if columns else 0
        if room <= 0:
            break
        for told, column, values in zip(columns, table.columns, batch.slice(0, room).columns):
            told += [words.value(value, column.form) for value in values.to_pylist()]
    kinds = [column.form.kind for column in table.columns]
    return Cells(
        tuple(column.title for column in table.columns),
        tuple(map(tuple, columns)),
        tuple(kind in prose.NUMBERS for kind in kinds),
        tuple(kind in prose.NUMBERS or kind in prose.TIMES for kind in kinds),
    )
