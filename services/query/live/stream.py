"""Gives followers what changes: answers come in from `worker`, messages go out to the servicers.

A board is some tiles that are followed together. All its followers share what it shows, and each message is made once, however
many read it. Who reads slowly gets what the latest state has and theirs has not, never a queue of what was in between.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.kit import metrics
from services.kit.errors import Unavailable
from services.query.live.answer import HEARTBEAT
from services.query.live.board import Latest, State, lacking, watermark
from services.query.live.cursor import Seen, awaited, encode
from services.query.live.source import Round
from services.query.live.worker import LEAST_INTERVAL, TICK, Feed, Feeds, Watched, listened, within
from services.query.sql import PAGE_BYTES
from services.query.store import Store
from tidemark.v1 import question_pb2 as pb
from tidemark.v1.dashboard_pb2 import TileAnswer, WatchDashboardResponse


@dataclass(frozen=True, slots=True)
class Tiles:
    """What is followed together."""

    questions: Mapping[str, Watched]
    """By the id of the tile."""
    etag: str = ""
    """Of the dashboard that they are of."""

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for equal boards."""
        return (self.etag, *self.questions.items())


class Board:
    """What some tiles show, and the messages about it."""

    def __init__(self, tiles: Tiles, feeds: Feeds) -> None:
        self.tiles, self.followers = tiles, 0
        self.news, self.renewed = asyncio.Event(), asyncio.Event()
        """Waited for by those who want to read, and by those who want to know how old it is."""
        self._digests = {tile_id: each.digest for tile_id, each in tiles.questions.items()}
        self._all = feeds
        self._feeds: dict[Watched, Feed] = {}
        self.state = self._told = State({})
        self._messages: dict[int, tuple[WatchDashboardResponse, State]] = {}

    def open(self) -> None:
        """Begins to take over what the feeds have."""
        self._feeds = self._all.join(set(self.tiles.questions.values()), self.renew)
        self.renew()

    def close(self) -> None:
        """Ends the feeds that nobody else follows."""
        self._all.leave(self._feeds.values(), self.renew)

    def renew(self) -> None:
        """Takes over what the feeds have now; there is news when a reader of what was told last lacks something."""
        latest = {tile_id: self._feeds[each].latest for tile_id, each in self.tiles.questions.items()}
        self.state = State(latest)
        self._messages.clear()
        self.renewed = _rung(self.renewed)
        message, _ = self.message(self._told)
        if message.tiles:
            self._told = self.state
            self.news = _rung(self.news)

    def refresh(self) -> None:
        """Looks at every tile as soon as may be."""
        self._all.refresh(self._feeds.values())

    def message(self, shown: State) -> tuple[WatchDashboardResponse, State]:
        """What a reader of `shown` lacks, without tiles when that is nothing, and the state that it leads to. The message is shared,
        and not to be changed.
        """
        if shown.number not in self._messages:
            tiles, state = lacking(shown, self.state)
            self._messages[shown.number] = self.about(state, tiles), state
        return self._messages[shown.number]

    def about(self, state: State, tiles: Iterable[TileAnswer]) -> WatchDashboardResponse:
        """A message that brings its reader to `state`."""
        cursor = encode(state, self._digests)
        response = WatchDashboardResponse(cursor=cursor, tiles=tiles, etag=self.tiles.etag)
        if (complete := watermark(state)) is not None:
            response.watermark.FromDatetime(complete)
        response.sent_at.GetCurrentTime()
        return response


