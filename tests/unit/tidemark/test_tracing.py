"""How contexts are told and read, and what a buffer remembers of the spans that it is filled under."""

import subprocess
import sys

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from tidemark.buffer import Buffer, Limits
from tidemark.tracing import MAX_ORIGINS, Tracing, traceparent

KNOWN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def tracing() -> Tracing:
    return Tracing(TracerProvider(shutdown_on_exit=False))


def test_a_traceparent_is_read_as_it_was_written(tracing: Tracing) -> None:
    span = tracing.publish("events", 1, "web", ())
    context = tracing.read(traceparent(span))
    assert context is not None
    assert (context.trace_id, context.span_id) == (
        span.get_span_context().trace_id,
        span.get_span_context().span_id,
    )
    assert context.is_remote


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "00",
            KNOWN[:-1],
            KNOWN + "-more",
            KNOWN.upper(),
            "ff" + KNOWN[2:],
            "ü" * 55,
            KNOWN + "-" * 10_000,
        ),
        *("00-" + "0" * 32 + KNOWN[35:], KNOWN[:36] + "0" * 16 + "-01", b"bytes", None, 7),
    ],
)
def test_what_is_no_traceparent_is_ignored(tracing: Tracing, text: object) -> None:
    assert tracing.read(text) is None


def test_a_traceparent_of_a_later_version_is_read_as_far_as_it_is_known(tracing: Tracing) -> None:
    context = tracing.read("01" + KNOWN[2:] + "-more")
    assert context is not None
    assert f"{context.trace_id:032x}" == KNOWN.split("-")[1]


def test_a_batch_remembers_each_span_once_and_not_too_many(tracing: Tracing) -> None:
    buffer = Buffer("events", Limits(), lambda: None)
    add = tracing.noting(buffer.add)
    add(b"outside of any")
    for _ in range(MAX_ORIGINS + 5):
        with tracing.tracer.start_as_current_span("request"):
            add(b"first")
            add(b"second")
    buffer.seal()
    add(b"outside again")
    buffer.seal()
    (many, _, origins), (one, _, none) = buffer.sealed
    assert (many, len(origins), len(set(origins_of(origins)))) == (
        2 * (MAX_ORIGINS + 5) + 1,
        MAX_ORIGINS,
        MAX_ORIGINS,
    )
    assert (one, none) == (1, ())


def origins_of(contexts: tuple) -> list[int]:
    return [context.span_id for context in contexts]


def test_a_span_that_is_not_sampled_is_no_origin() -> None:
    tracing = Tracing(TracerProvider(ALWAYS_OFF, shutdown_on_exit=False))
    with tracing.tracer.start_as_current_span("request"):
        assert tracing.origin() is None


def test_nothing_of_opentelemetry_is_imported_without_a_provider() -> None:
    program = (
        "import sys, tidemark, services.kit.tracing\n"
        "tidemark.Client(environment={})\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"
