"""Processes are known by id and start time, and end with what they started."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from deploy.local.process import (
    Identity,
    alive,
    end,
    family,
    identify,
    kill_family,
    memory_bytes,
    name_of,
    send,
    tied,
    wait_until,
)

STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(["sleep", "1000"])
print(child.pid, flush=True)
time.sleep(1000)
"""
PARENT = """
import subprocess, sys
child = subprocess.Popen(sys.argv[1:])
print(child.pid, flush=True)
child.wait()
"""


@pytest.fixture
def sleeper() -> Iterator[Identity]:
    process = subprocess.Popen(["sleep", "1000"])
    identity = identify(process.pid)
    assert identity
    yield identity
    process.kill()
    process.wait()


@contextmanager
def parent(code: str, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], Identity]]:
    """A process, and the child whose id it prints; both are gone afterwards."""
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        child = identify(int(process.stdout.readline()))
        assert child
        yield process, child
        process.kill()
        assert wait_until(lambda: not alive(child), 10)


def test_a_process_that_ended_is_gone_even_before_it_is_waited_for() -> None:
    process = subprocess.Popen(["true"])
    assert wait_until(lambda: identify(process.pid) is None, 10)
    process.wait()


def test_a_reused_id_is_not_mistaken_for_the_process(sleeper: Identity) -> None:
    other = replace(sleeper, started=sleeper.started - 1)
    assert not alive(other)
    send(other, signal.SIGKILL)
    end(other, 0)
    assert kill_family(other) == []
    assert alive(sleeper)


def test_end_kills_what_does_not_stop_and_what_that_started() -> None:
    with parent(STUBBORN) as (process, _):
        identity = identify(process.pid)
        assert identity
        end(identity, grace=0)
        assert process.wait() == -signal.SIGKILL


def test_a_tied_process_does_not_outlive_its_parent() -> None:
    with parent(PARENT, *tied(["sleep", "1000"], signal.SIGKILL)) as (_, child):
        assert wait_until(lambda: name_of(child.pid) == "sleep", 10)


def test_a_family_lists_parents_before_children() -> None:
    with parent(PARENT, "sleep", "1000") as (process, child):
        members = family(process.pid)
        assert [one.pid for one in members] == [process.pid, child.pid]
        assert memory_bytes(members) > 0
        kill_family(members[0])


def test_our_own_process_has_a_name_and_an_identity() -> None:
    identity = identify(os.getpid())
    assert identity
    assert alive(identity)
    assert name_of(os.getpid())
