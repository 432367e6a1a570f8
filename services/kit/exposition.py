"""Serves the process's metrics to Prometheus by HTTP: what `metrics.py` counts goes out, over TLS where gRPC speaks it."""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import prometheus_client

from services.kit.errors import BadSetting
from services.kit.settings import Settings
from services.kit.tls import Certificates

SILENT_SECONDS = 30.0
"""How long a caller may be silent, in its handshake too."""

log = logging.getLogger(__name__)


@contextmanager
def exposed(port: int, settings: Settings) -> Iterator[None]:
    """Metrics are answered for as long as the context lasts."""
    server = _Server6 if ":" in settings.host else _Server
    try:
        web = make_server(settings.host, port, prometheus_client.make_wsgi_app(), server, _Handler)
    except OSError as error:
        raise BadSetting(
            f"metrics cannot listen on {settings.host}:{port}: {error}; set TIDEMARK_METRICS_PORT"
        ) from error
    if settings.tls_cert_file:
        web.certificates = Certificates(settings)
    thread = Thread(target=web.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        web.shutdown()
        web.server_close()
        thread.join()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    certificates: Certificates | None = None

    def get_request(self) -> tuple[socket.socket, Any]:
        """The next connection; its handshake is left to its own thread, so that a slow caller keeps nobody waiting."""
        connection, address = super().get_request()
        if self.certificates:
            context = self.certificates.context()
            connection = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, _request: Any, client_address: Any) -> None:
        """Who shows no certificate, or hangs up, is no fault of ours."""
        log.debug("a caller from %s got no metrics", client_address, exc_info=True)


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(WSGIRequestHandler):
    timeout = SILENT_SECONDS

    def log_message(self, *_: Any) -> None:
        """Calls of Prometheus are no news."""
