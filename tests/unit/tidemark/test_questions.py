"""How questions are written, and what is told of those that cannot be read."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from tidemark import questions, spelling
from tidemark.v1 import question_pb2 as pb


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("2026-11-01", 1793491200),
        ("2026-11-01T12:30", 1793536200),
        ("2026-11-01T12:30:00Z", 1793536200),
        ("2026-11-01T13:30:00+01:00", 1793536200),
        (date(2026, 11, 1), 1793491200),
        (datetime(2026, 11, 1, 13, 30, tzinfo=timezone(timedelta(hours=1))), 1793536200),
        (datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), -1),
    ],
)
def test_instants(given, seconds):
    assert spelling.timestamp(given).seconds == seconds


def test_an_instant_keeps_its_microseconds():
    before_1970 = datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert spelling.timestamp(before_1970).ToMicroseconds() == -1


@pytest.mark.parametrize(
    ("text", "seconds"), [("30d", 2592000), ("12h", 43200), ("1.5h", 5400), ("45s", 45), ("2w", 1209600)]
)
def test_spans(text, seconds):
    assert spelling.span(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "30", "d", "1y", "-3d", "3 fortnights"])
def test_a_bad_span_is_named_with_the_remedy(text):
    with pytest.raises(ValueError, match=r"last: .* is no span; write 30d"):
        spelling.span(text)


def test_without_a_time_the_last_day_is_asked_about():
    assert spelling.time_range().last.seconds == 86_400


def test_two_ways_of_giving_the_time_contradict():
    with pytest.raises(ValueError, match="last: is given beside start"):
        spelling.time_range("1d", "2026-11-01")
    with pytest.raises(ValueError, match="end: is given without start"):
        spelling.time_range(end="2026-11-01")


@pytest.mark.parametrize(
    ("text", "field", "operator", "values"),
    [
        ("name = commit", "name", pb.OPERATOR_EQUAL, ["commit"]),
        ("name=commit", "name", pb.OPERATOR_EQUAL, ["commit"]),
        ("properties.size >= 10", "properties.size", pb.OPERATOR_GREATER_OR_EQUAL, [10.0]),
        ("properties.size<-1.5", "properties.size", pb.OPERATOR_LESS, [-1.5]),
        ("properties.merge != true", "properties.merge", pb.OPERATOR_NOT_EQUAL, [True]),
        ('properties.code = "10"', "properties.code", pb.OPERATOR_EQUAL, ["10"]),
        ("properties.path ^= docs/", "properties.path", pb.OPERATOR_STARTS_WITH, ["docs/"]),
        ("properties.path $= .py", "properties.path", pb.OPERATOR_ENDS_WITH, [".py"]),
        ("properties.text ~ a = b", "properties.text", pb.OPERATOR_CONTAINS, ["a = b"]),
        ("properties.text !~ x", "properties.text", pb.OPERATOR_NOT_CONTAINS, ["x"]),
        ("user_id in ann,bob", "user_id", pb.OPERATOR_IN, ["ann", "bob"]),
        ("user_id not in ann, 3", "user_id", pb.OPERATOR_NOT_IN, ["ann", 3.0]),
        ("context.ip?", "context.ip", pb.OPERATOR_EXISTS, []),
        ("!context.ip?", "context.ip", pb.OPERATOR_NOT_EXISTS, []),
    ],
)
def test_conditions(text, field, operator, values):
    comparison = spelling.condition(text).comparison
    read = [getattr(value, value.WhichOneof("kind")) for value in comparison.values]
    assert (comparison.field, comparison.operator, read) == (field, operator, values)


@pytest.mark.parametrize("text", ["", "name", "= 3", "user_id within ann"])
def test_a_bad_condition_is_named_with_the_remedy(text):
    with pytest.raises(ValueError, match=r"where: .* is no condition; write as in"):
        spelling.condition(text)


def test_several_conditions_must_all_hold():
    assert len(spelling.every(["name = a", "user_id = b"]).all.filters) == 2
    assert spelling.every(["name = a"]).comparison.field == "name"
    assert spelling.every([]) is None


@pytest.mark.parametrize(
    ("text", "aggregation", "field", "quantile"),
    [
        ("count", pb.AGGREGATION_COUNT, "", 0),
        ("sum properties.amount", pb.AGGREGATION_SUM, "properties.amount", 0),
        ("avg:properties.amount", pb.AGGREGATION_AVG, "properties.amount", 0),
        ("p95 properties.ms", pb.AGGREGATION_QUANTILE, "properties.ms", 0.95),
        ("p99.9 properties.ms", pb.AGGREGATION_QUANTILE, "properties.ms", 0.999),
        ("median properties.ms", pb.AGGREGATION_QUANTILE, "properties.ms", 0.5),
        ("uniques", pb.AGGREGATION_UNIQUES, "", 0),
    ],
)
def test_measures(text, aggregation, field, quantile):
    (measure,) = questions.series("order", measure=text).series.measures
    assert (measure.aggregation, measure.field, measure.name) == (aggregation, field, "order")
    assert measure.quantile == pytest.approx(quantile)


@pytest.mark.parametrize(
    ("text", "unit", "count"),
    [
        ("day", pb.Interval.UNIT_DAY, 1),
        ("5m", pb.Interval.UNIT_MINUTE, 5),
        ("6 hours", pb.Interval.UNIT_HOUR, 6),
    ],
)
def test_intervals(text, unit, count):
    assert questions.series(interval=text).series.interval == pb.Interval(unit=unit, count=count)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"measure": "mode"}, "measure"),
        ({"interval": "5 parsecs"}, "interval"),
        ({"fill": "up"}, "fill"),
        ({"source": "x"}, "source"),
    ],
)
def test_a_bad_series_is_named_by_its_field(given, field):
    with pytest.raises(ValueError, match=f"^{field}: "):
        questions.series("order", **given)


def test_a_name_that_looks_like_a_number_stays_a_text():
    comparison = questions.events("404").events.filter.comparison
    assert comparison.values[0].string_value == "404"


def test_formulas_call_measures_by_letters_or_by_their_names():
    question = questions.table(
        measure=["count of signup", "buyers = uniques of order"],
        formulas={"rate": "buyers / A * 100"},
        hide=["A"],
        by="properties.country",
    ).table
    assert [(each.id, each.hidden) for each in question.measures] == [("A", True), ("buyers", False)]
    assert [(each.id, each.expression) for each in question.formulas] == [("rate", "buyers / A * 100")]
    assert list(question.group_by) == ["properties.country"]


def test_only_a_measure_can_be_hidden():
    with pytest.raises(ValueError, match="hide: 'B' is no measure; they are count"):
        questions.series("order", hide=["B"])


def test_a_funnel_has_steps_and_a_window():
    query = questions.funnel(
        ["signup", "order where properties.amount > 1"], window="7d", during="last month"
    )
    assert [step.name for step in query.funnel.steps] == ["signup", "order"]
    assert query.funnel.window.seconds == 7 * 86_400
    assert query.time_range.calendar.ago == 1
    assert not questions.funnel(["a", "b"]).funnel.HasField("window")


def test_a_retention_says_what_counts():
    question = questions.retention(
        "signup", period="week", mode="on or after", entry="every", last="8w"
    ).retention
    assert (question.start.name, question.HasField("back")) == ("signup", False)
    assert (question.period, question.mode, question.entry) == (
        pb.Interval.UNIT_WEEK,
        pb.RetentionQuestion.MODE_ON_OR_AFTER,
        pb.RetentionQuestion.START_EVERY,
    )


@pytest.mark.parametrize(
    ("build", "field"),
    [
        (lambda: questions.retention(mode="sometimes"), "mode"),
        (lambda: questions.retention(period="year"), "period"),
        (lambda: questions.lifecycle(period="hour"), "period"),
        (lambda: questions.people(questions.lifecycle(), begin="2026-01-01", state="asleep"), "state"),
        (lambda: questions.people(questions.retention()), "begin"),
        (lambda: questions.people(questions.sessions()), "of"),
        (lambda: questions.people(questions.funnel(["a", "b"]), last="1d"), "last"),
        (lambda: questions.people("a", cohort="projects/p/cohorts/c"), "cohort"),
    ],
)
def test_what_cannot_be_asked_is_named_by_its_field(build, field):
    with pytest.raises(ValueError, match=f"^{field}: "):
        build()


def test_sessions_and_paths_are_asked_with_a_gap():
    assert questions.sessions(gap="10m", interval="hour").sessions.gap.seconds == 600
    paths = questions.paths("signup", backwards=True, depth=3, step_by="properties.url").paths
    assert (paths.start.name, paths.backwards, paths.depth, paths.step_by) == (
        "signup",
        True,
        3,
        "properties.url",
    )


def test_people_are_those_behind_a_figure_of_another_question():
    funnel = questions.funnel(["signup", "order"], last="30d", time_zone="Europe/Berlin")
    query = questions.people(funnel, step=1, lost=True, group="")
    assert (query.time_range, query.time_zone) == (funnel.time_range, "Europe/Berlin")
    assert (query.people.funnel.step, query.people.funnel.lost, query.people.funnel.group) == (1, True, "")
    assert query.people.funnel.HasField("group")
    assert query.people.funnel.funnel == funnel.funnel
    cell = questions.people(questions.retention(period="week"), begin="2026-03-02", offset=2).people.retention
    assert (cell.start.seconds, cell.offset, cell.lost) == (1772409600, 2, False)
    state = questions.people(questions.lifecycle(), begin="2026-03-02", state="dormant").people.lifecycle
    assert state.state == pb.LIFECYCLE_STATE_DORMANT
    assert questions.people("signup", last="1d").people.did.name == "signup"
    assert questions.people(cohort="projects/p/cohorts/vip").people.cohort == "projects/p/cohorts/vip"


def test_a_single_text_stands_for_a_list_of_it():
    assert questions.events(where="a = 1").events.filter.comparison.field == "a"
    assert list(questions.series(by="name").series.group_by) == ["name"]
