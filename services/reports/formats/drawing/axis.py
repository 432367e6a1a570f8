"""Where an axis has its ticks, and what stands at them.

Comes in: a range of values, or instants with their zone. Goes out: ticks at round values, or where hours, days, weeks, months and
years begin. Next: `chart` draws them. Pure.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from babel.dates import format_skeleton
from babel.numbers import format_compact_decimal

from services.reports.document import Form, Kind
from services.reports.words import Words

SHORT = 10_000
"""From here on ticks are written shortly: 20K."""


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to places between 0 and 1."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Where a value is; a hair beyond the ends at most."""
        return min(max((value - self.low) / (self.high - self.low), -0.02), 1.02)


def scale(low: float, high: float, wanted: int, whole: bool = False) -> Scale:
    """A range that begins and ends at round values, with about so many of them; `whole` for counts."""
    if not (math.isfinite(low) and math.isfinite(high)) or low == high == 0:
        low, high = 0.0, 1.0
    if low == high:
        low, high = min(low, 0.0), max(high, 0.0)
    step = _round((high - low) / max(wanted, 1), (1, 2, 5, 10) if whole else (1, 2, 2.5, 5, 10))
    if whole:
        step = max(step, 1.0)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    last = max(last, first + 1)
    ticks = tuple(_plain(number * step) for number in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], ticks)


def _round(step: float, among: Sequence[float]) -> float:
    """The next that is not smaller of these, or of ten times, a tenth of these and so on."""
    size = 10.0 ** math.floor(math.log10(step))
    return next(size * one for one in among if size * one >= step * 0.999)


def _plain(value: float) -> float:
    return float(f"{value:.12g}")


def labels(ticks: Sequence[float], form: Form, words: Words) -> list[str]:
    """What stands at the ticks of values."""
    zero = words.value(0, replace(form, decimals=0))
    if form.kind is Kind.DURATION or (form.unit and _scaled(form.unit, words)):
        return [words.value(tick, replace(form, decimals=None)) for tick in ticks]
    if form.kind is not Kind.SHARE and max(map(abs, ticks)) >= SHORT and zero.count("0") == 1:
        digits = _needed(ticks)
        return [
            zero.replace("0", format_compact_decimal(tick, locale=words.locale, fraction_digits=digits)) if tick else zero
            for tick in ticks
        ]  # fmt: skip
    shift = 2 if form.kind is Kind.SHARE else 0
    step = (ticks[1] - ticks[0]) * 10**shift
    decimals = next((count for count in range(8) if math.isclose(round(step, count), step, rel_tol=1e-6)), 8)
    form = replace(form, kind=form.kind if shift else Kind.NUMBER, decimals=decimals)
    return [words.value(tick, form) for tick in ticks]


def _scaled(unit: str, words: Words) -> bool:
    """Whether a number of this unit is written in another by its size, as a length of time is."""
    return sum(letter.isdigit() for letter in words.quantity(1e9, unit)) < 7


def _needed(ticks: Sequence[float]) -> int:
    """Digits behind the point of the short form, so that neighbours differ."""
    size = 1000 ** math.floor(math.log10(max(map(abs, ticks))) / 3)
    step = abs(ticks[1] - ticks[0]) / size
    return next((count for count in range(3) if math.isclose(round(step, count), step, rel_tol=1e-6)), 3)


Key = Callable[[datetime], Any]
_LADDER: tuple[tuple[Key, str], ...] = (
    *((lambda at, n=minutes: (at.date(), at.hour, at.minute // n), "Hm") for minutes in (1, 5, 15, 30)),  # type: ignore[misc]
    *((lambda at, n=hours: (at.date(), at.hour // n), "Hm") for hours in (1, 3, 6, 12)),  # type: ignore[misc]
    (lambda at: at.toordinal(), "MMMd"),
    (lambda at: at.toordinal() // 2, "MMMd"),
    (lambda at: (at.toordinal() - 1) // 7, "MMMd"),
    (lambda at: (at.toordinal() - 1) // 14, "MMMd"),
    (lambda at: (at.year, at.month), "yMMM"),
    (lambda at: (at.year, (at.month - 1) // 3), "yMMM"),
    (lambda at: at.year, "y"),
    (lambda at: at.year // 5, "y"),
)
"""From the finest to the widest: in which period an instant is, and what its beginning is called."""


def instants(at: Sequence[datetime], form: Form, most: int, words: Words) -> list[tuple[int, str]]:
    """Places among instants that begin a period, at most so many, each with what stands there."""
    if len(at) <= most:
        return [(place, words.tick(instant, form)) for place, instant in enumerate(at)]
    local = [instant.astimezone(words.zone) for instant in at]
    for key, skeleton in _LADDER:
        if skeleton == "Hm" and form.bucket in ("day", "week", "month"):
            continue
        periods = [key(instant) for instant in local]
        begins = [place for place in range(1, len(local)) if periods[place] != periods[place - 1]]
        if len(begins) + 1 > most:
            continue
        if (
            not begins or begins[0] >= len(local) / most
        ):  # the first may be amid its period, but nothing else is near
            begins.insert(0, 0)
        return [(place, _said(local[place], skeleton, words)) for place in begins]
    step = math.ceil(len(local) / most)
    return [(place, _said(local[place], "y", words)) for place in range(0, len(local), step)]


def _said(instant: datetime, skeleton: str, words: Words) -> str:
    if skeleton == "Hm" and not (instant.hour or instant.minute):
        skeleton = "MMMd"
    return str(format_skeleton(skeleton, instant, tzinfo=instant.tzinfo, locale=words.locale))
