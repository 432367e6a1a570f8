"""Other servers of ours, as a server calls them: settings come in, channels that trust them go out.

Where there are several servers of a target, callers take turns among them.
"""

import grpc.aio

from services.kit.settings import Settings
from tidemark.channel import Tls, connect


def channels(addresses: str, port: int, settings: Settings) -> list[grpc.aio.Channel]:
    """A channel to each of `addresses`, with commas between; to `port` on this machine where there are none."""
    tls = None
    if settings.tls_roots_file:
        tls = Tls(
            roots_file=settings.tls_roots_file,
            certificate_file=settings.tls_client_cert_file,
            key_file=settings.tls_client_key_file,
        )
    return [connect(each.strip(), tls) for each in (addresses or f"127.0.0.1:{port}").split(",")]
