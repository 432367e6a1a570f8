"""Data points become points: what is added up is a counter, what is read off a meter a gauge, and a distribution several points."""

import math
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1 import metrics_pb2 as otlp

from services.ingest.otlp.metrics import rows
from services.ingest.otlp.parts import Report
from tests.ingesting import NOW_US
from tests.unit.ingest.otlp.attributes import attribute
from tidemark.v1.metric_pb2 import METRIC_KIND_COUNTER, METRIC_KIND_GAUGE, MetricPoint

AT_NS = NOW_US * 1000 - 5_000_000
DELTA = otlp.AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
CUMULATIVE = otlp.AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
COUNTER, GAUGE = METRIC_KIND_COUNTER, METRIC_KIND_GAUGE


def number(value: float | int = 1.0, **attributes: Any) -> otlp.NumberDataPoint:
    made = otlp.NumberDataPoint(time_unix_nano=AT_NS)
    if isinstance(value, int):
        made.as_int = value
    else:
        made.as_double = value
    made.attributes.extend(attribute(*pair) for pair in attributes.items())
    return made


def gauge(*points: otlp.NumberDataPoint) -> otlp.Metric:
    return otlp.Metric(name="m", unit="ms", gauge=otlp.Gauge(data_points=points))


def counted(temporality: int, *, monotonic: bool = True) -> otlp.Metric:
    made = otlp.Metric(name="m", unit="By")
    made.sum.aggregation_temporality = temporality  # type: ignore[assignment]
    made.sum.is_monotonic = monotonic
    made.sum.data_points.append(number(3))
    return made


def histogram(temporality: int = CUMULATIVE, **fields: Any) -> otlp.Metric:
    made = otlp.Metric(name="m", unit="ms")
    made.histogram.aggregation_temporality = temporality  # type: ignore[assignment]
    good = {"count": 6, "sum": 14.5, "bucket_counts": [1, 0, 5], "explicit_bounds": [0.5, 10.0]}
    made.histogram.data_points.add(time_unix_nano=AT_NS, **good | fields)
    return made


def exponential(**fields: Any) -> otlp.Metric:
    made = otlp.Metric(name="m")
    made.exponential_histogram.aggregation_temporality = CUMULATIVE
    made.exponential_histogram.data_points.add(time_unix_nano=AT_NS, **fields)
    return made


def request(
    *metrics: otlp.Metric, scope: str = "", resource: dict[str, Any] | None = None
) -> ExportMetricsServiceRequest:
    made = ExportMetricsServiceRequest()
    of_resource = made.resource_metrics.add()
    of_resource.resource.attributes.extend(attribute(*pair) for pair in (resource or {}).items())
    of_scope = of_resource.scope_metrics.add()
    of_scope.scope.name = scope
    of_scope.metrics.extend(metrics)
    return made


def read(*metrics: otlp.Metric, report: Report | None = None, **about: Any) -> list[MetricPoint]:
    return [row.item for row in rows(request(*metrics, **about), report or Report())]


def told(points: list[MetricPoint]) -> list[tuple[str, float, int, dict[str, str]]]:
    return [(point.name, point.value, point.kind, dict(point.tags)) for point in points]


def test_a_gauge_is_a_gauge() -> None:
    (point,) = read(gauge(number(2.5, route="/pay", code=200, cached=False)))
    assert told([point]) == [("m", 2.5, GAUGE, {"route": "/pay", "code": "200", "cached": "false"})]
    assert point.unit == "ms"
    assert point.observed_at.ToMicroseconds() == AT_NS // 1000


@pytest.mark.parametrize("monotonic", [True, False])
def test_what_was_added_since_the_last_point_is_a_counter(monotonic: bool) -> None:
    assert told(read(counted(DELTA, monotonic=monotonic))) == [("m", 3.0, COUNTER, {})]


def test_what_was_counted_since_the_beginning_is_a_reading() -> None:
    assert told(read(counted(CUMULATIVE))) == [("m", 3.0, GAUGE, {})]


def test_a_sum_that_does_not_say_since_when_is_refused() -> None:
    report = Report()
    assert read(counted(0), report=report) == []
    assert "aggregation_temporality" in report.faults[0]


def test_a_histogram_is_told_by_count_sum_extremes_and_buckets() -> None:
    assert told(read(histogram(min=0.1, max=9.0))) == [
        ("m.count", 6, GAUGE, {}),
        ("m.sum", 14.5, GAUGE, {}),
        ("m.min", 0.1, GAUGE, {}),
        ("m.max", 9.0, GAUGE, {}),
        ("m.bucket", 1, GAUGE, {"le": "0.5"}),
        ("m.bucket", 1, GAUGE, {"le": "10"}),
        ("m.bucket", 6, GAUGE, {"le": "+Inf"}),
    ]


def test_a_histogram_of_what_was_added_leaves_out_buckets_to_which_nothing_was() -> None:
    found = told(read(histogram(DELTA, bucket_counts=[0, 0, 6])))
    assert found == [
        ("m.count", 6, COUNTER, {}),
        ("m.sum", 14.5, COUNTER, {}),
        ("m.bucket", 6, COUNTER, {"le": "+Inf"}),
    ]


