"""The loop that moves batches from the log to the database, one session after the other (`worker`).

Whatever goes wrong, a session ends and all it believed is forgotten; the next begins anew from the database, which knows what was
committed. What outlives them is how partitions fared lately, and which entries are to be committed by halves.
"""

import asyncio
import logging
from datetime import timedelta

import psycopg
from redis import exceptions

from services.ingest.health import Health
from services.ingest.lease import Lease
from services.ingest.store import Fenced
from services.ingest.stream import Log
from services.ingest.worker import Paused, Poisoned, Session
from services.kit import metrics, postgres
from services.kit.settings import Settings

MAX_BACKOFF_SECONDS = 2.0
log = logging.getLogger(__name__)


class Writer:
    """One writer process, called `name`."""

    def __init__(self, log_: Log, settings: Settings, name: str, draining: asyncio.Event) -> None:
        self._log, self._settings, self._name, self._draining = log_, settings, name, draining
        self._health = Health(settings.dead_letter_ratio, settings.dead_letter_rows)
        self._apart: dict[int, str] = {}
        """By partition: up to which entry it is to be committed by halves."""

    async def run(self) -> None:
        """Worker: writes until `draining`; outlives the absence of PostgreSQL and Redis."""
        failures = 0
        while not self._draining.is_set():
            try:
                async with await postgres.attempt(self._settings.database_url) as connection:
                    lease = Lease(connection, self._name, timedelta(seconds=self._settings.lease_seconds))
                    session = Session(self._log, self._settings, connection, lease, self._health, self._apart)
                    await session.run(self._draining)
                failures = 0
            except Fenced as error:
                metrics.WRITER_RESTARTS.labels("fenced").inc()
                log.warning("fenced: %s; beginning anew", error)
            except Poisoned as error:
                metrics.WRITER_RESTARTS.labels("poisoned").inc()
                log.warning("entries cannot be committed together and are now committed by halves: %s", error)
                self._apart |= error.last_ids
            except Paused as error:
                metrics.WRITER_RESTARTS.labels("paused").inc()
                log.error("%s", error)
            except (
                psycopg.OperationalError,
                psycopg.InterfaceError,
                exceptions.RedisError,
                OSError,
            ) as error:
                metrics.WRITER_RESTARTS.labels("unavailable").inc()
                failures += 1
                log.warning("PostgreSQL or Redis is away, trying again: %s", str(error).strip())
                await asyncio.sleep(min(MAX_BACKOFF_SECONDS, 0.05 * 2**failures))
