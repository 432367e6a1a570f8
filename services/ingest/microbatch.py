"""Gathers entries of the log into one transaction's worth of database rows: `writer` brings entries, `store` takes the result.

Rows stay columns throughout; those at fault become dead letters here. What the database alone can tell, which events it already
holds and which letters are open, arrives later.
Pure: no clock, no I/O.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from services.ingest import deadletter, entry
from services.ingest.columns import EVENTS, POINTS
from services.ingest.deadletter import DeadLetter, Reason
from services.ingest.entry import Header
from services.kit.keys import MAX_PARTITIONS, log_key

MINUTE_US = 60_000_000
LATENESS_DECAY = 0.9
"""What a partition's lateness keeps of itself when nothing comes that is as late."""
_LAST_MS = 7_258_118_400_000
"""The first instant of 2200."""

Mask = NDArray[np.bool_]
Known = Mapping[tuple[int, str], tuple[int, int]]
"""Epoch and sequence of the last batch committed, by project and producer."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a partition is committed, as its row in `partitions` says."""

    partition: int
    epoch: int
    last_id: str
    version: int
    batches: int
    received: int
    bytes: int
    watermark_us: int
    lateness_us: int
    paused: bool = False
    """Whether it is not to be read until somebody resumes it."""
    resumed_to: str = "0-0"
    """Up to here what cannot be stored becomes dead letters, however much it is."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch and what becomes of it."""

    batch_id: int
    partition: int
    entry_id: str
    header: Header
    repeated: bool
    """Whether it was committed before, so that none of its rows counts."""


@dataclass(frozen=True)
class Rows:
    """Events or points as database columns, with what tells each row's batch."""

    table: pa.Table
    batch: NDArray[np.int32]
    """Index of each row's batch in `Microbatch.batches`, shape (rows,)."""
    at_us: NDArray[np.int64]
    """Event time of each row, shape (rows,)."""
    letter: NDArray[np.int64]
    """The dead letter that each row repairs, 0 for none, shape (rows,)."""

    def filter(self, keep: Mask) -> "Rows":
        """The rows of `keep`, shape (rows,)."""
        if keep.all():
            return self
        return Rows(self.table.filter(pa.array(keep)), self.batch[keep], self.at_us[keep], self.letter[keep])


@dataclass(frozen=True)
class Microbatch:
    """What one transaction commits."""

    batches: list[Batch]
    events: Rows
    points: Rows
    repeated_ids: Mask
    """Events that came earlier in this very microbatch, shape (events,); they do not count again."""
    before: dict[int, Position]
    after: dict[int, Position]
    producers: Known
    """The producers heard of, with their last batch."""
    dead: list[DeadLetter] = field(default_factory=list)

    def letters(self) -> list[int]:
        """The dead letters that the rows repair."""
        found = np.concatenate([self.events.letter, self.points.letter])
        return np.unique(found[found > 0]).tolist()  # type: ignore[no-any-return]

    def traces(self) -> list[tuple[str, dict[str, object]]]:
        """Of each batch that has come with a traceparent, that and what its span says."""
        return [
            (
                batch.header.traceparent,
                {
                    "messaging.message.id": batch.entry_id,
                    "messaging.destination.name": log_key(batch.partition),
                    "messaging.client.id": batch.header.producer_id,
                    "tidemark.batch_id": batch.batch_id,
                    "tidemark.repeated": batch.repeated,
                },
            )
            for batch in self.batches
            if batch.header.traceparent
        ]

    def repairing(self, open_letters: Collection[int]) -> "Microbatch":
        """Without rows that repair what is repaired or given up already, or what another row repairs."""
        open_ids = np.array(sorted(open_letters), np.int64)
        events, points = (_repairing(rows, open_ids) for rows in (self.events, self.points))
        return replace(self, events=events, points=points, repeated_ids=_repeated_ids(events))


