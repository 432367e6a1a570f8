from datetime import UTC, datetime

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from services.kit.errors import Invalid
from services.query.cohorts.request import Fields, changes, new
from tests.unit.query.cohorts.test_rule import did
from tidemark.v1 import cohort_pb2 as pb

NOW = datetime(2026, 3, 2, tzinfo=UTC)
RULE = pb.CohortRule(conditions=[did("a")])
ANN = pb.CohortPeople(user_ids=["ann", "bob", "ann"])


def made(**fields) -> Fields:
    return new(pb.Cohort(**fields), "UTC", NOW)


def update(*paths: str, **fields) -> Fields:
    request = pb.UpdateCohortRequest(cohort=pb.Cohort(**fields), update_mask=FieldMask(paths=paths))
    return changes(request, "UTC", NOW)


def test_people_are_listed_once_each() -> None:
    assert made(display_name="Ann", people=ANN) == Fields("Ann", "", ("ann", "bob"))


def test_a_rule_is_kept_as_it_came() -> None:
    found = made(description="Who did", rule=RULE).rule
    assert found is not None
    assert pb.CohortRule.FromString(found) == RULE


def test_an_update_sets_what_its_mask_names_or_what_is_set() -> None:
    assert update(display_name="A") == Fields(display_name="A")
    assert update("description", display_name="A") == Fields(description="")
    assert update("people", display_name="A", people=ANN) == Fields(people=("ann", "bob"))
    assert update(people=ANN) == Fields(people=("ann", "bob"))
    assert update("*", display_name="A", people=ANN) == Fields("A", "", ("ann", "bob"))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "cohort.rule"),
        ({"display_name": "x" * 101, "people": ANN}, "cohort.display_name"),
        ({"description": "x" * 1001, "people": ANN}, "cohort.description"),
        ({"description": "\0", "people": ANN}, "cohort.description"),
        ({"people": pb.CohortPeople(user_ids=[str(n) for n in range(100_001)])}, "cohort.people.user_ids"),
        ({"people": pb.CohortPeople(user_ids=[f"{n:040}" for n in range(90_000)])}, "cohort.people.user_ids"),
        ({"people": pb.CohortPeople(user_ids=["ann", ""])}, "cohort.people.user_ids[1]"),
        ({"people": pb.CohortPeople(user_ids=["x" * 201])}, "cohort.people.user_ids[0]"),
        ({"people": pb.CohortPeople(user_ids=["a\0"])}, "cohort.people.user_ids[0]"),
        ({"rule": pb.CohortRule()}, "cohort.rule.conditions"),
    ],
)
def test_what_is_wrong_is_named(fields: dict, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        made(**fields)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("paths", "fields", "field"),
    [
        ((), {}, "update_mask"),
        (("name",), {"display_name": "A"}, "update_mask"),
        (("rule",), {"people": ANN}, "update_mask"),
        (("people",), {}, "cohort.rule"),
        (("*",), {"display_name": "A"}, "cohort.rule"),
    ],
)
def test_a_mask_fits_what_is_sent(paths: tuple[str, ...], fields: dict, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        update(*paths, **fields)
    assert caught.value.field == field
