"""Builds documents: goes through the sections of an `Asked`, asks what they need, a few questions at a time, and makes blocks of it.

A section that fails fails the document, with its name; in a preview the fault stands in its place. Texts come last: they tell of the
figures of all others. Next: `proof` counts the document, `formats` write it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from services.kit.calendar import Span
from services.kit.errors import Error, Invalid, Refused
from services.kit.scratch import Scratch
from services.reports.build import (
    conditions,
    events,
    figures,
    forecast,
    health,
    insights,
    narrow,
    people,
    question,
    text,
    titles,
    trust,
)
from services.reports.build.asked import Asked
from services.reports.build.shown import Shown, said
from services.reports.build.source import Answers
from services.reports.build.span import PAST, range_of, timed
from services.reports.document import Block, Document, Figure, Notice, Section, Trust
from services.reports.source import Sources
from services.reports.words import Words
from tidemark.v1 import forecast_pb2, insight_pb2, pipeline_pb2
from tidemark.v1 import question_pb2 as q
from tidemark.v1 import report_pb2 as pb

T = TypeVar("T")
Progress = Callable[[float, str], Awaitable[None]]
"""Told the share that is done and what was done last."""
COVERAGE = 0.9
"""Of a forecast's band where nothing is said."""
PAGE, MOST_PAGES = 1000, 10
"""Of producers."""

_TITLES = {
    "figures": "Key figures",
    "insights": "What was found",
    "forecast": "Outlook",
    "health": "Data health",
}


@asynccontextmanager
async def build(sources: Sources, asked: Asked, progress: Progress) -> AsyncIterator[Document]:
    """The document, until the block ends: then the rows that are in files are gone."""
    scratch = await asyncio.to_thread(Scratch, "tidemark-report-")
    try:
        yield await _Builder(sources, asked, progress, scratch.path).document()
    finally:
        await asyncio.to_thread(scratch.close)


