"""What became of a microbatch: what the database says of its rows comes in from `store`, counts and rows go out to `ledger` and `rollup`.

Pure.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from services.ingest import deadletter
from services.ingest.deadletter import FAULTS, DeadLetter, Reason
from services.ingest.microbatch import MINUTE_US, Batch, Mask, Microbatch, Rows

MAX_TOUCHED = 64
"""Spans of event time that a commit tells of a project; where there are more, the nearest are joined."""
MAX_NAMES = 64
"""Names that a commit tells of a project; where there are more, it tells none."""


@dataclass(frozen=True)
class Outcome:
    """What became of a microbatch's rows once the database has spoken: counts per batch, and what is stored."""

    stored: NDArray[np.int64]
    duplicate: NDArray[np.int64]
    dead: NDArray[np.int64]
    events: Rows
    points: Rows
    letters: list[DeadLetter]
    """What becomes a dead letter."""
    repaired: dict[int, int]
    """The dead letters that are stored now, or were known before, with the index of the batch that repaired each."""

    def broken(self, batches: Sequence[Batch]) -> dict[int, tuple[int, int]]:
        """By partition: rows that were new to it, and how many of them cannot be stored though no schema or rule set them aside."""
        rows, broken = self.stored + self.duplicate + self.dead, np.zeros(len(batches), np.int64)
        for letter in self.letters:
            if letter.why.reason not in FAULTS:
                broken[letter.batch] += letter.rows
        counts: dict[int, tuple[int, int]] = {}
        for index, batch in enumerate(batches):
            if not batch.repeated and not batch.header.repairs:
                had = counts.get(batch.partition, (0, 0))
                counts[batch.partition] = (had[0] + int(rows[index]), had[1] + int(broken[index]))
        return counts

    def touched(self, batches: Sequence[Batch]) -> dict[int, dict[int, list[tuple[int, int]]]]:
        """By partition and project: the spans of whole minutes in event time that changed, as [start, end) microseconds."""
        minutes: dict[tuple[int, int], list[int]] = {}
        owner_of_batch = [(each.partition, each.header.project_id) for each in batches]
        owners = sorted(set(owner_of_batch))
        numbers = {owner: number for number, owner in enumerate(owners)}
        number_of_batch = np.array([numbers[owner] for owner in owner_of_batch], np.int64)
        for rows in (self.events, self.points):
            if not len(rows.batch):
                continue
            minute = rows.at_us // MINUTE_US
            first, width = int(minute.min()), int(np.ptp(minute)) + 1
            for code in np.unique(number_of_batch[rows.batch] * width + (minute - first)).tolist():
                minutes.setdefault(owners[code // width], []).append(first + code % width)
        spans: dict[int, dict[int, list[tuple[int, int]]]] = {}
        for (partition, project), values in minutes.items():
            spans.setdefault(partition, {})[project] = _spans(np.unique(np.array(values, np.int64)))
        return spans

    def names(self) -> dict[int, list[str] | None]:
        """By project: the names of what is stored, None for more than `MAX_NAMES`."""
        found: dict[int, list[str] | None] = {}
        tables = [rows.table.select(["project_id", "name"]) for rows in (self.events, self.points)]
        stored = pa.concat_tables(tables)
        for project in pc.unique(stored["project_id"]).to_pylist():
            names = pc.unique(stored["name"].filter(pc.equal(stored["project_id"], project)))
            found[project] = names.to_pylist() if len(names) <= MAX_NAMES else None
        return found


def _spans(minutes: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Sorted minutes as at most `MAX_TOUCHED` spans; the smallest gaps are closed first."""
    gaps = np.diff(minutes) - 1
    open_gaps = np.flatnonzero(gaps > 0)
    if len(open_gaps) >= MAX_TOUCHED:
        open_gaps = np.sort(open_gaps[np.argsort(gaps[open_gaps])[-(MAX_TOUCHED - 1) :]])
    starts = minutes[np.concatenate([[0], open_gaps + 1]).astype(np.int64)]
    ends = minutes[np.concatenate([open_gaps, [len(minutes) - 1]]).astype(np.int64)] + 1
    return [(int(start) * MINUTE_US, int(end) * MINUTE_US) for start, end in zip(starts, ends)]


@dataclass(frozen=True)
class Copied:
    """What the database says of rows, each shape (rows,): which are new to it and which it can store; and why not, of the others."""

    fresh: Mask
    storable: Mask
    messages: Sequence[str]


def outcome(work: Microbatch, events: Copied, points: Copied) -> Outcome:
    """What became of `work`."""
    count = len(work.batches)
    keep = events.fresh & events.storable & ~work.repeated_ids
    stored = np.bincount(work.events.batch[keep], minlength=count)
    stored += np.bincount(work.points.batch[points.storable], minlength=count)
    letters = [
        *work.dead,
        *_unstorable("events", work.events, events),
        *_unstorable("points", work.points, points),
    ]
    dead = np.zeros(count, np.int64)
    for letter in letters:
        dead[letter.batch] += letter.rows
    accounted = np.array([each.header.accepted for each in work.batches], np.int64)
    repaired: dict[int, int] = {}
    for rows, copied in ((work.events, events), (work.points, points)):
        of_letters = copied.storable & (rows.letter > 0)
        repaired |= dict(zip(rows.letter[of_letters].tolist(), rows.batch[of_letters].tolist()))
    counts = Counter(repaired.values())
    for index, batch in enumerate(work.batches):
        if batch.header.repairs:
            # What is still no good stays the letter that it is.
            accounted[index] = counts[index]
    return Outcome(
        stored,
        accounted - stored - dead,
        dead,
        work.events.filter(keep),
        work.points.filter(points.storable),
        letters,
        repaired,
    )


def _unstorable(kind: str, rows: Rows, copied: Copied) -> list[DeadLetter]:
    """Dead letters of the rows that the database refuses, but those that are letters already."""
    refused = np.flatnonzero(~copied.storable)
    chosen = [
        (row, text)
        for row, text in zip(refused.tolist(), copied.messages, strict=True)
        if not rows.letter[row]
    ]
    if not chosen:
        return []
    why = [Reason("UNSTORABLE", text) for _, text in chosen]
    places = [row for row, _ in chosen]
    return deadletter.of_rows(kind, rows.table.take(places), rows.batch[places].tolist(), why)
