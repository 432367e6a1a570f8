"""Answers as they look in a terminal."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from tidemark.answers import (
    Cohort,
    Funnel,
    FunnelGroup,
    FunnelStep,
    Lifecycle,
    Link,
    Node,
    Paths,
    People,
    Person,
    Retention,
    RetentionGroup,
    Sessions,
    TimeToConvert,
)
from tidemark.records import Events
from tidemark.tables import Column, Table, TableRow
from tidemark.terminal.answer import drawn, length, percent

START = datetime(2026, 3, 2, tzinfo=UTC)


def test_a_table_ends_with_its_total():
    groups = (TableRow(("de", ""), False, (3.0, 50.0)), TableRow((), True, (1.0, math.nan)))
    answer = Table(
        (Column("count"), Column("rate")), groups, TableRow((), False, (4.0, 40.0)), None, ("country", "name")
    )
    assert drawn(answer, 80) == [
        "country  name    count  rate",
        "de       (none)      3    50",
        "other                1     -",
        "total                4    40",
    ]


def test_a_table_that_is_not_split_is_one_row():
    row = TableRow((), False, (4.0,), (2.0,))
    assert drawn(Table((Column("count"),), (row,), row), 80) == [
        "group  count  before",
        "all        4       2",
    ]


def test_a_funnel_has_a_bar_for_each_step():
    steps = (
        FunnelStep("signup", 200, 1.0, 1.0, None, None),
        FunnelStep("order", 50, 0.25, 0.25, 7200.0, 8000.0),
    )
    answer = Funnel((FunnelGroup("all", steps, TimeToConvert(7200.0, 86_400.0, (), ())),))
    first, signup, order, time = drawn(answer, 100)
    assert first == "all"
    assert signup.startswith("1 signup ██████████████████████████████")
    assert order.startswith("2 order  ████████░")
    assert order.endswith("50    25%  25% of the step before, median 2 h")
    assert time.strip() == "from the first step to the last: median 2 h, 90 % within 1 d"


def test_a_retention_marks_what_may_still_grow():
    cohorts = (Cohort(START, 4, (4, 1), 2), Cohort(START + timedelta(days=1), 2, (2,), 0))
    lines = drawn(Retention((RetentionGroup("all", cohorts, (1.0, 0.25)),)), 80)
    assert lines[1] == "start         people     0     1"
    assert lines[2] == "2026-03-02         4  100%   25%"
    assert lines[3] == "2026-03-03         2 100%+"
    assert lines[4] == "mean                  100%   25%"
    assert "\x1b[48;5;" in drawn(Retention((RetentionGroup("all", cohorts, ()),)), 80, color=True)[2]


def test_states_sessions_paths_and_people():
    lifecycle = Lifecycle((START,), (1,), (2,), (3,), (4,))
    assert drawn(lifecycle, 80)[1] == "2026-03-02 00:00:00    1          2             3        4"
    total = {
        "sessions": 2, "people": 1, "mean_seconds": 90.0, "median_seconds": 30.0, "bounce_share": 0.5, "mean_events": 1.5
    }  # fmt: skip
    sessions = Sessions((START,), (2,), (90.0,), (0.5,), (1.5,), total, {"home": 2}, {"": 1})
    text = "\n".join(drawn(sessions, 80))
    assert "2 sessions of 1 people; mean 1.5 min, median 30 s; 50% with one event only" in text
    assert "begin with  sessions\nhome               2" in text
    nodes = (Node(0, "home", False, 4, 1), Node(1, "", True, 3, 3))
    paths = drawn(Paths(nodes, (Link(*nodes, 3),), 4), 80)
    assert paths[0] == "4 paths"
    assert paths[-1].split() == ["0", "home", "→", "other", "3"]
    people = People((Person("ann", START, None, 2),), 3)
    assert drawn(people, 80)[1:] == ["ann   2026-03-02 00:00:00  -               2", "… and 2 more"]


def test_stored_text_does_not_steer_the_terminal():
    step = FunnelStep("a\x1b[2J", 1, 1.0, 1.0, None, None)
    lines = drawn(Funnel((FunnelGroup("\x1b]0;x", (step,), TimeToConvert(None, None, (), ())),)), 80)
    assert not any("\x1b" in line for line in lines)


@pytest.mark.parametrize(
    "answer",
    [
        Events([]), Table((), (), TableRow((), False, ())), Funnel(()), Retention(()), Lifecycle((), (), (), (), ()),
        Paths((), (), 0), People((), 0), Retention((RetentionGroup("all", (), ()),)),
    ],
)  # fmt: skip
def test_nothing_is_drawn_too(answer):
    assert isinstance(drawn(answer, 80), list)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.34, "340 ms"), (12, "12 s"), (270, "4.5 min"), (86_400 * 3, "3 d"), (7200, "2 h")],
)
def test_lengths(seconds, text):
    assert length(seconds) == text


@pytest.mark.parametrize(
    ("share", "text"), [(1.0, "100%"), (0.25, "25%"), (0.0312, "3.1%"), (math.nan, "-"), (0, "0.0%")]
)
def test_shares(share, text):
    assert percent(share) == text
