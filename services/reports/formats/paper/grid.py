"""Tables on pages: columns as wide as what they hold, cells that wrap, headings that are repeated on every page.

Comes in: headings and cells as texts, and a width. Goes out: blocks for `flow`. What is too wide is set smaller, then wrapped, then
cut into panels with the first column in each: nothing is left out, and nothing runs off the page. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from services.reports.formats.paper.block import Block, Text, rows
from services.reports.formats.paper.board import Board
from services.reports.formats.typeset.fonts import Setting
from services.reports.formats.typeset.lines import Line, Look, lay

PAD = 5.0
"""Between the rim of a column and what stands in it."""
LEAD = 1.36
WIDEST = 240.0
"""A text wider than this wraps where room is short."""
NARROW = 46.0
"""Texts are not wrapped to less than this."""
LONGEST = 600
"""Letters of a cell that are printed; the rest is an ellipsis, and in the files for data."""
MOST_LINES = 24
"""Lines of a cell, likewise: no row is higher than a page."""
MOST_HEADING = 8
"""Lines of a heading."""


@dataclass(frozen=True, slots=True)
class Cells:
    """What a table holds, as texts: by columns."""

    heads: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]
    right: tuple[bool, ...]
    """Which columns stand at the right, as numbers do."""
    whole: tuple[bool, ...]
    """Which columns are not wrapped where that can be helped, as numbers and times are."""


@dataclass(frozen=True, slots=True)
class Ruled:
    """Cells of one row, laid out."""

    cells: tuple[tuple[Line, ...], ...]
    height: float
    odd: bool = False


@dataclass(frozen=True, slots=True)
class Grid(Block):
    """A table, or a part of one that is on one page."""

    head: Ruled
    body: tuple[Ruled, ...]
    widths: tuple[float, ...]
    right: tuple[bool, ...]
    size: float
    before: float = field(default=5.0, kw_only=True)

    @property
    def height(self) -> float:
        """How high it is."""
        return self.head.height + sum(row.height for row in self.body)

    @property
    def least(self) -> float:
        """The heading and two rows."""
        return self.head.height + sum(row.height for row in self.body[:2])

    def split(self, room: float) -> "tuple[Grid, Grid] | None":
        """Cut between rows; the heading is in both."""
        room -= self.head.height
        fits = 0
        for row in self.body:
            room -= row.height
            if room < 0:
                break
            fits += 1
        if not fits:
            return None
        return replace(self, body=self.body[:fits]), replace(self, body=self.body[fits:], before=0.0)

    def draw(self, board: Board, x: float, y: float) -> None:
        """Draws it."""
        width = sum(self.widths)
        self._row(board, self.head, x, y)
        y += self.head.height
        board.rule(x, y, width, "axis", 0.8)
        for row in self.body:
            if row.odd:
                board.box(x, y, width, row.height, "sunken")
            self._row(board, row, x, y)
            y += row.height
        board.rule(x, y, width, "line")

    def _row(self, board: Board, row: Ruled, x: float, y: float) -> None:
        for cell, width, right in zip(row.cells, self.widths, self.right):
            base = y + 3 + self.size
            for line in cell:
                if line.pieces:
                    board.line(line, x + width - PAD - line.width if right else x + PAD, base)
                base += self.size * LEAD
            x += width


def grids(cells: Cells, width: float, fonts: Setting, wide: bool = False) -> list[Grid | Text]:
    """A table as blocks: one, or as many panels as its columns need."""
    size = 8.0 if len(cells.heads) <= 8 else 7.2
    look = Look(size)
    laid = [[_single(text, look, fonts) for text in column] for column in cells.columns]
    natural, least = _wants(cells, laid, size, fonts)
    panels = _panels(least, width)
    made: list[Grid | Text] = []
    for panel in panels:
        if len(panels) > 1:
            told = (
                f"Columns {panel[panel[1] > 1] + 1} to {panel[-1] + 1} of {len(cells.heads)}"
                if len(panel) > 1
                else f"Column {panel[0] + 1}"
            )
            made.append(
                Text(
                    tuple(rows([(told, Look(8, "muted"))], width, fonts)),
                    width,
                    before=8.0,
                    keep=True,
                    wide=wide,
                )
            )
        widths = _widths([natural[at] for at in panel], [least[at] for at in panel], width)
        made.append(_grid(cells, laid, panel, widths, size, fonts, wide))
    return made


def _grid(
    cells: Cells,
    laid: Sequence[Sequence[Line]],
    panel: Sequence[int],
    widths: Sequence[float],
    size: float,
    fonts: Setting,
    wide: bool,
) -> Grid:
    look, strong = Look(size), Look(size, "muted", bold=True)
    head = tuple(
        _wrapped(cells.heads[at], strong, width - 2 * PAD, fonts, MOST_HEADING)
        for at, width in zip(panel, widths)
    )
    columns = [
        [
            (line,) if line.width <= width - 2 * PAD + 0.01 and "\n" not in text else _wrapped(text, look, width - 2 * PAD, fonts)
            for line, text in zip(laid[at], cells.columns[at])
        ]
        for at, width in zip(panel, widths)
    ]  # fmt: skip
    body = tuple(Ruled(row, _height(row, size), bool(number % 2)) for number, row in enumerate(zip(*columns)))
    return Grid(
        Ruled(head, _height(head, size)),
        body,
        tuple(widths),
        tuple(cells.right[at] for at in panel),
        size,
        wide=wide,
    )


def _wrapped(text: str, look: Look, width: float, fonts: Setting, most: int = MOST_LINES) -> tuple[Line, ...]:
    lines = lay([(_short(text), look)], width, fonts)
    if len(lines) > most:
        lines[most - 1 :] = lay([("…", look)], width, fonts)
    return tuple(lines)


def _height(row: Sequence[Sequence[Line]], size: float) -> float:
    return max((len(cell) for cell in row), default=1) * size * LEAD + 5.5


def _single(text: str, look: Look, fonts: Setting) -> Line:
    return lay([(_short(text), look)], float("inf"), fonts)[0]


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _wants(
    cells: Cells, laid: Sequence[Sequence[Line]], size: float, fonts: Setting
) -> tuple[list[float], list[float]]:
    """How wide each column would be, and how narrow it may be."""
    natural, least = [], []
    strong = Look(size, bold=True)
    for head, lines, whole in zip(cells.heads, laid, cells.whole):
        heading = _single(head, strong, fonts).width
        word = max((_single(one, strong, fonts).width for one in head.split()), default=0.0)
        longest = max((line.width for line in lines), default=0.0)
        natural.append(max(longest, min(heading, max(longest, word, 60.0))) + 2 * PAD)
        least.append(max(longest if whole else min(longest, NARROW), min(word, NARROW)) + 2 * PAD)
        least[-1] = min(least[-1], 110.0 + 2 * PAD)
    return natural, least


def _panels(least: Sequence[float], width: float) -> list[list[int]]:
    """Which columns stand beside each other: all, or as many as fit, with the first in each panel."""
    panels: list[list[int]] = [[]]
    used = 0.0
    for at, wanted in enumerate(least):
        if panels[-1] and used + wanted > width:
            panels.append([0])
            used = least[0]
        panels[-1].append(at)
        used += wanted
    return panels


def _widths(natural: Sequence[float], least: Sequence[float], width: float) -> list[float]:
    """The widths of columns that stand beside each other: what they want, or a fair part of what there is."""
    wanted = [min(one, max(WIDEST, floor)) for one, floor in zip(natural, least)]
    if sum(natural) <= width:
        spare = (width - sum(natural)) / len(natural)
        return [one + spare for one in natural]
    slack = width - sum(least)
    stretch = sum(wanted) - sum(least)
    share = min(slack / stretch, 1.0) if stretch > 0 else 0.0
    found = [floor + (one - floor) * share for one, floor in zip(wanted, least)]
    rest = (width - sum(found)) / len(found)
    return [one + max(rest, 0.0) for one in found]
