"""Features as numbers: Arrow tables come in from `source`, matrices go out to `training`, `predictor` and `drift`. Pure.

A matrix has a row for each person and point and a column for each feature. A number is itself, a category the place of its value
among those that were frequent in training, one more for any other value; what is missing is NaN, and stays a state of its own
wherever it goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Floats = NDArray[np.float64]
KEYS = ("user_id", "point", "outcome")
"""Columns of a table that are no features."""
MAX_LEVELS, LEAST_ROWS = 30, 10
"""How many values of a category are known, and how many rows one needs to be."""
LARGEST = 1e30
_NUMBER = r"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"


@dataclass(frozen=True, slots=True)
class Column:
    """A feature as it was in training."""

    name: str
    levels: tuple[str, ...] | None
    """Of a category, the values it knows, most frequent first; None for a number."""
    usual: float
    """Median of a number, most frequent level of a category; NaN where most are missing."""
    text: str = ""
    """What it is, in words."""

    @property
    def kind(self) -> str:
        """As the contract says it."""
        return "number" if self.levels is None else "category"

    def told(self, value: float) -> str:
        """A value of it, with what it is, as people read it."""
        if not np.isfinite(value):
            said = "none"
        elif self.levels is None:
            said = f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
        else:
            said = self.levels[int(value)] if int(value) < len(self.levels) else "another"
        return f"{self.text or self.name}: {said}"


@dataclass(frozen=True, slots=True)
class Rows:
    """What is known of people at points."""

    table: pa.Table
    """Its features by name."""
    users: pa.Array
    points: NDArray[np.int64]
    """Microseconds since 1970."""
    outcomes: Floats
    """1, 0, or NaN where it is unknown."""

    def __len__(self) -> int:
        return len(self.points)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> "Rows":
        """Some of them, by a mask or by their places."""
        places = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        indices = pa.array(places)
        return Rows(
            self.table.take(indices), self.users.take(indices), self.points[places], self.outcomes[places]
        )

    @property
    def people(self) -> NDArray[np.int64]:
        """A number for each row, the same for the same person."""
        codes: NDArray[np.int64] = self.users.dictionary_encode().indices.to_numpy().astype(np.int64)
        return codes


def rows(table: pa.Table) -> Rows:
    """The rows of a table of features."""
    users = pa.concat_arrays([_plain(chunk) for chunk in table["user_id"].chunks]) if table.num_rows else None
    outcomes = np.full(table.num_rows, np.nan)
    if "outcome" in table.column_names:
        outcomes = _numbers(table["outcome"])
    return Rows(
        table.drop_columns([name for name in KEYS if name in table.column_names]),
        pa.array([], pa.string()) if users is None else users,
        table["point"].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy(),
        outcomes,
    )


def columns(table: pa.Table) -> tuple[Column, ...]:
    """The features of a table that differ at all, as they are known from now on."""
    found = (_column(field, table[field.name]) for field in table.schema)
    return tuple(each for each in found if each is not None)


def coded(table: pa.Table, known: Sequence[Column]) -> Floats:
    """The matrix of a table; columns that it has not are missing in every row."""
    matrix = np.full((table.num_rows, len(known)), np.nan, order="F")
    for i, column in enumerate(known):
        if column.name not in table.column_names:
            continue
        values = table[column.name]
        if column.levels is None:
            matrix[:, i] = _numbers(values if _is_number(values.type) else _read(values))
        else:
            texts = _texts(values)
            codes = pc.index_in(texts, value_set=pa.array(column.levels, pa.string()))
            place = pc.if_else(pc.is_valid(texts), pc.fill_null(codes, len(column.levels)), None)
            matrix[:, i] = _numbers(place)
    return matrix


def _column(field: pa.Field, values: pa.ChunkedArray) -> Column | None:
    name, text = field.name, (field.metadata or {}).get(b"text", b"").decode()
    if _is_number(values.type):
        numbers = _numbers(values)
        seen = numbers[np.isfinite(numbers)]
        if not len(seen) or (len(seen) == len(numbers) and (seen == seen[0]).all()):
            return None
        usual = float(np.median(seen)) if 2 * len(seen) >= len(numbers) else np.nan
        return Column(name, None, usual, text)
    texts = _texts(values)
    counts = pc.value_counts(texts.drop_null()).to_pylist() if len(texts) else []
    counts.sort(key=lambda each: (-each["counts"], each["values"]))
    if not counts or (len(counts) == 1 and counts[0]["counts"] == len(texts)):
        return None
    levels = tuple(each["values"] for each in counts[:MAX_LEVELS] if each["counts"] >= LEAST_ROWS)
    if not levels:
        return None
    missing = len(texts) - sum(each["counts"] for each in counts)
    return Column(name, levels, 0.0 if counts[0]["counts"] >= missing else np.nan, text)


def _is_number(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_null(kind)
    )


def _numbers(values: pa.ChunkedArray | pa.Array) -> Floats:
    """Doubles, NaN where there is none or an infinite one; what is beyond all measure is cut."""
    found = np.array(pc.cast(values, pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
    found[~np.isfinite(found)] = np.nan
    return np.clip(found, -LARGEST, LARGEST)


def _texts(values: pa.ChunkedArray) -> pa.Array:
    """Texts; a number as it was written before a table took the whole column for numbers."""
    if _is_number(values.type):
        texts = ["" if each is None else f"{float(each):.15g}" for each in values.to_pylist()]
        return pc.if_else(pa.array([bool(each) for each in texts]), pa.array(texts, pa.string()), None)
    parts = [_plain(chunk) for chunk in values.chunks]
    return pa.concat_arrays(parts) if parts else pa.array([], pa.string())


def _read(values: pa.ChunkedArray) -> pa.Array:
    """The numbers among texts: one text is enough to make texts of a whole column."""
    texts = _texts(values)
    return pc.if_else(pc.match_substring_regex(texts, _NUMBER), texts, None).cast(pa.float64())


def _plain(chunk: pa.Array) -> pa.Array:
    decoded = chunk.dictionary_decode() if pa.types.is_dictionary(chunk.type) else chunk
    return decoded.cast(pa.string())
