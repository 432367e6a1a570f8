"""What a benchmark publishes: a file for programs and a table for people."""

import json
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.report import Figure

FIGURES = {
    "rate": Figure(5e6, "events/min", 6e6, "higher"),
    "lost": Figure(0, "events", 0, "lower"),
    "ack_ms": Figure(12.5, "ms", None, "lower"),
    "aged": Figure(None, "ratio", 0.9, "higher", "left out"),
}


def test_aim_stands_beside_each_figure_and_says_whether_it_is_met() -> None:
    _, rate, lost, ack, aged = (line.split() for line in report.table(FIGURES))
    assert rate == ["rate", "5,000,000", "≥", "6,000,000", "events/min", "missed"]
    assert lost == ["lost", "0", "≤", "0", "events", "met"]
    assert ack == ["ack_ms", "12.5", "ms"]
    assert aged == ["aged", "–", "≥", "0.9", "left", "out"]


def test_file_holds_every_figure_and_why_one_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results")
    path = report.publish("trial", FIGURES, [{"run": "first", "seconds": 1.5}], {"seconds": 20})
    told = json.loads(path.read_text())
    assert path.name == "trial.json"
    assert set(told) == {"name", "date", "commit", "machine", "settings", "figures", "rows"}
    assert told["figures"]["rate"] == {"value": 5e6, "unit": "events/min", "aim": 6e6, "better": "higher"}
    assert told["figures"]["aged"]["value"] is None
    assert told["figures"]["aged"]["reason"] == "left out"
    assert told["rows"] == [{"run": "first", "seconds": 1.5}]
