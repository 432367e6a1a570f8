"""A target is healthy when it can be reached."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.logs import Log
from deploy.local.ports import free_port
from deploy.local.targets import Target


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    """A live process, and a port that something listens on."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        subprocess.Popen(["sleep", "1000"]) as process,
    ):
        ports = [listening.getsockname()[1]]
        yield Target("query", (), {}, ports, Log("query", tmp_path / "query.log"), process)
        process.kill()


def test_a_target_answers_when_all_its_ports_do(target: Target) -> None:
    assert target.answers()
    target.ports.append(free_port())
    assert not target.answers()


def test_a_target_that_ended_does_not_answer_whoever_has_its_port(target: Target) -> None:
    assert target.process
    target.process.kill()
    target.process.wait()
    assert not target.answers()
