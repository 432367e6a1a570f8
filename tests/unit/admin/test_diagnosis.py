"""What is told of an installation: each thing that can be wrong is said, with what to do; what is well is said too."""

from dataclasses import replace

import pytest

from services.admin.diagnosis import BAD, GOOD, UNKNOWN, WARNING, Facts, Log, Partition, checks
from tidemark.v1 import admin_pb2 as pb

WELL = Partition(number=0, owned=True, paused_because="", stuck_seconds=3.0, received=10, bytes=1000)
LOG = Log(
    skew_seconds=0.0,
    append_only=True,
    append_fsync="always",
    eviction="noeviction",
    failing=(),
    memory=100 << 20,
    memory_limit=1 << 30,
    appended=((10, 1000), (10, 1000)),
    oldest_seconds=0.0,
)
FACTS = Facts(
    known_migrations=19,
    applied_migrations=19,
    unsafe=(),
    connections=20,
    connection_limit=100,
    database_skew_seconds=0.0,
    writers=2,
    partitions=(WELL, replace(WELL, number=1)),
    letters=(),
    erasure_seconds=0.0,
    mirror_seconds=None,
    late={"insights series": 0.0, "reports schedules": 5.0},
    retried={"unanswered deliveries": 0},
    log=LOG,
    backlog_limit=1 << 20,
    segments_folder="segments",
    mirror_every_seconds=60.0,
    disk=(80 << 30, 100 << 30),
)


def found(**changes: object) -> dict[str, pb.Check]:
    return {check.subject: check for check in checks(replace(FACTS, **changes))}  # type: ignore[arg-type]


def test_of_an_installation_that_is_well_everything_is_good_and_nothing_is_to_be_done() -> None:
    assert {(check.state, check.remedy) for check in found().values()} == {(GOOD, "")}
    assert len(found()) == 17


@pytest.mark.parametrize(
    ("subject", "state", "changes"),
    [
        ("migration", BAD, {"applied_migrations": 18}),
        ("migration", WARNING, {"applied_migrations": 20}),
        ("postgresql", BAD, {"unsafe": ["fsync"]}),
        ("postgresql", WARNING, {"connections": 85}),
        ("postgresql", BAD, {"connections": 99}),
        ("redis", BAD, {"log": "Connection refused"}),
        ("redis", BAD, {"log": replace(LOG, append_only=False)}),
        ("redis", BAD, {"log": replace(LOG, append_fsync="no")}),
        ("redis", BAD, {"log": replace(LOG, eviction="allkeys-lru")}),
        ("redis", BAD, {"log": replace(LOG, failing=["aof_last_write_status"])}),
        ("redis memory", WARNING, {"log": replace(LOG, memory_limit=0)}),
        ("redis memory", BAD, {"log": replace(LOG, memory=1 << 30)}),
        ("clocks", WARNING, {"database_skew_seconds": -2.0}),
        ("clocks", BAD, {"log": replace(LOG, skew_seconds=31.0)}),
        ("partitions", BAD, {"partitions": (WELL, replace(WELL, number=1, owned=False))}),
        (
            "paused partitions",
            BAD,
            {"partitions": (WELL, replace(WELL, number=1, paused_because="a trigger"))},
        ),
        ("backlog", WARNING, {"log": replace(LOG, oldest_seconds=200.0)}),
        ("backlog", BAD, {"log": replace(LOG, appended=((10, 1 << 20), (10, 1000)))}),
        ("watermark", WARNING, {"partitions": (WELL, replace(WELL, number=1, stuck_seconds=90.0))}),
        ("watermark", BAD, {"partitions": (WELL, replace(WELL, number=1, stuck_seconds=9000.0))}),
        ("log", BAD, {"log": replace(LOG, appended=((10, 1000), (9, 1000)))}),
        ("dead letters", WARNING, {"letters": [("POISON", 3)]}),
        ("erasures", WARNING, {"erasure_seconds": 7200.0}),
        ("segments", WARNING, {"mirror_seconds": 3600.0}),
        ("segments disk", WARNING, {"disk": (10 << 30, 100 << 30)}),
        ("segments disk", BAD, {"disk": (1 << 30, 100 << 30)}),
        ("segments disk", BAD, {"disk": None}),
        ("insights series", WARNING, {"late": {"insights series": 300.0}}),
        ("reports schedules", BAD, {"late": {"reports schedules": 3600.0}}),
        ("unanswered deliveries", WARNING, {"retried": {"unanswered deliveries": 2}}),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(subject: str, state: int, changes: dict[str, object]) -> None:
    check = found(**changes)[subject]
    assert check.state == state
    assert check.found.endswith((".", "a trigger"))
    assert check.remedy


def test_without_redis_only_what_it_would_tell_is_unknown() -> None:
    unknown = {
        subject for subject, check in found(log="Connection refused").items() if check.state == UNKNOWN
    }
    assert unknown == {"redis memory", "backlog", "log"}


def test_the_worst_comes_first() -> None:
    states = [
        check.state
        for check in checks(
            replace(FACTS, letters=[("POISON", 1)], unsafe=["fsync"], late={"reports x": 300.0})
        )
    ]
    assert states[0] == BAD
    assert states[1:3] == [WARNING, WARNING]
    assert set(states[3:]) == {GOOD}


def test_loops_name_the_target_to_start() -> None:
    assert found(late={"reports waiting runs": 300.0})["reports waiting runs"].remedy.startswith(
        "Start reports"
    )
