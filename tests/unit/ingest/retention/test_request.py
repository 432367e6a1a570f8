import pytest

from services.ingest.retention import request as read
from services.ingest.retention.policy import Policy
from services.kit.errors import Invalid
from tidemark.v1.retention_pb2 import Retention


def test_a_retention_belongs_to_its_project() -> None:
    assert read.parent_of("projects/demo/retention", "name") == "projects/demo"


@pytest.mark.parametrize(
    "name", ["", "projects/demo", "projects//retention", "projects/demo/retention/x", "x" * 9999]
)
def test_another_name_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match=r"write projects/\{project\}/retention"):
        read.parent_of(name, "name")


def test_days_are_read_in_order() -> None:
    given = Retention(raw_days=1, minute_days=2, hour_days=3, day_days=36_500, ledger_days=0)
    assert read.policy(given) == Policy(1, 2, 3, 36_500, 0)


@pytest.mark.parametrize("field", ["raw_days", "minute_days", "hour_days", "day_days", "ledger_days"])
@pytest.mark.parametrize("days", [-1, 36_501])
def test_other_days_are_refused_by_name(field: str, days: int) -> None:
    with pytest.raises(Invalid) as caught:
        read.policy(Retention(**{field: days}))
    assert caught.value.field == f"retention.{field}"


@pytest.mark.parametrize("user_id", ["", "x" * 201, "a\0b"])
def test_whom_no_event_can_hold_is_refused(user_id: str) -> None:
    with pytest.raises(Invalid) as caught:
        read.user_id(user_id)
    assert caught.value.field == "user_id"
    assert "a\0b" not in str(caught.value)
