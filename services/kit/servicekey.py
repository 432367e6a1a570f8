"""The key with which a process of ours calls another service: made by itself, known to nobody else, and good for a day.

It is an analyst's key of the whole installation, so that it reads and never manages; its secret lives in memory alone. A process that
comes in the place of another deletes the key of that one. `services/insights/source.py` shows it.
"""

import asyncio
import os
import socket
import uuid
from datetime import UTC, datetime, timedelta

from services.kit import audit
from services.kit.chain import Entry
from services.kit.identity import Secret, new_secret
from services.kit.service import Pool
from tidemark.v1.admin_pb2 import ROLE_ANALYST

LIFETIME = timedelta(days=1)

_INSERT = """
    INSERT INTO api_keys (key_id, secret_sha256, display_name, role, expires_at, service) VALUES (%s, %s, %s, %s, %s, %s)
"""
# Those of processes that came before in this place, and those that nobody has renewed.
_DELETE = """
    DELETE FROM api_keys
    WHERE service IS NOT NULL AND key_id <> %s AND (service = %s OR expires_at < now() - INTERVAL '1 hour')
"""


def place(target: str, port: int) -> str:
    """What a process of a target is called, so that whoever comes in its place is known: a server by its port."""
    here = f"{target} on {socket.gethostname()}, port {port}"
    return here if port else f"{here}, process {os.getpid()}"


class ServiceKey:
    """The key of the process that runs as `service`, such as `insights on host-1, port 50053`."""

    def __init__(self, pool: Pool, service: str) -> None:
        self._pool, self._service = pool, service
        self._making = asyncio.Lock()
        self._secret: Secret | None = None
        self._renew_at = datetime.min.replace(tzinfo=UTC)

    async def text(self) -> str:
        """What goes into `authorization: Bearer`; a new one when half of the life of the last is over."""
        async with self._making:
            if self._secret is None or datetime.now(UTC) >= self._renew_at:
                await self._make()
            assert self._secret is not None
            return self._secret.text

    def forget(self) -> None:
        """The next call makes a new one: somebody has refused this one."""
        self._secret = None

    async def _make(self) -> None:
        secret, now = new_secret(), datetime.now(UTC)
        entry = Entry(
            0,
            now,
            "system",
            "CreateKey",
            f"projects/-/keys/{secret.key_id}",
            self._service,
            "OK",
            uuid.uuid4().hex,
        )
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(
                _INSERT,
                (secret.key_id, secret.sha256, self._service, ROLE_ANALYST, now + LIFETIME, self._service),
            )
            await connection.execute(_DELETE, (secret.key_id, self._service))
            await audit.append(connection, [entry])
        self._secret, self._renew_at = secret, now + LIFETIME / 2
