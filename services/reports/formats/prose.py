"""Sentences that pages say about a document, the same on paper and on the screen.

Comes in: tables, trust, proofs. Goes out: texts. Next: `pdf` and `html` set them. Pure.
"""

from collections.abc import Sequence
from datetime import UTC
from itertools import groupby

from services.reports.document import Document, Form, Kind, Section, Table, Trust
from services.reports.words import Words
from tidemark.v1.report_pb2 import SectionProof, TableProof

COUNT = Form(Kind.INTEGER)
SHARE = Form(Kind.SHARE)
NUMBERS = (Kind.INTEGER, Kind.NUMBER, Kind.SHARE, Kind.DURATION)
"""Kinds that stand at the right of their column."""
TIMES = (Kind.INSTANT, Kind.BUCKET, Kind.BOOLEAN)
"""Kinds that are short, and are not wrapped."""


def cut(table: Table, held: int, words: Words) -> str:
    """Below a table that does not hold all its rows."""
    shown, all_rows = words.value(held, COUNT), words.value(table.rows.count, COUNT)
    return (
        f"The first {shown} of {all_rows} rows. The CSV, XLSX and JSON files of this report hold all of them."
    )


def facts(document: Document, words: Words) -> list[tuple[str, str]]:
    """What stands below the title: names and what they are."""
    told = [
        ("Time", words.span(document.span)),
        ("Time zone", document.time_zone),
        ("Made", words.instant(document.made_at)),
    ]
    return [
        *told,
        *(("Only where" if not place else "", text) for place, text in enumerate(document.filters)),
    ]


def trust(trust: Trust, words: Words) -> str:
    """Below a section: up to when, how complete, of which data."""
    told = []
    if trust.watermark:
        told.append(f"Complete up to {words.instant(trust.watermark)}")
    if trust.completeness < 1:
        told.append(f"{words.value(trust.completeness, SHARE)} of the events are in it")
    if trust.data_version:
        told.append(f"Data version {trust.data_version}")
    return " · ".join(told)


PROOF = (
    "Every number of this report comes from the tables below. The sums are those of all rows, also of rows that are not printed; the"
    " files of this report agree in all of them. The hash is taken over every cell, as docs/reports.md says."
)


def sums(table: Table, proof: TableProof) -> str:
    """The control totals of a table, beside each other."""
    return " · ".join(f"{title} {said}" for title, said in totals(table, proof))


def totals(table: Table, proof: TableProof) -> list[tuple[str, str]]:
    """The control totals of a table: its columns of numbers with their sums, as exact as they are."""
    return [
        (shortened(total.title), exact(total.sum))
        for column, total in zip(table.columns, proof.columns)
        if column.form.kind in NUMBERS
    ]


def shortened(text: str, most: int = 80) -> str:
    """A text, or its beginning and an ellipsis."""
    return text if len(text) <= most else text[: most - 1] + "…"


def exact(value: float) -> str:
    """A sum with all its digits, without an exponent where it has few."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def proven(document: Document, proofs: Sequence[SectionProof]) -> list[tuple[Section, Table, TableProof]]:
    """All tables with their sections and what is counted of them."""
    return [
        (section, table, counted)
        for section, proof in zip(document.sections, proofs)
        for table, counted in zip(section.tables, proof.tables)
    ]


def letters(missing: Sequence[str]) -> str:
    """Which letters could not be shown, script by script: the number of each, for they cannot be shown here either."""
    if not missing:
        return ""
    codes = sorted(ord(letter) for letter in missing)
    runs = [
        [code for _, code in group] for _, group in groupby(enumerate(codes), lambda pair: pair[1] - pair[0])
    ]
    told = [f"U+{run[0]:04X}" + (f" to U+{run[-1]:04X}" if len(run) > 1 else "") for run in runs]
    more = f" and {len(told) - 12} more ranges" if len(told) > 12 else ""
    return (
        f"No font of the machine that made this file has these letters, which a mark stands for: {', '.join(told[:12])}{more}."
        " HTML, CSV, XLSX and JSON have them as they are."
    )


def until(proof: SectionProof, words: Words) -> str:
    """The event time up to which the data of a section are believed complete."""
    return words.instant(proof.watermark.ToDatetime(UTC)) if proof.HasField("watermark") else "–"
