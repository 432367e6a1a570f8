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
        lead = f'<c r="{xl_col_to_name(place)}'
        for values, opens, closes in _values(column, zone):
            cell = (lead, numbers, f'" s="{style}"{opens}', values, closes)
            # A column without nothing is copied once.
            parts += [pc.fill_null(cells.joined(*cell), "")] if values.null_count else cell
    return cells.written(cells.joined(*parts, "</row>"))


def _values(column: pa.Array, zone: str) -> Iterator[tuple[pa.Array, str, str]]:
    """What stands in the cells, null where nothing does, and what stands around it. What is text in a column of others comes second."""
    kind = column.type
    column = fitting(column) if pa.types.is_string(kind) else column
    if column.null_count == len(column):
        return
    if pa.types.is_string(kind):
        yield _text(column)
    elif pa.types.is_boolean(kind):
        yield column.cast(pa.int8()).cast(pa.string()), ' t="b"><v>', "</v></c>"
    elif pa.types.is_timestamp(kind) or pa.types.is_integer(kind):
        numbers, within = _dated(column, zone) if pa.types.is_timestamp(kind) else (column, _whole(column))
        whole = pc.all(within).as_py()
        yield _number(numbers if whole and not within.null_count else _only(numbers, within))
        if not whole:
            yield _text(_only(cells.plain(column).cast(pa.string()), pc.invert(within)))
    else:
        yield _number(column)


def _number(column: pa.Array) -> tuple[pa.Array, str, str]:
    return column.cast(pa.string()), "><v>", "</v></c>"


def _text(column: pa.Array) -> tuple[pa.Array, str, str]:
    # Space at the ends of a text, which XML may leave out, and what is rarer still, are kept for all or for none.
    space = ' xml:space="preserve"' if _spaced(column) else ""
    return _escaped(column), f' t="inlineStr"><is><t{space}>', "</t></is></c>"


def _spaced(column: pa.Array) -> bool:
    """Whether any text begins or ends with space, or has more of it than spaces; none is empty."""
    there = column.drop_null()
    ends = np.frombuffer(there.buffers()[1], np.int32)[there.offset : there.offset + len(there) + 1]
    data = np.frombuffer(there.buffers()[2], np.uint8)
    outer = np.concatenate((data[ends[:-1]], data[ends[1:] - 1]))
    return bool((outer == ord(" ")).any() or (data[ends[0] : ends[-1]] < ord(" ")).any())


def _whole(column: pa.Array) -> pa.Array:
    """Which whole numbers are shown with all their digits."""
    return pc.and_(pc.greater_equal(column, -WHOLE), pc.less_equal(column, WHOLE))


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
