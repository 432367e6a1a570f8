"""How a question would be answered: a `Question` comes in, what is read for it and why goes out to `store` and to the answer."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from services.kit.calendar import Span
from services.query import behaviour, plan
from services.query.behaviour.question import Behaviour
from services.query.columnar import rows
from services.query.columnar import scan as columnar
from services.query.columnar.segment import Mirrored
from services.query.filter import names
from services.query.plan import RAW, Tile, reads
from services.query.question import Events, Measured, Series, Table
from services.query.rank import Ranking
from services.query.sql import Page, cells, events, expected, ranking
from services.query.state import Until
from services.query.where import Statement
from services.query.windows import sql as windows
from services.query.windows.plan import Reading
from tidemark.v1 import question_pb2
from tidemark.v1.query_pb2 import Scan

EVENTS = question_pb2.SOURCE_EVENTS
Bulk = columnar.Scan | plan.Scan
Asked = Events | Series | Table | Reading | Behaviour
"""A question; of a window, what is read of it."""


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that is read."""

    source: str
    reason: str
    spans: tuple[Span, ...]
    expected: Statement
    """Reads how many rows it has."""
    statement: Statement | None = None
    """Reads it; None where the statement of the part before does."""
    bulk: Bulk | None = None
    """What may be read from segments instead."""

    def scan(self) -> Scan:
        """The part as callers see it, without what the database has to tell."""
        found = Scan(source=self.source, reason=self.reason)
        for span in self.spans:
            within = found.spans.add()
            within.start.FromDatetime(span.start)
            within.end.FromDatetime(span.end)
        return found


def parts(question: Asked, project_id: int, until: Until | None = None) -> Iterator[Part]:
    """Everything that is read, in order; of a state that has passed where one is given."""
    match question:
        case Series() | Table():
            yield from _measured(question, project_id, until)
        case Events():
            tile = Tile(RAW[EVENTS], (question.span,))
            known = expected(tile, EVENTS, names(question.filter), project_id)
            limit = until.limit(question.span) if until else ()
            statement = events(question, project_id, Page(100, until=limit))
            yield Part(tile.table, "events are shown as they came", tile.spans, known, statement)
        case Reading():
            # Which keys are shown is known when they were ordered.
            statement = (
                windows.keys(question) if question.keyed else windows.cells(question, [question.question.key])
            )
            span = question.question.span
            yield Part(
                "window_results", "the window keeps them", (span,), windows.expected(question), statement
            )
        case _:
            scan = behaviour.scan(question)
            scan = replace(scan, until=until.limit(scan.span) if until else ())
            tile = Tile(RAW[EVENTS], (scan.span,))
            known = expected(tile, EVENTS, names(scan.condition), project_id)
            statement = rows.tail(scan, project_id)
            yield Part(tile.table, "people are followed event by event", tile.spans, known, statement, scan)


def mirrored(scan: Scan, found: Mirrored) -> list[Scan]:
    """What is read instead of rows where segments hold them: the segments, and the rows that are in none yet."""
    segments = Scan(
        source="segments", reason=f"{scan.reason}; {len(found.segments)} segments hold what is sealed"
    )
    segments.spans.extend(scan.spans)
    segments.rows_expected, segments.statement = found.rows, scan.statement
    if found.tail == ():
        return [segments]
    tail = Scan(source=scan.source, reason="what is in no segment yet")
    for span in found.tail or ():
        within = tail.spans.add()
        within.start.FromDatetime(span.start)
        within.end.FromDatetime(span.end)
    return [segments, tail]


def rows_read(tree: Any) -> int:
    """The rows that the tables of an executed plan gave, whether they fitted or not; EXPLAIN's JSON comes in."""
    removed = tree.get("Rows Removed by Filter", 0) + tree.get("Rows Removed by Index Recheck", 0)
    below = sum(map(rows_read, tree.get("Plans", ())))
    if "Relation Name" in tree:
        return int((tree["Actual Rows"] + removed) * tree["Actual Loops"]) + below
    return below


def _measured(question: Measured, project_id: int, until: Until | None) -> Iterator[Part]:
    planned, written = plan.plan(question, until), None
    for read in reads(planned):
        _, measure = read.scan.measures[0]
        only = (measure.name,) if measure.name else names(measure.filter)
        statement = None
        if read.scan is not written:
            # Which groups are shown is known when they were ranked.
            statement = (
                ranking(Ranking(read.scan, question.top), project_id)
                if question.grouped
                else cells(read.scan, project_id, ((),))
            )
            written = read.scan
        known = expected(read.tile, read.scan.source, only, project_id)
        bulk = read.scan if read.tile.table == RAW[EVENTS] and statement is not None else None
        yield Part(read.tile.table, read.reason, read.tile.spans, known, statement, bulk)
