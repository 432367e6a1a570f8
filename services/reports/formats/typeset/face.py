"""One font file: which letters it has, how it shapes them, and the part of it that a document needs.

Comes in: the bytes of a TrueType font. Goes out: glyphs with their advances, in thousandths of the size, and subsets. HarfBuzz does
the work. Next: `fonts` chooses among faces, `paper.embed` puts subsets into the file. Pure.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import uharfbuzz as hb

_UNNEEDED = (
    "GSUB",
    "GPOS",
    "GDEF",
    "kern",
    "DSIG",
    "name",
    "post",
    "OS/2",
    "cmap",
    "gasp",
    "STAT",
    "MATH",
    "morx",
    "vhea",
    "vmtx",
)
"""Tables of no use in a file that names glyphs by number."""


class Glyph(NamedTuple):
    """One glyph of a line."""

    number: int
    advance: int
    """How far the next one is, in thousandths of the size."""
    right: int
    up: int
    """How far it is moved from its place."""
    text: str
    """What it stands for; empty where another glyph stands for it, too."""
    begin: int
    """Where that begins in the text shaped."""


@dataclass(frozen=True, slots=True)
class Shaped:
    """Glyphs from left to right."""

    glyphs: tuple[Glyph, ...]
    width: int
    """In thousandths of the size."""


class Face:
    """A font."""

    def __init__(self, name: str, content: bytes) -> None:
        self.name = name
        self._face = hb.Face(hb.Blob(content))
        self._font = hb.Font(self._face)
        self._font.scale = (1000, 1000)
        self.letters: frozenset[int] = frozenset(self._face.unicodes)
        extents = self._font.get_font_extents("ltr")
        self.ascent, self.descent = int(extents.ascender), int(extents.descender)
        capital = self._font.get_nominal_glyph(ord("H"))
        box = self._font.get_glyph_extents(capital) if capital else None
        self.capital = int(box.y_bearing) if box else 700

    @property
    def outlines(self) -> bool:
        """Whether it has TrueType outlines; only those can be embedded."""
        return "glyf" in self._face.table_tags

    def advance(self, glyph: int) -> int:
        """How wide a glyph is by itself."""
        return int(self._font.get_glyph_h_advance(glyph))

    def shape(self, text: str, leftward: bool) -> Shaped:
        """The glyphs of a text that runs in one direction; `leftward` where from right to left."""
        buffer = hb.Buffer()
        buffer.add_str(text)
        buffer.guess_segment_properties()
        buffer.direction = "rtl" if leftward else "ltr"
        buffer.cluster_level = hb.BufferClusterLevel.MONOTONE_CHARACTERS
        hb.shape(self._font, buffer)
        infos, positions = buffer.glyph_infos, buffer.glyph_positions
        told = _told(text, [(info.codepoint, info.cluster) for info in infos], self._font.get_nominal_glyph)
        glyphs = [
            Glyph(info.codepoint, at.x_advance, at.x_offset, at.y_offset, said, info.cluster)
            for info, at, said in zip(infos, positions, told)
        ]
        return Shaped(tuple(glyphs), sum(glyph.advance for glyph in glyphs))

    def subset(self, glyphs: Collection[int]) -> bytes:
        """A font with these glyphs alone, under the numbers they have."""
        wanted = hb.SubsetInput()
        wanted.flags = (
            hb.SubsetFlags.RETAIN_GIDS | hb.SubsetFlags.NO_HINTING | hb.SubsetFlags.NO_LAYOUT_CLOSURE
        )
        wanted.sets(hb.SubsetInputSets.GLYPH_INDEX).update(sorted(glyphs))
        wanted.sets(hb.SubsetInputSets.DROP_TABLE_TAG).update(
            int.from_bytes(tag.encode(), "big") for tag in _UNNEEDED
        )
        made = hb.subset(self._face, wanted).blob.data
        return bytes(made)


def _told(text: str, glyphs: Sequence[tuple[int, int]], nominal: Callable[[int], int | None]) -> list[str]:
    """What each glyph stands for. Of several that stand for the same letters, one that is the usual sign of a letter stands for that."""
    begins = sorted({begin for _, begin in glyphs})
    waiting = {begin: list(text[begin:end]) for begin, end in zip(begins, [*begins[1:], len(text)])}
    several = Counter(begin for _, begin in glyphs)
    told: list[str] = []
    for number, begin in glyphs:
        several[begin] -= 1
        letters = waiting[begin]
        own = next((letter for letter in letters if nominal(ord(letter)) == number), "")
        stands = own if several[begin] else "".join(letters)
        for letter in stands:
            letters.remove(letter)
        told.append(stands)
    return told
