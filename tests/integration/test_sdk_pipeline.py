"""The data pipeline through the client and the command line, on servers in this process."""

import asyncio
import json
from contextlib import aclosing
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import tidemark
from services.admin.service import admin
from services.ingest.service import ingest, writer
from services.query.service import query
from tests.conftest import Served, Suite
from tests.polling import until
from tidemark import cli, errors, questions, rules
from tidemark.records import AckMode, EventType
from tidemark.v1 import event_pb2
from tidemark.v1.retention_pb2 import Erasure
from tidemark.v1.rule_pb2 import Judgement, Rule

NUMBERS = {"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]}
SOON = 20.0


def client(served: Served, key: str = "admin") -> tidemark.Client:
    """A client whose flush means committed."""
    address = f"127.0.0.1:{served.port}"
    return tidemark.Client(address, address, key=served.secrets[key], ack_mode=AckMode.COMMITTED)


async def applied(sdk: tidemark.Client, event: event_pb2.Event, outcome: int) -> None:
    """Returns once ingest judges the event as it should: a change takes effect within a second."""

    async def judged() -> bool:
        (trial,) = await sdk.validate([event])
        return trial.judgement.outcome == outcome

    await until(judged, SOON)


def order(amount: str) -> event_pb2.Event:
    event = event_pb2.Event(
        event_id=bytes(16), type=1, name="order", properties_json=f'{{"amount":{amount}}}'.encode()
    )  # type: ignore[arg-type]
    event.occurred_at.GetCurrentTime()
    return event


async def test_a_schema_sets_events_aside_and_a_patch_brings_them_back(suite: Suite) -> None:
    async with suite(ingest, writer, query, admin) as served, client(served) as sdk:
        made = await sdk.schemas.create("order", NUMBERS, enforcement="dead_letter")
        assert (made.name, made.version) == ("projects/demo/schemas/order", 1)
        await applied(sdk, order('"5"'), Judgement.OUTCOME_DEAD_LETTERED)
        good = sdk.track("order", user_id="ann", properties={"amount": 1.5})
        bad = sdk.track("order", user_id="bob", properties={"amount": "7"})
        await sdk.flush()
        (cluster,) = await sdk.dead_letters.clusters()
        assert (cluster.count, cluster.field, cluster.event_name) == (1, "properties.amount", "order")
        patch = Rule(cast={"field": "properties.amount", "to": "TYPE_NUMBER"})
        which: Any = {"signature": cluster.signature}
        foreseen = await sdk.dead_letters.repair([patch], **which)
        assert (foreseen.recovered_count, foreseen.failed_count) == (1, 0)
        assert [each async for each in sdk.dead_letters.all()]
        done = await sdk.dead_letters.repair([patch], validate_only=False, **which)
        assert done.recovered_count == 1
        assert [each async for each in sdk.dead_letters.all()] == []
        stored = {
            each.event_id.bytes: each.properties["amount"] async for each in sdk.events("order", last="1h")
        }
        assert stored == {good: 1.5, bad: 7}
        account = await sdk.ledger(last="1h")
        assert account.balanced
        assert (account.total.stored, account.total.dead_lettered) == (2, 0)
        ways = (await sdk.pipeline.lineage(bad)).events
        assert [(way.batch.source, way.schema_version) for way in ways] == [("repair", 1)]
        (quality,) = [each async for each in sdk.pipeline.events(last="1h")]
        assert (quality.event_name, quality.count, quality.violation_count) == ("order", 2, 1)


async def test_schemas_are_proposed_changed_and_deleted(suite: Suite) -> None:
    async with suite(ingest, writer, query, admin) as served, client(served) as sdk:
        for amount in (1, 2.5):
            sdk.track("order", properties={"amount": amount})
        await sdk.flush()
        proposal = await sdk.schemas.infer("order", last="1h")
        assert json.loads(proposal.schema.document)["properties"]["amount"]["type"] == "number"
        made = await sdk.schemas.create("order", proposal.schema.document, compatibility="backward")
        with pytest.raises(errors.Refused):
            await sdk.schemas.update("order", NUMBERS | {"required": ["amount", "currency"]})
        changed = await sdk.schemas.update("order", enforcement="reject", etag=made.etag)
        assert (changed.version, changed.document) == (2, made.document)
        assert [each.version async for each in sdk.schemas.versions("order")] == [2, 1]
        assert await sdk.schemas.of("order") == changed
        await sdk.schemas.delete("order")
        assert await sdk.schemas.of("order") is None


async def test_rules_are_tried_saved_and_restored(suite: Suite) -> None:
    async with suite(ingest, writer, query, admin) as served, client(served) as sdk:
        sdk.track("signup", properties={"email": "ann@example.com"})
        await sdk.flush()
        mask = Rule(rule_id="mail", mask={"field": "properties.email", "keep_last": 4})
        tried = await sdk.rules.attempt([mask], event_name="signup")
        assert json.loads(tried.trials[0].after.properties_json)["email"].endswith("*.com")
        first = await sdk.rules.update([mask])
        await applied(
            sdk,
            event_pb2.Event.FromString(tried.trials[0].before.SerializeToString()),
            Judgement.OUTCOME_STORED,
        )
        read = await sdk.rules.get()
        assert rules.parsed(rules.to_json(read)).rules == first.rules
        second = await sdk.rules.update([])
        assert (second.version, [each.version async for each in sdk.rules.versions()]) == (2, [2, 1])
        with pytest.raises(errors.Conflict):
            await sdk.rules.update(read)


async def test_a_window_is_a_question_too(suite: Suite) -> None:
    async with suite(ingest, writer, query, admin) as served, client(served) as sdk:
        made = await sdk.windows.create(
            "Orders",
            event_names=["order"],
            size="1m",
            aggregates={"n": "count", "revenue": "sum properties.amount"},
        )
        for amount in (1, 2):
            sdk.track("order", properties={"amount": amount})
        await sdk.flush()
        results = [each async for each in sdk.windows.results("orders")]
        assert sum(each.values[1] for each in results) == 3
        answer = await sdk.query(questions.window(made.name, last="1h"))
        assert {line.measure: line.total for line in answer.lines} == {"n": 2, "revenue": 3}  # type: ignore[union-attr]
        await sdk.windows.delete("orders")
        with pytest.raises(errors.NotFound):
            await sdk.windows.get("orders")


async def test_critical_events_are_followed_and_people_erased(suite: Suite) -> None:
    async with suite(ingest, writer, query, admin) as served, client(served) as sdk:
        async with aclosing(sdk.watch_critical(since="1m")) as events:
            sdk.track("denied", type=EventType.SECURITY_EVENT, user_id="eve")
            seen = await asyncio.wait_for(anext(events), SOON)
        assert (seen.name, seen.user_id) == ("denied", "eve")
        await sdk.flush()
        assert [each.producer_id async for each in sdk.pipeline.producers()] == [
            f"{sdk.producer_id}.critical"
        ]
        kept = await sdk.privacy.retain(raw_days=400)
        assert (kept.raw_days, (await sdk.privacy.retention()).raw_days) == (400, 400)
        with pytest.raises(ValueError, match="eternity_days: is no retention"):
            await sdk.privacy.retain(eternity_days=1)
        certificate = await asyncio.wait_for(sdk.privacy.erase("eve"), SOON)
        assert certificate.state == Erasure.STATE_COMPLETE
        assert {part.place: part.count for part in certificate.parts}["events"] == 1
        assert [each async for each in sdk.events(last="1h")] == []


async def test_the_command_line_does_the_same(
    suite: Suite, tmp_path: Path, capsys: Any, monkeypatch: Any
) -> None:
    async with suite(ingest, writer, query, admin) as served, client(served) as sdk:
        address = f"127.0.0.1:{served.port}"
        for name, value in (
            ("KEY", served.secrets["admin"]),
            ("INGEST_ADDRESS", address),
            ("QUERY_ADDRESS", address),
        ):
            monkeypatch.setenv(f"TIDEMARK_{name}", value)

        async def run(*arguments: str, code: int = 0) -> str:
            assert await asyncio.to_thread(cli.main, arguments) == code
            return str(capsys.readouterr().out)

        schema, patch, events = tmp_path / "schema.json", tmp_path / "patch.json", tmp_path / "events.jsonl"
        schema.write_text(json.dumps(NUMBERS))
        patch.write_text('{"rules": [{"cast": {"field": "properties.amount", "to": "TYPE_NUMBER"}}]}')
        events.write_text('{"name": "order", "properties": {"amount": "7"}}\n')
        assert "version 1" in await run(
            "schemas", "put", "order", str(schema), "--enforcement", "dead_letter"
        )
        assert "version 2" in await run(
            "schemas", "put", "order", str(schema), "--enforcement", "dead_letter"
        )
        assert "dead letter" in await run("schemas", "list")
        await applied(sdk, order('"5"'), Judgement.OUTCOME_DEAD_LETTERED)
        assert "properties.amount" in await run("validate", str(events), code=1)
        bad = sdk.track("order", properties={"amount": "7"})
        await sdk.flush()
        assert "properties.amount" in await run("letters", "clusters")
        assert "1 of 1 would be recovered" in await run("letters", "repair", "--patch", str(patch))
        assert "1 would be given up" in await run("letters", "discard")
        assert "1 of 1 recovered" in await run("letters", "repair", "--patch", str(patch), "--yes")
        assert await run("letters", "list") == "none\n"
        assert "repair" in await run("lineage", str(UUID(bytes=bad)))
        assert "order" in await run("quality", "--last", "1h")
        assert "amount" in await run("quality", "order", "--last", "1h")
        assert sdk.producer_id in await run("producers", "--format", "json")
        assert "orders" in await run("windows", "create", "Orders", "--size", "1m", "--measure", "n=count")
        assert "tumbling" in await run("windows", "list")
        assert "version 1" in await run("rules", "put", str(_rules(tmp_path)))
        assert "drop" in await run("rules", "get")
        assert "20" in await run("retention", "set", "--raw-days", "20")
        assert "would be removed" in await run("erase", "ann", code=1)
        assert "complete" in await run("erase", "ann", "--yes")


def _rules(folder: Path) -> Path:
    path = folder / "rules.json"
    path.write_text('{"rules": [{"rule_id": "one", "drop": {"field": "properties.secret"}}]}')
    return path
