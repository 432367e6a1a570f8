"""The form of a backup's files: compressed, sealed where there is a key, and known by their hash.

Comes in: what `base` and `snapshot` read. Goes out: files on disk, and the `File` by which `manifest` knows each. Sealed is piece by piece by
AES-256-GCM: a piece that is changed, exchanged, taken away or of another backup does not open.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PIECE = 1 << 20
_TAG, _PREFIX = 16, 7


class Damaged(RuntimeError):
    """A backup is not what was written; the message says what is wrong with it."""


class Sink(Protocol):
    """What is written to, piece by piece."""

    def write(self, data: bytes | memoryview) -> int:
        """Takes the next piece."""


class Source(Protocol):
    """What is read from."""

    def read(self, size: int = -1) -> bytes:
        """The next bytes, at most so many; none at the end."""


@dataclass(frozen=True)
class File:
    """What is known of a file of a backup."""

    name: str
    bytes: int
    content_bytes: int
    """Of what was put in: before it was compressed and sealed."""
    sha256: str


@dataclass(frozen=True)
class Box:
    """How files of one backup are packed: sealed with a key or, where it is empty, in the open; `about` is which backup it is."""

    key: str
    about: str

    @contextmanager
    def packing(self, path: Path) -> Iterator["Packing"]:
        """What is written to it is in the file at the end, and on disk."""
        with path.open("xb") as file:
            packing = Packing(path.name, file, self._cipher(), self._about(path))
            yield packing
            packing.close()
            file.flush()
            os.fsync(file.fileno())

    @contextmanager
    def unpacking(self, path: Path) -> Iterator[Source]:
        """What was put in; raises `Damaged` where the key, or what is sealed, is another."""
        with path.open("rb") as file:
            cipher = self._cipher()
            plain: BinaryIO | _Opening = _Opening(file, cipher, self._about(path)) if cipher else file
            with pa.CompressedInputStream(pa.PythonFile(plain, mode="r"), "zstd") as stream:
                yield stream

    def _cipher(self) -> AESGCM | None:
        if not self.key:
            return None
        return AESGCM(hashlib.sha256(b"tidemark backup\0" + self.key.encode()).digest())

    def _about(self, path: Path) -> bytes:
        return f"{self.about}/{path.name}".encode()


class Packing:
    """Writes one file; `told` is what is known of it in the end."""

    def __init__(self, name: str, file: BinaryIO, cipher: AESGCM | None, about: bytes) -> None:
        self._name, self._content_bytes = name, 0
        self._counted = _Counted(file)
        self._sealing = _Sealing(self._counted, cipher, about) if cipher else None
        self._stream = pa.CompressedOutputStream(
            pa.PythonFile(self._sealing or self._counted, mode="w"), "zstd"
        )

    def write(self, data: bytes | memoryview) -> int:
        """Takes the next piece."""
        self._content_bytes += len(data)
        self._stream.write(data)
        return len(data)

    def close(self) -> None:
        """Nothing more comes."""
        self._stream.close()
        if self._sealing:
            self._sealing.finish()

    @property
    def told(self) -> File:
        """After `close`."""
        return File(self._name, self._counted.bytes, self._content_bytes, self._counted.digest.hexdigest())


def sha256(path: Path) -> str:
    """The hash of a file as it is on disk."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Stream:
    """What Arrow asks of a file."""

    closed = False

    def flush(self) -> None:
        """Whoever opened the file writes it out."""

    def close(self) -> None:
        """Whoever opened the file closes it."""


class _Counted(_Stream):
    def __init__(self, file: BinaryIO) -> None:
        self._file, self.bytes, self.digest = file, 0, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.bytes += len(data)
        self.digest.update(data)
        return self._file.write(data)


class _Sealing(_Stream):
    def __init__(self, sink: _Counted, cipher: AESGCM, about: bytes) -> None:
        self._sink, self._cipher, self._about = sink, cipher, about
        self._waiting, self._number, self._prefix = bytearray(), 0, os.urandom(_PREFIX)
        sink.write(self._prefix)

    def write(self, data: bytes) -> int:
        self._waiting += data
        # One piece stays until it is known whether it is the last.
        while len(self._waiting) > PIECE:
            self._seal(bytes(self._waiting[:PIECE]), last=False)
            del self._waiting[:PIECE]
        return len(data)

    def finish(self) -> None:
        self._seal(bytes(self._waiting), last=True)

    def _seal(self, piece: bytes, *, last: bool) -> None:
        nonce = _nonce(self._prefix, self._number, last=last)
        self._sink.write(self._cipher.encrypt(nonce, piece, self._about))
        self._number += 1


class _Opening(_Stream):
    def __init__(self, file: BinaryIO, cipher: AESGCM, about: bytes) -> None:
        self._file, self._cipher, self._about = file, cipher, about
        self._prefix, self._number = file.read(_PREFIX), 0
        self._next, self._open = file.read(PIECE + _TAG), b""

    def read(self, size: int = -1) -> bytes:
        while self._next and (size < 0 or len(self._open) < size):
            self._open += self._opened()
        end = len(self._open) if size < 0 else size
        found, self._open = self._open[:end], self._open[end:]
        return found

    def _opened(self) -> bytes:
        piece, self._next = self._next, self._file.read(PIECE + _TAG)
        nonce = _nonce(self._prefix, self._number, last=not self._next)
        self._number += 1
        try:
            return self._cipher.decrypt(nonce, piece, self._about)
        except InvalidTag as error:
            raise Damaged(
                f"piece {self._number} of {self._about.decode()} does not open: TIDEMARK_BACKUP_KEY is another, or it was changed"
            ) from error


def _nonce(prefix: bytes, number: int, *, last: bool) -> bytes:
    """Each piece has its own; that of the last tells that nothing was cut off behind it."""
    return prefix + number.to_bytes(4) + bytes([last])
