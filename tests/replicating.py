"""A streaming replica of the PostgreSQL that tests stand on."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

from deploy.local.accounts import cache_folder, server_account
from deploy.local.packages import Programs, provision
from deploy.local.ports import free_port
from deploy.local.process import tied
from deploy.local.servers import Postgres


class Replica(Postgres):
    """Follows the server at an URL, of which it begins as a copy."""

    def __init__(self, programs: Programs, folder: Path, port: int, primary_url: str) -> None:
        super().__init__(programs, folder, port, settings={"timescaledb.max_background_workers": "0"})
        self._primary_url = primary_url

    def password(self) -> str:
        return str(conninfo_to_dict(self._primary_url)["password"])

    def of(self, database_url: str) -> str:
        """Where a database of the primary is found here."""
        parts = urlsplit(database_url)
        return urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{self.port}"))

    def pause(self) -> None:
        """Replays no more, until `resume`."""
        self._do("SELECT pg_wal_replay_pause()")

    def resume(self) -> None:
        """Replays what has come meanwhile, and goes on."""
        self._do("SELECT pg_wal_replay_resume()")

    def _do(self, statement: str) -> None:
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def _initialise(self) -> None:
        command: list[str | Path] = [
            self.programs.postgres.parent / "pg_basebackup", "--dbname", self._primary_url, "--pgdata", self.data,
            "--write-recovery-conf", "--checkpoint=fast", "--no-sync",
        ]  # fmt: skip
        told = subprocess.run(
            tied(command, signal.SIGKILL, self._account),
            check=False,
            cwd=self.folder,
            capture_output=True,
            text=True,
        )
        assert told.returncode == 0, told.stdout + told.stderr


@contextmanager
def replicating(folder: Path, primary_url: str) -> Iterator[Replica]:
    """A replica that has begun to follow."""
    programs = provision(cache_folder(server_account()), print)
    with Replica(programs, folder / "replica", free_port(), primary_url) as replica:
        yield replica
