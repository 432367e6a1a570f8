"""Brings the database to the form that this code expects: `migrations/NNNN_subject.sql`, in order, forward only.

Each file is applied once, in one transaction, and must not change afterwards. An advisory lock makes it safe to start from
several processes at once.
"""

import asyncio
import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import psycopg
from psycopg import sql

from services.kit.errors import BadSetting
from services.kit.keys import MAX_PARTITIONS
from services.kit.postgres import SCHEMA, connect, probe, retouched

FOLDER = Path(__file__).parents[2] / "migrations"
PATIENCE_SECONDS = 600.0
"""How long a migration by somebody else is waited for."""
_LOCK = 7_433_001  # Any number that nobody else on the server locks.
_FILE = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_TABLE = """
    CREATE TABLE IF NOT EXISTS migrations (
        number     integer     PRIMARY KEY,
        name       text        NOT NULL,
        sha256     bytea       NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
    )
"""
_PARTITIONS = """
    INSERT INTO partitions (partition)
    SELECT generate_series(0, %s - 1) WHERE NOT EXISTS (SELECT FROM partitions)
"""
# An update of TimescaleDB opens to every role what `close_to_public` of 0007_bi.sql closes.
_CLOSE = """
    DO $$ BEGIN
        IF to_regprocedure('close_to_public()') IS NOT NULL THEN PERFORM close_to_public(); END IF;
    END $$
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file."""

    number: int
    name: str
    text: str

    @property
    def sha256(self) -> bytes:
        """What the file must always hash to once it is applied."""
        return hashlib.sha256(self.text.encode()).digest()


def migrations(folder: Path = FOLDER) -> list[Migration]:
    """The files in order; raises `BadSetting` on a gap, a repeated number or a misnamed file."""
    found = []
    for number, path in enumerate(sorted(folder.glob("*.sql")), start=1):
        match = _FILE.fullmatch(path.name)
        if match is None or int(match[1]) != number:
            raise BadSetting(f"{path} is out of order; name it {number:04}_subject.sql")
        found.append(Migration(number, path.name, path.read_text(encoding="utf-8")))
    return found


async def migrate(url: str, partitions: int, say: Callable[[str], None], folder: Path = FOLDER) -> None:
    """Applies what is missing; `say` gets a line for each file."""
    if not 1 <= partitions <= MAX_PARTITIONS:
        raise BadSetting(f"TIDEMARK_PARTITIONS is {partitions}; write 1 to {MAX_PARTITIONS}")
    files = migrations(folder)
    async with await connect(url) as connection:
        await probe(connection)
        await connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        await connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(SCHEMA)))
        await connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb SCHEMA public")
        await connection.execute(_TABLE)
        missing = pending(files, await _applied(connection))
        for migration in missing:
            say(f"migrating: {migration.name}")
            async with connection.transaction():
                await connection.execute(cast("Any", migration.text))
                await connection.execute(
                    "INSERT INTO migrations (number, name, sha256) VALUES (%s, %s, %s)",
                    (migration.number, migration.name, migration.sha256),
                )
        await connection.execute(_PARTITIONS, (partitions,))
        await retouched(lambda: connection.execute(_CLOSE))
        say(f"the database is at migration {len(files)}, {len(missing)} applied now")


async def await_migrated(
    url: str, say: Callable[[str], None], patience_seconds: float = PATIENCE_SECONDS, folder: Path = FOLDER
) -> None:
    """Returns once the database has every migration that this code knows; raises `BadSetting` where that takes too long."""
    give_up_at = time.monotonic() + patience_seconds
    said = ""
    async with await connect(url) as connection:
        while True:
            try:
                await require_migrated(connection, folder)
                return
            except BadSetting as error:
                if time.monotonic() >= give_up_at:
                    raise
                if said != (said := str(error)):
                    say(f"waiting: {error}")
            await asyncio.sleep(0.5)


async def require_migrated(connection: psycopg.AsyncConnection[Any], folder: Path = FOLDER) -> None:
    """Raises `BadSetting` unless the database has every migration that this code knows.

    One that has more is fine: the next release may be migrated to while this one still runs.
    """
    try:
        applied = await _applied(connection)
    except psycopg.errors.UndefinedTable:
        applied = {}
    known = migrations(folder)
    if len(applied) < len(known):
        raise BadSetting(
            f"the database is at migration {len(applied)} and this code needs {len(known)}; "
            "run: python -m services migrate"
        )


def pending(files: list[Migration], applied: dict[int, tuple[str, bytes]]) -> list[Migration]:
    """The files not yet applied; raises `BadSetting` when what was applied is not what the files say."""
    if len(applied) > len(files):
        raise BadSetting(
            f"the database is at migration {max(applied)} and this code knows {len(files)}; run a newer release"
        )
    for migration in files:
        name, sha256 = applied.get(migration.number, (migration.name, migration.sha256))
        if (name, sha256) != (migration.name, migration.sha256):
            raise BadSetting(
                f"{migration.name} was changed after it was applied as {name}; put it back and write a new migration"
            )
    return [migration for migration in files if migration.number not in applied]


async def _applied(connection: psycopg.AsyncConnection[Any]) -> dict[int, tuple[str, bytes]]:
    cursor = await connection.execute("SELECT number, name, sha256 FROM migrations ORDER BY number")
    return {number: (name, sha256) for number, name, sha256 in await cursor.fetchall()}
