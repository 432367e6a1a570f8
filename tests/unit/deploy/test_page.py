"""The page is built when it is older than what it is made of, and whoever waits is told why it is not."""

import os
from pathlib import Path

import pytest

from deploy.local.page import PageFailed, build, newest, programs, stale

SCRIPT = (
    "node -e \\\"require('fs').mkdirSync('dist'); require('fs').writeFileSync('dist/index.html', 'built')\\\""
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with a page of one script."""
    (tmp_path / "web/src/gen").mkdir(parents=True)
    (tmp_path / "protos").mkdir()
    (tmp_path / "web/src/main.ts").touch()
    (tmp_path / "web/package.json").write_text(f'{{"scripts": {{"build": "{SCRIPT}"}}}}')
    return tmp_path


def changed(path: Path, at: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (at, at))


@pytest.mark.parametrize(
    "source", ["web/src/main.ts", "web/package.json", "web/index.html", "protos/v1/a.proto"]
)
def test_a_page_older_than_a_source_is_stale(root: Path, source: str) -> None:
    changed(root / source, 4e9)
    changed(root / "web/dist/index.html", 3e9)
    assert stale(root)
    changed(root / "web/dist/index.html", 5e9)
    assert not stale(root)


@pytest.mark.parametrize("made", ["web/node_modules/lit/a.js", "web/src/gen/a_pb.ts", "web/test/a.test.ts"])
def test_what_the_page_is_not_made_of_makes_it_no_older(root: Path, made: str) -> None:
    changed(root / "web/dist/index.html", 3e9)
    changed(root / made, 4e9)
    assert not stale(root)


def test_a_missing_page_is_stale_and_missing_files_have_no_age(root: Path) -> None:
    assert stale(root)
    assert newest([root / "nothing"]) == 0.0


def test_a_stale_page_is_built_with_the_node_that_comes_along(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    said: list[str] = []
    build(root, said.append)
    assert (root / "web/dist/index.html").read_text() == "built"
    assert len(said) == 1
    build(root, said.append)
    assert len(said) == 1
    assert (programs(root) / "node").stat().st_mode & 0o111


def test_a_build_that_fails_tells_the_end_of_its_log(root: Path) -> None:
    (root / "web/package.json").write_text('{"scripts": {"build": "echo no such wombat; exit 1"}}')
    with pytest.raises(PageFailed, match=r"`npm run build` in .* failed(.|\n)*no such wombat"):
        build(root, lambda line: None)


def test_a_checkout_without_a_page_has_nothing_to_build(tmp_path: Path) -> None:
    build(tmp_path, lambda line: pytest.fail(line))
