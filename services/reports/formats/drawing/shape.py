"""What drawings are made of. Places are points from the left and from the top; colours are names of `palette`. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Point = tuple[float, float]

Measure = Callable[[str, float, bool], float]
"""How wide a text is, in a size, bold or not."""

SIZE = 8.0
"""Of labels, in points."""
ROW = 11.0
"""Distance of labels below each other."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line through points."""

    points: tuple[Point, ...]
    ink: str
    width: float = 1.6
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Area:
    """What is within points."""

    points: tuple[Point, ...]
    ink: str
    opacity: float = 1.0


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float
    ink: str
    opacity: float = 1.0
    radius: float = 0.0


@dataclass(frozen=True, slots=True)
class Dot:
    """A full circle."""

    x: float
    y: float
    ink: str
    radius: float = 2.0


@dataclass(frozen=True, slots=True)
class Label:
    """A text on its base line, which `x` is the `start`, `middle` or `end` of."""

    x: float
    y: float
    text: str
    ink: str = "muted"
    anchor: str = "start"
    bold: bool = False
    size: float = SIZE


Shape = Stroke | Area | Box | Dot | Label


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawing."""

    width: float
    height: float
    shapes: tuple[Shape, ...]


def estimate(text: str, size: float, bold: bool) -> float:
    """About how wide a text is in any font: where none can be asked."""
    wide = sum(1.0 if letter >= "\u1100" else 0.63 if letter.isalnum() else 0.46 for letter in text)
    return wide * size * (1.06 if bold else 1.0)


def shortened(text: str, width: float, measure: Measure, size: float = SIZE, bold: bool = False) -> str:
    """The text, or as much of its beginning as is no wider, with an ellipsis."""
    text = " ".join(text.split())
    if measure(text, size, bold) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if measure(text[:middle].rstrip() + "…", size, bold) <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"


def legend(
    entries: Sequence[tuple[str, str, bool]], left: float, width: float, measure: Measure
) -> tuple[list[Shape], float]:
    """Names of series with their colours, `(title, ink, dashed)`, in rows from the top; and how high that is."""
    shapes: list[Shape] = []
    x, y = left, ROW - 2
    for title, ink, dashed in entries:
        said = shortened(title, min(width - 20, 190), measure)
        wide = 15 + measure(said, SIZE, False)
        if x > left and x + wide > left + width:
            x, y = left, y + ROW + 2
        shapes.append(Stroke(((x, y - 3), (x + 10, y - 3)), ink, 2.6, dashed))
        shapes.append(Label(x + 14, y, said, "text"))
        x += wide + 12
    return shapes, y + 13
