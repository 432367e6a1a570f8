"""gRPC errors become exceptions that say what, where and when to come back."""

import grpc
import pytest
from grpc.aio import AioRpcError, Metadata

from services.kit import errors as kit
from tidemark import errors


def rpc_error(error, **trailing):
    details = {"grpc-status-details-bin": error.status().SerializeToString()} | trailing
    return AioRpcError(error.code, Metadata(), Metadata(*details.items()), str(error))


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (kit.Unauthenticated(), errors.Unauthenticated),
        (kit.Denied(), errors.Denied),
        (kit.NotFound(), errors.NotFound),
        (kit.AlreadyExists(), errors.AlreadyExists),
        (kit.Conflict(), errors.Conflict),
        (kit.Fenced(), errors.Fenced),
        (kit.Refused(), errors.Refused),
        (kit.Refused("it comes with Tidemark", reason="BUILT_IN"), errors.Refused),
        (kit.DeadlineExceeded(), errors.DeadlineExceeded),
        (kit.Unavailable(), errors.Unavailable),
    ],
)
def test_every_error_of_the_servers_has_its_class_and_reason(sent, expected):
    received = errors.from_rpc(rpc_error(sent))
    assert type(received) is expected
    assert (str(received), received.reason) == (str(sent), sent.reason)


def test_bad_input_names_the_field():
    received = errors.from_rpc(rpc_error(kit.Invalid("query.time_range", "is missing")))
    assert isinstance(received, errors.Invalid)
    assert received.field == "query.time_range"


def test_a_gap_says_what_was_expected():
    received = errors.from_rpc(rpc_error(kit.SequenceGap(expected=7)))
    assert received.metadata["expected"] == "7"


def test_the_longer_of_two_waits_counts():
    sent = kit.Exhausted("too much", retry_after=1.5)
    assert errors.from_rpc(rpc_error(sent)).retry_after == 1.5
    assert errors.from_rpc(rpc_error(sent, **{"grpc-retry-pushback-ms": "2500"})).retry_after == 2.5


def test_an_error_without_details_is_still_an_error():
    received = errors.from_rpc(AioRpcError(grpc.StatusCode.UNAVAILABLE, Metadata(), Metadata(), "gone"))
    assert (type(received), str(received), received.retry_after) == (errors.Unavailable, "gone", None)
