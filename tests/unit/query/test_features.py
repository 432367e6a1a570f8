"""Features say what people had done before a point, and nothing of it or after it."""

import math
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.query.features import table as tables
from tests.unit.query.featuring import DAY, START, Event, Reference, built, featured, spec
from tidemark.v1 import feature_pb2 as pb

HOUR = timedelta(hours=1)
END = START + 40 * DAY
NUMBERS = ["1", "2.5", "-3", "0", "1e3", "0.1", "nan", "x", None, ""]


def events(most: int = 25) -> st.SearchStrategy[list[Event]]:
    """Random histories of few people, names and instants, so that all of them meet."""
    return st.lists(
        st.builds(
            Event,
            at=st.integers(0, 130).map(lambda n: START + n * 9 * HOUR),
            id=st.integers(0, 10**9),
            name=st.sampled_from("abc"),
            user=st.sampled_from(["ann", "bob", "çem"]),
            session=st.sampled_from([None, "", "s1", "s2"]),
            properties=st.fixed_dictionaries(
                {
                    "n": st.sampled_from(NUMBERS),
                    "plan": st.sampled_from([None, "free", "7"]),
                    "k": st.sampled_from("xy"),
                }
            ),
        ),
        max_size=most,
        unique_by=lambda each: each.id,
    )


COLUMNS: dict[str, Any] = {
    "event_names": ["a", "never"],
    "sum_fields": ["properties.n"],
    "fields": ["properties.n", "properties.plan", "properties.k", "name"],
}
SPECS = {
    "cuts": spec(START + 20 * DAY, START + 33 * DAY, did="b", window=5 * DAY, history=25 * DAY, **COLUMNS),
    "members": spec(
        START + 20 * DAY,
        START + 41 * DAY,
        did="",
        window=9 * HOUR,
        **COLUMNS,
    ),
    "events": spec(
        points="a", over=(START + 5 * DAY, END), did="b", window=3 * DAY, history=12 * DAY, **COLUMNS
    ),
    "matched": spec(
        points="a",
        over=(START, END),
        did="a",
        window=9 * HOUR,
        match=["properties.k", "session_id"],
        **COLUMNS,
    ),
    "every event": spec(points="", over=(START, END), did="", window=18 * HOUR, match=["name"], **COLUMNS),
    "told": spec(points="a", over=(START, END), **COLUMNS, outcome=pb.Outcome(field="properties.plan")),
    "bare": spec(
        points="b", over=(START, END), fields=["properties.k"], without_history=True, did="c", window=DAY
    ),
}
SPECS["members"].cuts.member.name = "c"
SPECS["members"].cuts.member_within.FromTimedelta(6 * DAY)
SPECS["every event"].outcome.negate = True
ASKED = st.sampled_from(list(SPECS))


def rows(made: pa.Table) -> list[dict[str, Any]]:
    """Rows of numbers and texts, those of `fields` as text, whose type depends on the other rows."""
    return [{name: _plain(name, value) for name, value in row.items()} for row in made.to_pylist()]


def _plain(name: str, value: Any) -> Any:
    if name in COLUMNS["fields"] and value is not None:
        try:
            return value if value == "nan" else float(value)
        except ValueError:
            return value
    return value


def expected(asked: pb.FeatureSpec, happened: list[Event], **given: Any) -> list[dict[str, Any]]:
    return [
        {name: _plain(name, value) for name, value in row.items()}
        for row in Reference(asked, happened, **given).rows()
    ]


