"""Access logs, as servers write them."""

from tidemark.load import access_log
from tidemark.load.draft import BadRow
from tidemark.records import EventType

COMMON = b'192.0.2.1 - - [10/Oct/2026:13:55:36 -0700] "GET /a/b?c=d HTTP/1.1" 200 2326\n'
COMBINED = (
    b'192.0.2.1 - frank [10/Oct/2026:13:55:36 +0000] "POST /x HTTP/2.0" 503 - '
    b'"https://example.org/" "Agent \\"quoted\\" 1.0"\n'
)


def test_the_common_format():
    (draft,) = access_log.drafts([COMMON], "log")
    assert draft.occurred_at.isoformat() == "2026-10-10T20:55:36+00:00"
    assert draft.user_id == "192.0.2.1"
    assert draft.properties == {
        "method": "GET",
        "path": "/a/b",
        "query": "c=d",
        "protocol": "HTTP/1.1",
        "status": 200,
        "status_class": "2xx",
        "bytes": 2326,
        "host": "192.0.2.1",
    }


def test_the_combined_format_and_a_failure_of_the_server():
    (draft,) = access_log.drafts([COMBINED], "log")
    assert (draft.user_id, draft.type) == ("frank", EventType.ERROR_EVENT)
    assert (draft.properties["bytes"], draft.properties["referrer"]) == (0, "https://example.org/")
    assert draft.properties["agent"] == 'Agent \\"quoted\\" 1.0'


def test_a_request_that_is_no_http_is_still_counted():
    (draft,) = access_log.drafts([COMMON.replace(b"GET /a/b?c=d HTTP/1.1", b"\\x16\\x03\\x01")], "log")
    assert draft.properties["method"] == "\\x16\\x03\\x01"


def test_other_lines_are_bad_rows_with_their_number():
    drafts = list(access_log.drafts([b"\n", b"hello\n", COMMON.replace(b"Oct", b"Foo")], "log"))
    assert [bad.place for bad in drafts] == ["line 2", "line 3"]
    assert all(isinstance(bad, BadRow) for bad in drafts)


def test_equal_lines_at_different_places_are_different_events():
    ids = [draft.event_id for draft in access_log.drafts([COMMON, COMMON], "log")]
    assert len(set(ids)) == 2
    assert ids == [draft.event_id for draft in access_log.drafts([COMMON, COMMON.rstrip()], "log")]
    assert ids != [draft.event_id for draft in access_log.drafts([COMMON, COMMON], "other")]
