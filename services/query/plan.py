"""Decides what to read: a series or a table comes in, a `Plan` of scans goes out to `rank` and `sql`.

A scan reads rollups when they know everything asked: nothing but name and type (kind) limits or splits it, and they carry what
is aggregated. It is laid with tiles: the widest rollup that fits into each bucket, narrower ones at the edges that do not
align, and raw rows for what is less than a minute. Everything else is read from raw rows alone, and is exact; `columnar` may
read those of events from segments instead of the table.

Rollups hold what was committed last. Of a state that has passed they still tell where nothing came since; the rest is read from
rows, of which the number of their batch tells whether they had come.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from services.kit.calendar import Span, ceil, floor
from services.query.filter import Comparison, leaves
from services.query.measure import Measure
from services.query.question import Measured, Series, Table
from services.query.state import Until
from tidemark.v1 import question_pb2 as pb

ROLLUPS = ((86_400, "rollups_1d"), (3600, "rollups_1h"), (60, "rollups_1m"))
"""Width in seconds and table of each rollup, widest first."""
RAW = {pb.SOURCE_EVENTS: "events", pb.SOURCE_METRICS: "metric_points"}

MOST_CHANGED = timedelta(days=1)
"""Where more time than this has changed since a state that has passed, all of it is read from rows: rollups would save little, and
the values that sketches must be told of would fill the memory."""

_UNITS = {"rollups_1d": "days", "rollups_1h": "hours", "rollups_1m": "minutes"}
_OF_ROWS = {pb.AGGREGATION_COUNT, pb.AGGREGATION_RATE}
_SKETCHED = {pb.AGGREGATION_UNIQUES, pb.AGGREGATION_QUANTILE}


@dataclass(frozen=True, slots=True)
class Tile:
    """What is read from one table."""

    table: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Scan:
    """Measures that are read together: of one source, name and filter, by the same means."""

    measures: tuple[tuple[int, Measure], ...]
    """With the index that each has in the question."""
    buckets: tuple[Span, ...]
    """What each bucket counts: as far as it lies in the range."""
    tiles: tuple[Tile, ...]
    exact: bool
    """Whether all rows are read raw, so that uniques and quantiles are exact, and cannot be merged."""
    across: bool = False
    """What exact uniques and quantiles are also told of: each group over all buckets or, with this, all groups together."""
    until: tuple[int, ...] = ()
    """By partition, of how many batches rows count; none are named where all do."""

    @property
    def source(self) -> pb.Source:
        """What it reads."""
        return self.measures[0][1].source

    def sketched(self, measure: Measure) -> bool:
        """Whether a measure comes from sketches, which the database cannot read."""
        return not self.exact and measure.aggregation in _SKETCHED


@dataclass(frozen=True, slots=True)
class Plan:
    """What is read for a question."""

    question: Measured
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
            scan.sketched(measure) and measure.aggregation == aggregation
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


@dataclass(frozen=True, slots=True)
class Read:
    """One table that is read for a scan, and why it is that one."""

    scan: Scan
    tile: Tile
    reason: str


def plan(question: Measured, until: Until | None = None) -> Plan:
    """How `question` is answered, of a state that has passed where one is given."""
    buckets = question.buckets
    earlier: tuple[Span, ...] = ()
    if question.compared:
        earlier = tuple(bucket.earlier(question.span.length) for bucket in buckets)
    return Plan(
        question,
        tuple(_scans(question, buckets, until)),
        tuple(_scans(question, earlier, until)) if earlier else (),
    )


def reads(plan: Plan) -> tuple[Read, ...]:
    """Every table that is read, in order, with a sentence why."""
    return tuple(
        Read(scan, tile, _reason(scan, tile) + about)
        for scans, about in ((plan.scans, ""), (plan.earlier, ", for the period before"))
        for scan in scans
        for tile in scan.tiles
    )


def covering(spans: Iterable[Span]) -> tuple[Tile, ...]:
    """The rollups that hold every minute of `spans`, to tell how many rows those have."""
    laid: dict[str, list[Span]] = {}
    for span in spans:
        _lay(Span(floor(span.start, ROLLUPS[-1][0]), ceil(span.end, ROLLUPS[-1][0])), 0, "", laid)
    return tuple(Tile(table, tuple(found)) for table, found in laid.items())


def why(measure: Measure) -> str:
    """Why a measure cannot be read from rollups; empty when it can."""
    for leaf in leaves(measure.filter):
        if not isinstance(leaf, Comparison):
            return "filtered by people of a cohort"
        if not leaf.field.in_rollups:
            return f"filtered by {leaf.field.path}"
    for field in measure.groups:
        if not field.in_rollups:
            return f"split by {field.path}"
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


def _reason(scan: Scan, tile: Tile) -> str:
    if unit := _UNITS.get(tile.table):
        first = tile is scan.tiles[0]
        return (
            f"rollups know all that is asked, by whole {unit}" if first else f"what is left in whole {unit}"
        )
    if unknown := why(scan.measures[0][1]):
        return f"rollups do not know what is asked: {unknown}"
    if scan.until:
        return "rollups hold what came since" if scan.exact else "what is left, and what changed since"
    return "buckets are narrower than a minute" if scan.exact else "what is left is less than a minute"


def _scans(question: Measured, buckets: tuple[Span, ...], until: Until | None) -> Iterable[Scan]:
    limit = until.limit(Span(buckets[0].start, buckets[-1].end)) if until else ()
    changed = until.changed if until and limit else ()
    lost = changed is None or _length(changed, buckets) > MOST_CHANGED
    together: dict[tuple[pb.Source, str, str, bool], list[tuple[int, Measure]]] = {}
    for index, measure in enumerate(question.measures):
        # Filters are told apart by their text, for 1 equals true here and not in the database.
        key = measure.source, measure.name, repr(measure.filter), bool(why(measure))
        together.setdefault(key, []).append((index, measure))
    for (source, _, _, raw), measures in together.items():
        tiles = _tiles(question, source, buckets, range(len(buckets)), raw or lost, changed or ())
        exact = all(tile.table == RAW[source] for tile in tiles)
        yield Scan(tuple(measures), buckets, tiles, exact, isinstance(question, Table), limit)


def _length(spans: Sequence[Span], buckets: Sequence[Span]) -> timedelta:
    """How much of the time of the buckets lies in some spans."""
    start, end = buckets[0].start, buckets[-1].end
    within = (Span(max(start, each.start), min(end, each.end)).length for each in spans)
    return sum((length for length in within if length > timedelta()), timedelta())


def _narrowed(scan: Scan, question: Measured, slots: Sequence[int]) -> Scan:
    return replace(scan, tiles=_tiles(question, scan.source, scan.buckets, slots, scan.exact))


def _tiles(
    question: Measured,
    source: pb.Source,
    buckets: Sequence[Span],
    slots: Sequence[int],
    raw: bool,
    changed: Sequence[Span] = (),
) -> tuple[Tile, ...]:
    """The tiles that cover the buckets of `slots`, in order; of what has `changed`, rows."""
    if raw:
        return (
            (Tile(RAW[source], tuple(Span(buckets[a].start, buckets[b].end) for a, b in _runs(slots))),)
            if slots
            else ()
        )
    laid: dict[str, list[Span]] = {}
    seconds = question.step.seconds if isinstance(question, Series) else 0
    for first, last in _runs(slots):
        level = _level(seconds, buckets[first].end) if first < last else None
        if level is not None:
            whole = [(Span(buckets[first].start, buckets[last].end), level)]
        else:
            whole = [(buckets[slot], 0) for slot in range(first, last + 1)]
        for span, widest in whole:
            for piece, moved in _cut(span, changed):
                _lay(piece, len(ROLLUPS) if moved else widest, RAW[source], laid)
    order = [*(table for _, table in ROLLUPS), RAW[source]]
    return tuple(Tile(table, tuple(laid[table])) for table in order if table in laid)


def _cut(span: Span, changed: Sequence[Span]) -> Iterator[tuple[Span, bool]]:
    """A span in pieces, in order, and whether each lies in what has changed."""
    at = span.start
    for each in changed:
        if each.overlaps(span):
            yield Span(at, max(at, each.start)), False
            at = min(each.end, span.end)
            yield Span(max(span.start, each.start), at), True
    yield Span(at, span.end), False


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
