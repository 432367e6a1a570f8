"""ReportService through the SDK and gRPC on a real database: reports and templates are kept in versions, checked, and previewed."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import tidemark
from services.admin.service import admin
from services.ingest.service import ingest, writer
from services.insights.service import insights
from services.kit.service import Resources, Service, Servicer
from services.query.service import query
from services.reports.definitions.servicer import Reports
from services.reports.definitions.store import Store, files
from services.reports.source import Sources
from tests.conftest import Served, Suite, refusal
from tidemark import cli, errors
from tidemark.records import AckMode, MetricKind
from tidemark.reports import report_of, to_file
from tidemark.v1 import report_pb2 as pb
from tidemark.v1.report_pb2_grpc import ReportServiceStub, add_ReportServiceServicer_to_server

DAY = timedelta(days=1)
CHOSEN = {
    "executive-summary": {"conversion": "order_placed", "top": 3},
    "product-usage": {"features": ["visited", "order_placed"], "breakdown": "properties.country"},
    "user-behaviour": {"steps": ["visited", "order_placed"], "weeks": 3, "start": "visited"},
    "reliability": {"response_metric": "http.duration", "split": "tags.route"},
}
FAULT = "This section cannot be shown"


async def definitions(resources: Resources) -> Service:
    """What the target reports does about definitions."""
    reports = Reports(Store(resources.pool), Sources(resources.settings, resources.pool))
    return Service(servicers=[Servicer(add_ReportServiceServicer_to_server, reports)], workers=[])


def sdk(served: Served, key: str = "admin") -> tidemark.Client:
    """A client whose flush means committed."""
    here = f"127.0.0.1:{served.port}"
    return tidemark.Client(here, here, here, here, key=served.secrets[key], ack_mode=AckMode.COMMITTED)


@asynccontextmanager
async def defining(suite: Suite, *others: Any) -> AsyncIterator[tuple[Served, tidemark.Client]]:
    async with suite(admin, query, definitions, *others, pool_size=8) as served, sdk(served) as client:
        yield served, client


def section(section_id: str = "count", **measure: Any) -> dict[str, Any]:
    """A section that counts events."""
    asked = {"aggregation": "AGGREGATION_COUNT"} | measure
    return {"id": section_id, "question": {"query": {"series": {"measures": [asked]}}}}


def report(*sections: dict[str, Any], **others: Any) -> dict[str, Any]:
    """A report of these sections."""
    return {"displayName": "Weekly summary", "sections": sections or [section()], **others}


async def test_every_template_makes_a_report_of_a_project_with_nothing_in_it(suite: Suite) -> None:
    async with defining(suite, insights) as (_, client):
        assert list(files()) == sorted(CHOSEN.keys() | {"development-activity", "data-quality"})
        for template in await client.reports.templates():
            template_id = template.name.rpartition("/")[2]
            made = await client.reports.create(f"Of {template_id}", template=template_id)
            assert await client.reports.validate(made) == []
            assert (made.template.name, made.template.version) == (template.name, template.version)
            sections = await client.reports.expand(template_id)
            found = await client.reports.preview(made.name)
            assert [each.section_id for each in found.sections] == [each.id for each in sections]
            assert FAULT not in found.html, template_id
            assert "<script" not in found.html


async def test_every_template_tells_what_happened(suite: Suite) -> None:
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    async with defining(suite, insights, ingest, writer) as (_, client):
        for number in range(21 * 5):
            at, person = noon - (1 + number // 5) * DAY, number % 5
            who: dict[str, Any] = {"user_id": f"p{person}", "properties": {"country": "DE"}}
            client.track("visited", occurred_at=at, **who)
            if person < 2:
                client.track("order_placed", occurred_at=at + timedelta(minutes=5), **who)
            client.record(
                "http.duration", float(person), kind=MetricKind.TIMER, observed_at=at, tags={"route": "/"}
            )
        await client.flush()
        pages = {}
        for template_id in files():
            values = CHOSEN.get(template_id, {})
            made = await client.reports.create(template_id, template=template_id, values=values)
            assert await client.reports.validate(made) == []
            found = await client.reports.preview(made.name)
            assert FAULT not in found.html, template_id
            assert all(table.sha256 for each in found.sections for table in each.tables)
            pages[template_id] = found.html
        told = pages["executive-summary"]
        assert "<strong>5</strong> people did <strong>49</strong> things" in told
        assert "Of them, <strong>40.0%</strong> converted. There were no errors." in told
        assert "Response times: http.duration" in pages["reliability"]
        assert "There were no commits" in pages["development-activity"]


async def test_every_change_of_a_report_is_a_version(suite: Suite) -> None:
    async with defining(suite) as (_, client):
        made = await client.reports.create(report(locale="de", variables={"team": "Ops"}))
        assert (made.name, made.version) == ("projects/demo/reports/weekly-summary", 1)
        changed = pb.Report()
        changed.CopyFrom(made)
        changed.display_name = "Weekly"
        changed = await client.reports.update(changed)
        assert (changed.version, changed.create_time) == (2, made.create_time)
        assert (await client.reports.get("weekly-summary", version=1)).display_name == "Weekly summary"
        assert await client.reports.get("weekly-summary") == changed
        with pytest.raises(errors.Error, match="was changed since it was read"):
            await client.reports.update(made)
        (listed,) = [each async for each in client.reports.all()]
        assert (listed.display_name, len(listed.sections)) == ("Weekly", 0)

        await client.reports.delete("weekly-summary")
        with pytest.raises(errors.NotFound):
            await client.reports.get("weekly-summary")
        # Its editions stay, and are of a version that can be read; the next of this name is another.
        assert (await client.reports.get("weekly-summary", version=2)).display_name == "Weekly"
        assert (await client.reports.create(report())).version == 3
        with pytest.raises(errors.NotFound, match="no report 'nope'"):
            await client.reports.get("nope")


async def test_a_report_sent_again_is_made_once(suite: Suite) -> None:
    async with defining(suite) as (served, _):
        stub, key = ReportServiceStub(served.channel), served.key("admin")  # type: ignore[no-untyped-call]
        request = pb.CreateReportRequest(
            parent="projects/demo", report=report_of(report()), request_id=str(uuid.uuid4())
        )
        first = await stub.CreateReport(request, metadata=key)
        assert await stub.CreateReport(request, metadata=key) == first
        request.request_id = str(uuid.uuid4())
        second = await stub.CreateReport(request, metadata=key)
        assert second.report.name == "projects/demo/reports/weekly-summary-2"
        request.report_id, request.request_id = "weekly-summary", ""
        assert (await refusal(stub.CreateReport(request, metadata=key))).code == "ALREADY_EXISTS"


async def test_a_clone_has_the_sections_of_its_template_where_that_is_wanted(suite: Suite) -> None:
    async with defining(suite) as (_, client):
        await client.reports.create("Summary", template="executive-summary", values={"top": 4})
        like = await client.reports.clone("summary")
        assert (like.display_name, like.template.version) == ("Summary (copy)", 1)
        own = await client.reports.clone("summary", display_name="Own", expand=True)
        assert list(own.sections) == await client.reports.expand("executive-summary", {"top": 4})
        assert not own.HasField("template")
        assert own.sections[3].question.query.table.top == 4


async def test_everything_wrong_with_a_report_is_told_at_once(suite: Suite) -> None:
    wrong = report(
        section("good"),
        section("bad", field="properties.amount"),
        {"id": "good", "text": {"text": "{{ figures.nope.value }}"}},
        {
            "id": "numbers",
            "figures": {"figures": [{"id": "a b", "query": {"table": {"measures": []}}}]},
        },
        {"id": "outlook", "forecast": {"query": {"events": {}}, "coverage": 2}},
        section("cohort"),
        displayName="",
        timeZone="Nowhere/City",
        locale="xx-nope",
        filter={"comparison": {"field": "nope", "operator": "OPERATOR_EXISTS"}},
    )
    wrong["sections"][5]["question"]["query"]["series"]["filter"] = {"cohort": "projects/demo/cohorts/gone"}
    async with defining(suite) as (_, client):
        told = {each.field: each.message for each in await client.reports.validate(wrong)}
        at = "report.sections"
        assert told.keys() == {
            "report.display_name", "report.time_zone", "report.locale", f"{at}[2].id", f"{at}[2].text.text",
            f"{at}[3].figures.figures[0].id", f"{at}[3].figures.figures[0].query", f"{at}[4].forecast.query",
            f"{at}[4].forecast.coverage",
        }  # fmt: skip
        assert told[f"{at}[2].text.text"] == "line 1: there is no figures.nope; the report has a b"
        # Without a zone no question has a time; with one, query looks at each.
        wrong["timeZone"] = "Asia/Kolkata"
        told = {each.field: each.message for each in await client.reports.validate(wrong)}
        assert told["report.filter.comparison.field"].startswith("is 'nope'; fields of events are")
        assert told[f"{at}[1].question.query.series.measures[0].field"].startswith("is 'properties.amount'")
        assert any(field.startswith(f"{at}[5].question.query") for field in told)
        assert not any(field.startswith(f"{at}[0]") for field in told)
        with pytest.raises(errors.Invalid, match="is empty; give the title that people read") as caught:
            await client.reports.create(wrong)
        assert caught.value.field == "report.display_name"


async def test_a_refusal_tells_more_than_the_first_fault(suite: Suite) -> None:
    async with defining(suite) as (served, _):
        stub = ReportServiceStub(served.channel)  # type: ignore[no-untyped-call]
        request = pb.CreateReportRequest(
            parent="projects/demo", report=report_of(report(section("a b"), section("b", field="x")))
        )
        refused = await refusal(stub.CreateReport(request, metadata=served.key("admin")))
        assert refused.violations == [
            "report.sections[0].id",
            "report.sections[1].question.query.series.measures[0].field",
        ]


SOURCE = """- id: intro
  title: {{ title | tojson }}
  text: {text: hello}
{% for name in events %}
- id: event-{{ loop.index }}
  question:
    query: {series: {measures: [{name: {{ name | tojson }}, aggregation: AGGREGATION_COUNT}]}}
{% endfor %}
"""
TEMPLATE = {
    "displayName": "Ours",
    "parameters": [
        {"id": "title", "defaultValue": "Hello"},
        {"id": "events", "kind": "KIND_EVENTS", "defaultValue": []},
    ],
    "source": SOURCE,
}


async def test_reports_keep_the_version_of_a_template_that_they_name(suite: Suite) -> None:
    async with defining(suite) as (_, client):
        ours = await client.reports.create_template(TEMPLATE)
        assert (ours.name, ours.version) == ("projects/demo/reportTemplates/ours", 1)
        made = await client.reports.create("Report", template="ours", values={"events": ["a", 'b: "c"']})
        ours.source += "- id: more\n  health: {}\n"
        newer = await client.reports.update_template(ours)
        assert newer.version == 2
        kept = await client.reports.get("report")
        assert kept.template.version == 1
        sections = (await client.reports.clone("report", expand=True)).sections
        assert [each.id for each in sections] == ["intro", "event-1", "event-2"]
        assert sections[2].question.query.series.measures[0].name == 'b: "c"'
        with pytest.raises(errors.Refused, match="makes the sections of a report"):
            await client.reports.delete_template("ours")
        made.template.version = 0
        assert (await client.reports.update(made)).template.version == 2
        assert [each.name.rpartition("/")[2] for each in await client.reports.templates()][-1] == "ours"
        await client.reports.delete("report")
        await client.reports.delete("report-copy")
        await client.reports.delete_template("ours")
        with pytest.raises(errors.NotFound):
            await client.reports.template("projects/demo/reportTemplates/ours")


@pytest.mark.parametrize(
    ("source", "values", "field", "message"),
    [
        ("{{ nope }}", None, "report_template.source", "line 1: there is no parameter 'nope'"),
        ("- id: a\n\n{% for %}", None, "report_template.source", "line 3: "),
        ("- &a [*a]", None, "report_template.source", "line 1 of what it makes: aliases and anchors"),
        (
            "- id: a\n  text: {txt: b}",
            None,
            "sections[0].text.txt",
            "is no field of a TextSection; there are",
        ),
        ("- id: {{ title | length }}", None, "sections[0].id", "is 5; write a text"),
        (SOURCE, {"nope": 1}, "values.nope", "is no parameter of the template; it has title, events"),
        (SOURCE, {"events": "a"}, "values.events", "is no list of texts"),
    ],
)
async def test_a_template_at_fault_is_told_where(
    suite: Suite, source: str, values: dict[str, Any] | None, field: str, message: str
) -> None:
    async with defining(suite) as (_, client):
        if values is not None:
            await client.reports.create_template(TEMPLATE | {"source": source}, template_id="ours")
        with pytest.raises(errors.Invalid) as caught:
            await (
                client.reports.expand("ours", values)
                if values
                else client.reports.create_template(TEMPLATE | {"source": source})
            )
        assert (caught.value.field, str(caught.value).partition(": ")[2][: len(message)]) == (field, message)


async def test_faults_of_sections_that_a_template_makes_are_told_by_section(suite: Suite) -> None:
    async with defining(suite) as (_, client):
        source = "- id: a\n  question: {query: {series: {measures: [{aggregation: AGGREGATION_SUM}]}}}\n"
        await client.reports.create_template(TEMPLATE | {"source": source})
        given = pb.Report(display_name="R")
        given.template.name = "projects/demo/reportTemplates/ours"
        (fault,) = await client.reports.validate(given)
        assert fault.field == "sections[0].question.query.series.measures[0].field"
        given.template.name = "projects/demo/reportTemplates/gone"
        (fault,) = await client.reports.validate(given)
        assert fault.field == "report.template"


async def test_templates_that_come_with_tidemark_are_read_by_all_and_changed_by_none(suite: Suite) -> None:
    async with defining(suite) as (served, client):
        async with sdk(served, "viewer") as viewer:
            found = await viewer.reports.template("data-quality")
            assert (found.built_in, found.version, bool(found.source)) == (True, 1, True)
            with pytest.raises(errors.Denied):
                await viewer.reports.create(report())
            assert (await viewer.reports.preview(report_of(report()))).html
        with pytest.raises(errors.Refused, match="comes with Tidemark"):
            await client.reports.update_template(found)
        with pytest.raises(errors.Refused, match="comes with Tidemark"):
            await client.reports.delete_template(found.name)
        mine = await client.reports.create_template(to_file(found))
        assert mine.source == found.source
        assert await client.reports.expand(mine.name) == await client.reports.expand(found.name)


async def test_a_preview_shows_one_section_and_what_its_text_tells_of(suite: Suite) -> None:
    figure = {"id": "events", "query": section()["question"]["query"]}
    draft = report(
        {"id": "numbers", "figures": {"figures": [figure]}},
        {"id": "words", "title": "In words", "text": {"text": "<i>There were</i> {{ figures.events.text }}"}},
        {"id": "broken", "text": {"text": "{{ 1 +"}},
    )
    async with defining(suite) as (_, client):
        found = await client.reports.preview(report_of(draft), section="words")
        assert [each.section_id for each in found.sections] == ["words"]
        assert "&lt;i&gt;There were&lt;/i&gt; 0" in found.html
        with pytest.raises(errors.Invalid) as caught:
            await client.reports.preview(report_of(draft))
        assert caught.value.field == "report.sections[2].text.text"
        with pytest.raises(errors.Invalid, match="which the report does not have"):
            await client.reports.preview(report_of(draft), section="nope")


async def test_reports_are_managed_from_the_command_line(
    suite: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with defining(suite) as (served, _):
        here = f"127.0.0.1:{served.port}"
        for name in ("INGEST", "QUERY", "INSIGHTS", "REPORTS"):
            monkeypatch.setenv(f"TIDEMARK_{name}_ADDRESS", here)
        monkeypatch.setenv("TIDEMARK_KEY", served.secrets["admin"])

        async def said(*arguments: str, code: int = 0) -> str:
            assert await asyncio.to_thread(cli.main, ["report", *arguments]) == code
            return capsys.readouterr().out

        file, page = tmp_path / "weekly.yaml", tmp_path / "weekly.html"
        file.write_text(
            "displayName: Weekly\ntimeRange: {start: 2026-01-01T00:00:00Z, end: 2026-01-08T00:00:00Z}\n"
            "sections:\n- id: words\n  text: {text: Hello}\n"
        )
        assert await said("check", str(file)) == "none\n"
        assert await said("create", str(file)) == "projects/demo/reports/weekly\n"
        assert await said("update", "weekly", str(file)) == "projects/demo/reports/weekly has version 2\n"
        assert "words    text" in await said("show", "weekly")
        file.write_text(await said("show", "weekly", "--as", "yaml"))
        assert await said("clone", "weekly", "--id", "other") == "projects/demo/reports/other\n"
        assert "1 sections" in await said("preview", "weekly", "--out", str(page))
        assert "Hello" in page.read_text()
        assert "complete" in await said("preview", str(file))
        await said("create", "Summary", "--template", "executive-summary", "--set", "top=3")
        assert "executive-summary" in await said("list")
        assert "made by projects/-/reportTemplates/executive-summary" in await said("show", "summary")
        assert "user-behaviour" in await said("templates")
        assert "KIND" not in await said("template", "show", "product-usage")
        template = tmp_path / "mine.yaml.j2"
        template.write_text(await said("template", "show", "product-usage", "--source"))
        assert (
            await said("template", "create", str(template), "--id", "mine")
            == "projects/demo/reportTemplates/mine\n"
        )
        assert "funnel" in await said("template", "expand", "mine", "--set", 'features=["a","b"]')
        assert "version 2" in await said("template", "update", "mine", str(template))
        await said("template", "delete", "mine")
        await said("delete", "other")
        file.write_text("displayName: Weekly\n")
        assert "report.sections" in await said("check", str(file), code=1)
