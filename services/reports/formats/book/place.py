"""Where everything stands in a workbook: a document comes in, its sheets go out to `xlsx`, and to `check`, which looks there.

A section has a sheet: its title, its texts, and its tables one below the other. What is too long for a sheet goes on in a further one.
Rows and columns count from 0.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.reports.document import Document, Figures, Notice, Paragraph, Section, Table
from services.reports.formats.book.names import Names

ROWS = 1_048_576
"""Of a sheet at most."""


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text above the tables."""

    text: str
    heading: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of a table that stand on one sheet, below its headings."""

    table: Table
    first: int
    """So many rows of the table stand on sheets before."""
    count: int
    heading: int
    """The row of the headings."""
    titled: bool
    """Whether the row before it has the title of the table."""

    @property
    def begins(self) -> int:
        """The row of the first cells."""
        return self.heading + 1

    @property
    def ends(self) -> int:
        """The row of the last cells, or that of the headings."""
        return self.heading + self.count


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of a section."""

    name: str
    section: Section
    first: bool
    """Whether it is the first of the section, which has its title and texts."""
    texts: tuple[Text, ...]
    pieces: tuple[Piece, ...]


def sheets(document: Document, rows: int = ROWS) -> list[Sheet]:
    """The sheets of all sections; none has more than `rows` rows."""
    names = Names()
    return [sheet for section in document.sections for sheet in _sheets(section, names, rows)]


def proof(totals: Table) -> Piece:
    """The table of control totals, which has a sheet of its own."""
    return Piece(totals, 0, totals.rows.count, 0, titled=False)


def texts(section: Section) -> tuple[Text, ...]:
    """What is to be read in a section, line by line."""
    return tuple(_texts(section))


def line(paragraph: Paragraph) -> Text:
    """A paragraph as one line; addresses of links stand behind them."""
    parts = [run.text + (f" <{run.link}>" if run.link else "") for run in paragraph.runs]
    return Text(("• " if paragraph.item else "") + "".join(parts), paragraph.level > 0)


def _texts(section: Section) -> Iterator[Text]:
    for block in section.blocks:
        if isinstance(block, Paragraph):
            yield line(block)
        elif isinstance(block, Notice):
            yield Text(f"{block.title} ({block.mark})" if block.mark else block.title, heading=True)
            yield from map(line, block.paragraphs)
    if section.trust.completeness < 1:
        yield Text(f"Complete to {section.trust.completeness:.2%}.")
    yield from map(Text, section.trust.notes)


def _sheets(section: Section, names: Names, rows: int) -> Iterator[Sheet]:
    told = texts(section)
    tables = list(section.tables)
    groups = _placed(tables, top=2 + len(told), rows=rows)
    for place, pieces in enumerate(groups):
        name = names.unique(section.title or section.section_id)
        yield Sheet(name, section, place == 0, told if place == 0 else (), tuple(pieces))


def _placed(tables: Sequence[Table], top: int, rows: int) -> list[list[Piece]]:
    """The pieces of each sheet; `top` is the first free row of the first."""
    found: list[list[Piece]] = [[]]
    row = top
    titled = len(tables) > 1
    for table in tables:
        done = 0
        while True:
            heading = row + titled
            left = table.rows.count - done
            # What does not fit below another table begins a sheet; what fits no sheet goes on.
            if found[-1] and heading + left >= rows:
                found.append([])
                row = 0
                continue
            count = min(left, rows - heading - 1)
            found[-1].append(Piece(table, done, count, heading, titled))
            done += count
            row = heading + count + 2
            if done == table.rows.count:
                break
            found.append([])
            row = 0
    return found


def figures(document: Document) -> Iterator[tuple[Section, Figures]]:
    """All figures, for the first sheet."""
    for section in document.sections:
        for block in section.blocks:
            if isinstance(block, Figures):
                yield section, block
