"""What the edge must know, out of the environment: where it listens, where the servers are, and whom it trusts.

Comes in: `TIDEMARK_*` variables. Goes out: `Edge`, from which `config` is made.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from deploy.envoy.addresses import ADDRESSES
from services.kit.errors import BadSetting
from services.kit.settings import Settings

PORT = 8080


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
        return cls(settings, own[1], addresses, upstreams)


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
