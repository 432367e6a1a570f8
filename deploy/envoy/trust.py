"""The certificates of the edge: what it shows to callers and to servers, and by which authorities it knows them.

Comes in: the edge. Goes out: what listeners and clusters say of TLS for `config`, and for `__main__` the files that Envoy takes certificates from: it
watches the folders of those that are named there, and every connection made from then on has the new ones.
"""

import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy.envoy.edge import Edge
from deploy.envoy.filters import TYPES

Json = dict[str, Any]

TLS = f"{TYPES}.transport_sockets.tls.v3"
TO_CALLERS, OF_CALLERS, TO_SERVERS, OF_SERVERS = "to-callers", "of-callers", "to-servers", "of-servers"


def of_callers(edge: Edge) -> Json:
    """How callers are met."""
    common: Json = {
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
        "tls_certificate_sds_secret_configs": [_watched(edge, TO_CALLERS)],
    }
    asks = bool(edge.settings.tls_client_ca_file)
    if asks:
        common["validation_context_sds_secret_config"] = _watched(edge, OF_CALLERS)
    return _socket("Downstream", common_tls_context=common, require_client_certificate=asks)


def to_servers(edge: Edge, hosts: set[str]) -> Json:
    """How servers are called: each must show a certificate that is good for the host it was found at."""
    assert edge.upstreams
    names = [
        {"san_type": "IP_ADDRESS" if _is_address(host) else "DNS", "matcher": {"exact": host}}
        for host in sorted(hosts)
    ]
    common: Json = {
        "combined_validation_context": {
            "default_validation_context": {"match_typed_subject_alt_names": names},
            "validation_context_sds_secret_config": _watched(edge, OF_SERVERS),
        }
    }
    if edge.upstreams.cert_file:
        common["tls_certificate_sds_secret_configs"] = [_watched(edge, TO_SERVERS)]
    return _socket("Upstream", common_tls_context=common)


def files(edge: Edge) -> dict[str, Json]:
    """What is to be in the folder of the edge, by the name of the file: where certificates are, and none of them."""
    return {
        _name(secret): {"resources": [{"@type": f"{TLS}.Secret", "name": secret, **held}]}
        for secret, held in _held(edge)
    }


def _held(edge: Edge) -> Iterator[tuple[str, Json]]:
    settings = edge.settings
    if settings.tls_cert_file:
        yield TO_CALLERS, _certificate(settings.tls_cert_file, settings.tls_key_file)
        if settings.tls_client_ca_file:
            yield OF_CALLERS, _authorities(settings.tls_client_ca_file)
    if edge.upstreams:
        yield OF_SERVERS, _authorities(edge.upstreams.roots_file)
        if edge.upstreams.cert_file:
            yield TO_SERVERS, _certificate(edge.upstreams.cert_file, edge.upstreams.key_file)


def _certificate(chain: str, key: str) -> Json:
    pair = {"certificate_chain": {"filename": chain}, "private_key": {"filename": key or chain}}
    return {"tls_certificate": {**pair, "watched_directory": {"path": _folder(chain)}}}


def _authorities(file: str) -> Json:
    watched = {"watched_directory": {"path": _folder(file)}}
    return {"validation_context": {"trusted_ca": {"filename": file}, **watched}}


def _watched(edge: Edge, secret: str) -> Json:
    source = {"path_config_source": {"path": str(Path(edge.folder) / _name(secret))}}
    return {"name": secret, "sds_config": {**source, "resource_api_version": "V3"}}


def _name(secret: str) -> str:
    return f"{secret}.json"


def _folder(file: str) -> str:
    return str(Path(file).parent)


def _socket(side: str, **fields: Any) -> Json:
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {"@type": f"{TLS}.{side}TlsContext", **fields},
    }


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
