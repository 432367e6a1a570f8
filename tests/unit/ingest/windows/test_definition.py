"""What a window may be, and which field is at fault where it is none."""

from datetime import timedelta
from typing import Any

import pytest

from services.ingest.windows.definition import read
from services.kit.errors import Invalid
from tests.windowing import ALL, aggregate, hopping, sessions, tumbling
from tidemark.v1 import question_pb2 as q
from tidemark.v1 import window_pb2 as pb


def test_what_is_left_out_is_filled_in() -> None:
    found = read(tumbling(aggregate("UNIQUES")))
    assert found.aggregates[0].field == "user_id"
    assert found.allowed_lateness.ToTimedelta() == timedelta(days=1)


def test_no_lateness_may_be_allowed() -> None:
    window = tumbling()
    window.allowed_lateness.seconds = 0
    assert read(window).allowed_lateness.ToTimedelta() == timedelta()


def test_names_and_times_that_are_given_stay_out_of_the_definition() -> None:
    window = tumbling(*ALL, display_name="Orders", key=["type"], name="projects/x/windows/y")
    window.create_time.seconds = 1
    found = read(window)
    assert (found.name, found.HasField("create_time")) == ("", False)
    assert (found.display_name, list(found.key), list(found.aggregates)) == ("Orders", ["type"], list(ALL))


@pytest.mark.parametrize(
    ("window", "field"),
    [
        (pb.Window(aggregates=ALL[:1]), "window.tumbling"),
        (tumbling(seconds=0.5), "window.tumbling.size"),
        (tumbling(seconds=31 * 86_400 + 1), "window.tumbling.size"),
        (hopping(seconds=60, every=0), "window.hopping.every"),
        (hopping(seconds=60, every=40), "window.hopping.size"),
        (hopping(seconds=101, every=1), "window.hopping.size"),
        (sessions(gap=86_401), "window.session.gap"),
        (sessions(key=[]), "window.key"),
        (tumbling(key=["a"]), "window.key[0]"),
        (tumbling(key=["occurred_at"]), "window.key[0]"),
        (tumbling(key=["name"] * 4), "window.key"),
        (tumbling(event_names=["x"] * 101), "window.event_names"),
        (tumbling(event_names=["x", ""]), "window.event_names[1]"),
        (tumbling(event_names=["x\0"]), "window.event_names[0]"),
        (tumbling(when="("), "window.when"),
        (tumbling(when="nothing == 1"), "window.when"),
        (tumbling(when="true || " * 200), "window.when"),
        (tumbling(display_name="x" * 101), "window.display_name"),
        (tumbling(*ALL[:1] * 2), "window.aggregates[1].id"),
        (
            tumbling(*(pb.WindowAggregate(id=f"a{i}", aggregation=q.AGGREGATION_COUNT) for i in range(11))),
            "window.aggregates",
        ),
        (tumbling(aggregate("RATE")), "window.aggregates[0].aggregation"),
        (tumbling(aggregate("UNSPECIFIED")), "window.aggregates[0].aggregation"),
        (tumbling(pb.WindowAggregate(id="x", aggregation=99)), "window.aggregates[0].aggregation"),  # type: ignore[arg-type]
        (
            tumbling(pb.WindowAggregate(id="1", aggregation=q.AGGREGATION_COUNT)),
            "window.aggregates[0].id",
        ),
        (tumbling(aggregate("COUNT", "user_id")), "window.aggregates[0].field"),
        (tumbling(aggregate("SUM")), "window.aggregates[0].field"),
        (tumbling(aggregate("SUM", "name")), "window.aggregates[0].field"),
        (tumbling(aggregate("UNIQUES", "occurred_at")), "window.aggregates[0].field"),
        (
            tumbling(aggregate("QUANTILE", "properties.n", quantile=1.5)),
            "window.aggregates[0].quantile",
        ),
        (
            tumbling(aggregate("QUANTILE", "properties.n", quantile=float("nan"))),
            "window.aggregates[0].quantile",
        ),
    ],
)
def test_what_is_no_window_is_refused_with_its_field(window: Any, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(window)
    assert caught.value.field == field


def test_a_window_without_aggregates_is_refused() -> None:
    window = tumbling()
    del window.aggregates[:]
    with pytest.raises(Invalid, match="give 1 to 10"):
        read(window)


def test_more_than_thirty_days_of_lateness_are_refused() -> None:
    window = tumbling()
    window.allowed_lateness.FromTimedelta(timedelta(days=31))
    with pytest.raises(Invalid, match="allowed_lateness"):
        read(window)
