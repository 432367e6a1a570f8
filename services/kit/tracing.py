"""Traces of this process: settings come in, spans go out to a collector by OTLP, from a thread of their own.

While no endpoint is set everything here does nothing, and nothing of OpenTelemetry is imported. Texts of errors and values of SQL are in no
span: what they hold belongs to projects. Where a span of one process goes on in another, it travels as its traceparent: in the metadata of
a call, in a batch, and in the header of an entry of the log.
"""

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

from services.kit.settings import Settings
from tidemark.tracing import Tracing, fail, messaging
from tidemark.tracing import traceparent as written

if TYPE_CHECKING:
    from opentelemetry.trace import Span

LEAVING_SECONDS = 2.0
"""How long the end of a process may take because of spans that have yet to be exported."""
_SQL_CHARACTERS = 2000
_TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE|COPY) (\w+)")
_FAULTS = {
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DATA_LOSS,
}
_NOTHING = nullcontext()
_on: Tracing | None = None

Attributes = Mapping[str, Any]


@contextmanager
def exporting(target: str, settings: Settings) -> Iterator[None]:
    """Has the spans of the process exported where an endpoint is set. Raises `BadSetting`."""
    global _on
    if not settings.tracing_endpoint:
        yield
        return
    from services.kit.spans import provider

    made = provider(target, settings)
    _on = Tracing(made)
    try:
        yield
    finally:
        _on = None
        # By itself it would wait for a collector that is away, for half a minute.
        leaving = threading.Thread(target=made.shutdown, daemon=True)
        leaving.start()
        leaving.join(LEAVING_SECONDS)


def span(
    name: str, attributes: Attributes | None = None, kind: str = "internal"
) -> "AbstractContextManager[Span | None]":
    """A span below the current one, and current until it ends; a failure is told by its type."""
    return _NOTHING if _on is None else _current(_on, _on.start(name, kind, attributes or {}))


def entering(name: str, traceparent: object, attributes: Attributes) -> "AbstractContextManager[Span | None]":
    """A span of what has come from outside with a traceparent; where a span is current already, one below that."""
    if _on is None:
        return _NOTHING
    if _on.api.get_current_span().get_span_context().is_valid:
        return span(name, attributes)
    outside = _on.read(traceparent)
    parent = _on.below(outside) if outside else _on.nowhere
    return _current(_on, _on.start(name, "server", attributes, parent))


def sending(what: str, place: str) -> "AbstractContextManager[Span | None]":
    """A span of a message that goes to `place`, whose traceparent is to go with it."""
    if _on is None:
        return _NOTHING
    return span(f"append {what}", messaging("append", "send", place), "producer")


@contextmanager
def processing(what: str, messages: Sequence[tuple[str, Attributes]]) -> "Iterator[None]":
    """What is done with many messages at once, each with the traceparent that came with it, if any.

    One span is linked to all of them, and each message has one in its own trace, linked to that.
    """
    found = (
        []
        if _on is None
        else [
            (context, attributes)
            for traceparent, attributes in messages
            if (context := _on.read(traceparent)) is not None and context.trace_flags.sampled
        ]
    )
    if _on is None or not found:
        yield
        return
    tracing = _on
    commit = tracing.start(
        f"commit {what}",
        "consumer",
        messaging("commit", "process", what) | {"messaging.batch.message_count": len(found)},
        tracing.nowhere,
        [context for context, _ in found],
    )
    with ExitStack() as stack:
        for context, attributes in found:
            each = tracing.start(
                f"process {what}",
                "consumer",
                {**messaging("process", "process", what), **attributes},
                tracing.below(context),
                [commit.get_span_context()],
            )
            stack.enter_context(_ended(each))
        stack.enter_context(_current(tracing, commit))
        yield


def statement(query: object) -> "AbstractContextManager[Span | None]":
    """A span of an SQL statement, where it is asked within another. Values are parameters and no part of its text; one that is composed
    may hold some, and has no span.
    """
    if (
        _on is None
        or not query
        or not isinstance(query, str)
        or not _on.api.get_current_span().is_recording()
    ):
        return _NOTHING
    text = " ".join(query.split())
    table = _TABLE.search(text)
    summary = text.partition(" ")[0].upper() + (f" {table[1]}" if table else "")
    attributes = {
        "db.system.name": "postgresql",
        "db.query.summary": summary,
        "db.query.text": text[:_SQL_CHARACTERS],
    }
    return span(summary, attributes, "client")


def answer(call: "Span | None", code: grpc.StatusCode, project: str) -> None:
    """Says how a call ended that a server has answered; a mistake of the caller is no fault of ours."""
    if call is None:
        return
    call.set_attribute("rpc.response.status_code", code.name)
    if project:
        call.set_attribute("tidemark.project", project)
    if code in _FAULTS:
        fail(call, code.name)


def is_on() -> bool:
    """Whether spans are made."""
    return _on is not None


def traceparent() -> str:
    """How the next process knows the current span; empty unless it is sampled."""
    if _on is None:
        return ""
    current = _on.api.get_current_span()
    return written(current) if current.is_recording() else ""


def trace_id() -> str:
    """The current trace, for logs; empty where there is none."""
    if _on is None:
        return ""
    context = _on.api.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else ""


def interceptors() -> list[grpc.aio.ClientInterceptor]:
    """What makes spans of the calls over a channel."""
    return [] if _on is None else _on.interceptors()


@contextmanager
def _current(tracing: Tracing, made: "Span") -> "Iterator[Span]":
    with _ended(made), tracing.api.use_span(made, record_exception=False, set_status_on_exception=False):
        yield made


@contextmanager
def _ended(made: "Span") -> Iterator[None]:
    try:
        yield
    except grpc.aio.AbortError:
        raise  # How the call has ended is said with its code.
    except Exception as error:
        fail(made, type(error).__name__)
        raise
    finally:
        made.end()
