"""Cells of a sheet out of its XML: whole rows as bytes come in, `Cells` go out to `book`, thousands of rows at a time.

It knows nothing of what wrote them. Places of `<` and `>` are found, classed and compared by numpy, for a million rows have fifty million
tags, and an object for each takes minutes. What cells of values do not need, formulas above all, is a fault.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from services.reports.formats.readback.fault import demand

NUMBER, BOOLEAN, TEXT, SHARED = range(4)
"""What a cell holds."""

Places = NDArray[np.int64]

_PAD = bytes(64)
"""Behind the last tag, so that looking a little further is allowed."""
_TAGS = (b"ro", b"/r", b"c ", b"/c", b"v>", b"/v", b"is", b"/i", b"t>", b"t ", b"/t")
"""The first two bytes of all that is known."""
_ROW, _ROW_END, _CELL, _CELL_END, _VALUE, _VALUE_END, _INLINE, _INLINE_END, _TEXT, _SPACED, _TEXT_END = range(
    11
)
_NO_ROW, _NO_CELL, _UNKNOWN = 11, 12, 13
"""A row and a cell that are closed where they open, and what is not known."""
_LENGTHS = {
    _ROW_END: 4,
    _CELL_END: 2,
    _VALUE: 1,
    _VALUE_END: 2,
    _INLINE: 2,
    _INLINE_END: 3,
    _TEXT: 1,
    _TEXT_END: 2,
}
"""The bytes of the names of tags without attributes."""
_FOLLOWS = {
    _ROW: (_CELL, _NO_CELL, _ROW_END),
    _ROW_END: (_ROW, _NO_ROW),
    _NO_ROW: (_ROW, _NO_ROW),
    _CELL: (_VALUE, _INLINE, _CELL_END),
    _CELL_END: (_CELL, _NO_CELL, _ROW_END),
    _NO_CELL: (_CELL, _NO_CELL, _ROW_END),
    _VALUE: (_VALUE_END,),
    _VALUE_END: (_CELL_END,),
    _INLINE: (_TEXT, _SPACED),
    _TEXT: (_TEXT_END,),
    _SPACED: (_TEXT_END,),
    _TEXT_END: (_INLINE_END,),
    _INLINE_END: (_CELL_END,),
}
"""Which tags may come after which."""
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&"))
_ESCAPE = re.compile("_x([0-9a-fA-F]{4})_")


def _classes() -> NDArray[np.uint8]:
    """The class of each pair of bytes."""
    found = np.full(1 << 16, _UNKNOWN, np.uint8)
    for kind, (first, second) in enumerate(_TAGS):
        found[first << 8 | second] = kind
    return found


def _order() -> NDArray[np.bool_]:
    """Whether a class may come after another."""
    found = np.zeros((_UNKNOWN + 1, _UNKNOWN + 1), np.bool_)
    for kind, following in _FOLLOWS.items():
        found[kind, list(following)] = True
    return found


_CLASSES, _ORDER = _classes(), _order()


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells that hold something, in the order of a sheet; rows and columns count from 0."""

    last: int
    """The last row that stands there, with or without cells."""
    rows: Places
    columns: Places
    kinds: NDArray[np.uint8]
    texts: pa.StringArray
    """What is written in each."""

    def width(self, first: int, count: int) -> int:
        """How many columns so many rows have."""
        begin, end = np.searchsorted(self.rows, (first, first + count))
        return int(self.columns[begin:end].max(initial=-1)) + 1

    def column(self, place: int, first: int, count: int) -> tuple[pa.StringArray, pa.UInt8Array]:
        """The texts and the kinds of so many rows of a column; null where there is nothing."""
        begin, end = np.searchsorted(self.rows, (first, first + count))
        here = begin + np.flatnonzero(self.columns[begin:end] == place)
        taken = np.full(count, -1)
        taken[self.rows[here] - first] = here
        chosen = pa.array(taken, mask=taken < 0)
        return self.texts.take(chosen), pa.array(self.kinds).take(chosen)

    def values(self, row: int) -> list[str | float | bool | None]:
        """What stands in a row, from its first column to the last that holds something."""
        begin, end = np.searchsorted(self.rows, (row, row + 1))
        found: list[str | float | bool | None] = [None] * (
            int(self.columns[end - 1]) + 1 if end > begin else 0
        )
        for place in range(begin, end):
            text, kind = self.texts[place].as_py(), self.kinds[place]
            found[self.columns[place]] = (
                text if kind == TEXT else text == "1" if kind == BOOLEAN else float(text)
            )
        return found


def read(xml: bytes, shared: Sequence[str]) -> Cells:
    """The cells of whole rows; `shared` are the texts that cells name by their number."""
    demand(b"\r" not in xml, "a sheet has an end of line that is none")
    data = np.frombuffer(xml + _PAD, np.uint8)
    opens, closes = (np.flatnonzero(data == ord(sign)) for sign in "<>")
    demand(
        len(opens) == len(closes) and bool((opens < closes).all() and (closes[:-1] < opens[1:]).all()),
        "a sheet is no XML",
    )
    kinds = _kinds(data, opens, closes)
    starts = (kinds == _ROW) | (kinds == _NO_ROW)
    numbers = _rows(data, opens[starts])
    # What is written stands behind the tag that opens a value or a text; one or two tags before, its cell began.
    text = np.flatnonzero((kinds == _VALUE) | (kinds == _TEXT) | (kinds == _SPACED))
    inline = kinds[text] != _VALUE
    owner = text - 1 - inline
    rows = numbers[np.cumsum(starts)[owner] - 1]
    columns, held = _addresses(data, opens[owner], closes[owner], rows)
    demand(bool(((held == TEXT) == inline).all()), "a cell holds something else than it says")
    demand(bool((np.diff(rows << 16 | columns) > 0).all()), "a cell stands there twice, or not in its order")
    texts = _texts(xml, closes[text] + 1, opens[text + 1])
    return Cells(
        int(numbers[-1]) - 1 if len(numbers) else -1, rows - 1, columns - 1, *_resolved(texts, held, shared)
    )


