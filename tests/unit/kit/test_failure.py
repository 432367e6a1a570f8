"""What becomes of an exception that ends a call."""

import asyncio

import grpc
import psycopg
import psycopg_pool
import pytest
import redis.exceptions

from services.kit.errors import Denied, Exhausted, Invalid
from services.kit.failure import code_of, failure, shown

CASES = [
    (Invalid("name", "is empty"), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"),
    (Denied(reason="WRONG_PROJECT"), grpc.StatusCode.PERMISSION_DENIED, "WRONG_PROJECT"),
    (Exhausted("wait", retry_after=1), grpc.StatusCode.RESOURCE_EXHAUSTED, "RESOURCE_EXHAUSTED"),
    (psycopg.OperationalError("gone"), grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE"),
    (psycopg.errors.AdminShutdown("gone"), grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE"),
    (psycopg_pool.PoolTimeout("busy"), grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE"),
    (psycopg.errors.QueryCanceled("late"), grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"),
    (redis.exceptions.ConnectionError("gone"), grpc.StatusCode.UNAVAILABLE, "REDIS_UNAVAILABLE"),
    (redis.exceptions.TimeoutError("slow"), grpc.StatusCode.UNAVAILABLE, "REDIS_UNAVAILABLE"),
]


@pytest.mark.parametrize(("error", "code", "reason"), CASES, ids=lambda value: type(value).__name__)
def test_a_known_failure_has_its_own_status(error, code, reason):
    known = failure(error)
    assert known is not None
    assert (known.code, known.reason, code_of(error)) == (code, reason, code)


@pytest.mark.parametrize("error", [KeyError("x"), psycopg.ProgrammingError("SELECT secret"), TimeoutError()])
def test_any_other_failure_is_internal_and_tells_nothing(error):
    assert failure(error) is None
    assert code_of(error) is grpc.StatusCode.INTERNAL


def test_a_failure_that_nobody_may_see_is_an_incident_in_the_logs(caplog):
    told = shown(KeyError("secret"))
    assert told.code is grpc.StatusCode.INTERNAL
    assert "secret" not in str(told)
    (line,) = caplog.records
    assert told.metadata["incident"] in line.getMessage()
    assert line.exc_info[1].args == ("secret",)


def test_a_known_failure_is_shown_as_it_is(caplog):
    error = Denied()
    assert shown(error) is error
    assert caplog.records == []


def test_text_of_the_database_does_not_reach_the_caller():
    known = failure(psycopg.OperationalError("password of tidemark is hunter2"))
    assert "hunter2" not in str(known)


def test_a_cancelled_call_is_cancelled():
    assert code_of(asyncio.CancelledError()) is grpc.StatusCode.CANCELLED
