"""How far an answer can be trusted: facts of the snapshot come in, `QueryMetadata` goes out with the answer."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from services.kit import opaque
from services.kit.sketch import QUANTILE_ERROR, UNIQUES_ERROR
from services.query.calendar import Span
from services.query.plan import Plan
from tidemark.v1 import question_pb2 as pb

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a snapshot of the database says about itself."""

    at: datetime
    """The database's clock."""
    versions: tuple[int, ...]
    """By partition, how often it was committed to."""
    batches: tuple[int, ...]
    """By partition, the batches committed."""
    watermark: datetime | None
    """The event time up to which every partition is believed complete."""
    received: int = 0
    """Events and points of the project ever committed."""
    received_hour: int = 0
    """Of those: received in the last hour; 0 where nobody needs to know."""

    @property
    def version(self) -> str:
        """Names this state of the data."""
        return opaque.sealed(orjson.dumps(self.versions))


def completeness(span: Span, facts: Facts, in_flight: int | None) -> float:
    """The estimated share of the asked rows that is committed: 1 when the watermark is past the range, NaN when what is in
    flight is not known.

    What is in flight is compared with what the range would hold if the project had always received as much as in the last
    hour, but never more than it ever received. Exact counts would cost more than the question itself.
    """
    settled = facts.watermark is not None and min(span.end, facts.at) <= facts.watermark
    if settled or span.start >= facts.at:
        return 1.0
    if in_flight is None:
        return math.nan
    if in_flight <= 0:
        return 1.0
    length = min(span.end, facts.at) - span.start
    expected = min(facts.received, facts.received_hour * (length / HOUR))
    return expected / (expected + in_flight)


def metadata(
    span: Span, facts: Facts, in_flight: int | None, elapsed: float, query_id: str, plan: Plan | None = None
) -> pb.QueryMetadata:
    """The metadata of an answer; without a plan, of rows as they came."""
    found = pb.QueryMetadata(
        query_id=query_id,
        completeness=completeness(span, facts, in_flight),
        source=plan.source if plan else pb.DATA_SOURCE_RAW,
        error_bound=_error_bound(plan) if plan else 0.0,
        data_version=facts.version,
    )
    if facts.watermark is not None:
        found.watermark.FromDatetime(facts.watermark)
    found.elapsed.FromTimedelta(timedelta(seconds=elapsed))
    found.time_range.start.FromDatetime(span.start)
    found.time_range.end.FromDatetime(span.end)
    return found


def _error_bound(plan: Plan) -> float:
    uniques = UNIQUES_ERROR if plan.sketched(pb.AGGREGATION_UNIQUES) else 0.0
    return max(uniques, QUANTILE_ERROR if plan.sketched(pb.AGGREGATION_QUANTILE) else 0.0)
