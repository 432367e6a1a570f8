"""The configuration of Envoy, as JSON.

Comes in: the edge. Goes out: what `__main__` hands to the program.
"""

from typing import Any

from deploy.envoy import trust
from deploy.envoy.edge import Edge
from deploy.envoy.filters import TYPES, manager

Json = dict[str, Any]

CONNECTIONS = 10_000
"""Of all callers together."""

NAMED = {
    "@type": f"{TYPES}.clusters.dns.v3.DnsCluster",
    "dns_lookup_family": "V4_PREFERRED",
    # What pods there are must be known before those that were are gone: see k8s/base/serving.yaml.
    "dns_refresh_rate": "2s",
}
"""Of servers that are named: all addresses of a name are servers."""


def configuration(edge: Edge) -> Json:
    """The whole file. The admin interface is a socket that only the edge's own account may open: `drain` uses it."""
    admin = {"admin": {"address": {"pipe": {"path": edge.admin, "mode": 0o600}}}} if edge.admin else {}
    return admin | {
        # Whoever takes certificates from files has to have a name.
        "node": {"id": "edge", "cluster": "tidemark"},
        "static_resources": {
            "listeners": [_listener(edge)],
            "clusters": [_cluster(edge, name) for name in edge.addresses],
        },
        "overload_manager": {
            "resource_monitors": [
                {
                    "name": "envoy.resource_monitors.global_downstream_max_connections",
                    "typed_config": {
                        "@type": f"{TYPES}.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                        "max_active_downstream_connections": CONNECTIONS,
                    },
                }
            ]
        },
    }


def _listener(edge: Edge) -> Json:
    chain: Json = {"filters": [manager(edge)]}
    if edge.settings.tls_cert_file:
        chain["transport_socket"] = trust.of_callers(edge)
    return {
        "name": "edge",
        "address": _address(edge.settings.host, edge.port),
        "filter_chains": [chain],
        "per_connection_buffer_limit_bytes": 1 << 20,
        # With it, two copies would share a port and each get half of the other's callers.
        "enable_reuse_port": False,
    }


def _cluster(edge: Edge, name: str) -> Json:
    addresses = edge.addresses[name]
    plain = {
        "common_http_protocol_options": {"idle_timeout": "30s"},
        "explicit_http_config": {"http_protocol_options": {}},
    }
    grpc: Json = {"explicit_http_config": {"http2_protocol_options": {}}}
    cluster: Json = {
        "name": name,
        "cluster_type": {"name": "envoy.clusters.dns", "typed_config": NAMED},
        "lb_policy": "LEAST_REQUEST",
        "connect_timeout": "2s",
        "per_connection_buffer_limit_bytes": 1 << 20,
        # Pings of HTTP/2 would do the same, but gRPC servers take many of them for an attack.
        "upstream_connection_options": {
            "tcp_keepalive": {"keepalive_time": 20, "keepalive_interval": 5, "keepalive_probes": 3}
        },
        "circuit_breakers": {"thresholds": [{"max_requests": CONNECTIONS, "max_connections": CONNECTIONS}]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": f"{TYPES}.upstreams.http.v3.HttpProtocolOptions",
                **(plain if name == "gateway" else grpc),
            }
        },
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [
                {"lb_endpoints": [{"endpoint": {"address": _address(*address)}} for address in addresses]}
            ],
        },
    }
    if edge.upstreams:
        cluster["transport_socket"] = trust.to_servers(edge, {host for host, _ in addresses})
    return cluster


def _address(host: str, port: int) -> Json:
    return {"socket_address": {"address": host, "port_value": port}}
