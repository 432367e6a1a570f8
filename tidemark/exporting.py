"""Where exports go: pieces of a file come in from `asking.py`, a whole file or none is left."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from tidemark.plain import Metadata
from tidemark.v1 import query_pb2

Form = query_pb2.ExportRequest.Format

FORMS: dict[str, Form] = {
    "arrow": query_pb2.ExportRequest.FORMAT_ARROW,
    "csv": query_pb2.ExportRequest.FORMAT_CSV,
    "ndjson": query_pb2.ExportRequest.FORMAT_NDJSON,
    "parquet": query_pb2.ExportRequest.FORMAT_PARQUET,
}
_SUFFIXES = {".arrow": "arrow", ".arrows": "arrow", ".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson"}
_SUFFIXES |= {".parquet": "parquet"}


@dataclass(frozen=True, slots=True)
class Exported:
    """How far an export is. `rows_expected` is 0 where nobody knows; `metadata` is there when it is complete."""

    rows: int = 0
    rows_expected: int = 0
    bytes: int = 0
    metadata: Metadata | None = None

    def after(self, message: query_pb2.ExportResponse) -> "Exported":
        """What it is after a piece."""
        metadata = Metadata.of(message.metadata) if message.HasField("metadata") else None
        size = self.bytes + len(message.chunk)
        return replace(
            self, rows=message.rows, rows_expected=message.rows_expected, bytes=size, metadata=metadata
        )


def form_of(name: str, to: str | Path | BinaryIO) -> Form:
    """The form of a file by its name: what is said, or what the path ends with."""
    if not name and isinstance(to, str | Path):
        name = _SUFFIXES.get(Path(to).suffix.lower(), "")
    if name not in FORMS:
        raise ValueError(f"format: {name!r} is not known; write {', '.join(FORMS)}")
    return FORMS[name]


class Target:
    """A file that takes its name only when it is complete; an open one is written to as it is."""

    def __init__(self, to: str | Path | BinaryIO) -> None:
        self._path = Path(to) if isinstance(to, str | Path) else None
        self._part = self._path.with_name(f"{self._path.name}.{os.getpid()}.part") if self._path else None
        self._file = to if not isinstance(to, str | Path) else None

    def __enter__(self) -> Self:
        if self._part is not None:
            self._file = self._part.open("wb")
        return self

    def write(self, piece: bytes) -> None:
        """Adds a piece."""
        assert self._file is not None
        if piece:
            self._file.write(piece)

    def finish(self, exported: Exported) -> None:
        """The file is complete: everything came, and the word that it did."""
        if exported.metadata is None:
            raise ConnectionError("the export ended before its last message: ask again")
        self.keep()

    def keep(self) -> None:
        """Gives the file its name."""
        assert self._file is not None
        self._file.flush()
        if self._path is not None and self._part is not None:
            os.fsync(self._file.fileno())
            self._file.close()
            self._part.replace(self._path)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._part is not None:
            assert self._file is not None
            self._file.close()
            self._part.unlink(missing_ok=True)
