"""The folder of backups: only whole ones count, the newest are kept, and one is taken at a time. And what each says of itself."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.backup import manifest, shelf
from deploy.backup.base import Uncopied
from deploy.backup.box import Damaged, File
from deploy.backup.manifest import Manifest
from deploy.backup.restoring import checked

MADE = Manifest(
    name="2026-01-01T020000Z",
    began_at="2026-01-01T02:00:00+00:00",
    ended_at="2026-01-01T02:01:30+00:00",
    sealed=False,
    migration="0019_deliveries.sql",
    versions={"postgresql": "17.9"},
    reach={"from": "0/1", "to": "0/2"},
    acknowledged={"1": 5},
    files={"redis": File("redis.rdb.zst", 3, 9, "00")},
)


def backups(folder: Path, days: int) -> list[Path]:
    for day in range(1, days + 1):
        with shelf.adding(folder, datetime(2026, 1, day, 2, tzinfo=UTC)) as part:
            (part / manifest.NAME).write_text(MADE.text())
    return shelf.whole(folder)


def test_the_newest_are_kept(tmp_path: Path) -> None:
    names = [path.name for path in backups(tmp_path, 4)]
    assert names == [f"2026-01-0{day}T020000Z" for day in range(1, 5)]
    assert shelf.keep(tmp_path, 0) == []
    assert shelf.keep(tmp_path, 3) == names[:1]
    assert sorted(path.name for path in tmp_path.iterdir()) == names[1:]
    assert shelf.keep(tmp_path, 3) == []


def test_one_that_was_left_half_done_is_none_and_goes_with_the_next(tmp_path: Path) -> None:
    adding = shelf.adding(tmp_path, datetime(2026, 1, 1, tzinfo=UTC))
    part = adding.__enter__()
    (part / manifest.NAME).write_text(MADE.text())
    adding.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert shelf.whole(tmp_path) == []
    assert part.exists()
    assert len(backups(tmp_path, 1)) == 1
    assert not part.exists()


def test_only_one_is_taken_at_a_time(tmp_path: Path) -> None:
    first = shelf.adding(tmp_path, datetime(2026, 1, 1, tzinfo=UTC))
    second = shelf.adding(tmp_path, datetime(2026, 1, 2, tzinfo=UTC))
    with first, pytest.raises(Uncopied, match="another backup is being taken"):
        second.__enter__()


def test_a_manifest_is_read_as_it_was_written() -> None:
    assert manifest.read(MADE.text()) == MADE
    assert MADE.seconds == 90


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", MADE.text()[:-20], json.dumps({"form": 1, **asdict(MADE), "files": 3})]
)
def test_a_manifest_that_is_not_whole_is_refused(text: str) -> None:
    with pytest.raises(Damaged, match=r"manifest.json is not whole"):
        manifest.read(text)


def test_a_manifest_of_a_newer_release_is_refused() -> None:
    with pytest.raises(Damaged, match="use a newer one"):
        manifest.read(json.dumps({"form": 2, **asdict(MADE)}))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (backup,) = backups(tmp_path, 1)
    with pytest.raises(Damaged, match=r"redis\.rdb\.zst is missing"):
        checked(backup)
    with pytest.raises(Damaged, match="is no backup"):
        checked(tmp_path)
