"""What the documents say exists: links, paths, make targets, variables, metrics, tables; and what repeats the code equals it."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest

from docs.generate import documents
from services.kit.settings import Settings
from tests.contract import rpcs

ROOT = Path(__file__).parents[2]
MADE_LATER = (".venv", ".tidemark", "benchmarks/results", "dist", "build")
"""Paths that documents may name and a clean clone does not have."""
SOURCES = ("*.py", "*.sh", "*.yaml", "*.toml", "Makefile", "Dockerfile")


@cache
def named_by_code() -> set[str]:
    """Every variable that the code reads or sets."""
    words: set[str] = set()
    for folder in (".ci", "deploy", "services", "tests", "tidemark", "benchmarks", "."):
        for pattern in SOURCES:
            found = (ROOT / folder).glob(pattern) if folder == "." else (ROOT / folder).rglob(pattern)
            for path in found:
                words |= set(re.findall(r"TIDEMARK_[A-Z_]+", path.read_text()))
    return words | {f"TIDEMARK_{field.name.upper()}" for field in fields(Settings)}


@cache
def targets() -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@cache
def metrics() -> set[str]:
    return set(re.findall(r"^## `(\w+)`", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE))


@cache
def file_names() -> set[str]:
    folders = ("benchmarks", "deploy", "docs", "migrations", "protos", "services", "tests", "tidemark", ".ci")
    return {path.name for folder in folders for path in (ROOT / folder).rglob("*")} | {
        path.name for path in ROOT.iterdir()
    }


def faults(document: Path, text: str) -> Iterator[str]:
    """What a document names that is not there."""
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in link and not (document.parent / link).exists():
            yield f"link {link}"
    for token in re.findall(r"`([^`\s]+)`", text):
        if _is_path(token) and not token.startswith(MADE_LATER) and not (ROOT / token).exists():
            yield f"path {token}"
        if _is_file_name(token) and token not in file_names():
            yield f"file {token}"
    for target in re.findall(r"(?:`|^ {4})make ([a-z0-9-]+)", text, re.MULTILINE):
        if target not in targets():
            yield f"target {target}"
    for variable in re.findall(r"TIDEMARK_[A-Z_]+", text):
        if variable not in named_by_code():
            yield f"variable {variable}"
    for metric in re.findall(r"`((?:tidemark|grpc_server)_[a-z_]+)`", text):
        if metric not in metrics():
            yield f"metric {metric}"


def _is_path(token: str) -> bool:
    first = token.split("/")[0]
    return bool(re.fullmatch(r"[\w.-]+(?:/[\w.-]+)+/?", token)) and (
        (ROOT / first).exists() or "." in token.split("/")[-1]
    )


def _is_file_name(token: str) -> bool:
    return bool(re.fullmatch(r"[\w-]+\.(?:py|md|sql|sh|proto|lua|yaml|toml|lock|binpb)", token))


def written() -> list[Path]:
    """Every document."""
    return [
        *sorted(ROOT.glob("*.md")),
        *sorted((ROOT / "docs").rglob("*.md")),
        *sorted((ROOT / "benchmarks").glob("*.md")),
    ]


@pytest.mark.parametrize("document", written(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_document_names_only_what_exists(document: Path) -> None:
    assert list(faults(document, document.read_text())) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("see [this](docs/nowhere.md)", "link docs/nowhere.md"),
        ("see [this](docs/nowhere.md#part)", "link docs/nowhere.md"),
        ("in `services/query/nowhere.py`", "path services/query/nowhere.py"),
        ("in `services/nowhere`", "path services/nowhere"),
        ("in `nowhere.lua`", "file nowhere.lua"),
        ("run `make nothing`", "target nothing"),
        ("    make nothing   # no", "target nothing"),
        ("set `TIDEMARK_NOT" + "HING`", "variable TIDEMARK_NOT" + "HING"),
        ("watch `tidemark_nothing_total`", "metric tidemark_nothing_total"),
    ],
)
def test_what_does_not_exist_is_found(text: str, fault: str) -> None:
    assert list(faults(ROOT / "README.md", text)) == [fault]


def test_what_exists_is_no_fault() -> None:
    text = "`services/kit` and `append.lua`, [here](docs/api.md#errors), `make test`, `TIDEMARK_HOST`, `.tidemark/keys`, `projects/demo`"
    assert list(faults(ROOT / "README.md", text)) == []


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_a_generated_document_equals_the_code(path: Path) -> None:
    assert path.read_text() == documents()[path], "run `make docs`"


def _settings() -> Iterator[str]:
    return (f"`TIDEMARK_{field.name.upper()}`" for field in fields(Settings))


def _rpcs() -> Iterator[str]:
    return (f"| `{method.name}`" for method in rpcs())


def _metrics() -> Iterator[str]:
    text = (ROOT / "services/kit/metrics.py").read_text()
    return (f"## `{name}" for name in re.findall(r'= (?:Counter|Gauge|Histogram)\(\s*"(\w+)"', text))


def _tables() -> Iterator[str]:
    for path in (ROOT / "migrations").glob("*.sql"):
        yield from (
            f"`{name}`" for name in re.findall(r"^CREATE TABLE (\w+)", path.read_text(), re.MULTILINE)
        )


def _redis_keys() -> Iterator[str]:
    for path in (ROOT / "services").rglob("*.py"):
        for key in re.findall(r'"(tm:[^"]+)"', path.read_text()):
            # `{{{partition}}}` in an f-string is the hash tag `{p}`; from the next field on, keys differ.
            yield "`" + re.sub(r"\{{3}\w+\}{3}", "<p>", key).partition("{")[0].replace("<p>", "{p}")


@pytest.mark.parametrize(
    ("document", "names"),
    [
        ("docs/settings.md", _settings),
        ("docs/metrics.md", _metrics),
        ("docs/api.md", _rpcs),
        ("ARCHITECTURE.md", _tables),
        ("ARCHITECTURE.md", _redis_keys),
    ],
)
def test_nothing_is_left_out(document: str, names: Callable[[], Iterator[str]]) -> None:
    text, wanted = (ROOT / document).read_text(), set(names())
    assert wanted
    assert {name for name in wanted if name not in text} == set()


def test_the_readme_has_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text()
    assert re.search(r"^ {4}make run ", text, re.MULTILINE)
    assert re.search(r"^ {4}make test ", text, re.MULTILINE)
    assert "make test" in (ROOT / ".ci/run").read_text()


def test_the_example_of_the_readme_is_python() -> None:
    example, _ = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    names = {
        alias.name
        for node in ast.parse(example).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    import tidemark

    assert names <= set(tidemark.__all__)


def test_every_make_target_is_explained() -> None:
    text = (ROOT / "Makefile").read_text()
    assert targets() - set(re.findall(r"^([a-z0-9-]+):.*## \S", text, re.MULTILINE)) == set()
