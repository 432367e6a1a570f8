"""What the edge must know, out of the environment: where it listens, where the servers are, whom it trusts, and how it drains.

Comes in: `TIDEMARK_*` variables. Goes out: `Edge`, from which `config` is made.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.envoy.addresses import ADDRESSES
from services.kit.errors import BadSetting
from services.kit.settings import Settings

PORT = 8080
PAUSE_SECONDS = 10.0
LONGEST_SOCKET = 107
"""Bytes that the kernel takes as the path of a socket."""


@dataclass(frozen=True)
class Upstreams:
    """How the edge shows itself to servers that speak TLS: whom it trusts, and the files of its own certificate."""

    roots_file: str
    cert_file: str
    key_file: str


@dataclass(frozen=True)
class Edge:
    """All that the configuration depends on."""

    settings: Settings
    port: int
    addresses: Mapping[str, list[tuple[str, int]]]
    """Of each cluster, the hosts and ports of its servers."""
    upstreams: Upstreams | None = None
    """Set where the servers speak TLS."""
    folder: str = ""
    """Where its files are; empty for a folder of its own."""
    pause_seconds: float = PAUSE_SECONDS
    """How long callers may take to notice that it drains."""

    @property
    def admin(self) -> str:
        """The socket by which it is told to drain, for its own account alone; empty where it cannot have one."""
        path = str(Path(self.folder) / "admin.sock") if self.folder else ""
        return path if len(os.fsencode(path)) <= LONGEST_SOCKET else ""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Edge":
        """Raises `BadSetting` naming the variable, the value and the remedy."""
        settings = Settings.read(environment)
        ports = {
            "ingest": settings.ingest_port,
            "query": settings.query_port,
            "insights": settings.insights_port,
            "reports": settings.reports_port,
            "gateway": settings.gateway_port,
        }
        addresses = {
            name: _addresses(variable, environment, f"127.0.0.1:{ports[name]}")
            for name, variable in ADDRESSES.items()
        }
        files = settings.tls_roots_file, settings.tls_client_cert_file, settings.tls_client_key_file
        upstreams = Upstreams(*files) if settings.tls_roots_file else None
        (own,) = _addresses("TIDEMARK_EDGE_PORT", {}, f"edge:{environment.get('TIDEMARK_EDGE_PORT') or PORT}")
        folder = environment.get("TIDEMARK_EDGE_FOLDER", "")
        pause = _seconds("TIDEMARK_EDGE_PAUSE_SECONDS", environment, PAUSE_SECONDS)
        return cls(settings, own[1], addresses, upstreams, folder, pause)


def _seconds(variable: str, environment: Mapping[str, str], default: float) -> float:
    text = environment.get(variable) or f"{default:g}"
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 600:
        raise BadSetting(f"{variable} is {text!r}; write seconds from 0 to 600")
    return found


def _addresses(variable: str, environment: Mapping[str, str], default: str) -> list[tuple[str, int]]:
    """`host:port` of one server or, with commas between, of several."""
    text = environment.get(variable) or default
    found = []
    for part in text.split(","):
        host, _, port = part.strip().rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise BadSetting(f"{variable} is {text!r}; write host:port, and commas between several")
        found.append((host.strip("[]"), int(port)))
    return found
