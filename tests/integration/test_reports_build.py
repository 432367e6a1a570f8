"""Documents are built of what query and insights answer: their figures are those of the same questions asked by hand."""

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from google.protobuf.struct_pb2 import Value

from services.insights.findings.servicer import Insights
from services.insights.findings.store import Store, publish
from services.insights.forecast.servicer import Forecast
from services.insights.source import Query
from services.kit import postgres
from services.kit.errors import Error, Invalid
from services.kit.service import Resources, Service, Servicer
from services.query.service import query
from services.reports.build.asked import Asked
from services.reports.build.span import timed
from services.reports.build.worker import build
from services.reports.definitions.expansion import sections
from services.reports.definitions.store import files
from services.reports.document import Chart, Document, Figures, Notice, Paragraph, Table
from services.reports.proof import prove
from services.reports.source import Sources
from tests.conftest import Served, Suite
from tests.integration.history import Happened, Point, commit
from tests.integration.test_insights import PROJECT, draft
from tidemark.v1 import question_pb2 as q
from tidemark.v1 import report_pb2 as pb
from tidemark.v1.dashboard_pb2 import Display
from tidemark.v1.forecast_pb2_grpc import add_ForecastServiceServicer_to_server
from tidemark.v1.insight_pb2_grpc import add_InsightServiceServicer_to_server

DEMO = "projects/demo"
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
TODAY = NOW.replace(hour=0)
DAYS = 21
COUNT = q.Measure(name="order_placed", aggregation=q.AGGREGATION_COUNT)
PAID = q.Measure(name="order_placed", aggregation=q.AGGREGATION_SUM, field="properties.value")
LATENCY = q.Measure(name="latency", source=q.SOURCE_METRICS, aggregation=q.AGGREGATION_AVG)
DAILY = q.Interval(unit=q.Interval.UNIT_DAY)
STEPS = [q.Step(name="visited"), q.Step(name="order_placed")]


async def insights(resources: Resources) -> Service:
    """What reports ask of insights, without its loops."""
    asking = Query(resources.settings, resources.pool)
    ours = Insights(Store(resources.pool), None, None, asking, resources.settings)  # type: ignore[arg-type]
    return Service(
        servicers=[
            Servicer(add_ForecastServiceServicer_to_server, Forecast(asking)),
            Servicer(add_InsightServiceServicer_to_server, ours),
        ]
    )


def history() -> list[Happened | Point]:
    """Three weeks: each day people visit, some order, and requests take their time."""
    found: list[Happened | Point] = []
    for day in range(1, DAYS + 1):
        for person in range(4 + day % 3):
            at = TODAY - timedelta(days=day) + timedelta(hours=8 + person)
            user = f"user {(day + person) % 9}"
            place = {"country": ("DE", "AT", "")[person % 3], "value": 10.25 + person}
            found.append(Happened(at, "visited", user, place))
            if (day + person) % 2:
                found.append(Happened(at + timedelta(minutes=5), "order_placed", user, place))
        found.append(Point(TODAY - timedelta(days=day, hours=-1), 100.0 + day))
    return found


def section(section_id: str, **content: Any) -> pb.Section:
    return pb.Section(id=section_id, title=section_id.title(), **content)


def asking(section_id: str, display: Display | None = None, view: int = 0, **kind: Any) -> pb.Section:
    """A section with a question."""
    stated = pb.QuestionSection(query=q.Query(**kind), display=display, view=view)  # type: ignore[arg-type]
    return section(section_id, question=stated)


def equals(field: str, value: str) -> q.Filter:
    comparison = q.Comparison(field=field, operator=q.OPERATOR_EQUAL, values=[Value(string_value=value)])
    return q.Filter(comparison=comparison)


def report(*sections: pb.Section, **changes: Any) -> Asked:
    """These sections, of the seven days before today."""
    stated = pb.Report(display_name="Weekly", variables={"team": "Harbour"})
    return replace(Asked(DEMO, "Demo", "UTC", stated, tuple(sections), NOW), **changes)


class Desk:
    """Builds documents of what is served."""

    def __init__(self, served: Served) -> None:
        self.sources = Sources(
            replace(served.resources.settings, insights_address=f"127.0.0.1:{served.port}"),
            served.resources.pool,
        )
        self.steps: list[tuple[float, str]] = []

    async def built(self, asked: Asked) -> Document:
        """The document, with rows in files read into memory no more: tests look at them within `building`."""
        async with build(self.sources, asked, self.told) as document:
            return document

    async def told(self, share: float, step: str) -> None:
        self.steps.append((share, step))

    def timed(self, asked: Asked, query: q.Query) -> q.Query:
        """A question as a document asks it."""
        return timed(query, asked.span, "UTC", NOW)


