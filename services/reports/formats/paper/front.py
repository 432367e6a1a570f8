"""The first page: what a report is, of whom and of when, and what is in it.

Comes in: lines. Goes out: blocks for `flow`. Pure.
"""

from dataclasses import dataclass, field, replace

from services.reports.formats.paper.block import Block, Row
from services.reports.formats.paper.board import Board
from services.reports.formats.typeset.lines import Line, Look

ASIDE = 84.0
"""Where facts stand behind their names."""


@dataclass(frozen=True, slots=True)
class Head(Block):
    """The head of the first page: what the report is called, and of whom it is."""

    project: Line
    title: tuple[Row, ...]
    width: float
    before: float = field(default=0.0, kw_only=True)

    @property
    def height(self) -> float:
        """How high it is."""
        return 34 + sum(row.height for row in self.title)

    def draw(self, board: Board, x: float, y: float) -> None:
        """Draws it."""
        board.box(x, y, self.width, 4, "accent")
        board.line(self.project, x, y + 24)
        y += 34
        for row in self.title:
            left = x + (self.width - row.line.width if row.line.leftward else 0)
            board.line(row.line, left, y + row.height * 0.74)
            y += row.height


@dataclass(frozen=True, slots=True)
class Facts(Block):
    """Facts with their names before them."""

    rows: tuple[tuple[str, Row], ...]
    width: float
    before: float = field(default=10.0, kw_only=True)

    @property
    def height(self) -> float:
        """How high they are."""
        return 6 + sum(row.height for _, row in self.rows)

    @property
    def least(self) -> float:
        """A few of them."""
        return 6 + sum(row.height for _, row in self.rows[:3])

    def split(self, room: float) -> "tuple[Facts, Facts] | None":
        """Cut between lines."""
        room -= 6
        fits = 0
        for _, row in self.rows:
            room -= row.height
            if room < 0:
                break
            fits += 1
        if not fits:
            return None
        return replace(self, rows=self.rows[:fits]), replace(self, rows=self.rows[fits:], before=0.0)

    def draw(self, board: Board, x: float, y: float) -> None:
        """Draws them."""
        board.rule(x, y, self.width, "line")
        y += 6
        for name, row in self.rows:
            board.text(name, x, y + 9.5, Look(8.5, "muted"))
            board.line(row.line, x + ASIDE, y + 9.5)
            y += row.height


ENTRY = 15.6
"""Height of a line of the contents."""


@dataclass(frozen=True, slots=True)
class Contents(Block):
    """Titles of sections with the pages they begin on, which `pages` knows once everything has its place."""

    titles: tuple[str, ...]
    pages: dict[str, int]
    width: float
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
