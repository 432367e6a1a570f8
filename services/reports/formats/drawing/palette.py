"""Colours of what is drawn and written, by what they are for, on white paper and in the dark.

Series are told apart by people who are colour-blind, too, and each stands out from its ground by 3:1 at least; texts by 4.5:1. `chart`
names colours, `pdf` and `html` look them up here. Pure.
"""

from services.reports.document import Figure

SERIES = 8
"""Colours of series; the ninth has the first again."""

LIGHT = {
    "text": "#16202c", "muted": "#56616f", "line": "#dfe3e8", "axis": "#8b95a3", "surface": "#ffffff", "sunken": "#f4f6f8",
    "accent": "#0b6e75", "accent-soft": "#e0f1f1", "good": "#0f7a4d", "good-soft": "#e0f3ea", "warn": "#8a5a00",
    "warn-soft": "#fdf1d8", "bad": "#b3261e", "bad-soft": "#fbe6e4",
    "s1": "#0b7a83", "s2": "#d9650f", "s3": "#253cbf", "s4": "#ea4dd5", "s5": "#594e0d", "s6": "#6a2f8f", "s7": "#3898df", "s8": "#5b3420",
}  # fmt: skip
DARK = {
    "text": "#e6ebf1", "muted": "#9aa7b6", "line": "#263241", "axis": "#66758a", "surface": "#141c25", "sunken": "#1b2530",
    "accent": "#45c1c4", "accent-soft": "#12343a", "good": "#4cc38a", "good-soft": "#12352a", "warn": "#e6b450",
    "warn-soft": "#3a2e12", "bad": "#ff8a80", "bad-soft": "#43211f",
    "s1": "#3fc1c4", "s2": "#f08a3c", "s3": "#4f7af8", "s4": "#f1e4e9", "s5": "#e2e36a", "s6": "#a864c8", "s7": "#97c5f8", "s8": "#a8744f",
}  # fmt: skip

MARKS = {
    "ok": "good", "good": "good", "info": "accent", "low": "accent", "medium": "warn", "warning": "warn", "late": "warn",
    "data incident": "warn", "high": "bad", "critical": "bad", "bad": "bad",
}  # fmt: skip


def of_series(place: int) -> str:
    """The colour of a series by its place."""
    return f"s{place % SERIES + 1}"


def of_mark(mark: str) -> str:
    """The colour of the mark of a notice; `accent` for a word that is not known."""
    return MARKS.get(mark.casefold(), "accent")


def of_change(figure: Figure) -> str:
    """The colour of a change: for better, for worse, or neither."""
    if figure.value is None or figure.before is None or figure.value == figure.before:
        return "muted"
    return "good" if (figure.value > figure.before) != figure.less_is_better else "bad"


def contrast(one: str, other: str) -> float:
    """How far two colours stand out from each other, 1 to 21, as WCAG counts it."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def channels(colour: str) -> tuple[float, float, float]:
    """Red, green and blue, 0 to 1."""
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue


def _luminance(colour: str) -> float:
    red, green, blue = (
        one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels(colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
