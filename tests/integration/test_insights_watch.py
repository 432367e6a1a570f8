"""Continuous work on a real database and the real query: a disturbance is found once, whoever looks, and told in plain words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from services.admin.service import admin
from services.insights.findings.text import moment
from services.insights.watch.store import Lost
from services.kit.calendar import floor
from services.query.service import query
from tests.conftest import Served, Suite
from tests.integration.history import Happened
from tests.integration.watching import DEMO, Watching, happen, watching
from tidemark.v1 import insight_pb2 as pb

NOON = floor(datetime.now(UTC), 3600) - timedelta(hours=2)
"""Not long ago: names of events are those of the last 30 days."""
MINUTE = timedelta(minutes=1)
USUAL = 10


def minutes(first: int, *counts: int) -> list[Happened]:
    """So many sign-ups in the minutes from so many after noon on."""
    return [
        Happened(
            NOON + (first + place) * MINUTE + timedelta(seconds=59.9 * number / count),
            "signup",
            f"u{number % 5}",
        )
        for place, count in enumerate(counts)
        for number in range(count)
    ]


def history(served: Served, length: int = 400) -> None:
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
        happen(served, minutes(0, 9, 12, 400, 11, 8))
        found = await watch.look(NOON + 5 * MINUTE)
        one = await told(found, "“signup” events")
        assert (one.type, one.direction) == (pb.INSIGHT_TYPE_ANOMALY, pb.DIRECTION_UP)
        assert one.title.startswith("“signup” events rose")
        assert f"to 400 a minute at {moment(NOON + 2 * MINUTE, ZoneInfo('UTC'))}" in one.title
        assert one.confidence > 0.8
        assert one.start_time.ToDatetime(UTC) == NOON + 2 * MINUTE
        assert one.state == pb.Insight.STATE_OPEN
        assert not one.evidence.series
        whole = (await watch.GetInsight(name=one.name)).insight
        [line] = whole.evidence.series
        assert [line.values[place] for place in line.marked] == [400]
        assert whole.evidence.statistics["q_value"] <= 0.1
        assert await watch.look(NOON + 5 * MINUTE) == found


async def test_what_people_say_decides_what_is_told_again(suite: Suite) -> None:
    async with suite(query, admin) as served, watching(served) as watch:
        history(served)
        await quiet(watch)
        happen(served, minutes(0, 9, 12, 400, 11, 8))
        [one] = await watch.look(NOON + 5 * MINUTE)
        said = await watch.GiveFeedback(name=one.name, feedback=pb.FEEDBACK_EXPECTED, comment="A campaign.")
        assert said.insight.state == pb.Insight.STATE_ACKNOWLEDGED
        assert said.insight.feedback_by.startswith("projects/demo/keys/")
        happen(served, minutes(40, 10, 600, 9))
        [same] = await watch.look(NOON + 43 * MINUTE)
        assert same.name == one.name
        judged = {each.detector: each for each in (await watch.ListDetectors(parent=DEMO)).detectors}
        assert judged["anomaly-streaming"].true_count == 1
        assert 0 < judged["anomaly-streaming"].precision_lower < 1
        said = await watch.GiveFeedback(name=one.name, feedback=pb.FEEDBACK_FALSE_ALARM)
        assert said.insight.state == pb.Insight.STATE_DISMISSED
        assert await watch.found() == []


async def test_what_people_said_of_a_finding_is_recommended_with_the_next_like_it(suite: Suite) -> None:
    async with suite(query, admin) as served, watching(served) as watch:
        history(served)
        await quiet(watch)
        happen(served, minutes(0, 9, 12, 400, 11, 8))
        [one] = await watch.look(NOON + 5 * MINUTE)
        assert one.name not in [each.source for each in one.recommendations]
        await watch.GiveFeedback(name=one.name, feedback=pb.FEEDBACK_CONFIRMED)
        happen(served, minutes(5, *[10] * 36, 4000, 9))
        found = await watch.look(NOON + 43 * MINUTE)
        [other] = [each for each in found if each.name != one.name]
        [known] = [each for each in other.recommendations if each.source == one.name]
        assert known.expected_effect.startswith("1 of 1 findings like it were confirmed")
        assert known.link == f"/insights/findings/{one.name.rpartition('/')[2]}"
        # Of a finding that goes on nothing was said before.
        happen(served, minutes(44, 700))
        await watch.look(NOON + 45 * MINUTE)
        again = (await watch.GetInsight(name=other.name)).insight
        assert [each.source for each in again.recommendations].count(one.name) == 1
        assert other.name not in [each.source for each in again.recommendations]


async def test_a_look_that_lost_its_lease_commits_nothing(suite: Suite) -> None:
    async with suite(query, admin) as served, watching(served) as watch:
        history(served)
        await quiet(watch)
        happen(served, minutes(0, 9, 12, 400, 11, 8))
        frozen = await watch.claim()
        async with watch.resources.pool.connection() as connection:
            await connection.execute("UPDATE insight_work SET leased_until = '-infinity'")
        [one] = await watch.look(NOON + 5 * MINUTE)
        with pytest.raises(Lost):
            await watch.watcher.look(frozen, NOON + 5 * MINUTE)
        assert await watch.found() == [one]


async def test_a_gap_is_caught_up_with_in_order(suite: Suite) -> None:
    async with suite(query, admin) as served, watching(served) as watch:
        history(served)
        await quiet(watch)
        happen(served, minutes(0, *[10] * 20, 400, *[10] * 20))
        [one] = await watch.look(NOON + 41 * MINUTE)
        assert one.start_time.ToDatetime(UTC) == NOON + 20 * MINUTE
        happen(served, minutes(41, 11))
        assert await watch.look(NOON + 42 * MINUTE) == [one]


async def test_a_project_where_nothing_happens_costs_no_question(suite: Suite) -> None:
    async with suite(query, admin) as served, watching(served) as watch:
        await watch.work.prepare()
        assert await watch.work.claim(["minutes", "hours", "days"]) is None
        history(served, 40)
        assert await watch.watcher.step(["minutes"])
        assert not await watch.watcher.step(["minutes"])
        async with watch.resources.pool.connection() as connection:
            await connection.execute(
                "UPDATE insight_work SET due_at = now(), changed_at = now() - interval '2 hours'"
            )
        assert not await watch.watcher.step(["minutes"])
        happen(served, minutes(0, 1))
        assert await watch.watcher.step(["minutes"])


async def test_baselines_say_what_is_and_what_was_to_be_expected(suite: Suite) -> None:
    async with suite(query, admin) as served, watching(served) as watch:
        history(served, 120)
        assert not (await watch.ListBaselines(parent=DEMO)).baselines
        await watch.look(NOON)
        rows = [replace(row, properties={"value": 2, "plan": "pro"}) for row in minutes(0, 3)]
        happen(served, rows)
        await watch.look(NOON + MINUTE)
        found = {each.subject: each for each in (await watch.ListBaselines(parent=DEMO)).baselines}
        whole = found["All events"]
        assert (whole.value, whole.bucket_count) == (3, 121)
        assert whole.lower < whole.expected < whole.upper
        figures = found["User action events"].figures
        assert (figures.type, figures.count) == ("USER_ACTION", 3)
        assert (figures.hour_sum, figures.hour_min, figures.hour_max) == (6, 2, 2)
        assert figures.hour_count > 400
        assert dict(figures.property_counts) == {"value": 3, "plan": 3}
        assert found["Security events"].figures.hour_count == 0
