"""What an edition proves: a document, its proofs and its files come in, the `Manifest` goes out to `store`. Pure.

A rerun is compared with the edition that it repeats, proof by proof: what differs is said in words, with both values.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from services.reports.document import Document
from services.reports.summary import figures
from services.reports.words import Words
from tidemark import __version__
from tidemark.v1 import edition_pb2 as pb
from tidemark.v1.question_pb2 import Filter, FilterGroup, TimeRange
from tidemark.v1.report_pb2 import ColumnProof, Report, SectionProof, TableProof

MAX_DIFFERENCES = 100
"""What is more is counted."""


def manifest(
    report: Report,
    beside: Filter | None,
    document: Document,
    proofs: Sequence[SectionProof],
    files: Iterable[pb.EditionFile],
) -> pb.Manifest:
    """What an edition of a report holds; `beside` is a filter that was asked for beside the report's."""
    made = pb.Manifest(
        report_version=report.version,
        template=report.template if report.HasField("template") else None,
        time_range=_range(document),
        time_zone=document.time_zone,
        locale=document.locale,
        filter=joined(report.filter if report.HasField("filter") else None, beside),
        as_of=next((each.trust.as_of for each in document.sections if each.trust.as_of), ""),
        data_version=_version([proof.data_version for proof in proofs]),
        sections=proofs,
        files=files,
        tidemark_version=__version__,
        figures=figures(document, Words(document.locale, document.time_zone)),
    )
    known = [each.trust.watermark for each in document.sections if each.trust.watermark is not None]
    if known:
        made.watermark.FromDatetime(min(known))
    return made


def repeated(made: pb.Manifest, original: pb.Manifest, name: str) -> pb.Manifest:
    """The manifest of a rerun, with what differs from the edition of this name."""
    found = pb.Manifest()
    found.CopyFrom(made)
    found.rerun_of = name
    found.differences.extend(differences(original.sections, made.sections))
    return found


def differences(before: Iterable[SectionProof], after: Iterable[SectionProof]) -> list[str]:
    """What is not as it was, and what the data say of it; none where every table has the same cells."""
    was, now = list(before), list(after)
    tables = {each.table_id: each for section in was for each in section.tables}
    others = {each.table_id: each for section in now for each in section.tables}
    found = [text for name in (tables | others) for text in _table(name, tables.get(name), others.get(name))]
    more = len(found) - MAX_DIFFERENCES
    if more > 0:
        found[MAX_DIFFERENCES:] = [f"and {more:,} more"]
    if found:
        notes = {section.section_id: set(section.notes) for section in was}
        found += [
            f"{section.section_id}: {note}"
            for section in now
            for note in section.notes
            if note not in notes.get(section.section_id, ())
        ]
    return found


def joined(*filters: Filter | None) -> Filter | None:
    """All of these at once."""
    given = [each for each in filters if each is not None and each.WhichOneof("node")]
    return Filter(all=FilterGroup(filters=given)) if len(given) > 1 else next(iter(given), None)


def _table(name: str, was: TableProof | None, now: TableProof | None) -> Iterator[str]:
    if was is None or now is None:
        yield f"{name}: the table is {'new' if was is None else 'gone'}"
        return
    if was.sha256 == now.sha256:
        return
    count = 0
    for text in _totals(name, was, now):
        count += 1
        yield text
    if not count:
        yield f"{name}: cells differ, though rows and sums are the same"


def _totals(name: str, was: TableProof, now: TableProof) -> Iterator[str]:
    if was.row_count != now.row_count:
        yield f"{name}: {now.row_count:,} rows, were {was.row_count:,}"
    titles = [each.title for each in was.columns]
    if titles != [each.title for each in now.columns]:
        yield f"{name}: columns {', '.join(each.title for each in now.columns)}, were {', '.join(titles)}"
        return
    for earlier, later in zip(was.columns, now.columns, strict=True):
        yield from _column(f"{name}, {earlier.title}", earlier, later)


def _column(name: str, was: ColumnProof, now: ColumnProof) -> Iterator[str]:
    if was.value_count != now.value_count:
        yield f"{name}: {now.value_count:,} values, were {was.value_count:,}"
    if was.sum != now.sum:
        yield f"{name}: {_number(now.sum)} in all, were {_number(was.sum)}"


def _number(value: float) -> str:
    """All digits of it, so that two that differ look different."""
    return f"{int(value):,}" if value.is_integer() and abs(value) < 2**53 else f"{value!r}"


def _range(document: Document) -> TimeRange:
    found = TimeRange()
    found.start.FromDatetime(document.span.start)
    found.end.FromDatetime(document.span.end)
    return found


def _version(versions: Iterable[str]) -> str:
    """The version of the data of all sections: theirs where it is one, or a name for several."""
    different = sorted({each for each in versions if each})
    if len(different) < 2:
        return "".join(different)
    return hashlib.sha256("\n".join(different).encode()).hexdigest()[:32]
