"""Folds a microbatch into buckets of a minute, an hour and a day: `microbatch` brings rows, `store` writes what comes out.

A bucket belongs to one partition and so to one writer at a time, which therefore keeps the buckets it is filling in memory and
writes their whole new state. Pure: the state is an argument's own, nothing here reads a database.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasketches import hll_sketch, kll_doubles_sketch
from numpy.typing import NDArray

from services.ingest.microbatch import MINUTE_US, Batch, Rows
from services.kit import sketch

EVENTS, METRICS = 1, 2
WIDTHS_US = {"1m": MINUTE_US, "1h": 60 * MINUTE_US, "1d": 1440 * MINUTE_US}
MAX_BUCKETS = 30_000
"""Buckets a writer keeps in memory; the longest untouched go first."""


class Key(NamedTuple):
    """One row of a rollup table."""

    width: str
    project_id: int
    source: int
    type: int
    name: str
    bucket_us: int
    partition: int


class Delta(NamedTuple):
    """What one minute gains: `key` has width `1m`, and either `users` or `values` is given."""

    key: Key
    rows: int
    users: Sequence[str]
    values: NDArray[np.float64] | None


@dataclass(slots=True)
class Bucket:
    """The state of one row."""

    count: int = 0
    sum: float | None = None
    min: float | None = None
    max: float | None = None
    uniques: hll_sketch | None = None
    quantiles: kll_doubles_sketch | None = None

    def add(self, delta: Delta) -> None:
        """Counts what `delta` brings."""
        self.count += delta.rows
        if delta.users:
            if self.uniques is None:
                self.uniques = sketch.uniques(())
            update = self.uniques.update
            for user in delta.users:
                update(user)
        values = delta.values
        if values is not None and self.sum is None:
            self.sum, self.min, self.max = 0.0, float("inf"), float("-inf")
            self.quantiles = sketch.quantiles(np.empty(0))
        if values is not None and self.quantiles is not None:
            self.sum = (self.sum or 0.0) + float(values.sum())
            self.min = min(float("inf") if self.min is None else self.min, float(values.min()))
            self.max = max(float("-inf") if self.max is None else self.max, float(values.max()))
            self.quantiles.update(values)


class Buckets:
    """The buckets that one writer is filling."""

    def __init__(self) -> None:
        self._buckets: dict[Key, Bucket] = {}

    def unknown(self, deltas: Iterable[Delta]) -> set[Key]:
        """Buckets of `deltas`, of every width, that must be read from the database first."""
        return {key for delta in deltas for key in widths(delta.key)} - self._buckets.keys()

    def learn(self, stored: Mapping[Key, Bucket], asked: Iterable[Key]) -> None:
        """Takes what the database holds of the buckets `asked` for; what it does not hold is empty."""
        for key in asked:
            self._buckets[key] = stored.get(key) or Bucket()

    def add(self, deltas: Iterable[Delta]) -> dict[Key, Bucket]:
        """Counts `deltas` in buckets of every width; gives those that changed. All of them must be known."""
        changed: dict[Key, Bucket] = {}
        # A sum beyond the largest double is infinite, which is what the database says too.
        with np.errstate(over="ignore"):
            for delta in deltas:
                for key in widths(delta.key):
                    bucket = self._buckets[key]
                    bucket.add(delta)
                    changed[key] = bucket
        for key, bucket in changed.items():
            del self._buckets[key]
            self._buckets[key] = bucket
        for key in list(self._buckets)[: max(0, len(self._buckets) - MAX_BUCKETS)]:
            del self._buckets[key]
        return changed


def widths(minute: Key) -> Iterator[Key]:
    """The buckets of every width that hold a minute."""
    for width, width_us in WIDTHS_US.items():
        yield minute._replace(width=width, bucket_us=minute.bucket_us // width_us * width_us)


def deltas(events: Rows, points: Rows, batches: Sequence[Batch]) -> list[Delta]:
    """What every minute gains from the rows, in the order of the tables' keys."""
    partitions = np.array([batch.partition for batch in batches], np.int64)
    return [*_event_deltas(events, partitions), *_point_deltas(points, partitions)]


class _Groups(NamedTuple):
    keys: list[Key]
    row_group: NDArray[np.int64]
    """Index of each row's group in `keys`, shape (rows,)."""
    counts: NDArray[np.int64]


def _groups(rows: Rows, source: int, type_column: str, partitions: NDArray[np.int64]) -> _Groups:
    """Rows grouped by project, type, name, minute and partition."""
    names = _encoded(rows.table["name"])
    name_codes = names.indices.to_numpy().astype(np.int64)
    types = rows.table[type_column].to_numpy().astype(np.int64)
    projects = rows.table["project_id"].to_numpy().astype(np.int64)
    minutes = rows.at_us // MINUTE_US
    columns = [projects, types, name_codes, minutes, partitions[rows.batch]]
    # One integer for each combination, so that one sort finds the groups.
    code = np.zeros(len(minutes), np.int64)
    levels = []
    for column in columns:
        values, inverse = np.unique(column, return_inverse=True)
        code = code * len(values) + inverse
        levels.append(values)
    codes, row_group, counts = np.unique(code, return_inverse=True, return_counts=True)
    parts = []
    for values in reversed(levels):
        codes, index = np.divmod(codes, len(values))
        parts.append(values[index].tolist())
    dictionary = names.dictionary.to_pylist()
    keys = [
        Key("1m", project, source, type_, dictionary[name], minute * MINUTE_US, partition)
        for partition, minute, name, type_, project in zip(*parts)
    ]
    return _Groups(keys, row_group, counts)


def _encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    return pc.dictionary_encode(column.combine_chunks())


def _event_deltas(rows: Rows, partitions: NDArray[np.int64]) -> Iterator[Delta]:
    if not len(rows.batch):
        return
    groups = _groups(rows, EVENTS, "type", partitions)
    users = _encoded(rows.table["user_id"])
    codes = users.indices.fill_null(-1).to_numpy().astype(np.int64)
    known = codes >= 0
    width = len(users.dictionary) + 1
    pairs = np.unique(groups.row_group[known] * width + codes[known])
    dictionary = np.array(users.dictionary.to_pylist(), object)
    edges = np.searchsorted(pairs, np.arange(len(groups.keys) + 1) * width)
    for group, key in enumerate(groups.keys):
        seen = dictionary[pairs[edges[group] : edges[group + 1]] % width].tolist()
        yield Delta(key, int(groups.counts[group]), seen, None)


def _point_deltas(rows: Rows, partitions: NDArray[np.int64]) -> Iterator[Delta]:
    if not len(rows.batch):
        return
    groups = _groups(rows, METRICS, "kind", partitions)
    values = rows.table["value"].to_numpy()[np.argsort(groups.row_group, kind="stable")]
    edges = np.concatenate([[0], np.cumsum(groups.counts)])
    for group, key in enumerate(groups.keys):
        yield Delta(key, int(groups.counts[group]), (), values[edges[group] : edges[group + 1]])
