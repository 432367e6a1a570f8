"""Whether the data can be trusted: the ledger, the quality of events and the producers come in, verdicts and tables go out."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from services.kit.calendar import Span
from services.reports.build import sheet
from services.reports.build.sheet import Cells, instant
from services.reports.build.shown import said
from services.reports.build.span import range_of
from services.reports.document import Block, Notice, Table, Trust
from services.reports.words import Words
from tidemark.v1 import pipeline_pb2 as pipeline
from tidemark.v1 import question_pb2 as q
from tidemark.v1.query_pb2 import GetLedgerResponse, LedgerEntry

MOST_EVENTS = 20
"""The busiest events that are told of."""
SILENT = timedelta(hours=1)
"""A producer that has not sent for so long is silent."""

_PARTS = {
    "received": "received",
    "stored": "stored",
    "duplicate": "repeated, counted once",
    "rejected": "refused and told so",
    "dead_lettered": "kept aside",
    "in_flight": "on the way",
}


def counted(span: Span, zone: str) -> q.Query:
    """The question how many events there are: its answer tells how far the data of a time can be trusted."""
    count = q.Measure(aggregation=q.AGGREGATION_COUNT)
    return q.Query(time_range=range_of(span), time_zone=zone, table=q.TableQuestion(measures=[count]))


def blocks(
    section_id: str,
    ledger: GetLedgerResponse,
    quality: Sequence[pipeline.EventQuality],
    producers: Sequence[pipeline.ProducerStatus],
    trust: Trust,
    span: Span,
    now: datetime,
    words: Words,
) -> Iterator[Block]:
    """What is shown of them."""
    yield _balance(ledger, words)
    yield _complete(trust, span, words)
    silent = [each for each in producers if (instant(each.last_received_at) or now) < now - SILENT]
    yield _sending(producers, silent, words)
    yield _account(section_id, ledger.total)
    yield _quality(section_id, quality)
    yield _silent(section_id, silent)


def _balance(ledger: GetLedgerResponse, words: Words) -> Notice:
    total = ledger.total
    text = (
        f"Of {words.number(total.received)} events and points received, {words.number(total.stored)} are stored, "
        f"{words.number(total.duplicate)} were repeated, {words.number(total.rejected)} refused, "
        f"{words.number(total.dead_lettered)} kept aside and {words.number(total.in_flight)} are on the way."
    )
    if ledger.balanced:
        return Notice("The ledger balances", (said(text),), "ok")
    remedy = "Compare the ledger with the letters kept aside before you use these figures."
    return Notice("The ledger does not balance", (said(text), said(remedy)), "data incident")


def _complete(trust: Trust, span: Span, words: Words) -> Notice:
    if trust.watermark is None:
        return Notice("Nothing has come in yet", (said("There is no watermark."),), "low")
    until = words.instant(trust.watermark)
    if trust.watermark >= span.end:
        return Notice(
            "The time is complete", (said(f"Everything up to {until} is believed to be in."),), "ok"
        )
    text = f"Everything up to {until} is believed to be in; what happened later may still come."
    share = f"About {words.percent(trust.completeness)} of the time's events are in."
    return Notice("The time is not complete", (said(text), said(share)), "medium")


def _sending(
    producers: Sequence[pipeline.ProducerStatus], silent: Sequence[pipeline.ProducerStatus], words: Words
) -> Notice:
    if not silent:
        text = (
            f"All {words.number(len(producers))} producers of the last seven days have sent within the hour."
        )
        return Notice("Every producer sends", (said(text),), "ok")
    text = f"{words.number(len(silent))} of {words.number(len(producers))} producers of the last seven days have not sent for an hour."
    return Notice("Producers are silent", (said(text),), "medium")


def _account(section_id: str, total: LedgerEntry) -> Table:
    columns = [
        Cells("what became of it", sheet.TEXT, list(_PARTS.values())),
        Cells("events and points", sheet.COUNT, [getattr(total, name) for name in _PARTS]),
    ]
    return sheet.table(f"{section_id}.ledger", "The ledger", columns)


def _quality(section_id: str, found: Sequence[pipeline.EventQuality]) -> Table:
    columns = [
        Cells("event", sheet.TEXT, [each.event_name for each in found]),
        Cells("events", sheet.COUNT, [each.count for each in found]),
        Cells("before", sheet.COUNT, [each.previous_count for each in found]),
        Cells("newest", sheet.INSTANT, [instant(each.last_occurred_at) for each in found]),
        Cells("checked", sheet.COUNT, [each.checked_count for each in found]),
        Cells("violations", sheet.COUNT, [each.violation_count for each in found]),
        Cells("share", sheet.SHARE, [each.violation_share for each in found]),
        Cells("rules failed", sheet.COUNT, [each.rule_failure_count for each in found]),
        Cells("kept aside", sheet.COUNT, [each.dead_lettered_count for each in found]),
        Cells("refused", sheet.COUNT, [each.rejected_count for each in found]),
    ]
    return sheet.table(f"{section_id}.quality", "The busiest events", columns)


def _silent(section_id: str, silent: Sequence[pipeline.ProducerStatus]) -> Table:
    columns = [
        Cells("producer", sheet.TEXT, [each.producer_id for each in silent]),
        Cells("door", sheet.TEXT, [each.source for each in silent]),
        Cells("last sent", sheet.INSTANT, [instant(each.last_received_at) for each in silent]),
    ]
    return sheet.table(f"{section_id}.silent", "Producers that are silent", columns, shown=bool(silent))
