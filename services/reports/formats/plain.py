"""A document in plain values, for `json` and for the manifest in the archive of `csv`: all but the rows of its tables.

docs/report.schema.json describes what comes out.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from google.protobuf.json_format import MessageToDict

from services.reports.document import (
    Block,
    Chart,
    Column,
    Document,
    Figure,
    Figures,
    Form,
    Notice,
    Paragraph,
    Section,
    Style,
    Table,
    Trust,
)
from tidemark.v1 import report_pb2 as pb

FORMAT = "tidemark.report.v1"
"""Says what a file is; changes where a reader would have to."""

Plain = dict[str, Any]


def head(document: Document) -> Plain:
    """What a document is about."""
    return {
        "format": FORMAT,
        "title": document.title,
        "description": document.description,
        "project": document.project,
        "time_range": {"start": instant(document.span.start), "end": instant(document.span.end)},
        "time_zone": document.time_zone,
        "locale": document.locale,
        "made_at": instant(document.made_at),
        "filters": list(document.filters),
        "notes": list(document.notes),
    }


def section(told: Section) -> Plain:
    """A section; its tables by their names."""
    return {
        "id": told.section_id,
        "title": told.title,
        "trust": _trust(told.trust),
        "blocks": [_block(block) for block in told.blocks],
    }


def table(shown: Table) -> Plain:
    """What a table is, without its rows."""
    return {
        "id": shown.table_id,
        "title": shown.title,
        "shown": shown.shown,
        "columns": [_column(column) for column in shown.columns],
    }


def proof(proofs: Sequence[pb.SectionProof]) -> list[Plain]:
    """What is counted, as REST spells it but for whole numbers, which are numbers."""
    return [_whole(MessageToDict(each, always_print_fields_with_no_presence=True)) for each in proofs]


def instant(at: datetime) -> str:
    """As in 2026-11-01T12:30:00.000000Z."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _whole(counted: Plain) -> Plain:
    for each in counted["tables"]:
        each["rowCount"] = int(each["rowCount"])
        for column in each["columns"]:
            column["valueCount"] = int(column["valueCount"])
    return counted


def _trust(trust: Trust) -> Plain:
    return {
        "data_version": trust.data_version,
        "as_of": trust.as_of,
        "watermark": None if trust.watermark is None else instant(trust.watermark),
        "completeness": trust.completeness,
        "notes": list(trust.notes),
    }


def _block(block: Block) -> Plain:
    match block:
        case Paragraph():
            return {"type": "paragraph", **_paragraph(block)}
        case Notice():
            paragraphs = [_paragraph(each) for each in block.paragraphs]
            return {"type": "notice", "title": block.title, "mark": block.mark, "paragraphs": paragraphs}
        case Figures():
            figures = [_figure(each) for each in block.figures]
            return {"type": "figures", "table": block.table.table_id, "figures": figures}
        case Chart():
            return {"type": "chart", **_chart(block)}
        case Table():
            return {"type": "table", "table": block.table_id}


def _paragraph(paragraph: Paragraph) -> Plain:
    runs = [
        {
            "text": run.text,
            "bold": Style.BOLD in run.style,
            "italic": Style.ITALIC in run.style,
            "link": run.link,
        }
        for run in paragraph.runs
    ]
    return {"level": paragraph.level, "item": paragraph.item, "runs": runs}


def _figure(figure: Figure) -> Plain:
    return {
        "id": figure.figure_id,
        "title": figure.title,
        "value": figure.value,
        "before": figure.before,
        "compared": figure.compared,
        "less_is_better": figure.less_is_better,
        "trend": list(figure.trend),
        **_form(figure.form),
    }


def _chart(chart: Chart) -> Plain:
    """The numbers of a chart stand in its table."""
    return {
        "id": chart.chart_id,
        "title": chart.title,
        "drawing": chart.drawing.value,
        "table": chart.table_id,
        "series": [line.title for line in chart.series],
        "stacked": chart.stacked,
        "summary": chart.summary,
    }


def _column(column: Column) -> Plain:
    return {"title": column.title, **_form(column.form)}


def _form(form: Form) -> Plain:
    return {"kind": form.kind.value, "unit": form.unit, "decimals": form.decimals, "bucket": form.bucket}
