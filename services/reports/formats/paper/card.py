"""Cards of figures: a number that matters, how it changed, and its small line.

Comes in: figures, and a width. Goes out: a row of cards, which `flow` puts on a page. Numbers and titles are whole, however long. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.reports.document import Figure
from services.reports.formats.drawing.heat import spark
from services.reports.formats.drawing.palette import of_change
from services.reports.formats.drawing.shape import Drawn
from services.reports.formats.paper.block import Block
from services.reports.formats.paper.board import Board
from services.reports.formats.typeset.fonts import Setting
from services.reports.formats.typeset.lines import Line, Look, lay, single
from services.reports.words import Words

ACROSS = 3
"""Cards in a row."""
CARD = 59.0
"""Height of a card without its title."""
LINE = 10.5
"""Of a title."""
GAP = 10.0
LARGE = 19.0
"""Size of a number, where it has room."""
TREND = (54.0, 20.0)
"""Of the small line of a figure."""


@dataclass(frozen=True, slots=True)
class Card:
    """A figure, laid out."""

    title: tuple[Line, ...]
    value: Line
    change: Line
    before: Line
    ink: str
    """Of the change."""
    upward: bool
    trend: Drawn


@dataclass(frozen=True, slots=True)
class Cards(Block):
    """Figures side by side."""

    cards: tuple[Card, ...]
    width: float
    """Of each."""
    lines: int
    """Of the longest title; two at least."""
    before: float = field(default=10.0, kw_only=True)

    @property
    def height(self) -> float:
        """How high they are."""
        return CARD + LINE * self.lines

    def draw(self, board: Board, x: float, y: float) -> None:
        """Draws them."""
        for card in self.cards:
            board.frame(x, y, self.width, self.height, "line", 5)
            board.drawn(card.trend, x + self.width - TREND[0] - 11, y + 9)
            for place, line in enumerate(card.title):
                board.line(line, x + 11, y + 17 + LINE * place)
            foot = y + self.height
            board.line(card.value, x + 11, foot - 31)
            left, base = x + 11, foot - 12
            if card.change.pieces:
                if card.ink != "muted":
                    board.triangle(left, base - 0.5, 5.5, card.upward, card.ink)
                    left += 8.5
                board.line(card.change, left, base)
                left += card.change.width + 5
            board.line(card.before, left, base)
            x += self.width + GAP


def cards(figures: Sequence[Figure], width: float, words: Words, fonts: Setting) -> Cards:
    """A row of cards. Their numbers are whole, however long, and of one size."""
    wide = (width - GAP * (ACROSS - 1)) / ACROSS
    said = [words.value(figure.value, figure.form) for figure in figures]
    widest = max(single(one, Look(LARGE, bold=True), fonts).width for one in said)
    look = Look(min(LARGE, LARGE * (wide - 22) / max(widest, 1.0)), bold=True)
    row = tuple(
        _card(figure, wide, single(one, look, fonts), words, fonts) for figure, one in zip(figures, said)
    )
    return Cards(row, wide, max(2, *(len(card.title) for card in row)))


def _card(figure: Figure, width: float, value: Line, words: Words, fonts: Setting) -> Card:
    trend, ink = spark(figure.trend, *TREND), of_change(figure)
    title = lay(
        [(" ".join(figure.title.split()), Look(8, "muted"))],
        width - 22 - (TREND[0] + 8 if trend else 0),
        fonts,
    )
    change = single(words.change(figure), Look(8.5, ink, bold=True), fonts)
    before = f"before: {words.value(figure.before, figure.form)}" if figure.compared else ""
    room = width - 22 - (change.width + 13.5 if change.pieces else 0)
    return Card(
        tuple(title),
        value,
        change,
        single(before, Look(8, "muted"), fonts, room),
        ink,
        (figure.value or 0) > (figure.before or 0),
        Drawn(*TREND, tuple(trend)),
    )
