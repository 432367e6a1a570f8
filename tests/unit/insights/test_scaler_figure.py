"""How many pods the load asks for: what waits, what comes in, what is about to, and which of it counts."""

from datetime import UTC, datetime

import numpy as np
import pytest

from services.insights.forecast.pool import MEAN, Errors, Forecast
from services.insights.scaler import figure, request
from services.insights.scaler.figure import BACKLOG, INCOMING, Load, Outlook, Sample, Shard, Wanted
from services.kit.errors import Invalid
from tidemark.v1.query_pb2 import GetPlatformAnalyticsResponse, ProcessingAnalytics

STALE = 2700.0
WANTED = Wanted(pod_rate=1000.0, utilisation=0.5, backlog_seconds=10.0)


def load(*samples: tuple[float, list[Shard]]) -> Load:
    found = Load()
    for at, shards in samples:
        found.add(Sample(at, tuple(shards)))
    return found


def shard(
    received: int = 0, committed: int = 0, *, writer: str = "w", lag: float = 0.0, paused: bool = False
) -> Shard:
    return Shard(writer, received, committed, lag, paused)


def needed(
    known: Load, outlook: Outlook | None = None, wanted: Wanted = WANTED, now: float = 60.0
) -> figure.Needed:
    return figure.needed(known, outlook, wanted, now, STALE)


def test_nothing_is_asked_for_where_nothing_happens() -> None:
    found = needed(load((0, [shard(500, 500)]), (60, [shard(500, 500)])))
    assert figure.values(found) == {BACKLOG: 0.0, INCOMING: 0.0}
    assert not found.active


def test_the_backlog_counts_over_all_partitions_in_seconds_of_one_writer() -> None:
    found = needed(load((0, [shard(9000), shard(6000)]), (60, [shard(9000), shard(6000)])))
    assert figure.values(found) == {BACKLOG: 15.0, INCOMING: 0.0}
    assert found.backlog == 1.5
    assert found.active


def test_what_a_paused_partition_holds_waits_for_a_person_and_not_for_writers() -> None:
    assert not needed(load((0, [shard(9000, paused=True)]), (60, [shard(9000, paused=True)]))).active


def test_the_present_rate_is_that_of_the_last_minute() -> None:
    known = load(
        *((at, [shard(100 * at, 100 * at)]) for at in range(0, 600, 5)), (600, [shard(90_000, 90_000)])
    )
    assert known.rate == pytest.approx((90_000 - 54_000) / 60)
    assert needed(known).present == pytest.approx(600 / 500)


def test_busy_writers_tell_what_one_of_them_carries() -> None:
    behind = [
        (at, [shard(10**6, 200 * at, writer="a", lag=9), shard(0, 3 * at, writer="b")])
        for at in range(0, 65, 5)
    ]
    known = load(*behind)
    assert known.drain_rate == pytest.approx(200)
    # Of the million, 12,000 are committed: at 200 a second the rest takes one writer 4,940 s.
    assert needed(known).backlog_seconds == pytest.approx((10**6 - 12_000) / 200)


@pytest.mark.parametrize(
    "shards",
    [
        lambda at: [shard(10**6, 200 * at, lag=0.5)],
        lambda at: [shard(10**6, 200 * at, lag=9, paused=True)],
        lambda at: [shard(10**6, 200 * at, lag=9, writer="")],
        lambda at: [shard(10**6, 200 * at, lag=9, writer=f"w{at}")],
    ],
    ids=["not behind", "paused", "without a writer", "handed over"],
)
def test_what_says_nothing_of_a_writer_is_not_measured(shards) -> None:
    assert load(*((at, shards(at)) for at in range(0, 65, 5))).drain_rate is None


def test_the_upper_end_of_the_outlook_is_asked_for_ahead_of_time() -> None:
    calm = load((0, [shard()]), (60, [shard(6000, 6000)]))
    # A pod that starts now works after 75 s, which the third bucket begins before.
    outlook = Outlook(0.0, 0.0, (30_000.0, 60_000.0, 600_000.0), good=True)
    assert needed(calm, outlook, now=60.0).outlook == pytest.approx(100 / 1000)
    assert needed(calm, outlook, now=290.0).outlook == pytest.approx(200 / 1000)
    assert figure.values(needed(calm, outlook, now=530.0))[INCOMING] == pytest.approx(2000 / 1000)


