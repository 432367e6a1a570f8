"""The log of a target is shown by whole lines and stays below its limit."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from deploy.local import targets
from deploy.local.targets import Log, Target


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
    assert log.last_lines().split() == ["old", "new"]


def test_a_log_over_its_limit_starts_afresh_and_keeps_one_predecessor(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "LOG_LIMIT", 10)
    with log.open() as file:
        file.write(b"a line that is long\n")
        file.flush()
        log.show(lambda line: None)
        file.write(b"next\n")
    assert log.path.read_text() == "next\n"
    assert log.path.with_suffix(".log.1").read_text() == "a line that is long\n"


def test_a_target_answers_when_all_its_ports_do(log: Log) -> None:
    with socket.create_server(("127.0.0.1", 0)) as open_one:
        port = open_one.getsockname()[1]
        assert Target("query", {}, [port], log).answers()
    assert not Target("query", {}, [port], log).answers()
