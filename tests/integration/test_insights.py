"""InsightService through gRPC: lists, changes, feedback, indicators and detectors, on a real database."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc.aio

from services.admin.service import admin
from services.insights.findings import severity
from services.insights.findings.insight import Draft, Finding, made
from services.insights.findings.store import Store, publish
from services.insights.findings.text import Words
from services.insights.worker import Keeper
from services.kit.call import Project
from services.query.service import query
from tests.conftest import Suite, refusal
from tests.integration.history import Happened
from tests.integration.watching import DEMO, Watching, happen, watching
from tests.polling import until
from tidemark.v1 import insight_pb2 as pb
from tidemark.v1 import question_pb2 as q

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)
PROJECT = Project(1, "demo", "UTC")
STATES = pb.Insight.State.values()[1:]


def draft(series: str = "events", at: datetime = NOW, **changes: Any) -> Draft:
    """A rise of a series."""
    good: dict[str, Any] = {
        "type": pb.INSIGHT_TYPE_ANOMALY, "detector": "anomaly-streaming", "direction": pb.DIRECTION_UP, "start": at - HOUR,
        "end": at, "effect": 10.0, "relative": 0.5, "confidence": 0.8, "statistics": {"p_value": 1e-6}, "method": "By hand.",
    }  # fmt: skip
    insight = made(Finding(**good | changes), Words(series, 60), severity.Weight(), at)
    insight.title, insight.description = f"{series} rose", f"{series} rose by half."
    insight.evidence.series.add(label=series, values=[1, 2, 3])
    return Draft(series, insight, HOUR)


async def tell(watch: Watching, *drafts: Draft) -> list[pb.Insight]:
    """Publishes drafts, each in a transaction of its own."""
    told = []
    for each in drafts:
        async with watch.resources.pool.connection() as connection:
            found = await publish(connection, PROJECT, each)
            assert found is not None
            told.append(found)
    return told


async def test_findings_that_follow_one_another_are_one_insight(suite: Suite) -> None:
    async with suite(query, admin) as served, watching(served) as watch:
        await tell(watch, draft(), draft(at=NOW + HOUR), draft("other"), draft(direction=pb.DIRECTION_DOWN))
        found = {(each.subject, each.direction): each for each in await watch.found()}
        assert len(found) == 3
        one = found["events", pb.DIRECTION_UP]
        assert one.occurrence_count == 2
        assert one.start_time.ToDatetime(UTC) == NOW - HOUR
        assert one.end_time.ToDatetime(UTC) == NOW + HOUR
        assert "found 2 times and has lasted 2 hours" in one.description
        await tell(watch, draft(at=NOW + 9 * HOUR))
        assert len(await watch.found()) == 4


async def test_insights_are_listed_by_what_matters_page_by_page(suite: Suite) -> None:
    async with suite(query, admin) as served, watching(served) as watch:
        sizes = (0.1, 0.9, 0.4, 0.4)
        await tell(watch, *(draft(f"series {place}", relative=size) for place, size in enumerate(sizes)))
        pages, token = [], ""
        while True:
            page = await watch.ListInsights(parent=DEMO, page_size=3, page_token=token)
            pages.append([each.priority for each in page.insights])
            if not (token := page.next_page_token):
                break
        assert [len(page) for page in pages] == [3, 1]
        priorities = [each for page in pages for each in page]
        assert priorities == sorted(priorities, reverse=True)
        newest = await watch.found(order=pb.ListInsightsRequest.ORDER_NEWEST, search="SERIES 1")
        assert [each.subject for each in newest] == ["series 1"]
        assert await watch.found(least_severity=pb.SEVERITY_CRITICAL) == []
        assert (await refusal(watch.found(states=[9]))).violations == ["states[0]"]


async def test_changes_are_followed_and_gone_on_with(suite: Suite) -> None:
    async with suite(query, admin) as served, watching(served, working_too=True) as watch:
        stream = watch.stub.WatchInsights(pb.WatchInsightsRequest(parent=DEMO), metadata=watch.metadata)
        start = (await stream.read()).cursor
        [one] = await tell(watch, draft())
        seen = await asyncio.wait_for(stream.read(), 10)
        assert [each.name for each in seen.insights] == [one.name]
        assert seen.insights[0].evidence.series[0].values == [1, 2, 3]
        await watch.AcknowledgeInsight(name=one.name)
        again = pb.WatchInsightsRequest(parent=DEMO, cursor=start)
        late = watch.stub.WatchInsights(again, metadata=watch.metadata)
        await late.read()
        [known] = (await asyncio.wait_for(late.read(), 10)).insights
        assert known.state == pb.Insight.STATE_ACKNOWLEDGED
        bad = watch.stub.WatchInsights(
            pb.WatchInsightsRequest(parent=DEMO, cursor="x"), metadata=watch.metadata
        )
        assert (await refusal(bad.read())).violations == ["cursor"]
        watch.resources.draining.set()
        await until(lambda: _ended(stream))
        assert (await stream.code()).name == "UNAVAILABLE"


async def _ended(stream: Any) -> bool:
    try:
        await asyncio.wait_for(stream.read(), 1)
    except grpc.aio.AioRpcError:
        return True
    return False


async def test_what_was_told_for_seven_days_is_told_no_more(suite: Suite) -> None:
    async with suite(query, admin) as served, watching(served) as watch:
        await tell(watch, draft(at=NOW - timedelta(days=8)))
        store = Store(watch.resources.pool)
        assert await store.expire() == 1
        assert await store.expire() == 0
        assert await watch.found() == []
        [one] = await watch.found(states=[pb.Insight.STATE_EXPIRED])
        assert one.occurrence_count == 1


async def test_what_is_over_is_kept_for_long_enough_and_no_longer_with_what_was_said_of_it(
    suite: Suite,
) -> None:
    async with suite(query, admin) as served, watching(served) as watch:
        old, store = NOW - timedelta(days=408), Store(watch.resources.pool)
        kept = Keeper(watch.resources.pool, timedelta(days=400), watch.resources.draining)
        names = ["over", "confirmed", "dismissed", "younger", "open"]
        at = [old, old, old, old + timedelta(days=2), old]
        told = dict(zip(names, await tell(watch, *map(draft, names, at))))
        for name, feedback in (
            ("confirmed", pb.FEEDBACK_CONFIRMED),
            ("dismissed", pb.FEEDBACK_FALSE_ALARM),
            ("younger", pb.FEEDBACK_FALSE_ALARM),
        ):
            await watch.GiveFeedback(name=told[name].name, feedback=feedback)
        assert await kept.forget()
        assert {each.subject for each in await watch.found(states=STATES)} == set(names) - {"dismissed"}
        assert (await store.said(1)).judged == {"anomaly-streaming": (1, 1)}
        assert await store.expire() == 3
        while await kept.forget():
            pass
        assert [each.subject for each in await watch.found(states=STATES)] == ["younger"]
        assert (await store.said(1)).judged == {"anomaly-streaming": (0, 1)}


async def test_indicators_are_made_listed_and_deleted(suite: Suite) -> None:
    async with suite(query, admin) as served, watching(served) as watch:
        given = pb.Indicator(display_name="Sign-ups", kind=pb.Indicator.KIND_THROUGHPUT, subject="signup")
        one = (await watch.CreateIndicator(parent=DEMO, indicator=given)).indicator
        assert one.name == f"{DEMO}/indicators/sign-ups"
        assert (one.good_direction, one.interval) == (pb.DIRECTION_UP, q.Interval.UNIT_HOUR)
        again = watch.CreateIndicator(parent=DEMO, indicator_id="sign-ups", indicator=given)
        assert (await refusal(again)).reason == "INDICATOR_EXISTS"
        assert list((await watch.ListIndicators(parent=DEMO)).indicators) == [one]
        await watch.DeleteIndicator(name=one.name)
        assert (await refusal(watch.DeleteIndicator(name=one.name))).reason == "INDICATOR_NOT_FOUND"


async def test_an_indicator_beyond_its_threshold_is_an_insight(suite: Suite) -> None:
    async with suite(query, admin) as served, watching(served) as watch:
        noon = NOW.replace(minute=0, second=0) - 3 * HOUR
        given = pb.Indicator(
            display_name="Errors",
            kind=pb.Indicator.KIND_ERROR_RATE,
            threshold=20,
            interval=q.Interval.UNIT_MINUTE,
        )
        one = (await watch.CreateIndicator(parent=DEMO, indicator=given)).indicator
        good = [Happened(noon + timedelta(seconds=6 * place), "seen") for place in range(100)]
        happen(served, good)
        assert await watch.look(noon + timedelta(minutes=10)) == []
        bad = [Happened(noon + timedelta(seconds=600 + place), "failed", type=5) for place in range(60)]
        happen(served, bad)
        found = await watch.look(noon + timedelta(minutes=11))
        [told] = [each for each in found if each.indicator]
        assert told.indicator == one.name
        assert (told.type, told.detector) == (pb.INSIGHT_TYPE_BUSINESS_IMPACT, "threshold")
        assert told.title.startswith("Errors went above 20 %: 100 %")
        assert told.severity >= pb.SEVERITY_HIGH
        assert told.incident


async def test_a_detector_runs_over_any_series_and_says_what_is_missing(suite: Suite) -> None:
    async with suite(query, admin) as served, watching(served) as watch:
        noon = NOW.replace(minute=0, second=0) - 5 * HOUR
        asked = q.Query()
        asked.time_range.start.FromDatetime(noon)
        asked.time_range.end.FromDatetime(noon + 3 * HOUR)
        asked.series.measures.add(name="seen", aggregation=q.AGGREGATION_COUNT)
        asked.series.interval.unit = q.Interval.UNIT_MINUTE
        detector = pb.Detector(anomaly=pb.AnomalyDetector())
        nothing = await refusal(watch.RunDetector(project=DEMO, query=asked, detector=detector))
        assert nothing.code == "FAILED_PRECONDITION"
        assert nothing.reason in ("SERIES_EMPTY", "SERIES_CONSTANT")
        counts = [5 + place % 3 for place in range(180)]
        counts[150] = 80
        happen(served, [Happened(noon + timedelta(seconds=60 * place + 59 * n / count), "seen")
                        for place, count in enumerate(counts) for n in range(count)])  # fmt: skip
        found = await watch.RunDetector(project=DEMO, query=asked, detector=detector)
        assert found.series_count == 1
        assert not found.insights[0].name
        assert found.insights[0].start_time.ToDatetime(UTC) == noon + timedelta(minutes=150)
        none = watch.RunDetector(project=DEMO, query=asked, detector=pb.Detector())
        assert (await refusal(none)).violations == ["detector.anomaly"]
