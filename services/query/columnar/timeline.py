"""Puts rows of several places into one order: parts come in from `source`, the table that a scan asks for goes out to it.

A segment gives its rows ordered by user, time and event id; rows of the tail come as they lie. Ids are wide and decide only
between events of one user in one instant, so that of segments they are read for such instants alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from services.query.columnar.scan import Flag, Scan

Integers = NDArray[np.int64]
TEXTS = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one place."""

    users: pa.Array
    """Different users, in any order."""
    codes: NDArray[np.int32]
    """Of each row: the place of its user in `users`, -1 for none."""
    at: Integers
    columns: tuple[pa.ChunkedArray, ...]
    ordered: bool
    """Whether the rows stand in order already, ids included."""


@dataclass(frozen=True, slots=True)
class Order:
    """How the rows of all parts stand in order."""

    users: pa.Array
    codes: NDArray[np.int32]
    """Of each row, one part after the other: its user; those without stand last."""
    at: Integers
    places: Integers | None
    """Which row stands at each place of the result; None where all stand as they are."""
    disputed: NDArray[np.bool_] | None
    """Of each place: whether only the ids decide between its row and a neighbour's; None where none is."""

    def rows(self) -> Integers:
        """The numbers of the disputed rows."""
        if self.disputed is None or self.places is None:
            return np.empty(0, np.int64)
        return self.places[self.disputed]

    def instants(self) -> Integers:
        """When the disputed rows happened."""
        return np.unique(self.at[self.rows()])


def part(table: pa.Table, scan: Scan, *, ordered: bool) -> Part:
    """A part of rows of user, instant and the columns of the scan."""
    users = table.column(0)
    codes, different = _runs(users) if ordered else _codes(users)
    at = table.column(1)
    if not pa.types.is_int64(at.type):
        at = at.cast(pa.int64())
    return Part(
        different,
        codes,
        at.to_numpy(),
        tuple(_column(table.column(i + 2), each) for i, each in enumerate(scan.columns)),
        ordered,
    )


def concatenated(parts: Sequence[Part]) -> Part:
    """Parts of one place, in its order, as one."""
    if len(parts) == 1:
        return parts[0]
    users, codes = _unified(parts)
    columns = tuple(
        pa.chunked_array([chunk for each in column for chunk in each.chunks], column[0].type)
        for column in zip(*(each.columns for each in parts))
    )
    return Part(users, codes, np.concatenate([each.at for each in parts]), columns, parts[0].ordered)


def order(parts: Sequence[Part]) -> Order:
    """The order of the rows of all parts by user and time."""
    users, codes = _unified(parts, ranked=True)
    at = np.concatenate([each.at for each in parts]) if parts else np.empty(0, np.int64)
    if len(parts) == 1 and parts[0].ordered:
        return Order(users, codes, at, None, None)
    key = _key(codes, at, len(users))
    places = np.argsort(key, kind="stable") if key is not None else np.lexsort((at, codes))
    same = (
        np.diff(key[places]) == 0
        if key is not None
        else (np.diff(codes[places]) == 0) & (np.diff(at[places]) == 0)
    )
    if same.any():
        # What stands in one part that is ordered stays as it is.
        part_of = np.repeat(np.arange(len(parts)), [len(each.at) for each in parts])
        loose = np.array([not each.ordered for each in parts])
        left, right = part_of[places[:-1]], part_of[places[1:]]
        # A group of equals of which two neighbours are disputed is disputed as a whole.
        group = np.cumsum(np.concatenate(([True], ~same)))
        wanted = np.unique(group[1:][same & ((left != right) | loose[left])])
        disputed = np.isin(group, wanted)
        if disputed.any():
            return Order(users, codes, at, places, disputed)
    return Order(users, codes, at, places, None)


