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

Integers = NDArray[np.int64]
TEXTS = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one place."""

    users: pa.Array
    """Different users; where the rows are in order, so are they."""
    codes: NDArray[np.int32]
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
    """The users in order; a row without one has the number behind the last."""
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


def part(table: pa.Table, scan: Scan, *, ordered: bool) -> Part:
    """A part of rows of user, instant and the columns of the scan; of rows in order, without those that its cuts make needless.
    Nothing of the table is kept, which would keep all of it."""
    users = table.column(0)
    codes, different = _runs(users) if ordered else _codes(users)
    at = table.column(1)
    if not pa.types.is_int64(at.type):
        at = at.cast(pa.int64())
    instants = np.array(at.to_numpy())
    columns = [table.column(i + 2) for i in range(len(scan.columns))]
    if ordered and scan.cuts:
        needed = _needed(codes, instants, columns, scan)
        codes, instants = codes[needed], instants[needed]
        columns = [each.take(pa.array(needed)) for each in columns]
    return Part(different, codes, instants, tuple(map(_column, columns, scan.columns)), ordered)


def concatenated(parts: Sequence[Part]) -> Part:
    """Parts of one place, in its order, as one."""
    if len(parts) == 1:
        return parts[0]
    ordered = parts[0].ordered
    users, codes = _continued(parts) if ordered else _unified(parts)
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
    if not same.any():
        return Order(users, numbers, numbering, places, None)
    # What stands in one part that is ordered stays as it is.
    part_of = np.repeat(np.arange(len(sizes)), sizes)[places]
    loose = ~np.array(ordered)
    # A group of equals of which two neighbours are disputed is disputed as a whole.
    group = np.cumsum(np.concatenate(([True], ~same)))
    wanted = np.unique(group[1:][same & ((part_of[:-1] != part_of[1:]) | loose[part_of[:-1]])])
    disputed = np.isin(group, wanted)
    return Order(users, numbers, numbering, places, disputed if disputed.any() else None)


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
        whole = _by_one_dictionary(column) if kind == TEXTS else _one(column)
        found.append(whole if order.places is None else whole.take(pa.array(order.places)))
    return pa.table(found, names=["user", "at", *(each.name for each in scan.columns)])


def _numbered(parts: list[Part]) -> tuple[pa.Array, Integers, Numbering]:
    """The users of all parts, in order, and the numbers of their rows, one part after the other."""
    users, known = _ranked([each.users for each in parts])
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


def _continued(parts: Sequence[Part]) -> tuple[pa.Array, NDArray[np.int32]]:
    """The same of parts in order: only the first user of each can be the last of the one before."""
    users: list[pa.Array] = []
    codes = []
    count, last = 0, None
    for each in parts:
        again = len(each.users) > 0 and each.users[0].as_py() == last
        codes.append(np.where(each.codes < 0, np.int32(-1), each.codes + np.int32(count - again)))
        if len(each.users):
            users.append(each.users[int(again) :])
            count, last = count + len(users[-1]), each.users[-1].as_py()
    return _one(pa.chunked_array(users, pa.string())), np.concatenate(codes)


def _needed(
    codes: NDArray[np.int32], at: Integers, columns: Sequence[pa.ChunkedArray], scan: Scan
) -> Integers:
    """Of rows in order, those that the cuts of a scan leave."""
    slots = np.searchsorted(np.array([us_of(cut) for cut in scan.cuts]), at, side="right")
    begun = np.concatenate(([True], (codes[1:] != codes[:-1]) | (slots[1:] != slots[:-1])))
    told = np.cumsum(begun | (slots == len(scan.cuts)))
    for column, each in zip(columns, scan.columns):
        if isinstance(each, Flag):
            told = told * 2 + column.to_numpy()
    return np.sort(np.unique(told, return_index=True)[1])


def _runs(users: pa.ChunkedArray) -> tuple[NDArray[np.int32], pa.Array]:
    """Codes and users of rows that are in order: neighbours are compared, nothing is hashed."""
    encoded = pc.run_end_encode(_one(users))
    ends, values = np.asarray(encoded.run_ends), encoded.values
    codes = np.repeat(np.arange(len(ends), dtype=np.int32), np.diff(ends, prepend=0))
    if values.null_count:
        # Rows without a user stand last.
        values = values.slice(0, len(values) - 1)
        codes[codes == len(values)] = -1
    return codes, values


def _codes(users: pa.ChunkedArray) -> tuple[NDArray[np.int32], pa.Array]:
    encoded = _one(users).dictionary_encode()
    return pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(
        np.int32
    ), encoded.dictionary


def _one(values: pa.ChunkedArray) -> pa.Array:
    """All chunks as one."""
    if values.num_chunks == 1:
        return values.chunk(0)
    return pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)


def _by_one_dictionary(texts: pa.ChunkedArray) -> pa.DictionaryArray:
    """All chunks as one. Arrow's `unify_dictionaries` takes three times as long where nearly all texts differ, as ids of sessions do."""
    known = pa.chunked_array([chunk.dictionary for chunk in texts.chunks], pa.string()).dictionary_encode()
    labels = known.chunk(0).dictionary if known.num_chunks else pa.array([], pa.string())
    numbers = np.concatenate([*(chunk.indices.to_numpy() for chunk in known.chunks), np.empty(0, np.int32)])
    codes, first = [np.empty(0, np.int32)], 0
    for chunk in texts.chunks:
        behind = first + len(chunk.dictionary)
        # -1, a row without a text, takes the last entry.
        places = pc.fill_null(chunk.indices, -1).to_numpy()
        codes.append(np.append(numbers[first:behind], np.int32(-1))[places])
        first = behind
    found = np.concatenate(codes)
    return pa.DictionaryArray.from_arrays(pa.array(found, mask=found < 0), labels)


def _column(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    if isinstance(column, Flag):
        return pa.chunked_array(
            [pa.array(chunk.to_numpy(zero_copy_only=False)) for chunk in values.chunks], pa.bool_()
        )
    return values.dictionary_encode().cast(TEXTS)
