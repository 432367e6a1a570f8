"""A cluster in small: pods are processes with loopback addresses of their own, services are names of a DNS server, and a rollout replaces
pods as a Deployment of `k8s/base` does.

Comes in: a suite of servers, and how many pods each target has. Goes out: addresses for clients, and `roll`, which makes a new pod, takes
the old one out of its service as soon as that is ready, waits as `preStop` does, sends SIGTERM, and tells how long it took.
Next: `bench_rolling` puts a load on it.
"""

import asyncio
import contextlib
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.names import Names
from deploy.envoy.__main__ import written
from deploy.envoy.addresses import ADDRESSES
from deploy.envoy.config import configuration
from deploy.envoy.edge import PAUSE_SECONDS, Edge
from deploy.local.logs import last_lines
from deploy.local.ports import DEFAULTS
from deploy.local.process import Identity, identify, kill_family, send, tied
from deploy.local.suite import ROOT, Suite, quiet_port
from tidemark.channel import connect, healthy

NETWORK = "127.77.0"
"""Pods are at addresses of this network, which is all loopback."""
GRACE_SECONDS, START_SECONDS = 90.0, 90.0
"""`terminationGracePeriodSeconds` of every pod, and how long one may take until it is ready."""
_LOOK_SECONDS = 0.2
Json = dict[str, Any]


@dataclass
class Pod:
    """One process of a target."""

    target: str
    address: str
    log: Path
    process: subprocess.Popen[bytes]
    environment: Mapping[str, str]

    @property
    def identity(self) -> Identity | None:
        """The process while it lives."""
        return identify(self.process.pid)


@dataclass(frozen=True)
class Restart:
    """What the replacement of one pod took, in seconds."""

    target: str
    start: float
    """Until the new one was ready."""
    drain: float
    """From SIGTERM, or from the beginning of the edge's own drain, to the end of the old one."""
    killed: bool
    """Whether it did not end within the grace."""