@asynccontextmanager
async def desk(suite: Suite, *rows: Happened | Point) -> AsyncIterator[Desk]:
    """A project with these rows, or three weeks of them."""
    async with suite(query, insights) as served:
        commit_to(served, rows or history())
        yield Desk(served)


def commit_to(served: Served, rows: Sequence[Happened | Point]) -> None:
    with psycopg.connect(postgres.conninfo(served.resources.settings.database_url)) as connection:
        commit(connection, rows)


def tables(document: Document) -> dict[str, Table]:
    return {table.table_id: table for section in document.sections for table in section.tables}


def rows(table: Table) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for batch in table.rows.batches() for row in batch.to_pylist()]


def words(document: Document) -> str:
    """All sentences of a document."""
    told: list[str] = []
    for each in document.sections:
        for block in each.blocks:
            paragraphs = [block] if isinstance(block, Paragraph) else []
            if isinstance(block, Notice):
                told.append(block.title)
                paragraphs = list(block.paragraphs)
            told += ["".join(run.text for run in paragraph.runs) for paragraph in paragraphs]
    return "\n".join(told)


async def test_every_kind_of_question_is_a_table_of_its_answer(suite: Suite) -> None:
    everything = report(
        asking("series", series=q.SeriesQuestion(measures=[COUNT, PAID], interval=DAILY)),
        asking("groups", table=q.TableQuestion(measures=[COUNT], group_by=["properties.country"])),
        asking("funnel", funnel=q.FunnelQuestion(steps=STEPS), view=pb.QuestionSection.VIEW_BOTH),
        asking("retention", retention=q.RetentionQuestion(periods=3), view=pb.QuestionSection.VIEW_BOTH),
        asking("lifecycle", lifecycle=q.LifecycleQuestion()),
        asking("sessions", sessions=q.SessionsQuestion(interval=DAILY)),
        asking("paths", paths=q.PathsQuestion(start=STEPS[0]), view=pb.QuestionSection.VIEW_BOTH),
        asking("people", people=q.PeopleQuestion(did=STEPS[1])),
        asking("events", events=q.EventsQuestion(filter=equals("name", "order_placed"))),
    )
    async with desk(suite) as at, build(at.sources, everything, at.told) as document:
        found = tables(document)
        answers = {
            each.id: await at.sources.run(
                DEMO,
                at.timed(everything, each.question.query),
                as_of=document.sections[0].trust.as_of,
                page_size=1000,
            )
            for each in everything.sections
        }
        orders = answers["series"].series
        assert [row[1:] for row in rows(found["series"])] == list(
            zip(map(int, orders.series[0].values), orders.series[1].values, strict=True)
        )
        assert sum(row[1] for row in rows(found["series"])) == orders.series[0].total > 10
        assert dict(rows(found["groups"])) == {
            row.group[0] or "(none)": int(row.values[0]) for row in answers["groups"].table.rows
        }
        steps = answers["funnel"].funnel.groups[0].steps
        assert [row[:2] for row in rows(found["funnel"])] == [
            (each.display_name, each.people) for each in steps
        ]
        cohorts = answers["retention"].retention.groups[0].rows
        assert [row[1] for row in rows(found["retention"])] == [each.people for each in cohorts]
        assert [row[3] for row in rows(found["retention.people"])] == [
            each.back[1] if len(each.back) > 1 else None for each in cohorts
        ]
        states = answers["lifecycle"].lifecycle
        assert [row[1:] for row in rows(found["lifecycle"])] == list(
            zip(states.new, states.returning, states.resurrecting, states.dormant, strict=True)
        )
        assert [row[1] for row in rows(found["sessions"])] == list(answers["sessions"].sessions.sessions)
        assert sum(row[3] for row in rows(found["paths"])) == sum(
            link.paths for link in answers["paths"].paths.links
        )
        assert [row[0] for row in rows(found["people"])] == [
            each.user_id for each in answers["people"].people.people
        ]
        happened = answers["events"].events.events
        assert len(happened) == orders.series[0].total
        assert [row[0] for row in rows(found["events"])] == [
            each.event.occurred_at.ToDatetime(UTC) for each in happened
        ]
        assert len({each.trust.as_of for each in document.sections}) == 1
        assert not document.empty
    assert at.steps[-1][0] == 1.0
    assert len(at.steps) == len(everything.sections)