def gather(
    entries: Mapping[int, Sequence[tuple[str, Mapping[bytes, bytes]]]],
    positions: Mapping[int, Position],
    known: Known,
    late_after_us: int,
    poison: str = "",
) -> Microbatch:
    """One microbatch of the `entries` of each partition; raises `entry.TooNew`.

    With `poison`, which says what fails of them, all their rows become dead letters.
    """
    batches: list[Batch] = []
    dead: list[DeadLetter] = []
    parts: dict[str, list[tuple[int, pa.RecordBatch]]] = {"events": [], "points": []}
    after: dict[int, Position] = {}
    newest: dict[tuple[int, str], tuple[int, int]] = {}
    for partition, partition_entries in entries.items():
        at = positions[partition]
        for entry_id, fields in partition_entries:
            size = sum(map(len, fields.values()))
            batch_id = at.batches * MAX_PARTITIONS + partition
            index = len(batches)
            try:
                header = entry.decode_header(fields)
            except entry.Corrupt as error:
                header = Header("events", 0, "", 0, 0, 0, _entry_us(entry_id), 1, 0)
                dead.append(deadletter.of_entry(index, "events", 1, str(error), fields))
                batches.append(Batch(batch_id, partition, entry_id, header, repeated=False))
                at = replace(at, last_id=entry_id, batches=at.batches + 1, bytes=at.bytes + size)
                continue
            producer = (header.project_id, header.producer_id)
            epoch, sequence = newest.get(producer) or known.get(producer, (0, 0))
            repeated = header.epoch == epoch and 0 < header.sequence <= sequence
            if header.sequence and not repeated:
                newest[producer] = (header.epoch, header.sequence)
            batches.append(Batch(batch_id, partition, entry_id, header, repeated))
            at = replace(
                at,
                last_id=entry_id,
                batches=at.batches + 1,
                received=at.received + header.received,
                bytes=at.bytes + size,
                watermark_us=max(at.watermark_us, header.received_us - at.lateness_us),
            )
            if not repeated and header.accepted:
                part, letters = _part(index, header, fields, poison)
                dead += letters
                if part is not None:
                    parts[header.kind].append((index, part))
        after[partition] = replace(at, version=at.version + 1)

    events = _event_rows(parts["events"], batches, late_after_us)
    points = _point_rows(parts["points"], batches, late_after_us)
    for partition, position in after.items():
        after[partition] = replace(
            position, lateness_us=_lateness(position, batches, (events, points), late_after_us)
        )
    before = {partition: positions[partition] for partition in entries}
    return Microbatch(batches, events, points, _repeated_ids(events), before, after, newest, dead)


def _entry_us(entry_id: str) -> int:
    """When an entry was appended, by its id; which can be any number where it was not us who gave it."""
    return min(int(entry_id.partition("-")[0]), _LAST_MS) * 1000


