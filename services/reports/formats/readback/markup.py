"""Cells of a sheet out of its XML: whole rows as bytes come in, `Cells` go out to `book`, thousands of rows at a time.

It knows nothing of what wrote them. The places where values begin and end are found and compared by numpy, for a million rows have ten million
values, and an object for each takes minutes. What stands between two values is read by `gap`: each of those that differ once.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from services.reports.formats.readback import gap
from services.reports.formats.readback.fault import demand
from services.reports.formats.readback.gap import BOOLEAN, NONE, NOTHING, SHARED, TEXT, Gap

Places = NDArray[np.int64]
Bytes = NDArray[np.uint8]

_SAID = ("tags", "opens", "closes", "column", "kind", "next")
_NOUGHTS = bytes(ord("0") if chr(byte).isdigit() else byte for byte in range(128)) + bytes(range(128, 256))
"""All digits are the same."""
_WORD = 8
"""More digits than the number of a row has."""
_POWERS = 10 ** np.arange(_WORD - 1, -1, -1)
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&"))
_ESCAPE = re.compile("_x([0-9a-fA-F]{4})_")


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells that hold something, in the order of a sheet; rows and columns count from 0."""

    last: int
    """The last row that stands there, with or without cells; that above where there is none."""
    rows: Places
    columns: Places
    kinds: Bytes
    _parts: pa.BinaryArray
    """The sheet, cut where values begin and end: every second part is what is written in a cell."""
    _shared: Sequence[str]
    """The texts that cells name by their number."""
    _entities: bool
    _escapes: bool
    """Whether any text may have been written with entities, and with control characters by their numbers."""

    def width(self, first: int, count: int) -> int:
        """How many columns so many rows have."""
        begin, end = np.searchsorted(self.rows, (first, first + count))
        return int(self.columns[begin:end].max(initial=-1)) + 1

    def column(self, place: int, first: int, count: int) -> tuple[pa.StringArray, Bytes]:
        """The texts and the kinds of so many rows of a column; null and `NOTHING` where there is nothing."""
        begin, end = np.searchsorted(self.rows, (first, first + count))
        here = begin + np.flatnonzero(self.columns[begin:end] == place)
        if len(here) == count:
            return self._texts(pa.array(here * 2 + 1), self.kinds[here])
        rows, kinds = self.rows[here] - first, np.full(count, NOTHING, np.uint8)
        taken = np.full(count, -1)
        taken[rows], kinds[rows] = here * 2 + 1, self.kinds[here]
        return self._texts(pa.array(taken, mask=taken < 0), kinds)

    def values(self, row: int) -> list[str | float | bool | None]:
        """What stands in a row, from its first column to the last that holds something."""
        begin, end = np.searchsorted(self.rows, (row, row + 1))
        here = np.arange(begin, end)
        texts, kinds = self._texts(pa.array(here * 2 + 1), self.kinds[here])
        found: list[str | float | bool | None] = [None] * self.width(row, 1)
        for column, text, kind in zip(self.columns[here], texts.to_pylist(), kinds):
            found[column] = text if kind == TEXT else text == "1" if kind == BOOLEAN else float(text)
        return found

    def _texts(self, parts: pa.Array, kinds: Bytes) -> tuple[pa.StringArray, Bytes]:
        """What is written in cells, as it was before; texts in place of their numbers."""
        texts = self._parts.take(parts).cast(pa.string())
        if self._entities and pc.any(pc.match_substring(texts, "&")).as_py():
            for written, sign in _ENTITIES:
                texts = pc.replace_substring(texts, written, sign)
        if self._escapes and pc.any(pc.match_substring_regex(texts, _ESCAPE.pattern)).as_py():
            texts = pa.array([text and plain(text) for text in texts.to_pylist()], pa.string())
        named = kinds == SHARED
        if named.any():
            found = [self._named(text) if name else text for text, name in zip(texts.to_pylist(), named)]
            return pa.array(found, pa.string()), np.where(named, np.uint8(TEXT), kinds)
        return texts, kinds

    def _named(self, number: str) -> str:
        known = number.isdecimal() and int(number) < len(self._shared)
        demand(known, f"a cell names text {number} of {len(self._shared)}")
        return self._shared[int(number)]


