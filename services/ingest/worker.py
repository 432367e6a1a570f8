"""What a writer does between two beginnings: it leases partitions, reads each from the position that the database holds, gathers the
next microbatch while one commits, then announces and trims.

What cannot be committed because of an entry in it is raised as `Poisoned`. The next session commits those entries by halves, until
that one is alone and becomes dead letters. Where too much of a partition goes that way, it pauses until somebody resumes it.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
from psycopg import AsyncConnection

from services.ingest import entry, microbatch, store
from services.ingest.entry import Account, TooNew
from services.ingest.health import Health
from services.ingest.lease import Lease
from services.ingest.microbatch import Microbatch, Position
from services.ingest.outcome import Outcome
from services.ingest.rollup import Buckets
from services.ingest.store import Fenced
from services.ingest.stream import Entry, Log, order
from services.ingest.windows.writer import Outdated, Windows
from services.kit import metrics, postgres, tracing
from services.kit.instant import at
from services.kit.settings import Settings

IDLE_MS = 200
"""How long a writer waits for the first entry, or for partitions."""
MAX_PRODUCERS = 50_000
"""Producers whose last batch is remembered; beyond, the database is asked anew."""
log = logging.getLogger(__name__)

Entries = dict[int, list[Entry]]


class Poisoned(Exception):
    """Entries cannot be committed together, for a reason that lies in one of them."""

    def __init__(self, error: Exception, last_ids: Mapping[int, str]) -> None:
        super().__init__(str(error).partition("\n")[0] or type(error).__name__)
        self.last_ids = last_ids
        """By partition: the last of the entries."""


class Paused(Exception):
    """A partition has paused."""


class Session:
    """What a writer believes between two beginnings; thrown away whole on any error."""

    def __init__(
        self,
        log_: Log,
        settings: Settings,
        connection: AsyncConnection[Any],
        lease: Lease,
        health: Health,
        apart: dict[int, str],
    ) -> None:
        self._log, self._settings, self._connection = log_, settings, connection
        self._lease, self._health, self._apart = lease, health, apart
        self._lease_seconds = settings.lease_seconds
        self._ahead: dict[int, Position] = {}
        """How far each held partition is gathered; committed once the commit under way is."""
        self._idle_since: dict[int, float] = {}
        """Since when a held partition is known to have been read to its end."""
        self._producers: dict[tuple[int, str], tuple[int, int]] = {}
        self._buckets, self._windows = Buckets(), Windows()
        self._entry_rows = 1000.0
        self._renewed_at = 0.0
        self._committing: asyncio.Task[None] | None = None

    async def run(self, draining: asyncio.Event) -> None:
        """Writes until `draining`; raises `Fenced`, `Poisoned`, `Paused`, and what PostgreSQL and Redis raise."""
        next_beat = 0.0
        await self._lease.give_all()
        try:
            while not draining.is_set():
                if time.monotonic() >= next_beat:
                    await self._settled()
                    complete = await self._beat()
                    # What another writer gives up waits for nobody else: look again soon.
                    next_beat = time.monotonic() + (self._lease_seconds / 3 if complete else IDLE_MS / 1000)
                if not self._readable():
                    await asyncio.sleep(IDLE_MS / 1000)
                elif suspects := await self._suspects():
                    await self._commit_by_halves(suspects)
                elif entries := await self._collect():
                    try:
                        work = await self._gather(entries)
                    except Poisoned:
                        await self._settled()
                        raise
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
            metrics.PARTITIONS_PAUSED.set(0)
            metrics.WATERMARK_STUCK_SECONDS.set(0)

    def _readable(self) -> dict[int, Position]:
        """The partitions that are held and not paused."""
        return {partition: position for partition, position in self._ahead.items() if not position.paused}

    async def _settled(self) -> None:
        """Returns when no commit is under way; raises what the last one failed of.

        A commit may take longer than the lease, as when it brings ten years of history; its writer lives all the same.
        """
        if self._committing:
            while not (await asyncio.wait([self._committing], timeout=self._renewal_due()))[0]:
                self._renewed_at = time.monotonic()
                async with await postgres.attempt(self._settings.database_url) as connection:
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
        for partition in self._ahead.keys() - held.keys():
            log.warning("partition %d has another writer now", partition)
            self._drop(partition)
        for partition, now in held.items():
            position = self._ahead[partition]
            self._ahead[partition] = replace(position, paused=now.paused, resumed_to=now.resumed_to)
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
        metrics.PARTITIONS_PAUSED.set(len(self._ahead) - len(self._readable()))
        stuck = max((now.stuck_seconds for now in held.values()), default=0.0)
        metrics.WATERMARK_STUCK_SECONDS.set(max(0.0, stuck))
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
        less = behind or received < position.received or size < position.bytes
        # Where new batches have come since, the totals and ids may be those of a log that has lost nothing.
        if not less and await self._log.remembers(partition, position.last_id, position.bytes):
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
        limit, readable = self._settings.microbatch_events, self._readable()
        count = self._count(len(readable))
        positions = {partition: position.last_id for partition, position in readable.items()}
        asked_at, entries, rows = time.time(), Entries(), 0
        found = await self._log.read(positions, count, IDLE_MS)
        for partition in readable:
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

    def _count(self, partitions: int) -> int:
        """How many entries of each of so many partitions make a microbatch."""
        return max(1, min(1000, int(self._settings.microbatch_events / self._entry_rows / partitions)))

    async def _suspects(self) -> list[tuple[int, Entry]]:
        """The next entries that are to be committed by halves, with their partitions; none where there are no more."""
        readable = self._readable()
        for partition, last_id in list(self._apart.items()):
            if partition in readable and order(readable[partition].last_id) >= order(last_id):
                del self._apart[partition]
        positions = {
            partition: readable[partition].last_id for partition in self._apart if partition in readable
        }
        if not positions:
            return []
        await self._settled()
        found = await self._log.read(positions, self._count(len(positions)), None)
        suspects = [
            (partition, each)
            for partition, entries in found.items()
            for each in entries
            if order(each[0]) <= order(self._apart[partition])
        ]
        if not suspects:
            self._apart.clear()
        return suspects

    async def _commit_by_halves(self, entries: Sequence[tuple[int, Entry]]) -> None:
        """Commits entries together or, where that fails of one of them, in halves; the one left alone becomes dead letters."""
        before = dict(self._ahead)
        try:
            await self._commit_at_once(_by_partition(entries))
        except Poisoned as error:
            self._ahead, self._producers, self._buckets = before, {}, Buckets()
            if len(entries) == 1:
                await self._bury(*entries[0], str(error))
            else:
                middle = len(entries) // 2
                await self._commit_by_halves(entries[:middle])
                await self._commit_by_halves(entries[middle:])

    async def _bury(self, partition: int, poison: Entry, message: str) -> None:
        """Commits an entry as dead letters; where even that fails, pauses its partition."""
        entry_id, _ = poison
        log.error("entry %s of partition %d becomes dead letters: %s", entry_id, partition, message)
        try:
            await self._commit_at_once({partition: [poison]}, message)
        except Poisoned as error:
            await self._pause(partition, f"entry {entry_id} cannot even be kept as dead letters: {error}")

    async def _commit_at_once(self, entries: Entries, poison: str = "") -> None:
        """Gathers and commits entries, and returns when that is done."""
        work = await self._gather(entries, poison)
        self._committing = asyncio.create_task(self._commit(work))
        await self._settled()

    async def _pause(self, partition: int, because: str) -> None:
        await self._lease.pause(partition, because)
        raise Paused(f"partition {partition} pauses: {because}")

    async def _gather(self, entries: Entries, poison: str = "") -> Microbatch:
        """The microbatch of `entries`, all of them dead letters with `poison`; from here on they are believed committed.

        Raises `Poisoned`.
        """
        headers = [entry.producer(fields) for new in entries.values() for _, fields in new]
        unknown = {producer for producer in headers if producer} - self._producers.keys()
        if unknown:
            # Not this session's connection: a commit may be under way on it.
            async with await postgres.attempt(self._settings.database_url) as connection:
                self._producers |= dict.fromkeys(unknown, (0, 0)) | dict(
                    await store.known(connection, unknown)
                )
        late_after_us = int(self._settings.accepted_lateness_seconds * 1e6)
        try:
            work = await asyncio.to_thread(
                microbatch.gather, entries, self._ahead, self._producers, late_after_us, poison
            )
        except TooNew:
            raise
        except Exception as error:
            raise Poisoned(error, {partition: new[-1][0] for partition, new in entries.items()}) from error
        self._ahead |= work.after
        self._producers |= work.producers
        return work

    async def _commit(self, work: Microbatch) -> None:
        """Commits, then announces and trims. An error ends the session; raises `Poisoned` and `Paused`."""
        started = time.perf_counter()
        lease = timedelta(seconds=self._lease_seconds)
        try:
            with tracing.processing("batches", work.traces()):
                result, touched = await self._stored(work, lease)
        except Exception as error:
            if isinstance(error, Fenced) or _is_away(error):
                raise
            if self._connection.broken:
                raise psycopg.OperationalError(str(error)) from error
            last_ids = {partition: position.last_id for partition, position in work.after.items()}
            raise Poisoned(error, last_ids) from error
        metrics.COMMIT_SECONDS.observe(time.perf_counter() - started)
        for outcome, rows in (
            ("stored", result.stored),
            ("duplicate", result.duplicate),
            ("dead_lettered", result.dead),
        ):
            metrics.WRITER_ROWS.labels(outcome).inc(int(rows.sum()))
        received_us = [batch.header.received_us for batch in work.batches if not batch.header.repairs]
        if received_us:
            metrics.COMMIT_LAG_SECONDS.observe(max(0.0, time.time() - min(received_us) / 1e6))
        names = result.names()
        for partition, position in work.after.items():
            await self._log.announce(_announcement(position, touched.get(partition, {}), names))
            before = work.before[partition].bytes
            await self._log.committed(partition, position.last_id, position.received, position.bytes, before)
        for partition, (new, broken) in result.broken(work.batches).items():
            start = work.before[partition]
            if order(start.last_id) < order(start.resumed_to):
                self._health.forget(partition)
            elif because := self._health.count(partition, new, broken):
                await self._pause(partition, because)

    async def _stored(
        self, work: Microbatch, lease: timedelta
    ) -> tuple[Outcome, dict[int, dict[int, list[tuple[int, int]]]]]:
        """What `store.commit` gives; it is called again where a window was made or deleted meanwhile."""
        while True:
            try:
                return await store.commit(self._connection, work, self._buckets, lease, self._windows)
            except Outdated:
                self._buckets, self._windows = Buckets(), Windows()


def _is_away(error: Exception) -> bool:
    """Whether the database is away, busy or full, and does not just refuse what it is given: limits of values are of class 54."""
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return not (error.sqlstate or "").startswith("54")
    return isinstance(error, OSError)


def _by_partition(entries: Sequence[tuple[int, Entry]]) -> Entries:
    found: Entries = {}
    for partition, each in entries:
        found.setdefault(partition, []).append(each)
    return found


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
