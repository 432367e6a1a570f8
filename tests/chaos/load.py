"""The load of a chaos run, a process of its own: `python -m tests.chaos.load <folder> <life> <key> <address>…`.

Six producers, three of events and three of metric points, send through the SDK until SIGTERM; then they wait for the last
acknowledgement and end. What each has sent and what was acknowledged stands in a journal file that survives SIGKILL; `checker.py`
compares it with the database. A new life of the load takes the same producer ids, so it fences what the one before left.
"""

import asyncio
import os
import random
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from struct import Struct

from tidemark import AckMode, Client, EventType, MetricKind

EVENTS, POINTS = "events", "points"
PRODUCERS = 6
REPEAT_EVERY, REPEAT_BACK = 97, 10
"""Every 97th event is one from ten before once more, with its id and time: it must not count again."""
_RECORD = Struct("<6q")
_NAMES = ("page_view", "search", "cart_add", "order_placed", "login", "error")
_CRITICAL = (EventType.ERROR_EVENT, EventType.SECURITY_EVENT)
_OTHERS = tuple(each for each in EventType if each not in _CRITICAL)
_METRICS = {"latency": MetricKind.TIMER, "queue": MetricKind.GAUGE, "orders": MetricKind.COUNTER}


@dataclass(frozen=True)
class Journal:
    """What one life of a producer has done; the calls acknowledged are always its first ones, as all take one lane of the SDK."""

    producer: str
    life: int
    made: int = 0
    acknowledged: int = 0
    rejected: int = 0
    dropped: int = 0
    gaps: int = 0
    resent: int = 0

    @property
    def lane(self) -> str:
        """`events` or `points`."""
        return self.producer.partition("-")[0]

    @property
    def label(self) -> str:
        """What its events and points carry."""
        return f"{self.producer}/{self.life}"

    def is_repeat(self, call: int) -> bool:
        """Whether this call sent an earlier event once more."""
        return self.lane == EVENTS and call % REPEAT_EVERY == REPEAT_EVERY - 1


def journals(folder: Path) -> list[Journal]:
    """Every life of every producer, as last written."""
    found = []
    for path in sorted(folder.glob("*.journal")):
        producer, _, life = path.stem.rpartition(".")
        data = path.read_bytes()
        found.append(
            Journal(producer, int(life), *_RECORD.unpack(data)) if data else Journal(producer, int(life))
        )
    return found


async def _produce(
    client: Client,
    label: str,
    send: Callable[[Client, random.Random, str, int], None],
    file: int,
    stop: asyncio.Event,
) -> None:
    """Sends bursts until `stop`, then waits until all is acknowledged."""
    chance, made = random.Random(label), 0  # Every life sends something else.

    def note() -> None:
        stats = client.stats
        record = (made, stats.acknowledged, stats.rejected, stats.dropped, stats.gaps, stats.resent_batches)
        os.pwrite(file, _RECORD.pack(*record), 0)

    while not stop.is_set():
        await client.ready()
        first, made = made, made + chance.randrange(1, 40)
        note()  # Before it is sent: what is in the database was announced.
        for call in range(first, made):
            send(client, chance, label, call)
        await asyncio.sleep(chance.uniform(0.0, 0.06))
    while client.unacknowledged:
        note()
        await asyncio.sleep(0.02)
    note()


def _send_event(client: Client, chance: random.Random, label: str, call: int) -> None:
    repeat = call % REPEAT_EVERY == REPEAT_EVERY - 1
    if not repeat:
        late = chance.random() < 0.1
        at = datetime.now(UTC) - timedelta(
            seconds=chance.uniform(0, 4 * 86_400) if late else chance.uniform(0, 0.2)
        )
        _sent[label, call % REPEAT_EVERY] = (at, os.urandom(16))
    else:
        call -= REPEAT_BACK
    at, event_id = _sent[label, call % REPEAT_EVERY]
    # Critical events overtake the others; a producer sends one of both, so that what is acknowledged first was sent first.
    types = _CRITICAL if label.startswith(f"{EVENTS}-2/") else _OTHERS
    client.track(
        _NAMES[call % len(_NAMES)],
        type=types[call % len(types)],
        user_id=f"user-{call * 7 % 300}" if call % 5 else "",
        properties={"life": label, "index": call},
        context={"library": "chaos"},
        occurred_at=at,
        event_id=event_id,
    )


_sent: dict[tuple[str, int], tuple[datetime, bytes]] = {}
"""Time and id of the latest events of each producer."""


def _send_point(client: Client, chance: random.Random, label: str, call: int) -> None:
    name = list(_METRICS)[call % len(_METRICS)]
    late = chance.random() < 0.1
    client.record(
        name,
        chance.randrange(-4000, 40_000) / 8,  # Sums of these are exact, in any order.
        kind=_METRICS[name],
        tags={"life": label, "index": str(call)},
        unit="ms",
        observed_at=datetime.now(UTC) - timedelta(seconds=chance.uniform(0, 4 * 86_400) if late else 0),
    )


async def main(folder: Path, life: int, key: str, addresses: list[str]) -> None:
    """All producers until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    clients, tasks = [], []
    for number in range(PRODUCERS):
        lane, send = ((EVENTS, _send_event), (POINTS, _send_point))[number % 2]
        producer = f"{lane}-{number}"
        client = Client(
            ingest=addresses[number // 2 % len(addresses)],
            key=key,
            producer_id=producer,
            ack_mode=AckMode.COMMITTED if number < 3 else AckMode.DURABLE,
        )
        client.start()
        file = os.open(folder / f"{producer}.{life}.journal", os.O_CREAT | os.O_WRONLY, 0o600)
        tasks.append(asyncio.create_task(_produce(client, f"{producer}/{life}", send, file, stop)))
        clients.append(client)
    await asyncio.gather(*tasks)
    for client in clients:
        await client.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]))