@dataclass
class Cluster:
    """Pods, and the names by which they are found."""

    suite: Suite
    folder: Path
    names: Names
    pause: float
    """Seconds between leaving the service and SIGTERM."""
    drain: float
    """`TIDEMARK_DRAIN_SECONDS` of every pod."""
    ports: Mapping[str, int]
    pods: dict[str, list[Pod]] = field(default_factory=dict)
    _all: list[Pod] = field(default_factory=list)
    _leaving: list[asyncio.Task[Restart]] = field(default_factory=list)
    _made: int = 0

    def address(self, target: str) -> str:
        """What clients of a target connect to: its name, asked of our DNS server."""
        return f"dns://127.0.0.1:{self.names.port}/{_name(target)}:{self.ports[target]}"

    async def scale(self, target: str, count: int) -> None:
        """Starts so many pods at once."""
        await asyncio.gather(*(self._started(target) for _ in range(count)))

    async def roll(self, target: str) -> None:
        """Replaces every pod of a target: one more than there should be at most, and never one less that is ready. Returns when the new ones
        are, as `kubectl rollout status` does, while old ones still leave.
        """
        for old in list(self.pods[target]):
            began = time.monotonic()
            await self._started(target)
            taken = time.monotonic() - began
            self._leaving.append(asyncio.create_task(self._left(old, taken)))

    async def settled(self) -> list[Restart]:
        """Returns when every pod that was replaced has ended."""
        return [await each for each in self._leaving]

    async def _started(self, target: str) -> Pod:
        self._made += 1
        address = f"{NETWORK}.{self._made + 9}"
        log = self.folder / f"{target}-{self._made}.log"
        environment = {**os.environ, **self.suite.environment, **self._settings(target, address)}
        with log.open("ab") as out:
            # Short, and the kernel ends a child with the thread that started it.
            process = subprocess.Popen(  # noqa: ASYNC220
                tied(self._command(target, environment), signal.SIGKILL),
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=ROOT, env=environment, process_group=0,
            )  # fmt: skip
        pod = Pod(target, address, log, process, environment)
        self._all.append(pod)
        deadline = time.monotonic() + START_SECONDS
        while not await self._ready(pod):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(
                    f"{log.stem} is not ready (exit code {process.poll()}); the end of its log:\n{last_lines(log)}"
                )
            await asyncio.sleep(_LOOK_SECONDS)
        self.pods.setdefault(target, []).append(pod)
        self._publish(target)
        return pod

    async def _left(self, pod: Pod, start: float) -> Restart:
        self.pods[pod.target].remove(pod)
        self._publish(pod.target)
        began = time.monotonic()
        if pod.target == "edge":
            drain = [sys.executable, "-m", "deploy.envoy", "drain"]
            told = await asyncio.create_subprocess_exec(*drain, cwd=ROOT, env=pod.environment)
            if await told.wait():
                raise RuntimeError("the edge could not be drained; its error stands above")
        else:
            await asyncio.sleep(self.pause)
            began = time.monotonic()
        killed = await self._ended(pod)
        return Restart(pod.target, start, time.monotonic() - began, killed)

    async def _ended(self, pod: Pod) -> bool:
        """Ends a pod; whether it had to be killed."""
        if identity := pod.identity:
            send(identity, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS - self.pause
        while pod.process.poll() is None:
            if time.monotonic() > deadline and (identity := pod.identity):
                kill_family(identity)
                pod.process.wait()
                return True
            await asyncio.sleep(0.02)
        return False

    async def end(self) -> None:
        """Ends every pod, however it is."""
        for each in self._leaving:
            each.cancel()
        await asyncio.gather(*self._leaving, return_exceptions=True)
        for pod in self._all:
            if identity := pod.identity:
                kill_family(identity)
            pod.process.wait()

    def _publish(self, target: str) -> None:
        self.names.point(_name(target), [pod.address for pod in self.pods[target]])

    def _settings(self, target: str, address: str) -> dict[str, str]:
        settings = {
            "TIDEMARK_HOST": address,
            "TIDEMARK_HEALTH_PORT": str(self.ports["health"]),
            "TIDEMARK_METRICS_PORT": str(self.ports["metrics"]),
            "TIDEMARK_OTLP_PORT": str(self.ports["otlp"]),
            "TIDEMARK_DRAIN_SECONDS": f"{self.drain:g}",
        }
        settings |= {f"TIDEMARK_{name.upper()}_PORT": str(self.ports[name]) for name in (*ADDRESSES, "edge")}
        if target == "edge":
            # Envoy asks our DNS server for the same names; see `_command`.
            settings |= {
                variable: f"{_name(name)}:{self.ports[name]}" for name, variable in ADDRESSES.items()
            }
            settings["TIDEMARK_EDGE_FOLDER"] = str(self.folder / f"edge-{self._made}")
            settings["TIDEMARK_EDGE_PAUSE_SECONDS"] = f"{min(self.pause, PAUSE_SECONDS):g}"
        else:
            settings |= {variable: self.address(name) for name, variable in ADDRESSES.items()}
        return settings

    def _command(self, target: str, environment: Mapping[str, str]) -> list[str]:
        if target != "edge":
            return [sys.executable, "-m", "services", target]
        folder = Path(environment["TIDEMARK_EDGE_FOLDER"])
        folder.mkdir()
        edge = Edge.read(environment)
        return written(
            folder, configuration(edge) | {"typed_dns_resolver_config": _resolver(self.names.port)}
        )

    async def _ready(self, pod: Pod) -> bool:
        """As kubelet probes it."""
        if pod.target == "edge":
            with contextlib.suppress(httpx.HTTPError):
                async with httpx.AsyncClient() as client:
                    url = f"http://{pod.address}:{self.ports['edge']}/healthz"
                    return (await client.get(url, timeout=2)).is_success
            return False
        channel = connect(f"{pod.address}:{self.ports['health']}", None)
        try:
            return await healthy(channel, 1.0)
        finally:
            await channel.close()


async def _pumped(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65_536):
            target.write(data)
            await target.drain()
    with contextlib.suppress(OSError):
        target.close()


@asynccontextmanager
async def cluster(
    suite: Suite, folder: Path, pods: Mapping[str, int], *, pause: float, drain: float, names_kept: float
) -> AsyncIterator[Cluster]:
    """A cluster whose pods are all ready."""
    wanted = (*DEFAULTS, "health", "metrics")
    ports = {name: quiet_port() for name in wanted}
    with Names(kept=names_kept) as names:
        made = Cluster(suite, folder, names, pause, drain, ports)
        try:
            servers = [each for each in pods.items() if each[0] != "edge"]
            await asyncio.gather(*(made.scale(target, count) for target, count in servers))
            # Last: one that finds a name without addresses answers 503 until it asks again, as whoever installs everything at once sees.
            await made.scale("edge", pods.get("edge", 0))
            yield made
        finally:
            await made.end()


@asynccontextmanager
async def entered(made: Cluster) -> AsyncIterator[str]:
    """The address of the edge's service: a connection goes to one of the pods that are ready, and stays there."""
    turns, going = itertools.count(), set[asyncio.Task[None]]()

    async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pods = made.pods["edge"]
        address = pods[next(turns) % len(pods)].address
        with contextlib.suppress(OSError):
            up, down = await asyncio.open_connection(address, made.ports["edge"])
            await asyncio.gather(_pumped(reader, down), _pumped(up, writer))
        writer.close()

    def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(passed(reader, writer))
        going.add(task)
        task.add_done_callback(going.discard)

    server = await asyncio.start_server(taken, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in list(going):
            task.cancel()
        await asyncio.gather(*going, return_exceptions=True)


def _name(target: str) -> str:
    return f"tidemark-{target}"


def _resolver(port: int) -> Json:
    kind = "type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig"
    server = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    options = {"no_default_search_domain": True}
    return {
        "name": "envoy.network.dns_resolver.cares",
        "typed_config": {"@type": kind, "resolvers": [server], "dns_resolver_options": options},
    }
