"""Page tokens."""

import base64
from contextlib import suppress
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit import page
from services.kit.errors import Invalid
from tidemark.v1.admin_pb2 import ListAuditEntriesRequest, ListProjectsRequest

REQUEST = ListAuditEntriesRequest(parent="projects/demo", actor="system")


def continued(token: str, **changes: str | int) -> ListAuditEntriesRequest:
    request = ListAuditEntriesRequest()
    request.CopyFrom(REQUEST)
    request.page_token = token
    for name, value in changes.items():
        setattr(request, name, value)
    return request


@given(
    st.integers(-(2**63), 2**63 - 1), st.text(alphabet=st.characters(exclude_characters="\0", codec="utf-8"))
)
def test_a_position_comes_back_as_it_went(number, text):
    token = page.token(REQUEST, number, text)
    assert page.position(continued(token), int, str) == [number, text]


def test_the_first_page_has_no_position():
    assert page.position(REQUEST, int) is None


def test_a_list_of_the_newest_goes_on_behind_an_instant_that_a_calendar_has():
    assert page.newest(REQUEST) is None
    assert page.newest(continued(page.token(REQUEST, 0, "a"))) == (datetime(1970, 1, 1, tzinfo=UTC), "a")
    assert page.newest(continued(page.token(REQUEST, 1_000_000, 7)), int) == (
        datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC),
        7,
    )
    with pytest.raises(Invalid, match="is not a token that this server gave"):
        page.newest(continued(page.token(REQUEST, 2**62, "a")))


def test_the_size_of_the_page_may_change_on_the_way():
    assert page.position(continued(page.token(REQUEST, 7), page_size=3), int) == [7]


@pytest.mark.parametrize("change", [{"parent": "projects/other"}, {"actor": ""}, {"action": "x"}])
def test_a_token_of_another_request_is_refused(change):
    with pytest.raises(Invalid, match="page_token: belongs to another request"):
        page.position(continued(page.token(REQUEST, 7), **change), int)


def test_a_token_of_another_rpc_is_refused():
    token = page.token(ListAuditEntriesRequest(), 7)
    with pytest.raises(Invalid, match="belongs to another request"):
        page.position(ListProjectsRequest(page_token=token), int)


@pytest.mark.parametrize("forged", ["ä", "%%%", "a", "AAAA", "AAAAAAAAAAAAAAAAAAAA"])
def test_what_is_no_token_is_refused(forged):
    with pytest.raises(Invalid, match="page_token"):
        page.position(continued(forged), int)


@pytest.mark.parametrize("position", [["7"], [7, 7], [], [True], [None], [2**63], {"a": 1}, 7])
def test_a_forged_position_never_reaches_the_database(position):
    digest = base64.urlsafe_b64decode(page.token(REQUEST, 1) + "==")[:8]
    forged = base64.urlsafe_b64encode(digest + orjson.dumps(position)).decode()
    with pytest.raises(Invalid, match="page_token"):
        page.position(continued(forged), int)


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(text):
    try:
        request = continued(text)
    except UnicodeEncodeError:
        return
    with suppress(Invalid):
        page.position(request, int)


@pytest.mark.parametrize(
    ("requested", "given_size"), [(0, 100), (1, 1), (1000, 1000), (1001, 1000), (2**31 - 1, 1000)]
)
def test_a_page_holds_as_many_as_asked_within_limits(requested, given_size):
    assert page.size(requested, 100, 1000) == given_size


def test_a_negative_size_is_refused():
    with pytest.raises(Invalid, match="page_size: is -1"):
        page.size(-1, 100, 1000)
