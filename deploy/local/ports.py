"""The local ports: one table of defaults, and how a taken one is replaced.

Comes in: names and the environment. Goes out: `Ports`, each free and reserved for as long as this
object lives. Next: `supervisor` hands them to the servers and targets, and `stack` writes them down.
"""

import socket
from collections.abc import Mapping

DEFAULTS = {
    "ingest": 50051,
    "query": 50052,
    "insights": 50053,
    "reports": 50054,
    "gateway": 50055,
    "otlp": 4317,
    "edge": 8080,
    "postgres": 55432,
    "redis": 56379,
}
METRICS = 9101
STRIDE = 1000  # a replaced port keeps its last digits: 50051 becomes 51051


class PortTaken(RuntimeError):
    """A port was asked for by name, and something else has it."""


class Ports:
    """Ports given out in this run, kept from other copies of the project until we end."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.chosen: dict[str, int] = {}
        self._environment = environment
        self._claims: list[socket.socket] = []

    def take(self, name: str) -> int:
        """The port of a server or target, by its name in the table."""
        return self._take(name, f"TIDEMARK_{name.upper()}_PORT", DEFAULTS[name], 0)

    def take_metrics(self, target: str, number: int) -> int:
        """The Prometheus port of the target with this number in the table of targets."""
        return self._take(f"{target} metrics", "TIDEMARK_METRICS_PORT", METRICS, number)

    def close(self) -> None:
        """Lets other copies have what we reserved."""
        for claim in self._claims:
            claim.close()

    def _take(self, name: str, setting: str, default: int, offset: int) -> int:
        asked = self._environment.get(setting)
        if asked and not (asked.isdecimal() and 0 < int(asked) < 65536):
            raise PortTaken(f"{setting}={asked} is not a port: give a number from 1 to 65535")
        first = (int(asked) if asked else default) + offset
        for port in [first] if asked else range(first, 65536, STRIDE):
            if claim := _claim(port):
                self._claims.append(claim)
                self.chosen[name] = port
                return port
        raise PortTaken(
            f"port {first} ({setting}) for {name} is taken by another program:"
            f" end it, or set {setting} to a free port"
        )


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
    return True


def accepts(port: int) -> bool:
    """Whether something accepts connections on a loopback port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def free_port() -> int:
    """A port of the kernel's choice that nobody listens on now; tests take theirs here."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _claim(port: int) -> socket.socket | None:
    """Reserves a free port among the copies of Tidemark on this machine.

    Between choosing a port and a server binding it, another copy could choose the same. An abstract
    socket named after the port is the lock: it vanishes with its holder, however that one ends.
    """
    holder = socket.socket(socket.AF_UNIX)
    try:
        holder.bind(f"\0tidemark-port-{port}")
    except OSError:
        holder.close()
        return None
    if is_free(port):
        return holder
    holder.close()
    return None
