"""The generator: a process of its own that sends through the SDK, `python -m benchmarks.load <order>`, until its time is over or SIGTERM.

An `Order` comes in as JSON; a `Delivery` goes out as JSON to the file it names, beside the ids of all events sent.
"""

import asyncio
import itertools
import json
import random
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson
import pyarrow as pa

from deploy.local.process import tied
from tidemark import AckMode, Client, EventType, Limits
from tidemark.ids import Minter

NAMES = 20
USERS = 5_000
_BURST = 200
_MARK_EVERY = 1_000
_TABLE_ROWS = 10_000
_NAMES = ("page_view", "product_view", "search", "cart_add", "cart_remove", "checkout", "order_placed", "login", "logout",
          "signup", "share", "like", "comment", "download", "upload", "invite", "upgrade", "refund", "support_opened", "error")  # fmt: skip


@dataclass(frozen=True)
class Order:
    """What one generator shall send."""

    address: str
    key: str
    producer_id: str
    seconds: float
    out: str
    """A path: the delivery is written there, the ids to the same with `.ids`."""
    per_second: int = 0
    """0 for as many as are taken."""
    columnar: bool = False
    buffer_bytes: int = 8 << 20
    batch_seconds: float = 0.02


@dataclass
class Delivery:
    """What one generator has sent; times are seconds since 1970."""

    tracked: int = 0
    began: float = 0.0
    stopped: float = 0.0
    acknowledged_at: float = 0.0
    marks: list[tuple[str, float]] = field(default_factory=list)
    """Id and time of `track` of every thousandth event."""
    ack_ms: list[float] = field(default_factory=list)
    """How long their acknowledgements took."""
    resent_batches: int = 0
    rejected: int = 0
    cpu_seconds: float = 0.0


def spawn(order: Order) -> subprocess.Popen[bytes]:
    """A generator at work, which ends with us."""
    command = [sys.executable, "-m", "benchmarks.load", json.dumps(asdict(order))]
    return subprocess.Popen(tied(command, signal.SIGKILL))


def delivery(order: Order) -> Delivery:
    """What the generator of `order` has written."""
    told = json.loads(Path(order.out).read_text())
    return Delivery(**told | {"marks": [tuple(mark) for mark in told["marks"]]})


def properties() -> list[dict[str, object]]:
    """A few thousand different properties, of about 110 bytes as JSON."""
    chance = random.Random(1)
    return [
        {
            "path": f"/products/{chance.randrange(10_000)}/{chance.choice(('overview', 'reviews', 'buy'))}",
            "referrer": chance.choice(("search", "mail", "direct", "partner")),
            "amount": round(chance.lognormvariate(3, 1), 2),
            "currency": chance.choice(("EUR", "USD", "GBP")),
            "items": chance.randrange(1, 9),
            "member": chance.random() < 0.3,
        }
        for _ in range(4_096)
    ]


async def _track(client: Client, note: Callable[[bytes], None], room: Callable[[int], int]) -> None:
    """Tracks event by event, in bursts, until `room` says there shall be no more."""
    track, some, users = client.track, properties(), [f"user-{number:05}" for number in range(USERS)]
    numbers = itertools.count()
    while (burst := room(_BURST)) >= 0:
        for number in itertools.islice(numbers, burst):
            note(
                track(
                    _NAMES[number % NAMES],
                    type=EventType.USER_ACTION,
                    user_id=users[number * 7919 % USERS],
                    session_id=users[number * 31 % USERS],
                    properties=some[number & 4095],
                )
            )
        await client.ready()
        await asyncio.sleep(0 if burst else 0.002)


async def _publish(client: Client, note: Callable[[bytes], None], room: Callable[[int], int]) -> None:
    """Publishes table by table; ids and times are new in each, all other columns are made once."""
    texts = [orjson.dumps(each).decode() for each in properties()]
    rows = range(_TABLE_ROWS)
    columns = {
        "name": pa.array([_NAMES[row % NAMES] for row in rows]),
        "user_id": pa.array([f"user-{row * 7919 % USERS:05}" for row in rows]),
        "session_id": pa.array([f"user-{row * 31 % USERS:05}" for row in rows]),
        "properties": pa.array([texts[row & 4095] for row in rows]),
        "type": pa.array([int(EventType.USER_ACTION)] * _TABLE_ROWS, pa.uint8()),
    }
    minter = Minter()
    while room(_TABLE_ROWS) >= 0:
        now = time.time_ns()
        ids = [minter.mint(now) for _ in rows]
        for event_id in ids:
            note(event_id)
        stamps = pa.array([now // 1000] * _TABLE_ROWS, pa.timestamp("us", "UTC"))
        own = {"event_id": pa.array(ids, pa.binary(16)), "occurred_at": stamps}
        await client.publish(pa.table(columns | own))


async def deliver(order: Order) -> tuple[Delivery, bytes]:
    """Sends what is ordered; gives the account of it and all ids, one after the other."""
    done, ids = Delivery(), list[bytes]()
    waiting: deque[tuple[int, float]] = deque()
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    client = Client(
        order.address,
        key=order.key,
        producer_id=order.producer_id,
        ack_mode=AckMode.DURABLE,
        limits=Limits(buffer_bytes=order.buffer_bytes, batch_seconds=order.batch_seconds),
    )

    def note(event_id: bytes) -> None:
        ids.append(event_id)
        if len(ids) % _MARK_EVERY == 0:
            at = time.time()
            waiting.append((len(ids), at))
            done.marks.append((event_id.hex(), at))

    def acknowledged() -> None:
        while waiting and waiting[0][0] <= client.stats.acknowledged:
            done.ack_ms.append((time.time() - waiting.popleft()[1]) * 1000)

    def room(most: int) -> int:
        """How many to send now; -1 when the time is over."""
        acknowledged()
        elapsed = time.time() - done.began
        if elapsed >= order.seconds or over.is_set():
            return -1
        return min(most, int(elapsed * order.per_second) - len(ids)) if order.per_second else most

    async def watch() -> None:
        while True:
            acknowledged()
            await asyncio.sleep(0.001)

    async with client:
        watching = asyncio.create_task(watch())
        done.began = time.time()
        if order.columnar:
            await _publish(client, note, room)
        else:
            await _track(client, note, room)
        done.stopped = time.time()
        await client.flush()
        done.acknowledged_at = time.time()
        acknowledged()
        watching.cancel()
    done.tracked, done.cpu_seconds = len(ids), time.process_time()
    done.resent_batches, done.rejected = client.stats.resent_batches, client.stats.rejected
    return done, b"".join(ids)


def main(text: str) -> None:
    """Carries out the order written in `text`."""
    order = Order(**json.loads(text))
    done, ids = asyncio.run(deliver(order))
    Path(order.out + ".ids").write_bytes(ids)
    Path(order.out).write_text(json.dumps(asdict(done)))


if __name__ == "__main__":
    main(sys.argv[1])
