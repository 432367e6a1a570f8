"""Folders of processes that were killed are cleared away by the next one; those of others stay."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from services.kit.scratch import Scratch

HOLD = "import sys; from services.kit.scratch import Scratch; held = Scratch('t-'); print(held.path, flush=True); sys.stdin.read()"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files of this test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_folder_is_gone_when_it_is_closed(folder: Path) -> None:
    scratch = Scratch("t-")
    (scratch.path / "some").write_text("thing")
    assert scratch.path.parent == folder
    scratch.close()
    scratch.close()
    assert not list(folder.iterdir())


def test_a_leftover_of_a_killed_process_is_cleared_and_what_is_held_stays(folder: Path) -> None:
    mine = Scratch("t-")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD],
        env={**os.environ, "TMPDIR": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        path = Path(other.stdout.readline().strip())
        (path / "some").write_text("thing")
        next_ = Scratch("t-")
        assert path.exists()
        assert mine.path.exists()
        other.send_signal(signal.SIGKILL)
        other.wait()
    assert path.exists()
    last = Scratch("t-")
    assert {*folder.iterdir()} == {mine.path, next_.path, last.path}


def test_what_is_not_a_folder_of_ours_is_left_alone(folder: Path) -> None:
    (folder / "t-file").write_text("thing")
    (folder / "other").mkdir()
    (folder / "t-link").symlink_to(folder / "other")
    Scratch("t-").close()
    assert {each.name for each in folder.iterdir()} == {"t-file", "other", "t-link"}
