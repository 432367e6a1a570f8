"""Answers as the tables that people would make of them, and the statement that reads events."""

from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from services.kit.calendar import Span
from services.query.export import rows
from services.query.filter import EVERYTHING
from services.query.question import Events
from tidemark import questions
from tidemark.v1 import question_pb2 as pb

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
START = Timestamp(seconds=int(NOON.timestamp()))


def test_a_series_is_a_row_for_each_bucket_of_each_line() -> None:
    result = pb.SeriesResult(
        bucket_starts=[START, Timestamp(seconds=START.seconds + 3600)],
        series=[
            pb.Series(measure_id="A", group=["de", "x"], values=[1, 2], previous_values=[3, 4]),
            pb.Series(measure_id="A", other=True, values=[5, 6], previous_values=[7, 8]),
        ],
    )
    found = rows.table(questions.series(by=["properties.country", "name"]), result).to_pylist()
    assert found[1] == {
        "start": NOON + timedelta(hours=1), "measure": "A", "properties.country": "de", "name": "x", "other": False,
        "value": 2.0, "previous_value": 4.0,
    }  # fmt: skip
    assert (found[2]["name"], found[2]["other"], found[2]["value"]) == (None, True, 5.0)


def test_columns_of_the_same_name_are_told_apart() -> None:
    result = pb.TableResult(
        columns=[pb.TableColumn(id="name"), pb.TableColumn(id="other")],
        rows=[pb.TableRow(group=["x"], values=[1, 2])],
    )
    table = rows.table(questions.table(by=["name"]), result)
    assert table.column_names == ["name", "other", "name_", "other_"]
    assert table.to_pylist() == [{"name": "x", "other": False, "name_": 1.0, "other_": 2.0}]


def test_a_table_of_nothing_has_its_columns() -> None:
    table = rows.table(questions.table(by=["name"]), pb.TableResult(columns=[pb.TableColumn(id="A")]))
    assert (table.num_rows, table.column_names) == (0, ["name", "other", "A"])


def test_a_funnel_is_a_row_for_each_step() -> None:
    step = pb.FunnelStep(display_name="Signup", people=5, of_first=1.0, of_previous=1.0)
    late = pb.FunnelStep(display_name="Order", people=1, of_first=0.2, of_previous=0.2)
    late.median_time.FromTimedelta(timedelta(seconds=1.5))
    groups = [pb.FunnelGroup(all=True, steps=[step, late]), pb.FunnelGroup(group="", steps=[step])]
    first, second, third = rows.table(
        questions.funnel(["a", "b"]), pb.FunnelResult(groups=groups)
    ).to_pylist()
    assert (first["group"], first["all"], first["step"], first["median_seconds"]) == (None, True, 0, None)
    assert (second["people"], second["of_first"], second["median_seconds"]) == (1, 0.2, 1.5)
    assert (third["group"], third["all"]) == ("", False)


def test_a_retention_tells_what_may_still_grow() -> None:
    row = pb.RetentionRow(start=START, people=4, back=[4, 2, 1], complete=2)
    result = pb.RetentionResult(groups=[pb.RetentionGroup(other=True, rows=[row])])
    found = rows.table(questions.retention(), result).to_pylist()
    assert [(each["offset"], each["back"], each["complete"]) for each in found] == [
        (0, 4, True),
        (1, 2, True),
        (2, 1, False),
    ]
    assert (found[0]["other"], found[0]["start"]) == (True, NOON)


def test_paths_are_links_between_what_was_done() -> None:
    nodes = [pb.PathNode(step=0, value="a"), pb.PathNode(step=1, other=True)]
    link = pb.PathLink(to=1, paths=3)
    found = rows.table(questions.paths(), pb.PathsResult(nodes=nodes, links=[link])).to_pylist()
    assert found == [{"step": 0, "value": "a", "next_value": None, "paths": 3}]


def test_states_sessions_and_people_are_rows() -> None:
    lifecycle = pb.LifecycleResult(starts=[START], new=[1], returning=[2], resurrecting=[3], dormant=[4])
    assert rows.table(questions.lifecycle(), lifecycle).to_pylist() == [
        {"start": NOON, "new": 1, "returning": 2, "resurrecting": 3, "dormant": 4}
    ]
    sessions = pb.SessionsResult(
        bucket_starts=[START], sessions=[2], mean_seconds=[30], bounce_share=[0.5], mean_events=[3]
    )
    assert rows.table(questions.sessions(), sessions).to_pylist() == [
        {"start": NOON, "sessions": 2, "mean_seconds": 30.0, "bounce_share": 0.5, "mean_events": 3.0}
    ]
    people = pb.PeopleResult(people=[pb.Person(user_id="ann", first_seen=START, events=2)])
    assert rows.table(questions.people(), people).to_pylist() == [
        {"user_id": "ann", "first_seen": NOON, "last_seen": None, "events": 2}
    ]


def test_events_are_counted_by_the_filter_of_the_question() -> None:
    asked = questions.events("order", where=["user_id = ann"], last="2d", time_zone="Asia/Tokyo")
    counted = rows.counting(asked)
    assert (counted.time_range, counted.time_zone) == (asked.time_range, asked.time_zone)
    assert counted.table.filter == asked.events.filter
    assert not rows.counting(questions.events()).table.HasField("filter")


def test_the_statement_holds_no_text_of_a_caller() -> None:
    statement = rows.events(Events(Span(NOON, NOON + timedelta(days=1)), EVERYTHING), 7)
    assert 7 in statement.parameters.values()
    assert NOON in statement.parameters.values()
    assert "2026" not in statement.text
    assert statement.text.endswith("ORDER BY occurred_at DESC, event.event_id DESC")
