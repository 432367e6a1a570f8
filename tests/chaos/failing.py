"""What fault tests stand on: a small suite on disks of its own, a load that knows what it sent, and ways to break what is between.

A `World` is a suite with one ingest and one writer. `load` tracks events while a test breaks something, and judges at its end: nobody
of ours has started anew, memory has stayed bounded, and every event is stored exactly once.
"""

import asyncio
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

import tidemark
from deploy.local.process import family, memory_bytes, send
from deploy.local.servers import Server
from deploy.local.suite import Suite, running
from services.kit.postgres import conninfo
from tests.deployment import Tenant, new_tenant
from tests.polling import until
from tidemark.buffer import Limits

TARGETS = {"ingest-1": "ingest", "writer-1": "writer", "query": "query"}
BACKLOG_BYTES = 8 << 20
GROWTH_BYTES = 160 << 20
"""How much a process may need beyond what it needed before the fault."""
RECOVERY_LIMIT = 45.0
BURST = 50
FILLER = "x" * 1000
ROOMY = "2g"
COUNTED = """
SELECT count(*), count(DISTINCT event_id) FROM events JOIN projects USING (project_id) WHERE slug = %s
"""

ACCOUNT = """
SELECT sum(stored)::int, sum(dead_lettered)::int, bool_and(received = stored + duplicate + rejected + dead_lettered)
FROM ledger JOIN projects USING (project_id) WHERE slug = %s
"""


@dataclass(frozen=True)
class Disk:
    """A file system of its own in memory, with a server's data on it."""

    path: Path

    def mount(self) -> bool:
        """Whether it could be mounted, which takes the rights of root."""
        self.path.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={ROOMY},mode=700", "tidemark-disk", str(self.path)]
        return bool(shutil.which("mount")) and subprocess.run(command, capture_output=True).returncode == 0

    def unmount(self) -> None:
        """Nothing of it stays."""
        subprocess.run(["umount", str(self.path)], check=False, capture_output=True)

    def fill(self) -> None:
        """From here on it is as large as what is on it, which grows while we look."""
        while not self._resize(str(shutil.disk_usage(self.path).used + 65_536)):
            pass

    def free(self) -> None:
        """There is room again."""
        assert self._resize(ROOMY)

    def _resize(self, size: str) -> bool:
        """Whether what is on it fits."""
        command = ["mount", "-o", f"remount,size={size}", str(self.path)]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0


@dataclass
class World:
    """A suite, the disks of its servers where those could be mounted, and a project."""

    suite: Suite
    folder: Path
    disks: dict[str, Disk]
    tenant: Tenant

    def metric(self, member: str, name: str, **labels: str) -> float:
        """What a metric of a member stands at, summed over all labels but these."""
        ports = self.suite.members[member].ports
        with urllib.request.urlopen(f"http://127.0.0.1:{ports[len(ports) > 1]}/metrics", timeout=10) as page:
            lines = page.read().decode().splitlines()
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        found = (re.match(rf"{name}(?:{{(.*)}})? (\S+)$", line) for line in lines)
        return sum(
            float(each[2]) for each in found if each and all(want in (each[1] or "") for want in wanted)
        )

    def rows(self) -> tuple[int, int]:
        """Events of the project that are stored, and different ids among them."""
        with psycopg.connect(conninfo(self.suite.postgres.url)) as connection:
            slug = self.tenant.project.removeprefix("projects/")
            stored, different = connection.execute(COUNTED, (slug,)).fetchone() or (0, 0)
        return stored, different

    def account(self) -> tuple[int, int, bool]:
        """Of the project since the beginning, whatever the clock said: stored, dead letters, and whether every row balances."""
        with psycopg.connect(conninfo(self.suite.postgres.url)) as connection:
            slug = self.tenant.project.removeprefix("projects/")
            stored, dead, balanced = connection.execute(ACCOUNT, (slug,)).fetchone() or (0, 0, False)
        return stored, dead, balanced

    def restart(self, member: str, **environment: str) -> None:
        """Ends a member and starts it with this beside its environment."""
        there = self.suite.members[member]
        there.stop()
        there.environment = self.suite.members[member].environment | environment
        there.spawn()
        there.await_ready()


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """A suite whose backlog is soon full."""
    disks = {name: Disk(folder / name) for name in ("postgres", "redis")}
    mounted = {name: disk for name, disk in disks.items() if disk.mount()}
    environment = {"TIDEMARK_LEASE_SECONDS": "1.5", "TIDEMARK_BACKLOG_BYTES": str(BACKLOG_BYTES)}
    try:
        with running(folder, TARGETS, environment=environment) as suite:
            yield World(suite, folder, mounted, new_tenant(suite))
    finally:
        for disk in mounted.values():
            disk.unmount()


