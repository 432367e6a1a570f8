"""The forms of files: how each is written, what it is called and what it is to a browser."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import BinaryIO
from zoneinfo import ZoneInfo

from services.reports.document import Document
from services.reports.formats import csv, html, json, pdf, xlsx
from tidemark.v1 import report_pb2 as pb

LONGEST = 60
"""Characters of a title in the name of a file."""

Write = Callable[[Document, Sequence[pb.SectionProof], BinaryIO], dict[str, int]]
"""Writes a document with what is proven of it into an open file; gives the rows held of tables that were cut."""


@dataclass(frozen=True, slots=True)
class Writer:
    """A form of files."""

    extension: str
    content_type: str
    write: Write


WRITERS: dict[pb.ReportFormat, Writer] = {
    pb.REPORT_FORMAT_PDF: Writer("pdf", "application/pdf", pdf.write),
    pb.REPORT_FORMAT_XLSX: Writer(
        "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", xlsx.write
    ),
    pb.REPORT_FORMAT_CSV: Writer("zip", "application/zip", csv.write),
    pb.REPORT_FORMAT_JSON: Writer("json", "application/json", json.write),
    pb.REPORT_FORMAT_HTML: Writer("html", "text/html; charset=utf-8", html.write),
}


def file_name(document: Document, form: pb.ReportFormat) -> str:
    """What a file is called when it is saved, as in `weekly-review-2026-11-02-2026-11-08.pdf`: letters that every system takes."""
    zone = ZoneInfo(document.time_zone)
    first = document.span.start.astimezone(zone).date()
    last = max(first, (document.span.end.astimezone(zone) - timedelta(microseconds=1)).date())
    days = [first.isoformat()] if first == last else [first.isoformat(), last.isoformat()]
    return "-".join([_slug(document.title) or "report", *days]) + f".{WRITERS[form].extension}"


def _slug(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", plain).strip("-")[:LONGEST].strip("-")
