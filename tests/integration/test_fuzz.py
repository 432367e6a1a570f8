"""Whatever comes in, from callers or out of the log: nothing is INTERNAL, the ledger balances, and the next good batch is stored.

Messages are drawn from the contract's own descriptors by a generator with a fixed seed; `TIDEMARK_FUZZ_ROUNDS` asks for more.
"""

import json
import os
import random
import string
from collections import Counter
from typing import Any

import grpc.aio
import orjson
import psycopg
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from services.admin.service import admin
from services.gateway.lanes import segment
from services.ingest.service import ingest, writer
from services.kit.errors import Invalid
from services.kit.keys import log_key
from services.kit.settings import Settings
from services.query.service import query
from tests.conftest import Served, Suite
from tests.contract import rpcs
from tests.ingesting import (
    NOW_US,
    arrow_stream,
    entry_fields,
    entry_of_header,
    event,
    event_batch,
    point,
    point_batch,
    record_batch,
)
from tests.polling import until
from tidemark.v1 import ingest_pb2, letter_pb2, query_pb2, question_pb2, rule_pb2, schema_pb2

ROUNDS = int(os.environ.get("TIDEMARK_FUZZ_ROUNDS", "150"))
COMMITTED = ingest_pb2.ACK_MODE_COMMITTED
LEDGER = """
SELECT coalesce(bool_and(received = stored + duplicate + rejected + dead_lettered), true), coalesce(sum(stored), 0)
FROM tidemark.ledger
"""
ROWS = "SELECT (SELECT count(*) FROM tidemark.events) + (SELECT count(*) FROM tidemark.metric_points)"
INTEGERS = (
    0,
    1,
    2,
    3,
    4,
    60,
    3600,
    86_400,
    -1,
    2**31 - 1,
    -(2**31),
    2**53,
    2**63 - 1,
    -(2**63),
    NOW_US // 10**6,
)
RANGES = (
    dict.fromkeys((FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_SINT32), (1 - 2**31, 2**31))
    | dict.fromkeys((FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_FIXED32), (0, 2**32))
    | dict.fromkeys((FieldDescriptor.TYPE_UINT64, FieldDescriptor.TYPE_FIXED64), (0, 2**64))
)
"""The least number that a field holds and the first one beyond, of fields other than those of 64 bits with a sign."""
DOUBLES = (0.0, 0.5, 1.0, -1.0, 1e308, -1e308, 5e-324, float("nan"), float("inf"), float("-inf"))
TEXTS = (
    "", "clicked", "name", "type", "kind", "unit", "value", "user_id", "occurred_at", "observed_at", "properties.a",
    "properties.a.b", "properties.%s", "properties.%(p0)s", "context.{}", "tags.'\"", "properties.\\", "properties..", "0",
    "projects/demo", "projects/other", "projects/-", "projects/demo/keys/0", "UTC", "Europe/Berlin", "../../etc/passwd", "UTC+25",
    "2026-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "USER_ACTION", "GAUGE", "*", "display_name", "a\0b", "\U0010ffff", "x" * 600,
)  # fmt: skip
KEYS = (
    "properties.a", "properties.a.b", "properties.%s", "properties.%(p0)s", "properties.{}", "properties.'\"", "properties.\\",
    "properties..", "properties.0", "context.é", "context." + "x" * 480, "properties." + "." * 480,
)  # fmt: skip
PROPERTIES = (
    b"", b'{"a":1e-400}', b'{"a":1e400}', b'{"a":{"b":[1,null,true]}}', b'{"":{"":""}}', b'{"%s":"x","{}":-0.0}',
    b'{"a":"\xf0\x9f\x98\x80"}', b'{"a":1e308,"0":123456789012345678901234567890}', b'{"a":null,"a.b":5e-324}',
)  # fmt: skip
WRITES = {"CreateKey", "RevokeKey", "UpdateProject"}  # With these a round would change what the next may do.


