"""A report as it would be now: which of its sections are built to show one, and the page of a document. Pure."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace

from services.kit.errors import Refused
from services.reports.document import Document
from services.reports.formats import html
from services.reports.proof import prove
from tidemark.v1 import report_pb2 as pb

ROWS = 50
"""Of a table."""
MAX_ANSWER = 3_000_000
"""Bytes of an answer: it stays below the 4 MiB that gRPC clients take by default."""


def built(sections: Sequence[pb.Section], section_id: str) -> Iterator[pb.Section]:
    """What is built to show one section, or all: a text may tell of the figures of others."""
    text = any(each.id == section_id and each.HasField("text") for each in sections)
    for each in sections:
        if section_id in ("", each.id) or (text and each.HasField("figures")):
            yield each


def page(document: Document, section_id: str) -> pb.PreviewReportResponse:
    """The page of a document, or of one section of it."""
    if section_id:
        kept = tuple(each for each in document.sections if each.section_id == section_id)
        document = replace(document, sections=kept)
    proofs, sink = prove(document), io.BytesIO()
    html.write(document, proofs, sink, ROWS)
    found = pb.PreviewReportResponse(html=sink.getvalue().decode(), sections=proofs)
    if found.ByteSize() > MAX_ANSWER:
        raise Refused(
            "the preview is larger than 3 MB: ask for one section of it, or make the report smaller",
            reason="PREVIEW_TOO_LARGE",
        )
    return found