def read(xml: bytes, shared: Sequence[str], above: int = -1) -> Cells:
    """The cells of whole rows, all of which are below `above`; `shared` are the texts that cells name by their number."""
    demand(b"\r" not in xml, "a sheet has an end of line that is none")
    data = np.frombuffer(xml, np.uint8)
    opens, closes = data == ord("<"), data == ord(">")
    # Text is what stands between tags: it begins behind a `>` that no `<` follows, and ends at a `<` that follows no `>`.
    bounds = np.flatnonzero(closes[:-1] != opens[1:]) + 1
    demand(len(bounds) % 2 == 0, "a sheet is no XML")
    cuts = np.concatenate(([0], bounds, [len(data)]))
    gaps, codes = _gaps(xml.translate(_NOUGHTS), cuts)
    said = {name: np.array([getattr(each, name) for each in gaps])[codes] for name in _SAID}
    tags = int(said["tags"].sum())
    demand(tags == np.count_nonzero(opens) == np.count_nonzero(closes), "a sheet is no XML")
    begun, ended = said["opens"], said["closes"]
    demand(begun[-1] == ended[0] == NONE, "a row is not whole")
    demand(
        bool(((begun[:-1] == ended[1:]) & (begun[:-1] != NONE)).all()), "a sheet has text outside its cells"
    )
    columns, kinds = said["column"][:-1], said["kind"][:-1].astype(np.uint8)
    demand(bool((columns < said["next"][1:]).all()), "a cell stands there twice, or not in its order")
    there, rows = _rows(data, cuts[:-1:2], gaps, codes)
    demand(bool((np.diff(there, prepend=above) > 0).all()), "rows are not in their order")
    return Cells(
        int(there[-1]) if len(there) else above,
        rows,
        columns,
        kinds,
        _parts(xml, cuts),
        shared,
        b"&" in xml,
        _has(data, b"_x"),
    )


def plain(text: str) -> str:
    """A text as it was before it was written into a workbook, which writes control characters by their numbers."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)


def _has(data: Bytes, pair: bytes) -> bool:
    """Whether two bytes follow each other anywhere."""
    return bool(((data[:-1] == pair[0]) & (data[1:] == pair[1])).any())


def _parts(text: bytes, cuts: Places) -> pa.BinaryArray:
    """A text cut at places, without a copy of it."""
    buffers = [None, pa.py_buffer(cuts.astype(np.int32)), pa.py_buffer(text)]
    return pa.BinaryArray.from_buffers(pa.binary(), len(cuts) - 1, buffers)


def _gaps(text: bytes, cuts: Places) -> tuple[list[Gap], Places]:
    """The gaps that differ, and which of them stand before and behind each value."""
    found = _parts(text, cuts).take(pa.array(np.arange(0, len(cuts), 2))).dictionary_encode()
    return [gap.read(each) for each in found.dictionary.to_pylist()], found.indices.to_numpy()


def _rows(data: Bytes, begins: Places, gaps: Sequence[Gap], codes: Places) -> tuple[Places, Places]:
    """The rows, from 0, and the row of each value; the addresses of all cells have to say the same."""
    ends, digits, starts = (
        np.array([getattr(number, name) for each in gaps for number in each.numbers], np.int64)
        for name in ("end", "digits", "begins")
    )
    counts = np.array([len(each.numbers) for each in gaps])
    # All gaps have several numbers, one after the other: `which` they are of those that differ.
    several, first = counts[codes], (np.cumsum(counts) - counts)[codes]
    passed = np.cumsum(several)
    which = np.arange(passed[-1]) + np.repeat(first - (passed - several), several)
    numbers = _numbers(data, np.repeat(begins, several) + ends[which], digits[which])
    row = np.cumsum(starts[which])
    own = numbers[starts[which] > 0]
    demand(bool((numbers == own[row - 1]).all()), "a cell has another address than its row")
    return own - 1, own[row[passed[:-1] - 1] - 1] - 1


def _numbers(data: Bytes, ends: Places, digits: Places) -> Places:
    """The whole numbers of so many digits that end at places."""
    if not len(ends):
        return ends
    # The bytes of a word before its digits are shifted out, and noughts come in.
    spare = (8 * (_WORD - digits)).astype(np.uint64)
    words = sliding_window_view(data, _WORD)[ends - _WORD].view("<u8").ravel() >> spare << spare
    return (words.view(np.uint8).reshape(-1, _WORD) & 15) @ _POWERS
