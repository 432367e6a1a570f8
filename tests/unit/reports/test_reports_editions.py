"""What an edition proves, how a rerun is compared with it, who shares one, and how its files go out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from google.protobuf.duration_pb2 import Duration

from services.kit.errors import Invalid
from services.reports.document import Held, Table
from services.reports.editions import link
from services.reports.editions import request as read
from services.reports.editions.manifest import MAX_DIFFERENCES, differences, joined, manifest, repeated
from services.reports.editions.record import EditionRecord, halves
from services.reports.proof import prove
from services.reports.runs.record import RunRecord, parts
from tests.unit.reports import sample
from tidemark.v1 import edition_pb2 as pb
from tidemark.v1.question_pb2 import Comparison, Filter
from tidemark.v1.report_pb2 import Report, ReportFormat, SectionProof
from tidemark.v1.schedule_pb2 import Recipient

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
REPORT = Report(name="projects/demo/reports/weekly", display_name="Weekly", version=3)
PDF, HTML = ReportFormat.REPORT_FORMAT_PDF, ReportFormat.REPORT_FORMAT_HTML


def cohort(name: str) -> Filter:
    return Filter(cohort=f"projects/demo/cohorts/{name}")


def run(*recipients: Recipient, beside: Filter | None = None) -> RunRecord:
    return RunRecord(
        run_number=1,
        run_id="r1f",
        project_id=1,
        project="demo",
        project_title="Demo",
        project_zone="UTC",
        report_id="weekly",
        report_version=3,
        schedule_id=None,
        slot_at=None,
        state=pb.Run.STATE_DONE,
        reason="",
        operation_id="report-1",
        formats=[PDF],
        recipients=[each.SerializeToString() for each in recipients],
        filter=None if beside is None else beside.SerializeToString(),
        time_range=None,
        skip_empty=False,
        repeats=None,
        created_at=NOON,
        ended_at=NOON,
        editions=["e1", "e2"],
    )


def proofs(*columns: list[object], title: str = "orders") -> list[SectionProof]:
    """What is counted of a table of whole numbers."""
    document = sample.of(
        Table(
            "orders",
            "Orders",
            tuple(sample.Column(f"c{i}", sample.COUNT) for i in range(len(columns))),
            Held(pa.table({f"c{i}": pa.array(each, pa.int64()) for i, each in enumerate(columns)})),
        )
    )
    return prove(document)


def test_a_manifest_says_of_which_data_and_time_it_is():
    document = sample.document()
    found = manifest(REPORT, cohort("ours"), document, prove(document), [pb.EditionFile(format=PDF)])
    assert found.report_version == 3
    assert not found.HasField("template")
    assert found.time_range.start.ToDatetime(UTC) == document.span.start
    assert found.time_range.end.ToDatetime(UTC) == document.span.end
    assert found.filter == cohort("ours")
    assert [each.section_id for each in found.sections] == [each.section_id for each in document.sections]
    watermarks = [each.trust.watermark for each in document.sections if each.trust.watermark]
    assert found.watermark.ToDatetime(UTC) == min(watermarks)
    assert found.figures
    assert found.tidemark_version


def test_the_same_data_have_the_same_version_and_others_another():
    def version(*versions: str) -> str:
        document = sample.of(sample.text("words"))
        (section,) = document.sections
        several = tuple(
            replace(section, section_id=f"s{i}", trust=sample.trust(data_version=each))
            for i, each in enumerate(versions)
        )
        document = replace(document, sections=several)
        return manifest(REPORT, None, document, prove(document), []).data_version

    assert version("v1", "", "v1") == "v1"
    assert version("") == ""
    assert version("v1", "v2") == version("v2", "v1", "v1") != version("v1", "v3")


def test_filters_hold_together():
    ours, theirs = cohort("ours"), cohort("theirs")
    assert joined(None, None) is None
    assert joined(None, ours) == joined(ours, Filter()) == ours
    both = joined(ours, theirs)
    assert both is not None
    assert list(both.all.filters) == [ours, theirs]


def test_a_rerun_of_the_same_cells_differs_in_nothing():
    document = sample.document()
    first = manifest(REPORT, None, document, prove(document), [])
    again = repeated(first, first, "projects/demo/reports/weekly/editions/e1")
    assert again.rerun_of == "projects/demo/reports/weekly/editions/e1"
    assert list(again.differences) == []
    assert list(first.differences) == [], "the original is left as it is"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            [[1, 2]],
            [[1, 2, 3]],
            ["orders: 3 rows, were 2", "orders, c0: 3 values, were 2", "orders, c0: 6 in all, were 3"],
        ),
        ([[1, 2]], [[1, None]], ["orders, c0: 1 values, were 2", "orders, c0: 1 in all, were 3"]),
        ([[1, 2]], [[2, 1]], ["orders: cells differ, though rows and sums are the same"]),
        ([[1]], [[1], [1]], ["orders: columns c0, c1, were c0"]),
        (
            [[10**15]],
            [[10**15 + 1]],
            ["orders, c0: 1,000,000,000,000,001 in all, were 1,000,000,000,000,000"],
        ),
    ],
)
def test_what_differs_is_said_with_both_values(before, after, said):
    assert differences(proofs(*before), proofs(*after)) == said


def test_a_table_that_is_gone_or_new_is_told():
    was = proofs([1])
    assert differences(was, []) == ["orders: the table is gone"]
    assert differences([], was) == ["orders: the table is new"]


def test_where_figures_differ_the_data_say_why():
    was, now = proofs([1, 2]), proofs([1])
    was[0].notes.append("sketched")
    now[0].notes.extend(["sketched", "rows were removed since"])
    assert differences(was, now)[-1] == f"{now[0].section_id}: rows were removed since"
    assert differences(was, was) == []


def test_many_differences_are_counted():
    was, now = [
        SectionProof(
            section_id="all", tables=[{"table_id": f"t{i}", "sha256": f"{side}"} for i in range(150)]
        )
        for side in (1, 2)
    ]
    found = differences([was], [now])
    assert len(found) == MAX_DIFFERENCES + 1
    assert found[-1] == "and 50 more"


def test_recipients_with_the_same_filter_share_an_edition():
    def recipient(name: str, filter_: Filter | None = None) -> Recipient:
        return Recipient(destination=f"projects/demo/destinations/{name}", filter=filter_)

    ann, bob, cleo = recipient("ann", cohort("eu")), recipient("bob"), recipient("cleo", cohort("eu"))
    assert [(each.filter, list(each.recipients)) for each in parts(run(ann, bob, cleo))] == [
        (cohort("eu"), [ann, cleo]),
        (None, [bob]),
    ]


def test_a_run_without_recipients_makes_one_edition():
    assert [(each.filter, list(each.recipients)) for each in parts(run())] == [(None, [])]
    assert [each.filter for each in parts(run(beside=cohort("eu")))] == [cohort("eu")]


def test_a_run_names_its_operation_and_its_editions():
    found = run().message()
    assert found.name == "projects/demo/reports/weekly/runs/r1f"
    assert found.operation == "projects/demo/operations/report-1"
    assert list(found.editions) == [f"projects/demo/reports/weekly/editions/{each}" for each in ("e1", "e2")]
    assert not found.schedule
    assert not found.HasField("slot_time")


def test_a_stored_manifest_is_whole_again_and_without_sections_in_lists():
    document = sample.document()
    made = manifest(REPORT, None, document, prove(document), [pb.EditionFile(format=PDF, file_name="x.pdf")])
    head, sections = halves(made)
    record = EditionRecord(1, "e1", "demo", "weekly", "r1", "Weekly", head, sections, NOON, NOON)
    assert record.message().manifest == made
    assert not replace(record, sections=b"").message().manifest.sections
    assert replace(record, sections=b"").message().manifest.files == made.files


def test_a_link_holds_seven_days_and_at_most_ninety():
    assert link.lifetime(None, "lifetime") == timedelta(days=7)
    assert link.lifetime(Duration(seconds=90 * 86400), "lifetime") == timedelta(days=90)
    for seconds in (0, -5, 90 * 86400 + 1, 2**62):
        with pytest.raises(Invalid, match="give 1 second to 90 days"):
            link.lifetime(Duration(seconds=seconds), "lifetime")


def test_a_token_is_stored_as_a_hash():
    assert len(link.stored("token")) == 32
    assert b"token" not in link.stored("token")
    assert link.url("https://tide.example/", "abc") == "https://tide.example/v1/links/abc"
    assert link.url("", "abc") == ""


def test_a_page_is_shown_behind_a_link_and_everything_else_is_saved():
    def disposition(form: int, *, inline: bool) -> str:
        return dict(link.headers("Zahlen 7.pdf", form, inline=inline))["content-disposition"]

    assert disposition(HTML, inline=True) == "inline; filename*=UTF-8''Zahlen%207.pdf"
    assert disposition(HTML, inline=False).startswith("attachment;")
    assert disposition(PDF, inline=True).startswith("attachment;")
    told = dict(link.headers("x", HTML, inline=True))
    assert told["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert told["cache-control"] == "private, no-store"
    assert told["x-content-type-options"] == "nosniff"


def test_a_file_name_cannot_write_headers():
    told = dict(link.headers('a"\r\nset-cookie: x; ü', PDF, inline=False))
    assert (
        told["content-disposition"] == "attachment; filename*=UTF-8''a%22%0D%0Aset-cookie%3A%20x%3B%20%C3%BC"
    )


@pytest.mark.parametrize(
    "name",
    [
        "",
        "weekly",
        "projects/demo/reports/weekly/runs/",
        "projects/demo/reports/-/runs/r1f",
        "projects/demo/runs/r1f\n",
    ],
)
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(Invalid) as refused:
        read.place(name, "runs")
    assert refused.value.field == "name"


def test_children_of_one_report_or_of_all_are_listed():
    assert read.parent("projects/demo/reports/weekly") == ("projects/demo", "weekly")
    assert read.parent("projects/demo/reports/-") == ("projects/demo", None)
    with pytest.raises(Invalid, match="or - as the report for all"):
        read.parent("projects/demo")


def test_forms_are_known_and_each_once():
    assert read.formats([PDF, HTML, PDF]) == [PDF, HTML]
    with pytest.raises(Invalid) as refused:
        read.formats([PDF, 0])
    assert refused.value.field == "formats[1]"
    with pytest.raises(Invalid, match="REPORT_FORMAT_CSV"):
        read.form(99)


def test_destinations_are_the_projects_own():
    names = ["projects/demo/destinations/ann", "projects/demo/destinations/ann"]
    assert [each.destination for each in read.recipients(names, "projects/demo")] == names[:1]
    with pytest.raises(Invalid) as refused:
        read.recipients(["projects/other/destinations/ann"], "projects/demo")
    assert refused.value.field == "destinations[0]"
    with pytest.raises(Invalid, match="name at most 20"):
        read.recipients([f"projects/demo/destinations/d{i}" for i in range(21)], "projects/demo")


def test_a_range_that_is_none_is_refused_before_anything_runs():
    request = pb.RunReportRequest()
    assert read.time_range(request, "UTC", NOON) is None
    request.time_range.end.FromDatetime(NOON)
    with pytest.raises(Invalid) as refused:
        read.time_range(request, "UTC", NOON)
    assert refused.value.field == "time_range.start"


def test_an_empty_filter_narrows_nothing():
    assert read.filter_of(pb.RunReportRequest(filter=Filter())) is None
    compared = Filter(comparison=Comparison(field="name"))
    assert read.filter_of(pb.RunReportRequest(filter=compared)) == compared


def test_runs_of_a_schedule_are_those_of_its_report():
    asked = pb.ListRunsRequest(parent="projects/demo/reports/-")
    assert read.schedule(asked, "projects/demo", None) == (None, None)
    asked.schedule = "projects/demo/reports/weekly/schedules/daily"
    assert read.schedule(asked, "projects/demo", None) == ("weekly", "daily")
    assert read.schedule(asked, "projects/demo", "weekly") == ("weekly", "daily")
    for project, report in (("projects/demo", "other"), ("projects/theirs", None)):
        with pytest.raises(Invalid, match="name one of projects/demo/reports/-"):
            read.schedule(asked, project, report)
