"""A log is shown by whole lines, stays below its limit, and is quoted from its end."""

from pathlib import Path

import pytest

from deploy.local import logs
from deploy.local.logs import Log, last_lines


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log("query", tmp_path / "query.log")


def test_new_lines_are_shown_once_under_the_name(log: Log) -> None:
    shown: list[str] = []
    with log.open() as file:
        file.write(b"one\ntwo\nthr")
        file.flush()
        log.show(shown.append)
        file.write(b"ee\n")
        file.flush()
        log.show(shown.append)
    assert [line.strip() for line in shown] == ["query | one", "query | two", "query | three"]


def test_lines_of_an_earlier_run_are_kept_but_not_shown(log: Log) -> None:
    log.path.write_text("old\n")
    shown: list[str] = []
    with log.open() as file:
        file.write(b"new\n")
    log.show(shown.append)
    assert [line.strip() for line in shown] == ["query | new"]
    assert last_lines(log.path).split() == ["old", "new"]


def test_a_log_over_its_limit_starts_afresh_and_keeps_one_predecessor(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "LIMIT", 10)
    with log.open() as file:
        file.write(b"a line that is long\n")
        file.flush()
        log.show(lambda line: None)
        file.write(b"next\n")
    assert log.path.read_text() == "next\n"
    assert log.path.with_suffix(".log.1").read_text() == "a line that is long\n"


def test_an_error_quotes_the_end_of_a_log_and_not_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "log"
    assert last_lines(path) == ""
    path.write_text("first\n" + "x" * 10_000 + "\nlast\n")
    quoted = last_lines(path)
    assert quoted.endswith("    last")
    assert len(quoted) < 3_100
