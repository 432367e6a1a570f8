"""Answers by hand, one of every kind, as query gives them: what tests of building make blocks of."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from services.kit.calendar import Span
from services.reports.build.asked import Asked
from services.reports.build.shown import Shown
from services.reports.build.span import range_of
from services.reports.document import Block, Chart, Figures, Paragraph, Table
from services.reports.words import Words
from tests.unit.reports.sample import ZONE
from tidemark.v1 import question_pb2 as q
from tidemark.v1 import report_pb2 as pb
from tidemark.v1.dashboard_pb2 import Display
from tidemark.v1.query_pb2 import RunQueryResponse

WORDS = Words("en-GB", ZONE)
START = datetime(2026, 10, 5, tzinfo=WORDS.zone)
"""A Monday in Berlin."""
DAY = timedelta(days=1)
WEEK = Span(START, START + 7 * DAY)
HOSTILE = '=cmd|" /C calc"!A0 <script>alert(1)</script> \u202e😈 שלום \t'
NAN = math.nan
NOW = datetime(2026, 10, 12, 9, 30, tzinfo=UTC)
"""The day after the week."""
COUNT = q.Measure(name="order_placed", aggregation=q.AGGREGATION_COUNT)
PAID = q.Measure(name="order_placed", aggregation=q.AGGREGATION_SUM, field="properties.value")


def shown(display: Display | None = None, view: int = 0, title: str = "Orders", **kind: Any) -> Shown:
    """What is shown of the answer to a question about the week."""
    query = q.Query(time_range=range_of(WEEK), time_zone=ZONE, **kind)
    return Shown("orders", title, query, WORDS, display or Display(), view)  # type: ignore[arg-type]


def days(count: int = 7) -> dict[str, Any]:
    """When the days of the week begin."""
    made = q.SeriesResult()
    for day in range(count):
        made.bucket_starts.add().FromDatetime(START + day * DAY)
    return {"bucket_starts": made.bucket_starts}


def line(values: list[float], measure_id: str = "A", **others: Any) -> q.Series:
    return q.Series(**{"measure_id": measure_id, "values": values, "total": sum(values), **others})


def series(*lines: q.Series, count: int = 7) -> RunQueryResponse:
    return RunQueryResponse(series=q.SeriesResult(**days(count), series=lines))


def stamp(at: datetime) -> Timestamp:
    """An instant of a message."""
    found = Timestamp()
    found.FromDatetime(at)
    return found


def tables(blocks: list[Block]) -> dict[str, Table]:
    """Those of blocks, by their ids."""
    found = [block.table if isinstance(block, Figures) else block for block in blocks]
    return {each.table_id: each for each in found if isinstance(each, Table)}


def charts(blocks: list[Block]) -> list[Chart]:
    """Those of blocks."""
    return [block for block in blocks if isinstance(block, Chart)]


def rows(table: Table) -> list[tuple[Any, ...]]:
    """All rows of a table."""
    return [tuple(row.values()) for batch in table.rows.batches() for row in batch.to_pylist()]


def heads(table: Table) -> list[str]:
    """The titles of its columns."""
    return [column.title for column in table.columns]


def sentences(blocks: list[Block]) -> list[str]:
    """The paragraphs among blocks, without their marks."""
    return ["".join(run.text for run in block.runs) for block in blocks if isinstance(block, Paragraph)]


def asked(**changes: Any) -> Asked:
    """A report of no sections."""
    report = pb.Report(time_zone=ZONE)
    given: dict[str, Any] = {
        "project": "projects/demo", "project_title": "Demo", "project_zone": "UTC", "report": report, "sections": (), "now": NOW,
    }  # fmt: skip
    return Asked(**given | changes)
