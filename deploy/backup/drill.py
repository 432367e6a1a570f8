"""`python -m deploy.backup.drill [BACKUP]`, `make drill`: restores a backup into an empty place, starts it, and has it proved.

Comes in: a backup or, where none is named, the running stack of this checkout, of which one is taken first. Goes out: what was done in how many
seconds, every fault, and exit code 1 where there is one. The servers that it starts are its own, those of `deploy.local`, and gone afterwards; they
take the password of the database that was copied, from `TIDEMARK_DATABASE_URL`.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis
from psycopg.conninfo import conninfo_to_dict

from deploy.backup import proof
from deploy.backup.__main__ import told
from deploy.backup.base import Uncopied
from deploy.backup.box import Damaged
from deploy.backup.manifest import Manifest
from deploy.backup.restoring import restore
from deploy.backup.taking import take
from deploy.local.accounts import server_account, write_private
from deploy.local.process import wait_until
from deploy.local.servers import ServerFailed
from deploy.local.stack import folder_of, load
from deploy.local.suite import ROOT, MemberFailed, Suite, running
from services.kit.errors import BadSetting
from services.kit.postgres import conninfo
from services.kit.settings import Settings

WRITER = {"writer": "writer"}
PATIENCE_SECONDS = 900.0
"""How long a writer may work off what the log held."""


@dataclass(frozen=True)
class Revived:
    """What came back of a backup, running."""

    suite: Suite
    made: Manifest

    def faults(self, seconds: float = PATIENCE_SECONDS) -> list[str]:
        """Everything that is not as it was promised, in words, once the writer has worked off the log."""
        with (
            psycopg.connect(conninfo(self.suite.postgres.url), autocommit=True) as connection,
            redis.Redis.from_url(self.suite.redis.url) as log,
        ):
            found = []
            if not wait_until(lambda: proof.in_flight(connection, log) == 0, seconds):
                found.append(f"{proof.in_flight(connection, log)} rows are in flight after {seconds:g} s")
            promised = {int(project): rows for project, rows in self.made.acknowledged.items()}
            found += proof.lost(connection, promised)
        with (
            psycopg.connect(conninfo(self.suite.postgres.url)) as connection,
            redis.Redis.from_url(self.suite.redis.url) as log,
        ):
            return [*found, *proof.faults(connection, log)]


@contextmanager
def revived(
    backup: Path, settings: Settings, folder: Path, targets: Mapping[str, str] = WRITER
) -> Iterator[Revived]:
    """A backup restored into `folder`, which is empty, and started with these targets; `settings` are those it was taken with."""
    made = restore(backup, settings.backup_key, folder / "postgres" / "data", folder / "redis" / "data")
    password = str(conninfo_to_dict(settings.database_url).get("password") or "")
    # The accounts of the copy are those of the database that was copied.
    write_private(folder / "postgres" / "password", password + "\n", server_account())
    with running(folder, targets) as suite:
        yield Revived(suite, made)


def drill(backup: Path, settings: Settings, say: Callable[[str], None]) -> list[str]:
    """The faults of a backup; none where all of it came back."""
    began = time.monotonic()

    def done(what: str) -> None:
        say(f"{time.monotonic() - began:6.1f} s  {what}")

    with tempfile.TemporaryDirectory(prefix="tidemark-drill-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # The servers may run as another account.
        with revived(backup, settings, folder) as back:
            done(f"restored, and started with a writer: {told(back.made)}")
            found = back.faults()
            done(f"counted anew: {len(found)} faults")
    return found


def main(arguments: list[str]) -> int:
    """Gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.backup.drill", description="Proves a backup.")
    parser.add_argument(
        "backup",
        type=Path,
        nargs="?",
        help="its folder; one of the running stack is taken where none is named",
    )
    backup: Path | None = parser.parse_args(arguments).backup
    try:
        stack = load(ROOT)
        settings = Settings.read({**(stack.environment if stack else {}), **os.environ})
        if backup is None:
            folder = folder_of(ROOT) / "backups"
            backup = folder / take(settings, folder).name
        found = drill(backup, settings, lambda line: print(line, flush=True))
    except (
        Uncopied,
        Damaged,
        BadSetting,
        MemberFailed,
        ServerFailed,
        OSError,
        psycopg.Error,
        redis.RedisError,
    ) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr, flush=True)
        return 1
    for fault in found:
        print(fault, file=sys.stderr, flush=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
