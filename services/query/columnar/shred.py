"""Takes JSON documents apart: a column of what jsonb prints comes in, columns of its keys go out to `writer`.

Nothing is lost on the way: strings as they are, numbers as doubles only where the double gives back their very text. Documents
that are the same are read once. Most are read by a fast parser; those that hold a number which it would not give back are read
by a slow one that keeps the text of numbers.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from services.query.columnar.layout import FORMS, MOST_KEYS, Key, Marks, Shredded, column

_AWKWARD = r"\d[\d.]{15}|\.\d*0[,}\]]|0\.0000"
"""More than 15 digits, a zero at the end of a fraction, or so small that doubles are written with an exponent: in a document as
jsonb prints it. A string that looks the same costs nothing but time."""
_DICTIONARY = pa.dictionary(pa.int32(), pa.string())
_BARE = {True: "true", False: "false", None: "null"}
_BARE_KINDS = {bool, type(None)}
KINDS = {"s": pa.string(), "n": pa.float64(), "d": pa.string(), "r": pa.string()}
_EXACT = 10**15
_SURELY_HELD, _SURELY_FINITE = 15, 300
"""Characters of a number, without the zeros at its end, that a double always holds; characters of one that is not too large."""
_CONTAINERS = (dict, list)
_NONE = Marks()


class _Number(str):
    """A JSON number as it was written."""

    __slots__ = ()


_KEEPING_NUMBERS = json.JSONDecoder(parse_float=_Number, parse_int=_Number)
_SLICE = 1 << 13
"""Documents that are in memory, taken apart, at a time."""

Rows = NDArray[np.int64]
_Pieces = dict[tuple[int, str], list[tuple[Rows, list[Any]]]]
"""By number of the key and form: rows, and the values there."""


@dataclass(slots=True)
class _Known:
    """What is known of a key so far."""

    place: int
    count: int = 0
    forms: set[str] = field(default_factory=set)
    marks: Marks = _NONE


class Shredder:
    """Takes the documents of one column apart, piece by piece, into columns for `keys`.

    When none are given, the most frequent of the first documents have columns, and others that come later while there is room.
    """

    def __init__(self, of: str, keys: Sequence[str] | None = None) -> None:
        self._of = of
        self._known: dict[str, _Known] = {}
        self._rest: Marks | None = None
        self._open = keys is None
        for key in keys or ():
            self._known[key] = _Known(len(self._known))

    def shredded(self) -> Shredded:
        """What is known of all pieces."""
        keys = (
            Key(key, known.count, "".join(form for form in FORMS if form in known.forms), known.marks)
            for key, known in self._known.items()
        )
        return Shredded(tuple(keys), self._rest)

    def columns(self, texts: pa.ChunkedArray) -> dict[str, pa.Array]:
        """The columns of a piece, by their names in the file; what no value of it has is left out."""
        encoded = pa.chunked_array(texts.dictionary_encode().chunks, _DICTIONARY).unify_dictionaries()
        if not encoded.num_chunks:
            return {}
        documents = encoded.chunk(0).dictionary
        indices = pa.concat_arrays([chunk.indices for chunk in encoded.chunks])
        times = np.bincount(pc.drop_null(indices).to_numpy(), minlength=len(documents))
        pieces: _Pieces = {}
        for first in range(0, len(documents), _SLICE):
            self._take(documents.slice(first, _SLICE), first, times, pieces)
        return {
            column(self._of, place, form): _joined(parts, form, len(documents)).take(indices)
            for (place, form), parts in pieces.items()
        }

    def _take(self, documents: pa.Array, first: int, times: Rows, pieces: _Pieces) -> None:
        """Takes some documents apart. Those with the same keys go together: a column at a time, and not a value."""
        alike: dict[tuple[str, ...], tuple[list[int], list[Any]]] = {}
        for row, document in enumerate(_parsed(documents), first):
            rows, values = alike.setdefault(tuple(document), ([], []))
            rows.append(row)
            values.append(document.values())
        if self._open:
            self._choose({keys: int(times[rows].sum()) for keys, (rows, _) in alike.items()})
        for keys, (rows, values) in alike.items():
            here = np.array(rows)
            count = int(times[here].sum())
            for key, found in zip(keys, zip(*values)):
                self._put(key, here, found, count, pieces)

    def _choose(self, alike: Mapping[tuple[str, ...], int]) -> None:
        """Gives columns to the most frequent keys that have none, as far as there is room."""
        counts: Counter[str] = Counter()
        for keys, times in alike.items():
            counts.update({key: times for key in keys if key not in self._known})
        for key in sorted(counts, key=lambda key: (-counts[key], key))[: MOST_KEYS - len(self._known)]:
            self._known[key] = _Known(len(self._known))

    def _put(self, key: str, rows: Rows, values: Sequence[Any], count: int, pieces: _Pieces) -> None:
        known = self._known.get(key)
        if known is None:
            self._rest = self._rest or _NONE
            for value in values:
                if (marks := _marks(value, whole=True)) is not _NONE:
                    self._rest |= marks
            return
        known.count += count
        for form, at, stored in _stored(values):
            known.forms.add(form)
            pieces.setdefault((known.place, form), []).append((rows if at is None else rows[at], stored))
            if form in "dr" and at is not None:
                for each in at:
                    if (marks := _marks(values[each], whole=False)) is not _NONE:
                        known.marks |= marks


def _joined(parts: Sequence[tuple[Rows, list[Any]]], form: str, count: int) -> pa.Array:
    """The column of a form, of values that stand in some rows."""
    if len(parts) == 1 and len(parts[0][0]) == count:
        return pa.array(parts[0][1], KINDS[form])
    if form == "n":
        numbers, missing = np.zeros(count), np.ones(count, np.bool_)
        for rows, values in parts:
            numbers[rows], missing[rows] = values, False
        return pa.array(numbers, mask=missing)
    texts = np.full(count, None, object)
    for rows, values in parts:
        texts[rows] = values
    return pa.array(texts, KINDS[form])


def _parsed(documents: pa.Array) -> Iterable[dict[str, Any]]:
    awkward = pc.match_substring_regex(documents, _AWKWARD).to_pylist()
    for text, slowly in zip(documents.to_pylist(), awkward):
        yield _KEEPING_NUMBERS.decode(text) if slowly else orjson.loads(text)


def _stored(values: Sequence[Any]) -> Iterator[tuple[str, list[int] | None, list[Any]]]:
    """Values by their forms: which of them have it, None for all, and what stands in its column."""
    kinds = set(map(type, values))
    if kinds == {str}:
        yield "s", None, list(values)
    elif kinds <= {int, float}:
        yield "n", None, list(values)
    elif kinds <= _BARE_KINDS:
        yield "r", None, [_BARE[value] for value in values]
    else:
        found: dict[str, tuple[list[int], list[Any]]] = {}
        for i, value in enumerate(values):
            form, stored = _formed(value)
            places, texts = found.setdefault(form, ([], []))
            places.append(i)
            texts.append(stored)
        for form, (places, texts) in found.items():
            yield form, places, texts


def _formed(value: Any) -> tuple[str, Any]:
    """The form of a value, and what stands in the column of that form."""
    kind = type(value)
    if kind is str:
        return "s", value
    if kind is float or kind is int:
        return "n", float(value)
    if kind is _Number:
        number = float(value)
        return ("n", number) if _shown(number) == value else ("d", str(value))
    return "r", _BARE[value] if kind in _BARE_KINDS else _printed(value)


def _shown(number: float) -> str:
    """A double as `where` writes it."""
    if abs(number) < _EXACT and number == int(number):
        return str(int(number))
    return repr(number)


def _printed(value: Any) -> str:
    """A value as jsonb prints it."""
    match value:
        case _Number():
            return str(value)
        case dict():
            return "{" + ", ".join(f"{_quoted(key)}: {_printed(each)}" for key, each in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_printed, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def _quoted(key: str) -> str:
    return json.dumps(key, ensure_ascii=False)


def _marks(value: Any, *, whole: bool) -> Marks:
    """What is not exact of a value; `whole` where it will be read out of its document, and not out of a column of its own."""
    if isinstance(value, _Number):
        hard, odd = _hard(value), whole and not _faithful(value)
        return Marks(hard=hard, odd=odd) if hard or odd else _NONE
    if not isinstance(value, _CONTAINERS):
        return _NONE
    marks = Marks(deep=whole, nested=True)
    for each in value.values() if isinstance(value, dict) else value:
        marks |= _marks(each, whole=True)
    return marks


def _hard(text: str) -> bool:
    """Whether a number is none that a double is."""
    if len(text) < _SURELY_FINITE and len(text.rstrip("0")) <= _SURELY_HELD:
        return False
    number = float(text)
    return abs(number) == float("inf") or Decimal(text) != Decimal(repr(number))


def _faithful(text: str) -> bool:
    """Whether a reader of JSON writes a number as it stood: whole numbers always, others where a double gives them back."""
    return "." not in text or repr(float(text)) == text