@pytest.mark.parametrize(
    ("outlook", "now"),
    [
        (Outlook(0.0, 0.0, (600_000.0,) * 24, good=False), 60.0),
        (Outlook(0.0, 0.0, (600_000.0,) * 24, good=True), STALE + 1),
        (Outlook(0.0, 0.0, (600_000.0,), good=True), 290.0),
        (Outlook(0.0, 600.0, (600_000.0,) * 24, good=True), 60.0),
    ],
    ids=["no better than naive", "stale", "ends too early", "begins later"],
)
def test_an_outlook_that_cannot_be_believed_leaves_backlog_and_rate(outlook: Outlook, now: float) -> None:
    found = needed(load((0, [shard()]), (60, [shard(60_000, 50_000)])), outlook, now=now)
    assert found.outlook is None
    assert figure.values(found) == {BACKLOG: 10.0, INCOMING: pytest.approx(2.0)}


def test_an_outlook_of_nothing_takes_nothing_away() -> None:
    busy = load((0, [shard()]), (60, [shard(60_000, 50_000)]))
    assert figure.values(needed(busy, Outlook(0.0, 0.0, (0.0,) * 9, good=True))) == figure.values(
        needed(busy)
    )


def test_ingest_is_asked_for_by_rate_alone() -> None:
    wanted = request.read({"target": "ingest", "podRate": "1000", "utilisation": "0.5"})
    found = needed(load((0, [shard()]), (60, [shard(60_000, 0)])), wanted=wanted)
    assert figure.targets(wanted) == {INCOMING: 1.0}
    assert (found.backlog, found.incoming) == (0.0, 2.0)


@pytest.mark.parametrize(
    ("error", "baseline", "good"), [(1.0, 1.0, True), (1.1, 1.0, False), (None, None, False)]
)
def test_an_outlook_is_good_where_its_error_is_known_and_no_worse_than_naive(error, baseline, good) -> None:
    def errors(mae: float | None) -> Errors | None:
        return None if mae is None else Errors(mae, mae, mae, 0.9, 20, 100)

    values = np.ones(3)
    found = Forecast(values, values, values * 2, MEAN, (), errors(error), errors(baseline))
    assert figure.outlook(found, 0.0, 0.0) == Outlook(0.0, 0.0, (2.0, 2.0, 2.0), good)


def test_a_repeated_day_is_foretold_with_its_peak() -> None:
    noise = np.random.default_rng(1)
    days = np.tile([1000.0] * 200 + [5000.0] * 88, 8)[: 7 * 288 + 200]
    made = figure.ahead(list(days * noise.uniform(0.9, 1.1, len(days))), 12)
    found = figure.outlook(made, 0.0, 0.0)
    assert min(found.upper) > 4000
    assert found.good


def test_what_is_learnt_from_ends_where_everything_is_committed() -> None:
    processing = ProcessingAnalytics(received=[10, 20, 30, 4])
    # 12:17, in the fourth bucket since 12:00.
    now = datetime(2026, 3, 1, 12, 17, tzinfo=UTC).timestamp()
    assert figure.past(processing, now) == ([10, 20, 30], now - 120)
    processing.partitions.add().lag.FromSeconds(360)
    assert figure.past(processing, now) == ([10, 20], now - 120 - 300)
    processing.partitions[0].paused_because = "too bad"
    assert figure.past(processing, now) == ([10, 20, 30], now - 120)


def test_a_sample_is_what_query_tells_of_every_partition() -> None:
    answer = GetPlatformAnalyticsResponse()
    answer.measured_at.FromSeconds(100)
    one = answer.processing.partitions.add(writer="w", received=9, committed=4)
    one.lag.FromMilliseconds(1500)
    assert figure.sample(answer) == Sample(100.0, (Shard("w", 9, 4, 1.5, False),))


def test_metadata_of_a_trigger_are_read_and_those_of_keda_are_left_alone() -> None:
    given = {
        "scalerAddress": "tidemark-insights:50056",
        "enableTLS": "true",
        "backlogSeconds": "30",
        "startSeconds": "90",
    }
    assert request.read(given) == Wanted(backlog_seconds=30.0, start_seconds=90.0)


@pytest.mark.parametrize(
    "given",
    [
        {"target": "query"},
        {"backlogSecond": "30"},
        {"podRate": "much"},
        {"utilisation": "nan"},
        {"podRate": "0"},
    ],
)
def test_metadata_that_mean_nothing_are_refused_by_name(given: dict[str, str]) -> None:
    with pytest.raises(Invalid) as caught:
        request.read(given)
    assert caught.value.field == f"scalerMetadata.{next(iter(given))}"
