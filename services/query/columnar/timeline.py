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

from services.kit.instant import us_of
from services.query.columnar.scan import Column, Flag, Scan
from services.query.columnar.spine import Spine
from services.query.columnar.texts import TEXTS, encoded, united

Codes = NDArray[np.int32]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one place."""

    users: pa.Array
    """Different users, also such as have no row; where the rows are in order, so are they."""
    codes: Codes
    """Of each row: the place of its user in `users`, -1 for none."""
    at: Integers
    columns: tuple[pa.ChunkedArray, ...]
    ordered: bool
    """Whether the rows stand in order already, ids included."""


@dataclass(frozen=True, slots=True)
class Numbering:
    """How user and time become one number, which sorts several times faster than two."""

    width: int
    """How many numbers a user has."""
    least: int
    instants: Integers | None
    """The different instants, where they lie too far apart to be counted from the least."""

    def at(self, numbers: Integers, out: Integers | None = None) -> Integers:
        """The instants of some rows; in place of their numbers, where told so."""
        found = np.remainder(numbers, self.width, out=out)
        if self.instants is not None:
            return self.instants[found]
        found += self.least
        return found


@dataclass(frozen=True, slots=True)
class Order:
    """How the rows of all parts stand in order."""

    users: pa.Array
    """The users of all rows, in order; a row without one has the number behind the last."""
    numbers: Integers
    """Of the rows, in order."""
    numbering: Numbering
    places: Integers | None
    """Which row of all parts, one after the other, stands at each place; None where all stand as they are."""
    disputed: NDArray[np.bool_] | None
    """Of each place: whether only the ids decide between its row and a neighbour's; None where none is."""

    def rows(self) -> Integers:
        """The disputed rows."""
        if self.disputed is None or self.places is None:
            return np.empty(0, np.int64)
        return self.places[self.disputed]

    def instants(self) -> Integers:
        """When the disputed rows happened."""
        return np.unique(self.numbering.at(self.numbers[self.disputed]))

    def rows_at(self, instants: Integers) -> Integers:
        """All rows of some instants."""
        assert self.places is not None
        return np.sort(self.places[np.isin(self.numbering.at(self.numbers), instants)])


def part(spine: Spine, codes: Codes, rows: Integers, columns: Sequence[pa.ChunkedArray], scan: Scan) -> Part:
    """A part of some rows of a segment, in order, with the columns of the scan, without those rows that its cuts make needless. `codes` are
    those of the spine."""
    whose, at = codes[rows], spine.at[rows]
    if scan.cuts:
        needed = _needed(whose, at, columns, scan)
        whose, at = whose[needed], at[needed]
        columns = [each.take(pa.array(needed)) for each in columns]
    return Part(spine.users, whose, at, tuple(map(_column, columns, scan.columns)), ordered=True)


def loose(table: pa.Table, scan: Scan) -> Part:
    """A part of rows in any order, of user, instant and the columns of the scan. Nothing of the table is kept, which would keep all of it."""
    users, at = _one(table.column(0)).dictionary_encode(), table.column(1)
    codes = pc.fill_null(users.indices, -1).to_numpy().astype(np.int32)
    at = np.array(at.cast(pa.int64()).to_numpy())
    columns = [table.column(i + 2) for i in range(len(scan.columns))]
    return Part(users.dictionary, codes, at, tuple(map(_column, columns, scan.columns)), ordered=False)


def concatenated(parts: Sequence[Part]) -> Part:
    """Parts of one place, in its order, as one. Those of a segment have its users."""
    if len(parts) == 1:
        return parts[0]
    ordered = parts[0].ordered
    users, codes = (
        (parts[0].users, np.concatenate([each.codes for each in parts])) if ordered else _unified(parts)
    )
    columns = tuple(
        pa.chunked_array([chunk for each in column for chunk in each.chunks], column[0].type)
        for column in zip(*(each.columns for each in parts))
    )
    return Part(users, codes, np.concatenate([each.at for each in parts]), columns, ordered)


def order(parts: list[Part], settled_from: int | None = None) -> Order:
    """The order of the rows of all parts by user and time, and from an instant on by id, if one is given; else everywhere.

    Takes the parts out of their list: they are as large as the result.
    """
    sizes = [len(each.at) for each in parts]
    ordered = [each.ordered for each in parts]
    users, numbers, numbering = _numbered(parts)
    if len(sizes) <= 1 and all(ordered):
        return Order(users, numbers, numbering, None, None)
    places = np.argsort(numbers, kind="stable")
    numbers = numbers[places]
    same = numbers[1:] == numbers[:-1]
    if settled_from is not None:
        equal = np.flatnonzero(same)
        same[equal[numbering.at(numbers[equal]) < settled_from]] = False
    return Order(users, numbers, numbering, places, _disputed(places, np.flatnonzero(same), sizes, ordered))


def settled(order: Order, ids: Mapping[int, str]) -> Order:
    """The order with the disputed rows put in that of their ids."""
    assert order.places is not None
    assert order.disputed is not None
    at, rows = np.flatnonzero(order.disputed), order.rows()
    keys = [(number, ids[row]) for number, row in zip(order.numbers[at].tolist(), rows.tolist())]
    places = order.places.copy()
    places[at] = rows[sorted(range(len(rows)), key=keys.__getitem__)]
    return Order(order.users, order.numbers, order.numbering, places, None)


