"""Ninety days of a shop, the same whenever it is made: events of people who look, search, buy or leave.

Comes in: how many events. Goes out: Arrow tables of a day each in the order of time, as `Client.publish` takes them, and beside
them the same events with a typed column for each property, as somebody would keep them in a Parquet file for DuckDB.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

DAYS = 90
END = datetime(2026, 11, 1, tzinfo=UTC)
START = END - timedelta(days=DAYS)
NAMES = ("page_view", "product_view", "search", "add_to_cart", "checkout", "purchase", "signup", "error")
SHARES = (0.52, 0.18, 0.12, 0.08, 0.04, 0.03, 0.01, 0.02)
COUNTRIES = (
    "DE",
    "US",
    "FR",
    "GB",
    "ES",
    "IT",
    "NL",
    "PL",
    "SE",
    "AT",
    "CH",
    "BE",
    "DK",
    "NO",
    "FI",
    "PT",
    "CZ",
    "HU",
    "RO",
    "GR",
    "IE",
    "BR",
    "CA",
    "MX",
    "JP",
    "IN",
    "AU",
    "NZ",
    "ZA",
    "KR",
)
BROWSERS = ("chrome", "safari", "firefox", "edge", "other")
PLANS = ("free", "team", "business")
PAGES = 2000
EVENTS_OF_A_PERSON = 50
"""On average; some have hundreds, most a few."""
_SEED = 20261101
_DAY_US = 86_400_000_000


def days(events: int) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Each day as it is published, and flat."""
    people = max(1, events // EVENTS_OF_A_PERSON)
    for day in range(DAYS):
        count = events * (day + 1) // DAYS - events * day // DAYS
        yield _day(np.random.default_rng([_SEED, day]), day, count, people)


def _day(random: np.random.Generator, day: int, count: int, people: int) -> tuple[pa.Table, pa.Table]:
    # More by day than by night, and people of very different zeal.
    hours = np.clip(random.normal(14, 5, count), 0, 23.999999) * 3_600_000_000
    at = np.sort(hours.astype(np.int64)) + int(START.timestamp()) * 1_000_000 + day * _DAY_US
    person = (people * random.power(0.45, count)).astype(np.int64)
    name = random.choice(len(NAMES), count, p=SHARES)
    country = person % 97 % len(COUNTRIES)
    page = (PAGES * random.power(0.5, count)).astype(np.int64)
    amount = np.where(name == 5, np.round(random.gamma(2.0, 40.0, count) + 1, 2), np.nan)
    flat = pa.table(
        {
            "name": _chosen(NAMES, name),
            "occurred_at": pa.array(at, pa.timestamp("us", "UTC")),
            "user_id": _joined("user-", person),
            "session_id": _joined(f"s{day}-", person),
            "path": _joined("/shop/page-", page),
            "country": _chosen(COUNTRIES, country),
            "browser": _chosen(BROWSERS, random.integers(0, len(BROWSERS), count)),
            "plan": _chosen(PLANS, person % 10 // 4),
            "ms": pa.array(np.round(random.lognormal(4.5, 0.6, count), 1)),
            "amount": pa.array(amount, from_pandas=True),
        }
    )
    kept = flat.select(["name", "occurred_at", "user_id", "session_id"])
    return kept.append_column("properties", _json(flat)), flat


def _json(flat: pa.Table) -> pa.ChunkedArray:
    """The properties of each event as one JSON object."""
    texts = [f',"{key}":"' for key in ("path", "country", "browser", "plan")]
    texts[0] = '{"path":"'
    parts: list[object] = []
    for opening, key in zip(texts, ("path", "country", "browser", "plan")):
        parts += [opening, flat[key], '"']
    amount = pc.binary_join_element_wise(',"amount":', flat["amount"].cast(pa.string()), "")
    parts += [',"ms":', flat["ms"].cast(pa.string()), pc.fill_null(amount, ""), "}"]
    return pc.binary_join_element_wise(*parts, "")


def _chosen(texts: tuple[str, ...], places: NDArray[np.int64]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(places.astype(np.int32), pa.array(texts)).cast(pa.string())


def _joined(prefix: str, numbers: NDArray[np.int64]) -> pa.Array:
    return pc.binary_join_element_wise(prefix, pa.array(numbers).cast(pa.string()), "")
