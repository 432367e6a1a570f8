"""Gathers entries of the log into one transaction's worth of database rows: `writer` brings entries, `store` takes the result.

Rows stay columns throughout. What the database alone can tell, which events it already holds, arrives later as a mask.
Pure: no clock, no I/O.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from services.ingest import entry
from services.ingest.columns import EVENTS, POINTS
from services.ingest.entry import Header
from services.kit.keys import MAX_PARTITIONS

MINUTE_US = 60_000_000
MAX_TOUCHED = 64
"""Spans of event time that a commit tells of a project; where there are more, the nearest are joined."""
MAX_NAMES = 64
"""Names that a commit tells of a project; where there are more, it tells none."""
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


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch and what becomes of it."""

    batch_id: int
    partition: int
    entry_id: str
    header: Header
    repeated: bool
    """Whether it was committed before, so that none of its rows counts."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Something that cannot be stored, whole. `rows` is how many events or points it stands for."""

    batch: int
    reason: str
    message: str
    content: bytes
    rows: int


@dataclass(frozen=True)
class Rows:
    """Events or points as database columns, with what tells each row's batch."""

    table: pa.Table
    batch: NDArray[np.int32]
    """Index of each row's batch in `Microbatch.batches`, shape (rows,)."""
    at_us: NDArray[np.int64]
    """Event time of each row, shape (rows,)."""

    def filter(self, keep: Mask) -> "Rows":
        """The rows of `keep`, shape (rows,)."""
        if keep.all():
            return self
        return Rows(self.table.filter(pa.array(keep)), self.batch[keep], self.at_us[keep])


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


def gather(
    entries: Mapping[int, Sequence[tuple[str, Mapping[bytes, bytes]]]],
    positions: Mapping[int, Position],
    known: Known,
    late_after_us: int,
) -> Microbatch:
    """One microbatch of the `entries` of each partition; raises `entry.TooNew`."""
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
                dead.append(_corrupt(index, 1, error, fields))
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
                try:
                    parts[header.kind].append((index, entry.decode_rows(fields)))
                except (entry.Corrupt, pa.ArrowException, OSError) as error:
                    dead.append(_corrupt(index, header.accepted, error, fields))
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


def _corrupt(index: int, rows: int, error: Exception, fields: Mapping[bytes, bytes]) -> DeadLetter:
    content = b"\n".join(name + b" " + value for name, value in sorted(fields.items()))
    return DeadLetter(index, "CORRUPT", str(error), content, rows)


def _joined(
    parts: Sequence[tuple[int, pa.RecordBatch]],
    schema: pa.Schema,
    time: str,
    batches: Sequence[Batch],
    late_after_us: int,
) -> tuple[pa.RecordBatch, NDArray[np.int32], NDArray[np.int64], Mask]:
    """The rows of all parts, the batch of each, its event time, and whether it came late."""
    rows = (
        pa.concat_batches([part for _, part in parts])
        if parts
        else pa.RecordBatch.from_pylist([], schema=schema)
    )
    batch = np.repeat(
        np.array([index for index, _ in parts], np.int32),
        np.array([part.num_rows for _, part in parts], np.int64),
    )
    at_us = rows[time].view(pa.int64()).to_numpy()
    received_us = np.array([each.header.received_us for each in batches], np.int64)
    return rows, batch, at_us, received_us[batch] - at_us > late_after_us


def _of_batches(batch: NDArray[np.int32], batches: Sequence[Batch]) -> tuple[pa.Array, pa.Array]:
    """Columns `project_id` and `batch_id` of rows."""
    projects = np.array([each.header.project_id for each in batches], np.int32)
    ids = np.array([each.batch_id for each in batches], np.int64)
    return pa.array(projects[batch]), pa.array(ids[batch])


def _event_rows(
    parts: Sequence[tuple[int, pa.RecordBatch]], batches: Sequence[Batch], late_after_us: int
) -> Rows:
    rows, batch, at_us, late = _joined(parts, EVENTS, "occurred_at", batches, late_after_us)
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
    return Rows(pa.table(columns), batch, at_us)


def _point_rows(
    parts: Sequence[tuple[int, pa.RecordBatch]], batches: Sequence[Batch], late_after_us: int
) -> Rows:
    rows, batch, at_us, late = _joined(parts, POINTS, "observed_at", batches, late_after_us)
    project_id, batch_id = _of_batches(batch, batches)
    columns = {
        "project_id": project_id,
        "observed_at": rows["observed_at"],
        "batch_id": batch_id,
        "kind": rows["kind"],
        "late": pa.array(late),
        **{name: rows[name] for name in ("value", "name", "unit", "tags")},
    }
    return Rows(pa.table(columns), batch, at_us)


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


@dataclass(frozen=True)
class Outcome:
    """What became of a microbatch's rows once the database has spoken: counts per batch, and what is stored."""

    stored: NDArray[np.int64]
    duplicate: NDArray[np.int64]
    dead: NDArray[np.int64]
    events: Rows
    points: Rows

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


def outcome(work: Microbatch, fresh: Mask, storable: Mask, point_storable: Mask) -> Outcome:
    """What became of `work`: events `fresh` to the database and rows `storable` by it, each shape (rows,)."""
    count = len(work.batches)
    keep = fresh & storable & ~work.repeated_ids
    stored = np.bincount(work.events.batch[keep], minlength=count)
    stored += np.bincount(work.points.batch[point_storable], minlength=count)
    dead = np.bincount(work.events.batch[~storable], minlength=count)
    dead += np.bincount(work.points.batch[~point_storable], minlength=count)
    for letter in work.dead:
        if letter.reason == "CORRUPT":
            dead[letter.batch] += letter.rows
    accepted = np.array([each.header.accepted for each in work.batches], np.int64)
    return Outcome(
        stored, accepted - stored - dead, dead, work.events.filter(keep), work.points.filter(point_storable)
    )


def dead_letters(rows: Rows, bad: Mask, messages: Sequence[str]) -> list[DeadLetter]:
    """Dead letters of the rows of `bad`, with the database's message for each of them in order."""
    letters = []
    for message, row in zip(messages, np.flatnonzero(bad).tolist()):
        content = {name: _json_value(rows.table[name][row].as_py()) for name in rows.table.column_names}
        letters.append(DeadLetter(int(rows.batch[row]), "UNSTORABLE", message, orjson.dumps(content), 1))
    return letters


def _json_value(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value
