"""What becomes of an exception that ends a call: whatever a handler raises comes in, an `Error` goes out to `rpc.py` or the gateway."""

import asyncio
import logging
import uuid

import grpc
import psycopg
import redis.exceptions

from services.kit.errors import DeadlineExceeded, Error, Internal, Unavailable

log = logging.getLogger(__name__)


def shown(error: BaseException) -> Error:
    """The error that the caller shall see; of what no caller may see more of, the id of an incident that the logs tell."""
    known = failure(error)
    if known is None:
        incident = uuid.uuid4().hex
        log.error("incident %s", incident, exc_info=error)
        known = Internal(f"internal error, incident {incident}", incident=incident)
    return known


def failure(error: BaseException) -> Error | None:
    """The error that the caller shall see; None for what no caller may see more of than an incident id."""
    match error:
        case Error():
            return error
        case psycopg.errors.QueryCanceled():
            return DeadlineExceeded("the database was stopped at the end of the time allowed: ask for less")
        case psycopg.OperationalError():
            return Unavailable("the database cannot be reached: retry", reason="DATABASE_UNAVAILABLE")
        case redis.exceptions.ConnectionError() | redis.exceptions.TimeoutError():
            return Unavailable("Redis cannot be reached: retry", reason="REDIS_UNAVAILABLE")
        case _:
            return None


def code_of(error: BaseException) -> grpc.StatusCode:
    """The status code under which a call ends with `error`."""
    if isinstance(error, asyncio.CancelledError):
        return grpc.StatusCode.CANCELLED
    known = failure(error)
    return grpc.StatusCode.INTERNAL if known is None else known.code
