"""The loop that moves batches from the log to the database: read, gather, commit, trim, announce.

It leases partitions, reads each from the position that the database holds, and while one microbatch commits it gathers the
next. Whatever goes wrong it forgets all it believed and begins anew from the database, which knows what was committed.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
from psycopg import AsyncConnection
from redis import exceptions

from services.ingest import entry, microbatch, store
from services.ingest.entry import Account
from services.ingest.lease import Lease
from services.ingest.microbatch import Microbatch, Position
from services.ingest.rollup import Buckets
from services.ingest.store import Fenced
from services.ingest.stream import Entry, Log, order
from services.kit import metrics, postgres
from services.kit.instant import at
from services.kit.settings import Settings

IDLE_MS = 200
"""How long a writer waits for the first entry, or for partitions."""
MAX_PRODUCERS = 50_000
"""Producers whose last batch is remembered; beyond, the database is asked anew."""
MAX_BACKOFF_SECONDS = 2.0
log = logging.getLogger(__name__)

Entries = dict[int, list[Entry]]


class Writer:
    """One writer process, called `name`."""

    def __init__(self, log_: Log, settings: Settings, name: str, draining: asyncio.Event) -> None:
        self._log, self._settings, self._name, self._draining = log_, settings, name, draining

    async def run(self) -> None:
        """Worker: writes until `draining`; outlives the absence of PostgreSQL and Redis."""
        failures = 0
        while not self._draining.is_set():
            try:
                async with await postgres.connect(self._settings.database_url) as connection:
                    await _Session(self._log, self._settings, self._name, connection).run(self._draining)
                failures = 0
            except Fenced as error:
                metrics.WRITER_RESTARTS.labels("fenced").inc()
                log.warning("fenced: %s; beginning anew", error)
            except (psycopg.OperationalError, exceptions.RedisError, OSError) as error:
                metrics.WRITER_RESTARTS.labels("unavailable").inc()
                failures += 1
                log.warning("PostgreSQL or Redis is away, trying again: %s", str(error).strip())
                await asyncio.sleep(min(MAX_BACKOFF_SECONDS, 0.05 * 2**failures))


class _Session:
    """What a writer believes between two beginnings; thrown away whole on any error."""

    def __init__(self, log_: Log, settings: Settings, name: str, connection: AsyncConnection[Any]) -> None:
        self._log, self._settings, self._connection = log_, settings, connection
        self._lease_seconds = settings.lease_seconds
        self._lease = Lease(connection, name, timedelta(seconds=settings.lease_seconds))
        self._ahead: dict[int, Position] = {}
        """How far each held partition is gathered; committed once the commit under way is."""
        self._idle_since: dict[int, float] = {}
        """Since when a held partition is known to have been read to its end."""
        self._producers: dict[tuple[int, str], tuple[int, int]] = {}
        self._buckets = Buckets()
        self._entry_rows = 1000.0
        self._renewed_at = 0.0
        self._committing: asyncio.Task[None] | None = None

    async def run(self, draining: asyncio.Event) -> None:
        next_beat = 0.0
        await self._lease.give_all()
        try:
            while not draining.is_set():
                if time.monotonic() >= next_beat:
                    await self._settled()
                    complete = await self._beat()
                    # What another writer gives up waits for nobody else: look again soon.
                    next_beat = time.monotonic() + (self._lease_seconds / 3 if complete else IDLE_MS / 1000)
                if not self._ahead:
                    await asyncio.sleep(IDLE_MS / 1000)
                elif entries := await self._collect():
                    work = await self._gather(entries)
                    await self._settled()
                    self._committing = asyncio.create_task(self._commit(work))
                else:
                    await self._settled()
            await self._settled()
            await self._lease.leave()
        finally:
            if self._committing:
                self._committing.cancel()
                await asyncio.gather(self._committing, return_exceptions=True)
            metrics.PARTITIONS_HELD.set(0)

    async def _settled(self) -> None:
        """Returns when no commit is under way; raises what the last one failed of.

        A commit may take longer than the lease, as when it brings ten years of history; its writer lives all the same.
        """
        if self._committing:
            while not (await asyncio.wait([self._committing], timeout=self._renewal_due()))[0]:
                self._renewed_at = time.monotonic()
                async with await postgres.connect(self._settings.database_url) as connection:
                    await self._lease.pulse(connection)
            committing, self._committing = self._committing, None
            await committing

    def _renewal_due(self) -> float:
        """Seconds until the lease must be renewed."""
        return max(0.0, self._renewed_at + self._lease_seconds / 3 - time.monotonic())

    async def _beat(self) -> bool:
        """Renews the lease and moves towards the fair share of partitions; whether it is held."""
        self._renewed_at = time.monotonic()
        idle_since = at(int(min(self._idle_since.values(), default=time.time()) * 1e6))
        held, share = await self._lease.renew(self._ahead, self._idle_since, idle_since)
        for partition in self._ahead.keys() - held:
            log.warning("partition %d has another writer now", partition)
            self._drop(partition)
        for partition in self._idle_since:
            position = self._ahead[partition]
            lateness_us = int(position.lateness_us * microbatch.LATENESS_DECAY)
            self._ahead[partition] = replace(position, lateness_us=lateness_us)
        if len(self._ahead) > share:
            extra = sorted(self._ahead)[share:]
            await self._lease.give(extra)
            for partition in extra:
                self._drop(partition)
        elif len(self._ahead) < share:
            for position in await self._lease.take(share - len(self._ahead)):
                await self._check(position)
                # The writer before may have died between its commit and this, and someone may wait for it.
                await self._log.committed(
                    position.partition, position.last_id, position.received, position.bytes
                )
                self._ahead[position.partition] = position
                log.info(
                    "partition %d taken at %s, epoch %d", position.partition, position.last_id, position.epoch
                )
        if len(self._producers) > MAX_PRODUCERS:
            self._producers.clear()
        metrics.PARTITIONS_HELD.set(len(self._ahead))
        await store.forget_commits(self._connection)
        return len(self._ahead) >= share

    def _drop(self, partition: int) -> None:
        del self._ahead[partition]
        self._idle_since.pop(partition, None)
        # Another writer may fill these buckets now; a stale copy must not come back with a partition.
        self._buckets, self._producers = Buckets(), {}

    async def _check(self, position: Position) -> None:
        """Sounds the alarm where the log has less than is committed: Redis was emptied or restored from an older file."""
        partition = position.partition
        newest = await self._log.last_generated_id(partition)
        ((received, size),) = await self._log.totals([partition])
        behind = order(newest or "0-0") < order(position.last_id)
        if not behind and received >= position.received and size >= position.bytes:
            return
        metrics.LOG_REGRESSIONS.inc()
        log.error(
            "the log of partition %d ends at %s with %d rows ever received, where %s and %d are committed: Redis was emptied "
            "or restored from an older file. What was acknowledged and not yet committed is lost unless its producers send "
            "it again",
            partition,
            newest,
            received,
            position.last_id,
            position.received,
        )
        if behind:
            await self._log.catch_up(partition, position.last_id)
        committed = Account(position.received, position.bytes, await self._lease.project_totals(partition))
        counted, waiting = await self._log.account(partition, position.last_id)
        await self._log.correct(partition, counted, entry.account(committed, waiting))

    async def _collect(self) -> Entries:
        """The next entries of all held partitions: what comes within the collecting time, up to a microbatch."""
        limit = self._settings.microbatch_events
        count = max(1, min(1000, int(limit / self._entry_rows / len(self._ahead))))
        positions = {partition: position.last_id for partition, position in self._ahead.items()}
        asked_at, entries, rows = time.time(), Entries(), 0
        found = await self._log.read(positions, count, IDLE_MS)
        for partition in self._ahead:
            if partition in found:
                self._idle_since.pop(partition, None)
            else:
                self._idle_since[partition] = asked_at
        until = time.monotonic() + self._settings.microbatch_seconds
        while found:
            for partition, new in found.items():
                entries.setdefault(partition, []).extend(new)
                positions[partition] = new[-1][0]
                rows += sum(entry.row_count(fields) for _, fields in new)
                self._idle_since.pop(partition, None)
            left = until - time.monotonic()
            if rows >= limit:
                break
            found = await self._log.read(positions, count, max(1, int(left * 1000)) if left > 0 else None)
        if entries:
            self._entry_rows = 0.8 * self._entry_rows + 0.2 * max(1.0, rows / sum(map(len, entries.values())))
        return entries

    async def _gather(self, entries: Entries) -> Microbatch:
        """The microbatch of `entries`; from here on they are believed committed."""
        headers = [entry.producer(fields) for new in entries.values() for _, fields in new]
        unknown = {producer for producer in headers if producer} - self._producers.keys()
        if unknown:
            # Not this session's connection: a commit may be under way on it.
            async with await postgres.connect(self._settings.database_url) as connection:
                self._producers |= dict.fromkeys(unknown, (0, 0)) | dict(
                    await store.known(connection, unknown)
                )
        late_after_us = int(self._settings.accepted_lateness_seconds * 1e6)
        work = await asyncio.to_thread(
            microbatch.gather, entries, self._ahead, self._producers, late_after_us
        )
        self._ahead |= work.after
        self._producers |= work.producers
        return work

    async def _commit(self, work: Microbatch) -> None:
        """Commits, then announces and trims; an error ends the session."""
        started = time.perf_counter()
        lease = timedelta(seconds=self._lease_seconds)
        result, touched = await store.commit(self._connection, work, self._buckets, lease)
        metrics.COMMIT_SECONDS.observe(time.perf_counter() - started)
        for outcome, rows in (
            ("stored", result.stored),
            ("duplicate", result.duplicate),
            ("dead_lettered", result.dead),
        ):
            metrics.WRITER_ROWS.labels(outcome).inc(int(rows.sum()))
        oldest_us = min(batch.header.received_us for batch in work.batches)
        metrics.COMMIT_LAG_SECONDS.observe(max(0.0, time.time() - oldest_us / 1e6))
        names = result.names()
        for partition, position in work.after.items():
            await self._log.announce(_announcement(position, touched.get(partition, {}), names))
            await self._log.committed(partition, position.last_id, position.received, position.bytes)


def _announcement(
    position: Position, touched: Mapping[int, list[tuple[int, int]]], names: Mapping[int, list[str] | None]
) -> dict[str, object]:
    return {
        "partition": position.partition,
        "version": position.version,
        "last_id": position.last_id,
        "projects": {str(project): spans for project, spans in touched.items()},
        "names": {str(project): names[project] for project in touched},
    }
