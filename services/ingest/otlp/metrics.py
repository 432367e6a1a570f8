"""Metrics of OTLP as points: a request comes in, rows go out to `parts`, and what cannot be kept goes into the report. Pure.

What a metric counts since the last point (delta) is a COUNTER. What it counts since its process began (cumulative) is a GAUGE:
a reading of a meter, of which the difference means something and the sum nothing. Of a distribution there is a point for its
count, sum, least, greatest and each bucket; buckets hold everything up to the bound in the tag `le`, as in Prometheus.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1 import metrics_pb2 as otlp

from services.ingest.otlp.parts import Report, Row
from services.ingest.otlp.values import attributes, producer_id, text
from tidemark.v1.metric_pb2 import METRIC_KIND_COUNTER, METRIC_KIND_GAUGE, MetricKind, MetricPoint

MAX_TAGS = 32
MAX_TEXT = 200
MAX_UNIT = 32
MAX_BUCKETS = 1000
"""Of one distribution: each is a point of its own."""
SCALES = range(-10, 21)
"""Of exponential histograms; beyond, a bucket is wider than all numbers or finer than any two."""
_ABOUT_SDK = "telemetry.sdk."
_SCOPE = "otel.scope.name"
_NO_VALUE = otlp.DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK
_DELTA = otlp.AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
_CUMULATIVE = otlp.AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE

Distribution = otlp.HistogramDataPoint | otlp.ExponentialHistogramDataPoint
DataPoint = otlp.NumberDataPoint | Distribution | otlp.SummaryDataPoint


class _Value(NamedTuple):
    """One of the values of a data point: what its name and tags have more than the metric's, and what it is."""

    suffix: str
    value: float
    kind: MetricKind
    tag: tuple[str, str] | None = None


class _Unfit(Exception):
    """A data point that cannot be kept; the message says why and what to do."""


def rows(request: ExportMetricsServiceRequest, report: Report) -> Iterator[Row[MetricPoint]]:
    """The points of every data point."""
    place = 0
    for of_resource in request.resource_metrics:
        resource = attributes(of_resource.resource.attributes)
        producer = producer_id(resource)
        for of_scope in of_resource.scope_metrics:
            shared = {key: value for key, value in resource.items() if not key.startswith(_ABOUT_SDK)}
            if of_scope.scope.name:
                shared[_SCOPE] = of_scope.scope.name
            for metric in of_scope.metrics:
                for point in _data_points(metric):
                    for made in _points(metric, point, shared, place, report):
                        yield Row(producer, place, made, known_again=False)
                    place += 1


def _data_points(metric: otlp.Metric) -> Sequence[DataPoint]:
    kind = metric.WhichOneof("data")
    return getattr(metric, kind).data_points if kind else ()


def _points(
    metric: otlp.Metric, point: DataPoint, shared: Mapping[str, Any], place: int, report: Report
) -> Iterator[MetricPoint]:
    """The points of one data point; none where it has no value or cannot be kept."""
    if point.flags & _NO_VALUE:
        return
    try:
        values = list(_values(metric, point))
    except _Unfit as unfit:
        report.refuse(place, str(unfit))
        return
    is_one = len(values) == 1 and values[0].tag is None
    tags, is_cut = _tags(point.attributes, shared, MAX_TAGS if is_one else MAX_TAGS - 1)
    report.cut += is_cut
    seconds, nanos = divmod(point.time_unix_nano, 1_000_000_000)
    for each in values:
        made = MetricPoint(
            name=metric.name + each.suffix,
            value=each.value,
            kind=each.kind,
            tags=tags,
            unit="1" if each.suffix in (".count", ".bucket") else metric.unit[:MAX_UNIT],
        )
        if each.tag:
            made.tags[each.tag[0]] = each.tag[1]
        if point.time_unix_nano:
            made.observed_at.seconds, made.observed_at.nanos = seconds, nanos
        yield made


