"""Which traces are kept, which settings are refused, and what may be in a span."""

import json
import logging

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from psycopg import sql

from services.kit import log, tracing
from services.kit.errors import BadSetting
from services.kit.settings import Settings
from services.kit.spans import provider, sampler
from tidemark.tracing import Tracing

SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = SAMPLED.removesuffix("1") + "0"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """The spans of this process, which keeps none that begins in it and is linked to nothing."""
    exporter = InMemorySpanExporter()
    made = TracerProvider(sampler(0.0), shutdown_on_exit=False)
    made.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_on", Tracing(made))
    return exporter


def names(spans: InMemorySpanExporter) -> list[str]:
    return [span.name for span in spans.get_finished_spans()]


def test_a_caller_decides_over_what_it_has_begun(spans: InMemorySpanExporter) -> None:
    for text in (SAMPLED, UNSAMPLED, "nonsense"):
        with tracing.entering(text, text, {}):
            pass
    assert names(spans) == [SAMPLED]


def test_a_commit_is_kept_where_any_of_its_batches_is(spans: InMemorySpanExporter) -> None:
    with tracing.processing("batches", [(UNSAMPLED, {}), ("", {}), (SAMPLED, {}), ("nonsense", {})]):
        pass
    with tracing.processing("batches", [(UNSAMPLED, {})]):
        pass
    commit, process = spans.get_finished_spans()
    assert (commit.name, process.name) == ("commit batches", "process batches")
    assert [f"{link.context.span_id:016x}" for link in commit.links] == [SAMPLED.split("-")[2]]
    assert process.links[0].context == commit.context


def test_a_failure_is_told_by_its_type_alone(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="secret"), tracing.processing("batches", [(SAMPLED, {})]):
        raise ValueError("secret")
    for span in spans.get_finished_spans():
        assert (span.status.is_ok, span.status.description, len(span.events)) == (False, None, 0)
        assert span.attributes is not None
        assert span.attributes["error.type"] == "ValueError"


def test_a_statement_is_told_without_values_and_only_within_a_span(spans: InMemorySpanExporter) -> None:
    composed = sql.SQL("CREATE ROLE r PASSWORD {}").format(sql.Literal("secret"))
    with tracing.statement("SELECT 1"):
        pass
    with tracing.entering("call", SAMPLED, {}):
        for query in (
            "\n SELECT a\nFROM events WHERE b = %s",
            "COPY points (a) FROM STDIN",
            "BEGIN",
            "",
            composed,
        ):
            with tracing.statement(query):
                pass
    assert names(spans) == ["SELECT events", "COPY points", "BEGIN", "call"]
    attributes = spans.get_finished_spans()[0].attributes
    assert attributes is not None
    assert attributes["db.query.text"] == "SELECT a FROM events WHERE b = %s"


def test_a_log_line_names_its_trace(spans: InMemorySpanExporter) -> None:
    record = logging.LogRecord("x", logging.INFO, "x.py", 1, "working", (), None)
    with tracing.entering("call", SAMPLED, {}):
        line = json.loads(log.JsonLines("query").format(record))
    assert line["trace_id"] == SAMPLED.split("-")[1]
    assert "trace_id" not in json.loads(log.JsonLines("query").format(record))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"tracing_endpoint": "collector:4317"},
            "TIDEMARK_TRACING_ENDPOINT is 'collector:4317'; write http://host:port",
        ),
        ({"tracing_endpoint": "http://"}, "TIDEMARK_TRACING_ENDPOINT is 'http://'"),
        (
            {"tracing_endpoint": "http://c:1", "tracing_ratio": 1.5},
            "TIDEMARK_TRACING_RATIO is 1.5; write a number from 0 to 1",
        ),
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(BadSetting, match=message):
        provider("query", Settings(**settings))  # type: ignore[arg-type]
