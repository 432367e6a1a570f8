"""The token in a request's cookie, and when it counts."""

import pytest

from services.kit.errors import Unauthenticated
from services.kit.session import Session, digest_of, token_of

TOKEN = "A" * 43
OURS = ("x-requested-with", "tidemark")


@pytest.mark.parametrize(
    "cookies",
    [
        f"tidemark_session={TOKEN}",
        f"a=b; tidemark_session={TOKEN}; c=d",
        f'odd name=1; x="{{json: 1}}"; tidemark_session={TOKEN}',
        f"é=1;tidemark_session={TOKEN} ; expires=x",
    ],
)
def test_the_token_is_found_among_the_cookies_of_others(cookies: str) -> None:
    assert token_of([("cookie", cookies), OURS]) == TOKEN


def test_cookies_may_come_in_several_headers() -> None:
    assert token_of([("cookie", "a=b"), ("cookie", f"tidemark_session={TOKEN}"), OURS]) == TOKEN


@pytest.mark.parametrize(
    "cookies",
    [
        "",
        "a=b",
        "tidemark_session=",
        f"tidemark_session={TOKEN}A",
        f"not_tidemark_session={TOKEN}",
        f"x=tidemark_session={TOKEN}",
    ],
)
def test_what_is_no_token_is_none(cookies: str) -> None:
    assert token_of([("cookie", cookies), OURS]) == ""


@pytest.mark.parametrize("header", [("x-grpc-web", "1"), OURS])
def test_a_cookie_counts_beside_a_header_of_the_page(header: tuple[str, str]) -> None:
    assert token_of([("cookie", f"tidemark_session={TOKEN}"), header]) == TOKEN


@pytest.mark.parametrize(
    "headers", [[], [("x-requested-with", "XMLHttpRequest")], [("content-type", "application/json")]]
)
def test_a_cookie_alone_counts_for_nothing(headers: list[tuple[str, str]]) -> None:
    with pytest.raises(Unauthenticated, match="only beside the header x-requested-with: tidemark") as refused:
        token_of([("cookie", f"tidemark_session={TOKEN}"), *headers])
    assert refused.value.reason == "HEADER_MISSING"


def test_a_session_stays_for_its_idle_time_but_not_beyond_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.kit.session.time.time", lambda: 1000.0)
    assert Session(digest_of(TOKEN), "k", ends_at=9000, idle_seconds=60).lease == 60
    assert Session(digest_of(TOKEN), "k", ends_at=1030, idle_seconds=60).lease == 30
