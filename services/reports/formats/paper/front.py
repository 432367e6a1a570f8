"""The first page: what a report is, of whom and of when, and what is in it.

Comes in: lines. Goes out: blocks for `flow`. Pure.
"""

from dataclasses import dataclass, replace

from services.reports.formats.paper.block import Row
from services.reports.formats.paper.board import Board
from services.reports.formats.typeset.lines import Line, Look

ASIDE = 84.0
"""Where facts stand behind their names."""


@dataclass(frozen=True, slots=True)
class Head:
    """The head of the first page: what the report is, of whom and of when."""

    project: Line
    title: tuple[Row, ...]
    description: tuple[Row, ...]
    facts: tuple[tuple[str, tuple[Row, ...]], ...]
    width: float
    before: float = 0.0
    keep: bool = False
    wide: bool = False
    fresh: bool = False
    tail: bool = False

    @property
    def height(self) -> float:
        """How high it is."""
        told = sum(row.height for row in (*self.title, *self.description))
        return 34 + told + 16 + sum(row.height for _, said in self.facts for row in said) + 8

    @property
    def least(self) -> float:
        """All of it."""
        return self.height

    def split(self, room: float) -> None:
        """It is whole."""

    def draw(self, board: Board, x: float, y: float) -> None:
        """Draws it."""
        board.box(x, y, self.width, 4, "accent")
        board.line(self.project, x, y + 24)
        y += 34
        for row in (*self.title, *self.description):
            board.line(
                row.line, x + (self.width - row.line.width if row.line.leftward else 0), y + row.height * 0.74
            )
            y += row.height
        y += 10
        board.rule(x, y, self.width, "line")
        y += 6
        for name, said in self.facts:
            board.text(name, x, y + 9.5, Look(8.5, "muted"))
            for row in said:
                board.line(row.line, x + ASIDE, y + 9.5)
                y += row.height


ENTRY = 15.6
"""Height of a line of the contents."""


@dataclass(frozen=True, slots=True)
class Contents:
    """Titles of sections with the pages they begin on, which `pages` knows once everything has its place."""

    titles: tuple[str, ...]
    pages: dict[str, int]
    width: float
    before: float = 6.0
    keep: bool = False
    wide: bool = False
    fresh: bool = False
    tail: bool = False
    first: int = 0
    """Of all titles, the place of the first of these."""

    @property
    def height(self) -> float:
        """How high it is."""
        return len(self.titles) * ENTRY

    @property
    def least(self) -> float:
        """A few of them."""
        return min(len(self.titles), 4) * ENTRY

    def split(self, room: float) -> "tuple[Contents, Contents] | None":
        """Cut between titles."""
        fits = int(room // ENTRY)
        if fits < 1:
            return None
        rest = replace(self, titles=self.titles[fits:], first=self.first + fits, before=0.0)
        return replace(self, titles=self.titles[:fits]), rest

    def draw(self, board: Board, x: float, y: float) -> None:
        """Draws it."""
        for place, title in enumerate(self.titles, self.first):
            mark = mark_of(place)
            wide = board.text(title, x, y + 11, Look(9.5), width=self.width - 40)
            number = str(self.pages.get(mark, ""))
            back = board.text(number, x + self.width, y + 11, Look(9.5, "muted"), "end")
            dots = self.width - wide - back - 12
            if dots > 8:
                board.dots(x + wide + 6, y + 10, dots)
            board.jump(mark, x, y, self.width, 16)
            y += ENTRY


def mark_of(place: int) -> str:
    """The mark of a section by its place."""
    return f"section-{place + 1}"
