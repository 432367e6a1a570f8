"""What the edge says about a request that it has passed on: where it came from, and how. Pure.

Headers come in from `rpc.py` or the gateway. They are believed only beside the secret that the edge shares with the servers:
anybody else who can reach a server would otherwise sign the audit log with an address of his choice.
"""

import hmac
import ipaddress
import re
from collections.abc import Iterable

SECRET_HEADER = "x-tidemark-edge"  # noqa: S105 - the name of a header
PEER_HEADER = "x-forwarded-for"
SCHEME_HEADER = "x-forwarded-proto"
# As gRPC writes the other end of a connection.
_DIRECT = re.compile(r"ipv[46]:(?:%5B)?(.+?)(?:%5D)?:\d+")


def told(headers: Iterable[tuple[str, str | bytes]], secrets: tuple[str, ...]) -> dict[str, str]:
    """The headers, where they come from the edge, which shows one of its secrets; nothing where they do not."""
    given = {name: value for name, value in headers if isinstance(value, str)}
    shown = given.get(SECRET_HEADER, "").encode()
    known = [hmac.compare_digest(shown, secret.encode()) for secret in secrets if secret]
    return given if any(known) else {}


def peer(headers: Iterable[tuple[str, str | bytes]], secrets: tuple[str, ...], direct: str) -> str:
    """The address of the caller: the edge's word for it, or else that of the connection."""
    return told(headers, secrets).get(PEER_HEADER) or direct


def network(peer: str) -> str:
    """What counts as one address: of IPv6 the half that a provider gives to one customer; ports tell nobody from another."""
    direct = _DIRECT.fullmatch(peer)
    text = direct[1] if direct else peer
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    return text if address.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))
