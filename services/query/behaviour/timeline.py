"""What people did, one event after the other: the table of a bulk scan comes in, arrays go out to the module of each question.

A row is an event. Rows stand ordered by person, then time, then event id, so that what somebody did next is the row below, and
every question is a few passes over whole columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from services.kit.calendar import Span
from services.kit.instant import us_of
from services.query.fields import Field, Form, name_of

Rows = NDArray[np.int64]
Codes = NDArray[np.int32]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Texts:
    """A text for each row, told by its number. What is missing has the number of the empty text."""

    codes: Codes
    labels: pa.Array
    field: Field | None = None

    def label(self, code: int) -> str:
        """The text of a number, as people read it."""
        text = str(self.labels[code].as_py())
        if text and self.field and self.field.form is Form.NAMED:
            return name_of(int(text), self.field)
        return text

    def code(self, label: str) -> int:
        """The number of a text as `label` gives it; -1 where no row has it."""
        if self.field and self.field.form is Form.NAMED:
            known = {self.label(code): code for code in range(len(self.labels))}
            return known.get(label, -1)
        return int(pc.index(self.labels, pa.scalar(label, self.labels.type)).as_py())


class Timeline:
    """The rows of a scan."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table.unify_dictionaries().combine_chunks()
        self.at: Rows = self._whole("at").to_numpy()
        self.user, self.users = _coded(self._whole("user"))
        """Who, as a place in `users`; beyond them for events of nobody."""

    def __len__(self) -> int:
        return len(self.at)

    def flag(self, name: str) -> Flags:
        """Where a condition holds; everywhere when it was not asked for."""
        if name not in self._table.column_names:
            return np.ones(len(self), np.bool_)
        return self._whole(name).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]

    def texts(self, name: str, field: Field | None = None) -> Texts:
        """The texts of a column."""
        codes, labels = _coded(self._whole(name))
        empty = int(pc.index(labels, pa.scalar("", labels.type)).as_py())
        if empty < 0:
            return Texts(codes, pa.concat_arrays([labels, pa.array([""], labels.type)]), field)
        codes[codes == len(labels)] = empty
        return Texts(codes, labels, field)

    def within(self, span: Span) -> Flags:
        """Which rows lie in a span."""
        start, end = us_of(span.start), us_of(span.end)
        return (self.at >= start) & (self.at < end)  # type: ignore[no-any-return]

    def slots(self, edges: Sequence[datetime]) -> Codes:
        """In which of the periods between `edges` each row lies: -1 before the first, the last number beyond the end."""
        return (np.searchsorted(times(edges), self.at, side="right") - 1).astype(np.int32)

    def _whole(self, name: str) -> Any:
        column = self._table.column(name)
        return column.chunk(0) if column.num_chunks else pa.array([], column.type)


def times(instants: Sequence[datetime]) -> Rows:
    """Instants as microseconds since 1970."""
    return np.array([us_of(each) for each in instants], np.int64)


def begins(keys: NDArray[Any], *others: NDArray[Any]) -> Rows:
    """Where a run of equal values begins, in order."""
    changed = np.ones(len(keys), np.bool_)
    if len(keys):
        np.not_equal(keys[1:], keys[:-1], out=changed[1:])
        for each in others:
            changed[1:] |= each[1:] != each[:-1]
    return np.flatnonzero(changed)


def ends(heads: NDArray[Any], count: int) -> NDArray[Any]:
    """The last place of each run, of the places where they begin and how many places there are."""
    return np.append(heads, heads.dtype.type(count))[1:] - 1


def largest(counts: NDArray[Any], texts: Texts, top: int) -> Rows:
    """The numbers of the texts counted most, at most `top` of them, the largest first; of equals the first by alphabet."""
    seen = np.flatnonzero(counts)
    table = pa.table({"count": counts[seen], "label": texts.labels.take(pa.array(seen))})
    found = pc.select_k_unstable(
        table, min(top, len(seen)), [("count", "descending"), ("label", "ascending")]
    )
    return seen[found.to_numpy()]  # type: ignore[no-any-return]


def places(codes: NDArray[Any], shown: Rows, count: int) -> Codes:
    """For each of `codes`, which are below `count`, its place in `shown`; beyond them for all others."""
    place = np.full(count, len(shown), np.int32)
    place[shown] = np.arange(len(shown), dtype=np.int32)
    return place[codes]  # type: ignore[no-any-return]


def percent(share: float) -> str:
    """A share above 0, for people to read."""
    return f"{share * 100:.0f} %" if share >= 0.01 else "less than 1 %"


def _coded(column: pa.DictionaryArray) -> tuple[Codes, pa.Array]:
    """The numbers of a column of texts, and the texts; what is missing has the number behind the last."""
    labels = column.dictionary
    codes = column.indices.fill_null(len(labels)).to_numpy(zero_copy_only=False)
    return codes.astype(np.int32), labels
