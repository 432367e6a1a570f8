"""What a request of CohortService says, once it is known to be well formed. Pure; raises `Invalid` naming the field.

Messages come in from `servicer.py`, plain values go back to it and on to `store.py`.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from services.kit import resource
from services.kit.errors import Invalid
from services.query.cohorts import rule
from tidemark.v1 import cohort_pb2 as pb

MAX_PEOPLE = 100_000
MAX_PEOPLE_BYTES = 3 << 20
"""An answer with all of them stays below the 4 MiB that gRPC clients take by default."""
MAX_USER_ID = 200
MAX_DESCRIPTION = 1000
_UPDATABLE = ("display_name", "description", "people", "rule")


@dataclass(frozen=True, slots=True)
class Fields:
    """What is stored of a cohort; None for what stays as it is."""

    display_name: str | None = None
    description: str | None = None
    people: tuple[str, ...] | None = None
    """Who is listed."""
    rule: bytes | None = None
    """Instead of them: the serialized rule."""


def new(cohort: pb.Cohort, zone: str, now: datetime) -> Fields:
    """The fields of a new cohort."""
    return _fields(cohort, ["display_name", "description", _members(cohort)], zone, now)


def changes(request: pb.UpdateCohortRequest, zone: str, now: datetime) -> Fields:
    """The fields that an update sets."""
    names = resource.masked(request, request.cohort, _UPDATABLE)
    if {"people", "rule"} & set(names):
        given = _members(request.cohort)
        if given not in names:
            raise Invalid(
                "update_mask", f"does not name {given}, which the cohort has; name what is to be set"
            )
        names = [name for name in names if name not in ("people", "rule")] + [given]
    return _fields(request.cohort, names, zone, now)


def _fields(cohort: pb.Cohort, names: list[str], zone: str, now: datetime) -> Fields:
    return Fields(
        display_name=(
            resource.display_name(cohort.display_name, "cohort.display_name")
            if "display_name" in names
            else None
        ),
        description=_description(cohort.description) if "description" in names else None,
        people=_people(cohort.people) if "people" in names else None,
        rule=_rule(cohort.rule, zone, now) if "rule" in names else None,
    )


def _members(cohort: pb.Cohort) -> str:
    given: str | None = cohort.WhichOneof("members")
    if given is None:
        raise Invalid("cohort.rule", "is empty, and so is people; give one of the two")
    return given


def _description(text: str) -> str:
    if "\0" in text or len(text) > MAX_DESCRIPTION:
        raise Invalid(
            "cohort.description", f"has {len(text)} characters; write at most {MAX_DESCRIPTION} and no NUL"
        )
    return text


def _people(people: pb.CohortPeople) -> tuple[str, ...]:
    at = "cohort.people.user_ids"
    if len(people.user_ids) > MAX_PEOPLE:
        raise Invalid(at, f"has {len(people.user_ids)}; give at most {MAX_PEOPLE}, or a rule")
    different = tuple(dict.fromkeys(people.user_ids))
    for i, user in enumerate(different):
        if not 1 <= len(user) <= MAX_USER_ID or "\0" in user:
            raise Invalid(f"{at}[{i}]", f"is {user[:50]!r}; give 1 to {MAX_USER_ID} characters and no NUL")
    if (size := sum(len(user.encode()) + 3 for user in different)) > MAX_PEOPLE_BYTES:
        raise Invalid(at, f"take {size} bytes; give at most {MAX_PEOPLE_BYTES}, or a rule")
    return different


def _rule(given: pb.CohortRule, zone: str, now: datetime) -> bytes:
    rule.read(given, ZoneInfo(zone), now, "cohort.rule")
    return given.SerializeToString(deterministic=True)
