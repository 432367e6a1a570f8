"""How far an answer can be trusted: facts of the snapshot come in, `QueryMetadata` goes out with the answer."""

import math
from dataclasses import dataclass
from datetime import timedelta

from services.kit.calendar import Span
from services.kit.sketch import QUANTILE_ERROR, UNIQUES_ERROR
from services.query import state
from services.query.plan import Plan
from services.query.state import Facts
from tidemark.v1 import question_pb2 as pb

HOUR = timedelta(hours=1)
REMOVED = (
    "rows were removed since, by retention or with a person, and the answer lacks those that it asks for"
)


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


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an answer comes from."""

    source: pb.DataSource = pb.DATA_SOURCE_RAW
    error_bound: float = 0.0
    notes: tuple[str, ...] = ()
    """What people should know before they use it."""


def origin(plan: Plan, source: pb.DataSource | None = None) -> Origin:
    """The origin of what was read by a plan, from `source` where it was not what the plan says."""
    uniques = UNIQUES_ERROR if plan.sketched(pb.AGGREGATION_UNIQUES) else 0.0
    quantiles = QUANTILE_ERROR if plan.sketched(pb.AGGREGATION_QUANTILE) else 0.0
    return Origin(plan.source if source is None else source, max(uniques, quantiles))


def metadata(
    span: Span, facts: Facts, in_flight: int | None, elapsed: float, query_id: str, origin: Origin
) -> pb.QueryMetadata:
    """The metadata of an answer computed from the snapshot of `facts`."""
    found = pb.QueryMetadata(
        query_id=query_id,
        completeness=completeness(span, facts, in_flight),
        source=origin.source,
        error_bound=origin.error_bound,
        data_version=facts.version,
        notes=(*origin.notes, REMOVED) if facts.gone else origin.notes,
        as_of=state.name(facts, in_flight),
    )
    if facts.watermark is not None:
        found.watermark.FromDatetime(facts.watermark)
    if facts.behind is not None:
        found.replica_behind.FromTimedelta(timedelta(seconds=facts.behind))
    found.elapsed.FromTimedelta(timedelta(seconds=elapsed))
    found.time_range.start.FromDatetime(span.start)
    found.time_range.end.FromDatetime(span.end)
    found.answered_at.FromDatetime(facts.told_at or facts.at)
    return found
