"""The whole suite as processes in a folder of its own: what chaos runs, end-to-end tests and benchmarks stand on.

Comes in: a folder and which targets, each under a name. Goes out: a `Suite` of servers and members which can be killed,
frozen, thawed and started again, and the keys of the project `demo`.

    with running(folder, {"ingest": "ingest", "writer-1": "writer", "writer-2": "writer"}) as suite:
        suite.members["writer-1"].kill()

The target `edge` is Envoy in front of whichever members there are; `suite.edge` is where a browser finds it.

The kernel kills every member when the thread that started it ends: start and restart from the same thread.
"""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deploy.envoy.addresses import ADDRESSES
from deploy.local import fonts
from deploy.local.accounts import cache_folder, server_account
from deploy.local.first_run import pairs
from deploy.local.logs import last_lines
from deploy.local.packages import provision
from deploy.local.ports import DEFAULTS, accepts, is_free
from deploy.local.process import Identity, end, identify, kill_family, send, tied, wait_until
from deploy.local.servers import Postgres, Redis

ROOT = Path(__file__).parents[2]
START_SECONDS = 60.0


class MemberFailed(RuntimeError):
    """A member did not start or ended by itself; the message ends with the last lines of its log."""


@dataclass
class Member:
    """One target as a process."""

    name: str
    target: str
    environment: Mapping[str, str]
    ports: list[int]
    log: Path
    _process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """Where its gRPC answers; a writer has only metrics."""
        return self.ports[0]

    @property
    def address(self) -> str:
        """What clients connect to."""
        return f"127.0.0.1:{self.port}"

    def spawn(self) -> None:
        """Starts it; `await_ready` waits until it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                tied(command_of(self.target), signal.SIGKILL),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=ROOT, env={**os.environ, **self.environment}, process_group=0,
            )  # fmt: skip

    def await_ready(self, seconds: float = START_SECONDS) -> None:
        """Returns when all its ports answer."""
        wait_until(lambda: self.ended or all(map(accepts, self.ports)), seconds)
        if self.ended or not all(map(accepts, self.ports)):
            raise MemberFailed(
                f"{self.name} does not answer on {self.ports}; the end of {self.log}:\n{last_lines(self.log)}"
            )

    @property
    def identity(self) -> Identity | None:
        """The process while it lives."""
        return identify(self._process.pid) if self._process else None

    @property
    def ended(self) -> bool:
        """Whether it was started and runs no more."""
        return self._process is not None and self._process.poll() is not None

    def kill(self) -> None:
        """Kills it, at once and for good."""
        if identity := self.identity:
            kill_family(identity)
        self._reap()

    def stop(self, grace: float = 20.0) -> None:
        """SIGTERM, and after the grace SIGKILL."""
        if identity := self.identity:
            send(identity, signal.SIGCONT)
            end(identity, grace)
        self._reap()

    def freeze(self) -> None:
        """SIGSTOP: it keeps all it has and does nothing."""
        if identity := self.identity:
            send(identity, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT: it goes on as if nothing had happened."""
        if identity := self.identity:
            send(identity, signal.SIGCONT)

    def _reap(self) -> None:
        if self._process:
            self._process.wait()
            self._process = None


@dataclass
class Suite:
    """Servers, members, and the secrets of the first keys by the names of their variables."""

    postgres: Postgres
    redis: Redis
    environment: dict[str, str]
    members: dict[str, Member] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    def command(self, name: str) -> str:
        """Runs `python -m services <name>` to its end; gives what it printed."""
        told = subprocess.run(
            [sys.executable, "-m", "services", name],
            check=False, cwd=ROOT, env={**os.environ, **self.environment}, capture_output=True, text=True,
        )  # fmt: skip
        if told.returncode:
            raise MemberFailed(f"python -m services {name} failed:\n{told.stdout}{told.stderr}")
        return told.stdout

    @property
    def edge(self) -> str:
        """The address of the page, of REST and of gRPC-Web."""
        (member,) = self.of("edge")
        scheme = "https" if self.environment.get("TIDEMARK_TLS_CERT_FILE") else "http"
        return f"{scheme}://{member.address}"

    def of(self, target: str) -> list[Member]:
        """The members that run a target."""
        return [member for member in self.members.values() if member.target == target]


@contextmanager
def running(
    folder: Path,
    targets: Mapping[str, str],
    *,
    shared_buffers_mb: int = 64,
    maxmemory_mb: int = 512,
    postgres_settings: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Suite]:
    """A migrated suite whose members all answer; `targets` maps each member's name to its target: those that others call first."""
    programs = provision(cache_folder(server_account()), say=lambda _: None)
    with ExitStack() as stack:
        postgres = Postgres(programs, folder / "postgres", quiet_port(), shared_buffers_mb, postgres_settings)
        redis = Redis(programs, folder / "redis", quiet_port(), maxmemory_mb)
        for server in (postgres, redis):
            stack.callback(server.stop)
            server.start()
        own = {
            "TIDEMARK_DATABASE_URL": postgres.url, "TIDEMARK_REDIS_URL": redis.url,
            "TIDEMARK_EDGE_SECRET": secrets.token_hex(16), "TIDEMARK_SEGMENTS_FOLDER": str(folder / "segments"),
        }  # fmt: skip
        if "reports" in targets.values() and (
            found := fonts.provide(cache_folder(server_account()), lambda _: None)
        ):
            own["TIDEMARK_REPORT_FONTS_FOLDER"] = str(found)
        suite = Suite(postgres, redis, own | dict(environment or {}))
        suite.command("migrate")
        suite.keys = pairs(suite.command("bootstrap").splitlines())
        for name, target in targets.items():
            suite.members[name] = member = _member(suite, folder, name, target)
            stack.callback(member.stop)
            member.spawn()
        for member in suite.members.values():
            member.await_ready()
        yield suite


def command_of(target: str) -> list[str]:
    """What runs a target: our own program, or the edge's."""
    return [sys.executable, "-m", *(["deploy.envoy"] if target == "edge" else ["services", target])]


def _member(suite: Suite, folder: Path, name: str, target: str) -> Member:
    ports = {} if target == "edge" else {"TIDEMARK_METRICS_PORT": quiet_port()}
    if target in DEFAULTS:
        ports = {f"TIDEMARK_{target.upper()}_PORT": quiet_port()} | ports
    if target == "ingest":
        ports["TIDEMARK_OTLP_PORT"] = quiet_port()
    own = {variable: str(port) for variable, port in ports.items()}
    if target == "edge":
        own["TIDEMARK_EDGE_FOLDER"] = str(folder / name)
    if target in ("edge", "gateway", "insights", "reports"):
        for other, variable in ADDRESSES.items():
            own[variable] = ",".join(member.address for member in suite.of(other))
    return Member(name, target, suite.environment | own, list(ports.values()), folder / f"{name}.log")


_given: set[int] = set()


def quiet_port() -> int:
    """A free port below those that the kernel lends to outgoing connections: it is still free after a restart."""
    first = 20_000 + os.getpid() % 1_000 * 10
    for port in range(first, 32_000):
        if port not in _given and is_free(port):
            _given.add(port)
            return port
    raise RuntimeError(f"no port from {first} to 32000 is free")
