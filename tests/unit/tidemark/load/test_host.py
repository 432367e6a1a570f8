"""The host's metrics: shares of the time between two looks, differences of counters."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tidemark.load import host
from tidemark.records import MetricKind

BEFORE = host.Look(
    cpu_seconds={"user": 10.0, "idle": 90.0},
    memory_bytes={"used": 5},
    disk_bytes={"read": 100},
    network_bytes={"receive": 1000},
    filesystem_used=0.5,
    load=1.5,
    processes={},
    at=datetime(2026, 1, 1, tzinfo=UTC),
)
AFTER = replace(
    BEFORE, cpu_seconds={"user": 11.0, "idle": 93.0}, disk_bytes={"read": 150}, network_bytes={"receive": 20}
)


def test_points_between_two_looks():
    points = {(point.name, *point.tags.values()): point for point in host.points(BEFORE, AFTER)}
    assert points["system.cpu.utilization", "user"].value == pytest.approx(0.25)
    assert points["system.disk.io", "read"].value == 50
    assert points["system.disk.io", "read"].kind == MetricKind.COUNTER
    assert points["system.memory.usage", "used"].value == 5


def test_a_counter_that_began_anew_is_not_negative():
    points = {point.name: point.value for point in host.points(BEFORE, AFTER)}
    assert points["system.network.io"] == 20


def test_two_looks_at_once_give_no_shares():
    assert not [point for point in host.points(BEFORE, BEFORE) if point.name == "system.cpu.utilization"]


def test_this_machine_can_be_looked_at():
    pytest.importorskip("psutil")
    names = {point.name for point in host.points(BEFORE, host.look())}
    assert {"system.cpu.utilization", "system.memory.usage", "system.processes.count"} <= names


def process(name: str, hours_ago: float) -> host.Process:
    return host.Process(name, "ann", "init", BEFORE.at - timedelta(hours=hours_ago))


def test_processes_that_start_and_end_are_events():
    before = replace(BEFORE, processes={1: process("init", 100), 2: process("vi", 1)})
    after = replace(
        before,
        at=before.at + timedelta(seconds=1),
        processes={1: before.processes[1], 3: process("make", 0)},
    )
    started, ended = host.events(before, after)
    assert (started.name, started.occurred_at, started.user_id) == ("process_started", before.at, "ann")
    assert started.properties == {"process": "make", "parent": "init"}
    assert (ended.name, ended.occurred_at) == ("process_ended", after.at)
    assert ended.properties == {"process": "vi", "parent": "init", "seconds": 3601.0}


def test_the_first_look_tells_of_recent_starts_by_the_same_ids():
    first = replace(BEFORE, processes={1: process("init", 100), 2: process("vi", 1)})
    later = replace(first, at=first.at + timedelta(hours=1))
    (told,), (again,) = host.events(None, first), host.events(None, later)
    assert told.event_id == again.event_id
    assert told.properties["process"] == "vi"
