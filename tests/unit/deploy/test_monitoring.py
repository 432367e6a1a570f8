"""Rules and dashboards: they name what there is, every alert has a runbook, and promtool agrees with what they say."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import prometheus_client
import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from deploy.local.accounts import cache_folder, server_account
from deploy.local.debian import Unprovided
from deploy.local.promtool import provide
from services.__main__ import TARGETS
from services.kit import metrics

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "k8s/monitoring"
DASHBOARDS = sorted((FOLDER / "dashboards").glob("*.json"))
RUNBOOKS = "https://github.com/tidemark-analytics/tidemark/blob/main/docs/operations.md#"
OF_PROMETHEUS = {"job", "instance", "le"}
"""Labels that no metric declares."""
NAME = re.compile(r"\b(?:tidemark|grpc_server)_\w+|\btidemark:[\w:]+|\bup\b")


@cache
def declared() -> dict[str, set[str]]:
    """Labels by the name of each series that our processes expose."""
    found: dict[str, set[str]] = {"up": set()}
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            (family,) = metric.describe()
            endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(
                family.type, ("",)
            )
            found |= {family.name + ending: set(metric._labelnames) for ending in endings}
    return found


def rules(kind: str) -> list[dict[str, Any]]:
    """Those that record, or those that alert."""
    manifests = [yaml.safe_load((FOLDER / f"{name}.yaml").read_text()) for name in ("recording", "alerts")]
    return [
        rule
        for each in manifests
        for group in each["spec"]["groups"]
        for rule in group["rules"]
        if kind in rule
    ]


def dashboards() -> Iterator[tuple[str, dict[str, Any]]]:
    return ((path.stem, json.loads(path.read_text())) for path in DASHBOARDS)


def expressions() -> list[str]:
    """Whatever Prometheus is asked for."""
    asked = [rule["expr"] for kind in ("record", "alert") for rule in rules(kind)]
    boards = [
        target["expr"]
        for _, board in dashboards()
        for panel in board["panels"]
        for target in panel["targets"]
    ]
    return asked + boards


def test_every_expression_names_only_what_there_is() -> None:
    there = declared().keys() | {rule["record"] for rule in rules("record")}
    unknown = {name for text in expressions() for name in NAME.findall(text)} - there
    assert unknown == set()


def test_every_expression_chooses_by_labels_that_there_are() -> None:
    for text in expressions():
        for name, chosen in re.findall(r"((?:tidemark|grpc_server)_\w+|\bup)\{([^}]*)\}", text):
            assert set(re.findall(r"(\w+)[!=]=?~?\"", chosen)) <= declared()[name] | OF_PROMETHEUS, text


def test_jobs_are_targets() -> None:
    chosen = {
        job
        for text in expressions()
        for jobs in re.findall(r'job=~?"([^"]+)"', text)
        for job in jobs.split("|")
    }
    assert chosen <= set(TARGETS)


def test_every_metric_is_looked_at_by_somebody() -> None:
    named = {name for text in expressions() for name in NAME.findall(text)}
    families = {re.sub("_(total|bucket|sum|count)$", "", name) for name in declared()}
    assert families - {re.sub("_(total|bucket|sum|count)$", "", name) for name in named} == set()


def test_a_fault_that_alerts_is_counted_from_0_on() -> None:
    for rule in rules("alert"):
        for name, label, value in re.findall(r'increase\((\w+)\{(\w+)="(\w+)"', rule["expr"]):
            assert prometheus_client.REGISTRY.get_sample_value(name, {label: value}) is not None, rule[
                "alert"
            ]


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    sections = re.findall(r"^### (Tidemark\w+)$", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)
    names = [rule["alert"] for rule in rules("alert")]
    assert sections == names
    assert len(set(names)) == len(names)
    for rule in rules("alert"):
        assert rule["annotations"]["runbook_url"] == RUNBOOKS + rule["alert"].lower()
        assert rule["labels"] in ({"severity": "page"}, {"severity": "ticket"})
        assert rule["annotations"]["summary"].endswith(".")


def test_the_kustomization_has_every_file() -> None:
    made = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    assert sorted(made["configMapGenerator"][0]["files"]) == [
        f"dashboards/{path.name}" for path in DASHBOARDS
    ]
    assert {*made["resources"]} == {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}


def test_dashboards_are_told_apart_and_their_panels_do_not_overlap() -> None:
    boards = dict(dashboards())
    assert len({board["uid"] for board in boards.values()}) == len(boards) == 5
    for name, board in boards.items():
        places = [
            (x, y)
            for panel in board["panels"]
            for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
            for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
        ]
        assert len(set(places)) == len(places), name
        assert max(x for x, _ in places) < 24, name
        assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
        assert {panel["datasource"]["uid"] for panel in board["panels"]} == {"${datasource}"}


@pytest.fixture(scope="module")
def promtool() -> Path:
    """The program, as the servers of other tests are had."""
    try:
        return provide(cache_folder(server_account()), print)
    except Unprovided as missing:
        pytest.skip(f"rules are checked by promtool: {missing}")


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A folder with all rules as Prometheus itself reads them."""
    groups = [
        group
        for name in ("recording", "alerts")
        for group in yaml.safe_load((FOLDER / f"{name}.yaml").read_text())["spec"]["groups"]
    ]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": groups}))
    shutil.copy(Path(__file__).parent / "alerts.yaml", tmp_path / "tests.yaml")
    return tmp_path


def told(folder: Path, *arguments: str | Path) -> str:
    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_takes_every_rule(plain: Path, promtool: Path) -> None:
    assert f"{len(rules('record')) + len(rules('alert'))} rules found" in told(
        plain, promtool, "check", "rules", "rules.yaml"
    )


def test_alerts_say_what_they_should_of_made_up_figures(plain: Path, promtool: Path) -> None:
    assert "SUCCESS" in told(plain, promtool, "test", "rules", "tests.yaml")


def test_promtool_takes_every_expression_of_every_dashboard(plain: Path, promtool: Path) -> None:
    asked = [
        target["expr"].replace("$__rate_interval", "5m").replace("$__range", "6h")
        for _, board in dashboards()
        for panel in board["panels"]
        for target in panel["targets"]
    ]
    group = {
        "name": "dashboards",
        "rules": [{"record": f"panel:{i}", "expr": text} for i, text in enumerate(asked)],
    }
    (plain / "panels.yaml").write_text(yaml.safe_dump({"groups": [group]}))
    assert f"{len(asked)} rules found" in told(
        plain, promtool, "check", "rules", "--lint=none", "panels.yaml"
    )
