"""A backup is taken while events flow, damaged, restored into an empty place, and proved: what was acknowledged before it began came back."""

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest
import redis

from deploy.backup import shelf, snapshot
from deploy.backup.base import Uncopied
from deploy.backup.box import Damaged
from deploy.backup.drill import revived
from deploy.backup.manifest import Manifest
from deploy.backup.restoring import restore
from deploy.backup.taking import take
from deploy.local.process import wait_until
from deploy.local.suite import ROOT
from services.kit.postgres import conninfo
from services.kit.settings import Settings
from tests.chaos import checker
from tests.chaos.harness import Chaos, chaos
from tests.chaos.load import Journal

KEY = "a long text that nobody guesses"
BEFORE = 2_000
"""Calls that were acknowledged when a backup begins."""
PATIENCE = 60.0


@dataclass(frozen=True)
class Taken:
    """A backup, the settings that it was taken with, and what its load had been promised when it began and had sent when it ended."""

    path: Path
    made: Manifest
    settings: Settings
    promised: list[Journal]


@pytest.fixture(scope="module")
def taken() -> Iterator[Taken]:
    """A sealed backup of a suite under load; the suite is gone, as after a fire."""
    with tempfile.TemporaryDirectory(prefix="tidemark-drill-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        (folder / "suite").mkdir(mode=0o711)
        with chaos(folder / "suite", seed=11) as run:
            made = backup_of(run, folder / "backups")
        yield made


def backup_of(run: Chaos, folder: Path) -> Taken:
    assert wait_until(lambda: sum(each.acknowledged for each in run.lives()) > BEFORE, PATIENCE)
    with redis.Redis.from_url(run.suite.redis.url) as log:
        log.config_set("repl-diskless-sync-delay", 0)  # No other replica is waited for.
    settings = Settings.read(run.suite.environment | {"TIDEMARK_BACKUP_KEY": KEY})
    before = {each.label: each.acknowledged for each in run.lives()}
    made = take(settings, folder)
    ended = run.lives()
    assert sum(each.acknowledged for each in ended) > sum(before.values()), "the load has stood still"
    return Taken(
        folder / made.name, made, settings, [replace(each, acknowledged=before[each.label]) for each in ended]
    )


def test_what_was_acknowledged_before_a_backup_comes_back(taken: Taken) -> None:
    with tempfile.TemporaryDirectory(prefix="tidemark-drill-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with revived(taken.path, taken.settings, folder) as back:
            assert back.faults(PATIENCE) == []
            assert list(checker.faults(back.suite, taken.promised)) == []
            # A fault would be seen: the drill counts anew.
            with psycopg.connect(conninfo(back.suite.postgres.url)) as connection:
                connection.execute("UPDATE rollups_1h SET count = count + 1 WHERE source = 1")
                connection.execute("UPDATE project_totals SET received = received - 1")
            told = " ".join(back.faults(PATIENCE))
            assert "rollups_1h of source 1 differ from raw" in told
            assert "partitions have received something else than their projects" in told


@pytest.mark.parametrize("what", ["redis", "postgres", "postgres_manifest"])
def test_a_damaged_backup_is_found_before_anything_is_written(
    taken: Taken, tmp_path: Path, what: str
) -> None:
    damaged = tmp_path / taken.path.name
    shutil.copytree(taken.path, damaged)
    path = damaged / taken.made.files[what].name
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))
    with pytest.raises(Damaged, match=f"{path.name} was changed: its SHA-256 is"):
        restore(damaged, KEY, tmp_path / "postgres", tmp_path / "redis")
    path.write_bytes(path.read_bytes()[:-1])
    assert checked_by_program(damaged) == (1, f"{path.name} has ")
    assert not (tmp_path / "postgres").exists()
    assert not (tmp_path / "redis").exists()


def checked_by_program(backup: Path) -> tuple[int, str]:
    """The exit code of the program that a job runs, and how its complaint begins."""
    command = [sys.executable, "-m", "deploy.backup", "check", str(backup)]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    return done.returncode, (re.findall(rf"{backup}/(\S+ has )", done.stderr) or [done.stderr])[0]


@pytest.mark.parametrize(
    ("key", "why"), [("", "set TIDEMARK_BACKUP_KEY"), ("another", "TIDEMARK_BACKUP_KEY is another")]
)
def test_a_sealed_backup_opens_with_its_key_alone(taken: Taken, tmp_path: Path, key: str, why: str) -> None:
    assert taken.made.sealed
    assert b"tidemark" not in b"".join(path.read_bytes() for path in taken.path.glob("*.sealed"))
    with pytest.raises(Damaged, match=why):
        restore(taken.path, key, tmp_path / "postgres", tmp_path / "redis")


def test_nothing_that_is_there_is_overwritten(taken: Taken, tmp_path: Path) -> None:
    with pytest.raises(FileExistsError, match="nothing is overwritten"):
        restore(taken.path, KEY, tmp_path / "postgres", tmp_path)


def test_a_server_that_cannot_be_copied_leaves_no_backup(taken: Taken, tmp_path: Path) -> None:
    """Its own servers are gone by now."""
    with pytest.raises(psycopg.OperationalError):
        take(taken.settings, tmp_path)
    with pytest.raises(Uncopied, match=r"Redis at .* cannot be reached"):
        snapshot.copied(taken.settings.redis_url, io.BytesIO())
    assert shelf.whole(tmp_path) == []
