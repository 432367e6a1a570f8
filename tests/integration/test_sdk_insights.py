"""Insights through the client and the command line, on servers in this process."""

import asyncio
import json
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

import tidemark
from services.admin.service import admin
from services.insights.findings.insight import Draft
from services.insights.findings.store import publish
from services.insights.service import insights
from services.kit.call import Project
from services.query.service import query
from tests.conftest import Served, Suite
from tests.integration.history import Happened, commit
from tidemark import cli, errors, questions
from tidemark.v1 import insight_pb2 as pb

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
HOUR = timedelta(hours=1)
SOON = 20.0


def client(served: Served, key: str = "admin") -> tidemark.Client:
    address = f"127.0.0.1:{served.port}"
    return tidemark.Client(address, address, insights=address, key=served.secrets[key])


def draft() -> Draft:
    """A fall of orders, as something found."""
    insight = pb.Insight(
        type=pb.INSIGHT_TYPE_ANOMALY,
        title="Orders fell to 710",
        description="Orders fell.",
        severity=pb.SEVERITY_MEDIUM,
        confidence=0.93,
        priority=40,
        state=pb.Insight.STATE_OPEN,
        detector="anomaly-streaming",
        subject="orders",
        direction=pb.DIRECTION_DOWN,
        occurrence_count=1,
    )
    for name, at in (
        ("start", NOW - HOUR),
        ("end", NOW),
        ("create", NOW),
        ("update", NOW),
        ("expire", NOW + 99 * HOUR),
    ):
        getattr(insight, f"{name}_time").FromDatetime(at)
    for place in range(2):
        insight.evidence.bucket_starts.add().FromDatetime(NOW - (2 - place) * HOUR)
    insight.evidence.series.add(label="orders", values=[1000, 710], expected=[990, 1000], marked=[1])
    insight.contributions.add(
        fields=["properties.country"], values=["FR"], before=300, after=60, share=0.8, lift=3
    )
    insight.recommendations.add(
        action="Look at properties.country = FR",
        expected_effect="it makes up 80%",
        confidence=0.7,
        source="contribution",
    )
    return Draft("orders", insight, HOUR)


def orders(served: Served) -> None:
    """Orders of six hours, of which the last lack those of one country."""
    rows = [
        Happened(NOW - (6 - hour) * HOUR + number * timedelta(seconds=30), properties={"country": country})
        for hour in range(6)
        for number in range(100)
        for country in ("DE", "FR")
        if hour < 4 or country == "DE"
    ]
    with psycopg.connect(served.resources.settings.database_url, autocommit=True) as connection:
        commit(connection, rows)


async def told(served: Served) -> str:
    """The id of an insight that was found just now."""
    async with served.resources.pool.connection() as connection:
        made = await publish(connection, Project(1, "demo", "UTC"), draft())
    assert made is not None
    return made.name


async def test_an_insight_is_followed_read_and_judged(suite: Suite) -> None:
    async with suite(query, admin, insights) as served, client(served) as sdk:
        async with aclosing(sdk.insights.watch()) as changes:
            first = asyncio.ensure_future(anext(changes))
            # It follows from now on, so it is asked until it does.
            while not first.done():
                name = await told(served)
                await asyncio.wait({first}, timeout=0.5)
            assert (await first).name == name
        found = [each async for each in sdk.insights.all(types=["anomaly"], search="orders", last="1d")]
        assert [each.name for each in found] == [name]
        assert not [each async for each in sdk.insights.all(least_severity="critical")]
        assert list((await sdk.insights.get(name)).evidence.series[0].values) == [1000, 710]
        seen = await sdk.insights.acknowledge(name.rpartition("/")[2])
        assert seen.state == pb.Insight.STATE_ACKNOWLEDGED
        judged = await sdk.insights.feedback(name, "false alarm", "a holiday")
        assert (judged.state, judged.feedback) == (pb.Insight.STATE_DISMISSED, pb.FEEDBACK_FALSE_ALARM)
        with pytest.raises(ValueError, match="feedback: 'maybe' is not known; write confirmed"):
            await sdk.insights.feedback(name, "maybe")
        with pytest.raises(errors.NotFound):
            await sdk.insights.get("nothing")
        detectors = await sdk.insights.detectors()
        assert "anomaly-streaming" in {each.detector for each in detectors.detectors}
        assert isinstance(await sdk.insights.baselines(), list)


