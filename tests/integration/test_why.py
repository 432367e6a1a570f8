"""Why a series changed, asked of the real query: where a change comes from, and whether the pipeline did it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
import psycopg
import pytest

import tidemark
from services.admin.service import admin
from services.ingest.service import ingest, writer
from services.insights.source import Query
from services.insights.why.ask import asked
from services.insights.why.source import Explained, explain
from services.kit.errors import Invalid
from services.query.service import query
from tests.conftest import Served, Suite
from tests.integration.history import Happened, commit
from tests.polling import until
from tidemark.records import AckMode
from tidemark.v1 import event_pb2
from tidemark.v1 import insight_pb2 as pb
from tidemark.v1 import question_pb2 as q
from tidemark.v1.rule_pb2 import Judgement

NOW = datetime.now(UTC).replace(second=0, microsecond=0)
HOUR, MINUTE, WEEK = timedelta(hours=1), timedelta(minutes=1), timedelta(days=7)
AFTER = NOW - 2 * HOUR
"""The change is in the hour from here on; a week before it nothing had happened yet."""
COUNTRIES, DEVICES = ("DE", "FR", "US", "GB"), ("phone", "desktop")
NUMBERS = {"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]}


def request(**changes: Any) -> pb.ExplainChangeRequest:
    measure = q.Measure(name="order_placed", aggregation=q.AGGREGATION_COUNT)
    made = pb.ExplainChangeRequest(**{"measure": measure} | changes)
    if not made.HasField("after"):
        made.after.start.FromDatetime(AFTER)
        made.after.end.FromDatetime(AFTER + HOUR)
    return made


async def answered(served: Served, **changes: Any) -> Explained:
    reader = Query(served.resources.settings, served.resources.pool)
    return await explain(reader, "projects/demo", asked(request(**changes), "UTC", datetime.now(UTC)))


def orders(
    rng: np.random.Generator, start: datetime, count: int, keep: Callable[[dict[str, Any]], bool]
) -> list[Happened]:
    """Orders of an hour, but for those that are not kept."""
    found = []
    for number in range(count):
        properties = {
            "country": str(rng.choice(COUNTRIES, p=(0.4, 0.3, 0.2, 0.1))),
            "device": str(rng.choice(DEVICES, p=(0.7, 0.3))),
            "order": f"{start:%H%M}-{number}",
            "amount": float(rng.integers(1, 50)),
        }
        if keep(properties):
            found.append(Happened(start + HOUR * number / count, properties=properties))
    return found


def send(
    connection: psycopg.Connection[Any],
    rows: list[Happened],
    producer: str,
    late: timedelta = timedelta(),
) -> None:
    """Commits rows minute by minute, as they happened."""
    by_minute: dict[datetime, list[Happened]] = {}
    for row in rows:
        by_minute.setdefault(row.at.replace(second=0, microsecond=0), []).append(row)
    for minute, mine in by_minute.items():
        commit(connection, mine, producer_id=producer, received_at=minute + late)


def everything(properties: dict[str, Any]) -> bool:
    return True


async def test_the_segment_that_changed_is_told_first(suite: Suite) -> None:
    async with suite(query, admin) as served:
        rng = np.random.default_rng(1)
        with psycopg.connect(served.resources.settings.database_url, autocommit=True) as connection:
            for weeks in (2, 1):
                send(connection, orders(rng, AFTER - weeks * WEEK, 900, everything), "shop")
            kept = orders(rng, AFTER, 900, lambda each: each["country"] != "FR" or rng.uniform() < 0.2)
            send(connection, [*orders(rng, AFTER - HOUR, 900, everything), *kept], "shop")
        told = await answered(served)
        assert told.after < 0.85 * told.before
        first = told.contributions[0]
        assert (list(first.fields), list(first.values)) == (["properties.country"], ["FR"])
        assert first.share == pytest.approx(1, abs=0.3)
        assert first.lift > 2
        assert told.cause == pb.CAUSE_BUSINESS_CHANGE
        assert not any("properties.order" in each.fields for each in told.contributions)
        summed = q.Measure(name="order_placed", aggregation=q.AGGREGATION_SUM, field="properties.amount")
        of_amounts = await answered(served, measure=summed, fields=["properties.country"])
        assert list(of_amounts.contributions[0].values) == ["FR"]
        mean = q.Measure(name="order_placed", aggregation=q.AGGREGATION_AVG, field="properties.amount")
        of_means = await answered(served, measure=mean, fields=["properties.country"], top=100)
        assert 20 < of_means.before < 30
        assert sum(each.share for each in of_means.contributions) <= 1.001
        assert of_means.cause == pb.CAUSE_UNSPECIFIED


async def test_a_silent_producer_makes_a_data_incident_and_a_smaller_demand_does_not(suite: Suite) -> None:
    async with suite(query, admin) as served:
        rng = np.random.default_rng(2)
        with psycopg.connect(served.resources.settings.database_url, autocommit=True) as connection:
            for start in (AFTER - WEEK, AFTER - HOUR):
                send(connection, orders(rng, start, 600, everything), "web")
                send(connection, orders(rng, start, 400, everything), "app")
            send(connection, orders(rng, AFTER, 600, everything), "web")
            send(connection, orders(rng, AFTER, 100, everything)[:25], "app")
            send(connection, orders(rng, AFTER + HOUR, 200, everything), "web")
            send(connection, orders(rng, AFTER + HOUR, 150, everything), "app")
            send(connection, orders(rng, AFTER - WEEK + HOUR, 600, everything), "web")
            send(connection, orders(rng, AFTER - WEEK + HOUR, 400, everything), "app")
        told = await answered(served)
        (fact,) = (each for each in told.facts if each.kind == pb.PipelineFact.KIND_SILENT_PRODUCER)
        assert (fact.subject, fact.link) == ("app", "/data/producers")
        assert fact.share > 0.6
        assert fact.start_time.ToDatetime(UTC) >= AFTER + 10 * MINUTE
        assert told.cause == pb.CAUSE_DATA_INCIDENT
        later = q.TimeRange()
        later.start.FromDatetime(AFTER + HOUR)
        later.end.FromDatetime(AFTER + 2 * HOUR)
        less = await answered(served, after=later)
        assert less.after < 0.5 * less.before
        assert less.cause == pb.CAUSE_BUSINESS_CHANGE


async def test_dead_letters_of_a_new_schema_make_a_data_incident(suite: Suite) -> None:
    async with suite(ingest, writer, query, admin) as served:
        address = f"127.0.0.1:{served.port}"
        async with tidemark.Client(
            address, address, key=served.secrets["admin"], ack_mode=AckMode.COMMITTED
        ) as sdk:
            began = datetime.now(UTC)
            for number in range(200):
                at = began - 2 * HOUR + number * timedelta(seconds=15)
                sdk.track("order_placed", properties={"amount": number}, occurred_at=at)
            await sdk.flush()
            await sdk.schemas.create("order_placed", NUMBERS, enforcement="dead_letter")
            await until(partial(_judged, sdk), 20.0)
            for number in range(200):
                amount: Any = number if number % 4 == 0 else str(number)
                sdk.track("order_placed", properties={"amount": amount})
            await sdk.flush()
        spans = {name: q.TimeRange() for name in ("before", "after")}
        spans["before"].start.FromDatetime(began - 2 * HOUR)
        spans["before"].end.FromDatetime(began - HOUR)
        spans["after"].start.FromDatetime(began - HOUR)
        spans["after"].end.FromDatetime(datetime.now(UTC) + MINUTE)
        told = await answered(served, **spans)
        kinds = {each.kind: each for each in told.facts}
        letters = kinds[pb.PipelineFact.KIND_DEAD_LETTERS]
        assert letters.text.startswith("150 events of order_placed were set aside")
        assert letters.share > 0.9
        assert told.cause == pb.CAUSE_DATA_INCIDENT
        changed = kinds[pb.PipelineFact.KIND_DEFINITION_CHANGED]
        assert changed.text == "the schema went from version 0 to 1"


async def test_a_project_without_events_has_nothing_to_explain(suite: Suite) -> None:
    async with suite(query, admin) as served:
        told = await answered(served)
        assert (told.before, told.after, told.cause) == (0, 0, pb.CAUSE_UNSPECIFIED)
        assert not told.contributions
        assert not told.facts
        with pytest.raises(Invalid, match=r"fields: names a field twice"):
            await answered(served, fields=["properties.a", "properties.a"])


async def _judged(sdk: tidemark.Client) -> bool:
    """Whether ingest knows the schema."""
    event = event_pb2.Event(
        event_id=bytes(16),
        type=event_pb2.EVENT_TYPE_USER_ACTION,
        name="order_placed",
        properties_json=b'{"amount":"5"}',
    )
    event.occurred_at.GetCurrentTime()
    (trial,) = await sdk.validate([event])
    return trial.judgement.outcome == Judgement.OUTCOME_DEAD_LETTERED
