"""PostgreSQL with TimescaleDB and Redis, as servers of our own on loopback ports.

Comes in: `Programs`, a folder and a port. Goes out: a running server and its `url`; the same folder
started again holds the same data and the same password, also after `kill -9`. Next: `supervisor`
runs one of each, tests and chaos runs as many as they like.

    with Postgres(programs, folder, port) as postgres:
        psycopg.connect(postgres.url)
"""

import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from deploy.local.accounts import blocked_by, server_account, write_private
from deploy.local.logs import LIMIT, last_lines
from deploy.local.packages import Programs
from deploy.local.process import (
    Identity,
    alive,
    end,
    identify,
    kill_family,
    name_of,
    tied,
    wait_until,
)
from deploy.local.settings import postgres_settings, redis_settings

ONCE = Retry(NoBackoff(), retries=0)  # we poll ourselves


class ServerFailed(RuntimeError):
    """A server did not start; the message ends with the last lines of its log."""


class Server:
    """What both servers share: one process, owned through its folder."""

    key: ClassVar[str]  # in stack.json and settings
    name: ClassVar[str]  # for people
    polite: ClassVar[signal.Signals]

    def __init__(self, programs: Programs, folder: Path, port: int) -> None:
        self.programs, self.folder, self.port = programs, folder.resolve(), port
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self._account = server_account()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        raise NotImplementedError

    def ready(self) -> bool:
        """Whether the server answers a question now."""
        raise NotImplementedError

    def _prepare(self) -> None:
        """Writes what the server reads when it starts."""
        raise NotImplementedError

    def _command(self) -> list[str | Path]:
        raise NotImplementedError

    def start(self, seconds: float = 60) -> None:
        """Starts and waits until ready. What an earlier start left running is ended first."""
        self._own(self.folder)
        self.stop()
        if self.log.exists() and self.log.stat().st_size > LIMIT:
            self.log.replace(self.log.with_suffix(".1"))
        self._prepare()
        deadline = time.monotonic() + seconds
        self._spawn()
        while not self.ready():
            ended = self.identity() is None
            if time.monotonic() >= deadline or (ended and not self._held_by_orphans()):
                break
            if ended:
                self._spawn()
            time.sleep(0.02)
        else:
            return
        state = "ended" if self.identity() is None else "did not answer in time"
        self.kill()
        raise ServerFailed(
            f"{self.name} on port {self.port} {state}; the end of {self.log}:\n{last_lines(self.log)}"
        )

    def stop(self, grace: float = 30) -> None:
        """Stops it in order; after the grace, kills it. Nothing happens when it does not run."""
        if identity := self.identity():
            end(identity, grace, self.polite)
        self._reap()

    def kill(self) -> None:
        """Kills every process of the server at once, as a power cut would."""
        identity = self.identity()
        members = kill_family(identity) if identity else []
        self._reap()
        wait_until(lambda: not any(map(alive, members)), 10)

    def identity(self) -> Identity | None:
        """The running server process, also when an earlier run of ours started it."""
        if self._process and (ours := identify(self._process.pid)):
            return ours
        try:
            identity = Identity(**json.loads((self.folder / "process.json").read_text()))
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        return identity if alive(identity) else None

    def password(self) -> str:
        """Made once per folder."""
        path = self.folder / "password"
        if not path.exists():
            self._write(path, secrets.token_hex(16))
        return path.read_text().strip()

    def _held_by_orphans(self) -> bool:
        """Whether it ended because processes of a killed predecessor have yet to notice."""
        return False

    def _spawn(self) -> None:
        self._reap()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                tied(self._command(), self.polite, self._account),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self.folder, process_group=0,
            )  # fmt: skip
        if identity := identify(self._process.pid):
            self._write(self.folder / "process.json", json.dumps(asdict(identity)))

    def _reap(self) -> None:
        if self._process:
            self._process.wait()
            self._process = None

    def _own(self, folder: Path) -> None:
        """Makes the folder, for the account that runs the server and nobody else."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        if obstacle := blocked_by(folder.parent, self._account):
            assert self._account
            raise PermissionError(
                f"{self.name} runs as `{self._account.name}`, who cannot enter {obstacle};"
                f" give it a folder elsewhere than {folder}"
            )
        folder.mkdir(mode=0o700, exist_ok=True)
        if self._account and folder.stat().st_uid != self._account.uid:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, self._account.uid, self._account.gid, follow_symlinks=False)

    def _write(self, path: Path, text: str) -> None:
        """Replaces a file, readable by the server's account only."""
        write_private(path, text + "\n", self._account)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.stop()


