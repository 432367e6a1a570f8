"""Runs the whole stack: servers, migration, then every target, until told to stop.

Comes in: the root of a checkout and the environment. Goes out: running processes, their logs in
`.tidemark/logs`, and `.tidemark/stack.json`. Next: nothing; `__main__` calls `Supervisor.run`.

No process outlives the supervisor: it stops them in reverse order, the kernel signals them should
it be killed, and what is left over even so is ended by the next start.
"""

import fcntl
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from deploy.envoy.addresses import ADDRESSES
from deploy.local import fonts
from deploy.local.accounts import blocked_by, cache_folder, data_folder, server_account
from deploy.local.debian import Say
from deploy.local.first_run import KEYS, collector
from deploy.local.logs import Log, last_lines
from deploy.local.packages import provision
from deploy.local.ports import DEFAULTS, Ports
from deploy.local.process import Identity, end, identify, tied
from deploy.local.servers import Postgres, Redis, Server
from deploy.local.settings import MEGABYTE, memory_bytes
from deploy.local.stack import Stack, folder_of, load
from deploy.local.targets import Target

GRACE = 15.0  # seconds a target has to stop
START_LIMIT = 120.0  # seconds until every target must answer
STEADY = 30.0  # seconds a target must live for its earlier deaths to be forgotten
DEATHS_AT_START = 3  # a target that dies so often before all answer is not restarted
TICK = 0.1
BESIDES = {"ingest": ("otlp",)}  # ports of a target besides its own
CALLS = {  # which targets another one calls
    "gateway": ("ingest",),
    "insights": ("query",),
    "reports": ("query", "insights"),
}

MIGRATE = (sys.executable, "-m", "services", "migrate")
EDGE = (sys.executable, "-m", "deploy.envoy")
PAGE = (sys.executable, "-m", "deploy.local.page")
# Run in this order once every target answers; the name is what the user sees.
AFTER_START = {"first keys and real input": (sys.executable, "-m", "deploy.local.first_run")}


class StackFailed(RuntimeError):
    """The stack could not be started, or is running already."""


