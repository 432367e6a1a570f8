"""Until when a server's certificate is good: its address and whom to trust come in, an instant goes out to `commands/doctor.py`."""

import asyncio
import ssl
from datetime import UTC, datetime

from tidemark.channel import Tls


async def ends_at(address: str, tls: Tls, timeout: float = 5.0) -> datetime:
    """When it ends. Raises `OSError` where the server is not trusted, `ssl.SSLCertVerificationError` among them, or not there."""
    host, _, port = address.rpartition("/")[2].rpartition(":")
    context = ssl.create_default_context(cafile=tls.roots_file or None)
    context.set_alpn_protocols(["h2"])
    if tls.certificate_file:
        context.load_cert_chain(tls.certificate_file, tls.key_file or None)
    opening = asyncio.open_connection(host.strip("[]"), int(port), ssl=context)
    _, writer = await asyncio.wait_for(opening, timeout)
    try:
        shown = writer.get_extra_info("peercert")
    finally:
        writer.transport.abort()
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(shown["notAfter"]), UTC)