@dataclass
class Load:
    """Events that are tracked one burst after the other, until `stopped`."""

    client: tidemark.Client
    tracked: int = 0
    stopped: bool = False

    async def run(self) -> None:
        """Tracks, waiting for room as a careful producer does."""
        while not self.stopped:
            await self.client.ready()
            for _ in range(BURST):
                self.client.track("tick", properties={"number": self.tracked, "filler": FILLER})
                self.tracked += 1
            await asyncio.sleep(0.02)

    async def acknowledged(self, more: int = 10 * BURST) -> None:
        """Returns when so many more are acknowledged than now."""
        wanted = self.client.stats.acknowledged + more

        async def seen() -> bool:
            return self.client.stats.acknowledged >= wanted

        await until(seen, RECOVERY_LIMIT)

    async def held_up(self) -> None:
        """Returns when there is no room for more."""

        async def full() -> bool:
            return self.client.unacknowledged * len(FILLER) > 2 << 20

        await until(full, RECOVERY_LIMIT)


@asynccontextmanager
async def load(world: World) -> AsyncIterator[Load]:
    """A load from before a fault until after it, and what must be true in the end."""
    members = [world.suite.members[name] for name in ("ingest-1", "writer-1")]
    before = [member.identity for member in members]
    stored_before = world.rows()[0]
    needed = [memory_bytes([identity]) for identity in before if identity]
    peak = list(needed)

    async def measure() -> None:
        while True:
            for number, identity in enumerate(before):
                peak[number] = max(peak[number], memory_bytes([identity]) if identity else 0)
            await asyncio.sleep(0.1)

    async with world.tenant.client(
        limits=Limits(buffer_bytes=4 << 20), close_timeout=RECOVERY_LIMIT
    ) as client:
        made = Load(client)
        tasks = [asyncio.create_task(made.run()), asyncio.create_task(measure())]
        try:
            await made.acknowledged()
            yield made
            await made.acknowledged()
            made.stopped = True
            await asyncio.wait_for(tasks[0], RECOVERY_LIMIT)
        finally:
            for task in tasks:
                task.cancel()
        await asyncio.wait_for(client.flush(), RECOVERY_LIMIT)
        await world.tenant.settled(client)
        assert (client.stats.rejected, client.stats.dropped) == (0, 0)
    stored = stored_before + made.tracked
    assert world.rows() == (stored, stored)
    assert world.account() == (stored, 0, True)
    assert [member.identity for member in members] == before, "a process of ours has started anew"
    grown = [most - least for most, least in zip(peak, needed, strict=True)]
    assert max(grown) < GROWTH_BYTES, grown


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    """A server of which every process stands still."""
    identity = server.identity()
    assert identity
    members = family(identity.pid)
    for each in members:
        send(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in members:
            send(each, signal.SIGCONT)


@dataclass
class Cutting:
    """A way to a server that breaks in the middle of what is sent, as often as it is told to."""

    server: int
    after_bytes: list[int]
    """After how many bytes each of the next connections breaks; those that come later do not."""
    cuts: int = 0
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    _open: list[socket.socket] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Where a client finds it."""
        return int(self._listener.getsockname()[1])

    def serve(self) -> None:
        """Takes connections until it is closed."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._open.append(client)
                server = socket.create_connection(("127.0.0.1", self.server))
                self._open.append(server)
                limit = self.after_bytes.pop(0) if self.after_bytes else None
                for source, target, most in ((client, server, limit), (server, client, None)):
                    threading.Thread(target=self._pump, args=(source, target, most), daemon=True).start()
        # Who came while it was being closed is sent away, too.
        _reset(*self._open)

    def _pump(self, source: socket.socket, target: socket.socket, most: int | None) -> None:
        passed = 0
        with suppress(OSError):
            while data := source.recv(16_384):
                if most is not None and passed + len(data) > most:
                    target.sendall(data[: most - passed])
                    self.cuts += 1
                    break
                target.sendall(data)
                passed += len(data)
        _reset(source, target)

    def close(self) -> None:
        """Ends everything."""
        _reset(self._listener, *self._open)


def _reset(*sockets: socket.socket) -> None:
    """Closes them at once, without a farewell: the other end learns of it in the middle of what it reads."""
    for each in sockets:
        with suppress(OSError):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()


@contextmanager
def cutting(server: int, after_bytes: list[int]) -> Iterator[Cutting]:
    """A way to the server on this port, on which the next connections break."""
    way = Cutting(server, after_bytes)
    thread = threading.Thread(target=way.serve, daemon=True)
    thread.start()
    try:
        yield way
    finally:
        way.close()
        thread.join()