@dataclass
class Supervisor:
    """The stack of one checkout; `run` starts it and returns when it has stopped."""

    root: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    say: Say = print
    quiet: bool = False  # do not repeat the logs of the targets
    servers: list[Server] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)

    def run(self) -> None:
        """Starts everything, keeps it running, stops it on SIGINT or SIGTERM."""
        with self._only_one():
            identity = identify(os.getpid())
            assert identity
            end_left_overs(self.root, self.say)
            self.ports = Ports(self.environment)
            self.stack = Stack(self.root, identity)
            if "TIDEMARK_SEGMENTS_FOLDER" not in self.environment:
                self.stack.environment["TIDEMARK_SEGMENTS_FOLDER"] = str(folder_of(self.root) / "segments")
            self.stack.save()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.default_int_handler)
            try:
                self._start()
                while True:
                    self._tick()
            except KeyboardInterrupt:
                self.say("stopping (once more to kill)")
            finally:
                self._stop()

    # --- start -----------------------------------------------------------------------------------

    def _start(self) -> None:
        began = time.monotonic()
        self._start_servers()
        if "TIDEMARK_REPORT_FONTS_FOLDER" not in self.environment and (
            folder := fonts.provide(cache_folder(server_account()), self.say)
        ):
            self.stack.environment["TIDEMARK_REPORT_FONTS_FOLDER"] = str(folder)
        self._run("migrate", MIGRATE)
        names = subprocess.run(
            [sys.executable, "-m", "services", "targets"],
            check=False, cwd=self.root, env=self._environment(), capture_output=True, text=True,
        )  # fmt: skip
        if names.returncode:
            raise StackFailed(f"`python -m services targets` failed:\n{names.stderr}")
        self._add_targets(names.stdout.split())
        if "gateway" in self.ports.chosen:
            self._add_edge()
        for target in self.targets:
            self._spawn(target)
        self._await_answers()
        self.say(f"every target answers after {time.monotonic() - began:.1f} s")
        for line in addresses(self.stack):
            self.say(line)
        if "edge" in self.ports.chosen:
            self._build_page()
        self.after_start()
        self._add_collector()
        if address := self.stack.environment.get("TIDEMARK_EDGE_ADDRESS"):
            keys = folder_of(self.root) / KEYS
            self.say(f"\nthe dashboard is at {address}/; sign in with one of the keys in {keys}")
        self.stack.state = "running"
        self.stack.save()

    def _start_servers(self) -> None:
        """PostgreSQL and Redis of our own, unless the environment names others."""
        given = [
            name for name in ("TIDEMARK_DATABASE_URL", "TIDEMARK_REDIS_URL")
            if self.environment.get(name)
        ]  # fmt: skip
        self.stack.environment.update({name: self.environment[name] for name in given})
        if len(given) == 2:
            return
        account = server_account()
        self.say("programs")
        programs = provision(cache_folder(account), self.say)
        data = data_folder(self.root, account)
        if account and data.parent != self.root:
            self.say(
                f"the servers run as `{account.name}`, who cannot enter"
                f" {blocked_by(self.root, account)}: their data is kept in {data}"
            )
        self.say("servers")
        if "TIDEMARK_REDIS_URL" not in given:
            limit = min(memory_bytes() // MEGABYTE // 8, 1024)
            redis = Redis(programs, data / "redis", self.ports.take("redis"), limit)
            self._start_server(redis)
            self.stack.environment["TIDEMARK_REDIS_URL"] = redis.url
        if "TIDEMARK_DATABASE_URL" not in given:
            buffers = min(memory_bytes() // MEGABYTE // 8, 2048)
            postgres = Postgres(programs, data / "postgres", self.ports.take("postgres"), buffers)
            self._start_server(postgres)
            self.stack.environment["TIDEMARK_DATABASE_URL"] = postgres.url
        self.stack.ports = dict(self.ports.chosen)

    def _start_server(self, server: Server) -> None:
        began = time.monotonic()
        if server not in self.servers:
            self.servers.append(server)
        server.start()
        self._record(server.key, server.identity())
        self.say(f"  {server.name} on port {server.port} ({time.monotonic() - began:.1f} s)")

    def _add_targets(self, names: list[str]) -> None:
        for name in names:
            if name in DEFAULTS:
                self.ports.take(name)
        if "ingest" in names and self.environment.get("TIDEMARK_OTLP_PORT") != "0":
            self.ports.take("otlp")
        for number, name in enumerate(names):
            metrics = self.ports.take_metrics(name, number)
            own = [
                self.ports.chosen[each]
                for each in (name, *BESIDES.get(name, ()))
                if each in self.ports.chosen
            ]
            self.targets.append(
                Target(
                    name,
                    (sys.executable, "-m", "services", name),
                    {"TIDEMARK_METRICS_PORT": str(metrics)} | self._way_to_others(name),
                    [*own, metrics],
                    Log(name, self._logs() / f"{name}.log"),
                )
            )
        self.stack.ports = self.ports.chosen
        for name, port in self.ports.chosen.items():
            if name in DEFAULTS and name not in ("postgres", "redis"):
                self.stack.environment[f"TIDEMARK_{name.upper()}_PORT"] = str(port)

    def _way_to_others(self, name: str) -> dict[str, str]:
        """Where a target finds those that it calls, whatever the shell says that a client would find them at."""
        return {
            ADDRESSES[called]: f"127.0.0.1:{self.ports.chosen[called]}"
            for called in CALLS.get(name, ())
            if called in self.ports.chosen
        }

    def _add_edge(self) -> None:
        """Envoy in front of the targets, and the secret by which they know it."""
        port = self.ports.take("edge")
        scheme = "https" if self.environment.get("TIDEMARK_TLS_CERT_FILE") else "http"
        self.stack.environment |= {
            "TIDEMARK_EDGE_PORT": str(port),
            "TIDEMARK_EDGE_ADDRESS": f"{scheme}://127.0.0.1:{port}",
            "TIDEMARK_EDGE_SECRET": self.environment.get("TIDEMARK_EDGE_SECRET") or secrets.token_hex(16),
        }
        own = {"TIDEMARK_EDGE_FOLDER": str(folder_of(self.root) / "edge")}
        for name, variable in ADDRESSES.items():
            own[variable] = f"127.0.0.1:{self.ports.chosen[name]}"
        self.targets.append(Target("edge", EDGE, own, [port], Log("edge", self._logs() / "edge.log")))

    def _build_page(self) -> None:
        """What is built already is served in any case."""
        try:
            self._run("page", PAGE)
        except StackFailed:
            self.say("going on without building the page; `make web` tries again")

    def _add_collector(self) -> None:
        """This host's metrics, for as long as the stack runs."""
        if found := collector(self.root):
            command, environment = found
            target = Target("host", command, environment, [], Log("host", self._logs() / "host.log"))
            self.targets.append(target)
            self._spawn(target)

    def _await_answers(self) -> None:
        deadline = time.monotonic() + START_LIMIT
        while waiting := [target for target in self.targets if not target.answers()]:
            self._tick()
            for target in waiting:
                if target.deaths >= DEATHS_AT_START or time.monotonic() > deadline:
                    raise StackFailed(
                        f"{target.name} does not answer on {target.ports}; the end of"
                        f" {target.log.path}:\n{last_lines(target.log.path)}"
                    )

    def after_start(self) -> None:
        """Runs the commands of AFTER_START, each with the environment of the targets."""
        for name, command in AFTER_START.items():
            self._run(name, command)

    # --- while running ---------------------------------------------------------------------------

    def _tick(self) -> None:
        """Looks once at every child: shows its log, starts it again when it died and its time came."""
        now = time.monotonic()
        for target in self.targets:
            if target.process is None:
                if now >= target.restart_at:
                    self._spawn(target)
            elif (code := target.process.poll()) is not None:
                target.process = None
                target.deaths = target.deaths + 1 if now - target.started < STEADY else 1
                delay = min(30.0, 0.25 * 2**target.deaths)
                target.restart_at = now + delay
                self.say(f"{target.name} ended ({_ending(code)}), again in {delay:.1f} s")
            self._show(target.log)
        for server in self.servers:
            if server.identity() is None:
                self.say(f"{server.name} ended, starting it again")
                self._start_server(server)
        time.sleep(TICK)

    def _spawn(self, target: Target) -> None:
        with target.log.open() as log:
            target.process = subprocess.Popen(
                tied(target.command, signal.SIGKILL),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self.root, env=self._environment() | target.environment, process_group=0,
            )  # fmt: skip
        target.started = time.monotonic()
        self._record(target.name, identify(target.process.pid))

    def _run(self, name: str, command: tuple[str, ...]) -> None:
        """One command to its end, its output shown, while the targets are looked after."""
        began = time.monotonic()
        self.say(name)
        process = subprocess.Popen(tied(command, signal.SIGTERM), cwd=self.root, env=self._environment())
        while process.poll() is None:
            self._tick()
        if process.returncode:
            raise StackFailed(f"`{' '.join(command[1:])}` failed ({_ending(process.returncode)})")
        self.say(f"  {name} done ({time.monotonic() - began:.1f} s)")

    # --- stop ------------------------------------------------------------------------------------

    def _stop(self) -> None:
        """Targets, then servers, in reverse order; a second signal leaves no time to them."""
        grace = GRACE

        def hurry(*_: object) -> None:
            nonlocal grace
            grace = 0.0

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, hurry)
        for target in reversed(self.targets):
            if target.process and (identity := identify(target.process.pid)):
                end(identity, grace)
                target.process.wait()
            self._show(target.log)
        for server in reversed(self.servers):
            server.stop(grace * 2)
        self.ports.close()
        self.stack.state = "stopped"
        self.stack.processes = {}
        self.stack.save()
        self.say("stopped")

    # --- small things ----------------------------------------------------------------------------

    def _only_one(self) -> IO[str]:
        """A lock on the checkout, kept while we live."""
        folder = folder_of(self.root)
        folder.mkdir(mode=0o711, exist_ok=True)
        if (owner := folder.stat().st_uid) != os.geteuid() and os.geteuid() != 0:
            raise StackFailed(f"{folder} belongs to the user {owner}: run as that user, or remove the folder")
        self._logs().mkdir(mode=0o700, exist_ok=True)
        lock = (folder / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise StackFailed(
                f"the stack of {self.root} is running already: `make status` shows it, `make down` stops it"
            ) from None
        return lock

    def _show(self, log: Log) -> None:
        log.show((lambda _: None) if self.quiet else self.say)

    def _logs(self) -> Path:
        return folder_of(self.root) / "logs"

    def _environment(self) -> dict[str, str]:
        return {**self.environment, **self.stack.environment, "PYTHONUNBUFFERED": "1"}

    def _record(self, name: str, identity: Identity | None) -> None:
        if identity:
            self.stack.processes[name] = identity
            self.stack.save()


def end_left_overs(root: Path, say: Say) -> None:
    """Ends what an earlier supervisor of this checkout, killed itself, could not."""
    stack = load(root)
    for name, identity in reversed(stack.processes.items()) if stack else ():
        if identify(identity.pid) == identity:
            say(f"ending {name}, left over from an earlier run (process {identity.pid})")
            end(identity, 10, signal.SIGINT if name == "postgres" else signal.SIGTERM)


def addresses(stack: Stack) -> list[str]:
    """What a user wants to know, one line a port; a replaced port says so."""
    lines = [
        f"  {name:<16} 127.0.0.1:{port}"
        + (f"  (instead of {DEFAULTS[name]})" if DEFAULTS.get(name, port) != port else "")
        for name, port in stack.ports.items()
    ]
    if address := stack.environment.get("TIDEMARK_EDGE_ADDRESS"):
        lines.append(f"  {'dashboard':<16} {address}/")
    return lines


def _ending(code: int) -> str:
    return f"exit {code}" if code >= 0 else signal.Signals(-code).name
