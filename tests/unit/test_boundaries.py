"""Imports point one way, the outside is touched at the edges only, and the environment is read in few places."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path, PurePath

import pytest

ROOT = Path(__file__).parents[2]
OURS = ("tidemark", "services", "deploy", "benchmarks", "docs", "tests")
MAY_IMPORT = {
    "tidemark": {"tidemark"},
    "services": set(),
    "services.kit": {"tidemark", "services.kit"},
    "services.__main__": {"tidemark", "services"},
    "deploy": {"tidemark", "services.kit", "deploy"},
    # What detectors and causes are scored on is thousands of series: their pure code is, which the service runs.
    "benchmarks": {
        "tidemark",
        "services.kit",
        "deploy",
        "benchmarks",
        "services.insights.detect",
        "services.insights.forecast",
        "services.insights.scaler.figure",
        "services.insights.series",
        "services.insights.why",
    },
    "docs": {"tidemark", "services.kit", "docs"},
}
"""What a part may import of ours; a service may import `tidemark`, `services.kit` and itself."""
EDGES = {
    "cache",
    "gateway",
    "intake",
    "servicer",
    "source",
    "writer",
    "worker",
    "lease",
    "backlog",
    "store",
    "stream",
    "service",
}
"""Modules of a service that touch the outside; every other one is pure."""
PURE_KIT = {
    f"services.kit.{name}"
    for name in (
        "calendar",
        "errors",
        "instant",
        "keys",
        "narrow",
        "neutral",
        "opaque",
        "period",
        "profile",
        "resource",
        "retry",
        "signature",
        "sketch",
        "target",
        "window",
    )
}
"""What pure modules may import of the kit."""
OUTSIDE = {
    "asyncio", "grpc", "logging", "os", "pathlib", "psutil", "psycopg", "psycopg_pool", "random", "redis", "secrets",
    "socket", "subprocess", "threading", "time",
}  # fmt: skip
CLOCK_AND_CHANCE = {
    "datetime.now",
    "datetime.today",
    "date.today",
    "uuid.uuid1",
    "uuid.uuid4",
    "np.random",
    "numpy.random",
}
LIGHT = {"google", "grpc", "grpc_status", "orjson"}
"""What importing `tidemark` needs beyond the standard library; everything else is an extra, imported where it is used."""
READS_ENVIRONMENT = {
    "services/kit/settings.py",
    "services/__main__.py",
    "tidemark/cli.py",
    "tidemark/client.py",
    "tidemark/terminal/console.py",
}


def part_of(path: PurePath) -> str:
    """The part of the repository that a module belongs to: `services.ingest`, `tidemark`."""
    if path.parts[0] != "services":
        return path.parts[0]
    return (
        "services"
        if path.name == "__init__.py" and len(path.parts) == 2
        else f"services.{path.with_suffix('').parts[1]}"
    )


def faults(name: str, text: str) -> Iterator[str]:
    """The rules that a module of this path and text breaks."""
    path, tree = PurePath(name), ast.parse(text)
    part = part_of(path)
    allowed = MAY_IMPORT.get(part, {"tidemark", "services.kit", part})
    for module in sorted(_imports(tree)):
        if module.split(".")[0] in OURS and not any(_within(module, parent) for parent in allowed):
            yield f"{name} imports {module}"
    if part == "tidemark":
        at_once = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        for module in sorted(_imports(ast.Module(at_once, []))):
            if module.split(".")[0] not in {*LIGHT, *OURS, *sys.stdlib_module_names}:
                yield f"{name} imports {module} when it is imported"
    if part not in MAY_IMPORT and path.stem not in EDGES:
        yield from (f"{name} is pure and {fault}" for fault in _impurities(tree, part))
    if name not in READS_ENVIRONMENT and part not in ("deploy", "benchmarks"):
        for node in ast.walk(tree):
            if ast.unparse(node) in ("os.environ", "os.getenv"):
                yield f"{name} reads the environment"


def _impurities(tree: ast.Module, part: str) -> Iterator[str]:
    for module in sorted(_imports(tree)):
        of_kit = _within(module, "services.kit") and not any(_within(module, pure) for pure in PURE_KIT)
        of_edge = _within(module, part) and EDGES & set(module.split(".")[2:])
        if module.split(".")[0] in OUTSIDE or module.endswith("_pb2_grpc") or of_kit or of_edge:
            yield f"imports {module}"
    seeded = set(_seeded(tree))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or node in seeded:
            continue
        if (found := ast.unparse(node)) in CLOCK_AND_CHANCE:
            yield f"uses {found}"


def _seeded(tree: ast.Module) -> Iterator[ast.AST]:
    """Where `np.random` makes a generator of a seed, or only names the type of one: nothing of that is chance."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "np.random.default_rng" and node.args:
            assert isinstance(node.func, ast.Attribute)
            yield node.func.value
        elif isinstance(node, ast.Attribute) and node.attr == "Generator":
            yield node.value


