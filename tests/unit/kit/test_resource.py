import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.errors import Invalid
from services.kit.resource import ID, display_name, made_id, new_id, parted, request_id, revision


@pytest.mark.parametrize(
    ("display_name", "expected"),
    [
        ("Big Spenders", "big-spenders"),
        ("  Käufer: März '26 ", "kaufer-marz-26"),
        ("30 days", "cohort-30-days"),
        ("ab", "cohort-ab"),
        ("買い手", "cohort"),
        ("", "cohort"),
        ("x" * 60, "x" * 40),
    ],
)
def test_ids_read_like_display_names(display_name: str, expected: str) -> None:
    assert made_id(display_name, "cohort", ()) == expected


@given(st.text(max_size=60), st.integers(0, 12))
def test_made_ids_are_ids_and_not_taken(display_name: str, already: int) -> None:
    taken: set[str] = set()
    for _ in range(already + 1):
        found = made_id(display_name, "cohort", taken)
        assert re.fullmatch(ID, found)
        assert found not in taken
        taken.add(found)


@pytest.mark.parametrize("text", ["", "ab", "1ab", "Ab-c", "a_b", "x" * 41, "abc\n"])
def test_other_ids_are_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        new_id(text, "cohort_id")
    assert caught.value.field == "cohort_id"


def test_names_have_a_parent_and_an_id() -> None:
    assert parted("projects/demo/cohorts/buyers", "cohorts", "name") == ("projects/demo", "buyers")
    with pytest.raises(Invalid, match=re.escape("write projects/{project}/cohorts/{cohort}")):
        parted("projects/demo/cohorts/b", "cohorts", "name")


def test_etags_and_request_ids_are_checked() -> None:
    assert revision("", "etag") is None
    assert revision("12", "etag") == 12
    assert request_id("") is None
    assert str(request_id("00000000-0000-4000-8000-000000000000")).startswith("0000")
    for refused in (
        lambda: revision("x", "etag"),
        lambda: request_id("again"),
        lambda: display_name("\n", "name"),
    ):
        with pytest.raises(Invalid):
            refused()
