"""The loops behind the scaler: one takes samples of the log, the other has forecast what comes in. Both ask query.

Each process that answers KEDA has its own: they see the same log, so their figures differ by seconds.
"""

import asyncio
import math
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from threadpoolctl import threadpool_limits

from services.insights.scaler import figure
from services.insights.scaler.figure import BUCKET_SECONDS, PAST_BUCKETS, Load, Needed, Outlook, Wanted
from services.insights.series import Missing
from services.insights.source import Query
from services.kit import metrics
from services.kit.call import INSTALLATION
from services.kit.errors import Error, Unavailable
from services.kit.loop import repeat

SAMPLE_SECONDS = 5.0
BELIEVED_SECONDS = 30.0
"""Without a newer sample for so long there are no figures; KEDA then does what its `fallback` says."""
STALE = 1.5
"""How many times as old as it should be a forecast may become."""
BEYOND = 3
"""So many buckets it reaches further: pods need time to start, and the newest bucket may not be whole."""


class Watch:
    """The load as this process sees it. `forecast_seconds` is how often it is forecast."""

    def __init__(self, query: Query, forecast_seconds: float, draining: asyncio.Event) -> None:
        self._query, self._forecast_seconds, self._draining = query, forecast_seconds, draining
        self._load = Load()
        self._outlook: Outlook | None = None
        self._sampled, self._sampled_at = asyncio.Event(), 0.0
        self._threads = ThreadPoolExecutor(1, "scaler", initializer=lambda: threadpool_limits(1))

    async def run(self) -> None:
        """Worker: takes samples until `draining`."""
        await repeat(self._sample, self._draining, SAMPLE_SECONDS)

    async def forecast(self) -> None:
        """Worker: forecasts until `draining`."""
        await repeat(self._look_ahead, self._draining, self._forecast_seconds)

    def needed(self, wanted: Wanted) -> Needed:
        """How many pods the load asks for; raises `Unavailable` where it is not known."""
        if not self._load.known or time.monotonic() - self._sampled_at > BELIEVED_SECONDS:
            raise Unavailable("the load is not known: query does not tell, or this process has just begun")
        return figure.needed(self._load, self._outlook, wanted, time.time(), STALE * self._forecast_seconds)

    async def next(self, seconds: float) -> None:
        """Waits for the next sample, but no longer than so long."""
        waits = {asyncio.ensure_future(self._sampled.wait()), asyncio.ensure_future(self._draining.wait())}
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()

    async def _sample(self) -> bool:
        self._load.add(figure.sample(await self._query.analytics(INSTALLATION.name)))
        self._sampled_at = time.monotonic()
        sampled, self._sampled = self._sampled, asyncio.Event()
        sampled.set()
        if self._load.known:
            found = self.needed(Wanted())
            metrics.SCALER_BACKLOG_SECONDS.set(found.backlog_seconds)
            for reason in ("backlog", "present", "outlook"):
                metrics.SCALER_WRITERS.labels(reason).set(getattr(found, reason) or 0.0)
        return False

    async def _look_ahead(self) -> bool:
        try:
            made = await self._made()
        except Missing:
            # An installation that is new, or that was silent for weeks, has nothing to learn from yet.
            self._outlook = None
            metrics.SCALER_FORECASTS.labels("missing").inc()
            return False
        except Error:
            metrics.SCALER_FORECASTS.labels("failed").inc()
            raise
        metrics.SCALER_FORECASTS.labels("good" if made.good else "poor").inc()
        self._outlook = made
        return False

    async def _made(self) -> Outlook:
        answer = await self._query.analytics(
            INSTALLATION.name,
            received_since=datetime.now(UTC) - timedelta(seconds=PAST_BUCKETS * BUCKET_SECONDS),
        )
        now = answer.measured_at.ToMicroseconds() / 1e6
        counts, start = figure.past(answer.processing, now)
        horizon = math.ceil(STALE * self._forecast_seconds / BUCKET_SECONDS) + BEYOND
        work = asyncio.get_running_loop().run_in_executor(self._threads, figure.ahead, counts, horizon)
        return figure.outlook(await work, now, start)
