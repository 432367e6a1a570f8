"""A real cluster of Redis for tests: three masters on ports of their own, each with a third of the slots and no replica."""

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from deploy.local.accounts import cache_folder, server_account
from deploy.local.packages import Programs, provision
from deploy.local.ports import free_port
from deploy.local.servers import Redis

SLOTS = 16_384
JOIN_SECONDS = 30.0


@dataclass(frozen=True)
class Masters:
    """The masters of a cluster."""

    servers: list[Redis]
    password: str

    @property
    def url(self) -> str:
        """Names one of them, who tells of the others."""
        return f"redis+cluster://:{self.password}@127.0.0.1:{self.servers[0].port}"

    def ask(self, server: Redis, *command: Any) -> Any:
        """What one of them answers."""
        with redis.Redis.from_url(server.url, decode_responses=True) as client:
            return client.execute_command(*command)

    def agree(self) -> None:
        """Returns when all of them say that every slot has its master."""
        deadline = time.monotonic() + JOIN_SECONDS
        while not all(_joined(self.ask(server, "CLUSTER", "INFO")) for server in self.servers):
            assert time.monotonic() < deadline, "the cluster does not agree on who holds what"
            time.sleep(0.05)

    def holder(self, key: str) -> Redis:
        """The master that holds a key."""
        slot = int(self.ask(self.servers[0], "CLUSTER", "KEYSLOT", key))
        return self.servers[slot * len(self.servers) // SLOTS]


class _Member(Redis):
    """A server whose password all members of its cluster know."""

    def __init__(
        self, programs: Programs, folder: Path, port: int, password: str, settings: Mapping[str, str]
    ) -> None:
        super().__init__(programs, folder, port, settings=settings)
        self._shared = password

    def password(self) -> str:
        return self._shared


@contextmanager
def masters(count: int = 3, password: str = "cluster") -> Iterator[Masters]:
    """A cluster that has agreed on who holds what."""
    with strangers(count, password) as made:
        for number, server in enumerate(made.servers):
            first, last = number * SLOTS // count, (number + 1) * SLOTS // count - 1
            made.ask(server, "CLUSTER", "ADDSLOTSRANGE", first, last)
            for other in made.servers[:number]:
                made.ask(
                    server, "CLUSTER", "MEET", "127.0.0.1", other.port, int(other.settings["cluster-port"])
                )
        made.agree()
        yield made


@contextmanager
def strangers(count: int = 3, password: str = "cluster") -> Iterator[Masters]:
    """Servers that may be a cluster and do not know each other."""
    programs = provision(cache_folder(server_account()), print)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tidemark-masters-")))
        folder.chmod(0o711)
        servers: list[Redis] = []
        for number in range(count):
            settings = {
                "cluster-enabled": "yes",
                "cluster-config-file": "nodes.conf",
                "cluster-port": str(free_port()),
                # While one is away, the others go on with what is theirs.
                "cluster-require-full-coverage": "no",
                "cluster-node-timeout": "2000",
            }
            server: Redis = _Member(programs, folder / f"master-{number}", free_port(), password, settings)
            stack.callback(server.stop)
            server.start()
            servers.append(server)
        yield Masters(servers, password)


def _joined(info: Any) -> bool:
    lines = info if isinstance(info, dict) else dict(line.split(":", 1) for line in str(info).split())
    return lines["cluster_state"] == "ok" and int(lines["cluster_slots_assigned"]) == SLOTS
