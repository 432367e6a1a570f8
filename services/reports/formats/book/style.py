"""How cells look: a `Form` comes in, a format of XlsxWriter goes out. Numbers stay numbers, and dates are dates of the document's zone.

Lengths of time are seconds, so that their sum is the one that is proven; Excel's own would be days.
"""

import unicodedata
from typing import Any

from babel import Locale
from xlsxwriter import Workbook
from xlsxwriter.format import Format

from services.reports.document import Form, Kind
from services.reports.formats.drawing.palette import LIGHT
from services.reports.words import locale_of

FONT, SIZE = "Calibri", 11
_BUCKETS = {
    "second": "yyyy-mm-dd hh:mm:ss",
    "minute": "yyyy-mm-dd hh:mm",
    "hour": "yyyy-mm-dd hh:mm",
    "month": "yyyy-mm",
}
_LONGEST_UNIT = 40


class Styles:
    """The formats of a workbook."""

    def __init__(self, workbook: Workbook, locale: str) -> None:
        self._workbook, self._locale = workbook, locale_of(locale)
        self._known: dict[object, Format] = {}
        self.title = self._added(bold=True, font_size=18, font_color=LIGHT["text"])
        self.part = self._added(bold=True, font_size=13, font_color=LIGHT["text"])
        self.muted = self._added(font_color=LIGHT["muted"])
        self.text = self._added(text_wrap=True, valign="top")
        self.strong = self._added(text_wrap=True, valign="top", bold=True)
        self.link = self._added(font_color=LIGHT["accent"], underline=1)
        self.heading = self._heading("left")
        self.number_heading = self._heading("right")
        self.change = self._added(num_format="+0.0%;-0.0%;0.0%")

    def cell(self, form: Form) -> Format:
        """Of the cells of a column."""
        code = number_format(form, self._locale)
        if code not in self._known:
            # A text that begins like a formula stays a text when somebody edits its cell.
            look = {"quote_prefix": True} if form.kind is Kind.TEXT else {"num_format": code}
            self._known[code] = self._added(**look)
        return self._known[code]

    def head(self, form: Form) -> Format:
        """Of the heading of a column: above numbers it stands on the right, as they do."""
        return self.heading if form.kind in (Kind.TEXT, Kind.BOOLEAN) else self.number_heading

    def _heading(self, align: str) -> Format:
        look = {"bold": True, "bg_color": LIGHT["sunken"], "bottom": 1, "bottom_color": LIGHT["axis"]}
        return self._added(align=align, text_wrap=True, valign="top", **look)

    def _added(self, **look: Any) -> Format:
        return self._workbook.add_format({"font_name": FONT, "font_size": SIZE, **look})


def number_format(form: Form, locale: Locale) -> str:
    """The code by which Excel writes values of a form."""
    match form.kind:
        case Kind.INTEGER:
            return _with_unit(_digits(form.decimals or 0), form.unit, locale)
        case Kind.NUMBER:
            return _with_unit(_digits(2 if form.decimals is None else form.decimals), form.unit, locale)
        case Kind.SHARE:
            return f"{_digits(1 if form.decimals is None else form.decimals).removeprefix('#,##')}%"
        case Kind.DURATION:
            return '#,##0.0" s"'
        case Kind.INSTANT:
            return "yyyy-mm-dd hh:mm:ss"
        case Kind.BUCKET:
            return _BUCKETS.get(form.bucket, "yyyy-mm-dd")
        case Kind.TEXT | Kind.BOOLEAN:
            return "General"


def width(form: Form) -> int:
    """Characters that values of a form usually take."""
    match form.kind:
        case Kind.INSTANT:
            return 19
        case Kind.BUCKET:
            return 19 if form.bucket in ("second", "minute", "hour") else 12
        case Kind.TEXT:
            return 14
        case _:
            return 12 + len(form.unit[:10])


def _digits(decimals: int) -> str:
    return "#,##0" + ("." + "0" * min(decimals, 15) if decimals > 0 else "")


def _with_unit(digits: str, unit: str, locale: Locale) -> str:
    """A unit stands behind the number, `€` and its like where the locale has them."""
    if not unit or unit == "1":
        return digits
    shown = "".join(sign for sign in unit[:_LONGEST_UNIT] if sign.isprintable() and sign != '"')
    if unit == "%":
        return f'{digits}"%"'
    if unicodedata.category(shown[:1] or " ") != "Sc":
        return f'{digits}" {shown}"'
    pattern = str(locale.currency_formats["standard"].pattern)
    return f'"{shown}"{digits}' if pattern.startswith("¤") else f'{digits}" {shown}"'
