"""What events change in a window: rows that were stored come in from `writer`, new states of results go out to `store`.

`gains` groups rows by partition, key and span of time; `folded` puts that on top of what is kept. What is kept of a partition has
one author and is added to, so that neither the order of events nor how commits cut them makes a difference to it. Pure.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from services.ingest.rules.path import Path
from services.ingest.windows import session
from services.ingest.windows.column import Columns
from services.ingest.windows.definition import Definition
from services.ingest.windows.result import Key, Result, joined
from services.kit import sketch
from services.kit.window import COUNT, MAX, MIN, QUANTILE, UNIQUES, Part, every_us, length_us, us_of
from tidemark.v1.question_pb2 import Aggregation

Ints = NDArray[np.int64]
Watermarks = Mapping[int, int]
"""By partition: up to when it was believed complete before the commit, in microseconds."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a commit makes of the results of a window."""

    put: list[Result]
    """As they are now."""
    gone: list[Result]
    """Kept until now, and part of others since."""


def fitting(definition: Definition, columns: Columns) -> Ints:
    """The rows that count, in order."""
    found = np.arange(columns.rows.num_rows)
    if definition.window.event_names:
        names = pa.array(list(definition.window.event_names), pa.string())
        found = np.flatnonzero(pc.is_in(columns.rows["name"], names).to_numpy(zero_copy_only=False))
    return found if definition.when is None else columns.true(definition.when, found)


def gains(definition: Definition, columns: Columns, at_us: Ints, partitions: Ints) -> list[Result]:
    """What rows at these times add to each window, before anything is known of what is kept."""
    fits = fitting(definition, columns)
    if not len(fits):
        return []
    at_us, owners = at_us[fits], partitions[fits]
    keyed = [columns.texts(path) for path in definition.key]
    texts = [found for _, found in keyed]
    groups = [owners, *(codes[fits] for codes, _ in keyed)]
    if definition.window.HasField("session"):
        gap_us = us_of(definition.window.session.gap)
        spans = session.numbered(_numbered(groups)[0], at_us, gap_us)
        group, first = _numbered([spans])
        starts, ends = session.extents(group, at_us, len(first), gap_us)
    else:
        every = every_us(definition.window)
        panes = at_us // every * every
        group, first = _numbered([*groups, panes])
        starts, ends = panes[first], panes[first] + every
    counts = np.bincount(group, minlength=len(first)).tolist()
    parts = zip(*_parts(definition, columns, fits, group, counts))
    keys = zip(
        *([each[code] for code in codes[fits][first].tolist()] for each, (codes, _) in zip(texts, keyed))
    )
    found = [
        Result(partition, key, start, end, count, part)
        for partition, key, start, end, count, part in zip(
            owners[first].tolist(),
            keys if keyed else [()] * len(first),
            starts.tolist(),
            ends.tolist(),
            counts,
            parts,
        )
    ]
    return list(_hopped(definition, found)) if definition.window.HasField("hopping") else found


def folded(
    definition: Definition, kept: Iterable[Result], gained: Sequence[Result], watermarks: Watermarks
) -> Change:
    """What becomes of the results `kept` that `gained` touches, and of new ones."""
    if definition.window.HasField("session"):
        put, gone = session.folded(definition.window, kept, gained, watermarks, definition.lateness_us)
        return Change(put, gone)
    known = {each.place: each for each in kept}
    put = []
    for gain in gained:
        held = known.get(gain.place)
        judged = session.judged(gain, gain.end_us, watermarks[gain.partition], definition.lateness_us)
        put.append(joined(definition.window, [held, judged] if held else [judged]))
    return Change(put, [])


def _numbered(columns: Sequence[NDArray[Any]]) -> tuple[Ints, Ints]:
    """The number of each row's combination of values, shape (rows,), and a row of each combination."""
    code = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        values, inverse = np.unique(column, return_inverse=True)
        code = np.unique(code, return_inverse=True)[1] * len(values) + inverse
    _, first, group = np.unique(code, return_index=True, return_inverse=True)
    return group, first


def _parts(
    definition: Definition, columns: Columns, fits: Ints, group: Ints, counts: Sequence[int]
) -> Iterator[list[Part]]:
    """For each aggregate, the part of each group."""
    for aggregate, path in zip(definition.window.aggregates, definition.fields):
        if aggregate.aggregation == COUNT or path is None:
            yield [Part(count) for count in counts]
        elif aggregate.aggregation == UNIQUES:
            yield _uniques(columns, path, fits, group, len(counts))
        else:
            yield _numbers(aggregate.aggregation, columns.numbers(path)[fits], group, len(counts))


def _uniques(columns: Columns, path: Path, fits: Ints, group: Ints, size: int) -> list[Part]:
    items = columns.items(path)[fits]
    found: list[list[str]] = [[] for _ in range(size)]
    for place, value in zip(group.tolist(), items.tolist()):
        if value is not None:
            found[place].append(value)
    return [
        Part(len(values), None, sketch.uniques(dict.fromkeys(values))) if values else Part()
        for values in found
    ]


def _numbers(aggregation: Aggregation, values: NDArray[np.float64], group: Ints, size: int) -> list[Part]:
    there = ~np.isnan(values)
    order = np.argsort(group[there], kind="stable")
    values, group = values[there][order], group[there][order]
    edges = np.searchsorted(group, np.arange(size + 1))
    return [
        _part(aggregation, values[begin:end]) if end > begin else Part()
        for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist())
    ]


def _part(aggregation: Aggregation, values: NDArray[np.float64]) -> Part:
    if aggregation == QUANTILE:
        return Part(len(values), None, sketch.quantiles(values))
    if aggregation in (MIN, MAX):
        return Part(len(values), float(values.min() if aggregation == MIN else values.max()))
    # A sum beyond the largest double is infinite, which is what the database says too.
    with np.errstate(over="ignore"):
        return Part(len(values), float(values.sum()))


def _hopped(definition: Definition, panes: Sequence[Result]) -> Iterator[Result]:
    """What panes as long as a hop add to every window over them."""
    every, length = every_us(definition.window), length_us(definition.window)
    found: dict[tuple[int, Key, int], list[Result]] = {}
    for pane in panes:
        for start in range(pane.start_us - length + every, pane.start_us + 1, every):
            window = replace(pane, start_us=start, end_us=start + length)
            found.setdefault(window.place, []).append(window)
    for results in found.values():
        yield joined(definition.window, results)
