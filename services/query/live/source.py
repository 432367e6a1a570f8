"""Reads the next answer to a watched question: the last one and a snapshot come in, an `Answer` goes out to `worker`.

Of a series only the buckets that were touched are read, of events only those that are new; everything else is answered anew.
"""

import time
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count

from google.protobuf.message import Message

from services.kit.calendar import Span
from services.query.live import renewal
from services.query.live.answer import Answer, content, lines
from services.query.live.cursor import Seen, resumed
from services.query.plan import Plan, plan
from services.query.question import Events, Question, Series
from services.query.shape import Reading, result
from services.query.source import RAW, answer
from services.query.sql import Page
from services.query.state import Facts
from services.query.store import Snapshot
from services.query.trust import Origin, origin
from tidemark.v1 import question_pb2 as pb
from tidemark.v1.query_pb2 import WatchQueryResponse

RANKED = timedelta(seconds=4)
"""Which groups are the largest is found out anew no sooner, and no more often than a twentieth of the time allows."""

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Asked:
    """A watched question, and what is known of its answer."""

    question: Question
    listened: Span
    """The time in which a commit may change the answer."""
    size: int
    """How many events or people are shown."""
    last: Answer | None
    rung: bool
    """Whether a commit may have changed the answer since."""


class Round:
    """Answers questions from one state of the data."""

    def __init__(self, snapshot: Snapshot, facts: Facts) -> None:
        self._snapshot, self.facts = snapshot, facts
        self._known: dict[tuple[int, ...], list[Span]] = {}

    async def next(self, asked: Asked) -> Answer:
        """The answer now, made of the last one and what was touched since; anew, where rows were removed."""
        if asked.last is not None and asked.last.facts.removals != self.facts.removals:
            asked = replace(asked, last=None)
        match asked.question:
            case Events():
                return await self._events(asked, asked.question)
            case Series():
                return await self._series(asked.question, asked.last)
            case question if asked.last is not None and question == asked.last.question and not asked.rung:
                return replace(asked.last, facts=self.facts)
            case question:
                found = await answer(question, self._snapshot, self.facts.at, asked.size)
                return self._answer(question, found.result, found.origin)

    async def resumed(self, seen: Seen, answer: Answer, listened: Span, size: int) -> WatchQueryResponse:
        """What a reader who has `seen` lacks of an answer."""
        touched = await self._touched(seen.versions)
        fresh: list[pb.StoredEvent] = []
        if isinstance(answer.question, Events) and touched:
            page = Page(size, batches=seen.batches, until=answer.facts.batches, spans=tuple(touched))
            fresh, _ = await self._snapshot.events(replace(answer.question, span=listened), page)
        return resumed(seen, answer, touched, fresh)

    async def _touched(self, versions: tuple[int, ...]) -> list[Span]:
        """The spans of event time that were touched after `versions`."""
        if versions not in self._known:
            self._known[versions] = await self._snapshot.touched(versions)
        return self._known[versions]

    async def _events(self, asked: Asked, question: Events) -> Answer:
        # A client's clock may be ahead of ours: its events are shown as they come, not left out as not yet happened.
        wide, last = replace(question, span=asked.listened), asked.last
        if last is None or not isinstance(last.result, pb.EventsResult):
            newest, _ = await self._snapshot.events(wide, Page(asked.size))
            return self._answer(question, pb.EventsResult(events=newest))
        spans = tuple(span for span in await self._touched(last.facts.versions) if span.overlaps(wide.span))
        fresh: list[pb.StoredEvent] = []
        if spans:
            page = Page(asked.size, batches=last.facts.batches, spans=spans)
            fresh, _ = await self._snapshot.events(wide, page)
        if not fresh and question == last.question:
            return replace(last, facts=self.facts)
        newest = renewal.newest((*fresh, *last.result.events), question.span, asked.size)
        found = self._answer(question, pb.EventsResult(events=newest))
        arrivals = (*last.arrived, *((found.number, event) for event in reversed(fresh)))
        return replace(found, arrived=renewal.latest(arrivals, asked.size))

    async def _series(self, question: Series, last: Answer | None) -> Answer:
        if last is None or last.plan is None or self._outranked(last):
            return await self._whole(question)
        planned, reading, missing = last.plan, last.reading, renewal.Slots()
        if question != last.question:
            planned = plan(question)
            if (kept := renewal.carried(last.plan, last.reading, planned)) is None:
                return await self._whole(question)
            reading, missing = kept
        slots = missing | renewal.touched(planned, await self._touched(last.facts.versions))
        if slots:
            if not planned.mergeable:
                return await self._whole(question)
            read = await self._snapshot.series(renewal.narrowed(planned, slots), reading.groups)
            reading = renewal.renewed(reading, read, slots)
            if len(reading.groups) < question.top and None in reading.places:
                # A group came up that there is room to show.
                return await self._whole(question)
        if planned is not last.plan and question.grouped:
            reading = renewal.inhabited(reading)
        found = self._shaped(planned, reading)
        return replace(found, whole=last.whole, whole_took=last.whole_took)

    def _outranked(self, last: Answer) -> bool:
        """Whether it is time to look whether other groups are the largest by now."""
        if last.whole is None or last.whole.totals == self.facts.totals or None not in last.reading.places:
            return False
        return self.facts.at - last.whole.at > max(RANKED, 20 * last.whole_took)

    async def _whole(self, question: Series) -> Answer:
        began, planned = time.monotonic(), plan(question)
        reading = await self._snapshot.series(planned)
        took = timedelta(seconds=time.monotonic() - began)
        return replace(self._shaped(planned, reading), whole=self.facts, whole_took=took)

    def _shaped(self, planned: Plan, reading: Reading) -> Answer:
        assert isinstance(planned.question, Series)
        found = self._answer(planned.question, result(planned, reading, self.facts.at), origin(planned))
        return replace(found, plan=planned, reading=reading)

    def _answer(self, question: Question, result: Message, origin: Origin = RAW) -> Answer:
        return Answer(next(_numbers), question, self.facts, result, lines(result), content(result), origin)
