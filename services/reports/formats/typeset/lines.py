"""Where lines end.

Comes in: runs of words and a width. Goes out: lines of pieces, each with its place from the left; what runs from right to left
stands where its readers expect it. Words are broken only where one alone is wider than the line. Next: `paper.board` draws them.
Pure.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from services.reports.formats.typeset import bidi
from services.reports.formats.typeset.fonts import Part, Setting

_TAKEN_OUT = re.compile(r"[\u202a-\u202e\u2066-\u2069\ufeff\u200b\ud800-\udfff]")
"""Turns of direction, which make one text look like another, and what is no letter."""
_ENDS = re.compile(r"\r\n?|\u2028|\u2029|\x85")
_IDEOGRAPHS = r"\u2e80-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
_CLOSING = r"\u3001\u3002\uff0c\uff0e\uff1a\uff1b\uff1f\uff01\u3009\u300b\u300d\u300f\u3011\uff09\u30fc\u3041\u3043\u3045\u3047\u3049\u3063\u3083\u3085\u3087\u30a1\u30a3\u30a5\u30a7\u30a9\u30c3\u30e3\u30e5\u30e7"
_ATOMS = re.compile(
    rf"[^\S\u00a0\u202f]+|(?:[\u3008\u300a\u300c\u300e\u3010\uff08]*[{_IDEOGRAPHS}][{_CLOSING}]*)|(?:(?![{_IDEOGRAPHS}])[\S\u00a0\u202f])+"
)
"""Spaces, one ideograph with its punctuation, or a word."""
_SOFT = re.compile(r"[/\-_.?&=:,;@]")
"""Behind these a word is broken rather than elsewhere."""
ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Look:
    """How words are set."""

    size: float
    ink: str = "text"
    bold: bool = False
    italic: bool = False
    link: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a line in one look and one face."""

    part: Part
    look: Look

    @property
    def width(self) -> float:
        """How wide it is."""
        return self.part.shaped.width * self.look.size / 1000


@dataclass(frozen=True, slots=True)
class Line:
    """Pieces from left to right."""

    pieces: tuple[Piece, ...]
    width: float
    leftward: bool = False
    """Whether its readers begin at the right."""


@lru_cache(maxsize=20_000)
def clean(text: str) -> str:
    """A text whose letters are all what they look like: nothing that turns directions, nothing that controls a terminal."""
    if text.isascii() and text.isprintable():
        return text
    text = _TAKEN_OUT.sub("", _ENDS.sub("\n", text).replace("\t", " "))
    return "".join(
        letter if letter == "\n" or unicodedata.category(letter) != "Cc" else " " for letter in text
    )


def lay(runs: Sequence[tuple[str, Look]], width: float, fonts: Setting) -> list[Line]:
    """The lines of a paragraph; a newline ends one."""
    lines: list[Line] = []
    texts = [(clean(text), look) for text, look in runs]
    for paragraph in _paragraphs(texts):
        lines += _broken(paragraph, width, fonts)
    return lines


def single(text: str, look: Look, fonts: Setting, width: float = float("inf")) -> Line:
    """One line, with an ellipsis where it is wider than `width`."""
    text = clean(text).replace("\n", " ")
    line = _line(_pieces(text, look, fonts))
    if line.width <= width:
        return line
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        tried = _line(_pieces(text[:middle].rstrip() + ELLIPSIS, look, fonts))
        low, high = (middle, high) if tried.width <= width else (low, middle - 1)
    return _line(_pieces(text[:low].rstrip() + ELLIPSIS, look, fonts))


def _paragraphs(texts: Sequence[tuple[str, Look]]) -> Iterator[list[tuple[str, Look]]]:
    current: list[tuple[str, Look]] = []
    for text, look in texts:
        first, *others = text.split("\n")
        current.append((first, look))
        for other in others:
            yield current
            current = [(other, look)]
    yield current


@dataclass(frozen=True, slots=True)
class _Atom:
    """What is not broken: a word in all its looks and directions, or spaces."""

    pieces: tuple[tuple[Piece, int], ...]
    """With their levels."""
    width: float
    space: bool
    soft: bool = False


