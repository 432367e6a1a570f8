"""The disk spool: batches are appended before they are sent and removed when they are acknowledged.

A spool is a folder of segment files. A record is a header (length, CRC-32, epoch, sequence, count) and the body of a batch.
After a crash `recovered` gives what was not acknowledged, oldest first; a record cut short by the crash was never sent, so it
is dropped. A segment is deleted when all its batches are acknowledged.

`producer.py` writes and reads here; nothing else does.
"""

import fcntl
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from zlib import crc32

_HEADER = Struct(">IIqqI")
_STAMP = Struct(">qqI")
_log = logging.getLogger("tidemark")


@dataclass(slots=True)
class Segment:
    """One file, and how many of its batches are not yet acknowledged."""

    path: Path
    file: int
    size: int = 0
    pending: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where the body of a batch is."""

    segment: Segment
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Record:
    """A batch found after a restart."""

    epoch: int
    sequence: int
    count: int
    place: Place


class Spool:
    """Append-only segments in `folder`, `full` at `limit` bytes. One process at a time may open it."""

    def __init__(
        self, folder: Path, *, limit: int = 1 << 30, segment_bytes: int = 8 << 20, fsync: bool = False
    ) -> None:
        self._folder, self._limit, self._segment_bytes, self._fsync = folder, limit, segment_bytes, fsync
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise BlockingIOError(
                f"{folder} is the spool of another process; give each its own folder"
            ) from None
        self._segments: list[Segment] = []
        self._active: Segment | None = None
        self._number = 0
        self.size = 0
        self.recovered: list[Record] = []
        for path in sorted(folder.glob("*.segment")):
            self._number = int(path.stem)
            self._recover(path)

    @property
    def full(self) -> bool:
        """Whether the limit is reached; the spool takes what it is given all the same."""
        return self.size >= self._limit

    def append(self, epoch: int, sequence: int, count: int, body: bytes) -> Place:
        """Writes a batch at the end; after an `OSError` it is as if nothing was written."""
        length = _HEADER.size + len(body)
        segment = self._active
        if segment is None or segment.size + length > self._segment_bytes:
            segment = self._active = self._begin()
        stamp = _STAMP.pack(epoch, sequence, count)
        header = _HEADER.pack(len(body), crc32(body, crc32(stamp)), epoch, sequence, count)
        try:
            _write(segment.file, header + body, segment.size)
            if self._fsync:
                os.fdatasync(segment.file)
        except OSError:
            os.ftruncate(segment.file, segment.size)
            raise
        place = Place(segment, segment.size + _HEADER.size, len(body))
        segment.size += length
        segment.pending += 1
        self.size += length
        return place

    def read(self, place: Place) -> bytes:
        """The body of a batch."""
        return os.pread(place.segment.file, place.length, place.offset)

    def acknowledge(self, place: Place) -> None:
        """Forgets a batch; the last one of a segment takes the file with it."""
        place.segment.pending -= 1
        if place.segment.pending == 0:
            self._delete(place.segment)

    def close(self) -> None:
        """Closes the files; what is not acknowledged stays for the next start."""
        for segment in self._segments:
            os.close(segment.file)
        self._segments.clear()
        os.close(self._lock)

    def _begin(self) -> Segment:
        self._number += 1
        path = self._folder / f"{self._number:016d}.segment"
        segment = Segment(path, os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        self._segments.append(segment)
        if self._fsync:
            folder = os.open(self._folder, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
        return segment

    def _recover(self, path: Path) -> None:
        segment = Segment(path, os.open(path, os.O_RDWR))
        self._segments.append(segment)
        found = os.fstat(segment.file).st_size
        for epoch, sequence, count, offset, length in _records(segment.file, found):
            self.recovered.append(Record(epoch, sequence, count, Place(segment, offset, length)))
            segment.pending += 1
            segment.size = offset + length
        if found > segment.size:
            _log.warning("%s: dropped a torn tail of %d bytes", path, found - segment.size)
            os.ftruncate(segment.file, segment.size)
        self.size += segment.size
        if segment.pending == 0:
            self._delete(segment)

    def _delete(self, segment: Segment) -> None:
        self._segments.remove(segment)
        if segment is self._active:
            self._active = None
        os.close(segment.file)
        segment.path.unlink()
        self.size -= segment.size


def _records(file: int, size: int) -> Iterator[tuple[int, int, int, int, int]]:
    """Epoch, sequence, count, offset and length of every whole record from the beginning up to the first that is not."""
    offset = 0
    while offset + _HEADER.size <= size:
        length, checksum, epoch, sequence, count = _HEADER.unpack(os.pread(file, _HEADER.size, offset))
        offset += _HEADER.size
        if offset + length > size:
            return
        body = os.pread(file, length, offset)
        if crc32(body, crc32(_STAMP.pack(epoch, sequence, count))) != checksum:
            return
        yield epoch, sequence, count, offset, length
        offset += length


def _write(file: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, offset)
        view, offset = view[written:], offset + written
