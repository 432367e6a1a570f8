"""Continuous work on a real database and the real query: a disturbance is found once, whoever looks, and told in plain words."""

from datetime import UTC, datetime, timedelta

import numpy as np

from services.admin.service import admin
from services.query.service import query
from tests.conftest import Served, Suite
from tests.integration.history import Happened
from tests.integration.watching import DEMO, Watching, happen, watching
from tidemark.v1 import insight_pb2 as pb

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
USUAL = 10


def minutes(first: int, *counts: int) -> list[Happened]:
    """So many sign-ups in the minutes from so many after noon on."""
    return [
        Happened(
            NOON + (first + place) * MINUTE + timedelta(seconds=59.9 * number / count), "signup", f"u{number}"
        )
        for place, count in enumerate(counts)
        for number in range(count)
    ]


def history(served: Served, length: int = 300) -> None:
    """Some hours of sign-ups before noon, as they usually are."""
    counts = np.random.default_rng(7).poisson(USUAL, length)
    happen(served, minutes(-length, *(max(1, int(count)) for count in counts)))


async def told(found: list[pb.Insight], subject: str) -> pb.Insight:
    [one] = [each for each in found if each.subject == subject]
    return one


async def quiet(watch: Watching) -> None:
    """Learns the history, which tells nothing."""
    assert await watch.look(NOON) == []


async def test_a_spike_is_found_once_and_told_in_plain_words(suite: Suite) -> None:
    async with suite(query, admin) as served, watching(served) as watch:
        history(served)
        await quiet(watch)
        happen(served, minutes(0, 9, 12, 120, 11, 8))
        found = await watch.look(NOON + 5 * MINUTE)
        one = await told(found, "“signup” events")
        assert (one.type, one.direction) == (pb.INSIGHT_TYPE_ANOMALY, pb.DIRECTION_UP)
        assert one.title.startswith("“signup” events rose")
        assert "to 120 a minute at 12:02 on Tuesday, 3 March" in one.title
        assert one.confidence > 0.9
        assert one.start_time.ToDatetime(UTC) == NOON + 2 * MINUTE
        assert one.state == pb.Insight.STATE_OPEN
        assert not one.evidence.series
        whole = (await watch.GetInsight(name=one.name)).insight
        [line] = whole.evidence.series
        assert [line.values[place] for place in line.marked] == [120]
        assert whole.evidence.statistics["q_value"] <= 0.1
        assert await watch.look(NOON + 5 * MINUTE) == found