def _broken(runs: Sequence[tuple[str, Look]], width: float, fonts: Setting) -> Iterator[Line]:
    text = "".join(part for part, _ in runs)
    levels = bidi.levels(text) if bidi.RIGHT_TO_LEFT.search(text) else None
    leftward = bool(
        levels
        and next(
            (
                bidi.levels(letter)[0]
                for letter in text
                if unicodedata.bidirectional(letter) in ("L", "R", "AL")
            ),
            0,
        )
    )
    current: list[_Atom] = []
    used = 0.0
    for atom in _atoms(runs, text, levels, fonts):
        for piece in _fitting(atom, width, fonts) if atom.width > width and not atom.space else (atom,):
            if current and not piece.space and used + piece.width > width + 0.01:
                yield _closed(current, leftward)
                current, used = [], 0.0
            if current or not piece.space:
                current.append(piece)
                used += piece.width
    yield _closed(current, leftward)


def _closed(atoms: list[_Atom], leftward: bool) -> Line:
    while atoms and atoms[-1].space:
        atoms.pop()
    return _line([piece for atom in atoms for piece in atom.pieces], leftward)


def _line(pieces: Sequence[tuple[Piece, int]], leftward: bool = False) -> Line:
    levels = [level for _, level in pieces]
    places = bidi.order(levels) if any(levels) else range(len(pieces))
    ordered = tuple(pieces[place][0] for place in places)
    return Line(ordered, sum(piece.width for piece in ordered), leftward)


def _pieces(text: str, look: Look, fonts: Setting) -> list[tuple[Piece, int]]:
    """The pieces of a text in one look, with their levels."""
    if not bidi.RIGHT_TO_LEFT.search(text):
        return [(Piece(part, look), 0) for part in fonts.parts(text, look.bold, look.italic, False)]
    return list(_leveled(text, look, bidi.levels(text), fonts))


def _leveled(text: str, look: Look, levels: Sequence[int], fonts: Setting) -> Iterator[tuple[Piece, int]]:
    begin = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or levels[place] != levels[begin]:
            level = levels[begin]
            for part in fonts.parts(text[begin:place], look.bold, look.italic, bool(level % 2)):
                yield Piece(part, look), level
            begin = place


def _atoms(
    runs: Sequence[tuple[str, Look]], text: str, levels: Sequence[int] | None, fonts: Setting
) -> Iterator[_Atom]:
    edges, looks, place = [], [], 0
    for part, look in runs:
        edges.append(place)
        looks.append(look)
        place += len(part)
    for found in _ATOMS.finditer(text):
        begin, end = found.span()
        pieces: list[tuple[Piece, int]] = []
        for number, look in enumerate(looks):
            left = max(begin, edges[number])
            right = min(end, edges[number + 1] if number + 1 < len(edges) else len(text))
            if left >= right:
                continue
            own = text[left:right]
            if levels is None:
                pieces += [(Piece(part, look), 0) for part in fonts.parts(own, look.bold, look.italic, False)]
            else:
                pieces += _leveled(own, look, levels[left:right], fonts)
        yield _Atom(tuple(pieces), sum(piece.width for piece, _ in pieces), found[0].isspace())


def _fitting(atom: _Atom, width: float, fonts: Setting) -> Iterator[_Atom]:
    """A word that is wider than the line, in parts that are not."""
    for piece, level in atom.pieces:
        text, look = piece.part.text, piece.look
        while text:
            cut = _cut(text, look, level, width, fonts)
            parts = fonts.parts(text[:cut], look.bold, look.italic, bool(level % 2))
            pieces = tuple((Piece(part, look), level) for part in parts)
            yield _Atom(pieces, sum(each.width for each, _ in pieces), False)
            text = text[cut:]


def _cut(text: str, look: Look, level: int, width: float, fonts: Setting) -> int:
    """How many letters fit, at least one with its marks; behind punctuation where that is not far."""
    room, fits = width * 1000 / look.size, 0
    advances: dict[int, int] = {}
    for part in fonts.parts(text, look.bold, look.italic, bool(level % 2)):
        for glyph in part.shaped.glyphs:
            place = part.begin + glyph.begin
            advances[place] = advances.get(place, 0) + glyph.advance
    begins = sorted(advances)
    begins = [place for place in begins if not place or unicodedata.category(text[place])[0] != "M"]
    for place, following in zip(begins, [*begins[1:], len(text)]):
        room -= sum(advances.get(at, 0) for at in range(place, following))
        if room < 0 and fits:
            break
        fits = following
    if fits < len(text):
        soft = [found.end() for found in _SOFT.finditer(text, fits // 2, fits)]
        fits = soft[-1] if soft else fits
    return fits
