"""Rows as a workbook holds them: batches of a table come in, `<row>` elements go out to `xlsx`, thousands at a time, made by Arrow.

A number is written with as many digits as tell it from every other. What a cell cannot hold as it is, it holds as text: whole
numbers beyond 15 digits, and instants that have no date in Excel. A text stops at 32 767 characters and says so; an empty one is nothing.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from xlsxwriter.utility import xl_col_to_name

from services.kit.instant import EPOCH as UNIX
from services.reports.formats import cells

CHARACTERS = 32_767
"""UTF-16 units of a cell at most."""
WHOLE = 999_999_999_999_999
"""The largest whole number that is shown with all its digits."""
DAY = 86_400_000_000
"""Microseconds."""
EPOCH = 25_569
"""1970, counted in days of Excel."""
FIRST, LAST = 61, 2_958_466
"""From March 1900 until the end of 9999; before, Excel counts a day that never was."""

_LOCAL = pa.timestamp("us")
_CUT = "… (longer than a cell can be)"
_MARKUP = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))
_RARE = r"[\x00-\x08\x0b-\x1f]|_x[0-9a-fA-F]{4}_"
_NO_CHARACTERS = b"\xef\xbf"
"""How what is no character to XML begins, in UTF-8, and little else."""
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f]")
_INVISIBLE = re.compile("[\x00-\x1f\x7f\ufffe\uffff]")
_LOOKS_ESCAPED = re.compile("(_x[0-9a-fA-F]{4}_)")


def written(batch: pa.RecordBatch, row: int, styles: Sequence[str], zone: str) -> memoryview:
    """The rows of a batch, the first of which is `row` (from 0); `styles` are the numbers of the columns' formats."""
    numbers = pa.array(np.arange(row + 1, row + 1 + batch.num_rows)).cast(pa.string())
    parts: list[pa.Array | str] = ['<row r="', numbers, '">']
    for place, (column, style) in enumerate(zip(batch.columns, styles)):
        parts += _cells(column, xl_col_to_name(place), numbers, style, zone)
    return cells.written(cells.joined(*parts, "</row>"))


def _cells(column: pa.Array, letters: str, rows: pa.Array, style: str, zone: str) -> Iterator[pa.Array]:
    """The elements of a column; empty where there is nothing. What is text in a column of others comes second."""
    numbers, texts = _values(column, zone)
    mark = f'" s="{style}"'
    if numbers is not None:
        kind = ' t="b"' if pa.types.is_boolean(column.type) else ""
        lead = f"{mark}{kind}><v>"
        yield pc.fill_null(cells.joined(f'<c r="{letters}', rows, lead, numbers, "</v></c>"), "")
    if texts is not None:
        lead = f'{mark} t="inlineStr"><is><t xml:space="preserve">'
        yield pc.fill_null(cells.joined(f'<c r="{letters}', rows, lead, texts, "</t></is></c>"), "")


def _values(column: pa.Array, zone: str) -> tuple[pa.Array | None, pa.Array | None]:
    """What stands in the cells as numbers, and what as text; null where not."""
    kind = column.type
    if pa.types.is_string(kind):
        return None, _escaped(fitting(column))
    if pa.types.is_boolean(kind):
        return column.cast(pa.int8()).cast(pa.string()), None
    if pa.types.is_timestamp(kind):
        days, within = _dated(column, zone)
        texts = None if pc.all(within).as_py() else _only(cells.plain(column), pc.invert(within))
        return _only(days.cast(pa.string()), within), texts
    if pa.types.is_integer(kind):
        within = pc.and_(pc.greater_equal(column, -WHOLE), pc.less_equal(column, WHOLE))
        text = column.cast(pa.string())
        return (
            (text, None) if pc.all(within).as_py() else (_only(text, within), _only(text, pc.invert(within)))
        )
    return column.cast(pa.string()), None


def serial(at: datetime, zone: str) -> float:
    """An instant as a date of Excel, in a zone."""
    whole, rest = divmod(at.astimezone(ZoneInfo(zone)).replace(tzinfo=UTC) - UNIX, timedelta(days=1))
    return whole + EPOCH + rest / timedelta(days=1)


