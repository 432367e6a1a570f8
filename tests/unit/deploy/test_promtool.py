"""The checker of rules is the host's own where there is one; nothing is fetched twice, and what cannot be had is said."""

from pathlib import Path

import pytest

from deploy.local import promtool
from deploy.local.debian import Unprovided


def test_the_one_of_the_host_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "promtool"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert promtool.provide(tmp_path / "cache") == program
    assert not (tmp_path / "cache").exists()


def test_the_one_in_the_cache_is_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    folder = tmp_path / f"promtool-{promtool.RECIPE}"
    folder.mkdir()
    assert promtool.provide(tmp_path) == folder / "promtool"


def test_where_it_cannot_be_had_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Unprovided, match="there is no `apt-get` to fetch prometheus with"):
        promtool.provide(tmp_path)