def test_a_histogram_may_have_no_buckets_and_no_sum() -> None:
    made = histogram(bucket_counts=[], explicit_bounds=[])
    made.histogram.data_points[0].ClearField("sum")
    assert told(read(made)) == [("m.count", 6, GAUGE, {})]


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"bucket_counts": [1, 2]}, "has 2 bounds and 2 counts"),
        (
            {"bucket_counts": [1] * 2001, "explicit_bounds": [1.0] * 2000},
            "has 2001 buckets; send at most 1000",
        ),
    ],
)
def test_a_histogram_that_cannot_be_read_is_refused_and_the_others_are_not(
    fields: dict[str, Any], fault: str
) -> None:
    report = Report()
    assert told(read(histogram(**fields), gauge(number(1.0)), report=report)) == [("m", 1.0, GAUGE, {})]
    assert list(report.faults) == [0]
    assert fault in report.faults[0]


def test_an_exponential_histogram_has_the_bounds_of_its_scale() -> None:
    made = exponential(
        count=11, sum=1.0, scale=1, zero_count=2, zero_threshold=0.25,
        positive={"offset": 1, "bucket_counts": [3, 0, 4]}, negative={"offset": 0, "bucket_counts": [1, 1]},
    )  # fmt: skip
    found = [(tags["le"], value) for name, value, _, tags in told(read(made)) if name == "m.bucket"]
    root = math.sqrt(2)
    expected = [(-root, 1), (-1, 2), (0.25, 4), (2, 7), (root**4, 11), (math.inf, 11)]
    assert [value for _, value in found] == [value for _, value in expected]
    assert [float(bound) for bound, _ in found] == pytest.approx([bound for bound, _ in expected])


@pytest.mark.parametrize("scale", [-11, 21, 2**31 - 1, -(2**31)])
def test_an_exponential_histogram_of_a_scale_that_none_has_is_refused(scale: int) -> None:
    report = Report()
    assert read(exponential(count=1, scale=scale), report=report) == []
    assert f"has scale {scale}" in report.faults[0]


@pytest.mark.parametrize("offset", [2**31 - 1, -(2**31), 0])
@pytest.mark.parametrize("scale", [-10, 20])
def test_bounds_beyond_all_numbers_break_nothing(scale: int, offset: int) -> None:
    sides = {"offset": offset, "bucket_counts": [1] * 3}
    assert read(exponential(count=6, scale=scale, positive=sides, negative=sides))


def test_a_summary_is_a_reading_for_each_quantile() -> None:
    made = otlp.Metric(name="m")
    point = made.summary.data_points.add(time_unix_nano=AT_NS, count=4, sum=10.0)
    point.quantile_values.add(quantile=0.5, value=2.0)
    point.quantile_values.add(quantile=1.0, value=4.0)
    assert told(read(made)) == [
        ("m.count", 4, GAUGE, {}),
        ("m.sum", 10, GAUGE, {}),
        ("m", 2, GAUGE, {"quantile": "0.5"}),
        ("m", 4, GAUGE, {"quantile": "1"}),
    ]


def test_the_resource_is_in_the_tags_where_there_is_room() -> None:
    resource = {
        "service.name": "shop",
        "host.name": "h1",
        "telemetry.sdk.name": "opentelemetry",
        "route": "x",
    }
    (point,) = read(gauge(number(1.0, route="/pay")), scope="shop.cart", resource=resource)
    assert dict(point.tags) == {
        "route": "/pay", "service.name": "shop", "host.name": "h1", "otel.scope.name": "shop.cart",
    }  # fmt: skip


def test_tags_are_cut_to_what_is_kept_and_counted() -> None:
    report = Report()
    many = {f"k{index:02}": "v" for index in range(40)}
    (first, second) = read(gauge(number(1.0, **many), number(2.0, k="x" * 300)), report=report)
    assert len(first.tags) == 32
    assert second.tags["k"] == "x" * 200
    assert report.cut == 2
    assert report.message("data_points").startswith("2 with more tags")


def test_a_bucket_keeps_its_bound_however_many_tags_there_are() -> None:
    made = histogram()
    made.histogram.data_points[0].attributes.extend(attribute(f"k{index}", "v") for index in range(40))
    for point in read(made):
        assert len(point.tags) <= 32
        assert (point.name == "m.bucket") == ("le" in point.tags)


def test_a_data_point_that_says_that_it_has_no_value_is_passed_over() -> None:
    report, point = Report(), number(0.0)
    point.flags = otlp.DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK
    assert read(gauge(point), report=report) == []
    assert report.message("data_points") == ""


def test_a_data_point_without_a_value_is_refused() -> None:
    report = Report()
    assert read(gauge(otlp.NumberDataPoint(time_unix_nano=AT_NS)), report=report) == []
    assert report.message("data_points") == (
        "1 not taken; the first is data_points[0]: has no value; send as_double or as_int"
    )


def test_a_metric_without_data_is_none() -> None:
    assert read(otlp.Metric(name="m")) == []


def test_units_are_cut_to_what_is_kept() -> None:
    made = gauge(number(1.0))
    made.unit = "x" * 50
    assert read(made)[0].unit == "x" * 32