class Postgres(Server):
    """PostgreSQL with TimescaleDB loaded and a database `tidemark`, durable as in production."""

    key = "postgres"
    name = "PostgreSQL"
    polite = signal.SIGINT  # "fast": end sessions, write a checkpoint, stop

    def __init__(
        self, programs: Programs, folder: Path, port: int,
        shared_buffers_mb: int = 64, settings: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(programs, folder, port)
        self.settings = postgres_settings(shared_buffers_mb) | dict(settings or {})

    @property
    def url(self) -> str:
        return self.url_of("tidemark")

    def url_of(self, database: str) -> str:
        return f"postgresql://tidemark:{self.password()}@127.0.0.1:{self.port}/{database}"

    def ready(self) -> bool:
        try:
            with psycopg.connect(self.url_of("postgres"), connect_timeout=2) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def start(self, seconds: float = 60) -> None:
        super().start(seconds)
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = 'tidemark'")
            if not known.fetchone():
                connection.execute("CREATE DATABASE tidemark")
            unset = connection.execute(
                "SELECT 1 FROM pg_settings WHERE name = 'wal_compression'"
                " AND 'lz4' = ANY (enumvals) AND setting <> 'lz4'"
            )
            if unset.fetchone():
                connection.execute("ALTER SYSTEM SET wal_compression = 'lz4'")
                connection.execute("SELECT pg_reload_conf()")

    def _prepare(self) -> None:
        if not self.data.exists():
            self._initialise()
        self._drop_stale_lock()
        lines = [f"{key} = '{value}'" for key, value in self.settings.items()]
        lines += ["listen_addresses = '127.0.0.1'", f"port = {self.port}"]
        self._write(self.folder / "postgresql.conf", "\n".join(lines))

    def _drop_stale_lock(self) -> None:
        """Removes postmaster.pid when its process is gone.

        PostgreSQL does so too, but takes a zombie or another program with the same id for itself,
        and in a container without an init process zombies stay. Remaining backends are still safe
        from us: the shared memory they hold makes PostgreSQL refuse to start beside them.
        """
        lock = self.data / "postmaster.pid"
        first = lock.read_text().partition("\n")[0] if lock.exists() else ""
        if not first.isdigit() or identify(int(first)) is None or name_of(int(first)) != "postgres":
            lock.unlink(missing_ok=True)

    def _initialise(self) -> None:
        """initdb beside, then rename: a data folder is complete or absent."""
        part = self.folder / "data.part"
        shutil.rmtree(part, ignore_errors=True)
        self.password()
        told = subprocess.run(
            tied(
                [self.programs.initdb, "--pgdata", part, "--username=tidemark",
                 "--auth=scram-sha-256", f"--pwfile={self.folder / 'password'}",
                 "--encoding=UTF8", "--lc-collate=C", "--lc-ctype=C.UTF-8", "--data-checksums"],
                signal.SIGKILL,
                self._account,
            ),
            check=False, cwd=self.folder, env={**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            capture_output=True, text=True,
        )  # fmt: skip
        if told.returncode:
            raise ServerFailed(f"initdb in {self.folder} failed:\n{told.stdout}{told.stderr}")
        part.rename(self.data)

    def _held_by_orphans(self) -> bool:
        return "pre-existing shared memory block" in last_lines(self.log, 3)

    def _command(self) -> list[str | Path]:
        config = self.folder / "postgresql.conf"
        return [self.programs.postgres, "-D", self.data, "-c", f"config_file={config}"]


class Redis(Server):
    """Redis which has written to disk whatever it acknowledged."""

    key = "redis"
    name = "Redis"
    polite = signal.SIGTERM

    def __init__(
        self, programs: Programs, folder: Path, port: int,
        maxmemory_mb: int = 256, settings: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(programs, folder, port)
        self.settings = redis_settings(maxmemory_mb) | dict(settings or {})

    @property
    def url(self) -> str:
        return f"redis://:{self.password()}@127.0.0.1:{self.port}/0"

    def ready(self) -> bool:
        try:
            with redis.Redis.from_url(self.url, socket_timeout=2, retry=ONCE) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def _prepare(self) -> None:
        self._own(self.data)
        settings = {
            **self.settings, "bind": "127.0.0.1", "port": str(self.port),
            "dir": f'"{self.data}"', "requirepass": self.password(),
        }  # fmt: skip
        lines = [f"{key} {value}" for key, value in settings.items()]
        self._write(self.folder / "redis.conf", "\n".join(lines))

    def _command(self) -> list[str | Path]:
        return [self.programs.redis_server, self.folder / "redis.conf"]
