"""PostgreSQL, copied while it runs: what `pg_basebackup` asks of a server, asked by ourselves, so that no program has to fit its version.

Comes in: a URL. Goes out: one archive, streamed into a `Sink`, with the write-ahead log that makes it consistent, and the server's own list
of its files; `restored` makes a data folder of both, in which every file is held against that list.
"""

import hashlib
import json
import secrets
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from deploy.backup.box import Damaged, Sink, Source

# A slot of this session keeps the log from being recycled until it is copied; no worker has to be told to go slower meanwhile.
_SLOT = "CREATE_REPLICATION_SLOT {slot} TEMPORARY PHYSICAL RESERVE_WAL"
_COPY = (
    "BASE_BACKUP (LABEL 'tidemark', CHECKPOINT 'fast', WAL true, MANIFEST 'yes', MANIFEST_CHECKSUMS 'SHA256')"
)
_NEW_ARCHIVE, _MANIFEST, _DATA = b"n", b"m", b"d"


class Uncopied(RuntimeError):
    """A server could not be copied; the message says why."""


def copied(url: str, archive: Sink, manifest: Sink) -> dict[str, str]:
    """Copies the whole server; gives the cluster, the timeline, and from where to where its write-ahead log reaches."""
    with psycopg.connect(make_conninfo(url, replication="true"), autocommit=True) as connection:
        told = connection.pgconn
        system = _row(told, "IDENTIFY_SYSTEM")[0]
        _row(told, _SLOT.format(slot=f"tidemark_{secrets.token_hex(6)}"))
        told.send_query(_COPY.encode())
        start, timeline = _result(told)[:2]
        if _next(told).ntuples > 1:
            raise Uncopied("there are tablespaces besides the data folder, which a backup would not hold")
        if _next(told).status != pq.ExecStatus.COPY_OUT:
            raise Uncopied(f"PostgreSQL sends no copy: {_said(told)}")
        _stream(told, archive, manifest)
        end = _result(told)[0]
        while told.get_result():
            pass
    return {"system": system, "timeline": timeline, "from": start, "to": end}


def restored(archive: Source, manifest: bytes, folder: Path) -> int:
    """Makes `folder`, which must not be there, the data folder of the copy; gives how many files were held against the list."""
    folder.mkdir(parents=True, mode=0o700)
    try:
        with tarfile.open(fileobj=archive, mode="r|") as tar:  # type: ignore[call-overload]
            tar.extractall(folder, filter="data")
    except (tarfile.TarError, OSError) as error:
        raise Damaged(f"the archive of PostgreSQL cannot be unpacked: {error}") from error
    (folder / "backup_manifest").write_bytes(manifest)
    count = 0
    for path, size, digest in _listed(manifest):
        _compare(folder / path, size, digest)
        count += 1
    return count


def _listed(manifest: bytes) -> Iterator[tuple[str, int, str]]:
    try:
        for file in json.loads(manifest)["Files"]:
            yield _path(file), file["Size"], file["Checksum"]
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f"PostgreSQL's list of its files cannot be read: {error!r}") from error


def _path(file: Mapping[str, str]) -> str:
    return file["Path"] if "Path" in file else bytes.fromhex(file["Encoded-Path"]).decode()


def _compare(path: Path, size: int, digest: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Damaged(f"{path.name} of PostgreSQL is missing: {error}") from error
    if (path.stat().st_size, found) != (size, digest):
        raise Damaged(f"{path} is not what PostgreSQL has sent: {path.stat().st_size} bytes of {size}")


def _stream(told: pq.abc.PGconn, archive: Sink, manifest: Sink) -> None:
    target = archive
    while True:
        size, data = told.get_copy_data(0)
        if size < 0:
            return
        kind = bytes(data[:1])
        if kind == _DATA:
            target.write(data[1:])
        elif kind == _MANIFEST:
            target = manifest
        elif kind == _NEW_ARCHIVE and target is not archive:
            raise Uncopied("PostgreSQL sends an archive after its list of files")


def _row(told: pq.abc.PGconn, command: str) -> list[str]:
    """The only row of an answer."""
    told.send_query(command.encode())
    row = _result(told)
    while told.get_result():
        pass
    return row


def _result(told: pq.abc.PGconn) -> list[str]:
    found = _next(told)
    if found.status != pq.ExecStatus.TUPLES_OK:
        raise Uncopied(f"PostgreSQL refuses: {_said(told)}")
    return [(found.get_value(0, column) or b"").decode() for column in range(found.nfields)]


def _next(told: pq.abc.PGconn) -> pq.abc.PGresult:
    if (found := told.get_result()) is None:
        raise Uncopied(f"PostgreSQL has ended the copy: {_said(told)}")
    return found


def _said(told: pq.abc.PGconn) -> str:
    text = "it says nothing"
    with suppress(UnicodeDecodeError):
        text = told.error_message.decode().strip() or text
    return text
