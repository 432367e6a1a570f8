"""What a chaos run stands on: the suite with two ingests and two writers, a load, and the blows that they take.

Everything random comes from one seed. `test_kill_loops.py` strikes, `checker.py` judges what is left.
"""

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from deploy.local.logs import last_lines
from deploy.local.process import identify, kill_family, send, tied, wait_until
from deploy.local.suite import ROOT, Suite, running
from tests.chaos import checker
from tests.chaos.load import PRODUCERS, Journal, journals

LEASE_SECONDS = 1.5
RECOVERY_LIMIT = 60.0
DRAIN_LIMIT = 60.0
TARGETS = {"ingest-1": "ingest", "ingest-2": "ingest", "writer-1": "writer", "writer-2": "writer"}
KINDS = {"ingest": 3, "writer": 4, "redis": 2, "postgres": 2, "load": 1, "freeze": 1}
"""What may be struck, and how often beside the others."""
_POSITIONS = "SELECT partition, epoch, last_id, version, batches, received, owner FROM tidemark.partitions"


@dataclass(frozen=True)
class Position:
    """How far a partition is, as its row says."""

    epoch: int
    last_id: tuple[int, int]
    version: int
    batches: int
    received: int
    owner: str | None

    def behind(self, before: "Position") -> bool:
        """Whether anything that only grows is less than before."""
        return any(
            getattr(self, name) < getattr(before, name)
            for name in ("epoch", "last_id", "version", "batches", "received")
        )


@dataclass
class Chaos:
    """A suite under load."""

    suite: Suite
    folder: Path
    chance: random.Random
    kills: Counter[str] = field(default_factory=Counter)
    recoveries: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _life: int = 0
    _load: subprocess.Popen[bytes] | None = None
    _positions: dict[int, Position] = field(default_factory=dict)

    def start_load(self) -> None:
        """A new life of the load."""
        self._life += 1
        addresses = [member.address for member in self.suite.of("ingest")]
        command = [
            sys.executable,
            "-m",
            "tests.chaos.load",
            str(self.folder),
            str(self._life),
            self.suite.keys["TIDEMARK_INGEST_KEY"],
        ]
        with (self.folder / "load.log").open("ab") as log:
            self._load = subprocess.Popen(
                tied([*command, *addresses], signal.SIGKILL), cwd=ROOT, stdout=log, stderr=log
            )

    def end_load(self) -> None:
        """Returns when the load has got every acknowledgement that it waits for."""
        assert self._load
        if identity := identify(self._load.pid):
            send(identity, signal.SIGTERM)
        assert self._load.wait(DRAIN_LIMIT) == 0, (self.folder / "load.log").read_text()[-2000:]

    def kill_load(self) -> None:
        """Kills the load; its journals stay."""
        if self._load and (identity := identify(self._load.pid)):
            kill_family(identity)
            self._load.wait()

    def strike(self, kind: str) -> None:
        """One blow to a random member of a kind; what was killed is started again at once."""
        self.kills[kind] += 1
        match kind:
            case "redis" | "postgres":
                server = self.suite.redis if kind == "redis" else self.suite.postgres
                server.kill()
                server.start()
            case "load":
                self.kill_load()
                self.start_load()
            case "freeze":
                self.freeze(self.chance.choice(["writer-1", "writer-2"]))
            case _:
                member = self.chance.choice(self.suite.of(kind))
                member.kill()
                member.spawn()

    def freeze(self, name: str) -> set[int]:
        """Stops a writer until others own what it owned, then lets it go on; gives the partitions that were taken over."""
        writer = self.suite.members[name]
        writer.await_ready()
        assert writer.identity
        pid = writer.identity.pid
        if not wait_until(lambda: bool(self.owned(pid)), RECOVERY_LIMIT):
            self.faults.append(f"{name} got no partitions")
        writer.freeze()
        frozen = self.owned(pid)
        if not wait_until(lambda: not self.owned(pid), RECOVERY_LIMIT):
            self.faults.append(f"{name} was frozen and nobody took over {self.owned(pid)}")
        writer.thaw()
        return frozen

    def owned(self, pid: int) -> set[int]:
        """The partitions of the writer with this process id."""
        return {
            partition for partition, at in self.positions().items() if (at.owner or "").endswith(f":{pid}")
        }

    def recover(self) -> None:
        """Waits until everything sent before now is acknowledged, by producers that wait for the commit too."""
        began = time.monotonic()
        wait_until(lambda: len(self.lives()) == PRODUCERS, RECOVERY_LIMIT)
        waiting = {each.label: each.made for each in self.lives()}
        if not wait_until(
            lambda: all(each.acknowledged >= waiting.get(each.label, 0) for each in self.lives()),
            RECOVERY_LIMIT,
        ):
            self.faults.append(
                f"no recovery within {RECOVERY_LIMIT} s after {dict(self.kills)}: {self.lives()}"
            )
        self.recoveries.append(time.monotonic() - began)

    def lives(self) -> list[Journal]:
        """The producers of the load that runs now."""
        return [each for each in journals(self.folder) if each.life == self._life]

    def positions(self) -> dict[int, Position]:
        """Every partition's position, noting a fault where one has gone back; the last known while PostgreSQL is away."""
        try:
            with psycopg.connect(self.suite.postgres.url, connect_timeout=5) as connection:
                rows = connection.execute(_POSITIONS).fetchall()
        except psycopg.OperationalError:
            return self._positions
        for partition, epoch, last_id, version, batches, received, owner in rows:
            milliseconds, _, number = last_id.partition("-")
            now = Position(epoch, (int(milliseconds), int(number)), version, batches, received, owner)
            before = self._positions.get(partition)
            if before and now.behind(before):
                self.faults.append(f"partition {partition} went back from {before} to {now}")
            self._positions[partition] = now
        return self._positions

    def revive(self) -> None:
        """Starts again what has ended by itself, which is a fault: nothing here should need a supervisor's help."""
        for member in self.suite.members.values():
            if member.ended:
                self.faults.append(f"{member.name} ended by itself:\n{last_lines(member.log, 5)}")
                member.spawn()


def settle(run: Chaos) -> None:
    """Ends the load, waits until nothing is in flight, and adds what the checker finds to the faults."""
    for member in run.suite.members.values():
        member.await_ready()
    run.end_load()
    wait_until(lambda: checker.in_flight(run.suite) == 0, DRAIN_LIMIT)
    run.positions()
    run.faults += checker.faults(run.suite, journals(run.folder))


@contextmanager
def chaos(folder: Path, seed: int, environment: Mapping[str, str] | None = None) -> Iterator[Chaos]:
    """A suite under load; stopped at the end."""
    environment = {"TIDEMARK_LEASE_SECONDS": str(LEASE_SECONDS), **(environment or {})}
    with running(folder, TARGETS, environment=environment) as suite:
        run = Chaos(suite, folder, random.Random(seed))
        run.start_load()
        try:
            yield run
        finally:
            run.kill_load()
