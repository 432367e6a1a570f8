"""What is wrong with a spec is refused with its field."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from services.kit.errors import Invalid
from services.query.features.request import MAX_ROWS, Cuts, Did, Moments, read
from tests.unit.query.featuring import BERLIN, DAY, LATER, START, spec
from tidemark.v1 import feature_pb2 as pb
from tidemark.v1.question_pb2 import Filter

COHORT = Filter(cohort="projects/demo/cohorts/buyers")
OVER = (START, START + DAY)


def cut(**others: Any) -> pb.FeatureSpec:
    return spec(START, **others)


def changed(asked: pb.FeatureSpec, change: Callable[[pb.FeatureSpec], object]) -> pb.FeatureSpec:
    change(asked)
    return asked


def test_cuts_are_put_in_order_and_told_once() -> None:
    wanted = read(pb.ReadFeaturesRequest(spec=spec(START + DAY, START, START)), BERLIN, LATER)
    assert isinstance(wanted.points, Cuts)
    assert wanted.points.instants == (START, START + DAY)
    assert (wanted.history, wanted.points.within, wanted.most) == (365 * DAY, 365 * DAY, MAX_ROWS)


def test_event_points_and_outcomes_are_read() -> None:
    asked = spec(points="a", over=OVER, did="b", window=DAY, match=["properties.k"])
    wanted = read(pb.ReadFeaturesRequest(spec=asked, max_rows=7), BERLIN, LATER)
    assert isinstance(wanted.points, Moments)
    assert isinstance(wanted.outcome, Did)
    assert (wanted.outcome.window, wanted.outcome.match[0].path, wanted.most) == (DAY, "properties.k", 7)


WRONG: dict[str, tuple[pb.FeatureSpec, str]] = {
    "no points": (pb.FeatureSpec(), "spec.cuts"),
    "no cut": (pb.FeatureSpec(cuts=pb.CutPoints()), "spec.cuts.cuts"),
    "too many cuts": (spec(*(START + n * DAY for n in range(101))), "spec.cuts.cuts"),
    "a cut before 1970": (changed(cut(), lambda each: each.cuts.cuts.add(seconds=-1)), "spec.cuts.cuts[1]"),
    "no event": (pb.FeatureSpec(events=pb.EventPoints()), "spec.events.event"),
    "no time": (
        changed(pb.FeatureSpec(), lambda each: each.events.event.SetInParent()),
        "spec.events.time_range",
    ),
    "a long history": (cut(history=timedelta(days=4000)), "spec.history"),
    "no history": (cut(history=timedelta()), "spec.history"),
    "a name twice": (cut(event_names=["a", "b", "a"]), "spec.event_names[2]"),
    "an empty name": (cut(event_names=[""]), "spec.event_names[0]"),
    "too many names": (cut(event_names=[str(n) for n in range(51)]), "spec.event_names"),
    "a sum of texts": (cut(sum_fields=["name"]), "spec.sum_fields[0]"),
    "a field of no event": (cut(fields=["nonsense"]), "spec.fields[0]"),
    "a field that every row has": (cut(fields=["user_id"]), "spec.fields[0]"),
    "the instant": (cut(fields=["occurred_at"]), "spec.fields[0]"),
    "no feature": (cut(without_history=True), "spec.fields"),
    "an empty outcome": (cut(outcome=pb.Outcome()), "spec.outcome.did"),
    "no window": (cut(did="a"), "spec.outcome.window"),
    "a long window": (cut(did="a", window=timedelta(days=400)), "spec.outcome.window"),
    "a field of a cut": (cut(outcome=pb.Outcome(field="properties.x")), "spec.outcome.field"),
    "a match of a cut": (cut(did="a", window=DAY, match=["properties.x"]), "spec.outcome.match"),
    "a cohort": (changed(cut(), lambda each: each.cuts.member.filter.MergeFrom(COHORT)), "spec"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_refused_with_its_field(name: str) -> None:
    asked, field = WRONG[name]
    with pytest.raises(Invalid) as caught:
        read(pb.ReadFeaturesRequest(spec=asked), BERLIN, LATER)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"max_rows": -1}, "max_rows"),
        ({"max_rows": MAX_ROWS + 1}, "max_rows"),
        ({"user_ids": ["a"] * 2}, "user_ids[1]"),
        ({"user_ids": ["a\0"]}, "user_ids[0]"),
        ({"user_ids": [str(n) for n in range(1001)]}, "user_ids"),
    ],
)
def test_too_much_is_refused(given: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(pb.ReadFeaturesRequest(spec=cut(), **given), BERLIN, LATER)
    assert caught.value.field == field
