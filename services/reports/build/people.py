"""Who the people are: a page of them, or a file of all, comes in; their table goes out."""

from collections.abc import Iterator, Sequence

from services.reports.build import sheet
from services.reports.build.sheet import Cells, instant
from services.reports.build.shown import Shown, nothing
from services.reports.document import Block, Column, Rows, Table
from tidemark.v1 import question_pb2 as q

FIELDS = {
    "user_id": Column("person", sheet.TEXT),
    "first_seen": Column("first seen", sheet.INSTANT),
    "last_seen": Column("last seen", sheet.INSTANT),
    "events": Column("events", sheet.COUNT),
}
"""The columns of a file of people that are shown."""


def page(people: Sequence[q.Person]) -> Rows:
    """Some of them, as rows."""
    columns: list[Sequence[object]] = [
        [each.user_id for each in people],
        [instant(each.first_seen) for each in people],
        [instant(each.last_seen) for each in people],
        [each.events for each in people],
    ]
    cells = [Cells(column.title, column.form, values) for column, values in zip(FIELDS.values(), columns)]
    return sheet.table("", "", cells).rows


def blocks(shown: Shown, rows: Rows) -> Iterator[Block]:
    """What is shown of the answer."""
    table = Table(shown.section_id, shown.title, tuple(FIELDS.values()), rows)
    yield from [table] if rows.count else nothing(table)