class Follower:
    """Reads a board at its own pace."""

    def __init__(self, boards: "Boards", board: Board, seen: Mapping[str, Seen], interval: float) -> None:
        self.board, self.shown = board, State({})
        self._boards, self._interval = boards, interval
        self._seen = {tile_id: each for tile_id, each in seen.items() if tile_id in board.tiles.questions}
        self._sent_at = -interval

    async def next(self) -> WatchDashboardResponse:
        """The next message; without tiles when nothing has changed for a while."""
        if self._seen:
            return await self._resumed()
        until = time.monotonic() + TICK
        while (left := until - time.monotonic()) > 0:
            self._boards.require_open()
            rest = self._sent_at + self._interval - time.monotonic()
            if self._interval > LEAST_INTERVAL and rest > 0:
                await within(min(rest, left), self._boards.closed)
                continue
            response, self.shown = self.board.message(self.shown)
            if response.tiles:
                self._sent_at = time.monotonic()
                return response
            await within(left, self.board.news)
        return self.board.about(self.shown, ())

    def turn_to(self, tiles: Tiles, interval: float) -> None:
        """Reads another board from now on; tiles that ask the same as before are not shown again."""
        before, self.board = self.board, self._boards.join(tiles)
        self._interval = interval
        self._boards.leave(before)
        old, new = before.tiles.questions, tiles.questions
        kept = {
            tile_id: latest
            for tile_id, latest in self.shown.tiles.items()
            if new.get(tile_id) == old[tile_id]
        }
        self.shown = State(kept)

    async def _resumed(self) -> WatchDashboardResponse:
        """What a reader who was interrupted lacks."""
        seen, self._seen = self._seen, {}
        await self._caught_up(seen)
        latest, found = self.board.state.tiles, list[TileAnswer]()
        shown, size = dict.fromkeys(latest, Latest()), 0
        async with self._boards.round(self.board) as now:
            for tile_id, watched in self.board.tiles.questions.items():
                before, answer = seen.get(tile_id), latest[tile_id].answer
                if before is not None and answer is not None and before.leads_to(answer, watched.digest):
                    wide = listened(pb.Query.FromString(watched.query), answer.question)
                    response = await now.resumed(before, answer, wide, watched.page_size)
                    size += response.ByteSize()
                    if found and size > PAGE_BYTES:
                        break
                    shown[tile_id] = latest[tile_id]
                    if response.kind != HEARTBEAT:
                        found.append(TileAnswer(tile_id=tile_id, answer=response))
        # Tiles that it has not seen, or of which it cannot be told what it has missed, follow whole.
        self.shown = State(shown)
        return self.board.about(self.shown, found)

    async def _caught_up(self, seen: Mapping[str, Seen]) -> None:
        """Waits, for a while, for tiles that do not yet stand where they did before this reader was interrupted, elsewhere."""
        until = time.monotonic() + TICK
        while awaited(seen, self.board.state.tiles) and (left := until - time.monotonic()) > 0:
            self._boards.require_open()
            self.board.refresh()
            await within(left, self.board.renewed)


class Boards:
    """The boards of this process."""

    def __init__(self, feeds: Feeds, store: Store, seconds: float) -> None:
        self._feeds, self._store, self._seconds = feeds, store, seconds
        self._boards: dict[object, Board] = {}
        self.watching = 0
        """How many follow."""
        self.closed = asyncio.Event()

    @asynccontextmanager
    async def followed(
        self, tiles: Tiles, seen: Mapping[str, Seen] | None = None, interval: float = LEAST_INTERVAL
    ) -> AsyncIterator[Follower]:
        """A follower of these tiles, who goes on behind what was `seen`."""
        self.require_open()
        follower = Follower(self, self.join(tiles), seen or {}, interval)
        self.watching += 1
        metrics.QUERY_WATCHING.inc()
        try:
            yield follower
        finally:
            self.watching -= 1
            metrics.QUERY_WATCHING.dec()
            self.leave(follower.board)

    def join(self, tiles: Tiles) -> Board:
        """The board of these tiles, opened with its first follower."""
        if tiles.key not in self._boards:
            board = Board(tiles, self._feeds)
            board.open()
            self._boards[tiles.key] = board
        board = self._boards[tiles.key]
        board.followers += 1
        return board

    def leave(self, board: Board) -> None:
        """Closes a board with its last follower."""
        board.followers -= 1
        if not board.followers:
            del self._boards[board.tiles.key]
            board.close()

    @asynccontextmanager
    async def round(self, board: Board) -> AsyncIterator[Round]:
        """The state of the data now, for a follower of a board."""
        project = next(iter(board.tiles.questions.values())).project
        async with self._store.snapshot(project.project_id, self._seconds, patient=True) as snapshot:
            yield Round(snapshot, await snapshot.facts())

    def require_open(self) -> None:
        """Raises `Unavailable` once the server shuts down."""
        if self.closed.is_set():
            raise Unavailable("the server is shutting down: go on elsewhere with the last cursor")

    async def close(self, draining: asyncio.Event) -> None:
        """Worker: at `draining`, ends the streams of all followers."""
        await draining.wait()
        self.closed.set()
        for board in self._boards.values():
            board.news, board.renewed = _rung(board.news), _rung(board.renewed)


def _rung(event: asyncio.Event) -> asyncio.Event:
    """Wakes everybody who waits for `event`; gives the next to wait for."""
    event.set()
    return asyncio.Event()
