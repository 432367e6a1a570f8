"""One schema and one rule for the benchmark of the write path: every event goes through the rule, those of one name through the schema."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from benchmarks.harness import Bench
from tidemark import Client
from tidemark.v1 import rule_pb2
from tidemark.v1.event_pb2 import EVENT_TYPE_USER_ACTION, Event

NAME = "order_placed"
_PATIENCE_SECONDS = 10.0
_DOCUMENT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "path": {"type": "string", "pattern": "^/"},
        "referrer": {"enum": ["search", "mail", "direct", "partner"]},
        "amount": {"type": "number", "minimum": 0},
        "currency": {"type": "string", "minLength": 3, "maxLength": 3},
        "items": {"type": "integer", "minimum": 1},
        "member": {"type": "boolean"},
        "channel": {"type": "string"},
    },
    "required": ["path", "amount", "currency", "channel"],
    "additionalProperties": False,
}
_CHANNELS = {"search": "organic", "mail": "owned", "partner": "paid"}


@contextmanager
def active(stack: Bench) -> Iterator[None]:
    """A schema and a rule of the project, in effect for as long as the context lasts."""
    asyncio.run(_define(stack))
    yield
    asyncio.run(_forget(stack))


async def _define(stack: Bench) -> None:
    rule = rule_pb2.Rule(rule_id="channel", on_failure=rule_pb2.Rule.FAILURE_DEAD_LETTER)
    rule.look_up.field, rule.look_up.to = "properties.referrer", "properties.channel"
    for referrer, channel in _CHANNELS.items():
        rule.look_up.table[referrer].string_value = channel
    rule.look_up.otherwise.string_value = "direct"
    async with _client(stack) as client:
        await client.rules.update([rule])
        await client.schemas.create(NAME, _DOCUMENT, enforcement="dead_letter")
        await _until(client, rules_version=1, schema_version=1)


async def _forget(stack: Bench) -> None:
    async with _client(stack) as client:
        await client.rules.update([])
        schema = await client.schemas.of(NAME)
        assert schema is not None
        await client.schemas.delete(schema.name)
        await _until(client, rules_version=2, schema_version=0)


@asynccontextmanager
async def _client(stack: Bench) -> AsyncIterator[Client]:
    address, key = stack.suite.members["ingest"].address, stack.suite.keys["TIDEMARK_PROJECT_ADMIN_KEY"]
    async with Client(address, address, key=key, project="projects/demo") as client:
        yield client


async def _until(client: Client, *, rules_version: int, schema_version: int) -> None:
    """Returns when the server judges by these versions."""
    probe = Event(event_id=bytes(16), type=EVENT_TYPE_USER_ACTION, name=NAME, properties_json=b"{}")
    probe.occurred_at.FromSeconds(1)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        (trial,) = await client.validate([probe])
        judgement = trial.judgement
        if (judgement.rules_version, judgement.schema_version) == (rules_version, schema_version):
            return
        await asyncio.sleep(0.1)
    raise RuntimeError("the schema and the rule did not come into effect")