async def test_series_are_explained_and_searched_and_indicators_kept(suite: Suite) -> None:
    async with suite(query, admin, insights) as served, client(served) as sdk:
        orders(served)
        before = questions.time_range(start=NOW - 4 * HOUR, end=NOW - 2 * HOUR)
        why = await sdk.insights.explain(
            "count of order_placed",
            start=NOW - 2 * HOUR,
            end=NOW,
            before=before,
            fields=["properties.country"],
        )
        assert list(why.contributions[0].values) == ["FR"]
        assert why.after < why.before
        asked = questions.series("order_placed", interval="minute", start=NOW - 6 * HOUR, end=NOW)
        for method in ("anomaly", "anomaly batch", "trend"):
            assert (await sdk.insights.detect(asked, method)).series_count == 1
        impact = await sdk.insights.detect(asked, "impact", at=NOW - 2 * HOUR)
        assert impact.series_count == 1
        with pytest.raises(ValueError, match="at: is not given"):
            await sdk.insights.detect(asked, "impact")
        with pytest.raises(ValueError, match="method: 'tea leaves' is not known"):
            await sdk.insights.detect(asked, "tea leaves")
        made = await sdk.insights.create_indicator(
            "Orders",
            series=questions.series("order_placed"),
            good="up",
            threshold=50,
            value_per_unit=2,
            value_unit="EUR",
            every_bucket="hour",
        )
        assert (made.name, made.threshold) == ("projects/demo/indicators/orders", 50)
        assert [each.name for each in await sdk.insights.indicators()] == [made.name]
        await sdk.insights.delete_indicator("orders")
        assert await sdk.insights.indicators() == []


async def test_the_command_line_does_the_same(suite: Suite, capsys: Any, monkeypatch: Any) -> None:
    async with suite(query, admin, insights) as served:
        address = f"127.0.0.1:{served.port}"
        monkeypatch.setenv("TIDEMARK_KEY", served.secrets["admin"])
        for name in ("INGEST", "QUERY", "INSIGHTS"):
            monkeypatch.setenv(f"TIDEMARK_{name}_ADDRESS", address)
        orders(served)
        name = await told(served)

        async def run(*arguments: str, code: int = 0) -> str:
            assert await asyncio.to_thread(cli.main, ("insights", *arguments)) == code
            return str(capsys.readouterr().out)

        assert "Orders fell to 710" in await run("list", "--type", "anomaly", "--search", "orders")
        shown = await run("show", name)
        assert "medium, 93% sure" in shown
        assert "┤" in shown
        assert "→ Look at properties.country = FR" in shown
        assert json.loads(await run("show", name, "--format", "json"))["name"] == name
        assert "acknowledged" in await run("ack", name)
        assert "confirmed" in await run("feedback", name, "confirmed", "--comment", "so it was")
        spans = [f"{NOW - hours * HOUR:%Y-%m-%dT%H:%M:%SZ}" for hours in (2, 0, 4, 2)]
        why = await run(
            "explain", "count of order_placed", "--start", spans[0], "--end", spans[1], "--before", *spans[2:], "--by", "properties.country"
        )  # fmt: skip
        assert "FR" in why
        searched = await run(
            "detect", "--name", "order_placed", "--interval", "minute", "--last", "8h", "--method", "trend"
        )
        assert "1 series searched" in searched
        assert "anomaly-streaming" in await run("detectors")
        await run("baselines")
        made = await run(
            "indicators",
            "create",
            "Orders",
            "--of",
            "order_placed",
            "--kind",
            "throughput",
            "--threshold",
            "5",
        )
        assert made == "projects/demo/indicators/orders\n"
        assert "throughput" in await run("indicators")
        await run("indicators", "delete", "orders")
        assert await run("indicators") == "none\n"
