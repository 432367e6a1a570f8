"""The command line: what is parsed, what is refused, and how it ends."""

from pathlib import Path

import pytest

from tidemark import cli, errors, questions
from tidemark.commands import question as asked


def parsed(*arguments):
    return cli.parser().parse_args(arguments)


def test_a_series_is_asked_as_it_is_written():
    arguments = parsed(
        *(
            "query",
            "series",
            "--name",
            "commit",
            "--by",
            "properties.author",
            "--interval",
            "day",
            "--last",
            "30d",
        )
    )
    question = asked.question(arguments)
    assert question.time_range.last.seconds == 30 * 86_400
    assert list(question.series.group_by) == ["properties.author"]
    assert question.series.measures[0].id == "count"


def test_conditions_may_be_repeated():
    arguments = parsed("query", "events", "--where", "name = a", "--where", "properties.b > 1")
    assert len(asked.question(arguments).events.filter.all.filters) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("load", "git"),
        ("load", "csv", "x.csv", "--time", "when"),
        ("load", "host", "--follow", "--every", "5"),
        ("watch", "events", "--name", "error"),
        ("ledger", "--verify"),
        ("keys", "create", "--role", "ingest"),
        ("keys", "revoke", "k1"),
        ("projects", "update", "shop", "--title", "Shop"),
        ("audit", "verify"),
        ("status",),
        ("doctor", "--json"),
        ("capacity", "--events-per-minute", "1e6", "--days", "30"),
        ("readers", "create", "grafana", "--connections", "3"),
        ("readers", "delete", "grafana"),
        ("explain", "series", "--name", "commit", "--statements"),
        ("export", "events", "--output", "a.parquet"),
        ("suggest", "value", "de", "--field", "properties.country"),
        *(
            (name, kind)
            for name in ("query", "watch", "explain")
            for kind in asked.KINDS
            if kind not in ("funnel", "window")
        ),
        ("query", "window", "projects/p/windows/w"),
        ("schemas", "put", "order", "order.json", "--enforcement", "reject"),
        ("schemas", "infer", "order", "--last", "7d", "--seen"),
        ("rules", "try", "rules.json", "--event", "order", "--events"),
        ("validate", "events.jsonl"),
        ("windows", "create", "Orders", "--size", "5m", "--measure", "revenue=sum properties.amount"),
        ("windows", "results", "orders", "--last", "1h"),
        ("letters", "clusters", "--reason", "schema"),
        ("letters", "repair", "--signature", "abc", "--patch", "patch.json", "--yes"),
        ("letters", "discard", "--event", "order"),
        ("partitions", "resume", "3"),
        ("lineage", "019ab1c4-0000-7000-8000-000000000000"),
        ("lineage", "--bucket", "order", "--start", "2026-11-01T00:00:00Z", "--width", "hour"),
        ("quality", "order"),
        ("producers",),
        ("critical", "--since", "10m"),
        ("retention", "set", "--raw-days", "400"),
        ("erase", "ann", "--yes"),
    ],
)
def test_every_command_knows_what_to_run(arguments):
    assert callable(parsed(*arguments).run)


@pytest.mark.parametrize(
    ("arguments", "question"),
    [
        (
            ("table", "--measure", "count of signup", "--measure", "uniques", "--formula", "rate = B / A", "--hide", "B",
             "--by", "name", "--order-by", "rate", "--ascending", "--during", "last month"),
            questions.table(
                measure=["count of signup", "uniques"], formulas={"rate": "B / A"}, hide=["B"], by=["name"],
                order_by="rate", ascending=True, during="last month",
            ),
        ),
        (
            ("funnel", "signup", "order where properties.amount > 10", "--window", "7d", "--by", "name", "--last", "30d"),
            questions.funnel(["signup", "order where properties.amount > 10"], window="7d", by="name", last="30d"),
        ),
        (
            ("retention", "--began", "signup", "--period", "week", "--mode", "on or after", "--where", "name = a"),
            questions.retention("signup", period="week", mode="on or after", where=["name = a"]),
        ),
        (("lifecycle", "--activity", "order", "--period", "month"), questions.lifecycle("order", period="month")),
        (("sessions", "--gap", "10m", "--interval", "day"), questions.sessions(gap="10m", interval="day")),
        (
            ("paths", "--begin", "order", "--backwards", "--depth", "3", "--step-by", "properties.url"),
            questions.paths("order", backwards=True, depth=3, step_by="properties.url"),
        ),
        (
            ("window", "projects/p/windows/w", "--aggregate", "a", "--key", "DE", "--last", "1h"),
            questions.window("projects/p/windows/w", aggregates=["a"], key=["DE"], last="1h"),
        ),
        (("people", "--of", "order where name = a"), questions.people("order where name = a")),
        (("people", "--cohort", "projects/p/cohorts/c"), questions.people(cohort="projects/p/cohorts/c")),
        (
            ("events", "--name", "order", "--time-zone", "Asia/Tokyo"),
            questions.events("order", time_zone="Asia/Tokyo"),
        ),
    ],
)  # fmt: skip
def test_arguments_say_what_the_builders_say(arguments, question):
    assert asked.question(parsed("query", *arguments)) == question


