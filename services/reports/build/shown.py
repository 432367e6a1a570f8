"""What a section shows of an answer: a chart, a table or both. Every module for a kind of question is given one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.reports.build.sheet import Cells, at, table
from services.reports.document import Block, Paragraph, Run, Table
from services.reports.words import Words
from tidemark.v1 import question_pb2 as q
from tidemark.v1.dashboard_pb2 import Display
from tidemark.v1.report_pb2 import QuestionSection

NOTHING = "Nothing was found in this time."
MOST_BARS = 30
"""Bars of a chart of categories; the table has all."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of an answer, and in which words."""

    section_id: str
    title: str
    query: q.Query
    """The question as it was asked, its time resolved."""
    words: Words
    display: Display
    view: "QuestionSection.View" = QuestionSection.VIEW_UNSPECIFIED

    @property
    def end(self) -> datetime:
        """The end of the time asked about."""
        return at(self.query.time_range.end)

    def charted(self, *, usually: bool) -> bool:
        """Whether there is a chart; `usually` is what this kind has where nothing is said."""
        if self.view:
            return self.view != QuestionSection.VIEW_TABLE
        return usually if not self.display.kind else self.display.kind != Display.KIND_TABLE

    @property
    def tabled(self) -> bool:
        """Whether tables are drawn where people read."""
        return self.view != QuestionSection.VIEW_CHART

    def table(
        self, columns: Sequence[Cells], part: str = "", title: str = "", *, shown: bool = True
    ) -> Table:
        """The table of the section, or another part of it with a title of its own."""
        table_id = f"{self.section_id}.{part}" if part else self.section_id
        return table(table_id, title or self.title, columns, shown=shown and self.tabled)

    def chart_id(self, place: int = 0) -> str:
        """Names a chart of the section."""
        return f"{self.section_id}.chart{place + 1 if place else ''}"


def said(text: str) -> Paragraph:
    """A sentence of ours."""
    return Paragraph((Run(text),))


def nothing(table: Table) -> list[Block]:
    """What stands where an answer is empty; its table, without rows, is in the data formats."""
    return [said(NOTHING), replace(table, shown=False)]