async def test_texts_tell_of_figures_that_are_those_of_query(suite: Suite) -> None:
    query = q.Query(series=q.SeriesQuestion(measures=[COUNT], interval=DAILY))
    several = pb.FiguresSection(
        figures=[
            pb.KeyFigure(id="orders", title="Orders", query=query),
            pb.KeyFigure(
                id="latency", query=q.Query(series=q.SeriesQuestion(measures=[LATENCY])), no_comparison=True
            ),
        ]
    )
    told = pb.TextSection(
        text="**{{ figures.orders.text }}** orders by {{ variables.team }} ({{ figures.orders.change | change }}), {{ range.text }}."
    )
    asked = report(section("words", text=told), section("figures", figures=several))
    async with desk(suite) as at:
        document = await at.built(asked)
        compared = at.timed(asked, query)
        compared.series.compare = q.COMPARE_PREVIOUS_PERIOD
        [line] = (await at.sources.run(DEMO, compared)).series.series
    assert [each.section_id for each in document.sections] == ["words", "figures"]
    [block] = document.sections[1].blocks
    assert isinstance(block, Figures)
    orders, latency = block.figures
    assert (orders.value, orders.before, orders.trend) == (
        line.total,
        line.previous_total,
        tuple(line.values),
    )
    assert latency.form.unit == "ms"
    assert not latency.compared
    assert latency.value == pytest.approx(104.0)
    assert f"{line.total:.0f} orders by Harbour (" in words(document)


async def test_a_document_made_again_from_its_state_is_the_same(suite: Suite) -> None:
    asked = report(
        asking("series", series=q.SeriesQuestion(measures=[COUNT, PAID], interval=DAILY)),
        asking("events", events=q.EventsQuestion()),
        asking("people", people=q.PeopleQuestion(did=STEPS[1])),
    )
    async with suite(query, insights) as served:
        commit_to(served, history())
        at = Desk(served)
        async with build(at.sources, asked, at.told) as document:
            first, state = prove(document), document.sections[0].trust.as_of
        late = TODAY - timedelta(days=2)
        commit_to(served, [Happened(late, "order_placed", "late", {"value": 1000.0})])
        async with build(at.sources, replace(asked, as_of=state), at.told) as document:
            again = prove(document)
        async with build(at.sources, asked, at.told) as document:
            now = prove(document)
    for one, other, later in zip(first, again, now, strict=True):
        assert [table.sha256 for table in one.tables] == [table.sha256 for table in other.tables]
        assert [table.sha256 for table in one.tables] != [table.sha256 for table in later.tables]


async def test_a_recipient_sees_only_events_of_the_filter(suite: Suite) -> None:
    asked = report(
        asking("orders", table=q.TableQuestion(measures=[COUNT], group_by=["properties.country"])),
        asking("people", people=q.PeopleQuestion(cohort=f"{DEMO}/cohorts/all")),
        asking("latency", series=q.SeriesQuestion(measures=[LATENCY], interval=DAILY)),
        section("found", insights=pb.InsightsSection()),
        section("health", health=pb.HealthSection()),
        filter=equals("properties.country", "DE"),
    )
    async with desk(suite) as at:
        document = await at.built(asked)
    assert [row[0] for row in rows(tables(document)["orders"])] == ["DE"]
    assert document.filters == ("country is DE",)
    left_out = [each.section_id for each in document.sections if not list(each.tables)]
    assert left_out == ["people", "found", "health"]
    assert "The filter of the report does not hold for metrics." in document.sections[2].trust.notes


async def test_what_was_found_is_told_with_its_severity(suite: Suite) -> None:
    asked = report(
        section("found", insights=pb.InsightsSection(limit=1)),
        time_range=q.TimeRange(calendar=q.CalendarRange(unit=q.Interval.UNIT_DAY, count=3)),
    )
    async with suite(query, insights) as served:
        async with served.resources.pool.connection() as connection:
            for name in ("orders", "visits"):
                assert await publish(connection, PROJECT, draft(name, NOW - timedelta(hours=3)))
        document = await Desk(served).built(replace(asked, now=datetime.now(UTC)))
    [notice, _] = document.sections[0].blocks
    assert isinstance(notice, Notice)
    assert notice.mark in ("low", "medium", "high", "critical")
    assert tables(document)["found"].rows.count == 1