def _part(
    index: int, header: Header, fields: Mapping[bytes, bytes], poison: str
) -> tuple[pa.RecordBatch | None, list[DeadLetter]]:
    """The rows of an entry that are to be stored, if any, and those that are not."""
    try:
        rows = entry.decode_rows(fields)
        if poison:
            rows.validate(full=True)
            # The letters that a repair is about stay as they are.
            why = [] if header.repairs else [Reason("POISON", poison)] * rows.num_rows
            return None, deadletter.of_rows(header.kind, rows.slice(0, len(why)), [index] * len(why), why)
        if header.kind == "points" or rows["fault"].null_count == rows.num_rows:
            return rows, []
        at_fault = rows.filter(rows["fault"].is_valid())
        why = deadletter.faults(at_fault["fault"].to_pylist())
        letters = deadletter.of_rows("events", at_fault, [index] * len(why), why)
        return rows.filter(rows["fault"].is_null()), letters
    except (entry.Corrupt, pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        if header.repairs:
            return None, []
        return None, [deadletter.of_entry(index, header.kind, header.accepted, poison or str(error), fields)]


def _repairing(rows: Rows, open_letters: NDArray[np.int64]) -> Rows:
    keep = (rows.letter == 0) | np.isin(rows.letter, open_letters)
    _, first = np.unique(rows.letter, return_index=True)
    is_first = np.zeros(len(rows.letter), np.bool_)
    is_first[first] = True
    return rows.filter(keep & (is_first | (rows.letter == 0)))


def _joined(
    parts: Sequence[tuple[int, pa.RecordBatch]],
    schema: pa.Schema,
    time: str,
    batches: Sequence[Batch],
    late_after_us: int,
) -> tuple[pa.RecordBatch, NDArray[np.int32], NDArray[np.int64], Mask, NDArray[np.int64]]:
    """The rows of all parts, the batch of each, its event time, whether it came late, and which letter it repairs."""
    rows = (
        pa.concat_batches([part.select(schema.names) for _, part in parts])
        if parts
        else pa.RecordBatch.from_pylist([], schema=schema)
    )
    batch = np.repeat(
        np.array([index for index, _ in parts], np.int32),
        np.array([part.num_rows for _, part in parts], np.int64),
    )
    at_us = rows[time].view(pa.int64()).to_numpy()
    received_us = np.array([each.header.received_us for each in batches], np.int64)
    letter = np.zeros(len(batch), np.int64)
    for index in {index for index, _ in parts if batches[index].header.repairs}:
        letter[batch == index] = batches[index].header.repairs
    return rows, batch, at_us, received_us[batch] - at_us > late_after_us, letter


def _of_batches(batch: NDArray[np.int32], batches: Sequence[Batch]) -> tuple[pa.Array, pa.Array]:
    """Columns `project_id` and `batch_id` of rows."""
    projects = np.array([each.header.project_id for each in batches], np.int32)
    ids = np.array([each.batch_id for each in batches], np.int64)
    return pa.array(projects[batch]), pa.array(ids[batch])


def _event_rows(
    parts: Sequence[tuple[int, pa.RecordBatch]], batches: Sequence[Batch], late_after_us: int
) -> Rows:
    rows, batch, at_us, late, letter = _joined(parts, EVENTS, "occurred_at", batches, late_after_us)
    project_id, batch_id = _of_batches(batch, batches)
    columns = {
        "project_id": project_id,
        "event_id": rows["event_id"],
        "occurred_at": rows["occurred_at"],
        "batch_id": batch_id,
        "type": rows["type"],
        "late": pa.array(late),
        **{name: rows[name] for name in ("name", "user_id", "session_id", "properties", "context")},
    }
    return Rows(pa.table(columns), batch, at_us, letter)


def _point_rows(
    parts: Sequence[tuple[int, pa.RecordBatch]], batches: Sequence[Batch], late_after_us: int
) -> Rows:
    rows, batch, at_us, late, letter = _joined(parts, POINTS, "observed_at", batches, late_after_us)
    project_id, batch_id = _of_batches(batch, batches)
    columns = {
        "project_id": project_id,
        "observed_at": rows["observed_at"],
        "batch_id": batch_id,
        "kind": rows["kind"],
        "late": pa.array(late),
        **{name: rows[name] for name in ("value", "name", "unit", "tags")},
    }
    return Rows(pa.table(columns), batch, at_us, letter)


def _repeated_ids(events: Rows) -> Mask:
    """Rows whose identity (project, event id and time) came in an earlier row."""
    repeated = np.zeros(len(events.batch), np.bool_)
    ids = events.table["event_id"].combine_chunks()
    if pc.count_distinct(ids).as_py() == len(ids):
        return repeated
    seen: set[tuple[int, bytes, int]] = set()
    projects = events.table["project_id"].to_pylist()
    for row, identity in enumerate(zip(projects, ids.to_pylist(), events.at_us.tolist())):
        repeated[row] = identity in seen
        seen.add(identity)
    return repeated


def _lateness(position: Position, batches: Sequence[Batch], kinds: Sequence[Rows], late_after_us: int) -> int:
    """How long after it happened nearly everything (99 %) arrives: rises at once, falls slowly; what is late does not count."""
    newest = 0
    for rows in kinds:
        if not len(rows.batch):
            continue
        received = np.array([each.header.received_us for each in batches], np.int64)[rows.batch]
        mine = np.array([each.partition == position.partition for each in batches])[rows.batch]
        delay = (received - rows.at_us)[mine]
        delay = delay[(delay >= 0) & (delay <= late_after_us)]
        if len(delay):
            newest = max(newest, int(np.quantile(delay, 0.99)))
    return max(newest, int(position.lateness_us * LATENESS_DECAY))
