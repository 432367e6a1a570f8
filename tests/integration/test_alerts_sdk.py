"""Alerts through the client and the command line."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

import tidemark
from services.admin.service import admin
from services.query.service import query
from tests.conftest import Served, Suite
from tests.integration.alerting import DEMO, alerting, happen, receiving
from tests.integration.history import Happened
from tidemark import cli, questions
from tidemark.alerts import rule_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ERRORS = questions.series("failed", interval="minute")


def five(served: Served, *minutes: int) -> None:
    """Five errors in each of these minutes after noon."""
    happen(served, *(Happened(NOON + minute * MINUTE + timedelta(seconds=n), "failed") for minute in minutes for n in range(5)))  # fmt: skip


async def test_a_client_makes_a_rule_hears_of_its_incident_and_ends_it(suite: Suite) -> None:
    async with suite(query, admin) as served, alerting(served) as alerts, receiving() as receiver:
        five(served, 0)
        address = f"127.0.0.1:{served.port}"
        async with tidemark.Client(
            address, address, insights=alerts.address, key=served.secrets["admin"]
        ) as client:
            made = await client.alerts.create_channel("Ops", url=receiver.url, least_severity="medium")
            assert made.secret.startswith("whsec_")
            assert (await client.alerts.test_channel("ops")).delivered
            rule = await client.alerts.create("Errors", ERRORS, "> 2", channels=["ops"], severity="critical")
            assert rule.name == f"{DEMO}/alertRules/errors"
            await alerts.look(NOON + MINUTE + timedelta(seconds=20))
            [incident] = [each async for each in client.alerts.incidents(states=["open"], rule="errors")]
            assert (await client.alerts.acknowledge(incident.name)).acknowledged_by
            assert (await client.alerts.resolve(incident.name)).end_time.seconds
            assert await client.alerts.incident(incident.name) == (await client.alerts.resolve(incident.name))
            sent = [each async for each in client.alerts.notifications(incident=incident.name)]
            assert [each.resolved for each in sent] == [True, False]
            tried = rule_of("Errors", ERRORS, "> 2")
            seen = await client.alerts.preview(tried, start=NOON, end=NOON + 5 * MINUTE)
            assert (len(seen.incidents), seen.bucket_count) == (1, 5)
            await client.alerts.delete("errors")
            await client.alerts.delete_channel("ops")
            assert [each async for each in client.alerts.all()] == await client.alerts.channels() == []


async def test_the_command_line_makes_tries_and_snoozes_rules(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with suite(query, admin) as served, alerting(served) as alerts, receiving(204, 500) as receiver:
        five(served, 0, 1)
        monkeypatch.setenv("TIDEMARK_QUERY_ADDRESS", f"127.0.0.1:{served.port}")
        monkeypatch.setenv("TIDEMARK_INSIGHTS_ADDRESS", alerts.address)
        monkeypatch.setenv("TIDEMARK_KEY", served.secrets["admin"])

        async def run(*arguments: str, code: int = 0) -> str:
            assert await asyncio.to_thread(cli.main, ["alerts", *arguments]) == code
            return capsys.readouterr().out

        secret = await run("channels", "create", "Ops", "--url", receiver.url)
        assert secret.splitlines()[1].startswith("whsec_")
        assert "204 No Content" in await run("channels", "test", "ops")
        assert "500 Internal Server Error" in await run("channels", "test", "ops", code=1)
        assert "127.0.0.1" in await run("channels", "list")
        rule = "Errors", "> 2", "--name", "failed", "--for", "2"
        span = "--start", f"{NOON:%Y-%m-%dT%H:%M}", "--end", f"{NOON + 5 * MINUTE:%Y-%m-%dT%H:%M}"
        tried = await run("preview", *rule, *span)
        assert "Errors: 5" in tried
        assert "2 of 5 buckets at fault" in tried
        assert await run("create", *rule, "--channel", "ops") == f"{DEMO}/alertRules/errors\n"
        await alerts.look(NOON + 2 * MINUTE + timedelta(seconds=20))
        [incident] = (await alerts.ListIncidents(parent=DEMO)).incidents
        assert incident.name.rpartition("/")[2] in await run("incidents", "--state", "open")
        assert "acknowledged" in await run("ack", incident.name)
        assert "resolved" in await run("resolve", incident.name)
        assert "the beginning" in await run("notifications", "--incident", incident.name)
        assert "snoozed until" in await run("snooze", "errors", "2h")
        assert "awake" in await run("snooze", "errors", "0s")
        assert '"display_name":"Errors"' in (await run("rules", "--format", "json")).replace('": "', '":"')
        await run("delete", "errors")
        assert await run("rules") == "none\n"
