"""Who sent what: rows of the ledger and the batches of two buckets come in, `Sender`s go out to `observed`. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import numpy as np

from services.insights.why.observed import MINUTE, Amounts, Floats, Sender
from services.kit.calendar import Span
from services.kit.instant import EPOCH
from tidemark.v1 import pipeline_pb2, query_pb2

Parts = Mapping[str, float]


def senders(
    spans: tuple[Span, Span, Span],
    rows: tuple[Sequence[query_pb2.LedgerEntry], ...],
    parts: tuple[Parts | None, Parts | None],
    now: datetime,
) -> tuple[Sender, ...]:
    """Everybody who sent something in the spans before, right before, and after, by name. `rows` are those of each span; `parts` what each
    producer brought of the series before and after, or None where that is not known: its part of all that was stored then. Nobody is
    called silent in the minute under way.
    """
    finished = max(1, (min(spans[2].end, now) - spans[2].start) // MINUTE)
    minutes = [_minutes(span, each) for span, each in zip(spans, rows)]
    amounts = [_amounts(each) for each in rows]
    scale = spans[2].length / spans[0].length
    names = sorted({name for each in minutes for name in each})
    nothing = [np.zeros(_length(span)) for span in spans]
    before, after = (
        given if given is not None else _stored(each) for given, each in zip(parts, (amounts[0], amounts[2]))
    )
    return tuple(
        Sender(
            name,
            before=minutes[0].get(name, nothing[0]),
            lead=minutes[1].get(name, nothing[1]),
            after=minutes[2].get(name, nothing[2])[:finished],
            was=_scaled(amounts[0].get(name), scale),
            now=_scaled(amounts[2].get(name), 1.0),
            part_before=before.get(name, 0.0),
            part_after=after.get(name, 0.0),
        )
        for name in names
    )


def parts_of(batches: Iterable[pipeline_pb2.BatchLineage]) -> Parts | None:
    """Which part each producer brought of a bucket; None where there is none."""
    rows: defaultdict[str, float] = defaultdict(float)
    for batch in batches:
        rows[batch.producer_id] += batch.row_count
    whole = sum(rows.values())
    return {name: count / whole for name, count in rows.items()} if whole else None


def _minutes(span: Span, rows: Sequence[query_pb2.LedgerEntry]) -> dict[str, Floats]:
    """What was received of each producer in each minute of the span."""
    found: dict[str, Floats] = {}
    for row in rows:
        place = int((row.minute.ToMilliseconds() - (span.start - EPOCH) / MINUTE * 60_000) // 60_000)
        if 0 <= place < _length(span):
            found.setdefault(row.producer_id, np.zeros(_length(span)))[place] += row.received
    return found


def _amounts(rows: Sequence[query_pb2.LedgerEntry]) -> dict[str, Amounts]:
    found: dict[str, Amounts] = {}
    for row in rows:
        so_far = found.get(row.producer_id, Amounts())
        found[row.producer_id] = Amounts(
            so_far.stored + row.stored,
            so_far.duplicate + row.duplicate,
            so_far.rejected + row.rejected,
            so_far.dead + row.dead_lettered,
        )
    return found


def _stored(amounts: Mapping[str, Amounts]) -> Parts:
    whole = sum(each.stored for each in amounts.values())
    return {name: each.stored / whole for name, each in amounts.items()} if whole else {}


def _scaled(amounts: Amounts | None, scale: float) -> Amounts:
    if amounts is None:
        return Amounts()
    return Amounts(
        amounts.stored * scale, amounts.duplicate * scale, amounts.rejected * scale, amounts.dead * scale
    )


def _length(span: Span) -> int:
    return max(1, round(span.length / MINUTE))