def plain(text: str) -> str:
    """A text as it was before it was written into a workbook, which writes control characters by their numbers."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)


def _kinds(data: NDArray[np.uint8], opens: Places, closes: Places) -> NDArray[np.uint8]:
    """The classes of all tags; raises where they are not those of rows of cells."""
    kinds = _CLASSES[data[opens + 1].astype(np.uint16) << 8 | data[opens + 2]]
    slashed = data[closes - 1] == ord("/")
    kinds[slashed & (kinds == _ROW)] = _NO_ROW
    kinds[slashed & (kinds == _CELL)] = _NO_CELL
    sizes = closes - opens - 1
    odd = kinds == _UNKNOWN
    for kind, size in _LENGTHS.items():
        odd |= (kinds == kind) & (sizes != size)
    if odd.any():
        place = int(np.argmax(odd))
        tag = data[opens[place] : closes[place] + 1].tobytes()[:40].decode(errors="replace")
        demand(False, f"a sheet has {tag}, which is no cell with a value, as a formula is none")
    whole = not len(kinds) or (kinds[0] in (_ROW, _NO_ROW) and kinds[-1] in (_ROW_END, _NO_ROW))
    demand(
        bool(whole and _ORDER[kinds[:-1], kinds[1:]].all()),
        "the tags of a sheet are not those of rows of cells",
    )
    between = opens[1:] - closes[:-1] > 1
    content = (kinds == _VALUE) | (kinds == _TEXT) | (kinds == _SPACED)
    demand(not (between & ~content[:-1]).any(), "a sheet has text outside its cells")
    return kinds  # type: ignore[no-any-return]


def _rows(data: NDArray[np.uint8], opens: Places) -> Places:
    """The numbers of rows, which grow."""
    demand(_reads(data, opens, b'<row r="'), "a row has no number")
    numbers, ends = _digits(data, opens + 8)
    demand(
        bool((data[ends] == ord('"')).all() and (np.diff(numbers) > 0).all()), "rows are not in their order"
    )
    return numbers


def _addresses(
    data: NDArray[np.uint8], opens: Places, closes: Places, rows: Places
) -> tuple[Places, NDArray[np.uint8]]:
    """Column, from 1, and kind of cells: `<c r="AB12" s="3" t="inlineStr">`."""
    demand(_reads(data, opens, b'<c r="'), "a cell has no address")
    at = opens + 6
    columns = np.zeros(len(at), np.int64)
    for _ in range(3):
        letter = data[at] - ord("A")
        inside = letter < 26
        columns = np.where(inside, columns * 26 + letter + 1, columns)
        at = at + inside
    numbers, at = _digits(data, at)
    demand(
        bool((columns > 0).all() and (numbers == rows).all() and (data[at] == ord('"')).all()),
        "a cell has another address than its row",
    )
    at = at + 1
    styled = (data[at + 1] == ord("s")) & (data[at + 2] == ord("="))
    ends = _digits(data, at + 4)[1] + 1
    at = np.where(styled, ends, at)
    left = closes - at
    held = np.full(len(at), NUMBER, np.uint8)
    for kind, text in ((BOOLEAN, b' t="b"'), (SHARED, b' t="s"'), (TEXT, b' t="inlineStr"')):
        here = np.flatnonzero((left == len(text)) & (data[at + 4] == text[4]))
        demand(_reads(data, at[here], text), "a cell has an unknown kind")
        held[here] = kind
        left[here] = 0
    demand(not left.any(), "a cell has an unknown kind")
    return columns, held


def _reads(data: NDArray[np.uint8], at: Places, text: bytes) -> bool:
    """Whether a text stands at all these places."""
    return all(bool((data[at + place] == sign).all()) for place, sign in enumerate(text))


def _digits(data: NDArray[np.uint8], at: Places) -> tuple[Places, Places]:
    """The whole numbers of up to seven digits that begin at places, and where they end."""
    numbers = np.zeros(len(at), np.int64)
    for _ in range(7):
        digit = data[at] - ord("0")
        inside = digit < 10
        if not inside.any():
            break
        numbers = np.where(inside, numbers * 10 + digit, numbers)
        at = at + inside
    return numbers, at


def _texts(xml: bytes, begins: Places, ends: Places) -> pa.StringArray:
    """What stands between places, without a copy of what stands around it: as every second text of one array."""
    offsets = np.stack((begins, ends), axis=1).ravel().astype(np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(xml)]
    whole = pa.BinaryArray.from_buffers(pa.binary(), max(0, len(offsets) - 1), buffers)
    texts = whole.take(pa.array(np.arange(0, len(offsets), 2))).cast(pa.string())
    if b"&" in xml:
        for written, sign in _ENTITIES:
            texts = pc.replace_substring(texts, written, sign)
    if b"_x" in xml and pc.any(pc.match_substring_regex(texts, _ESCAPE.pattern)).as_py():
        texts = pa.array([plain(text) for text in texts.to_pylist()], pa.string())
    return texts


def _resolved(
    texts: pa.StringArray, kinds: NDArray[np.uint8], shared: Sequence[str]
) -> tuple[NDArray[np.uint8], pa.StringArray]:
    """Texts instead of their numbers."""
    there = kinds == SHARED
    if not there.any():
        return kinds, texts
    found = [shared[int(text)] if named else text for text, named in zip(texts.to_pylist(), there)]
    return np.where(there, np.uint8(TEXT), kinds), pa.array(found, pa.string())
