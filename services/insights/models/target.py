"""What a model learns from and what it is tested on: a `Model` and the instant up to which outcomes are known come in, a `Plan` goes
out, which `source` reads and by which `training` parts the rows. Pure.

Nothing of the time of the test is in what is learnt: the window of every training point is over before the first point of the test.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from google.protobuf.duration_pb2 import Duration
from numpy.typing import NDArray

from services.insights.models.matrix import Rows
from services.kit.errors import Refused
from services.kit.instant import EPOCH, us_of
from tidemark.v1 import feature_pb2, model_pb2, question_pb2

HISTORY, EARLIEST = timedelta(days=365), timedelta(days=3650)
CUTS, MAX_CUTS, MAX_TESTED = 12, 50, 50
LATER_SHARE = 0.8
"""Of event points, the share that is learnt from where nothing else is said."""
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Plan:
    """Rows to read, and how to part them."""

    spec: feature_pb2.FeatureSpec
    window: timedelta
    """How long after a point its outcome is known; zero where it is known at once."""
    test_start: datetime | None
    """None where it is the last fifth of the points."""
    folds: int
    preferred: tuple[str, ...]
    """Features of which the first that there is makes the rule; the best one when none is named."""
    stopped: bool
    """Whether only people count who did nothing of the activity for as long as the window."""

    @property
    def lately(self) -> feature_pb2.FeatureSpec:
        """The same points for those alone who did something within the window before: whom `stopped` leaves out."""
        spec = feature_pb2.FeatureSpec(fields=["type"], without_history=True, history=self.spec.history)
        spec.cuts.CopyFrom(self.spec.cuts)
        spec.cuts.member_within.FromTimedelta(self.window)
        return spec


@dataclass(frozen=True, slots=True)
class Parts:
    """Which rows are learnt from, and which tested on; the same ones where each is tested by what the others teach."""

    train: Mask
    test: Mask


def plan(model: model_pb2.Model, horizon: datetime, event_names: Sequence[str]) -> Plan:
    """What to read for training, where outcomes are known up to `horizon`; raises `Refused` where no time is left."""
    spec = feature_pb2.FeatureSpec(sum_fields=model.sum_fields, fields=model.fields)
    spec.history.FromTimedelta(_given(model.history) or HISTORY)
    if model.HasField("outcome"):
        spec.without_history = model.outcome.without_history
        spec.outcome.CopyFrom(model.outcome.outcome)
        found = _moments(model, spec, horizon)
    else:
        found = _cuts(model, spec, horizon)
    if not spec.without_history:
        spec.event_names.extend(event_names)
    return found


def again(model: model_pb2.Model, version: model_pb2.ModelVersion) -> Plan:
    """The plan by which a version was trained."""
    kind = model.WhichOneof("target")
    if kind == "outcome":
        window = model.outcome.outcome.window.ToTimedelta()
        of_field = model.outcome.outcome.WhichOneof("kind") == "field"
        return Plan(version.spec, timedelta(0) if of_field else window, None, 0, (), False)
    return Plan(version.spec, version.spec.outcome.window.ToTimedelta(), None, 0, (), kind == "return")


def as_of(plan: Plan, now: datetime) -> Plan:
    """The plan of predictions at an instant: everybody then, or the events whose outcome is not known by then."""
    spec = feature_pb2.FeatureSpec()
    spec.CopyFrom(plan.spec)
    if spec.HasField("cuts"):
        spec.ClearField("outcome")
        return replace(plan, spec=_at(spec, [now]))
    return between(replace(plan, spec=spec), now - (plan.window or _given(spec.history) or HISTORY), now)


def between(plan: Plan, start: datetime, end: datetime) -> Plan:
    """The plan of the points from an instant (included) to another (excluded); of cuts, of the first alone."""
    spec = feature_pb2.FeatureSpec()
    spec.CopyFrom(plan.spec)
    if spec.HasField("cuts"):
        return replace(plan, spec=_at(spec, [start]))
    spec.events.time_range.start.FromDatetime(max(start, EPOCH))
    spec.events.time_range.end.FromDatetime(end)
    return replace(plan, spec=spec)


def parts(plan: Plan, rows: Rows) -> Parts:
    """The rows of training and test among those whose outcome is known."""
    known = np.isfinite(rows.outcomes)
    if plan.folds:
        return Parts(known, known)
    start = us_of(plan.test_start) if plan.test_start is not None else _later(rows.points[known])
    over = rows.points + plan.window // timedelta(microseconds=1) <= start
    # What is known at once is known before the test where its point is.
    return Parts(known & over & (rows.points < start), known & (rows.points >= start))


def _later(points: NDArray[np.int64]) -> int:
    return int(np.quantile(points, LATER_SHARE, method="lower")) if len(points) else 0


def _cuts(model: model_pb2.Model, spec: feature_pb2.FeatureSpec, horizon: datetime) -> Plan:
    """One test cut, or several until `test_end`; before it the cuts that are learnt from, as many as there are."""
    window, validation = _target(model, spec), model.validation
    step = _given(validation.step) or window
    first = _instant(validation, "test_start") or horizon - window
    if first + window > horizon:
        raise Refused(
            f"outcomes after {first:%Y-%m-%d} take {window.days} days and are known up to {horizon:%Y-%m-%d}; test earlier, or wait",
            reason="OUTCOMES_UNKNOWN",
        )
    end = _instant(validation, "test_end") or first + step
    tested = [
        each
        for i in range(MAX_TESTED)
        if (each := first + i * step) < max(end, first + step) and each + window <= horizon
    ]
    earliest = max(_instant(validation, "train_start") or EPOCH, EPOCH)
    most = min(validation.cuts or CUTS, MAX_CUTS)
    learnt = [each for i in range(most) if (each := first - window - i * step) >= earliest]
    if not learnt:
        raise Refused(
            f"no window of {window.days} days ends between train_start and {first:%Y-%m-%d}; learn from earlier points",
            reason="TOO_FEW_ROWS",
        )
    activity = spec.cuts.member.name if model.WhichOneof("target") != "conversion" else None
    preferred = () if activity is None else (f"recency_days({activity})", "recency_days")
    stopped = model.WhichOneof("target") == "return"
    return Plan(_at(spec, sorted([*learnt, *tested])), window, first, 0, preferred, stopped)


def _target(model: model_pb2.Model, spec: feature_pb2.FeatureSpec) -> timedelta:
    """Puts who is looked at and what becomes of them into a spec; gives the window."""
    match model.WhichOneof("target"):
        case "churn":
            _members(spec, model.churn.activity, model.churn, "active_within")
            spec.outcome.did.CopyFrom(model.churn.activity)
            spec.outcome.negate = True
            spec.outcome.window.CopyFrom(model.churn.window)
        case "return":
            target = getattr(model, "return")
            spec.cuts.member.CopyFrom(target.activity)
            spec.outcome.did.CopyFrom(target.activity)
            spec.outcome.window.CopyFrom(target.window)
        case _:
            _members(spec, model.conversion.eligible, model.conversion, "eligible_within")
            spec.outcome.did.CopyFrom(model.conversion.goal)
            spec.outcome.window.CopyFrom(model.conversion.window)
    return spec.outcome.window.ToTimedelta()


def _members(
    spec: feature_pb2.FeatureSpec,
    step: question_pb2.Step,
    target: model_pb2.ChurnTarget | model_pb2.ConversionTarget,
    within: str,
) -> None:
    spec.cuts.member.CopyFrom(step)
    if target.HasField(within):  # type: ignore[arg-type]
        spec.cuts.member_within.CopyFrom(getattr(target, within))


def _moments(model: model_pb2.Model, spec: feature_pb2.FeatureSpec, horizon: datetime) -> Plan:
    validation, window = model.validation, model.outcome.outcome.window.ToTimedelta()
    # What a field tells is known at once, whatever its window says.
    if model.outcome.outcome.WhichOneof("kind") == "field":
        window = timedelta(0)
    spec.events.event.CopyFrom(model.outcome.event)
    start = _instant(validation, "train_start") or horizon - EARLIEST
    spec.events.time_range.start.FromDatetime(max(start, EPOCH))
    spec.events.time_range.end.FromDatetime(_instant(validation, "test_end") or horizon)
    return Plan(spec, window, _instant(validation, "test_start"), validation.folds, (), False)


def _at(spec: feature_pb2.FeatureSpec, cuts: Sequence[datetime]) -> feature_pb2.FeatureSpec:
    del spec.cuts.cuts[:]
    for each in cuts:
        spec.cuts.cuts.add().FromDatetime(each)
    return spec


def _given(length: Duration) -> timedelta:
    return length.ToTimedelta()


def _instant(validation: model_pb2.Validation, name: str) -> datetime | None:
    if not validation.HasField(name):  # type: ignore[arg-type]
        return None
    found: datetime = getattr(validation, name).ToDatetime(EPOCH.tzinfo)
    return found
