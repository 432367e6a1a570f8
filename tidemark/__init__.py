"""What users of Tidemark install: the asyncio `Client`, its synchronous twin `tidemark.blocking.Client`, and the records.

    async with Client(key="…") as tidemark:
        tidemark.track("order_placed", user_id="ann", properties={"amount": 12.5})
        print(await tidemark.series("order_placed", interval="hour", last="24h"))

The walk of an event begins here: `client.py` makes it, `buffer.py` collects it, `producer.py` sends it to
`IngestService.Publish`.
"""

from tidemark.buffer import Limits
from tidemark.channel import Tls
from tidemark.client import Client
from tidemark.errors import BufferFull, Error, Undelivered
from tidemark.records import AckMode, EventType, MetricKind

__all__ = [
    "AckMode",
    "BufferFull",
    "Client",
    "Error",
    "EventType",
    "Limits",
    "MetricKind",
    "Tls",
    "Undelivered",
]
__version__ = "0.1.0"
