"""The programs of the local stack: PostgreSQL with TimescaleDB, and Redis.

Comes in: a cache folder. Goes out: `Programs`, the host's own where they are new enough, else
those that `debian` unpacks into the cache. Next: `servers` runs them.
"""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from deploy.local.debian import Say, unpacked

POSTGRES_MINIMUM = (16,)
TIMESCALEDB_MINIMUM = (2, 19)
REDIS_MINIMUM = (7, 2)


@dataclass(frozen=True)
class Programs:
    """Where each program is."""

    postgres: Path
    initdb: Path
    pg_ctl: Path
    psql: Path
    pg_dump: Path
    redis_server: Path
    redis_cli: Path


def provision(cache: Path, say: Say = print) -> Programs:
    """The programs, from the host or from the cache, which is filled when it is empty."""
    postgres, redis = _postgres_of_host(), _redis_of_host()
    if not (postgres and redis):
        folder = unpacked(cache, say)
        postgres = postgres or next(folder.glob("usr/lib/postgresql/*/bin"))
        redis = redis or folder / "usr" / "bin"
    return Programs(
        **{name: postgres / name for name in ("postgres", "initdb", "pg_ctl", "psql", "pg_dump")},
        redis_server=redis / "redis-server",
        redis_cli=redis / "redis-cli",
    )


def _postgres_of_host() -> Path | None:
    """The newest bin folder with PostgreSQL and TimescaleDB both new enough."""
    folders = [*Path("/usr/lib/postgresql").glob("*/bin")]
    if found := shutil.which("postgres"):
        folders.append(Path(found).resolve().parent)
    versions = [(version_of(folder / "postgres"), folder) for folder in folders]
    for version, folder in sorted(versions, reverse=True):
        complete = all((folder / name).exists() for name in ("initdb", "pg_ctl", "psql", "pg_dump"))
        if complete and version >= POSTGRES_MINIMUM and _timescaledb(folder) >= TIMESCALEDB_MINIMUM:
            return folder
    return None


def _timescaledb(bin_folder: Path) -> tuple[int, ...]:
    """The version of the extension installed for the PostgreSQL in this folder; () when none."""
    share = [bin_folder.parent / "share"]
    if bin_folder.is_relative_to("/usr/lib/postgresql"):
        share.append(Path("/usr/share/postgresql", bin_folder.parent.name))
    for control in (found for one in share for found in one.glob("**/timescaledb.control")):
        if found := re.search(r"default_version\s*=\s*'([^']+)'", control.read_text()):
            return parse_version(found[1])
    return ()


def _redis_of_host() -> Path | None:
    found = shutil.which("redis-server")
    if not found or not shutil.which("redis-cli", path=str(Path(found).parent)):
        return None
    return Path(found).parent if version_of(Path(found)) >= REDIS_MINIMUM else None


def version_of(program: Path) -> tuple[int, ...]:
    """What `program --version` says; () when it cannot be run."""
    try:
        told = subprocess.run([program, "--version"], check=False, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return parse_version(told.stdout)


def parse_version(text: str) -> tuple[int, ...]:
    """The first dotted number of a text: 'Redis server v=8.0.2 sha=0' gives (8, 0, 2)."""
    found = re.search(r"\d+(\.\d+)*", text)
    return tuple(map(int, found[0].split("."))) if found else ()
