"""Insights: what has changed, how sure that is, why, and what to do; reached as `client.insights`, answered by `InsightService`.

    async for insight in client.insights.all(least_severity="medium"):
        print(insight.title, insight.confidence, [each.action for each in insight.recommendations])
    async for insight in client.insights.watch():                       # goes on by itself after an interruption
        await client.insights.feedback(insight.name, "confirmed")
    why = await client.insights.explain("sum properties.amount of order_placed", start="2026-11-02", end="2026-11-03")
    orders = questions.series("order_placed", interval="hour", last="8w")
    found = await client.insights.detect(orders, "anomaly")

Insights, indicators and all else are the contract's own messages.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import aclosing
from uuid import uuid4

from tidemark.following import followed
from tidemark.scope import Scope
from tidemark.spelling import (
    Condition,
    Instant,
    Measure,
    Span,
    any_range,
    chosen,
    every,
    interval,
    measure,
    time_range,
    timestamp,
)
from tidemark.v1 import insight_pb2 as pb
from tidemark.v1 import insight_pb2_grpc, question_pb2

TYPES = {
    "anomaly": pb.INSIGHT_TYPE_ANOMALY,
    "trend": pb.INSIGHT_TYPE_TREND,
    "correlation": pb.INSIGHT_TYPE_CORRELATION,
    "prediction": pb.INSIGHT_TYPE_PREDICTION,
    "business impact": pb.INSIGHT_TYPE_BUSINESS_IMPACT,
}
SEVERITIES = {
    "": pb.SEVERITY_UNSPECIFIED,
    "low": pb.SEVERITY_LOW,
    "medium": pb.SEVERITY_MEDIUM,
    "high": pb.SEVERITY_HIGH,
    "critical": pb.SEVERITY_CRITICAL,
}
STATES = {
    "open": pb.Insight.STATE_OPEN,
    "acknowledged": pb.Insight.STATE_ACKNOWLEDGED,
    "dismissed": pb.Insight.STATE_DISMISSED,
    "expired": pb.Insight.STATE_EXPIRED,
}
CAUSES = {
    "": pb.CAUSE_UNSPECIFIED,
    "business change": pb.CAUSE_BUSINESS_CHANGE,
    "data incident": pb.CAUSE_DATA_INCIDENT,
}
FEEDBACKS = {
    "confirmed": pb.FEEDBACK_CONFIRMED,
    "expected": pb.FEEDBACK_EXPECTED,
    "false alarm": pb.FEEDBACK_FALSE_ALARM,
}
ORDERS = {"priority": pb.ListInsightsRequest.ORDER_PRIORITY, "newest": pb.ListInsightsRequest.ORDER_NEWEST}
METHODS = ("anomaly", "anomaly batch", "trend", "correlation", "impact")
"""What series can be searched by."""
KINDS = {
    "retention": pb.Indicator.KIND_RETENTION,
    "error rate": pb.Indicator.KIND_ERROR_RATE,
    "response time": pb.Indicator.KIND_RESPONSE_TIME,
    "throughput": pb.Indicator.KIND_THROUGHPUT,
    "named": pb.Indicator.KIND_NAMED,
}
DIRECTIONS = {"": pb.DIRECTION_UNSPECIFIED, "up": pb.DIRECTION_UP, "down": pb.DIRECTION_DOWN}

Question = question_pb2.Query | question_pb2.SeriesQuestion


class Insights(Scope):
    """The insights of the client's project; needs a key of role analyst or admin to acknowledge, to give feedback and to change indicators.
    What has a name is told by its id or its name.
    """

    _service = insight_pb2_grpc.InsightServiceStub

    async def all(
        self,
        *,
        types: Iterable[str] = (),
        least_severity: str = "",
        states: Iterable[str] = (),
        cause: str = "",
        search: str = "",
        order: str = "priority",
        last: Span | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
        during: str | None = None,
    ) -> AsyncIterator[pb.Insight]:
        """Insights, what matters most first, or the newest; open and acknowledged ones where no state is given. The values of their evidence
        come with `get`.
        """
        request = pb.ListInsightsRequest(
            parent=await self._parent(),
            types=[chosen("types", each, TYPES) for each in types],  # type: ignore[misc]
            least_severity=chosen("least_severity", least_severity, SEVERITIES),  # type: ignore[arg-type]
            states=[chosen("states", each, STATES) for each in states],  # type: ignore[misc]
            cause=chosen("cause", cause, CAUSES),  # type: ignore[arg-type]
            search=search,
            order=chosen("order", order, ORDERS),  # type: ignore[arg-type]
        )
        if asked := any_range(last, start, end, during):
            request.time_range.CopyFrom(asked)
        async for page in self._pages(self._stub.ListInsights, request):
            for insight in page.insights:
                yield insight

    async def get(self, insight: str) -> pb.Insight:
        """Reads an insight, with the values that it rests on."""
        request = pb.GetInsightRequest(name=await self._name(insight))
        return (await self._ask(self._stub.GetInsight, request)).insight  # type: ignore[no-any-return]

    async def watch(self) -> AsyncGenerator[pb.Insight, None]:
        """Insights from now on, whole, as they are made and changed; goes on by itself, without a gap, after an interruption."""
        parent = await self._parent()

        def begin(cursor: str) -> object:
            request = pb.WatchInsightsRequest(parent=parent, cursor=cursor)
            return self._stub.WatchInsights(request, metadata=self._metadata)

        async with aclosing(followed(begin)) as answers:
            async for answer in answers:
                for insight in answer.insights:
                    yield insight

    async def acknowledge(self, insight: str) -> pb.Insight:
        """Says that somebody has seen an insight."""
        request = pb.AcknowledgeInsightRequest(name=await self._name(insight))
        return (await self._ask(self._stub.AcknowledgeInsight, request)).insight  # type: ignore[no-any-return]

    async def feedback(self, insight: str, feedback: str, comment: str = "") -> pb.Insight:
        """Says what an insight was: `confirmed`, `expected`, or a `false alarm`, which ends it."""
        request = pb.GiveFeedbackRequest(
            name=await self._name(insight),
            feedback=chosen("feedback", feedback, FEEDBACKS),  # type: ignore[arg-type]
            comment=comment,
        )
        return (await self._ask(self._stub.GiveFeedback, request)).insight  # type: ignore[no-any-return]

    async def explain(
        self,
        of: Measure = "count",
        *,
        name: str = "",
        where: Iterable[Condition] = (),
        last: Span | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
        during: str | None = None,
        before: question_pb2.TimeRange | None = None,
        fields: Sequence[str] = (),
        top: int = 0,
    ) -> pb.ExplainChangeResponse:
        """Where a change of a measure comes from, and whether the pipeline did it: the time given, beside a week before or the range `before`,
        as `questions.time_range` makes it. The fields that events have most often are looked at where none are given.
        """
        request = pb.ExplainChangeRequest(
            project=await self._parent(),
            measure=measure(of, name),
            filter=every(where),
            after=time_range(last, start, end, during),
            before=before,
            fields=fields,
            top=top,
        )
        return await self._ask(self._stub.ExplainChange, request)  # type: ignore[no-any-return]

    async def detect(
        self,
        question: Question,
        method: str = "anomaly",
        *,
        largest_lag: int = 0,
        at: Instant | None = None,
        false_discovery_rate: float = 0.0,
    ) -> pb.RunDetectorResponse:
        """What a detector finds in the series of a question; nothing is kept. `method` is one of `METHODS`; `impact` needs the instant `at`
        from which on something was other than before.
        """
        query = question if isinstance(question, question_pb2.Query) else question_pb2.Query(series=question)
        request = pb.RunDetectorRequest(project=await self._parent(), query=query)
        request.detector.CopyFrom(_detector(method, largest_lag, at))
        request.detector.false_discovery_rate = false_discovery_rate
        return await self._ask(self._stub.RunDetector, request)  # type: ignore[no-any-return]

    async def detectors(self) -> pb.ListDetectorsResponse:
        """The detectors that look by themselves, with what people have said of their findings."""
        request = pb.ListDetectorsRequest(parent=await self._parent())
        return await self._ask(self._stub.ListDetectors, request)  # type: ignore[no-any-return]

    async def baselines(self) -> list[pb.Baseline]:
        """The series watched, the least expected first."""
        request = pb.ListBaselinesRequest(parent=await self._parent())
        return list((await self._ask(self._stub.ListBaselines, request)).baselines)

    async def indicators(self) -> list[pb.Indicator]:
        """The indicators of the project, by name."""
        request = pb.ListIndicatorsRequest(parent=await self._parent())
        return list((await self._ask(self._stub.ListIndicators, request)).indicators)

    async def create_indicator(
        self,
        display_name: str,
        kind: str = "named",
        *,
        series: Question | None = None,
        subject: str = "",
        good: str = "",
        threshold: float | None = None,
        value_per_unit: float = 0.0,
        value_unit: str = "",
        every_bucket: str = "",
        indicator_id: str = "",
    ) -> pb.Indicator:
        """Makes an indicator: a series that matters, of a `kind` of `KINDS`; a named one has a question of `series` and says which way is
        `good`. `every_bucket` is how long its buckets are: an hour where it is not given.
        """
        indicator = pb.Indicator(
            display_name=display_name,
            kind=chosen("kind", kind, KINDS),  # type: ignore[arg-type]
            subject=subject,
            good_direction=chosen("good", good, DIRECTIONS),  # type: ignore[arg-type]
            threshold=threshold,
            value_per_unit=value_per_unit,
            value_unit=value_unit,
        )
        if series is not None:
            asked = series.series if isinstance(series, question_pb2.Query) else series
            indicator.series.CopyFrom(asked)
        if (width := interval(every_bucket)) is not None:
            indicator.interval = width.unit
        request = pb.CreateIndicatorRequest(
            parent=await self._parent(),
            indicator_id=indicator_id,
            indicator=indicator,
            request_id=str(uuid4()),
        )
        return (await self._ask(self._stub.CreateIndicator, request)).indicator  # type: ignore[no-any-return]

    async def delete_indicator(self, indicator: str) -> None:
        """Deletes an indicator; its insights stay."""
        request = pb.DeleteIndicatorRequest(name=await self._named("indicators", indicator))
        await self._ask(self._stub.DeleteIndicator, request)

    async def _name(self, insight: str) -> str:
        return await self._named("insights", insight)


def _detector(method: str, largest_lag: int, at: Instant | None) -> pb.Detector:
    match method:
        case "anomaly":
            return pb.Detector(anomaly=pb.AnomalyDetector(mode=pb.AnomalyDetector.MODE_STREAMING))
        case "anomaly batch":
            return pb.Detector(anomaly=pb.AnomalyDetector(mode=pb.AnomalyDetector.MODE_BATCH))
        case "trend":
            return pb.Detector(trend=pb.TrendDetector())
        case "correlation":
            return pb.Detector(correlation=pb.CorrelationDetector(largest_lag=largest_lag))
        case "impact" if at is not None:
            return pb.Detector(impact=pb.ImpactDetector(at=timestamp(at)))
        case "impact":
            raise ValueError("at: is not given; impact needs the instant from which on something was other")
        case _:
            raise ValueError(f"method: {method!r} is not known; write {', '.join(METHODS)}")
