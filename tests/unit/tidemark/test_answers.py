"""Answers about groups and people out of protobuf messages, and rows out of them."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from tidemark import questions
from tidemark.answers import Funnel, Lifecycle, Paths, People, Retention, Sessions
from tidemark.plain import Metadata
from tidemark.plan import Plan
from tidemark.records import Change, answer
from tidemark.tables import Table
from tidemark.v1 import query_pb2
from tidemark.v1 import question_pb2 as pb

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
START = Timestamp(seconds=int(NOON.timestamp()))
METADATA = Metadata.of(pb.QueryMetadata(notes=["a note"], answered_at=START))


def table() -> pb.TableResult:
    return pb.TableResult(
        columns=[pb.TableColumn(id="count"), pb.TableColumn(id="rate", unit="%")],
        rows=[
            pb.TableRow(group=["de", ""], values=[3, 0.5], previous_values=[1, 0.1]),
            pb.TableRow(other=True, values=[1, math.nan], previous_values=[0, 0]),
        ],
        total=pb.TableRow(values=[4, 0.4], previous_values=[1, 0.1]),
    )


def test_a_table_names_its_groups() -> None:
    found = Table.of(table(), METADATA)
    assert [row.label for row in (*found.groups, found.total)] == ["de · (none)", "other", "all"]
    assert found.columns[1].unit == "%"
    assert found.rows()[0] == {
        "group": "de · (none)", "count": 3.0, "rate": 0.5, "previous count": 1.0, "previous rate": 0.1
    }  # fmt: skip


def test_a_table_that_knows_its_fields_has_a_column_for_each() -> None:
    first, second = Table.of(table(), METADATA, ["properties.country", "name"]).rows()
    assert (first["properties.country"], first["name"], first["other"], first["count"]) == (
        "de",
        "",
        False,
        3.0,
    )
    assert (second["properties.country"], second["name"], second["other"]) == (None, None, True)


def test_the_answer_to_a_table_knows_what_it_was_split_by() -> None:
    found = answer(query_pb2.RunQueryResponse(table=table()), questions.table(by=["a", "b"]))
    assert isinstance(found, Table)
    assert found.fields == ("a", "b")


def test_a_funnel_keeps_what_is_not_known_apart_from_nothing() -> None:
    step = pb.FunnelStep(display_name="Order", people=2, of_first=0.5, of_previous=0.5)
    step.mean_time.FromTimedelta(timedelta(seconds=90))
    groups = [
        pb.FunnelGroup(all=True, steps=[step]),
        pb.FunnelGroup(steps=[step]),
        pb.FunnelGroup(other=True),
    ]
    found = Funnel.of(pb.FunnelResult(groups=groups), METADATA)
    assert [group.label for group in found.groups] == ["all", "(none)", "other"]
    assert (found.groups[0].steps[0].median_time, found.groups[0].steps[0].mean_time) == (None, 90.0)
    assert found.groups[0].time_to_convert.median is None
    assert [(row["group"], row["step"], row["people"]) for row in found.rows()] == [
        ("all", 0, 2),
        ("(none)", 0, 2),
    ]


def test_a_retention_has_shares() -> None:
    rows = [
        pb.RetentionRow(start=START, people=4, back=[4, 1], complete=1),
        pb.RetentionRow(start=START, people=0, back=[0]),
    ]
    found = Retention.of(
        pb.RetentionResult(groups=[pb.RetentionGroup(all=True, rows=rows, mean=[1, 0.25])]), METADATA
    )
    first, second = found.groups[0].cohorts
    assert first.shares == (1.0, 0.25)
    assert math.isnan(second.shares[0])
    assert [row["complete"] for row in found.rows()] == [True, False, False]


def test_other_answers_are_rows() -> None:
    lifecycle = pb.LifecycleResult(starts=[START], new=[1], returning=[2], resurrecting=[3], dormant=[4])
    assert Lifecycle.of(lifecycle, METADATA).rows()[0]["dormant"] == 4
    sessions = pb.SessionsResult(
        bucket_starts=[START],
        sessions=[2],
        mean_seconds=[30],
        bounce_share=[0.5],
        mean_events=[3],
        entries=[pb.Frequency(value="home", count=2)],
    )
    found = Sessions.of(sessions, METADATA)
    assert found.rows()[0] == {
        "start": NOON, "sessions": 2, "mean_seconds": 30.0, "bounce_share": 0.5, "mean_events": 3.0
    }  # fmt: skip
    assert found.entries == {"home": 2}
    nodes = [pb.PathNode(value="a", paths=3), pb.PathNode(step=1, other=True, paths=2, ended=2)]
    paths = Paths.of(pb.PathsResult(nodes=nodes, links=[pb.PathLink(to=1, paths=2)], paths=3), METADATA)
    assert paths.rows() == [{"step": 0, "value": "a", "next": "other", "paths": 2}]
    people = People.of(
        pb.PeopleResult(people=[pb.Person(user_id="ann", events=2)], total=9), METADATA, "next"
    )
    assert ([each.user_id for each in people], people.total, people.next_page_token) == (["ann"], 9, "next")
    pytest.importorskip("pyarrow")
    assert people.to_arrow()["events"].to_pylist() == [2]
    pytest.importorskip("pandas")
    assert paths.to_pandas().loc[0, "next"] == "other"


@pytest.mark.parametrize(
    "kind", ["events", "series", "table", "funnel", "retention", "lifecycle", "sessions", "paths", "people"]
)
def test_every_kind_of_answer_is_read_once_and_watched(kind: str) -> None:
    result = {kind: getattr(pb, f"{kind.capitalize()}Result")()}
    assert type(answer(query_pb2.RunQueryResponse(**result))).__name__ == kind.capitalize()
    watched = Change.of(query_pb2.WatchQueryResponse(kind=1, **result)).answer
    assert type(watched).__name__ == kind.capitalize()


def test_an_answer_of_a_later_release_is_named() -> None:
    with pytest.raises(ValueError, match="install a newer one"):
        answer(query_pb2.RunQueryResponse())


def test_metadata_holds_notes() -> None:
    assert (METADATA.notes, METADATA.answered_at) == (("a note",), NOON)


def test_a_plan_says_what_is_read() -> None:
    span = pb.TimeRange(start=START, end=Timestamp(seconds=START.seconds + 60))
    scan = query_pb2.Scan(
        source="events", reason="split by user_id", spans=[span], rows_expected=5, statement="SELECT"
    )
    found = Plan.of(query_pb2.ExplainQueryResponse(scans=[scan], time_range=span))
    assert found.scans[0].spans == ((NOON, NOON + timedelta(minutes=1)),)
    assert (found.start, found.metadata) == (NOON, None)