class _Builder:
    """One document under way."""

    def __init__(self, sources: Sources, asked: Asked, progress: Progress, folder: Path) -> None:
        self._sources, self._asked, self._progress = sources, asked, progress
        self._answers = Answers(sources, asked.project, asked.as_of, folder)
        self._words, self._span = Words(asked.locale, asked.time_zone), asked.span
        self._figures: dict[str, Figure] = {}
        self._done = 0

    async def document(self) -> Document:
        """All sections, in their order."""
        asked, words = self._asked, self._words
        wanted = list(enumerate(asked.sections))
        # Texts tell of the figures of all others, so they come last.
        made: dict[int, Section] = {}
        for last in (False, True):
            several = [each for each in wanted if each[1].HasField("text") is last]
            # What is asked first tells the state of the data, and all others wait for it: figures are answered soon.
            several.sort(key=lambda each: not each[1].HasField("figures"))
            made |= dict(await _together(self._section(place, each, len(wanted)) for place, each in several))
        shown = [made[place] for place, _ in wanted]
        return Document(
            title=asked.report.display_name,
            description=asked.report.description,
            project=asked.project_title,
            span=self._span,
            time_zone=asked.time_zone,
            locale=asked.locale,
            made_at=asked.now,
            sections=tuple(shown),
            filters=tuple(part for each in asked.filters for part in conditions.parts(each, words)),
            notes=_notes(shown, self._span, words),
        )

    async def _section(self, place: int, stated: pb.Section, of: int) -> tuple[int, Section]:
        kind = stated.WhichOneof("content") or ""
        title = stated.title or _TITLES.get(kind, "")
        if kind == "question" and not title:
            title = titles.question(stated.question.query)
        try:
            blocks, known = await self._blocks(place, stated, title)
        except Error as error:
            if self._asked.row_limit is None:
                error.args = (f"section '{stated.id}': {error}",)
                raise
            blocks, known = [Notice("This section cannot be shown", (said(str(error)),), "fault")], Trust()
        self._done += 1
        await self._progress(self._done / of, title or stated.id)
        return place, Section(
            stated.id, title, tuple(blocks), known, stated.new_page, about_data=kind == "health"
        )

    async def _blocks(self, place: int, stated: pb.Section, title: str) -> tuple[Sequence[Block], Trust]:
        asked = self._asked
        match stated.WhichOneof("content"):
            case "text":
                field = f"report.sections[{place}].text.text"
                told = await asyncio.to_thread(
                    text.blocks, stated.text.text, asked, self._words, self._figures.values(), field
                )
                return told, Trust()
            case "question":
                return await self._question(stated.id, title, stated.question)
            case "figures":
                return await self._key_figures(stated.id, stated.figures)
            case "forecast":
                return await self._forecast(stated.id, title, stated.forecast)
            case "insights" if asked.filter is None:
                return await self._insights(stated.id, title, stated.insights)
            case "health" if asked.filter is None:
                return await self._health(stated.id)
            case "insights" | "health":
                return [said(narrow.APART)], Trust()
            case _:
                raise Invalid(
                    f"report.sections[{place}]", "is empty; give it a text, a question or another content"
                )

    async def _question(
        self, section_id: str, title: str, stated: pb.QuestionSection
    ) -> tuple[Sequence[Block], Trust]:
        if self._asked.filter is not None and not narrow.narrowable(stated.query):
            return [said(narrow.APART)], Trust()
        query = self._narrowed(stated.query)
        shown = Shown(section_id, title, query, self._words, stated.display, stated.view)
        kind = query.WhichOneof("question")
        if kind in ("events", "people"):
            return await self._listed(shown, events if kind == "events" else people)
        answer = await self._answers.ask(query)
        blocks = await asyncio.to_thread(question.blocks, shown, answer)
        return blocks, self._trust([answer.metadata], [*question.notes(answer), *self._said(query)])

    async def _listed(self, shown: Shown, kind: Any) -> tuple[Sequence[Block], Trust]:
        """Events or people: whole, or the first of them in a preview."""
        if (limit := self._asked.row_limit) is None:
            most = events.MOST if kind is events else events.MOST - 1
            rows, metadata = await self._answers.file(shown.query, kind.FIELDS, most)
            return list(kind.blocks(shown, rows)), self._trust([metadata], self._said(shown.query))
        answer = await self._answers.ask(shown.query, limit)
        found = answer.events.events if kind is events else answer.people.people
        notes = [f"Only the first {limit} rows are shown here."] if answer.next_page_token else []
        notes += self._said(shown.query)
        return list(kind.blocks(shown, kind.page(found))), self._trust([answer.metadata], notes)

    async def _key_figures(self, section_id: str, stated: pb.FiguresSection) -> tuple[Sequence[Block], Trust]:
        queries = [figures.asked(each, self._narrowed(each.query)) for each in stated.figures]
        answers = await _together(self._answers.ask(query) for query in queries)
        several = [
            figures.figure(each, query, answer.series)
            for each, query, answer in zip(stated.figures, queries, answers, strict=True)
        ]
        self._figures |= {each.figure_id: each for each in several}
        notes = [note for query in queries for note in self._said(query)]
        return [figures.block(section_id, several)], self._trust([each.metadata for each in answers], notes)

    async def _forecast(
        self, section_id: str, title: str, stated: pb.ForecastSection
    ) -> tuple[Sequence[Block], Trust]:
        if self._asked.filter is not None and not narrow.narrowable(stated.query):
            return [said(narrow.APART)], Trust()
        query = self._narrowed(stated.query, times=PAST)
        past = await self._answers.ask(query)
        shown = Shown(section_id, title, query, self._words, stated.display)
        known = self._trust([past.metadata], self._said(query))
        try:
            made = await self._answers.limited(lambda: self._forecasted(query, stated))
        except Refused as error:
            # A series too short to go on is nothing that a report fails of.
            if not error.reason.startswith("SERIES_"):
                raise
            return list(forecast.impossible(shown, past.series, str(error))), known
        return list(forecast.blocks(shown, past.series, made, stated.coverage or COVERAGE)), known

    async def _forecasted(self, query: q.Query, stated: pb.ForecastSection) -> forecast_pb2.ForecastResponse:
        return await self._sources.forecast(
            self._asked.project,
            query,
            horizon=stated.horizon,
            coverage=stated.coverage,
            as_of="" if query.HasField("window") else self._answers.as_of,
        )

    async def _insights(
        self, section_id: str, title: str, stated: pb.InsightsSection
    ) -> tuple[Sequence[Block], Trust]:
        found = await self._sources.insights(
            self._asked.project,
            least_severity=stated.least_severity,
            states=insights.STATES,
            time_range=range_of(self._span),
            order=insight_pb2.ListInsightsRequest.ORDER_PRIORITY,
            page_size=min(stated.limit or insights.USUAL, insights.MOST),
        )
        blocks = list(insights.blocks(section_id, title, found.insights, self._words))
        return blocks, Trust(notes=tuple(self._whole()))

    async def _health(self, section_id: str) -> tuple[Sequence[Block], Trust]:
        project, span = self._asked.project, self._span
        about = range_of(span)
        async with _group() as group:
            counted = group.create_task(self._answers.ask(health.counted(span, self._asked.time_zone)))
            ledger = group.create_task(self._sources.ledger(project, time_range=about, page_size=1))
            quality = group.create_task(
                self._sources.quality(project, time_range=about, page_size=health.MOST_EVENTS)
            )
            producers = group.create_task(self._producers())
        known = self._trust([counted.result().metadata], self._whole())
        blocks = health.blocks(
            section_id,
            ledger.result(),
            quality.result().events,
            producers.result(),
            known,
            span,
            self._asked.now,
            self._words,
        )
        return list(blocks), known

    async def _producers(self) -> list[pipeline_pb2.ProducerStatus]:
        found: list[pipeline_pb2.ProducerStatus] = []
        token = ""
        for _ in range(MOST_PAGES):
            page = await self._sources.producers(self._asked.project, page_size=PAGE, page_token=token)
            found += page.producers
            token = page.next_page_token
            if not token:
                break
        return found

    def _narrowed(self, query: q.Query, times: int = 1) -> q.Query:
        """The question with its time and the filters that hold beside its own."""
        about = timed(query, self._span, self._asked.time_zone, self._asked.now, times=times)
        return narrow.narrowed(about, self._asked.filters)

    def _said(self, query: q.Query) -> list[str]:
        """What the filters leave as it is, where there are any."""
        note = narrow.note(query) if self._asked.filters else ""
        return [note] if note else []

    def _whole(self) -> list[str]:
        """That a section tells of the whole project, where a filter may lead to expect less."""
        return [narrow.WHOLE] if self._asked.filters else []

    def _trust(self, answers: Sequence[q.QueryMetadata], notes: Iterable[str] = ()) -> Trust:
        return trust.of(answers, self._words, notes)


def _notes(sections: Sequence[Section], span: Span, words: Words) -> tuple[str, ...]:
    """What readers should know of the whole document."""
    known = [each.trust.watermark for each in sections if each.trust.watermark is not None]
    if not known or min(known) >= span.end:
        return ()
    return (
        f"Made before all data of its time were in: they are believed complete up to {words.instant(min(known))}.",
    )


async def _together(calls: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """What all of them give."""
    async with _group() as group:
        tasks = [group.create_task(call) for call in calls]
    return [task.result() for task in tasks]


@asynccontextmanager
async def _group() -> AsyncIterator[asyncio.TaskGroup]:
    """Tasks of which the first that fails ends the others, with its error."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None
