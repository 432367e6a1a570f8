"""What is known of a measure in one bucket and group: columns of a row come in, parts are merged, a value goes out to `shape`."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from datasketches import hll_sketch, kll_doubles_sketch

from services.kit import sketch
from services.query.measure import Measure
from tidemark.v1 import question_pb2 as pb

FROM_NOTHING = {pb.AGGREGATION_COUNT, pb.AGGREGATION_SUM, pb.AGGREGATION_RATE, pb.AGGREGATION_UNIQUES}
"""What is 0, not unknown, where there is nothing."""


@dataclass(slots=True)
class Part:
    """Aggregates that can be merged; `exact` cannot, and stands alone. What was not asked for, or not there, is None."""

    count: int | None = None
    sum: float | None = None
    min: float | None = None
    max: float | None = None
    exact: float | None = None
    uniques: hll_sketch | None = None
    quantiles: kll_doubles_sketch | None = None

    def put(self, kind: str, value: object) -> None:
        """Takes a column of a row: an aggregate, sketches, or loose values that belong into one."""
        if value is None:
            return
        match kind:
            case "uniques" | "users":
                self.uniques = _uniques(self.uniques, kind, value)  # type: ignore[arg-type]
            case "quantiles" | "numbers":
                self.quantiles = _quantiles(self.quantiles, kind, value)  # type: ignore[arg-type]
            case _:
                setattr(self, kind, value)


def merged(parts: Sequence[Part]) -> Part:
    """The part of all buckets or groups together; none of them may be exact."""
    uniques = [part.uniques for part in parts if part.uniques is not None]
    quantiles = [part.quantiles for part in parts if part.quantiles is not None]
    mins, maxs = _known(part.min for part in parts), _known(part.max for part in parts)
    counts, sums = _known(part.count for part in parts), _known(part.sum for part in parts)
    return Part(
        count=int(sum(counts)) if counts else None,
        sum=math.fsum(sums) if sums and all(map(math.isfinite, sums)) else sum(sums) if sums else None,
        min=min(mins, default=None),
        max=max(maxs, default=None),
        uniques=sketch.merged_uniques(uniques) if uniques else None,
        quantiles=sketch.merged_quantiles(quantiles) if quantiles else None,
    )


def value(measure: Measure, part: Part | None, seconds: float) -> float:
    """The measure's value in a bucket of so many seconds; NaN where nothing was measured."""
    if part is None:
        return math.nan
    match measure.aggregation:
        case pb.AGGREGATION_COUNT:
            return float(part.count) if part.count else math.nan
        case pb.AGGREGATION_RATE:
            amount = part.count or None if measure.source == pb.SOURCE_EVENTS else part.sum
            return amount / seconds if amount is not None and seconds > 0 else math.nan
        case pb.AGGREGATION_AVG:
            return part.sum / part.count if part.sum is not None and part.count else math.nan
        case pb.AGGREGATION_UNIQUES:
            if part.uniques is not None:
                # A sketch of few values is all but exact; the rest of its estimate would only look odd.
                return float(round(part.uniques.get_estimate()))
            return _or_nan(part.exact)
        case pb.AGGREGATION_QUANTILE:
            if part.quantiles is not None and not part.quantiles.is_empty():
                return float(part.quantiles.get_quantile(measure.quantile))
            return _or_nan(part.exact)
        case pb.AGGREGATION_SUM:
            return _or_nan(part.sum)
        case pb.AGGREGATION_MIN:
            return _or_nan(part.min)
        case _:
            return _or_nan(part.max)


def total(measure: Measure, part: Part | None, seconds: float) -> float:
    """The measure's value over a whole range of so many seconds: what is counted is 0 where there is nothing."""
    found = value(measure, part, seconds)
    return 0.0 if math.isnan(found) and measure.aggregation in FROM_NOTHING else found


def _known(values: Iterable[float | None]) -> list[float]:
    return [each for each in values if each is not None]


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _uniques(known: hll_sketch | None, kind: str, found: list[bytes] | list[str]) -> hll_sketch:
    sketches: list[bytes | hll_sketch] = [] if known is None else [known]
    if kind == "users":
        return sketch.merged_uniques([*sketches, sketch.uniques(map(str, found))])
    return sketch.merged_uniques([*sketches, *(each for each in found if isinstance(each, bytes))])


def _quantiles(
    known: kll_doubles_sketch | None, kind: str, found: list[bytes] | list[float]
) -> kll_doubles_sketch:
    sketches: list[bytes | kll_doubles_sketch] = [] if known is None else [known]
    if kind == "numbers":
        return sketch.merged_quantiles([*sketches, sketch.quantiles(np.array(found, np.float64))])
    return sketch.merged_quantiles([*sketches, *(each for each in found if isinstance(each, bytes))])
