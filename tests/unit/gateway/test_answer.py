"""The form of answers: errors, the cookie, the policy."""

import pytest

from services.gateway.answer import POLICY, cookie, problem
from services.kit.errors import (
    Denied,
    Error,
    Exhausted,
    Internal,
    Invalid,
    NotFound,
    Unauthenticated,
    Unavailable,
)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Invalid("key", "is missing"), 400),
        (Unauthenticated(), 401),
        (Denied(), 403),
        (NotFound(), 404),
        (Exhausted("later", retry_after=1), 429),
        (Internal(), 500),
        (Unavailable(), 503),
    ],
)
def test_an_error_has_the_status_that_fits(error: Error, status: int) -> None:
    assert problem(error)[0] == status


def test_an_error_is_a_status_in_json() -> None:
    _, body = problem(Invalid("key", "is missing"))
    info, bad = body["details"]
    assert (body["code"], body["message"]) == (3, "key: is missing")
    assert info["@type"].endswith("/google.rpc.ErrorInfo")
    assert info["reason"] == "INVALID_FIELD"
    assert bad["fieldViolations"] == [{"field": "key", "description": "is missing"}]


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites() -> None:
    assert cookie("s", "token", 60, secure=False) == "s=token; Max-Age=60; Path=/; HttpOnly; SameSite=Strict"
    assert cookie("s", "token", 60, secure=True).endswith("; Secure")


def test_the_policy_allows_nothing_inline_and_nothing_foreign() -> None:
    assert "default-src 'none'" in POLICY
    assert "unsafe" not in POLICY
    assert "http" not in POLICY