def settled(order: Order, ids: Mapping[int, str]) -> Order:
    """The order with the disputed rows, by their numbers, put in that of their ids."""
    assert order.places is not None
    assert order.disputed is not None
    at, rows = np.flatnonzero(order.disputed), order.rows()
    keys = [(order.codes[row], order.at[row], ids[row]) for row in rows.tolist()]
    places = order.places.copy()
    places[at] = rows[sorted(range(len(rows)), key=keys.__getitem__)]
    return Order(order.users, order.codes, order.at, places, None)


def table(order: Order, parts: Sequence[Part], scan: Scan) -> pa.Table:
    """The table that a scan asks for."""
    codes, at = order.codes, order.at
    if order.places is not None:
        codes, at = codes[order.places], at[order.places]
    indices = pa.array(codes, pa.int32(), mask=codes >= len(order.users))
    columns: list[pa.Array] = [pa.DictionaryArray.from_arrays(indices, order.users), pa.array(at)]
    for i, each in enumerate(scan.columns):
        kind = pa.bool_() if isinstance(each, Flag) else TEXTS
        found = pa.chunked_array([chunk for one in parts for chunk in one.columns[i].chunks], kind)
        if kind == TEXTS:
            found = found.unify_dictionaries()
        whole = found.combine_chunks()
        if isinstance(whole, pa.ChunkedArray):
            whole = pa.array([], kind) if not whole.num_chunks else whole.chunk(0)
        columns.append(whole if order.places is None else whole.take(pa.array(order.places)))
    return pa.table(columns, names=["user", "at", *(each.name for each in scan.columns)])


def _unified(parts: Sequence[Part], *, ranked: bool = False) -> tuple[pa.Array, NDArray[np.int32]]:
    """The users of all parts, in the order of their ids if `ranked`, and the code of every row; those without come last."""
    if not parts:
        return pa.array([], pa.string()), np.empty(0, np.int32)
    users = pc.unique(pa.chunked_array([each.users for each in parts], pa.string()))
    if ranked:
        users = users.take(pc.sort_indices(users))
    none = len(users)
    codes = []
    for each in parts:
        known = pc.index_in(each.users, users).to_numpy(zero_copy_only=False).astype(np.int32)
        # -1, a row without a user, takes the last entry.
        codes.append(np.append(known, np.int32(none if ranked else -1))[each.codes])
    return users, np.concatenate(codes)


def _key(codes: NDArray[np.int32], at: Integers, users: int) -> Integers | None:
    """User and time as one number, which sorts several times faster; None where it has too many digits."""
    if not len(at):
        return at
    least, most = int(at.min()), int(at.max())
    if (most - least + 1) * (users + 1) >= 1 << 63:
        return None
    key = codes.astype(np.int64)
    key *= most - least + 1
    key += at
    key -= least
    return key


def _runs(users: pa.ChunkedArray) -> tuple[NDArray[np.int32], pa.Array]:
    """Codes and users of rows that are ordered by user: neighbours are compared, nothing is hashed."""
    values, codes, count = [], [], 0
    for chunk in users.chunks:
        encoded = pc.run_end_encode(chunk)
        ends = np.asarray(encoded.run_ends)
        codes.append(np.repeat(np.arange(count, count + len(ends), dtype=np.int32), np.diff(ends, prepend=0)))
        values.append(encoded.values)
        count += len(ends)
    if not count:
        return np.empty(0, np.int32), pa.array([], pa.string())
    # A run without a user, and one that goes on in the next chunk.
    different = pa.chunked_array(values).combine_chunks()
    unique = pc.unique(different.drop_null())
    of = pc.fill_null(pc.index_in(different, unique), -1).to_numpy(zero_copy_only=False)
    return of.astype(np.int32)[np.concatenate(codes)], unique


def _codes(users: pa.ChunkedArray) -> tuple[NDArray[np.int32], pa.Array]:
    encoded = users.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    return codes.astype(np.int32), encoded.dictionary


def _column(values: pa.ChunkedArray, column: object) -> pa.ChunkedArray:
    if isinstance(column, Flag):
        return values
    return values.dictionary_encode().cast(TEXTS)