def _dated(column: pa.Array, zone: str) -> tuple[pa.Array, pa.Array]:
    """Instants as dates of Excel, and which of them come back from there; the others have no date in Excel, or lose microseconds."""
    local = pc.local_timestamp(column.cast(pa.timestamp("us", zone))).cast(pa.int64())
    values = pc.fill_null(local, 0).to_numpy(zero_copy_only=False)
    whole, rest = np.divmod(values, DAY)
    days = whole + EPOCH + rest / DAY
    within = (days >= FIRST) & (days < LAST) & (_microseconds(days) == values)
    return pa.array(days), _only(pa.array(within), pc.is_valid(column))


def instants(days: pa.Array, zone: str) -> pa.Array:
    """The instants of dates of Excel; of an hour that the clock shows twice, the first."""
    local = _microseconds(np.nan_to_num(days.to_numpy(zero_copy_only=False)))
    nothing = pc.is_null(days).to_numpy(zero_copy_only=False)
    return _in_zone(pa.array(local, mask=nothing).cast(_LOCAL), zone)


def _microseconds(days: NDArray[np.float64]) -> NDArray[np.int64]:
    """Since 1970, of dates of Excel."""
    whole = np.floor(days)
    return (whole.astype(np.int64) - EPOCH) * DAY + np.rint((days - whole) * DAY).astype(np.int64)


def _in_zone(local: pa.Array, zone: str) -> pa.Array:
    placed = pc.assume_timezone(local, zone, ambiguous="earliest", nonexistent="earliest")
    return placed.cast(pa.timestamp("us", "UTC"))


def held(batch: pa.RecordBatch, zone: str) -> pa.RecordBatch:
    """What of a batch comes back from a workbook: texts end where cells do, an empty text is nothing, an hour shown twice is the first."""
    return pa.RecordBatch.from_arrays([_held(column, zone) for column in batch.columns], schema=batch.schema)


def _held(column: pa.Array, zone: str) -> pa.Array:
    if pa.types.is_string(column.type):
        return fitting(column)
    if not pa.types.is_timestamp(column.type):
        return column
    local = pc.local_timestamp(column.cast(pa.timestamp("us", zone)))
    return pc.if_else(_dated(column, zone)[1], _in_zone(local, zone), column)


def fitting(column: pa.Array) -> pa.Array:
    """Texts as cells can hold them; nothing for an empty one."""
    column = pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
    # A unit is a byte at least, and U+FFFE and U+FFFF are bytes that few texts have.
    longest = pc.max(pc.binary_length(column)).as_py() or 0
    if longest <= CHARACTERS and _NO_CHARACTERS not in bytes(cells.written(column)):
        return column
    return pa.array([None if text is None else shortened(text) for text in column.to_pylist()], pa.string())


def shortened(text: str) -> str:
    """A text as a cell can hold it: as much of it as fits, and that it was longer; a mark for what is no character to XML."""
    text = text.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")
    units = text.encode("utf-16-le")
    if len(units) <= 2 * CHARACTERS:
        return text
    return units[: 2 * (CHARACTERS - len(_CUT))].decode("utf-16-le", "ignore") + _CUT


def visible(text: str) -> str:
    """A text for places that hold no control characters: names of charts and of the workbook."""
    return _INVISIBLE.sub(" ", text)


def _escaped(column: pa.Array) -> pa.Array:
    # Whether there is anything at all is told ten times as fast by the bytes of all texts.
    data = bytes(cells.written(column))
    if (b"_x" in data or (np.frombuffer(data, np.uint8) < ord(" ")).any()) and pc.any(
        pc.match_substring_regex(column, _RARE)
    ).as_py():
        return pa.array([None if text is None else escaped(text) for text in column.to_pylist()], pa.string())
    for sign, written in _MARKUP:
        if sign.encode() in data:
            column = pc.replace_substring(column, sign, written)
    return column


def escaped(text: str) -> str:
    """A text as XML of a workbook has it, which writes control characters by their numbers."""
    text = _LOOKS_ESCAPED.sub(r"_x005F\1", text)
    text = _CONTROL.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
    for sign, written in _MARKUP:
        text = text.replace(sign, written)
    return text


def _only(column: pa.Array, where: pa.Array) -> pa.Array:
    return pc.if_else(where, column, pa.scalar(None, column.type))
