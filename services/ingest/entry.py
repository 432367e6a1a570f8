"""One entry of the log: `intake` encodes an accepted batch, `writer` decodes it, perhaps releases later.

An entry has two fields: `h`, a JSON header behind eight hexadecimal digits of its CRC-32, and `e`, the rows as one Arrow record
batch without its schema, which the header's version names in `columns.SCHEMAS`. `tests/golden/entries` holds entries of every
version, which must decode for ever.
"""

import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import pyarrow as pa

from services.ingest.columns import EVENTS, EVENTS_2, SCHEMAS

VERSION = 2
_CRC_DIGITS = 8
_END_OF_TIME_US = 253_402_300_800_000_000
"""The year 10000."""
_LIMITS = {
    "project": 1 << 31,
    "producer": 0,
    "epoch": 1 << 53,
    "sequence": 1 << 53,
    "sent": _END_OF_TIME_US,
    "received": _END_OF_TIME_US,
    "accepted": 1 << 31,
    "rejected": 1 << 31,
    "crc": 1 << 32,
}
"""What a header must hold, and below what."""
_TRACEPARENT = re.compile("00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
SOURCES = ("events", "arrow", "otlp", "segment", "repair")
QUALITY = ("checked", "violations", "rule_failures", "dead_lettered", "rejected")
"""What is counted of the events of a name, in this order."""


class Corrupt(Exception):
    """An entry that cannot be decoded; the writer keeps it whole as a dead letter."""


class TooNew(Exception):
    """An entry of a later release; the writer stops and leaves it for that release."""


@dataclass(frozen=True, slots=True)
class Header:
    """What is known about a batch before its rows are looked at."""

    kind: str
    """`events` or `points`."""
    project_id: int
    producer_id: str
    epoch: int
    sequence: int
    sent_us: int
    """When the client sent it, by its clock; 0 when it did not say."""
    received_us: int
    accepted: int
    """Rows in the entry."""
    rejected: int
    """Rows that validation or a schema refused; counted in the ledger with the batch."""
    source: str = "events"
    """The door by which it came, one of `SOURCES`."""
    rules: int = 0
    """Version of the rules applied; 0 for none."""
    schemas: Mapping[str, int] = field(default_factory=dict)
    """Version of the schema by which the events of each name were judged."""
    quality: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """By name of event, the counts of `QUALITY`; only names that have any."""
    repairs: Sequence[int] = field(default_factory=list)
    """The dead letters that the rows repair, one for each row."""
    traceparent: str = ""
    """The span that has appended it, where there is one. No release needs it, so it may be missing or be passed over in any version."""

    @property
    def received(self) -> int:
        """What the batch adds to the account: everything it held when it came, but nothing for a repair, which came before."""
        return 0 if self.repairs else self.accepted + self.rejected


@dataclass(frozen=True, slots=True)
class Account:
    """What a partition received: rows, bytes, and the rows of each project."""

    received: int
    size: int
    projects: Mapping[int, int]


def encode(header: Header, rows: pa.RecordBatch) -> tuple[bytes, bytes]:
    """The header and rows of an entry as bytes, for `stream.append`."""
    body = rows.serialize().to_pybytes() if rows.num_rows else b""
    traced = {"traceparent": header.traceparent} if header.traceparent else {}
    head = orjson.dumps(
        {
            "v": VERSION,
            "kind": header.kind,
            "project": header.project_id,
            "producer": header.producer_id,
            "epoch": header.epoch,
            "sequence": header.sequence,
            "sent": header.sent_us,
            "received": header.received_us,
            "accepted": header.accepted,
            "rejected": header.rejected,
            "source": header.source,
            "rules": header.rules,
            "schemas": header.schemas,
            "quality": header.quality,
            "repairs": header.repairs,
            "crc": zlib.crc32(body),
            **traced,
        }
    )
    return b"%08x" % zlib.crc32(head) + head, body


def row_count(fields: Mapping[bytes, bytes]) -> int:
    """How many rows an entry holds, by its header; 1 when that cannot be told."""
    header = _glance(fields)
    return header.accepted if header else 1


def producer(fields: Mapping[bytes, bytes]) -> tuple[int, str] | None:
    """Project and producer of an entry; None when they cannot be told."""
    header = _glance(fields)
    return (header.project_id, header.producer_id) if header else None


def _glance(fields: Mapping[bytes, bytes]) -> Header | None:
    try:
        return decode_header(fields)
    except (Corrupt, TooNew):
        return None


def account(before: Account, entries: Iterable[Mapping[bytes, bytes]]) -> Account:
    """The account `before`, and `entries` counted as the writer will count them."""
    received, size, projects = before.received, before.size, Counter(before.projects)
    for fields in entries:
        size += sum(map(len, fields.values()))
        try:
            header = decode_header(fields)
        except Corrupt:
            continue
        received += header.received
        projects[header.project_id] += header.received
    return Account(received, size, projects)


def decode_header(fields: Mapping[bytes, bytes]) -> Header:
    """The header of an entry; raises `Corrupt`."""
    try:
        checksum, text = fields[b"h"][:_CRC_DIGITS], fields[b"h"][_CRC_DIGITS:]
        if checksum != b"%08x" % zlib.crc32(text):
            raise Corrupt("the checksum of the header does not fit")
        head = orjson.loads(text)
        if (head["v"], head["kind"]) not in SCHEMAS:
            raise TooNew(
                f"entry version {head['v']} of kind {head['kind']!r} is newer than this release: upgrade the writer"
            )
        sane = all(_is_sane(head[name], limit) for name, limit in _LIMITS.items())
        since_2 = {name: head[name] for name in _SINCE_2} if head["v"] >= 2 else {}
        if not sane or not all(_SINCE_2[name](head, value) for name, value in since_2.items()):
            raise Corrupt("the header holds what no batch can have")
        return Header(
            kind=head["kind"],
            project_id=head["project"],
            producer_id=head["producer"],
            epoch=head["epoch"],
            sequence=head["sequence"],
            sent_us=head["sent"],
            received_us=head["received"],
            accepted=head["accepted"],
            rejected=head["rejected"],
            **since_2,
            traceparent=_traceparent(head.get("traceparent")),
        )
    except (KeyError, TypeError, orjson.JSONDecodeError) as error:
        raise Corrupt(f"the header cannot be read: {error!r}") from error


def _traceparent(value: object) -> str:
    """A traceparent as we write it; empty for anything else, as no events are given up for a trace."""
    return value if isinstance(value, str) and _TRACEPARENT.fullmatch(value) else ""


def _is_sane(value: object, limit: int) -> bool:
    """Whether the database can hold it: a number below `limit`, or a text where there is none."""
    if not limit:
        return isinstance(value, str) and "\0" not in value
    return type(value) is int and 0 <= value < limit


def _is_repair(head: Mapping[str, Any], letters: object) -> bool:
    """Whether `letters` name one dead letter for each row, or none."""
    return isinstance(letters, list) and (
        not letters or (len(letters) == head["accepted"] and all(_is_sane(each, 1 << 63) for each in letters))
    )


def _by_name(holds: Callable[[Any], bool]) -> Callable[[Mapping[str, Any], object], bool]:
    """Whether a value is an object of names of events, with members that `holds` holds of."""
    return lambda _, value: (
        isinstance(value, dict) and all(_is_sane(name, 0) and holds(member) for name, member in value.items())
    )


_SINCE_2: dict[str, Callable[[Mapping[str, Any], Any], bool]] = {
    "source": lambda _, source: source in SOURCES,
    "rules": lambda _, version: _is_sane(version, 1 << 31),
    "schemas": _by_name(lambda version: _is_sane(version, 1 << 31)),
    "quality": _by_name(
        lambda counts: (
            isinstance(counts, list)
            and len(counts) == len(QUALITY)
            and all(_is_sane(each, 1 << 31) for each in counts)
        )
    ),
    "repairs": _is_repair,
}
"""What a header holds since version 2, and what must be true of it and its header."""


def decode_rows(fields: Mapping[bytes, bytes]) -> pa.RecordBatch:
    """The rows of an entry whose header is good, in the columns of this release; raises `Corrupt`."""
    head, body = orjson.loads(fields[b"h"][_CRC_DIGITS:]), fields.get(b"e", b"")
    schema = SCHEMAS[head["v"], head["kind"]]
    if zlib.crc32(body) != head["crc"]:
        raise Corrupt("the checksum of the rows does not fit")
    if not body:
        return pa.RecordBatch.from_pylist([], schema=SCHEMAS[VERSION, head["kind"]])
    rows = pa.ipc.read_record_batch(pa.py_buffer(body), schema)
    if rows.num_rows != head["accepted"]:
        raise Corrupt(f"holds {rows.num_rows} rows where the header says {head['accepted']}")
    return rows if schema is not EVENTS else with_faults(rows, {})


def with_faults(rows: pa.RecordBatch, faults: Mapping[int, tuple[str, str, str]]) -> pa.RecordBatch:
    """Rows of `columns.EVENTS` as those of `columns.EVENTS_2`; `faults` are reason, field and message by row."""
    column = pa.nulls(rows.num_rows, pa.string())
    if faults:
        texts: list[bytes | None] = [None] * rows.num_rows
        for row, (reason, field_, message) in faults.items():
            texts[row] = orjson.dumps({"reason": reason, "field": field_, "message": message})
        column = pa.array(texts, pa.binary()).cast(pa.string())
    return pa.RecordBatch.from_arrays([*rows.columns, column], schema=EVENTS_2)
