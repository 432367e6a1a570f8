"""ModelService through the SDK, on a real database: what people did is learnt from, tested on later time, predicted and watched."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pytest

import tidemark
from services.admin.service import admin
from services.ingest.service import ingest, writer
from services.insights.models.servicer import Models
from services.insights.models.source import Source
from services.insights.models.store import Store
from services.insights.models.worker import Trainer, Watcher
from services.insights.source import Query
from services.kit.service import Resources, Service, Servicer
from services.query.service import query
from tests.conftest import Served, Suite
from tests.polling import until
from tidemark import cli, errors
from tidemark.models import churn, comeback, conversion, outcome
from tidemark.operations import Operation
from tidemark.records import AckMode
from tidemark.v1 import model_pb2 as pb
from tidemark.v1.model_pb2_grpc import add_ModelServiceServicer_to_server

DAY = timedelta(days=1)
SOON = 60.0


def sdk(served: Served) -> tidemark.Client:
    """A client whose flush means committed."""
    address = f"127.0.0.1:{served.port}"
    return tidemark.Client(
        address, address, insights=address, key=served.secrets["admin"], ack_mode=AckMode.COMMITTED
    )


async def models(resources: Resources) -> Service:
    """What the target insights does about models."""
    pool, draining = resources.pool, resources.draining
    store, source = Store(pool), Source(Query(resources.settings, pool))
    return Service(
        servicers=[Servicer(add_ModelServiceServicer_to_server, Models(store, source))],
        workers=[
            Trainer(pool, store, source, draining).run,
            Watcher(store, source, draining, resources.settings.model_seconds).run,
        ],
    )


@asynccontextmanager
async def learning(suite: Suite, **changes: object) -> AsyncIterator[tidemark.Client]:
    """A client of all that models need."""
    async with suite(ingest, writer, query, admin, models, **changes) as served, sdk(served) as client:
        yield client


def visits(people: int, days: int, now: datetime) -> pa.Table:
    """People who come the oftener the keener they are, until one day they are gone for good."""
    random = np.random.default_rng(7)
    users, times, amounts = [], [], []
    for i in range(people):
        keen = random.uniform(0.05, 0.7)
        gone = random.geometric(0.004 + 0.03 * (1 - keen))
        for day in range(min(days, gone)):
            if random.random() < keen:
                users.append(f"user-{i:03}")
                times.append(now - (days - day) * DAY + timedelta(seconds=float(random.uniform(0, 86_000))))
                amounts.append(round(float(random.gamma(2, 10)), 2))
    return pa.table(
        {
            "name": ["visit"] * len(users),
            "user_id": users,
            "occurred_at": pa.array(times, pa.timestamp("us", "UTC")),
            "properties": [f'{{"amount":{amount}}}' for amount in amounts],
        }
    )


def offers(count: int, start: datetime, end: datetime, *, turned: bool, seed: int) -> pa.Table:
    """Offers of which those of a low price are taken, or, when the world has turned, those of a high one, and prices have risen."""
    random = np.random.default_rng(seed)
    prices = random.normal(50 if turned else 20, 5, count)
    cheap = prices < (50 if turned else 20)
    taken = np.where(random.random(count) < 0.1, ~cheap, cheap) != turned
    span = (end - start) / count
    return pa.table(
        {
            "name": ["offer"] * count,
            "user_id": [f"buyer-{seed}-{i}" for i in range(count)],
            "occurred_at": pa.array([start + i * span for i in range(count)], pa.timestamp("us", "UTC")),
            "properties": [
                f'{{"price":{price:.2f},"kind":"{kind}","taken":{str(bool(yes)).lower()}}}'
                for price, kind, yes in zip(prices, random.choice(["a", "b"], count), taken, strict=True)
            ],
        }
    )


async def test_who_will_be_gone_is_learnt_and_told(suite: Suite) -> None:
    now = datetime.now(UTC)
    async with learning(suite) as client:
        await client.publish(visits(300, 120, now))
        await client.flush()
        made = await client.models.create(
            "Churn", churn("visit", window="14d", active_within="30d"), history="60d",
            sum_fields=["properties.amount"], cuts=5,
        )  # fmt: skip
        assert made.name == "projects/demo/models/churn"
        assert not made.serving_version
        with pytest.raises(errors.Refused) as refused:
            await client.models.page("churn")
        assert refused.value.reason == "NOT_TRAINED"

        seen: list[Operation] = []
        version = await client.models.train("churn", on_progress=seen.append)
        assert seen[-1].done
        assert seen[-1].progress == 1
        assert version.name == f"{made.name}/versions/1"
        assert version.state == pb.ModelVersion.STATE_SERVING
        assert version.metrics.auc > 0.6
        assert version.metrics.majority_accuracy >= 0.5
        assert {each.algorithm for each in version.candidates} == {1, 2, 3, 4}
        # The windows of what it has learnt from were over before the first point of the test.
        learnt_until = version.train_end.ToDatetime(UTC) + 14 * DAY
        assert learnt_until <= version.test_start.ToDatetime(UTC) + timedelta(microseconds=1)
        assert len(version.data_sha256) == len(version.model_sha256) == 64

        again = await client.models.train("churn", shadow=True)
        assert again.state == pb.ModelVersion.STATE_SHADOW
        assert again.model_sha256 == version.model_sha256
        assert again.metrics == version.metrics

        page = await client.models.page("churn", page_size=5)
        scores = [each.score for each in page.rows]
        assert scores == sorted(scores, reverse=True)
        assert all(each.lower <= each.score <= each.upper for each in page.rows)
        everybody = [each async for each in client.models.predict("churn")]
        assert len(everybody) == page.total > 5
        second = await client.models.page("churn", page_size=5, page_token=page.next_page_token)
        assert [each.user_id for each in (*page.rows, *second.rows)] == [
            each.user_id for each in everybody[:10]
        ]
        one = everybody[0].user_id
        assert [each.user_id for each in (await client.models.page("churn", [one, "nobody"])).rows] == [one]

        # What was committed a moment ago counts: whoever has just been there is less likely to be gone.
        client.track("visit", user_id=one, properties={"amount": 10})
        await client.flush()
        (fresh,) = (await client.models.page("churn", [one])).rows
        assert fresh.point > everybody[0].point
        assert fresh.score != everybody[0].score

        promoted = await client.models.promote("churn", 2)
        assert promoted.state == pb.ModelVersion.STATE_SERVING
        assert [each.state for each in await client.models.versions("churn")] == [
            pb.ModelVersion.STATE_SERVING, pb.ModelVersion.STATE_RETIRED
        ]  # fmt: skip
        await client.models.delete("churn")
        assert await client.models.all() == []
        with pytest.raises(errors.NotFound):
            await client.models.version("churn", 1)


async def test_every_target_can_be_learnt(suite: Suite) -> None:
    now = datetime.now(UTC)
    async with learning(suite) as client:
        await client.publish(visits(300, 120, now))
        await client.flush()
        for title, target in (
            ("Back", comeback("visit", window="3d")),
            ("Buys", conversion("visit where properties.amount > 30", window="7d", eligible_within="30d")),
            ("Again", outcome("visit", did="visit", window="2d")),
        ):
            model = await client.models.create(title, target, history="60d")
            version = await client.models.train(model.name)
            assert version.metrics.count >= 30, title
            assert 0.5 < version.metrics.auc <= 1, title
        # Who was there within the last days has not stopped.
        back = [each.user_id async for each in client.models.predict("back")]
        there = {each.user_id async for each in client.people("visit", last="3d")}
        assert back
        assert not there & set(back)


async def test_what_is_missing_is_said(suite: Suite) -> None:
    now = datetime.now(UTC)
    async with learning(suite) as client:

        async def reason(title: str, target: Any, **options: Any) -> str:
            model = await client.models.create(title, target, **options)
            with pytest.raises(errors.Error) as caught:
                await client.models.train(model.name)
            return caught.value.reason

        assert await reason("Nothing", churn(window="7d")) == "TOO_FEW_ROWS"
        await client.publish(offers(300, now - 30 * DAY, now, turned=False, seed=1))
        await client.flush()
        taken = outcome("offer", field="properties.taken", without_history=True)
        assert await reason("No feature", taken, fields=["properties.nothing"]) == "NO_FEATURES"
        one = outcome("offer where properties.taken = true", field="properties.taken")
        assert await reason("One class", one, fields=["properties.price"]) == "ONE_CLASS_ONLY"
        unknown = outcome("offer", field="properties.nothing")
        assert await reason("Unknown", unknown, fields=["properties.price"]) == "OUTCOMES_UNKNOWN"
        few = outcome("offer", field="properties.taken", without_history=True)
        late = now - timedelta(hours=1)
        assert await reason("Few", few, fields=["properties.price"], test_start=late) == "TOO_FEW_ROWS"
        bad = await client.models.create("Bad", taken, fields=["properties.price"])
        assert bad.fields == ["properties.price"]


async def test_a_training_outlives_its_process_and_can_be_cancelled(suite: Suite, database: str) -> None:
    now = datetime.now(UTC)
    async with learning(suite) as client:
        await client.publish(offers(400, now - 30 * DAY, now, turned=False, seed=1))
        await client.flush()
        taken = outcome("offer", field="properties.taken", without_history=True)
        await client.models.create("Offers", taken, fields=["properties.price", "properties.kind"], folds=5)
        with psycopg.connect(database, autocommit=True, options="-c search_path=tidemark") as connection:
            # As a process leaves it that dies while it trains.
            connection.execute(
                "ALTER TABLE operations ALTER leased_until SET DEFAULT now() + interval '1 second'"
            )
            connection.execute("ALTER TABLE operations ALTER owner SET DEFAULT 'a process that is gone'")
            begun = await client.models.begin("offers")
            ended = await client.operations.wait(begun.name)
            assert ended.result(pb.ModelVersion).metrics.auc > 0.8
            connection.execute(
                "ALTER TABLE operations ALTER leased_until SET DEFAULT now() + interval '1 hour'"
            )
            begun = await client.models.begin("offers")
            await client.operations.cancel(begun.name)
            connection.execute("UPDATE operations SET leased_until = now() WHERE ended_at IS NULL")
            ended = await client.operations.wait(begun.name)
        assert isinstance(ended.error, errors.Error)
        assert len(await client.models.versions("offers")) == 1


async def test_a_world_that_turns_is_noticed_and_learnt_anew(suite: Suite) -> None:
    now = datetime.now(UTC)
    turn = now - 40 * DAY
    async with learning(suite, model_seconds=0.2) as client:
        await client.publish(offers(1200, now - 140 * DAY, turn, turned=False, seed=1))
        await client.flush()
        taken = outcome("offer", field="properties.taken", without_history=True)
        await client.models.create(
            "Offers", taken, fields=["properties.price", "properties.kind"], retrain=True, step="10d",
            test_start=now - 100 * DAY, test_end=now - 80 * DAY,
        )  # fmt: skip
        first = await client.models.train("offers")
        assert first.metrics.auc > 0.8

        async def windows(count: int) -> pb.GetModelHealthResponse | None:
            health = await client.models.health("offers")
            return health if len(health.windows) >= count else None

        stable = await until(lambda: windows(3), SOON)
        assert stable is not None
        assert not stable.alarm
        assert not any(each.loss_alarm for each in stable.windows)

        await client.publish(offers(600, turn, now - 20 * DAY, turned=True, seed=2))
        await client.flush()

        async def trained() -> list[pb.ModelVersion]:
            return [each for each in await client.models.versions("offers") if each.name.endswith("/2")]

        (challenger,) = await until(trained, SOON)
        assert challenger.state == pb.ModelVersion.STATE_SHADOW
        assert "drifted" in challenger.reason
        alarmed = await client.models.health("offers")
        assert alarmed.alarm
        assert any(each.drifted and each.feature == "properties.price" for each in alarmed.drift)

        # The next window whose outcomes are known tells which of the two is better.
        await client.publish(offers(600, now - 20 * DAY, now, turned=True, seed=3))
        await client.flush()

        async def promoted() -> bool:
            return (await client.models.get("offers")).serving_version == challenger.name

        assert await until(promoted, SOON)
        await asyncio.gather(*(client.models.promote("offers", 1) for _ in range(2)))
        assert (await client.models.get("offers")).serving_version == first.name


async def test_the_command_line_learns_and_tells(suite: Suite, capsys: Any, monkeypatch: Any) -> None:
    now = datetime.now(UTC)
    async with learning(suite) as client:
        await client.publish(offers(400, now - 30 * DAY, now - DAY, turned=False, seed=1))
        for user, price in (("cheap", 5), ("dear", 60)):
            client.track("offer", user_id=user, properties={"price": price, "kind": "a"})
        await client.flush()
        address = client._query_address
        for name, value in (
            ("KEY", client._metadata[0][1].removeprefix("Bearer ")),
            ("INGEST_ADDRESS", address),
            ("QUERY_ADDRESS", address),
            ("INSIGHTS_ADDRESS", address),
        ):
            monkeypatch.setenv(f"TIDEMARK_{name}", value)

        async def run(*arguments: str) -> str:
            assert await asyncio.to_thread(cli.main, ["models", *arguments]) == 0
            return str(capsys.readouterr().out)

        made = await run(
            "create", "Offers", "outcome", "--step", "offer", "--outcome", "properties.taken", "--alone",
            "--field", "properties.price", "--field", "properties.kind", "--folds", "3",
        )  # fmt: skip
        assert made.strip() == "projects/demo/models/offers"
        assert "nothing yet" in await run("list")
        trained = await run("train", "offers")
        assert "versions/1: serving" in trained
        assert "majority" in trained
        assert "lead" in await run("show", "offers")
        # Of offers those whose outcome is not known are predicted.
        told = await run("predict", "offers")
        assert told.index("cheap") < told.index("dear")
        assert "properties.price: 5" in told
        assert "2 of 2, by projects/demo/models/offers/versions/1" in told
        (line,) = (await run("versions", "offers", "--format", "json")).splitlines()
        assert json.loads(line)["state"] == "STATE_SERVING"
        assert await run("health", "offers")
        assert "serves" in await run("promote", "offers", "1")
        await run("delete", "offers")
        assert (await run("list")).strip() == "none"
