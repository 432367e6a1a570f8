"""How values are read: numbers, lengths of time, dates and spans in a locale and a zone.

Values of a `Document` come in with their `Form`; texts go out to every format that people read, and to the texts of reports. Only
the writing of numbers and dates follows the locale; words and units stay as they are. Pure.
"""

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import DateTimePattern, format_interval, match_skeleton, parse_pattern
from babel.numbers import NumberPattern
from babel.numbers import parse_pattern as parse_number

from services.kit.calendar import Span
from services.kit.errors import Invalid
from services.reports.document import Figure, Form, Kind

NOTHING = "–"
"""What stands where there is nothing."""

_BYTES = {"By", "B", "byte", "bytes"}
_PREFIXES = ("B", "kB", "MB", "GB", "TB", "PB")
_SECONDS = {
    "s": 1.0,
    "seconds": 1.0,
    "ms": 1e-3,
    "us": 1e-6,
    "µs": 1e-6,
    "ns": 1e-9,
    "min": 60.0,
    "h": 3600.0,
}
_LENGTHS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_CURRENCIES = {"€", "$", "£", "¥", "₹", "₩", "₽", "₺", "₴", "₪", "CHF", "EUR", "USD", "GBP", "JPY"}
_DAY = timedelta(days=1)
_DECIMALS = 8
"""Decimal places at most."""
_HUGE = 1e15
"""From here on a float is written by its power of ten: its last digits say nothing."""
_TINY = 1e-6
"""Below this, too: it is not nothing."""


def locale_of(tag: str, field: str = "locale") -> Locale:
    """The locale of a tag as in `en-GB`, English where it is empty; raises `Invalid` for one that nobody knows."""
    try:
        return Locale.parse((tag or "en").replace("_", "-"), sep="-")
    except (UnknownLocaleError, ValueError, TypeError) as error:
        raise Invalid(field, f"is {tag[:100]!r}, which is no locale; give one as in en-GB or de") from error


