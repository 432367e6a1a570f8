"""Cursors: where a watch goes on after an interruption. What was shown comes in, an opaque text goes out to the follower, and back.

A cursor names the states of the data from which tiles were answered, and for each tile its question and what was shown of it, so
that only what has changed since is sent again. A tile that asks something else by now begins anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from services.kit import opaque
from services.kit.calendar import Span
from services.kit.errors import Invalid
from services.kit.instant import MICROSECOND, at, us_of
from services.query.live import renewal
from services.query.live.answer import DELTA, Answer, heartbeat, message, part, snapshot
from services.query.live.board import Latest, State
from services.query.question import Series
from services.query.state import Facts
from tidemark.v1 import question_pb2 as pb
from tidemark.v1.query_pb2 import WatchQueryResponse

KEPT = timedelta(minutes=55)
"""A cursor older than this begins anew: the commit log is kept for an hour."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was shown of one question, and from which state of the data."""

    versions: tuple[int, ...]
    batches: tuple[int, ...]
    at: datetime
    question: str
    """Digest of the project and the question as it was asked."""
    lines: str
    content: str
    """Digests of what was shown, as an `Answer` has them."""
    start: datetime
    """Where the range began."""

    def leads_to(self, answer: Answer, question: str) -> bool:
        """Whether what has changed up to `answer`, of this question, can still be told."""
        facts = answer.facts
        return (
            self.question == question
            and len(self.versions) == len(self.batches) == len(facts.versions)
            and all(old <= new for old, new in zip(self.versions, facts.versions))
            and facts.at - self.at < KEPT
        )

    def ahead(self, facts: Facts) -> bool:
        """Whether some of what was shown was committed after `facts`."""
        return any(old > new for old, new in zip(self.versions, facts.versions))


def seen(answer: Answer, question: str) -> Seen:
    """What a reader who has `answer` has seen."""
    facts = answer.facts
    state = facts.versions, facts.batches, facts.at
    return Seen(*state, question, answer.lines, answer.content, answer.question.span.start)


def encode(state: State, questions: Mapping[str, str]) -> str:
    """The cursor of a reader who has `state`; `questions` are the digests of what its tiles ask."""
    by_data: dict[tuple[object, ...], list[tuple[str | int, ...]]] = {}
    for tile_id, latest in state.tiles.items():
        if latest.answer is not None:
            shown = seen(latest.answer, questions[tile_id])
            data = shown.versions, shown.batches, us_of(shown.at)
            tile = tile_id, shown.question, shown.lines, shown.content, us_of(shown.start)
            by_data.setdefault(data, []).append(tile)
    return opaque.sealed(orjson.dumps([[*data, tiles] for data, tiles in by_data.items()]))


def decode(text: str) -> dict[str, Seen]:
    """By tile, what the reader who was given this cursor has seen; nothing without one."""
    if not text:
        return {}
    found: dict[str, Seen] = {}
    try:
        for versions, batches, seen_at, tiles in orjson.loads(opaque.opened(text)):
            data = _counts(versions), _counts(batches), at(seen_at)
            for tile_id, question, lines, content, start in tiles:
                found[str(tile_id)] = Seen(*data, str(question), str(lines), str(content), at(start))
    except (ValueError, TypeError, OverflowError) as error:
        raise Invalid("cursor", "is not one that this server gave; leave it out to begin anew") from error
    return found


def resumed(
    seen: Seen, new: Answer, touched: Iterable[Span], fresh: Sequence[pb.StoredEvent]
) -> WatchQueryResponse:
    """What a reader who has `seen` lacks: events `fresh`, or the buckets `touched` since and those begun since."""
    if isinstance(new.result, pb.EventsResult):
        return message(DELTA, new, pb.EventsResult(events=fresh)) if fresh else heartbeat(new)
    if seen.content == new.content:
        return heartbeat(new)
    if not isinstance(new.question, Series) or new.plan is None or seen.lines != new.lines:
        return snapshot(new)
    if new.question.fill in (pb.FILL_PREVIOUS, pb.FILL_LINEAR):
        # What was touched is carried on to buckets that were not.
        return snapshot(new)
    assert isinstance(new.result, pb.SeriesResult)
    # What is under way depends on the clock; the first bucket shrinks when the range moves on.
    span, passing = new.question.span, [Span(seen.at, new.facts.at)]
    if span.start != seen.start:
        passing.append(Span(span.start, span.start + MICROSECOND))
    slots = renewal.touched(new.plan, [*touched, *passing])
    found = part(new.result, sorted(slots.now | slots.earlier))
    return message(DELTA, new, found) if found.bucket_starts else heartbeat(new)


def awaited(seen: Mapping[str, Seen], tiles: Mapping[str, Latest]) -> bool:
    """Whether some tile does not yet stand where it did before its reader was interrupted."""
    known = [(seen[tile_id], latest) for tile_id, latest in tiles.items() if tile_id in seen]
    return any(
        before.ahead(latest.answer.facts) if latest.answer is not None else latest.error is None
        for before, latest in known
    )


def _counts(values: Iterable[object]) -> tuple[int, ...]:
    found = tuple(value for value in values if isinstance(value, int) and 0 <= value < 2**62)
    if len(found) != len(tuple(values)):
        raise ValueError(values)
    return found