def _values(metric: otlp.Metric, point: DataPoint) -> Iterator[_Value]:
    match point:
        case otlp.NumberDataPoint():
            counts = metric.HasField("sum")
            kind = _kind(metric.sum.aggregation_temporality) if counts else METRIC_KIND_GAUGE
            yield _Value("", _number(point), kind)
        case otlp.HistogramDataPoint():
            kind = _kind(metric.histogram.aggregation_temporality)
            yield from _distribution(point, _explicit(point), kind)
        case otlp.ExponentialHistogramDataPoint():
            kind = _kind(metric.exponential_histogram.aggregation_temporality)
            yield from _distribution(point, _exponential(point), kind)
        case otlp.SummaryDataPoint():
            # The only metric whose data points all count since their process began.
            yield _Value(".count", point.count, METRIC_KIND_GAUGE)
            yield _Value(".sum", point.sum, METRIC_KIND_GAUGE)
            if len(point.quantile_values) > MAX_BUCKETS:
                raise _Unfit(f"has {len(point.quantile_values)} quantiles; send at most {MAX_BUCKETS}")
            for each in point.quantile_values:
                yield _Value("", each.value, METRIC_KIND_GAUGE, ("quantile", _bound(each.quantile)))


def _kind(temporality: int) -> MetricKind:
    if temporality == _DELTA:
        return METRIC_KIND_COUNTER
    if temporality == _CUMULATIVE:
        return METRIC_KIND_GAUGE
    raise _Unfit("does not say since when it counts; send aggregation_temporality delta or cumulative")


def _number(point: otlp.NumberDataPoint) -> float:
    match point.WhichOneof("value"):
        case "as_double":
            return point.as_double
        case "as_int":
            return float(point.as_int)
        case _:
            raise _Unfit("has no value; send as_double or as_int")


def _distribution(
    point: Distribution, buckets: Iterable[tuple[float, int]], kind: MetricKind
) -> Iterator[_Value]:
    yield _Value(".count", point.count, kind)
    if point.HasField("sum"):
        yield _Value(".sum", point.sum, kind)
    if point.HasField("min"):
        yield _Value(".min", point.min, METRIC_KIND_GAUGE)
    if point.HasField("max"):
        yield _Value(".max", point.max, METRIC_KIND_GAUGE)
    total = 0
    for bound, count in buckets:
        total += count
        # Nothing added is nothing to tell; a reading of nothing is one.
        if total or kind != METRIC_KIND_COUNTER:
            yield _Value(".bucket", total, kind, ("le", _bound(bound)))


def _explicit(point: otlp.HistogramDataPoint) -> Iterator[tuple[float, int]]:
    """Upper bound and count of each bucket, lowest first."""
    bounds, counts = point.explicit_bounds, point.bucket_counts
    if not counts and not bounds:
        return
    if len(counts) != len(bounds) + 1:
        raise _Unfit(f"has {len(bounds)} bounds and {len(counts)} counts; send one count more than bounds")
    _check_buckets(len(counts))
    yield from zip(bounds, counts)
    yield math.inf, counts[-1]


def _exponential(point: otlp.ExponentialHistogramDataPoint) -> Iterator[tuple[float, int]]:
    """Upper bound and count of each bucket that counts anything, lowest first, and of all numbers."""
    if point.scale not in SCALES:
        raise _Unfit(f"has scale {point.scale}; send one from {SCALES[0]} to {SCALES[-1]}")
    below, above = point.negative, point.positive
    _check_buckets(len(below.bucket_counts) + len(above.bucket_counts))
    for index, count in reversed(list(enumerate(below.bucket_counts, below.offset))):
        if count:
            yield -_power(index, point.scale), count
    if point.zero_count:
        yield point.zero_threshold, point.zero_count
    for index, count in enumerate(above.bucket_counts, above.offset):
        if count:
            yield _power(index + 1, point.scale), count
    yield math.inf, 0


def _power(index: int, scale: int) -> float:
    """The lower bound of an exponential bucket: 2 to the power of `index` in steps of that scale."""
    try:
        return float(2.0 ** math.ldexp(index, -scale))
    except OverflowError:
        return math.inf


def _check_buckets(count: int) -> None:
    if count > MAX_BUCKETS:
        raise _Unfit(f"has {count} buckets; send at most {MAX_BUCKETS}")


def _bound(bound: float) -> str:
    """A bound as Prometheus writes it."""
    return "+Inf" if bound == math.inf else repr(bound).removesuffix(".0")


def _tags(given: Iterable[KeyValue], shared: Mapping[str, Any], limit: int) -> tuple[dict[str, str], bool]:
    """The data point's attributes and, as far as there is room, those of its resource; and whether something was cut."""
    own = attributes(given)
    texts = {key: text(value) for key, value in (own | {**shared, **own}).items()}
    kept = {key[:MAX_TEXT]: value[:MAX_TEXT] for key, value in list(texts.items())[:limit]}
    return kept, kept != texts