class Words:
    """Writes values in a locale and a zone. May be used by several threads."""

    def __init__(self, locale: str, time_zone: str) -> None:
        self.locale = locale_of(locale)
        self.zone = ZoneInfo(time_zone or "UTC")
        self._numbers: dict[object, NumberPattern] = {}
        self._dates: dict[str, DateTimePattern] = {}

    @property
    def right_to_left(self) -> bool:
        """Whether the locale is read from the right."""
        return bool(self.locale.text_direction == "rtl")

    def value(self, value: object, form: Form) -> str:
        """A value of a cell or figure."""
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            return NOTHING
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, datetime):
            return self._bucket(value, form.bucket) if form.kind is Kind.BUCKET else self.moment(value)
        assert isinstance(value, int | float)
        match form.kind:
            case Kind.SHARE:
                return self.percent(value, form.decimals)
            case Kind.DURATION:
                return self.duration(value)
            case _:
                return self.quantity(value, form.unit, form.decimals)

    def change(self, figure: Figure) -> str:
        """How a figure differs from the period before, as in `+12 %`; empty where that cannot be told."""
        now, before = figure.value, figure.before
        if not figure.compared or now is None or not before:
            return ""
        share = (now - before) / abs(before)
        return self.signed(share) if math.isfinite(share) else ""

    def signed(self, share: float) -> str:
        """A change with its sign. What is shown as no change is none."""
        if not math.isfinite(share):
            return NOTHING
        share = 0.0 if abs(share) < 0.0005 else share
        text = self.percent(share, 0 if abs(share) >= 0.1 or not share else 1)
        return f"+{text}" if share > 0 else text

    def span(self, span: Span) -> str:
        """A span of time: days or months where it is of whole ones, the last being included."""
        start, end = span.start.astimezone(self.zone), span.end.astimezone(self.zone)
        if any(each.time() != time() for each in (start, end)):
            return f"{self.instant(start)} – {self.instant(end)}"
        first, last = start.date(), max(start.date(), end.date() - _DAY)
        if first.day == end.day == 1 and end > start:
            return self._days(first, last.replace(day=1), "yMMMM")
        return self._days(first, last, "yMMMd")

    def instant(self, instant: datetime) -> str:
        """An instant to the minute."""
        return self._joined(instant, "yMMMd", "Hm")

    def moment(self, instant: datetime) -> str:
        """An instant to the second."""
        return self._joined(instant, "yMMMd", "Hms")

    def day(self, instant: datetime) -> str:
        """The day of an instant."""
        return self._dated(instant, "yMMMd")

    def tick(self, label: object, form: Form) -> str:
        """A label of an axis, as short as it can be: a day without its year, an hour without its day unless it begins one."""
        if not isinstance(label, datetime):
            return self.value(label, form)
        if form.bucket == "month":
            return self._dated(label, "yMMM")
        local = label.astimezone(self.zone)
        finer = form.bucket in ("second", "minute", "hour") and (local.hour or local.minute or local.second)
        return self._dated(label, "Hm" if finer else "MMMd")

    def quantity(self, value: float, unit: str = "", decimals: int | None = None) -> str:
        """A number with its unit; lengths of time and sizes as people say them."""
        if not math.isfinite(value):
            return NOTHING
        size, _, per = unit.partition("/")
        if size in _BYTES:
            return self.size(value, decimals) + (f"/{per}" if per else "")
        if unit in _SECONDS and decimals is None:
            return self.duration(value * _SECONDS[unit])
        if unit == "%":
            return self._applied("percent", value, decimals, scale=0)
        if unit in _CURRENCIES:
            cents = 2 if decimals is None and _fitting(value)[1] else decimals
            return self._applied("currency", value, cents).replace("¤", unit)
        number = self.number(value, decimals)
        return number if unit in ("", "1") else f"{number} {unit}"

    def number(self, value: float, decimals: int | None = None) -> str:
        """A bare number."""
        return self._applied("decimal", value, decimals) if math.isfinite(value) else NOTHING

    def percent(self, share: float, decimals: int | None = None) -> str:
        """A share as per cent. What is nearly all, or nearly nothing, does not become all or nothing by being rounded."""
        if not math.isfinite(share):
            return NOTHING
        size = abs(share)
        if decimals is not None:
            return self._applied("percent", share, decimals)
        most = 0 if size in (0, 1) or size >= 10 else 2 if size > 0.99 or size < 0.01 else 1
        return self._written("percent", share, 0, most)

    def duration(self, seconds: float) -> str:
        """A length of time in its two largest units: `3 d 4 h`, `2 min`, `120 ms`."""
        if not math.isfinite(seconds):
            return NOTHING
        if seconds < 0:
            return f"-{self.duration(-seconds)}"
        if 0 < seconds < 1e-3:
            return f"{self.number(seconds * 1e6, 0)} µs"
        if 0 < seconds < 1:
            return f"{self.number(round(seconds * 1e3, 1 if seconds < 0.01 else 0))} ms"
        if seconds < 10:
            return f"{self.number(round(seconds, 1))} s"
        whole = round(seconds)
        place = next(at for at, (length, _) in enumerate(_LENGTHS) if whole >= length)
        length, name = _LENGTHS[place]
        first: int = whole // length
        head = f"{self.number(first)} {name}"
        if first >= 10 or place + 1 == len(_LENGTHS):
            return head
        finer, finer_name = _LENGTHS[place + 1]
        rest = whole % length // finer
        return f"{head} {rest} {finer_name}" if rest else head

    def size(self, value: float, decimals: int | None = None) -> str:
        """A number of bytes, in thousands."""
        size = abs(value)
        power = 0 if size < 1000 else min(len(_PREFIXES) - 1, int(math.log10(size) // 3))
        scaled = value / 1000**power
        if decimals is None:
            decimals = 0 if power == 0 or abs(scaled) >= 100 or scaled.is_integer() else 1
        return f"{self.number(scaled, decimals)} {_PREFIXES[power]}"

    def _bucket(self, instant: datetime, bucket: str) -> str:
        match bucket:
            case "month":
                return self._dated(instant, "yMMMM")
            case "week":
                return self._dated(instant, "yMMMd")
            case "day":
                return self._dated(instant, "yMMMEd")
            case "second":
                return self.moment(instant)
            case _:
                return self.instant(instant)

    def _days(self, first: date, last: date, skeleton: str) -> str:
        begin, end = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (first, last))
        return str(format_interval(begin, end, skeleton, locale=self.locale))

    def _joined(self, instant: datetime, day: str, clock: str) -> str:
        joined = str(self.locale.datetime_formats["medium"]).replace("'", "")
        return joined.format(self._dated(instant, clock), self._dated(instant, day))

    def _dated(self, instant: datetime, skeleton: str) -> str:
        pattern = self._dates.get(skeleton)
        if pattern is None:
            known = self.locale.datetime_skeletons
            fitting = skeleton if skeleton in known else match_skeleton(skeleton, known)
            pattern = self._dates[skeleton] = parse_pattern(known[fitting])
        return str(pattern.apply(instant.astimezone(self.zone), self.locale))

    def _applied(self, kind: str, value: float, decimals: int | None, scale: int | None = None) -> str:
        if decimals is None:
            least, most = _fitting(value)
        else:
            least = most = max(0, min(decimals, _DECIMALS))
        return self._written(kind, value, least, most, scale)

    def _written(self, kind: str, value: float, least: int, most: int, scale: int | None = None) -> str:
        size = abs(value)
        if (isinstance(value, float) and size >= _HUGE) or (0 < size < _TINY and least == 0):
            return str(self._pattern(f"power of {kind}", 0, 4).apply(value, self.locale))
        pattern = self._pattern(kind, least, most, scale)
        # What is rounded to nothing has no sign.
        return str(pattern.apply(value if round(size * 10**pattern.scale, most) else 0, self.locale))

    def _pattern(self, kind: str, least: int, most: int, scale: int | None = None) -> NumberPattern:
        """A pattern of the locale with so many decimal places."""
        key = kind, least, most, scale
        if (found := self._numbers.get(key)) is None:
            found = parse_number(_STATED[kind](self.locale))
            found.frac_prec = (least, most)
            if scale is not None:
                found.scale = scale  # type: ignore[assignment]
            self._numbers[key] = found
        return found


_STATED: dict[str, Callable[[Locale], str]] = {
    "decimal": lambda locale: str(locale.decimal_formats[None].pattern),
    "percent": lambda locale: str(locale.percent_formats[None].pattern),
    "currency": lambda locale: str(locale.currency_formats["standard"].pattern),
    "power of decimal": lambda _: "0.####E0",
    "power of percent": lambda _: "0.####E0%",
    "power of currency": lambda _: "¤0.####E0",
}
"""The pattern of a locale for a kind of number."""


def _fitting(value: float) -> tuple[int, int]:
    """Least and most decimal places that a value of this size deserves."""
    size = abs(value)
    if isinstance(value, int) or value.is_integer() or size >= 1000:
        return 0, 0
    if size >= 100:
        return 0, 1
    return (0, 2) if size >= 1 else (0, min(_DECIMALS, 2 - math.floor(math.log10(size))))
