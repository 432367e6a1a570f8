"""`tidemark doctor` on real servers, with things broken on purpose."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import redis
from redis.asyncio import Redis

from deploy.local.ports import free_port
from services.admin.diagnosis import checks
from services.admin.service import admin
from services.admin.source import measured
from services.ingest.service import ingest, writer
from services.insights.service import insights
from services.kit.server import listening, opened
from services.kit.tls import Certificates
from services.query.service import query
from tests.conftest import Served, Suite, counted, refusal
from tests.integration.history import Happened, commit
from tests.integration.test_server import certificates  # noqa: F401  (a fixture)
from tests.polling import until
from tidemark import cli
from tidemark.v1 import admin_pb2 as pb
from tidemark.v1.admin_pb2_grpc import AdminServiceStub

GOOD, WARNING, BAD = pb.Check.STATE_GOOD, pb.Check.STATE_WARNING, pb.Check.STATE_BAD
Run = Callable[..., Any]


async def diagnosed(served: Served) -> dict[str, pb.Check]:
    answer = await AdminServiceStub(served.channel).Diagnose(
        pb.DiagnoseRequest(), metadata=served.key("operator")
    )
    assert abs(answer.measured_at.ToDatetime(UTC) - datetime.now(UTC)) < timedelta(seconds=10)
    return {check.subject: check for check in answer.checks}


@contextmanager
def configured(url: str, name: str, value: str) -> Iterator[None]:
    """Redis with another setting for a while."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        before = client.config_get(name)[name]
        client.config_set(name, value)
        try:
            yield
        finally:
            client.config_set(name, before)


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command against the servers given, with the key of that name; gives its exit code and what it printed."""

    async def run(
        served: Served, *arguments: str, key: str = "operator", secret: str = ""
    ) -> tuple[int, str]:
        for target in ("INGEST", "QUERY", "INSIGHTS", "REPORTS"):
            monkeypatch.setenv(f"TIDEMARK_{target}_ADDRESS", f"127.0.0.1:{served.port}")
        monkeypatch.setenv("TIDEMARK_KEY", secret or served.secrets[key])
        code = await asyncio.to_thread(cli.main, ["--timeout", "10", "doctor", *arguments])
        return code, capsys.readouterr().out

    return run


async def test_of_a_suite_that_runs_everything_is_good_but_what_tests_switch_off(
    suite: Suite, doctor: Run
) -> None:
    async with suite(ingest, writer, query, admin, insights) as served:

        async def owned() -> bool:
            return (await diagnosed(served))["partitions"].state == GOOD

        await until(owned)
        code, text = await doctor(served, "--json")
        wrong = {check["subject"] for check in json.loads(text) if check["state"] != "good"}
        # The test servers do not sync, for speed; a real one that does not is what this check is for.
        assert wrong == {"postgresql"}
        assert code == 1
        assert (await diagnosed(served))["postgresql"].found.startswith(
            "PostgreSQL has fsync and full_page_writes off"
        )


async def test_what_stands_still_is_found_with_its_remedy(suite: Suite, database: str) -> None:
    async with suite(query, admin, segments_folder="/nowhere/segments") as served:
        with psycopg.connect(database) as connection:
            commit(connection, [Happened(datetime.now(UTC))])
            for statement in (
                "UPDATE partitions SET paused_at = now(), paused_because = 'a trigger' WHERE partition = 3",
                "UPDATE partitions SET watermark = now() - interval '2 hours' WHERE partition = 5",
                "UPDATE projects SET created_at = now() - interval '1 day'",
                """INSERT INTO dead_letters (project_id, batch_id, received_at, reason, message, content)
                   SELECT 1, 0, now() - interval '1 minute', 'POISON', 'no', '' FROM generate_series(1, 7)""",
                """INSERT INTO alert_rules (project_id, rule_id, definition, disabled, due_at)
                   VALUES (1, 'late', '', false, now() - interval '5 minutes')""",
                """INSERT INTO erasures (erasure_id, project_id, user_id, user_sha256, requested_by, waits_for, created_at)
                   VALUES ('ann', 1, 'ann', '', 'me', '{}', now() - interval '2 days')""",
            ):
                connection.execute(statement)
        found = await diagnosed(served)
        assert (found["partitions"].state, found["partitions"].remedy[:15]) == (BAD, "Start a writer.")
        assert found["paused partitions"].found == "partition 3 paused; of 3 it is said: a trigger"
        assert found["watermark"].found == "It has stood still for 2 h: partition 5."
        assert found["dead letters"].found == "In the last hour: 7 POISON."
        assert found["insights alert rules"].state == WARNING
        assert found["insights alert rules"].remedy.startswith("Start insights")
        assert found["erasures"].found.endswith("asked for 2 d ago.")
        assert found["segments"].state == WARNING
        assert found["segments disk"].state == BAD


async def test_a_log_that_has_less_than_is_committed_is_found(suite: Suite, database: str) -> None:
    async with suite(query, admin) as served:
        with psycopg.connect(database) as connection:
            connection.execute("UPDATE partitions SET received = 9, bytes = 900 WHERE partition = 2")
        assert (await diagnosed(served))["log"].found.startswith(
            "The log has less than is committed: partition 2."
        )


async def test_a_backlog_that_nobody_commits_is_found(suite: Suite, redis_url: str) -> None:
    async with suite(query, admin, backlog_bytes=1000) as served:
        with redis.Redis.from_url(redis_url) as client:
            client.hset("tm:{1}:meta", mapping={"received": 5, "bytes": 990})
            seconds, _ = client.time()
            client.xadd("tm:{1}:log", {"h": ""}, id=f"{(seconds - 1800) * 1000}-1")
        found = (await diagnosed(served))["backlog"]
        assert found.state == BAD
        assert found.found.endswith("the oldest for 30 min.")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("maxmemory-policy", "allkeys-lru", "deletes acknowledged events"),
        ("appendfsync", "no", "loses acknowledged events with a power failure"),
        ("appendonly", "no", "loses acknowledged events with a crash"),
    ],
)
async def test_a_redis_that_forgets_is_found(
    suite: Suite, redis_url: str, name: str, value: str, told: str
) -> None:
    async with suite(query, admin) as served:
        with configured(redis_url, name, value):
            found = (await diagnosed(served))["redis"]
        assert found.state == BAD
        assert told in found.found


async def test_without_redis_the_rest_is_told_all_the_same(suite: Suite) -> None:
    async with suite(query, admin) as served, Redis(port=free_port()) as away:
        resources = replace(served.resources, redis=away)
        found = {check.subject: check for check in checks(await measured(resources))}
        assert found["redis"].found.startswith("Redis does not answer: ")
        assert found["backlog"].state == pb.Check.STATE_UNKNOWN
        assert found["partitions"].state == BAD
        assert found["migration"].state == GOOD


async def test_the_pools_of_a_process_are_among_its_metrics(suite: Suite) -> None:
    async with suite(admin) as served:
        async with served.resources.pool.connection():
            assert counted("tidemark_pool_connections", pool="calls") >= 1
        assert counted("tidemark_pool_waiting", pool="gate") == 0


async def test_the_installation_tells_only_those_who_operate_it(suite: Suite) -> None:
    async with suite(admin) as served:
        stub = AdminServiceStub(served.channel)
        refused = await refusal(stub.Diagnose(pb.DiagnoseRequest(), metadata=served.key("admin")))
        assert (refused.code, refused.reason) == ("PERMISSION_DENIED", "INSTALLATION_KEY_NEEDED")


async def test_the_command_shows_what_is_wrong_and_what_to_do(suite: Suite, doctor: Run) -> None:
    async with suite(ingest, query, admin) as served:
        code, text = await doctor(served)
        assert code == 1
        lines = text.splitlines()
        place = next(i for i, line in enumerate(lines) if line.startswith("bad      partitions: "))
        assert lines[place + 1].startswith("         -> Start a writer.")
        assert "address of" not in text
        assert lines[-1].startswith("2 bad, ")
        assert "good     address of ingest" in (await doctor(served, "--all"))[1]


async def test_the_command_explains_keys_and_servers_that_do_not_answer(
    suite: Suite, doctor: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with suite(query, admin) as served:
        code, text = await doctor(served, key="viewer")
        assert (code, "unknown  key: The installation tells nothing to this key" in text) == (1, True)
        code, text = await doctor(served, secret="tm_unknown")
        assert (code, "bad      key: The key is not taken" in text) == (1, True)
    code, text = await doctor(served)
    assert code == 1
    assert text.count("says that it serves.") == 4
    assert "unknown  installation: Query tells nothing" in text


async def test_a_certificate_that_ends_soon_or_is_not_trusted_is_found(
    suite: Suite,
    settings: Any,
    doctor: Run,
    monkeypatch: pytest.MonkeyPatch,
    certificates: Any,  # noqa: F811
) -> None:
    assert Certificates(settings).end() == 0
    async with suite(query, admin) as served:
        secure = replace(
            settings,
            tls_cert_file=str(certificates / "server.pem"),
            tls_key_file=str(certificates / "server.key"),
        )
        assert (
            timedelta(days=1)
            < datetime.fromtimestamp(Certificates(secure).end(), UTC) - datetime.now(UTC)
            <= timedelta(days=2)
        )
        async with opened(secure) as resources:
            services = [await build(resources) for build in (query, admin)]
            async with listening(services, resources, settings.query_port) as port:
                there = replace(served, port=port)
                monkeypatch.setenv("TIDEMARK_TLS_ROOTS_FILE", str(certificates / "authority.pem"))
                _, text = await doctor(there)
                assert "warning  certificate of query: It ends on " in text
                monkeypatch.setenv("TIDEMARK_TLS_ROOTS_FILE", str(certificates / "stranger.pem"))
                _, text = await doctor(there)
                assert "bad      certificate of query: 127.0.0.1:" in text
