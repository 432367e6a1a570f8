"""The account that a commit gives of itself: a microbatch and its outcome come in, what to put beside the rows goes out to `store`.

Each statement takes its rows as one array a column. Pure.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from services.ingest.microbatch import MINUTE_US, DeadLetter, Microbatch, Outcome
from services.kit.instant import at

Row = tuple[object, ...]
Touched = Mapping[int, Mapping[int, Sequence[tuple[int, int]]]]
"""By partition and project: spans of event time, as [start, end) microseconds."""

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
    stored, duplicate, rejected, dead_lettered)
SELECT * FROM unnest(
    %s::bigint[], %s::int[], %s::text[], %s::bigint[], %s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[],
    %s::int[], %s::int[], %s::int[], %s::int[])
"""
_PUT_PRODUCERS = """
INSERT INTO producers AS had (project_id, producer_id, epoch, sequence, received)
SELECT * FROM unnest(%s::int[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[])
ON CONFLICT (project_id, producer_id) DO UPDATE SET
    epoch = excluded.epoch, sequence = excluded.sequence, received = had.received + excluded.received, updated_at = now()
"""
_PUT_TOTALS = """
INSERT INTO project_totals AS had (partition, project_id, received)
SELECT * FROM unnest(%s::smallint[], %s::int[], %s::bigint[])
ON CONFLICT (partition, project_id) DO UPDATE SET received = had.received + excluded.received
"""
_PUT_COMMITS = """
INSERT INTO commits (partition, version, project_id, touched)
SELECT * FROM unnest(%s::smallint[], %s::bigint[], %s::int[], %s::text[]::tstzmultirange[])
"""
_PUT_DEAD_LETTERS = """
INSERT INTO dead_letters (project_id, batch_id, received_at, reason, message, content)
SELECT * FROM unnest(%s::int[], %s::bigint[], %s::timestamptz[], %s::text[], %s::text[], %s::bytea[])
"""


def account(
    work: Microbatch, result: Outcome, letters: Sequence[DeadLetter], touched: Touched
) -> Iterator[tuple[str, list[Row]]]:
    """Every statement with its rows: ledger, batches, producers, totals, commits and dead letters."""
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
    yield _PUT_DEAD_LETTERS, _dead_letters(work, letters)


def amounts(work: Microbatch, result: Outcome) -> dict[tuple[int, str, int], Counter[str]]:
    """What to add to each row of the ledger, by project, producer and minute of receipt in microseconds."""
    rows: defaultdict[tuple[int, str, int], Counter[str]] = defaultdict(Counter)
    for index, batch in enumerate(work.batches):
        header = batch.header
        row = rows[header.project_id, header.producer_id, header.received_us // MINUTE_US * MINUTE_US]
        row["received"] += header.received
        row["stored"] += int(result.stored[index])
        row["duplicate"] += int(result.duplicate[index])
        row["rejected"] += header.rejected
        row["dead_lettered"] += int(result.dead[index])
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
    for batch in work.batches:
        received[batch.partition, batch.header.project_id] += batch.header.received
    return [(*key, count) for key, count in sorted(received.items())]


def _commits(work: Microbatch, touched: Touched) -> list[Row]:
    return [
        (partition, work.after[partition].version, project, _multirange(spans))
        for partition, projects in touched.items()
        for project, spans in projects.items()
    ]


def _multirange(spans: Sequence[tuple[int, int]]) -> str:
    """Spans as PostgreSQL reads a `tstzmultirange`."""
    return f"{{{','.join(f'[{at(start).isoformat()},{at(end).isoformat()})' for start, end in spans)}}}"


def _dead_letters(work: Microbatch, letters: Sequence[DeadLetter]) -> list[Row]:
    rows: list[Row] = []
    for letter in letters:
        batch = work.batches[letter.batch]
        received_at = at(batch.header.received_us)
        rows.append(
            (
                batch.header.project_id,
                batch.batch_id,
                received_at,
                letter.reason,
                letter.message,
                letter.content,
            )
        )
    return rows
