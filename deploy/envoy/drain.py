"""Drains a running edge: comes in the same environment; returns when it may be ended.

From the beginning on every answer asks its caller to connect anew, which leads to another edge where there is one; connections are still
taken, because whoever sends learns later that this edge goes. What is under way may end. Next: SIGTERM, after which Envoy ends at once.
"""

import http.client
import re
import socket
import time

from deploy.envoy.edge import Edge
from services.kit.errors import BadSetting

_LOOK_SECONDS = 0.1
_ACTIVE = re.compile(r"^http\.edge\.downstream_rq_active: (\d+)$", re.MULTILINE)


class _Connection(http.client.HTTPConnection):
    """To the admin interface, by the path of its socket."""

    def __init__(self, path: str) -> None:
        super().__init__("edge", timeout=5)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def drain(edge: Edge) -> None:
    """Has callers go elsewhere for as long as they may take to notice, then waits for what is under way, `drain_seconds` at most."""
    if not edge.admin:
        raise BadSetting(
            f"TIDEMARK_EDGE_FOLDER is {edge.folder!r}; name the folder of the edge that is to drain, by a path of at most 90 bytes"
        )
    began = time.monotonic()
    try:
        _ask(edge.admin, "POST", "/drain_listeners?graceful&skip_exit")
        time.sleep(edge.pause_seconds)
        until = began + edge.pause_seconds + edge.settings.drain_seconds
        while time.monotonic() < until and _active(edge.admin):
            time.sleep(_LOOK_SECONDS)
    except OSError as error:
        raise BadSetting(
            f"TIDEMARK_EDGE_FOLDER is {edge.folder!r}; no edge answers there: {error}"
        ) from error


def _active(admin: str) -> int:
    """Requests and streams that are under way."""
    found = _ACTIVE.search(_ask(admin, "GET", "/stats?filter=downstream_rq_active"))
    return int(found[1]) if found else 0


def _ask(admin: str, method: str, path: str) -> str:
    connection = _Connection(admin)
    try:
        connection.request(method, path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()
