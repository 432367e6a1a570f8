"""What windows keep, as the database holds it: the writer makes it, readers merge what different partitions have kept. Pure.

Of each aggregate a window keeps a `Part`, and parts of the same aggregate can be merged in any order. `RESULTS` reads what is kept
of the windows of a range, each as one row for each partition, with what tells which rows belong together.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from datasketches import hll_sketch, kll_doubles_sketch
from google.protobuf.duration_pb2 import Duration

from services.kit import sketch
from services.kit.instant import MICROSECOND
from tidemark.v1 import question_pb2
from tidemark.v1.window_pb2 import Window, WindowAggregate

COUNT, SUM, AVG, MIN, MAX, UNIQUES, QUANTILE = (
    question_pb2.AGGREGATION_COUNT,
    question_pb2.AGGREGATION_SUM,
    question_pb2.AGGREGATION_AVG,
    question_pb2.AGGREGATION_MIN,
    question_pb2.AGGREGATION_MAX,
    question_pb2.AGGREGATION_UNIQUES,
    question_pb2.AGGREGATION_QUANTILE,
)
MAX_KEY = 200
"""Characters of a key's value; the rest of a longer one is cut off."""


@dataclass(frozen=True, slots=True)
class Part:
    """What is kept of one aggregate in one window."""

    count: int = 0
    """Of how many values."""
    number: float | None = None
    """Their sum, the least or the greatest of them, as the aggregate asks."""
    sketch: Any = None
    """For UNIQUES and QUANTILE: an HLL or a KLL sketch, or its bytes."""


def merged(aggregation: question_pb2.Aggregation, parts: Sequence[Part]) -> Part:
    """The part of everything that `parts` have seen."""
    known = [part for part in parts if part.count]
    if len(known) <= 1:
        return known[0] if known else Part()
    count = sum(part.count for part in known)
    numbers = [part.number for part in known if part.number is not None]
    sketches = [part.sketch for part in known if part.sketch is not None]
    match aggregation:
        case question_pb2.AGGREGATION_UNIQUES:
            return Part(count, None, sketch.merged_uniques(sketches))
        case question_pb2.AGGREGATION_QUANTILE:
            return Part(count, None, sketch.merged_quantiles(sketches))
        case question_pb2.AGGREGATION_MIN:
            return Part(count, min(numbers))
        case question_pb2.AGGREGATION_MAX:
            return Part(count, max(numbers))
        case _:
            exact = all(map(math.isfinite, numbers))
            return Part(count, math.fsum(numbers) if exact else sum(numbers))


def value(aggregate: WindowAggregate, part: Part, events: int) -> float:
    """What an aggregate comes to in a window of so many events; NaN where there is nothing."""
    if aggregate.aggregation == COUNT:
        return float(events) if events else math.nan
    if not part.count:
        return math.nan
    match part.sketch:
        case None:
            number = math.nan if part.number is None else part.number
            return number / part.count if aggregate.aggregation == AVG else number
        case _ if aggregate.aggregation == UNIQUES:
            # A sketch of few values is all but exact; the rest of its estimate would only look odd.
            return float(round(sketch.merged_uniques([part.sketch]).get_estimate()))
        case _:
            return float(sketch.merged_quantiles([part.sketch]).get_quantile(aggregate.quantile))


def stored(part: Part) -> bytes | None:
    """A part's sketch as the database holds it."""
    match part.sketch:
        case hll_sketch():
            return bytes(part.sketch.serialize_compact())
        case kll_doubles_sketch():
            return bytes(part.sketch.serialize())
        case found:
            return None if found is None else bytes(found)


def us_of(duration: Duration) -> int:
    """Whole microseconds of a duration."""
    return duration.seconds * 1_000_000 + duration.nanos // 1000


def length_us(window: Window) -> int:
    """How long a tumbling or hopping window is; 0 for a session."""
    match window.WhichOneof("shape"):
        case "tumbling":
            return us_of(window.tumbling.size)
        case "hopping":
            return us_of(window.hopping.size)
        case _:
            return 0


def every_us(window: Window) -> int:
    """How often a tumbling or hopping window begins."""
    return us_of(window.hopping.every) if window.HasField("hopping") else length_us(window)


def length(window: Window) -> timedelta:
    """As `length_us`."""
    return length_us(window) * MICROSECOND


_KEPT = """
SELECT key, start_at AS island, start_at, end_at, count, counts, numbers, sketches, late_count, restated_at, dropped_count
FROM window_results
WHERE window_number = %(window)s AND start_at >= %(start)s AND start_at < %(end)s
  AND (%(key)s::text[] IS NULL OR key = %(key)s)
"""
# Sessions of a key in different partitions that overlap are one, which begins where the first of them does. What one that begins in
# the range has beyond it is looked for in the day after.
_SESSIONS = """
SELECT key, min(start_at) OVER (PARTITION BY key, place) AS island, start_at, end_at, count, counts, numbers, sketches,
    late_count, restated_at, dropped_count
FROM (
    SELECT *, count(*) FILTER (WHERE start_at >= until) OVER (PARTITION BY key ORDER BY start_at, end_at DESC, partition) AS place
    FROM (
        SELECT *, max(end_at) OVER (
            PARTITION BY key ORDER BY start_at, end_at DESC, partition ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS until
        FROM window_results
        WHERE window_number = %(window)s AND end_at >= %(start)s AND start_at < %(end)s + interval '1 day'
          AND (%(key)s::text[] IS NULL OR key = %(key)s)
    ) AS rows
) AS rows
"""
RESULTS = {
    False: _KEPT,
    True: f"SELECT * FROM ({_SESSIONS}) AS rows WHERE island >= %(start)s AND island < %(end)s",  # noqa: S608
}
"""The rows kept of the windows that begin in a range, for sessions (True) and others; those of the same key and `island` are one."""
