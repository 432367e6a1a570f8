"""Redis, copied while it runs: one snapshot of one instant, as Redis sends it to a replica.

Comes in: a URL. Goes out: an RDB file, streamed into a `Sink`; `restored` makes a data folder of it that a Redis with `appendonly yes` starts on.
"""

import socket
import ssl
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from redis.connection import parse_url

from deploy.backup.base import Uncopied
from deploy.backup.box import Damaged, Sink, Source

SECONDS = 60.0
"""How long Redis may be silent; before a snapshot it sends a newline now and then."""
PIECE = 1 << 20
_MAGIC = b"REDIS"
_MARK = 40
"""Bytes of the mark that ends a snapshot whose length is not known at its beginning."""


def copied(url: str, sink: Sink) -> None:
    """Copies the whole server as it is at one instant from now; raises `Uncopied` where that cannot be done."""
    if urlsplit(url).scheme.endswith("+cluster"):
        raise Uncopied(
            "TIDEMARK_REDIS_URL names a cluster, of which no backup is taken; see docs/operations.md"
        )
    given: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]
    with _connected(given) as connection:
        answers = connection.makefile("rb")
        if password := given.get("password"):
            user = [str(given["username"])] if given.get("username") else []
            _ask(connection, "AUTH", *user, str(password))
            _expect(answers.readline(), "AUTH")
        # The snapshot alone, without what changes later, and without a file on the disk of Redis.
        for command in (("REPLCONF", "rdb-only", "1"), ("REPLCONF", "capa", "eof")):
            _ask(connection, *command)
            _expect(answers.readline(), " ".join(command))
        _ask(connection, "SYNC")
        head = b"\n"
        while head == b"\n":
            head = answers.readline()
        if not head.startswith(b"$"):
            raise Uncopied(
                f"Redis sends no snapshot: {head.decode(errors='replace').strip() or 'it hung up'}"
            )
        read = (
            _until(answers, head[5:].strip())
            if head.startswith(b"$EOF:")
            else _so_many(answers, int(head[1:]))
        )
        for piece in read:
            sink.write(piece)


def restored(source: Source, folder: Path) -> None:
    """Makes `folder`, which must not be there, the data folder of the copy: a snapshot is what an append-only file may begin with."""
    files = folder / "appendonlydir"
    files.mkdir(parents=True, mode=0o700)
    base = files / "appendonly.aof.1.base.rdb"
    with base.open("xb") as file:
        while piece := source.read(PIECE):
            file.write(piece)
    with base.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise Damaged("what was copied of Redis is no snapshot")
    (files / "appendonly.aof.manifest").write_text(f"file {base.name} seq 1 type b\n")


def _connected(given: dict[str, Any]) -> socket.socket:
    host, port = str(given.get("host") or "localhost"), int(str(given.get("port") or 6379))
    try:
        plain = socket.create_connection((host, port), timeout=SECONDS)
        if "connection_class" not in given:
            return plain
        trust = ssl.create_default_context(cafile=given.get("ssl_ca_certs"))
        return trust.wrap_socket(plain, server_hostname=host)
    except OSError as error:
        raise Uncopied(f"Redis at {host}:{port} cannot be reached: {error}") from error


def _ask(connection: socket.socket, *words: str) -> None:
    parts = [f"*{len(words)}\r\n", *(f"${len(word.encode())}\r\n{word}\r\n" for word in words)]
    connection.sendall("".join(parts).encode())


def _expect(line: bytes, what: str) -> None:
    if line != b"+OK\r\n":
        raise Uncopied(f"Redis refuses {what}: {line.decode(errors='replace').strip() or 'it hung up'}")


def _so_many(answers: BufferedReader, size: int) -> Iterator[bytes]:
    while size:
        piece = answers.read(min(size, PIECE))
        if not piece:
            raise Uncopied(f"Redis hung up {size} bytes before the end of its snapshot")
        size -= len(piece)
        yield piece


def _until(answers: BufferedReader, mark: bytes) -> Iterator[bytes]:
    """Everything before the mark, which is the last that comes before Redis waits for us."""
    held = b""
    while not held.endswith(mark):
        piece = answers.read1(PIECE)
        if not piece:
            raise Uncopied("Redis hung up before the end of its snapshot")
        held += piece
        yield held[:-_MARK]
        held = held[-_MARK:]