def same(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> None:
    assert [list(row) for row in found] == [list(row) for row in wanted]
    for one, other in zip(found, wanted):
        for name in one:
            assert _alike(one[name], other[name]), (name, one, other)


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return one == other  # type: ignore[no-any-return]


@settings(max_examples=40)
@given(ASKED, events(), st.integers(0, 130))
def test_features_are_those_that_plain_python_computes(name: str, happened: list[Event], hours: int) -> None:
    watermark = START + hours * 9 * HOUR
    found = featured(SPECS[name], happened, watermark=watermark)
    same(rows(found), expected(SPECS[name], happened, watermark=watermark))


@settings(max_examples=40)
@given(st.sampled_from(["cuts", "members"]), events(), events())
def test_what_happens_at_a_cut_or_later_changes_no_feature(
    name: str, happened: list[Event], more: list[Event]
) -> None:
    asked = SPECS[name]
    first = asked.cuts.cuts[0].ToDatetime(START.tzinfo)
    later = [replace(each, at=first + (each.at - START), id=each.id + 10**10) for each in more]
    one, other = (at_point(featured(asked, each), first) for each in (happened, [*happened, *later]))
    assert one == other


@settings(max_examples=40)
@given(st.sampled_from(["events", "matched", "every event"]), events(), events(), st.integers(0, 130))
def test_what_happens_at_an_event_point_or_later_changes_no_feature(
    name: str, happened: list[Event], more: list[Event], hours: int
) -> None:
    point = START + hours * 9 * HOUR
    later = [replace(each, at=point + (each.at - START), id=each.id + 10**10, name="c") for each in more]
    asked = pb.FeatureSpec()
    asked.CopyFrom(SPECS[name])
    asked.events.event.name = "a"
    one, other = (until(featured(asked, each), point) for each in (happened, [*happened, *later]))
    assert one == other


@settings(max_examples=40)
@given(ASKED, events(), events())
def test_what_happens_after_its_window_changes_no_outcome(
    name: str, happened: list[Event], more: list[Event]
) -> None:
    asked = SPECS[name]
    made = featured(asked, happened)
    if not len(made) or not asked.outcome.HasField("window"):
        return
    over = max(made["point"].to_pylist()) + asked.outcome.window.ToTimedelta()
    later = [replace(each, at=over + (each.at - START), id=each.id + 10**10) for each in more]
    if asked.HasField("events"):
        later = [replace(each, at=max(each.at, END)) for each in later]
    again = featured(asked, [*happened, *later])
    assert again["outcome"].to_pylist() == made["outcome"].to_pylist()


def at_point(made: pa.Table, point: datetime) -> list[dict[str, Any]]:
    """The features of one point."""
    return [_features(row) for row in rows(made) if row["point"] == point]


def until(made: pa.Table, point: datetime) -> list[dict[str, Any]]:
    """The features of points up to one."""
    return [_features(row) for row in rows(made) if row["point"] <= point]


def _features(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "outcome"}


def test_the_day_is_that_of_the_project() -> None:
    # Midnight of Berlin lies between the two, which are of one day in UTC.
    late = [Event(datetime(2026, 3, 1, hour, tzinfo=START.tzinfo), hour) for hour in (22, 23)]
    assert featured(spec(START), late)["active_days"].to_pylist() == [2]
    assert featured(spec(START), late, zone=ZoneInfo("UTC"))["active_days"].to_pylist() == [1]


def test_outcomes_are_unknown_until_their_window_is_over_at_the_watermark() -> None:
    happened = [Event(START - DAY), Event(START + HOUR, 1, "b")]
    asked = spec(START, did="b", window=DAY)
    assert featured(asked, happened, watermark=START + DAY)["outcome"].to_pylist() == [True]
    assert featured(asked, happened, watermark=START + DAY - HOUR)["outcome"].to_pylist() == [None]
    assert featured(asked, happened, watermark=None)["outcome"].to_pylist() == [None]


def test_a_field_that_became_true_is_an_outcome_and_no_feature() -> None:
    values = [True, False, "YES", "1", 1, "no", None]
    happened = [
        Event(START + i * HOUR, i, properties={"bought": each, "x": i}) for i, each in enumerate(values)
    ]
    asked = spec(
        points="a", over=(START, END), fields=["properties.bought", "properties.x"], without_history=True,
        outcome=pb.Outcome(field="properties.bought"),
    )  # fmt: skip
    found = featured(asked, happened)
    assert found.column_names == ["user_id", "point", "outcome", "properties.x"]
    assert found["outcome"].to_pylist() == [True, False, True, True, True, False, None]
    asked.outcome.negate = True
    assert featured(asked, happened)["outcome"].to_pylist() == [False, True, False, False, False, True, None]


def test_a_field_is_a_number_where_all_values_of_the_rows_are() -> None:
    happened = [
        Event(START, 1, "a", properties={"x": "7", "y": "7"}),
        Event(START + HOUR, 2, "a", "bob", properties={"x": -1e3, "y": "seven"}),
        Event(START + HOUR, 3, "a", "çem", properties={"x": None, "y": True}),
        Event(START + HOUR, 4, "b", "dan", properties={"x": "of no row"}),
    ]
    found = featured(
        spec(
            points="a",
            over=(START, END),
            fields=["properties.x", "properties.y", "type"],
            without_history=True,
        ),
        happened,
    )
    assert found["properties.x"].to_pylist() == [7.0, -1000.0, None]
    assert found["properties.y"].to_pylist() == ["7", "seven", "true"]
    assert set(found["type"].to_pylist()) == {"USER_ACTION"}


def test_long_texts_are_cut() -> None:
    found = featured(spec(START + DAY, fields=["properties.x"]), [Event(START, properties={"x": "é" * 500})])
    assert found["properties.x"].to_pylist() == ["é" * 100]


def test_only_the_people_asked_for_are_read() -> None:
    happened = [Event(START, i, user=user) for i, user in enumerate(["ann", "bob", "çem"])]
    found = featured(spec(START + DAY), happened, user_ids=["bob", "nobody", "ann"])
    assert found["user_id"].to_pylist() == ["ann", "bob"]


def test_fewer_rows_are_the_same_ones_and_still_in_order() -> None:
    happened = [Event(START + i * HOUR, i, user=f"u{i % 40:02}") for i in range(400)]
    cuts = [START + n * DAY for n in range(3, 13)]
    for asked in (spec(*cuts, did="a", window=DAY), spec(points="a", over=(START, END))):
        whole = featured(asked, happened)
        made = built(asked, happened, max_rows=50)
        some = pa.Table.from_batches(list(made.batches()), made.schema)
        assert (len(some), made.total) == (50, len(whole))
        assert all(row in whole.to_pylist() for row in some.to_pylist())
        order = list(zip(some["point"].to_pylist(), some["user_id"].to_pylist()))
        assert order == sorted(order)
        assert some.equals(featured(asked, happened, max_rows=50))
        # Of fewer rows, all are among those of more.
        fewer = featured(asked, happened, max_rows=20).to_pylist()
        assert all(row in some.to_pylist() for row in fewer)


def test_rows_do_not_depend_on_the_size_of_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    happened = [
        Event(START + i * HOUR, i, "ab"[i % 2], f"u{i % 7}", properties={"n": i / 3}) for i in range(200)
    ]
    whole = {name: featured(asked, happened) for name, asked in SPECS.items()}
    monkeypatch.setattr(tables, "VALUES", 100)
    for name, asked in SPECS.items():
        assert featured(asked, happened).equals(whole[name]), name


def test_where_nothing_happened_there_is_an_empty_table() -> None:
    for name, asked in SPECS.items():
        found = featured(asked, [])
        assert len(found) == 0, name
        assert found.column_names[:2] == ["user_id", "point"]


def test_sums_too_large_are_missing() -> None:
    happened = [Event(START + i * HOUR, i, properties={"n": 9e299}) for i in range(10_000 // 24)]
    huge = featured(spec(END, sum_fields=["properties.n"]), happened)
    assert np.isfinite(huge["sum(properties.n)"].to_pylist()[0])
    beyond = [Event(START + i * timedelta(seconds=1), i, properties={"n": 9.9e299}) for i in range(3)]
    tiny = featured(
        spec(START + HOUR, sum_fields=["properties.n"]),
        [*beyond, Event(START, 99, properties={"n": "1e305"})],
    )
    assert tiny["last(properties.n)"].to_pylist() == [9.9e299]


def test_every_feature_says_in_words_what_it_is() -> None:
    found = featured(SPECS["events"], [])
    texts = [field.metadata[b"text"].decode() for field in found.schema if field.metadata]
    assert len(texts) == found.num_columns - 3
    assert "a in the last 7 days" in texts
