"""What stands on pages: texts, notices, drawings; each laid out, with the height it needs.

Comes in: words and drawings, and a width. Goes out: blocks, which `flow` puts on pages and which draw themselves on a
`board`. Pure.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from services.reports.formats.drawing.palette import of_mark
from services.reports.formats.drawing.shape import Drawn
from services.reports.formats.paper.board import Board
from services.reports.formats.typeset.fonts import Setting
from services.reports.formats.typeset.lines import Line, Look, lay, single

LEADING = 1.42
"""Distance of lines, in sizes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block(ABC):
    """Something on a page."""

    before: float = 6.0
    """The room above it, unless it is the first on its page."""
    keep: bool = False
    """Whether the next block begins on the same page."""
    wide: bool = False
    """Whether it needs a page that lies."""
    fresh: bool = False
    """Whether it begins a page."""
    tail: bool = False
    """Whether it stays with the block before."""

    @property
    @abstractmethod
    def height(self) -> float:
        """How high it is."""

    @property
    def least(self) -> float:
        """How much of it must fit for it to begin on a page: all of it."""
        return self.height

    def split(self, room: float) -> "tuple[Block, Block] | None":  # noqa: ARG002
        """What fits, and the rest; None where it cannot be cut there."""
        return None

    @abstractmethod
    def draw(self, board: Board, x: float, y: float) -> None:
        """Draws it with its left upper corner there."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a text."""

    line: Line
    height: float
    indent: float = 0.0
    bullet: bool = False


@dataclass(frozen=True, slots=True)
class Text(Block):
    """Lines below each other; with a `bar`, a notice whose left rim has that colour."""

    rows: tuple[Row, ...]
    width: float
    bar: str = ""
    chip: str = ""
    """A word at the right of the first line."""
    mark: str = ""
    title: str = ""
    """With `mark`: what is led to, and how the outline calls it."""

    @property
    def height(self) -> float:
        """How high it is."""
        return sum(row.height for row in self.rows) + (14 if self.bar else 0)

    @property
    def least(self) -> float:
        """Two lines, or all where there are three."""
        if len(self.rows) <= 3:
            return self.height
        return sum(row.height for row in self.rows[:2]) + (14 if self.bar else 0)

    def split(self, room: float) -> "tuple[Text, Text] | None":
        """Cut between lines, with two at least on each side."""
        room -= 14 if self.bar else 0
        fits = 0
        for row in self.rows:
            room -= row.height
            if room < 0:
                break
            fits += 1
        fits = min(fits, len(self.rows) - 2)
        if fits < 2:
            return None
        return (
            replace(self, rows=self.rows[:fits], keep=False),
            replace(self, rows=self.rows[fits:], before=0.0, chip="", mark=""),
        )

    def draw(self, board: Board, x: float, y: float) -> None:
        """Draws it."""
        if self.mark:
            board.mark(self.mark, self.title, y - 8)
            board.box(x, y - 2, 22, 2.4, "accent")
            y += 3
        left = x
        if self.bar:
            board.box(x, y, self.width, self.height, "sunken", radius=3)
            board.box(x, y, 3, self.height, self.bar)
            y, left = y + 7, x + 13
        if self.chip:
            look = Look(7.5, self.bar, bold=True)
            wide = single(self.chip, look, board.fonts, 90).width
            board.box(x + self.width - wide - 22, y + 0.5, wide + 14, 12.5, f"{self.bar}-soft", radius=6)
            board.text(self.chip, x + self.width - wide - 15, y + 9.3, look, width=90)
        for row in self.rows:
            base = y + row.height * 0.74
            if row.line.leftward:
                board.line(
                    row.line, left + self.width - (20 if self.bar else 0) - row.line.width - row.indent, base
                )
            else:
                board.line(row.line, left + row.indent, base)
            if row.bullet:
                size = row.line.pieces[0].look.size if row.line.pieces else 9.5
                board.box(left + row.indent - 8, base - size * 0.42, 2.6, 2.6, "accent", radius=1.2)
            y += row.height


def rows(
    runs: Sequence[tuple[str, Look]],
    width: float,
    fonts: Setting,
    *,
    item: bool = False,
    leading: float = LEADING,
) -> list[Row]:
    """The lines of a paragraph, or of an item of a list."""
    indent = 14.0 if item else 0.0
    size = max((look.size for _, look in runs), default=9.5)
    lines = lay(runs, width - indent, fonts)
    return [Row(line, size * leading, indent, item and not place) for place, line in enumerate(lines)]


@dataclass(frozen=True, slots=True)
class Picture(Block):
    """A drawing with its title above it."""

    drawn: Drawn
    before: float = field(default=4.0, kw_only=True)

    @property
    def height(self) -> float:
        """How high it is."""
        return self.drawn.height

    def draw(self, board: Board, x: float, y: float) -> None:
        """Draws it."""
        board.drawn(self.drawn, x, y)


def notice(title: str, paragraphs: Sequence[Sequence[Row]], mark: str, width: float, fonts: Setting) -> Text:
    """A notice: its title, its mark and what it says."""
    ink = of_mark(mark)
    look = Look(10, "text", bold=True)
    chip = single(mark, Look(7.5, bold=True), fonts, 90).width + 34 if mark else 20
    head = rows([(title, look)], width - chip - 13, fonts, leading=1.4)
    return Text((*head, *(row for one in paragraphs for row in one)), width, before=8.0, bar=ink, chip=mark)
