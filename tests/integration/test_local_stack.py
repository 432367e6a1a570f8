"""The local servers keep what they acknowledged, and the local stack starts and stops whole."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from deploy.local.accounts import cache_folder, server_account
from deploy.local.packages import Programs, provision
from deploy.local.ports import free_port, is_free
from deploy.local.process import Identity, alive, family, send, wait_until
from deploy.local.servers import ONCE, Postgres, Redis, ServerFailed
from deploy.local.stack import Stack, load
from deploy.local.suite import quiet_port

ROOT = Path(__file__).parents[2]
SERVICES = '''
"""Stands for the services: two targets that listen, a migration that counts its runs, and keys made long ago."""
import os, socket, sys, time
import psycopg
command = sys.argv[1]
if command == "targets":
    print("query\\nwriter")
elif command == "migrate":
    with psycopg.connect(os.environ["TIDEMARK_DATABASE_URL"]) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
        connection.execute("CREATE TABLE IF NOT EXISTS runs ()")
        connection.execute("INSERT INTO runs DEFAULT VALUES")
elif command == "bootstrap":
    pass
else:
    names = ("TIDEMARK_METRICS_PORT", f"TIDEMARK_{command.upper()}_PORT")
    ports = [int(os.environ[name]) for name in names if name in os.environ]
    listening = [socket.create_server(("127.0.0.1", port)) for port in ports]
    time.sleep(10_000)
'''


@pytest.fixture(scope="session")
def programs() -> Programs:
    return provision(cache_folder(server_account()))


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the account of the servers can enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="tidemark-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def postgres(programs: Programs, folder: Path) -> Iterator[Postgres]:
    with Postgres(programs, folder / "postgres", free_port(), shared_buffers_mb=16) as server:
        yield server


@pytest.fixture
def redis_server(programs: Programs, folder: Path) -> Iterator[Redis]:
    with Redis(programs, folder / "redis", free_port(), maxmemory_mb=64) as server:
        yield server


def _insert(server: Postgres) -> None:
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS value")


def _kept(server: Postgres) -> object:
    with psycopg.connect(server.url) as connection:
        row = connection.execute("SELECT value FROM kept").fetchone()
    assert row
    return row[0]


def test_postgres_has_timescaledb_loaded(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url) as connection:
        connection.execute("CREATE EXTENSION timescaledb")
        connection.execute("CREATE TABLE points (at timestamptz NOT NULL)")
        connection.execute("SELECT create_hypertable('points', by_range('at'))")
        row = connection.execute("SHOW wal_compression").fetchone()
    assert row == ("lz4",)


def test_postgres_killed_whole_keeps_what_was_committed(postgres: Postgres) -> None:
    _insert(postgres)
    identity = postgres.identity()
    assert identity
    members = family(identity.pid)
    postgres.kill()
    assert not any(map(alive, members))
    assert not postgres.ready()
    postgres.start()
    assert _kept(postgres) == 42


def test_postgres_starts_again_when_only_its_first_process_was_killed(postgres: Postgres) -> None:
    _insert(postgres)
    identity = postgres.identity()
    assert identity
    send(identity, signal.SIGKILL)
    postgres.start()
    assert _kept(postgres) == 42


def test_postgres_starts_although_another_program_has_the_process_id_it_left(
    postgres: Postgres,
) -> None:
    lock = postgres.data / "postmaster.pid"
    lines = lock.read_text().splitlines()
    postgres.kill()
    lock.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    postgres.start()
    assert postgres.ready()


def test_a_new_owner_takes_over_what_a_lost_one_left_running(postgres: Postgres, programs: Programs) -> None:
    _insert(postgres)
    left = postgres.identity()
    assert left
    with Postgres(programs, postgres.folder, free_port(), shared_buffers_mb=16) as successor:
        assert not alive(left)
        assert _kept(successor) == 42


def test_postgres_wants_the_password(postgres: Postgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgres.url.replace(postgres.password(), "wrong"))
    assert (postgres.folder / "password").stat().st_mode & 0o777 == 0o600


def test_a_start_that_fails_shows_the_end_of_the_log(postgres: Postgres, programs: Programs) -> None:
    second = Postgres(programs, postgres.folder.with_name("second"), postgres.port)
    with pytest.raises(ServerFailed, match=f"port {postgres.port} ended(.|\n)*Address already in use"):
        second.start()
    assert postgres.ready()


def test_redis_keeps_what_it_acknowledged_through_a_kill(redis_server: Redis) -> None:
    with redis.Redis.from_url(redis_server.url) as client:
        client.xadd("log", {"batch": "1"}, id="1-1")
    redis_server.kill()
    assert not redis_server.ready()
    redis_server.start()
    with redis.Redis.from_url(redis_server.url) as client:
        assert client.xlen("log") == 1


def test_redis_starts_from_a_file_whose_last_write_was_cut_off(redis_server: Redis) -> None:
    with redis.Redis.from_url(redis_server.url) as client:
        client.xadd("log", {"batch": "1"}, id="1-1")
    redis_server.kill()
    (tail,) = redis_server.data.glob("appendonlydir/*.incr.aof")
    with tail.open("ab") as file:
        file.write(b"*5\r\n$4\r\nXADD\r\n$3\r\nlo")
    redis_server.start()
    with redis.Redis.from_url(redis_server.url) as client:
        assert client.xlen("log") == 1


def test_redis_wants_the_password(redis_server: Redis) -> None:
    with (
        redis.Redis(host="127.0.0.1", port=redis_server.port, retry=ONCE) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


# --- the whole stack -----------------------------------------------------------------------------


class Checkout:
    """A copy of the project with stand-ins for the services, on ports of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        root.mkdir(mode=0o755)
        unwanted = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "deploy", root / "deploy", ignore=unwanted)
        (root / "services").mkdir()
        (root / "services" / "__main__.py").write_text(SERVICES)
        names = ("POSTGRES", "REDIS", "QUERY", "OTLP", "EDGE")
        self.settings = {f"TIDEMARK_{name}_PORT": str(quiet_port()) for name in names}
        while not is_free((metrics := quiet_port()) + 1):  # one for each of the two targets
            pass
        self.settings["TIDEMARK_METRICS_PORT"] = str(metrics)
        self.settings["TIDEMARK_CACHE"] = str(cache_folder(server_account()))

    def local(self, command: str) -> subprocess.CompletedProcess[str]:
        """`python -m deploy.local <command>`, to its end."""
        process = self.begin(command)
        told, _ = process.communicate(timeout=180)
        return subprocess.CompletedProcess(process.args, process.returncode, told)

    def begin(self, command: str) -> subprocess.Popen[str]:
        clean = {key: value for key, value in os.environ.items() if "TIDEMARK" not in key}
        return subprocess.Popen(
            [sys.executable, "-m", "deploy.local", command],
            cwd=self.root, env=clean | self.settings,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def stack(self) -> Stack:
        stack = load(self.root)
        assert stack
        return stack

    def is_running(self, supervisor: int) -> bool:
        stack = load(self.root)
        return bool(stack and stack.supervisor.pid == supervisor and stack.state == "running")

    def everything(self) -> list[Identity]:
        stack = self.stack()
        return [one for owner in stack.processes.values() for one in family(owner.pid)]

    def runs(self) -> int:
        with psycopg.connect(self.stack().environment["TIDEMARK_DATABASE_URL"]) as connection:
            row = connection.execute("SELECT count(*) FROM runs").fetchone()
        assert row
        return int(row[0])


@pytest.fixture
def checkout(folder: Path, programs: Programs) -> Iterator[Checkout]:
    checkout = Checkout(folder / "checkout")
    yield checkout
    checkout.local("down")


def test_up_starts_everything_and_down_leaves_nothing(checkout: Checkout) -> None:
    up = checkout.local("up")
    assert up.returncode == 0, up.stdout
    assert set(checkout.stack().processes) == {"redis", "postgres", "query", "writer"}
    status = checkout.local("status")
    assert status.returncode == 0
    assert status.stdout.count("healthy") == 5
    assert checkout.local("up").stdout.startswith("running already")
    members = checkout.everything()
    assert checkout.local("down").returncode == 0
    assert not any(map(alive, members))
    assert checkout.local("status").returncode == 3


def test_one_interrupt_stops_a_run_in_the_foreground(checkout: Checkout) -> None:
    run = checkout.begin("run")
    assert wait_until(lambda: checkout.is_running(run.pid), 60)
    members = checkout.everything()
    run.send_signal(signal.SIGINT)
    told, _ = run.communicate(timeout=60)
    assert run.returncode == 0
    assert told.endswith("stopped\n")
    assert not any(map(alive, members))


def test_a_second_run_in_the_same_checkout_is_refused(checkout: Checkout) -> None:
    assert checkout.local("up").returncode == 0
    second = checkout.local("run")
    assert second.returncode == 1
    assert "running already" in second.stdout
    assert checkout.local("status").returncode == 0


def test_the_stack_comes_back_with_its_data_after_everything_was_killed(checkout: Checkout) -> None:
    assert checkout.local("up").returncode == 0
    for member in [checkout.stack().supervisor, *checkout.everything()]:
        send(member, signal.SIGKILL)
    up = checkout.local("up")
    assert up.returncode == 0, up.stdout
    assert checkout.runs() == 2


def test_nothing_outlives_a_killed_supervisor(checkout: Checkout) -> None:
    assert checkout.local("up").returncode == 0
    members = checkout.everything()
    send(checkout.stack().supervisor, signal.SIGKILL)
    assert wait_until(lambda: not any(map(alive, members)), 30)


def test_children_that_die_are_started_again(checkout: Checkout) -> None:
    assert checkout.local("up").returncode == 0
    before = checkout.stack().processes
    for identity in before.values():
        send(identity, signal.SIGKILL)

    def replaced() -> bool:
        now = checkout.stack().processes
        return all(alive(now[name]) and now[name] != before[name] for name in before)

    assert wait_until(replaced, 60), checkout.local("status").stdout


def test_a_stopped_copy_of_the_folder_does_not_touch_the_original(checkout: Checkout, folder: Path) -> None:
    assert checkout.local("up").returncode == 0
    copy = Checkout(folder / "copy")
    (copy.root / ".tidemark").mkdir(mode=0o711)
    shutil.copy(checkout.root / ".tidemark" / "stack.json", copy.root / ".tidemark")
    assert "not running" in copy.local("down").stdout
    assert all(map(alive, checkout.stack().processes.values()))


def test_servers_named_in_the_environment_are_used_and_left_alone(
    checkout: Checkout, postgres: Postgres, redis_server: Redis
) -> None:
    checkout.settings["TIDEMARK_DATABASE_URL"] = postgres.url
    checkout.settings["TIDEMARK_REDIS_URL"] = redis_server.url
    up = checkout.local("up")
    assert up.returncode == 0, up.stdout
    assert set(checkout.stack().processes) == {"query", "writer"}
    checkout.local("down")
    assert postgres.ready()
    assert redis_server.ready()


def test_a_target_that_cannot_start_ends_the_start_with_its_log(checkout: Checkout) -> None:
    main = checkout.root / "services" / "__main__.py"
    main.write_text(SERVICES.replace("\nelse:", '\nelse:\n    sys.exit("no such table: wombat")'))
    up = checkout.local("up")
    assert up.returncode == 1
    assert "no such table: wombat" in up.stdout
    assert checkout.local("status").returncode == 3
