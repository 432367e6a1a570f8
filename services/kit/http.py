"""Serves an ASGI application: what `server.py` is to gRPC. One that is asked while the process drains is answered still."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.types import ASGIApp

from services.kit.errors import BadSetting
from services.kit.settings import Settings
from services.kit.tls import Certificates

KEPT_SECONDS = 75
"""How long an idle connection stays; longer than the edge keeps its own, or requests would meet closing ones."""

log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    """Leaves the signals to the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def answering(app: ASGIApp, settings: Settings, port: int) -> AsyncIterator[int]:
    """A started server of the application; gives its port. On leaving, requests under way get `drain_seconds` to end."""
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEPT_SECONDS,
        timeout_graceful_shutdown=int(settings.drain_seconds),
        h11_max_incomplete_event_size=64 << 10,
        ssl_context_factory=(lambda *_: Certificates(settings).following())
        if settings.tls_cert_file
        else None,
    )
    server = _Server(config)
    with _bound(settings.host, port) as listener:
        serving = asyncio.create_task(server.serve([listener]))
        log.info("listening on %s:%d", settings.host, listener.getsockname()[1])
        try:
            yield int(listener.getsockname()[1])
        finally:
            server.should_exit = True
            await serving


def _bound(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise BadSetting(
            f"cannot listen on {host}:{port}; is something else listening there? ({error})"
        ) from error
