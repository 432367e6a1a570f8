"""One entry of the log: `servicer` encodes an accepted batch, `writer` decodes it, perhaps releases later.

An entry has two fields: `h`, a JSON header behind eight hexadecimal digits of its CRC-32, and `e`, the rows as one Arrow record
batch without its schema, which the header's version names in `columns.SCHEMAS`. `tests/golden/entries` holds entries of every
version, which must decode for ever.
"""

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import orjson
import pyarrow as pa

from services.ingest.columns import SCHEMAS

VERSION = 1
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
    """Rows that validation refused; counted in the ledger with the batch."""

    @property
    def received(self) -> int:
        """Everything the batch held when it came."""
        return self.accepted + self.rejected


@dataclass(frozen=True, slots=True)
class Account:
    """What a partition received: rows, bytes, and the rows of each project."""

    received: int
    size: int
    projects: Mapping[int, int]


def encode(header: Header, rows: pa.RecordBatch) -> tuple[bytes, bytes]:
    """The header and rows of an entry as bytes, for `stream.append`."""
    body = rows.serialize().to_pybytes() if rows.num_rows else b""
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
            "crc": zlib.crc32(body),
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
        if not all(_is_sane(head[name], limit) for name, limit in _LIMITS.items()):
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
        )
    except (KeyError, TypeError, orjson.JSONDecodeError) as error:
        raise Corrupt(f"the header cannot be read: {error!r}") from error


def _is_sane(value: object, limit: int) -> bool:
    """Whether the database can hold it: a number below `limit`, or a text where there is none."""
    if not limit:
        return isinstance(value, str) and "\0" not in value
    return type(value) is int and 0 <= value < limit


def decode_rows(fields: Mapping[bytes, bytes]) -> pa.RecordBatch:
    """The rows of an entry whose header is good; raises `Corrupt`."""
    head, body = orjson.loads(fields[b"h"][_CRC_DIGITS:]), fields.get(b"e", b"")
    schema = SCHEMAS[head["v"], head["kind"]]
    if zlib.crc32(body) != head["crc"]:
        raise Corrupt("the checksum of the rows does not fit")
    if not body:
        return pa.RecordBatch.from_pylist([], schema=schema)
    rows = pa.ipc.read_record_batch(pa.py_buffer(body), schema)
    if rows.num_rows != head["accepted"]:
        raise Corrupt(f"holds {rows.num_rows} rows where the header says {head['accepted']}")
    return rows