def _imports(tree: ast.Module) -> set[str]:
    """Every module imported; `from a import b` counts as `a.b`, for b may be a module."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _within(module: str, parent: str) -> bool:
    return module == parent or module.startswith(f"{parent}.")


def modules() -> Iterator[Path]:
    """Every module written by hand, tests excepted."""
    for part in OURS[:-1]:
        for path in sorted((ROOT / part).rglob("*.py")):
            if not path.stem.endswith(("_pb2", "_pb2_grpc")):
                yield path


def test_every_module_keeps_the_rules() -> None:
    found = [
        fault for path in modules() for fault in faults(path.relative_to(ROOT).as_posix(), path.read_text())
    ]
    assert found == []


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("tidemark/client.py", "from services.kit import errors", "imports services.kit.errors"),
        ("tidemark/client.py", "import pyarrow", "imports pyarrow when it is imported"),
        ("services/kit/server.py", "from services.query import plan", "imports services.query.plan"),
        (
            "services/query/store.py",
            "from services.ingest.entry import Header",
            "imports services.ingest.entry.Header",
        ),
        ("services/query/store.py", "from services.__main__ import main", "imports services.__main__.main"),
        ("deploy/local/stack.py", "from services.ingest import stream", "imports services.ingest.stream"),
        ("benchmarks/ingest.py", "import services.query.plan", "imports services.query.plan"),
        ("services/query/plan.py", "import redis", "is pure and imports redis"),
        ("services/query/plan.py", "from time import time", "is pure and imports time.time"),
        (
            "services/query/plan.py",
            "from tidemark.v1 import query_pb2_grpc",
            "is pure and imports tidemark.v1.query_pb2_grpc",
        ),
        (
            "services/query/plan.py",
            "from services.query.store import Store",
            "is pure and imports services.query.store.Store",
        ),
        (
            "services/query/plan.py",
            "from services.kit import postgres",
            "is pure and imports services.kit.postgres",
        ),
        (
            "services/query/plan.py",
            "from datetime import datetime\nnow = datetime.now()",
            "is pure and uses datetime.now",
        ),
        (
            "services/query/plan.py",
            "import numpy as np\nnp.random.default_rng()",
            "is pure and uses np.random",
        ),
        ("services/query/store.py", "import os\nos.environ['HOME']", "reads the environment"),
    ],
)
def test_a_broken_rule_is_found(name: str, text: str, fault: str) -> None:
    assert list(faults(name, text)) == [f"{name} {fault}"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "services/query/store.py",
            "import psycopg\nfrom services.kit import postgres\nfrom services.query import plan",
        ),
        ("services/query/plan.py", "from services.kit.errors import Invalid\nfrom datetime import datetime"),
        ("services/insights/detect/trend.py", "import numpy as np\nnp.random.default_rng(7)"),
        (
            "services/__main__.py",
            "from services.query.service import query\nfrom services.kit.server import serve",
        ),
        ("tidemark/records.py", "def to_arrow():\n    import pyarrow"),
        ("deploy/local/stack.py", "import os\nfrom services.kit.settings import Settings\nos.environ"),
    ],
)
def test_what_the_rules_allow_is_no_fault(name: str, text: str) -> None:
    assert list(faults(name, text)) == []


def test_every_edge_name_is_in_use() -> None:
    used = {path.stem for path in modules() if part_of(path.relative_to(ROOT)).startswith("services.")}
    assert used >= EDGES


def test_every_place_that_may_read_the_environment_does() -> None:
    assert {name for name in READS_ENVIRONMENT if "os.environ" not in (ROOT / name).read_text()} == set()