class Chance:
    """Draws messages and bytes; the same ones in every run."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)

    def fill(self, message: Message, depth: int = 0) -> Any:
        """Gives a message values at random, mostly ones that mean something somewhere."""
        chosen: dict[str, FieldDescriptor] = {}
        for field in message.DESCRIPTOR.fields:
            oneof = field.containing_oneof
            chosen[oneof.name if oneof and self._draw.random() < 0.95 else field.name] = field
            if oneof and self._draw.random() < 0.5:
                chosen[oneof.name] = self._draw.choice(oneof.fields)
        for field in chosen.values():
            if self._draw.random() < (0.8 if depth < 4 else 0.3) and depth < 12:
                self._set(message, field, depth)
        return message

    def _set(self, message: Message, field: FieldDescriptor, depth: int) -> None:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            held = getattr(message, field.name)
            key = self._draw.choice(TEXTS)
            value = field.message_type.fields_by_name["value"]
            if value.message_type is None:
                held[key] = self._scalar(value)
            else:
                self.fill(held[key], depth + 1)
        elif field.is_repeated:
            for _ in range(self._draw.choice((0, 1, 1, 1, 2, 3))):
                if field.message_type is not None:
                    self.fill(getattr(message, field.name).add(), depth + 1)
                else:
                    getattr(message, field.name).append(self._scalar(field))
        elif field.message_type is not None:
            part = getattr(message, field.name)
            part.SetInParent()
            self.fill(part, depth + 1)
        else:
            setattr(message, field.name, self._scalar(field))

    def _scalar(self, field: FieldDescriptor) -> Any:
        draw = self._draw
        if field.type == FieldDescriptor.TYPE_STRING:
            return draw.choice(TEXTS) if draw.random() < 0.9 else "".join(draw.choices(string.printable, k=9))
        if field.type == FieldDescriptor.TYPE_BYTES:
            return draw.choice(
                (b"", draw.randbytes(16), b'{"a":{"b":1e-400}}', b'{"a":"\\u0000"}', draw.randbytes(40))
            )
        if field.type == FieldDescriptor.TYPE_BOOL:
            return draw.random() < 0.5
        if field.type == FieldDescriptor.TYPE_DOUBLE:
            return draw.choice(DOUBLES)
        if field.enum_type is not None:
            return draw.choice([*(value.number for value in field.enum_type.values), -1, 99])
        least, beyond = RANGES.get(field.type, (-(2**63), 2**63))
        return draw.choice([number for number in INTEGERS if least <= number < beyond])

    def question(self) -> query_pb2.RunQueryRequest:
        """A question in good form about odd fields, names and values."""
        draw = self._draw
        request = query_pb2.RunQueryRequest(project="projects/demo", page_size=draw.choice((0, 1, 5)))
        asks = request.query
        asks.time_zone = draw.choice(("", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia"))
        asks.time_range.start.FromMicroseconds(NOW_US - draw.choice((1, 10**6, 10**10, 10**12)))
        asks.time_range.end.FromMicroseconds(NOW_US + draw.choice((1, 10**6, 10**10, 10**12)))
        metrics = draw.random() < 0.3
        if draw.random() < 0.2:
            asks.events.filter.CopyFrom(self.filter(metrics=False))
            return request
        for _ in range(draw.randint(1, 3)):
            measure = asks.series.measures.add(
                source=2 if metrics else 1, aggregation=draw.randint(1, 8), quantile=draw.random()
            )
            measure.name = "cpu" if metrics else draw.choice(("", "clicked", "it's", "%s"))
            if not metrics and measure.aggregation not in (1, 6):
                measure.field = draw.choice(KEYS)
        if draw.random() < 0.5:
            asks.series.filter.CopyFrom(self.filter(metrics=metrics))
        asks.series.group_by.extend(
            draw.choices(("tags.é", "name", "kind") if metrics else (*KEYS, "type"), k=draw.randint(0, 3))
        )
        asks.series.top, asks.series.fill, asks.series.compare = (
            draw.choice((0, 1, 100)),
            draw.randint(0, 4),
            draw.randint(0, 1),
        )
        asks.series.interval.unit, asks.series.interval.count = draw.randint(4, 6), draw.choice((0, 1))
        return request

    def filter(self, *, metrics: bool, depth: int = 1) -> question_pb2.Filter:
        """A condition in good form."""
        draw, made = self._draw, question_pb2.Filter()
        if draw.random() < 0.4 and depth < 5:
            group = draw.choice((made.all, made.any)).filters
            group.extend(self.filter(metrics=metrics, depth=depth + 1) for _ in range(draw.randint(1, 3)))
        else:
            operator = draw.randint(1, 14)
            made.comparison.field = draw.choice(("tags.é", "tags.%s") if metrics else KEYS)
            made.comparison.operator = operator
            many = 0 if operator > 12 else draw.randint(1, 9) if operator in (3, 4) else 1
            for _ in range(many):
                number = 5 <= operator <= 8 or (operator < 5 and draw.random() < 0.5)
                value = made.comparison.values.add()
                if number:
                    value.number_value = draw.choice(DOUBLES[:7])
                else:
                    value.string_value = draw.choice([text for text in TEXTS if "\0" not in text])
        return made

    def coin(self) -> bool:
        """Heads or tails."""
        return self._draw.random() < 0.5

    def members(self) -> dict[str, object]:
        """What stands in the header of an entry, and should not."""
        names = (
            "project",
            "producer",
            "epoch",
            "sequence",
            "sent",
            "received",
            "accepted",
            "rejected",
            "crc",
            *("source", "rules", "schemas", "quality", "repairs"),
        )
        return {name: self._draw.choice((*INTEGERS, "x", "\0", None, 0.5, [], True)) for name in names}

    def damage(self, data: bytes) -> bytes:
        """Changes, cuts, repeats or inserts a few bytes."""
        changed = bytearray(data)
        for _ in range(self._draw.randint(1, 4)):
            at = self._draw.randrange(len(changed) + 1)
            match self._draw.randrange(4):
                case 0 if at < len(changed):
                    changed[at] = self._draw.randrange(256)
                case 1:
                    del changed[at : at + self._draw.randint(1, 8)]
                case 2:
                    changed[at:at] = changed[at : at + self._draw.randint(1, 40)]
                case _:
                    changed[at:at] = self._draw.randbytes(self._draw.randint(1, 8))
        return bytes(changed)


async def code_of(served: Served, rpc: Any, data: bytes, key: str) -> str:
    """The code under which a call with these bytes ends, of a stream once it has answered."""
    kind = f"{'stream' if rpc.client_streaming else 'unary'}_{'stream' if rpc.server_streaming else 'unary'}"
    call = getattr(served.channel, kind)(f"/{rpc.containing_service.full_name}/{rpc.name}")
    made = call(iter([data]) if rpc.client_streaming else data, metadata=served.key(key), timeout=20)
    try:
        if not rpc.server_streaming:
            await made
        elif await made.read() is grpc.aio.EOF:
            return str((await made.code()).name)
        made.cancel()
    except grpc.aio.AioRpcError as error:
        return str(error.code().name)
    return "OK"


def in_field(number: int, data: bytes) -> bytes:
    """Bytes as the field of a message, merged with what it holds already."""
    return bytes([number << 3 | 2, len(data) & 0x7F | 0x80, len(data) >> 7]) + data


def rpc_named(name: str) -> Any:
    (found,) = [rpc for rpc in rpcs() if rpc.name == name]
    return found


def assert_ledger_balances(settings: Settings) -> None:
    with psycopg.connect(settings.database_url) as connection:
        ((balances, stored),) = connection.execute(LEDGER).fetchall()
        assert balances
        assert connection.execute(ROWS).fetchall() == [(stored,)]


async def stored_after(served: Served, name: str) -> None:
    """A good batch is taken and committed."""
    request = ingest_pb2.PublishBatchRequest(batch=event_batch(event(999), name=name), ack_mode=COMMITTED)
    assert await code_of(served, rpc_named("PublishBatch"), request.SerializeToString(), "ingest") == "OK"


async def test_no_question_is_an_internal_error(suite: Suite) -> None:
    chance, codes = Chance(1), Counter[str]()
    async with suite(query) as served:
        for round_ in range(ROUNDS):
            request = chance.fill(query_pb2.RunQueryRequest(project="projects/demo"))
            request.project, request.page_token = (
                "projects/demo",
                request.page_token if round_ % 9 == 0 else "",
            )
            if round_ % 3:
                request.query.time_range.Clear()
                request.query.time_range.last.seconds = 3600
                request.query.time_zone = "Europe/Berlin"
            codes[await code_of(served, rpc_named("RunQuery"), request.SerializeToString(), "viewer")] += 1
    assert set(codes) <= {"OK", "INVALID_ARGUMENT", "NOT_FOUND"}, codes


async def test_questions_in_good_form_are_answered_whatever_they_name(suite: Suite) -> None:
    chance, codes = Chance(5), Counter[str]()
    events = [
        event(row, properties_json=text, name=name)
        for row, text in enumerate(PROPERTIES)
        for name in ("clicked", "it's")
    ]
    points = [
        point(value, tags={"é": text, "%s": ""})
        for value, text in ((1e308, "a"), (1e308, "'"), (-5e-324, "a"))
    ]
    async with suite(query, ingest, writer) as served:
        for name, request in (
            (
                "PublishBatch",
                ingest_pb2.PublishBatchRequest(batch=event_batch(*events, name="e"), ack_mode=COMMITTED),
            ),
            (
                "RecordMetricsBatch",
                ingest_pb2.RecordMetricsBatchRequest(
                    batch=point_batch(*points, name="p"), ack_mode=COMMITTED
                ),
            ),
        ):
            assert await code_of(served, rpc_named(name), request.SerializeToString(), "ingest") == "OK"
        for _ in range(ROUNDS):
            codes[
                await code_of(served, rpc_named("RunQuery"), chance.question().SerializeToString(), "viewer")
            ] += 1
    # Sums beyond the largest double are refused.
    assert set(codes) <= {"OK", "INVALID_ARGUMENT"}, codes
    assert codes["OK"] > ROUNDS / 2, codes


async def test_no_request_of_any_rpc_is_an_internal_error(suite: Suite) -> None:
    chance, codes = Chance(2), Counter[str]()
    async with suite(query, admin, ingest) as served:
        asked = [rpc for rpc in rpcs() if rpc.name not in WRITES]
        for round_ in range(ROUNDS):
            rpc = asked[round_ % len(asked)]
            request = chance.fill(rpc.input_type._concrete_class())
            if "ack_mode" in rpc.input_type.fields_by_name:
                request.ack_mode = ingest_pb2.ACK_MODE_DURABLE  # There is no writer here.
            codes[await code_of(served, rpc, request.SerializeToString(), "operator")] += 1
    assert "INTERNAL" not in codes, codes
    assert "UNKNOWN" not in codes, codes
    assert "DEADLINE_EXCEEDED" not in codes, codes


async def test_damaged_batches_harm_nobody(suite: Suite, settings: Settings) -> None:
    chance, codes = Chance(3), Counter[str]()
    columns, whole = event_batch(name="arrow", sequence=0), arrow_stream(record_batch(rows=3))
    batches = [
        ("PublishBatch", ingest_pb2.PublishBatchRequest(batch=event_batch(event(1), event(2), sequence=0))),
        (
            "RecordMetricsBatch",
            ingest_pb2.RecordMetricsBatchRequest(batch=point_batch(point(1.5), sequence=0)),
        ),
        ("PublishBatch", ingest_pb2.PublishBatchRequest(batch=columns)),
    ]
    row = event(3, user_id="ada", properties_json=b'{"a":{"b":1}}').SerializeToString()
    async with suite(ingest, writer) as served:
        for round_ in range(ROUNDS):
            name, request = batches[round_ % 3]
            columns.events_arrow = chance.damage(whole)
            batches[2][1].batch.CopyFrom(columns)
            data = request.SerializeToString()
            if round_ % 9 == 0:
                data = chance.damage(data)
            elif round_ % 3 == 0:
                data += in_field(2, in_field(2, chance.damage(row)))
            codes[await code_of(served, rpc_named(name), data, "ingest")] += 1
        await stored_after(served, "after")
    assert "INTERNAL" not in codes, codes
    assert "UNKNOWN" not in codes, codes
    assert_ledger_balances(settings)


async def test_damaged_entries_of_the_log_hold_nothing_up(suite: Suite, settings: Settings) -> None:
    chance = Chance(4)
    good = entry_fields(event(1), event(2), sequence=0)
    async with suite(ingest, writer) as served:
        for round_ in range(ROUNDS):
            fields = {name: chance.damage(value) if chance.coin() else value for name, value in good.items()}
            if round_ % 5 == 0:
                fields = entry_of_header(v=1 + round_ // 5 % 2, kind="events", **chance.members())
            await served.resources.redis.xadd(log_key(round_ % 8), fields)
        for number in range(8):
            await stored_after(served, f"after-{number}")

        async def is_read() -> bool:
            return not any([await served.resources.redis.xlen(log_key(partition)) for partition in range(8)])

        await until(is_read)
    assert_ledger_balances(settings)


_WORDS = st.sampled_from(
    ("type", "event", "batch", "messageId", "timestamp", "sentAt", "originalTimestamp", "userId", "anonymousId",
     "properties", "traits", "context", "library", "name", "track", "identify", "page", "2026-01-01T00:00:00Z", "")
)  # fmt: skip
_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | _WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_WORDS, inner, max_size=6),
    max_leaves=20,
)
_CALLS = st.fixed_dictionaries(
    {"batch": st.lists(st.dictionaries(_WORDS, _ANYTHING, max_size=8), max_size=4)},
    optional={"sentAt": _ANYTHING},
)


@given(
    body=_CALLS | _ANYTHING | st.binary(max_size=40),
    path=st.sampled_from((segment.BATCH, "/v1/track", "/v1/page")),
)
def test_calls_of_segment_are_read_or_refused_whatever_they_are(body: Any, path: str) -> None:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    try:
        calls = segment.read(path, text, NOW_US, b"salt")
    except Invalid:
        return
    assert len(calls.places) == len(calls.request.batch.events)
    ids = {event.event_id for event in calls.request.batch.events}
    assert len(ids) == len(calls.request.batch.events)


async def test_replays_of_whatever_was_set_aside_keep_the_ledger(suite: Suite, settings: Settings) -> None:
    """Rules and schemas set events aside, patches at random mend some of them, and the same is sent and repaired again and again."""
    chance, codes = random.Random(6), Counter[str]()
    rules = {
        "ruleId": "n",
        "cast": {"field": "properties.n", "to": "TYPE_NUMBER"},
        "onFailure": "FAILURE_DEAD_LETTER",
    }
    schema = schema_pb2.Schema(
        event_name="clicked",
        document='{"properties": {"n": {"type": "number", "maximum": 5}}, "required": ["n"]}',
        enforcement=schema_pb2.ENFORCEMENT_DEAD_LETTER,
    )
    values = (1, 5, 6, "7", "x", None, [], {"a": 1}, 1e308, True, "1")
    actions = (
        {"set": {"field": "properties.n", "value": 1}}, {"set": {"field": "properties.n", "expression": "1.0 / 0.0"}},
        {"drop": {"field": "properties.n"}}, {"rename": {"field": "properties.n", "to": "properties.m"}},
        {"cast": {"field": "properties.n", "to": "TYPE_STRING"}}, {"hash": {"field": "name"}},
        {"set": {"field": "name", "value": "other"}}, {"mask": {"field": "properties.n"}},
    )  # fmt: skip
    async with suite(ingest, writer) as served:

        async def ask(name: str, request: Message, key: str = "admin") -> None:
            codes[await code_of(served, rpc_named(name), request.SerializeToString(), key)] += 1

        made = ParseDict({"rules": [rules]}, rule_pb2.Rules(name="projects/demo/rules"))
        await ask("UpdateRules", rule_pb2.UpdateRulesRequest(rules=made))
        await ask(
            "CreateSchema",
            schema_pb2.CreateSchemaRequest(parent="projects/demo", schema_id="clicked", schema=schema),
        )
        for round_ in range(ROUNDS // 5):
            numbers = chance.sample(range(60), 8)
            events = [
                event(number, properties_json=orjson.dumps({"n": values[number % len(values)]}))
                for number in numbers
            ]
            batch = event_batch(*events, sequence=0, name=f"web-{round_ % 3}")
            publish = ingest_pb2.PublishBatchRequest(batch=batch, ack_mode=COMMITTED)
            await ask("PublishBatch", publish, "ingest")
            patches = [
                ParseDict(each | {"onFailure": chance.randrange(3)}, rule_pb2.Rule())
                for each in chance.choices(actions, k=chance.randrange(3))
            ]
            repair = letter_pb2.RepairDeadLettersRequest(parent="projects/demo", patches=patches)
            repair.validate_only = chance.random() < 0.2
            await ask("RepairDeadLetters", repair)
        await stored_after(served, "after")
        mend = letter_pb2.RepairDeadLettersRequest(parent="projects/demo")
        mend.patches.append(ParseDict(actions[0], rule_pb2.Rule()))
        await ask("RepairDeadLetters", mend)

        async def balanced() -> bool:
            async with served.resources.pool.connection() as connection:
                found = await connection.execute("SELECT count(*) FROM dead_letters WHERE state = 1")
                return await found.fetchone() == (0,)

        await until(balanced)
    assert set(codes) == {"OK"}, codes
    assert_ledger_balances(settings)
