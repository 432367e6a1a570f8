"""Behaviour models on public data, as anybody would make them: files are loaded by `tidemark load`, models created and trained through the
API, and what is told here is what their versions say of themselves.

    retail     no purchase in 90 days, of all customers as of a day
    learning   whether the next assessment is handed in within two weeks of its day, told two weeks before it: learnt from the
               presentation that began in February, tested on that of October
    shoppers   whether a visit ends with a purchase, in five parts; and told for November by February to October, which is to raise the
               alarm and train anew
    telco      whether a contract is cancelled, in five parts

The share of the majority stands in every row, and so do the number of points, the rule, and intervals of 95 %.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import tidemark
from benchmarks import prediction_sets
from benchmarks.harness import QUICK, Bench
from benchmarks.report import Figure
from tidemark import models
from tidemark.v1 import model_pb2 as pb

DATA = Path(os.environ.get("TIDEMARK_TEST_DATA") or Path(__file__).parents[2] / "shared" / "data")
SHARE = 4 if QUICK else 1
"""Of the learners, only every so many."""
PATIENCE_SECONDS = 600.0
LATER = datetime(2018, 11, 1, tzinfo=UTC)
AIMS = {
    "engagement_accuracy": 0.85,
    "engagement_balanced_accuracy": 0.79,
    "engagement_auc": 0.87,
    "shoppers_auc": 0.93,
    "shoppers_windows_to_alarm": 2.0,
    "shoppers_retrained": 1.0,
    "telco_auc": 0.84,
    "telco_accuracy_at_80": 0.85,
    "retail_auc": 0.73,
}
Rows = list[dict[str, object]]


@dataclass
class _Project:
    """A project of its own, in which nothing else happens."""

    stack: Bench
    name: str
    key: str

    def client(self) -> tidemark.Client:
        """A client that may make models."""
        members = self.stack.suite.members
        addresses = (members[name].address for name in ("ingest", "query", "insights"))
        return tidemark.Client(*addresses, key=self.key, project=self.name, timeout=120)

    def load(self, table: pa.Table) -> None:
        """Loads events as a file, and waits until they are committed."""
        with tempfile.NamedTemporaryFile(suffix=".parquet", dir=self.stack.folder) as file:
            pq.write_table(table, file.name)
            told = subprocess.run(
                [sys.executable, "-m", "tidemark", "load", "parquet", file.name, "--name-column", "name"],
                check=False, capture_output=True, text=True,
                env=os.environ | {
                    "TIDEMARK_KEY": self.key, "TIDEMARK_PROJECT": self.name,
                    "TIDEMARK_INGEST_ADDRESS": self.stack.suite.members["ingest"].address,
                    "TIDEMARK_QUERY_ADDRESS": self.stack.suite.members["query"].address,
                },
            )  # fmt: skip
        if told.returncode:
            raise RuntimeError(f"tidemark load failed: {told.stdout}{told.stderr}")


def run(stack: Bench) -> tuple[dict[str, Figure], Rows]:
    """The figures of behaviour, and the detail."""
    figures: dict[str, float] = {}
    rows: Rows = []
    missing: dict[str, str] = {}
    for name, measure in _SETS.items():
        try:
            found, told = asyncio.run(measure(_project(stack, name)))
        except FileNotFoundError as error:
            missing[name] = f"{error.filename} is missing"
            continue
        figures |= found
        rows += told
        for row in told:
            print("  " + ", ".join(f"{key} {value}" for key, value in row.items()), flush=True)
    why = "; ".join(missing.values())
    return {
        key: Figure(
            figures.get(key),
            _UNITS.get(key, "share"),
            aim,
            "lower" if key.endswith("alarm") else "higher",
            "" if key in figures else why or "not found out",
        )
        for key, aim in AIMS.items()
    }, rows


async def _retail(project: _Project) -> tuple[dict[str, float], Rows]:
    project.load(prediction_sets.retail(DATA))
    version, row = await _trained(
        project,
        "retail, no purchase in 90 days as of 2011-09-09",
        models.churn("purchase", window="90d"),
        event_names=["purchase", "cancellation"],
        sum_fields=["properties.revenue", "properties.products", "properties.items"],
        test_start="2011-09-09", step="15d", cuts=12,
    )  # fmt: skip
    return {"retail_auc": version.metrics.auc}, [row]


async def _learning(project: _Project) -> tuple[dict[str, float], Rows]:
    project.load(prediction_sets.learning(DATA, SHARE))
    version, row = await _trained(
        project,
        "learning, the next assessment is handed in, by the later presentation of 2013",
        models.outcome(
            "assessment_due", did="handed_in", window="29d", match=["properties.assessment"]
        ),
        event_names=["assessment_due", "handed_in", "registered"],
        sum_fields=["properties.score", "properties.days_early"],
        fields=[f"properties.{name}" for name in ("kind", "weight", "due_day", "course")],
        test_start=prediction_sets.STARTS["2013J"],
    )  # fmt: skip
    metrics = version.metrics
    return {
        "engagement_accuracy": metrics.accuracy,
        "engagement_balanced_accuracy": metrics.balanced_accuracy,
        "engagement_auc": metrics.auc,
    }, [row]


async def _shoppers(project: _Project) -> tuple[dict[str, float], Rows]:
    visits = prediction_sets.visits(DATA)
    fields = [f"properties.{each}" for each in visits.column_names[3:] if each != "revenue"]
    target = models.outcome("visit", field="properties.revenue", without_history=True)
    later = pc.greater_equal(visits["occurred_at"], pa.scalar(LATER, visits["occurred_at"].type))
    project.load(visits.filter(pc.invert(later)))
    _, before = await _trained(
        project, "shoppers, watched: February to October", target, model_id="watched", fields=fields, step="14d", retrain=True
    )  # fmt: skip
    project.load(visits.filter(later))
    windows, retrained = await _alarmed(project, "watched")
    version, row = await _trained(project, "shoppers, five parts", target, fields=fields, folds=5)
    without = [each for each in fields if each != "properties.page_values"]
    _, bare = await _trained(
        project, "shoppers, five parts, without page_values", target, fields=without, folds=5
    )
    _, split = await _trained(
        project,
        "shoppers, November and December by February to October",
        target,
        fields=fields,
        test_start=LATER,
    )
    found = {"shoppers_auc": version.metrics.auc, "shoppers_retrained": float(retrained)}
    if windows is not None:
        found["shoppers_windows_to_alarm"] = float(windows)
    return found, [row, bare, split, before]


async def _telco(project: _Project) -> tuple[dict[str, float], Rows]:
    contracts = prediction_sets.contracts(DATA)
    project.load(contracts)
    version, row = await _trained(
        project,
        "telco, five parts",
        models.outcome("contract", field="properties.churn", without_history=True),
        fields=[f"properties.{each}" for each in contracts.column_names[3:] if each != "churn"],
        folds=5,
    )
    return {"telco_auc": version.metrics.auc, "telco_accuracy_at_80": version.metrics.accuracy_at_80}, [row]


async def _trained(
    project: _Project, task: str, target: models.Target, **given: Any
) -> tuple[pb.ModelVersion, dict[str, object]]:
    """The version of a new model, and its row."""
    async with project.client() as client:
        model = await client.models.create(task[:100], target, **given)
        began = time.monotonic()
        version = await client.models.train(model.name)
        seconds = time.monotonic() - began
    metrics = version.metrics
    return version, {
        "task": task,
        "points": metrics.count,
        "learnt_from": version.train_rows,
        "predicts": pb.Algorithm.Name(version.algorithm).removeprefix("ALGORITHM_").lower(),
        "majority": round(max(metrics.positive_share, 1 - metrics.positive_share), 3),
        "accuracy": round(metrics.accuracy, 4),
        "accuracy_95": f"{metrics.accuracy_lower:.3f}-{metrics.accuracy_upper:.3f}",
        "balanced_accuracy": round(metrics.balanced_accuracy, 4),
        "auc": round(metrics.auc, 4),
        "auc_95": f"{metrics.auc_lower:.3f}-{metrics.auc_upper:.3f}",
        "rule_auc": round(metrics.rule_auc, 4),
        "lead_95": f"{metrics.lead_lower:.3f}-{metrics.lead_upper:.3f}",
        "accuracy_at_80": round(metrics.accuracy_at_80, 4),
        "lift_at_10": round(metrics.lift_at_10, 2),
        "brier": round(metrics.brier, 4),
        "seconds": round(seconds, 1),
    }


async def _alarmed(project: _Project, model: str) -> tuple[int | None, bool]:
    """How many windows it took until the alarm, and whether another version was trained by itself."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    windows, retrained = None, False
    async with project.client() as client:
        while time.monotonic() < deadline and not retrained:
            health = await client.models.health(model)
            alarms = [
                i
                for i, each in enumerate(reversed(health.windows), 1)
                if each.loss_alarm and each.drifted_share > 0
            ]
            windows = alarms[0] if alarms else None
            retrained = len(await client.models.versions(model)) > 1
            await asyncio.sleep(1)
    return windows, retrained


def _project(stack: Bench, name: str) -> _Project:
    async def make() -> str:
        address = stack.suite.members["query"].address
        async with tidemark.Client(address, address, key=stack.suite.keys["TIDEMARK_ADMIN_KEY"]) as client:
            await client.admin.create_project(name)
            return (await client.admin.create_key(name, "admin")).secret

    return _Project(stack, name, asyncio.run(make()))


_SETS: dict[str, Callable[[_Project], Any]] = {
    "retail": _retail,
    "learning": _learning,
    "shoppers": _shoppers,
    "telco": _telco,
}
_UNITS = {"shoppers_windows_to_alarm": "windows", "shoppers_retrained": "times"}
