"""The publishing engine of one lane: sealed batches come in from `buffer.py`, acknowledged ones leave.

    Buffer ─▶ (spool) ─▶ window ─▶ stream ─▶ acknowledged, forgotten

Batches are numbered when they enter the window and stay there until the server acknowledges them, so after a broken stream
everything in the window is simply sent again. All of this runs in the event loop; only `buffer` is open to other threads.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import grpc.aio

from tidemark import errors
from tidemark.batch import Batch, Identity, Stats
from tidemark.buffer import Buffer, Limits
from tidemark.records import Rejection
from tidemark.recovery import LONGEST_PAUSE, Remedy, blames_batch, pause, remedy
from tidemark.spool import Spool
from tidemark.tracing import Tracing, fail, traceparent
from tidemark.wire import Answer, Lane

if TYPE_CHECKING:
    from opentelemetry.trace import Span, SpanContext

_log = logging.getLogger("tidemark")


class Producer:
    """One lane's window and stream."""

    def __init__(
        self,
        lane: Lane,
        identity: Identity,
        *,
        limits: Limits,
        stats: Stats,
        spool: Spool | None = None,
        tracing: Tracing | None = None,
        on_rejection: Callable[[Rejection], None] | None = None,
        on_error: Callable[[errors.Error], None] | None = None,
    ) -> None:
        self.noun = lane.noun
        self._lane, self._identity, self._limits, self._stats = lane, identity, limits, stats
        self._spool, self._on_rejection, self._on_error = spool, on_rejection, on_error
        self._tracing = tracing
        self.buffer = Buffer(lane.noun, limits, self._signal)
        self._window: deque[Batch] = deque()
        self._sent = 0
        self._settled = 0
        self._epoch = _now_ms()
        self._sequence = 0
        self._timer: asyncio.TimerHandle | None = None
        self._flushes: list[tuple[int, asyncio.Future[None]]] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._work, self._hurry = asyncio.Event(), asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self.last_error: errors.Error | None = None

    def start(self, channel: grpc.aio.Channel, metadata: tuple[tuple[str, str], ...]) -> None:
        """Begins to send over `channel`, first what the spool has kept; call in the event loop."""
        for record in self._spool.recovered if self._spool else ():
            batch = Batch(record.epoch, record.sequence, record.count, place=record.place, inherited=True)
            batch.span = self._span(record.count)
            self._window.append(batch)
            self.buffer.added += record.count
            self._epoch = max(self._epoch, record.epoch + 1)
            self._work.set()
        self._stream = channel.stream_stream(
            self._lane.method, request_serializer=None, response_deserializer=self._lane.answer
        )
        self._metadata = metadata
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._run(), name=f"tidemark {self._lane.noun}")
        self._task.add_done_callback(self._ended)
        self._wake()

    async def ready(self) -> None:
        """Waits until the buffer has room for a whole batch."""
        while not self.buffer.roomy:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter

    async def flush(self) -> None:
        """Waits until all that was added is acknowledged; raises what keeps the server from taking it."""
        self.buffer.seal()
        self._collect()
        target = self.buffer.added
        if self._settled < target:
            done = asyncio.get_running_loop().create_future()
            self._flushes.append((target, done))
            self._hurry.set()
            await done

    async def close(self) -> int:
        """Ends sending; says how many events or points were not acknowledged. What the spool holds stays there."""
        self.buffer.seal()
        self.buffer.closed = True
        self._collect()
        if self._timer:
            self._timer.cancel()
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for batch in self._window:
            _end(batch, "unacknowledged")
        self._fail(errors.Closed())
        if self._spool:
            self._spool.close()
        return self.unacknowledged

    @property
    def unacknowledged(self) -> int:
        """Events or points added and not yet acknowledged."""
        return self.buffer.added - self._settled

    # Into the window.

    def _signal(self) -> None:
        if self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._collect()
        if self.buffer.begun and self._timer is None and self._loop:
            self._timer = self._loop.call_later(self._limits.batch_seconds, self._ripen)

    def _ripen(self) -> None:
        self._timer = None
        self.buffer.seal()
        self._collect()

    def _collect(self) -> None:
        """Numbers what is sealed and moves it into the window; while the spool is full it stays in the buffer."""
        sealed = self.buffer.sealed
        while sealed and not (self._spool and self._spool.full):
            count, body, origins = sealed[0]
            batch = Batch(self._epoch, self._sequence + 1, count, body)
            if self._spool and not self._stored(self._spool, batch):
                return
            sealed.popleft()
            batch.span = self._span(count, origins)
            self._sequence += 1
            self._window.append(batch)
            self._work.set()

    def _stored(self, spool: Spool, batch: Batch) -> bool:
        try:
            batch.place = spool.append(batch.epoch, batch.sequence, batch.count, batch.body)
        except OSError as error:
            self._report(
                errors.Error(f"the spool cannot be written: {error}; what was tracked waits in memory")
            )
            if self._loop and not self.buffer.closed:
                self._loop.call_later(1.0, self._wake)
            return False
        self._release(len(batch.body))
        batch.body = b""
        return True

    def _span(self, count: int, origins: "Sequence[SpanContext]" = ()) -> "Span | None":
        if self._tracing is None:
            return None
        return self._tracing.publish(self._lane.noun, count, self._identity.producer_id, origins)

    def _release(self, size: int) -> None:
        self.buffer.release(size)
        if self._waiters and self.buffer.roomy:
            for waiter in self._waiters:
                if not waiter.done():
                    waiter.set_result(None)
            self._waiters.clear()

    # Over the stream.

    async def _run(self) -> None:
        attempt = 0
        while True:
            while not self._window:
                self._work.clear()
                await self._work.wait()
            before = self._settled
            error = await self._converse()
            attempt = 0 if self._settled > before else attempt + 1
            await self._recover(error, attempt)
            self._stats.reconnects += 1

    async def _converse(self) -> errors.Error:
        """One life of the stream: sends the window and what enters it, settles what is acknowledged; says how it ended."""
        call = self._stream(metadata=self._metadata)
        self._sent = 0
        writer = asyncio.create_task(self._write(call))
        writer.add_done_callback(lambda task: _failed(task) and call.cancel())
        try:
            async for answer in call:
                self._settle(answer)
            return errors.Unavailable("the server ended the stream")
        except grpc.aio.AioRpcError as error:
            return errors.from_rpc(error)
        except asyncio.CancelledError:
            if not (failure := _failed(writer)):
                raise
            return errors.Error(f"a batch cannot be sent: {failure!r}")
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    async def _write(self, call: grpc.aio.StreamStreamCall) -> None:
        while True:
            while self._sent < len(self._window):
                batch = self._window[self._sent]
                # A newer epoch fences the older one, so it waits until that is acknowledged to the end.
                if batch.epoch != self._window[0].epoch:
                    break
                self._sent += 1
                self._stats.resent_batches += batch.sent
                batch.sent = True
                await call.write(self._message(batch))
            self._work.clear()
            await self._work.wait()

    def _message(self, batch: Batch) -> bytes:
        who = self._identity
        body = self._spool.read(batch.place) if self._spool and batch.place else batch.body
        return self._lane.message(
            who.project,
            who.ack_mode,
            who.producer_id,
            batch.epoch,
            batch.sequence,
            time.time_ns(),
            body,
            traceparent(batch.span) if batch.span else "",
        )

    def _settle(self, answer: Answer) -> None:
        window = self._window
        while window and window[0].epoch == answer.epoch and window[0].sequence <= answer.sequence:
            batch = self._forget()
            _end(batch)
            self._stats.acknowledged += batch.count
            self._stats.batches += 1
        self.last_error = None
        self._stats.rejected += len(answer.rejections)
        if self._on_rejection:
            for rejection in answer.rejections:
                self._call(self._on_rejection, Rejection.of(rejection))
        self._advance()

    def _forget(self) -> Batch:
        batch = self._window.popleft()
        self._sent = max(0, self._sent - 1)
        self._settled += batch.count
        if self._spool and batch.place:
            self._spool.acknowledge(batch.place)
        else:
            self._release(len(batch.body))
        return batch

    def _advance(self) -> None:
        self._collect()
        self._work.set()
        while self._flushes and self._flushes[0][0] <= self._settled:
            _, done = self._flushes.pop(0)
            if not done.done():
                done.set_result(None)

    # After a broken stream.

    async def _recover(self, error: errors.Error, attempt: int) -> None:
        """Mends what can be mended, tells what cannot, and waits as long as the server asks or prudence advises."""
        if not self._window:
            return
        head = self._window[0]
        match remedy(error, head.sequence, inherited=head.inherited, refused=head.refused):
            case Remedy.HOLD:
                # What is held stays held, for a key may be mended. Whoever waits is told, and a later flush asks again.
                self._hurry.clear()
                self._report(error)
                self._fail(error)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._hurry.wait(), LONGEST_PAUSE)
                return
            case Remedy.RENUMBER:
                self._stats.gaps += 1
                again = f"sending {len(self._window)} batches again under a new epoch"
                self._report(errors.SequenceGap(f"{str(error).rstrip('.')}; {again}"))
                self._renumber(after=int(error.metadata.get("epoch", 0)))
            case Remedy.DROP:
                self._report(error)
                dropped = self._forget()
                _end(dropped, type(error).__name__)
                self._stats.dropped += dropped.count
                self._renumber()
                self._advance()
            case Remedy.RESEND:
                head.refused = blames_batch(error)
                self.last_error = error
        await asyncio.sleep(pause(error, attempt, random.random()))  # noqa: S311 - jitter

    def _renumber(self, after: int = 0) -> None:
        """Begins a new epoch and numbers the window from 1; in the spool the new batches are written before the old go."""
        epoch = max(_now_ms(), self._epoch + 1, after + 1)
        renumbered: list[Batch] = []
        try:
            for sequence, old in enumerate(self._window, 1):
                batch = Batch(epoch, sequence, old.count, old.body, sent=old.sent, span=old.span)
                if self._spool and old.place:
                    batch.place = self._spool.append(epoch, sequence, old.count, self._spool.read(old.place))
                renumbered.append(batch)
        except OSError as error:
            # The old numbers stay, the server will complain again, and by then there may be room.
            self._report(errors.Error(f"the spool cannot be written: {error}"))
            self._remove(renumbered)
            return
        self._remove(self._window)
        self._window = deque(renumbered)
        self._epoch, self._sequence, self._sent = epoch, len(renumbered), 0

    def _remove(self, batches: Iterable[Batch]) -> None:
        for batch in batches:
            if self._spool and batch.place:
                self._spool.acknowledge(batch.place)

    def _report(self, error: errors.Error) -> None:
        self.last_error = error
        _log.error("%s of producer %s: %s", self._lane.noun, self._identity.producer_id, error)
        if self._on_error:
            self._call(self._on_error, error)

    def _fail(self, error: errors.Error) -> None:
        for done in [*(done for _, done in self._flushes), *self._waiters]:
            if not done.done():
                done.set_exception(error)
        self._flushes.clear()
        self._waiters.clear()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self._report(errors.Error(f"publishing ended: {error!r}"))
            self._fail(errors.Error(f"publishing ended: {error!r}"))

    @staticmethod
    def _call(hook: Callable[[Any], None], value: object) -> None:
        try:
            hook(value)
        except Exception:  # noqa: BLE001 - a caller's mistake must not stop the sending
            _log.exception("a callback of the client failed")


def _end(batch: Batch, failure: str = "") -> None:
    """Ends the span of a batch: it is acknowledged, or will not be."""
    if batch.span is None:
        return
    batch.span.set_attributes({"tidemark.epoch": batch.epoch, "tidemark.sequence": batch.sequence})
    if failure:
        fail(batch.span, failure)
    batch.span.end()


def _failed(writer: asyncio.Task[None]) -> BaseException | None:
    """Why the writer failed by itself; the end of the stream is for the reader to tell, who would wait for ever otherwise."""
    failure = writer.exception() if writer.done() and not writer.cancelled() else None
    return None if isinstance(failure, grpc.aio.AioRpcError | asyncio.InvalidStateError) else failure


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