@pytest.mark.parametrize(
    "arguments", [(), ("load",), ("keys", "create"), ("query", "series", "--fill", "up")]
)
def test_incomplete_commands_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        parsed(*arguments)
    assert ended.value.code == 2
    assert "usage: tidemark" in capsys.readouterr().err


def test_help_shows_examples(capsys):
    with pytest.raises(SystemExit):
        parsed("--help")
    assert "tidemark load git ." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("query", "events", "--last", "soon"), "last: 'soon' is no span"),
        (("query", "events", "--end", "2026-11-01"), "end: is given without start"),
        (("query", "table", "--formula", "B / A"), "formula: 'B / A' has no name"),
        (("export", "events", "-o", "a.txt"), "format: '' is not known; write arrow, csv, ndjson, parquet"),
        (("explain", "funnel", ""), "step: '' has no name"),
        (("load", "git", "/nonexistent"), "has no readable git history"),
        (("load", "csv", "/nonexistent.csv"), "No such file"),
        (("load", "host", "--every", "0"), "--every: is 0; give seconds above 0"),
    ],
)
def test_mistakes_end_in_one_sentence(arguments, message, capsys):
    assert cli.main(arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith("tidemark: ")
    assert message in err
    assert err.count("\n") == 1


def test_without_a_key_the_stack_of_this_folder_or_one_above_is_used(tmp_path: Path) -> None:
    (tmp_path / ".tidemark").mkdir()
    (tmp_path / ".tidemark/client.env").write_text("TIDEMARK_KEY=tmk_a\nTIDEMARK_QUERY_ADDRESS=127.0.0.1:1\n")
    below = tmp_path / "below"
    below.mkdir()
    found = cli.environment(below, {"TIDEMARK_QUERY_ADDRESS": "127.0.0.1:2"})
    assert found == {"TIDEMARK_KEY": "tmk_a", "TIDEMARK_QUERY_ADDRESS": "127.0.0.1:2"}


def test_a_key_that_is_given_goes_with_the_addresses_that_are_given(tmp_path: Path) -> None:
    (tmp_path / ".tidemark").mkdir()
    (tmp_path / ".tidemark/client.env").write_text("TIDEMARK_KEY=tmk_a\nTIDEMARK_QUERY_ADDRESS=127.0.0.1:1\n")
    assert cli.environment(tmp_path, {"TIDEMARK_KEY": "tmk_b"}) == {"TIDEMARK_KEY": "tmk_b"}


def test_without_a_key_the_remedy_is_said(monkeypatch, tmp_path, capsys):
    def refuse(*_):
        raise errors.Unauthenticated()

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "_load", refuse)
    monkeypatch.delenv("TIDEMARK_KEY", raising=False)
    assert cli.main(["load", "git"]) == 2
    assert "set TIDEMARK_KEY" in capsys.readouterr().err
    assert cli.main(["--key", "wrong", "load", "git"]) == 2
    assert "set TIDEMARK_KEY" not in capsys.readouterr().err


def test_a_missing_file_is_named_without_its_error_number(capsys):
    assert cli.main(["--key", "k", "--ingest", "127.0.0.1:1", "load", "csv", "/missing.csv"]) == 2
    assert capsys.readouterr().err == "tidemark: /missing.csv: No such file or directory\n"


def test_a_load_without_a_server_ends_and_says_why(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("time,name\n2026-01-01,a\n")
    arguments = ["--key", "k", "--ingest", "127.0.0.1:1", "--timeout", "0.2", "load", "csv"]
    assert cli.main([*arguments, str(tmp_path / "a.csv")]) == 2
    assert "nothing was acknowledged for 0.2 s" in capsys.readouterr().err
