"""Which font a letter is taken from.

Comes in: texts. Goes out: their parts, each with a face that has its letters, shaped. Nothing is read until a text needs it; what
was read and shaped is kept for the process. `install` is called once, at the start, with what `source` found; without it, and
where a letter is in no font of the machine, there is the one that comes with ReportLab. Next: `lines` breaks the parts. Pure.
"""

import pkgutil
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from services.reports.formats.typeset.face import Face, Shaped

Read = Callable[[str], bytes | None]
"""Gives the content of a font file by its name without ending; None where there is none."""

BASE = "NotoSans"
LAST = "Vera"
"""The family that comes with ReportLab: Latin alone."""
BEYOND = ("DroidSansFallback", "NotoSansSymbols", "NotoSansSymbols2", "NotoSansMath", "Symbola_hint")
"""Asked in this order for letters that neither the base nor the font of their script has."""
SCRIPTS = {
    "CANADIAN": "CanadianAboriginal",
    "NKO": "NKo",
    "MEETEI": "MeeteiMayek",
    "OL": "OlChiki",
    "TAI": "TaiTham",
    "NEW": "NewTaiLue",
    "PHAGS": "PhagsPa",
    "SYLOTI": "SylotiNagri",
}
"""Where the first word of a letter's Unicode name is not the name of the font of its script."""
JOINERS = frozenset("\u200c\u200d\ufe0e\ufe0f\u200e\u200f")
"""Invisible; they stay with what they join."""
REPLACEMENT = "\ufffd"
KEPT = 50_000
"""Shaped parts that are kept."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a text in one face."""

    face: Face
    shaped: Shaped
    begin: int
    """Where it begins in the text."""
    text: str
    missing: str = ""
    """Letters in it that no font has."""


class Fonts:
    """The fonts of the machine."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._faces: dict[str, Face | None] = {}
        self._chosen: dict[tuple[str, bool, bool], Face | None] = {}
        self._parts: dict[tuple[str, bool, bool, bool], tuple[Part, ...]] = {}

    def parts(self, text: str, bold: bool, italic: bool, leftward: bool) -> tuple[Part, ...]:
        """The parts of a text that runs in one direction, in the order they are written."""
        key = (text, bold, italic, leftward)
        known = self._parts.get(key)
        if known is None:
            if len(self._parts) >= KEPT:
                self._parts.clear()
            known = self._parts[key] = tuple(self._made(text, bold, italic, leftward))
        return known

    def base(self, bold: bool, italic: bool) -> Face:
        """The face that everything is set in where it has the letters."""
        for family, suffixes in ((BASE, _SUFFIXES), (LAST, _VERA)):
            if face := self._face(family + suffixes[bold, italic]):
                return face
        raise LookupError("ReportLab comes without its font Vera")

    def _made(self, text: str, bold: bool, italic: bool, leftward: bool) -> list[Part]:
        parts: list[Part] = []
        begin, face = 0, self._of(text[0], bold, italic) if text else None
        for place, letter in enumerate(text):
            found = self._of(letter, bold, italic)
            marked = letter in JOINERS or (
                unicodedata.combining(letter) and face and ord(letter) in face.letters
            )
            if found is not face and not marked:
                parts.append(self._part(text, begin, place, face, bold, italic, leftward))
                begin, face = place, found
        if text:
            parts.append(self._part(text, begin, len(text), face, bold, italic, leftward))
        return parts

    def _part(
        self, text: str, begin: int, end: int, face: Face | None, bold: bool, italic: bool, leftward: bool
    ) -> Part:
        own = text[begin:end]
        if face:
            return Part(face, face.shape(own, leftward), begin, own)
        visible = "".join(letter for letter in own if letter not in JOINERS)
        base = self.base(bold, italic)
        sign = REPLACEMENT if ord(REPLACEMENT) in base.letters else "?"
        return Part(base, base.shape(sign * len(visible), False), begin, own, visible)

    def _of(self, letter: str, bold: bool, italic: bool) -> Face | None:
        key = (letter, bold, italic)
        if key not in self._chosen:
            self._chosen[key] = self._found(letter, bold, italic)
        return self._chosen[key]

    def _found(self, letter: str, bold: bool, italic: bool) -> Face | None:
        base, code = self.base(bold, italic), ord(letter)
        if code in base.letters or letter in JOINERS or letter.isspace():
            return base
        word = unicodedata.name(letter, "").split(" ")[0].split("-")[0]
        script = SCRIPTS.get(word, word.title())
        for family in (BASE + script, *BEYOND):
            for suffix in ("-Bold", "-Regular", "") if bold else ("-Regular", "", "-Bold"):
                face = self._face(family + suffix)
                if face and code in face.letters:
                    return face
        return None

    def _face(self, name: str) -> Face | None:
        if name not in self._faces:
            content = self._read(name) or _packaged(name)
            face = Face(name, content) if content else None
            # Of two threads that are here at once the first is right: a document embeds a face by its object.
            self._faces.setdefault(name, face if face and face.outlines else None)
        return self._faces[name]


class Setting:
    """The fonts as one document uses them, and the letters that it had to do without."""

    def __init__(self, fonts: Fonts) -> None:
        self._fonts = fonts
        self.missing: dict[str, None] = {}
        """In the order they were met."""

    def parts(self, text: str, bold: bool, italic: bool, leftward: bool) -> tuple[Part, ...]:
        """The parts of a text that runs in one direction, in the order they are written."""
        parts = self._fonts.parts(text, bold, italic, leftward)
        for part in parts:
            if part.missing:
                self.missing.update(dict.fromkeys(part.missing))
        return parts


_SUFFIXES = {
    (False, False): "-Regular",
    (True, False): "-Bold",
    (False, True): "-Italic",
    (True, True): "-BoldItalic",
}
_VERA = {(False, False): "", (True, False): "Bd", (False, True): "It", (True, True): "BI"}
_installed: list[Fonts] = []


def install(read: Read) -> None:
    """From now on fonts of this process come from here."""
    _installed[:] = [Fonts(read)]


def installed() -> Fonts:
    """The fonts of this process."""
    if not _installed:
        install(lambda _: None)
    return _installed[0]


def _packaged(name: str) -> bytes | None:
    """A font that comes with ReportLab."""
    return pkgutil.get_data("reportlab", f"fonts/{name}.ttf") if name.startswith(LAST) else None
