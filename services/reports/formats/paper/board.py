"""Draws on the pages of a PDF; places are points from the left and from the top of the page.

Comes in: lines of glyphs, shapes. Goes out: to ReportLab's canvas. Pure.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, BinaryIO

from reportlab import rl_config
from reportlab.pdfgen.canvas import Canvas

from services.reports.formats.drawing.palette import LIGHT, channels
from services.reports.formats.drawing.shape import Area, Box, Dot, Drawn, Stroke
from services.reports.formats.paper.embed import Embedding
from services.reports.formats.typeset.fonts import Setting
from services.reports.formats.typeset.lines import Line, Look, Piece, single

rl_config.useA85 = 0  # bytes are written as they are, not as text that is a quarter longer

LINKS = ("https://", "mailto:")
"""Beginnings of addresses that may be opened."""


class _Canvas(Canvas):  # type: ignore[misc]
    """ReportLab's, whose pages begin with nothing: usually that is Helvetica, which would not be embedded."""

    def _make_preamble(self) -> None:
        self._preamble = ""


class Board:
    """A PDF that is being written, page after page."""

    def __init__(
        self, sink: BinaryIO, fonts: Setting, title: str, subject: str, language: str, made_at: datetime
    ) -> None:
        self.fonts = fonts
        self._canvas: Any = _Canvas(sink, invariant=1, pageCompression=1, lang=language)
        self._canvas.setTitle(title)
        self._canvas.setSubject(subject)
        self._canvas.setAuthor("Tidemark")
        self._canvas.setCreator("Tidemark")
        self._canvas.setProducer("Tidemark")
        self._canvas.setViewerPreference("DisplayDocTitle", "true")
        self._canvas._doc._timeStamp.YMDhms = made_at.astimezone(UTC).timetuple()[:6]
        self._embedding = Embedding(self._canvas._doc)
        self._height = 0.0

    def page(self, width: float, height: float) -> None:
        """Begins a page."""
        self._canvas.setPageSize((width, height))
        self._canvas.setLineJoin(1)
        self._height = height

    def end(self) -> None:
        """Ends it."""
        self._canvas.showPage()

    def save(self) -> None:
        """Writes the file."""
        self._canvas.showOutline()
        self._canvas.save()

    def line(self, line: Line, x: float, y: float) -> None:
        """A line of text, with its base line at `y`."""
        code = [f"BT 1 0 0 1 {x:.2f} {self._height - y:.2f} Tm"]
        for piece in line.pieces:
            red, green, blue = channels(LIGHT[piece.look.ink])
            name = self._embedding.name(piece.part.face)
            code.append(f"{red:.3g} {green:.3g} {blue:.3g} rg /{name} {piece.look.size:g} Tf")
            code += self._shown(piece)
        self._canvas._code.append(" ".join([*code, "ET"]))
        for address, linked in groupby(line.pieces, lambda piece: piece.look.link):
            pieces = list(linked)
            width = sum(piece.width for piece in pieces)
            if address:
                self.link(address, x, y - pieces[0].look.size, width, pieces[0].look.size * 1.3)
            x += width

    def _shown(self, piece: Piece) -> Iterator[str]:
        """What draws the glyphs of a piece: as they stand, moved where HarfBuzz moves them."""
        face, rise = piece.part.face, 0
        placed: list[str] = []
        for glyph in piece.part.shaped.glyphs:
            self._embedding.use(face, glyph)
            if glyph.up != rise:
                yield _array(placed)
                yield f"{glyph.up * piece.look.size / 1000:.2f} Ts"
                placed, rise = [], glyph.up
            behind = face.advance(glyph.number) - glyph.advance + glyph.right
            placed += [str(-glyph.right)] * bool(glyph.right)
            placed.append(f"<{glyph.number:04X}>")
            placed += [str(behind)] * bool(behind)
        yield _array(placed)
        if rise:
            yield "0 Ts"

    def text(
        self, text: str, x: float, y: float, look: Look, anchor: str = "start", width: float = float("inf")
    ) -> float:
        """A text on one line, shortened where it is wider; gives how wide it is."""
        line = single(text, look, self.fonts, width)
        self.line(line, x - {"start": 0.0, "middle": line.width / 2, "end": line.width}[anchor], y)
        return line.width

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        ink: str,
        opacity: float = 1.0,
        radius: float = 0.0,
    ) -> None:
        """A full rectangle, `y` being its top."""
        self._fill(ink, opacity)
        if radius and width > 2 * radius and height > 2 * radius:
            self._canvas.roundRect(x, self._height - y - height, width, height, radius, stroke=0, fill=1)
        else:
            self._canvas.rect(x, self._height - y - height, width, height, stroke=0, fill=1)
        self._opaque(opacity)

    def frame(self, x: float, y: float, width: float, height: float, ink: str, radius: float) -> None:
        """The rim of a rectangle."""
        self._stroke(ink, 0.7)
        self._canvas.roundRect(x, self._height - y - height, width, height, radius, stroke=1, fill=0)

    def rule(self, x: float, y: float, width: float, ink: str, thickness: float = 0.6) -> None:
        """A line from left to right."""
        self._stroke(ink, thickness)
        self._canvas.line(x, self._height - y, x + width, self._height - y)

    def dots(self, x: float, y: float, width: float) -> None:
        """A dotted line from left to right."""
        self._canvas.setDash([0.7, 3])
        self.rule(x, y, width, "axis", 0.7)
        self._canvas.setDash([])

    def drawn(self, drawn: Drawn, x: float, y: float) -> None:
        """A drawing, with its left upper corner."""
        for shape in drawn.shapes:
            if isinstance(shape, Box):
                self.box(
                    x + shape.x,
                    y + shape.y,
                    shape.width,
                    shape.height,
                    shape.ink,
                    shape.opacity,
                    shape.radius,
                )
            elif isinstance(shape, Dot):
                self._fill(shape.ink, 1.0)
                self._canvas.circle(x + shape.x, self._height - y - shape.y, shape.radius, stroke=0, fill=1)
            elif isinstance(shape, Area):
                self._fill(shape.ink, shape.opacity)
                self._canvas.drawPath(self._path(shape.points, x, y, closed=True), stroke=0, fill=1)
                self._opaque(shape.opacity)
            elif isinstance(shape, Stroke):
                self._stroke(shape.ink, shape.width)
                self._canvas.setDash([3.2, 2.4] if shape.dashed else [])
                self._canvas.drawPath(self._path(shape.points, x, y), stroke=1, fill=0)
                self._canvas.setDash([])
            else:
                look = Look(shape.size, shape.ink, shape.bold)
                self.text(shape.text, x + shape.x, y + shape.y, look, shape.anchor)

    def triangle(self, x: float, y: float, size: float, upward: bool, ink: str) -> None:
        """A small arrow head, `y` being where it stands."""
        tip, foot = (y - size, y) if upward else (y, y - size)
        points = ((x, foot), (x + size, foot), (x + size / 2, tip))
        self.drawn(Drawn(size, size, (Area(points, ink),)), 0, 0)

    def link(self, address: str, x: float, y: float, width: float, height: float) -> None:
        """Makes a place open an address."""
        if address.casefold().startswith(LINKS):
            place = (x, self._height - y - height, x + width, self._height - y)
            self._canvas.linkURL(address, place, relative=0, thickness=0)

    def jump(self, mark: str, x: float, y: float, width: float, height: float) -> None:
        """Makes a place lead to a mark of this document."""
        place = (x, self._height - y - height, x + width, self._height - y)
        self._canvas.linkRect("", mark, place, relative=0, thickness=0)

    def mark(self, mark: str, title: str, y: float) -> None:
        """A place that is led to, and that stands in the outline."""
        self._canvas.bookmarkHorizontal(mark, 0, self._height - y)
        self._canvas.addOutlineEntry(title, mark, 0)

    def _path(self, points: Any, x: float, y: float, closed: bool = False) -> Any:
        path = self._canvas.beginPath()
        first, *others = points
        path.moveTo(x + first[0], self._height - y - first[1])
        for point in others:
            path.lineTo(x + point[0], self._height - y - point[1])
        if closed:
            path.close()
        return path

    def _fill(self, ink: str, opacity: float) -> None:
        self._canvas.setFillColorRGB(*channels(LIGHT[ink]))
        if opacity < 1:
            self._canvas.setFillAlpha(opacity)

    def _opaque(self, opacity: float) -> None:
        if opacity < 1:
            self._canvas.setFillAlpha(1)

    def _stroke(self, ink: str, width: float) -> None:
        self._canvas.setStrokeColorRGB(*channels(LIGHT[ink]))
        self._canvas.setLineWidth(width)


def _array(placed: list[str]) -> str:
    return f"[{' '.join(placed).replace('> <', '')}]TJ" if placed else ""
