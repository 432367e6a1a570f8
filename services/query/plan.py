"""Decides what to read: a `Series` comes in, a `Plan` of scans goes out to `sql`.

A scan reads rollups when they know everything asked: nothing but name and type (kind) limits or splits it, and they carry what
is aggregated. It is laid with tiles: the widest rollup that fits into each bucket, narrower ones at the edges that do not
align, and raw rows for what is less than a minute. Everything else is read from raw rows alone, and is exact.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby, pairwise

from services.query.calendar import Span, ceil, floor
from services.query.filter import comparisons
from services.query.question import Measure, Series
from tidemark.v1 import question_pb2 as pb

ROLLUPS = ((86_400, "rollups_1d"), (3600, "rollups_1h"), (60, "rollups_1m"))
"""Width in seconds and table of each rollup, widest first."""
RAW = {pb.SOURCE_EVENTS: "events", pb.SOURCE_METRICS: "metric_points"}

_OF_ROWS = {pb.AGGREGATION_COUNT, pb.AGGREGATION_RATE}
_SKETCHED = {pb.AGGREGATION_UNIQUES, pb.AGGREGATION_QUANTILE}


@dataclass(frozen=True, slots=True)
class Tile:
    """What is read from one table."""

    table: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Scan:
    """Measures that are read together: of one source and name, by the same means."""

    measures: tuple[tuple[int, Measure], ...]
    """With the index that each has in the question."""
    buckets: tuple[Span, ...]
    """What each bucket counts: as far as it lies in the range."""
    tiles: tuple[Tile, ...]
    exact: bool
    """Whether all rows are read raw, so that uniques and quantiles are exact, and cannot be merged."""

    @property
    def source(self) -> pb.Source:
        """What it reads."""
        return self.measures[0][1].source


@dataclass(frozen=True, slots=True)
class Plan:
    """What is read for a question."""

    question: Series
    scans: tuple[Scan, ...]
    earlier: tuple[Scan, ...]
    """The same for the period before; empty when nothing is compared."""

    @property
    def mergeable(self) -> bool:
        """Whether the answer can be kept up to date by reading single buckets anew."""
        return not any(
            scan.exact and each.aggregation in _SKETCHED for scan in self.scans for _, each in scan.measures
        )

    @property
    def source(self) -> pb.DataSource:
        """What the answer says it was read from: raw when any scan is."""
        return pb.DATA_SOURCE_RAW if any(scan.exact for scan in self.scans) else pb.DATA_SOURCE_ROLLUP

    def sketched(self, aggregation: pb.Aggregation) -> bool:
        """Whether some measure with this aggregation comes from sketches."""
        return any(
            not scan.exact and measure.aggregation == aggregation
            for scan in self.scans
            for _, measure in scan.measures
        )

    def narrowed(self, slots: Iterable[int]) -> "Plan":
        """The plan that reads these buckets only."""
        wanted = sorted(slots)
        return replace(
            self,
            scans=tuple(_narrowed(scan, self.question, wanted) for scan in self.scans),
            earlier=tuple(_narrowed(scan, self.question, wanted) for scan in self.earlier),
        )


def plan(question: Series) -> Plan:
    """How `question` is answered."""
    buckets = tuple(
        Span(max(start, question.span.start), min(end, question.span.end))
        for start, end in pairwise(question.edges)
    )
    scans = tuple(_scans(question, buckets))
    earlier = tuple(bucket.earlier(question.span.length) for bucket in buckets)
    return Plan(question, scans, tuple(_scans(question, earlier)) if question.compared else ())


def why(measure: Measure) -> str:
    """Why a measure cannot be read from rollups; empty when it can."""
    limits = [each.field for each in comparisons(measure.filter)]
    for field, does in [*((f, "filtered") for f in limits), *((f, "split") for f in measure.groups)]:
        if not field.in_rollups:
            return f"{does} by {field.path}"
    if measure.source == pb.SOURCE_METRICS:
        return "uniques of values" if measure.aggregation == pb.AGGREGATION_UNIQUES else ""
    if measure.aggregation in _OF_ROWS:
        return ""
    if (
        measure.aggregation == pb.AGGREGATION_UNIQUES
        and measure.field is not None
        and measure.field.path == "user_id"
    ):
        return ""
    return f"aggregates {measure.field.path if measure.field else ''}"


def _scans(question: Series, buckets: tuple[Span, ...]) -> Iterable[Scan]:
    indexed = list(enumerate(question.measures))
    kinds: dict[tuple[pb.Source, str, bool], list[tuple[int, Measure]]] = {}
    for index, measure in indexed:
        kinds.setdefault((measure.source, measure.name, bool(why(measure))), []).append((index, measure))
    for (source, _, raw), measures in kinds.items():
        tiles = _tiles(question, source, buckets, range(len(buckets)), raw)
        exact = all(tile.table == RAW[source] for tile in tiles)
        yield Scan(tuple(measures), buckets, tiles, exact)


def _narrowed(scan: Scan, question: Series, slots: Sequence[int]) -> Scan:
    return replace(scan, tiles=_tiles(question, scan.source, scan.buckets, slots, scan.exact))


def _tiles(
    question: Series, source: pb.Source, buckets: Sequence[Span], slots: Sequence[int], raw: bool
) -> tuple[Tile, ...]:
    """The tiles that cover the buckets of `slots`, in order."""
    if raw:
        return (
            (Tile(RAW[source], tuple(Span(buckets[a].start, buckets[b].end) for a, b in _runs(slots))),)
            if slots
            else ()
        )
    laid: dict[str, list[Span]] = {}
    for first, last in _runs(slots):
        level = _level(question.step.seconds, buckets[first].end) if first < last else None
        if level is not None:
            _lay(Span(buckets[first].start, buckets[last].end), level, RAW[source], laid)
            continue
        for slot in range(first, last + 1):
            _lay(buckets[slot], 0, RAW[source], laid)
    order = [*(table for _, table in ROLLUPS), RAW[source]]
    return tuple(Tile(table, tuple(laid[table])) for table in order if table in laid)


def _runs(slots: Sequence[int]) -> Iterable[tuple[int, int]]:
    """First and last of each unbroken run of sorted `slots`."""
    for _, members in groupby(enumerate(slots), lambda pair: pair[1] - pair[0]):
        run = [slot for _, slot in members]
        yield run[0], run[-1]


def _level(seconds: int, edge: datetime) -> int | None:
    """The widest rollup that no edge of the buckets cuts, when all are `seconds` wide and one edge is known."""
    if 0 < seconds < ROLLUPS[-1][0]:
        return len(ROLLUPS)
    for level, (width, _) in enumerate(ROLLUPS):
        if seconds and seconds % width == 0 and floor(edge, width) == edge:
            return level
    return None


def _lay(span: Span, level: int, raw: str, laid: dict[str, list[Span]]) -> None:
    """Covers `span` with the rollup at `level` as far as it fits, and its edges with narrower ones."""
    if span.start >= span.end:
        return
    if level == len(ROLLUPS):
        _put(span, laid.setdefault(raw, []))
        return
    width, table = ROLLUPS[level]
    inner = Span(ceil(span.start, width), floor(span.end, width))
    if inner.start >= inner.end:
        _lay(span, level + 1, raw, laid)
        return
    _lay(Span(span.start, inner.start), level + 1, raw, laid)
    _put(inner, laid.setdefault(table, []))
    _lay(Span(inner.end, span.end), level + 1, raw, laid)


def _put(span: Span, spans: list[Span]) -> None:
    if spans and spans[-1].end == span.start:
        spans[-1] = Span(spans[-1].start, span.end)
    else:
        spans.append(span)
