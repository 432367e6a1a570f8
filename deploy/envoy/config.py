"""The configuration of Envoy, as JSON.

Comes in: the edge. Goes out: what `__main__` hands to the program.
"""

import ipaddress
from typing import Any

from deploy.envoy.edge import Edge, Upstreams
from deploy.envoy.filters import TYPES, manager

Json = dict[str, Any]

CONNECTIONS = 10_000
"""Of all callers together."""


def configuration(edge: Edge) -> Json:
    """The whole file. There is no admin interface: it would tell the secret to whoever asks."""
    return {
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
        chain["transport_socket"] = _tls_of_callers(edge)
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
        "type": "STRICT_DNS",
        "dns_lookup_family": "V4_PREFERRED",
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
        cluster["transport_socket"] = _tls_to_servers(edge.upstreams, {host for host, _ in addresses})
    return cluster


def _address(host: str, port: int) -> Json:
    return {"socket_address": {"address": host, "port_value": port}}


def _tls_of_callers(edge: Edge) -> Json:
    settings = edge.settings
    common: Json = {
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
        "tls_certificates": [_certificate(settings.tls_cert_file, settings.tls_key_file)],
    }
    if settings.tls_client_ca_file:
        common["validation_context"] = {"trusted_ca": {"filename": settings.tls_client_ca_file}}
    return _tls(
        "Downstream",
        common_tls_context=common,
        require_client_certificate=bool(settings.tls_client_ca_file),
    )


def _tls_to_servers(upstreams: Upstreams, hosts: set[str]) -> Json:
    """Each server must show a certificate that is good for the host it was found at."""
    names = [
        {"san_type": "IP_ADDRESS" if _is_address(host) else "DNS", "matcher": {"exact": host}}
        for host in sorted(hosts)
    ]
    trust = {"trusted_ca": {"filename": upstreams.roots_file}, "match_typed_subject_alt_names": names}
    common: Json = {"validation_context": trust}
    if upstreams.cert_file:
        common["tls_certificates"] = [_certificate(upstreams.cert_file, upstreams.key_file)]
    return _tls("Upstream", common_tls_context=common)


def _certificate(chain: str, key: str) -> Json:
    return {"certificate_chain": {"filename": chain}, "private_key": {"filename": key}}


def _tls(side: str, **fields: Any) -> Json:
    kind = f"{TYPES}.transport_sockets.tls.v3.{side}TlsContext"
    return {"name": "envoy.transport_sockets.tls", "typed_config": {"@type": kind, **fields}}


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
