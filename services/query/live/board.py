"""What a board of tiles shows: two states of it come in, what a reader of the older one lacks goes out to `stream`.

A question that is followed has a `Latest`: its last answer, and what keeps it from a newer one. A state has one for each tile.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from services.kit.errors import Error
from services.query.live.answer import Answer, delta, heartbeat, snapshot
from services.query.sql import PAGE_BYTES
from tidemark.v1.dashboard_pb2 import TileAnswer, WatchDashboardResponse
from tidemark.v1.query_pb2 import WatchQueryResponse


@dataclass(frozen=True, slots=True, eq=False)
class Latest:
    """How a question that is followed stands."""

    answer: Answer | None = None
    error: Error | None = None
    """Why there is no newer answer."""


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What the tiles of a board show at one time."""

    tiles: Mapping[str, Latest]
    number: int = field(default_factory=count(1).__next__)
    """Tells it from every other."""


def lacking(old: State, new: State) -> tuple[list[TileAnswer], State]:
    """What a reader of `old` lacks of `new`, as far as one message holds it, and the state that the reader is in with that."""
    found: list[TileAnswer] = []
    shown = dict(new.tiles)
    size, complete = 0, True
    for tile_id, latest in new.tiles.items():
        before = old.tiles.get(tile_id, Latest())
        if (tile := change(tile_id, before, latest)) is None:
            continue
        size += tile.ByteSize()
        if found and size > PAGE_BYTES:
            shown[tile_id], complete = before, False
        else:
            found.append(tile)
    return found, new if complete else State(shown)


def change(tile_id: str, old: Latest, new: Latest) -> TileAnswer | None:
    """What a reader of `old` lacks of one tile; None when that is nothing."""
    response = None
    if new.answer is not None:
        response = snapshot(new.answer) if old.answer is None else delta(old.answer, new.answer)
    if response is None and _text(old.error) == _text(new.error):
        return None
    if response is None and new.answer is not None:
        response = heartbeat(new.answer)
    return TileAnswer(tile_id=tile_id, answer=response, error=new.error.status() if new.error else None)


def single(message: WatchDashboardResponse, latest: Latest, query_id: str) -> WatchQueryResponse | None:
    """A message about the only tile of a board, as `WatchQuery` gives it; raises why the tile has no answer."""
    if latest.error is not None:
        raise latest.error
    if latest.answer is None:
        return None
    response = WatchQueryResponse()
    response.CopyFrom(message.tiles[0].answer if message.tiles else heartbeat(latest.answer))
    response.cursor, response.metadata.query_id = message.cursor, query_id
    return response


def watermark(state: State) -> datetime | None:
    """The event time up to which everything shown is believed complete."""
    marks = [each.answer.facts.watermark for each in state.tiles.values() if each.answer is not None]
    known = [mark for mark in marks if mark is not None]
    return min(known) if known and len(known) == len(marks) else None


def _text(error: Error | None) -> str:
    return "" if error is None else f"{error.reason} {error}"
