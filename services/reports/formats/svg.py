"""Shapes as SVG, in the colours that the page around has for their names.

Comes in: a drawing. Goes out: an element for `html`, with a title and a description for those who do not see it. Pure.
"""

from html import escape

from services.reports.formats.drawing.shape import Area, Box, Dot, Drawn, Point, Shape, Stroke
from services.reports.formats.typeset.lines import clean


def svg(drawn: Drawn, name: str = "", title: str = "", summary: str = "") -> str:
    """The element; without a title it is an ornament, which is not read out."""
    size = f'viewBox="0 0 {_n(drawn.width)} {_n(drawn.height)}"'
    inner = "".join(map(_shape, drawn.shapes))
    if not title:
        return f'<svg {size} aria-hidden="true">{inner}</svg>'
    key = "".join(letter if letter.isalnum() or letter in "-." else f"_{ord(letter):x}" for letter in name)
    said = f'<title id="{key}-title">{escape(clean(title))}</title>'
    if summary:
        said += f'<desc id="{key}-desc">{escape(clean(summary))}</desc>'
    names = f"{key}-title {key}-desc" if summary else f"{key}-title"
    return f'<svg {size} role="img" aria-labelledby="{names}">{said}{inner}</svg>'


def _shape(shape: Shape) -> str:
    match shape:
        case Stroke():
            dash = ' stroke-dasharray="4 3"' if shape.dashed else ""
            return (
                f'<polyline points="{_points(shape.points)}" fill="none" stroke="var(--{shape.ink})"'
                f' stroke-width="{_n(shape.width)}" stroke-linejoin="round"{dash}/>'
            )
        case Area():
            return f'<polygon points="{_points(shape.points)}" fill="var(--{shape.ink})"{_opacity(shape.opacity)}/>'
        case Box():
            round_ = f' rx="{_n(shape.radius)}"' if shape.radius else ""
            return (
                f'<rect x="{_n(shape.x)}" y="{_n(shape.y)}" width="{_n(shape.width)}" height="{_n(shape.height)}"'
                f'{round_} fill="var(--{shape.ink})"{_opacity(shape.opacity)}/>'
            )
        case Dot():
            return f'<circle cx="{_n(shape.x)}" cy="{_n(shape.y)}" r="{_n(shape.radius)}" fill="var(--{shape.ink})"/>'
    anchor = "" if shape.anchor == "start" else f' text-anchor="{shape.anchor}"'
    bold = ' font-weight="700"' if shape.bold else ""
    return (
        f'<text x="{_n(shape.x)}" y="{_n(shape.y)}" font-size="{_n(shape.size)}" fill="var(--{shape.ink})"{anchor}{bold}>'
        f"{escape(clean(shape.text))}</text>"
    )


def _points(points: tuple[Point, ...]) -> str:
    return " ".join(f"{_n(x)},{_n(y)}" for x, y in points)


def _opacity(opacity: float) -> str:
    return f' fill-opacity="{_n(opacity)}"' if opacity < 1 else ""


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
