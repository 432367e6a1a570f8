"""The account that a commit gives of itself: a microbatch and its outcome come in, what to put beside the rows goes out to `store`.

Each statement takes its rows as one array a column. Pure.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import orjson

from services.ingest.entry import QUALITY
from services.ingest.microbatch import MINUTE_US, Microbatch
from services.ingest.outcome import Outcome
from services.kit.instant import at

Row = tuple[object, ...]
Touched = Mapping[int, Mapping[int, Sequence[tuple[int, int]]]]
"""By partition and project: spans of event time, as [start, end) microseconds."""

HOUR_US = 60 * MINUTE_US
AMOUNTS = ("received", "stored", "duplicate", "rejected", "dead_lettered")

_PUT_LEDGER = """
INSERT INTO ledger AS had (project_id, producer_id, minute, received, stored, duplicate, rejected, dead_lettered)
SELECT * FROM unnest(
    %s::int[], %s::text[], %s::timestamptz[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
ON CONFLICT (project_id, producer_id, minute) DO UPDATE SET
    received = had.received + excluded.received, stored = had.stored + excluded.stored,
    duplicate = had.duplicate + excluded.duplicate, rejected = had.rejected + excluded.rejected,
    dead_lettered = had.dead_lettered + excluded.dead_lettered
"""
_PUT_BATCHES = """
INSERT INTO batches (batch_id, project_id, producer_id, epoch, sequence, entry_id, sent_at, received_at,
    stored, duplicate, rejected, dead_lettered, source, rules_version, schemas, watermark)
SELECT given.*, (SELECT watermark FROM partitions WHERE partition = given.batch_id & 4095) FROM unnest(
    %s::bigint[], %s::int[], %s::text[], %s::bigint[], %s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[],
    %s::int[], %s::int[], %s::int[], %s::int[], %s::text[], %s::int[], %s::jsonb[]) AS given (batch_id)
"""
_PUT_PRODUCERS = """
INSERT INTO producers AS had (project_id, producer_id, epoch, sequence, received)
SELECT * FROM unnest(%s::int[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[])
ON CONFLICT (project_id, producer_id) DO UPDATE SET
    epoch = excluded.epoch, sequence = excluded.sequence, received = had.received + excluded.received, updated_at = now()
"""
_PUT_TOTALS = """
INSERT INTO project_totals AS had (partition, project_id, received, repairs)
SELECT * FROM unnest(%s::smallint[], %s::int[], %s::bigint[], %s::bigint[])
ON CONFLICT (partition, project_id) DO UPDATE SET
    received = had.received + excluded.received, repairs = had.repairs + excluded.repairs
"""
_PUT_COMMITS = """
INSERT INTO commits (partition, version, project_id, touched)
SELECT * FROM unnest(%s::smallint[], %s::bigint[], %s::int[], %s::text[]::tstzmultirange[])
"""
_PUT_DEAD_LETTERS = """
INSERT INTO dead_letters (project_id, batch_id, received_at, producer_id, kind, rows, reason, field, message, signature,
    name, event_id, user_id, content)
SELECT * FROM unnest(
    %s::int[], %s::bigint[], %s::timestamptz[], %s::text[], %s::text[], %s::int[], %s::text[], %s::text[], %s::text[], %s::text[],
    %s::text[], %s::uuid[], %s::text[], %s::bytea[])
"""
_PUT_QUALITY = """
INSERT INTO quality AS had (project_id, hour, name, checked, violations, rule_failures, dead_lettered, rejected)
SELECT * FROM unnest(
    %s::int[], %s::timestamptz[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
ON CONFLICT (project_id, name, hour) DO UPDATE SET
    checked = had.checked + excluded.checked, violations = had.violations + excluded.violations,
    rule_failures = had.rule_failures + excluded.rule_failures,
    dead_lettered = had.dead_lettered + excluded.dead_lettered, rejected = had.rejected + excluded.rejected
"""
# What is repaired was dead-lettered with the batch that first brought it, which therefore has as much less.
_SETTLE = """
WITH repaired AS (
    UPDATE dead_letters SET state = 2, settled_at = now(), settled_by = repair.batch_id
    FROM unnest(%s::bigint[], %s::bigint[]) AS repair (dead_letter_id, batch_id)
    WHERE dead_letters.dead_letter_id = repair.dead_letter_id
    RETURNING dead_letters.batch_id, received_at
), brought AS (
    SELECT batch_id, received_at, count(*) AS letters FROM repaired GROUP BY batch_id, received_at
)
UPDATE batches SET dead_lettered = dead_lettered - letters FROM brought
WHERE batches.batch_id = brought.batch_id AND batches.received_at = brought.received_at
"""


def account(work: Microbatch, result: Outcome, touched: Touched) -> Iterator[tuple[str, list[Row]]]:
    """Every statement with its rows: ledger, batches, producers, totals, commits, dead letters, repairs and quality."""
    yield (
        _PUT_LEDGER,
        [
            (project, producer, at(minute_us), *(added[name] for name in AMOUNTS))
            for (project, producer, minute_us), added in sorted(amounts(work, result).items())
        ],
    )
    yield _PUT_BATCHES, _batches(work, result)
    yield _PUT_PRODUCERS, _producers(work)
    yield _PUT_TOTALS, _totals(work)
    yield _PUT_COMMITS, _commits(work, touched)
    yield _PUT_DEAD_LETTERS, _dead_letters(work, result)
    yield _SETTLE, [(letter, work.batches[index].batch_id) for letter, index in result.repaired.items()]
    yield _PUT_QUALITY, _quality(work)


def amounts(work: Microbatch, result: Outcome) -> dict[tuple[int, str, int], Counter[str]]:
    """What to add to each row of the ledger, by project, producer and minute of receipt in microseconds."""
    rows: defaultdict[tuple[int, str, int], Counter[str]] = defaultdict(Counter)
    for index, batch in enumerate(work.batches):
        header = batch.header
        row = rows[header.project_id, header.producer_id, header.received_us // MINUTE_US * MINUTE_US]
        stored, duplicate = int(result.stored[index]), int(result.duplicate[index])
        row["received"] += header.received
        row["stored"] += stored
        row["duplicate"] += duplicate
        row["rejected"] += header.rejected
        # What a repair brings was received as dead letters, in this very minute.
        row["dead_lettered"] += -(stored + duplicate) if header.repairs else int(result.dead[index])
    return rows


def _batches(work: Microbatch, result: Outcome) -> list[Row]:
    return [
        (
            batch.batch_id,
            batch.header.project_id,
            batch.header.producer_id,
            batch.header.epoch,
            batch.header.sequence,
            batch.entry_id,
            at(batch.header.sent_us) if batch.header.sent_us else None,
            at(batch.header.received_us),
            int(result.stored[index]),
            int(result.duplicate[index]),
            batch.header.rejected,
            int(result.dead[index]),
            batch.header.source,
            batch.header.rules,
            orjson.dumps(batch.header.schemas).decode() if batch.header.schemas else None,
        )
        for index, batch in enumerate(work.batches)
    ]


def _producers(work: Microbatch) -> list[Row]:
    """The last batch of each producer; one outside any sequence, or committed before, moves nobody on."""
    received: Counter[tuple[int, str]] = Counter()
    last: dict[tuple[int, str], tuple[int, int]] = {}
    for batch in work.batches:
        header = batch.header
        if header.sequence and not batch.repeated:
            producer = (header.project_id, header.producer_id)
            received[producer] += header.received
            last[producer] = (header.epoch, header.sequence)
    return [(*producer, *last[producer], received[producer]) for producer in sorted(last)]


def _totals(work: Microbatch) -> list[Row]:
    received: Counter[tuple[int, int]] = Counter()
    repairs: Counter[tuple[int, int]] = Counter()
    for batch in work.batches:
        received[batch.partition, batch.header.project_id] += batch.header.received
        repairs[batch.partition, batch.header.project_id] += bool(batch.header.repairs)
    return [(*key, count, repairs[key]) for key, count in sorted(received.items())]


def _commits(work: Microbatch, touched: Touched) -> list[Row]:
    return [
        (partition, work.after[partition].version, project, _multirange(spans))
        for partition, projects in touched.items()
        for project, spans in projects.items()
    ]


def _multirange(spans: Sequence[tuple[int, int]]) -> str:
    """Spans as PostgreSQL reads a `tstzmultirange`."""
    return f"{{{','.join(f'[{at(start).isoformat()},{at(end).isoformat()})' for start, end in spans)}}}"


def _dead_letters(work: Microbatch, result: Outcome) -> list[Row]:
    rows: list[Row] = []
    for letter in result.letters:
        batch = work.batches[letter.batch]
        rows.append(
            (
                batch.header.project_id,
                batch.batch_id,
                at(batch.header.received_us),
                batch.header.producer_id,
                letter.kind,
                letter.rows,
                letter.why.reason,
                letter.why.field,
                letter.why.message,
                letter.signature,
                letter.name,
                letter.event_id.hex() if letter.event_id else None,
                letter.user_id,
                letter.content,
            )
        )
    return rows


def _quality(work: Microbatch) -> list[Row]:
    """What ingest has counted of the events of each name; a batch that was committed before counts no more."""
    counts: defaultdict[tuple[int, int, str], Counter[str]] = defaultdict(Counter)
    for batch in work.batches:
        if not batch.repeated:
            header = batch.header
            for name, added in header.quality.items():
                hour_us = header.received_us // HOUR_US * HOUR_US
                counts[header.project_id, hour_us, name].update(dict(zip(QUALITY, added)))
    return [
        (project, at(hour_us), name, *(added[what] for what in QUALITY))
        for (project, hour_us, name), added in sorted(counts.items())
    ]
