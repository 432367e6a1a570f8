"""Fonts of a PDF, each with the glyphs that are used.

Comes in: glyphs as they are drawn. Goes out: to ReportLab, which asks for the objects when the file is written. Glyphs are named by
their numbers, so that whatever HarfBuzz shapes can be drawn; what they stand for is told beside, so that it can be searched and
copied. Pure.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from reportlab.pdfbase import pdfdoc

from services.reports.formats.typeset.face import Face, Glyph


class Embedding:
    """The fonts of one document."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self._used: dict[Face, dict[int, str]] = {}
        self._names: dict[Face, str] = {}
        document.delayedFonts.append(self)

    def name(self, face: Face) -> str:
        """What a font is called in this document."""
        if face not in self._names:
            self._names[face] = f"T{len(self._names) + 1}"
            self._used[face] = {0: ""}
        return self._names[face]

    def use(self, face: Face, glyph: Glyph) -> None:
        """A glyph is drawn."""
        told = self._used[face]
        if glyph.text or glyph.number not in told:
            told.setdefault(glyph.number, glyph.text)

    def addObjects(self, document: Any) -> None:
        """Puts the fonts into the document."""
        fonts = document.idToObject["BasicFonts"].dict
        for face, name in self._names.items():
            fonts[name] = document.Reference(self._font(face, self._used[face], document))

    def _font(self, face: Face, used: Mapping[int, str], document: Any) -> Any:
        content = face.subset(used)
        tag = hashlib.sha256(content).hexdigest()[:6].translate(_LETTERS)
        name = pdfdoc.PDFName(f"{tag}+{face.name}")
        file = _stream(content, document)
        file.dictionary["Length1"] = len(content)
        descriptor = _dictionary(
            Type="FontDescriptor",
            FontName=name,
            Flags=4,
            FontBBox=pdfdoc.PDFArray([0, face.descent, 1000, face.ascent]),
            ItalicAngle=-12 if "Italic" in face.name else 0,
            Ascent=face.ascent,
            Descent=face.descent,
            CapHeight=face.capital,
            StemV=140 if "Bold" in face.name else 80,
            FontFile2=document.Reference(file),
        )
        widths = [one for number in sorted(used) for one in (number, pdfdoc.PDFArray([face.advance(number)]))]
        descendant = _dictionary(
            Type="Font",
            Subtype="CIDFontType2",
            BaseFont=name,
            CIDSystemInfo=pdfdoc.PDFDictionary(
                {
                    "Registry": pdfdoc.PDFString("Adobe"),
                    "Ordering": pdfdoc.PDFString("Identity"),
                    "Supplement": 0,
                }
            ),
            FontDescriptor=document.Reference(descriptor),
            DW=0,
            W=pdfdoc.PDFArray(widths),
            CIDToGIDMap="Identity",
        )
        return _dictionary(
            Type="Font",
            Subtype="Type0",
            BaseFont=name,
            Encoding="Identity-H",
            DescendantFonts=pdfdoc.PDFArray([document.Reference(descendant)]),
            ToUnicode=document.Reference(_stream("\n".join(_meanings(used)).encode(), document)),
        )


_LETTERS = str.maketrans("0123456789abcdef", "ABCDEFGHIJKLMNOP")


def _dictionary(**entries: Any) -> Any:
    named = {
        key: pdfdoc.PDFName(value) if isinstance(value, str) and not value.startswith("/") else value
        for key, value in entries.items()
    }
    return pdfdoc.PDFDictionary(named)


def _stream(content: bytes, document: Any) -> Any:
    stream = pdfdoc.PDFStream(content=content)
    stream.filters = [pdfdoc.PDFZCompress] if document.compression else []
    return stream


def _meanings(used: Mapping[int, str]) -> Iterator[str]:
    """The lines of a character map from glyphs to what they stand for."""
    yield "/CIDInit /ProcSet findresource begin 12 dict begin begincmap"
    yield "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def"
    yield "/CMapName /Adobe-Identity-UCS def /CMapType 2 def"
    yield "1 begincodespacerange <0000> <FFFF> endcodespacerange"
    # What stands for nothing by itself is told to be invisible: readers would guess otherwise.
    told = [(number, text or "\u200b") for number, text in sorted(used.items()) if number]
    for begin in range(0, len(told), 100):
        some = told[begin : begin + 100]
        yield f"{len(some)} beginbfchar"
        yield from (f"<{number:04X}> <{text.encode('utf-16-be').hex().upper()}>" for number, text in some)
        yield "endbfchar"
    yield "endcmap CMapName currentdict /CMap defineresource pop end end"
