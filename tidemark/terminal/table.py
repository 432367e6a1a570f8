"""Tables: rows of values come in, aligned lines of text go out."""

import math
import unicodedata
from collections.abc import Sequence
from datetime import datetime


def table(header: Sequence[str], rows: Sequence[Sequence[object]], width: int = 0) -> list[str]:
    """Aligned lines, numbers to the right; wider than `width`, the widest columns of text are cut short."""
    cells = [[text(value) for value in row] for row in rows]
    numeric = [
        all(isinstance(row[at], int | float) for row in rows) and bool(rows) for at in range(len(header))
    ]
    widths = [max([columns(title), *(columns(row[at]) for row in cells)]) for at, title in enumerate(header)]
    while width and sum(widths) + 2 * (len(widths) - 1) > width and max(widths) > 8:
        widths[widths.index(max(widths))] -= 1
    lines = [header, *cells]
    return [
        "  ".join(
            fitted(cell, size, right=right) for cell, size, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in lines
    ]


def text(value: object) -> str:
    """A value as people read it: numbers grouped, instants to the second, control characters harmless."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return printable(str(value))


def number(value: float) -> str:
    """A number with four digits that count."""
    if math.isnan(value):
        return "-"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def short(value: float) -> str:
    """A number in few places, as on an axis: 12.5k, 3M."""
    if math.isnan(value):
        return "-"
    for size, suffix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{suffix}"
    return f"{value:.3g}"


def size(count: float) -> str:
    """Bytes as people read them."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def printable(value: str) -> str:
    """Stored text must not steer the terminal that shows it: control characters become �."""
    return "".join("�" if unicodedata.category(it).startswith("C") else it for it in value)


def columns(value: str) -> int:
    """How many columns of the terminal a text takes."""
    return sum(
        0 if unicodedata.combining(it) else 2 if unicodedata.east_asian_width(it) in "WF" else 1
        for it in value
    )


def fitted(value: str, width: int, *, right: bool = False) -> str:
    """A text in exactly `width` columns: padded, or cut with an ellipsis."""
    if columns(value) > width:
        while value and columns(value) > width - 1:
            value = value[:-1]
        value += "…"
    padding = " " * (width - columns(value))
    return padding + value if right else value + padding