def table(order: Order, columns: Sequence[tuple[pa.ChunkedArray, ...]], scan: Scan) -> pa.Table:
    """The table that a scan asks for, of the columns of each part. The numbers of the order become its instants."""
    codes = np.empty(len(order.numbers), np.int32)
    np.floor_divide(order.numbers, order.numbering.width, out=codes, casting="unsafe")
    users = pa.array(codes, pa.int32(), mask=codes >= len(order.users))
    del codes
    at = order.numbering.at(order.numbers, order.numbers)
    found: list[pa.Array] = [pa.DictionaryArray.from_arrays(users, order.users), pa.array(at)]
    for i, each in enumerate(scan.columns):
        kind = pa.bool_() if isinstance(each, Flag) else TEXTS
        column = pa.chunked_array([chunk for one in columns for chunk in one[i].chunks], kind)
        whole = united(column) if kind == TEXTS else _one(column)
        found.append(whole if order.places is None else whole.take(pa.array(order.places)))
    return pa.table(found, names=["user", "at", *(each.name for each in scan.columns)])


def _disputed(
    places: Integers, pairs: Integers, sizes: Sequence[int], ordered: Sequence[bool]
) -> NDArray[np.bool_] | None:
    """Of each place: whether only ids decide about its row; of `pairs`, the places whose rows are equal to the next."""
    bounds, loose = np.cumsum(sizes), ~np.array(ordered)
    part, next_part = (np.searchsorted(bounds, places[each], side="right") for each in (pairs, pairs + 1))
    # What stands in one part that is ordered stays as it is.
    open_ = (part != next_part) | loose[part]
    if not open_.any():
        return None
    # A group of equals of which two neighbours are disputed is disputed as a whole.
    group = np.cumsum(np.diff(pairs, prepend=pairs[0]) > 1)
    among = pairs[np.isin(group, group[open_])]
    disputed = np.zeros(len(places), np.bool_)
    disputed[among] = disputed[among + 1] = True
    return disputed


def _numbered(parts: list[Part]) -> tuple[pa.Array, Integers, Numbering]:
    """The users of all parts, in order, and the numbers of their rows, one part after the other."""
    users, known = _present(parts, *_ranked([each.users for each in parts]))
    bounds = [bound for each in parts if len(each.at) for bound in (int(each.at.min()), int(each.at.max()))]
    least, most = min(bounds, default=0), max(bounds, default=0)
    width, instants = most - least + 1, None
    if width * (len(users) + 1) >= 1 << 63:
        instants = np.unique(np.concatenate([each.at for each in parts]))
        width = len(instants)
    numbers = np.empty(sum(len(each.at) for each in parts), np.int64)
    first = 0
    while parts:
        each = parts.pop(0)
        here = numbers[first : first + len(each.at)]
        # -1, a row without a user, takes the last entry.
        np.take(np.append(known.pop(0), len(users)) * width, each.codes, out=here, mode="wrap")
        here += each.at if instants is None else np.searchsorted(instants, each.at)
        first += len(each.at)
    if instants is None:
        numbers -= least
    return users, numbers, Numbering(width, least, instants)


def _present(
    parts: Sequence[Part], users: pa.Array, known: Sequence[Integers]
) -> tuple[pa.Array, list[Integers]]:
    """The users who have a row, and for those of each part their places among them; of others, any."""
    there = np.zeros(len(users), np.bool_)
    for each, ranks in zip(parts, known):
        # -1, a row without a user, takes the last entry.
        seen = np.zeros(len(each.users) + 1, np.bool_)
        seen[each.codes] = True
        there[ranks[seen[:-1]]] = True
    places = np.cumsum(there) - 1
    return users.filter(pa.array(there)), [places[ranks] for ranks in known]


def _ranked(texts: Sequence[pa.Array]) -> tuple[pa.Array, list[Integers]]:
    """The different texts of all, in order, and for each of those given its place among them."""
    encoded = pa.chunked_array(texts, pa.string()).dictionary_encode()
    # All chunks have one dictionary; empty ones are left out.
    different = encoded.chunk(0).dictionary if encoded.num_chunks else pa.array([], pa.string())
    order = pc.sort_indices(different)
    rank = np.empty(len(order), np.int64)
    rank[order.to_numpy()] = np.arange(len(order))
    places = [rank[chunk.indices.to_numpy()] for chunk in encoded.chunks]
    return different.take(order), np.split(
        np.concatenate([*places, rank[:0]]), np.cumsum([len(each) for each in texts])[:-1]
    )


def _unified(parts: Sequence[Part]) -> tuple[pa.Array, NDArray[np.int32]]:
    """The users of parts in any order, and the codes of all rows."""
    users = pc.unique(pa.chunked_array([each.users for each in parts], pa.string()))
    codes = []
    for each in parts:
        known = pc.index_in(each.users, users).to_numpy(zero_copy_only=False).astype(np.int32)
        codes.append(np.append(known, np.int32(-1))[each.codes])
    return users, np.concatenate(codes)


def _needed(
    codes: NDArray[np.int32], at: Integers, columns: Sequence[pa.ChunkedArray], scan: Scan
) -> Integers:
    """Of rows in order, those that the cuts of a scan leave."""
    slots = np.searchsorted(np.array([us_of(cut) for cut in scan.cuts]), at, side="right")
    begun = slots == len(scan.cuts)
    begun[:1] = True
    begun[1:] |= (codes[1:] != codes[:-1]) | (slots[1:] != slots[:-1])
    flags = [column.to_numpy() for column, each in zip(columns, scan.columns) if isinstance(each, Flag)]
    if not flags:
        return np.flatnonzero(begun)
    told = np.cumsum(begun)
    for flag in flags:
        told = told * 2 + flag
    return np.sort(np.unique(told, return_index=True)[1])


def _one(values: pa.ChunkedArray) -> pa.Array:
    """All chunks as one."""
    if values.num_chunks == 1:
        return values.chunk(0)
    return pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)


def _column(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    if isinstance(column, Flag):
        return pa.chunked_array(
            [pa.array(chunk.to_numpy(zero_copy_only=False)) for chunk in values.chunks], pa.bool_()
        )
    return encoded(values)
