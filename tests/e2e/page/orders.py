"""Orders that fit their schema, and such as break it: what the pages about the data show."""

from datetime import UTC, datetime

import tidemark
from tests.deployment import Tenant
from tests.e2e.page.boards import Happened, sent
from tests.polling import until
from tidemark.v1 import event_pb2, rule_pb2

NAME = "order_placed"
PRICE = {"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]}


def orders(number: int, *, broken: bool = False, name: str = NAME) -> list[Happened]:
    """So many orders; the broken ones have their amounts as texts."""
    amounts = [f"{10 + at}.5" if broken else 10.5 + at for at in range(number)]
    return [
        {"name": name, "user_id": f"user-{at}", "properties": {"amount": amount, "country": "DE"}}
        for at, amount in enumerate(amounts)
    ]


async def judged(tenant: Tenant, name: str = NAME) -> None:
    """Returns once a broken order would become a dead letter: schemas take effect within a second."""
    event = event_pb2.Event(
        event_id=bytes(15) + b"\1", type=event_pb2.EVENT_TYPE_USER_ACTION, name=name, properties_json=b'{"amount":"1"}'
    )  # fmt: skip
    event.occurred_at.FromDatetime(datetime.now(UTC))

    async def seen() -> bool:
        (trial,) = await client.validate([event])
        return trial.judgement.outcome == rule_pb2.Judgement.OUTCOME_DEAD_LETTERED

    async with tenant.client() as client:
        await until(seen)


async def set_aside(tenant: Tenant, *names: str, good: int = 3, broken: int = 4) -> None:
    """Sends good and broken orders of every name, whose schemas set the broken ones aside."""
    async with tenant.client(ack_mode=tidemark.AckMode.COMMITTED) as client:
        for name in names:
            await client.schemas.create(name, PRICE, enforcement="dead_letter", description=name)
    await judged(tenant, names[-1])
    for name in names:
        await sent(tenant, [*orders(good, name=name), *orders(broken, broken=True, name=name)])
