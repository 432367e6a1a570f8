"""Fields of events as windows read them: rows come in, a value for each row goes out to `fold`. Pure.

A key's value is a text: a string as it is, a whole number without a fraction, other JSON as it is written; a missing one is empty.
Numbers are those of JSON; one beyond 1e300 is missing, one within 1e-300 of 0 is 0. UNIQUES tells values of different types apart.
"""

import math
from decimal import Decimal
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from services.ingest.rules.exact import Number, dumps
from services.ingest.rules.expression import Expression
from services.ingest.rules.path import Path
from services.ingest.rules.table import Table
from services.kit.window import MAX_KEY

_LARGEST, _SMALLEST = 1e300, 1e-300
_OTHER = "\0"
"""Begins what is no string: no string of an event holds it."""


class Columns:
    """The fields of some events; what several windows ask for is read once."""

    def __init__(self, rows: pa.RecordBatch) -> None:
        self.rows = rows
        self._table = Table(rows)
        self._texts: dict[str, tuple[NDArray[np.int64], list[str]]] = {}
        self._numbers: dict[str, NDArray[np.float64]] = {}
        self._items: dict[str, NDArray[np.object_]] = {}

    def true(self, expression: Expression, among: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of some rows of which an expression is true; where it fails it is not."""
        found = expression.true(self._table, among.tolist())
        self._table.failed.clear()
        return np.array(found, np.int64)

    def texts(self, path: Path) -> tuple[NDArray[np.int64], list[str]]:
        """The number of each row's text, shape (rows,), and the texts."""
        if path.text not in self._texts:
            texts: dict[str, int] = {}
            codes = [texts.setdefault(text(value), len(texts)) for value in self._values(path)]
            self._texts[path.text] = np.array(codes, np.int64), list(texts)
        return self._texts[path.text]

    def numbers(self, path: Path) -> NDArray[np.float64]:
        """The numbers of a field, shape (rows,); NaN where there is none."""
        if path.text not in self._numbers:
            self._numbers[path.text] = np.array([number(value) for value in self._values(path)], np.float64)
        return self._numbers[path.text]

    def items(self, path: Path) -> NDArray[np.object_]:
        """The values of a field as texts that differ where they do, shape (rows,); None where there is none."""
        if path.text not in self._items:
            self._items[path.text] = np.array([item(value) for value in self._values(path)], object)
        return self._items[path.text]

    def _values(self, path: Path) -> list[Any]:
        return self._table.values(path, range(self.rows.num_rows))


def text(value: Any) -> str:
    """What a key is told by."""
    if value is None:
        return ""
    return (value if type(value) is str else _written(value))[:MAX_KEY]


def number(value: Any) -> float:
    """The number that is aggregated; NaN for what is none."""
    if type(value) is not int and not isinstance(value, float):
        return math.nan
    found = float(value)
    if abs(found) >= _LARGEST:
        return math.nan
    return found if abs(found) > _SMALLEST else 0.0


def item(value: Any) -> str | None:
    """What UNIQUES tells apart."""
    if value is None or type(value) is str:
        return value
    return _OTHER + _written(value)


def _written(value: Any) -> str:
    # Numbers are written so that what the database makes of them reads the same, and a recount finds the same key.
    if isinstance(value, Number):
        digits = format(Decimal(value.text), "f")
        return digits.rstrip("0").rstrip(".") if "." in digits else digits
    if type(value) is float and value.is_integer():
        return str(int(value))
    if type(value) is dict or type(value) is list:
        return orjson.dumps(orjson.loads(dumps(value)), option=orjson.OPT_SORT_KEYS).decode()
    return dumps(value).decode()
