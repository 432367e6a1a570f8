"""What a request of ModelService says, once it is known to be well formed. Pure; raises `Invalid` naming the field.

Whether steps and fields are ones that features can be made of is told by query, when the first rows are read.
"""

import re
from collections.abc import Iterable
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

from services.kit import period, resource
from services.kit.errors import Invalid
from tidemark.v1 import model_pb2 as pb

MAX_NAMES, MAX_SUMS, MAX_FIELDS = 50, 10, 100
MAX_TEXT = 200
LONGEST_WINDOW, LONGEST_HISTORY = timedelta(days=366), timedelta(days=3653)
MAX_CUTS, FEWEST_FOLDS, MAX_FOLDS = 50, 2, 10
MAX_PEOPLE = 1000
_WRITTEN = (
    "display_name",
    "churn",
    "return",
    "conversion",
    "outcome",
    "history",
    "event_names",
    "sum_fields",
    "fields",
)
_PATH = re.compile(r"(name|type|session_id|(properties|context)\..+)", re.DOTALL)


def new(model: pb.Model) -> pb.Model:
    """The definition to be kept: what callers may say of it, checked."""
    kept = pb.Model()
    kept.CopyFrom(model)
    for field, _ in model.ListFields():
        if field.name not in (*_WRITTEN, "validation", "retrain"):
            kept.ClearField(field.name)  # type: ignore[arg-type]
    resource.display_name(kept.display_name, "model.display_name")
    _target(kept)
    if kept.HasField("history"):
        _length(kept.history, LONGEST_HISTORY, "model.history")
    _texts(kept.event_names, MAX_NAMES, "model.event_names")
    for paths, most, at in (
        (kept.sum_fields, MAX_SUMS, "model.sum_fields"),
        (kept.fields, MAX_FIELDS, "model.fields"),
    ):
        _texts(paths, most, at)
        for i, path in enumerate(paths):
            if not _PATH.fullmatch(path):
                raise Invalid(
                    f"{at}[{i}]",
                    f"is {path[:50]!r}; write name, type, session_id, properties.<key> or context.<key>",
                )
    _validation(kept)
    return kept


def number(name: str) -> tuple[str, str, int]:
    """The project, the model and the number of `projects/{project}/models/{model}/versions/{number}`."""
    model, _, version = name.partition("/versions/")
    if not re.fullmatch("[1-9][0-9]{0,8}", version):
        raise Invalid(
            "name", f"is {name[:100]!r}; write projects/{{project}}/models/{{model}}/versions/{{number}}"
        )
    return *resource.parted(model, "models", "name"), int(version)


def people(user_ids: Iterable[str]) -> tuple[str, ...]:
    """Of whom predictions are asked for, each once."""
    found = tuple(dict.fromkeys(user_ids))
    if len(found) > MAX_PEOPLE:
        raise Invalid("user_ids", f"has {len(found)}; give at most {MAX_PEOPLE}")
    for i, each in enumerate(found):
        if not 1 <= len(each) <= MAX_TEXT or "\0" in each:
            raise Invalid(f"user_ids[{i}]", f"is {each[:50]!r}; give 1 to {MAX_TEXT} characters and no NUL")
    return found


def least_score(score: float) -> float:
    """From which score on predictions are shown."""
    if not 0 <= score <= 1:
        raise Invalid("least_score", f"is {score}; give 0 to 1")
    return score


def _target(model: pb.Model) -> None:
    match model.WhichOneof("target"):
        case "churn":
            _window(model.churn.window, "model.churn.window")
            if model.churn.HasField("active_within"):
                _length(model.churn.active_within, LONGEST_HISTORY, "model.churn.active_within")
        case "return":
            _window(getattr(model, "return").window, "model.return.window")
        case "conversion":
            _window(model.conversion.window, "model.conversion.window")
            if not model.conversion.HasField("goal"):
                raise Invalid("model.conversion.goal", "is missing; say what people are to do")
            if model.conversion.HasField("eligible_within"):
                _length(model.conversion.eligible_within, LONGEST_HISTORY, "model.conversion.eligible_within")
        case "outcome":
            _outcome(model.outcome)
        case _:
            raise Invalid("model.target", "is missing; give one of churn, return, conversion and outcome")


def _outcome(target: pb.OutcomeTarget) -> None:
    if not target.HasField("event"):
        raise Invalid("model.outcome.event", "is missing; say of which events")
    match target.outcome.WhichOneof("kind"):
        case "did":
            _window(target.outcome.window, "model.outcome.outcome.window")
        case "field":
            if not _PATH.fullmatch(target.outcome.field):
                raise Invalid(
                    "model.outcome.outcome.field",
                    f"is {target.outcome.field[:50]!r}; write properties.<key> or context.<key>",
                )
        case _:
            raise Invalid("model.outcome.outcome", "says neither did nor field; give one of the two")


def _validation(model: pb.Model) -> None:
    given, at = model.validation, "model.validation"
    if given.HasField("step"):
        _length(given.step, LONGEST_HISTORY, f"{at}.step")
    if not 0 <= given.cuts <= MAX_CUTS:
        raise Invalid(f"{at}.cuts", f"is {given.cuts}; give 1 to {MAX_CUTS}, or 0 for 12")
    for name in ("train_start", "test_start", "test_end"):
        if given.HasField(name):  # type: ignore[arg-type]
            period.instant(getattr(given, name), f"{at}.{name}")
    times = [
        getattr(given, name).ToMicroseconds() if given.HasField(name) else None
        for name in ("test_start", "test_end")
    ]  # type: ignore[arg-type]
    if times[0] is not None and times[1] is not None and times[1] <= times[0]:
        raise Invalid(f"{at}.test_end", "is not after test_start; give a later instant")
    if given.folds:
        if not FEWEST_FOLDS <= given.folds <= MAX_FOLDS:
            raise Invalid(f"{at}.folds", f"is {given.folds}; give {FEWEST_FOLDS} to {MAX_FOLDS}, or 0")
        if not model.HasField("outcome"):
            raise Invalid(f"{at}.folds", "is given although order in time means something; leave it out")


def _window(window: Duration, at: str) -> None:
    _length(window, LONGEST_WINDOW, at)


def _length(given: Duration, most: timedelta, at: str) -> None:
    if not 0 < given.seconds + given.nanos / 1e9 <= most.total_seconds():
        raise Invalid(at, f"is {given.seconds} s; give more than 0 and at most {most.days} days")


def _texts(texts: Iterable[str], most: int, at: str) -> None:
    found = list(texts)
    if len(found) > most:
        raise Invalid(at, f"has {len(found)}; give at most {most}")
    for i, text in enumerate(found):
        if not 1 <= len(text) <= MAX_TEXT or "\0" in text:
            raise Invalid(f"{at}[{i}]", f"is {text[:50]!r}; give 1 to {MAX_TEXT} characters and no NUL")
        if text in found[:i]:
            raise Invalid(f"{at}[{i}]", f"is {text[:50]!r} again; give each once")
