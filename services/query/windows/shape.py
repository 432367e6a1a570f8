"""Makes the answer of what was read of a window: rows of `store` come in, a `SeriesResult` goes out to `source`. Pure."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from services.kit.sketch import merged_quantiles, merged_uniques
from services.kit.window import UNIQUES, Part, merged, value
from services.query.part import FROM_NOTHING
from services.query.shape import filled
from services.query.windows.plan import Reading
from tidemark.v1 import question_pb2 as pb
from tidemark.v1.window_pb2 import WindowAggregate

Cell = tuple[int, int, list[Part]]
"""Events, late events, and the part of each aggregate."""
_NOTHING: Cell = (0, 0, [])


def result(reading: Reading, keys: Sequence[Sequence[str]], rows: Iterable[Sequence[Any]]) -> pb.SeriesResult:
    """The answer, of the keys shown apart and the rows of `sql.cells`."""
    cells: dict[tuple[int, int | None], Cell] = {}
    for slot, place, count, late, *columns in rows:
        parts = zip(reading.aggregates, columns[::3], columns[1::3], columns[2::3])
        cells[slot, place] = count, late, [_part(each, *found) for (_, each), *found in parts]
    answer = pb.SeriesResult()
    for start in reading.starts:
        answer.bucket_starts.add().FromDatetime(start)
    others: list[int | None] = [None] if any(place is None for _, place in cells) else []
    for i, (_, aggregate) in enumerate(reading.aggregates):
        for place in (*range(len(keys)), *others):
            line = [cells.get((slot, place), _NOTHING) for slot in range(len(reading.starts))]
            group = [] if place is None else keys[place]
            shown = answer.series.add(measure_id=aggregate.id, other=place is None, group=group)
            values = [value(aggregate, parts[i], count) if parts else math.nan for count, _, parts in line]
            shown.values.extend(filled(values, pb.FILL_UNSPECIFIED, aggregate.aggregation))
            shown.late_counts.extend(late for _, late, _ in line)
            shown.total = _total(aggregate, i, line) if reading.mergeable else math.nan
    return answer


def _part(aggregate: WindowAggregate, count: int, number: float | None, sketches: list[bytes] | None) -> Part:
    if not sketches:
        return Part(count, number)
    merge = merged_uniques if aggregate.aggregation == UNIQUES else merged_quantiles
    return Part(count, number, merge(sketches))


def _total(aggregate: WindowAggregate, index: int, line: Sequence[Cell]) -> float:
    parts = [parts[index] for _, _, parts in line if parts]
    found = value(aggregate, merged(aggregate.aggregation, parts), sum(count for count, _, _ in line))
    return 0.0 if math.isnan(found) and aggregate.aggregation in FROM_NOTHING else found