async def test_a_forecast_is_told_with_its_error_beside_the_naive_one(suite: Suite) -> None:
    start = TODAY - timedelta(days=20)
    hours = [
        Happened(
            start + timedelta(hours=hour, minutes=1),
            "order",
            properties={"value": 100 + 50 * math.sin(hour * math.pi / 12)},
        )
        for hour in range(20 * 24)
    ]
    measure = q.Measure(name="order", aggregation=q.AGGREGATION_SUM, field="properties.value")
    asked = q.Query(
        series=q.SeriesQuestion(measures=[measure], interval=q.Interval(unit=q.Interval.UNIT_HOUR))
    )
    ahead = report(
        section("ahead", forecast=pb.ForecastSection(query=asked, horizon=24)),
        time_range=q.TimeRange(calendar=q.CalendarRange(unit=q.Interval.UNIT_DAY, count=2, ago=1)),
    )
    async with desk(suite, *hours) as at:
        document = await at.built(ahead)
    chart = next(block for block in document.sections[0].blocks if isinstance(block, Chart))
    measured, expected = chart.series
    assert expected.dashed
    assert measured.values[-24:] == (None,) * 24
    assert all(
        low is not None and low <= value <= high  # type: ignore[operator]
        for low, value, high in zip(
            expected.lower[-24:], expected.values[-24:], expected.upper[-24:], strict=True
        )
    )
    assert "where repeating the past is off by" in words(document)
    assert tables(document)[chart.table_id].rows.count == len(chart.labels)
    assert tables(document)["ahead.expected"].rows.count == 24


async def test_health_tells_the_ledger_and_whether_it_balances(suite: Suite) -> None:
    asked = report(
        section("health", health=pb.HealthSection()),
        time_range=q.TimeRange(calendar=q.CalendarRange(unit=q.Interval.UNIT_DAY, count=30)),
        now=datetime.now(UTC) + timedelta(minutes=1),
    )
    rows_of = history()
    async with desk(suite, *rows_of) as at:
        document = await at.built(asked)
    assert dict(rows(tables(document)["health.ledger"]))["received"] == len(rows_of)
    assert "The ledger balances" in words(document)
    assert [row[0] for row in rows(tables(document)["health.quality"])] == ["visited", "order_placed"]
    assert document.empty


async def test_a_section_that_fails_fails_the_document_and_shows_its_fault_in_a_preview(suite: Suite) -> None:
    bad = asking(
        "growth", series=q.SeriesQuestion(measures=[q.Measure(name="x", aggregation=q.AGGREGATION_SUM)])
    )
    good = asking("orders", events=q.EventsQuestion())
    async with desk(suite) as at:
        with pytest.raises(Error) as caught:
            await at.built(report(bad, good))
        assert isinstance(caught.value, Invalid)
        assert str(caught.value).startswith("section 'growth': ")
        preview = await at.built(report(bad, good, row_limit=5))
    [fault] = preview.sections[0].blocks
    assert isinstance(fault, Notice)
    assert tables(preview)["orders"].rows.count == 5
    assert "Only the first 5 rows are shown here." in preview.sections[1].trust.notes


async def test_nothing_is_told_where_there_is_nothing(suite: Suite) -> None:
    past = q.TimeRange(calendar=q.CalendarRange(unit=q.Interval.UNIT_MONTH, ago=6))
    asked = report(
        asking("series", series=q.SeriesQuestion(measures=[COUNT], interval=DAILY)),
        asking("groups", table=q.TableQuestion(measures=[COUNT], group_by=["properties.country"])),
        asking("funnel", funnel=q.FunnelQuestion(steps=STEPS)),
        asking("retention", retention=q.RetentionQuestion()),
        asking("lifecycle", lifecycle=q.LifecycleQuestion()),
        asking("sessions", sessions=q.SessionsQuestion()),
        asking("paths", paths=q.PathsQuestion()),
        asking("people", people=q.PeopleQuestion(did=q.Step())),
        asking("events", events=q.EventsQuestion()),
        time_range=past,
    )
    async with desk(suite) as at, build(at.sources, asked, at.told) as document:
        assert words(document).count("Nothing was found in this time.") == len(asked.sections)
        assert document.empty


@pytest.mark.parametrize("filled", [True, False], ids=["three weeks", "nothing"])
async def test_every_template_is_built_as_it_comes(suite: Suite, filled: bool) -> None:
    async with suite(query, insights) as served:
        if filled:
            commit_to(served, history())
        at = Desk(served)
        for versions in files().values():
            template = versions[-1].message()
            stated = pb.Report(
                display_name=template.display_name, template=pb.TemplateUse(name=template.name)
            )
            asked = report(*sections(stated, template), report=stated)
            async with build(at.sources, asked, at.told) as document:
                assert [each.section_id for each in document.sections] == [each.id for each in asked.sections]
                assert all(each.blocks for each in document.sections), template.name
                assert prove(document)
                assert document.empty is not filled or template.name.endswith("development-activity"), (
                    template.name
                )
