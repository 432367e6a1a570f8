"""Files of a backup: what is put in comes out, and whatever was changed does not open."""

import hashlib
import random
from pathlib import Path

import pytest

from deploy.backup.box import PIECE, Box, Damaged, File, sha256

KEYS = ["", "a long text that nobody guesses"]
SIZES = [0, 1, 1000, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7]


def packed(box: Box, path: Path, content: bytes) -> File:
    with box.packing(path) as packing:
        for start in range(0, len(content), 300_000):
            packing.write(memoryview(content)[start : start + 300_000])
    return packing.told


def content_of(size: int) -> bytes:
    """What no compression makes smaller."""
    return random.Random(size).randbytes(size)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("size", SIZES)
def test_what_is_put_in_comes_out(tmp_path: Path, key: str, size: int) -> None:
    box, path, content = Box(key, "monday"), tmp_path / "file", content_of(size)
    told = packed(box, path, content)
    with box.unpacking(path) as source:
        assert source.read() == content
    data = path.read_bytes()
    assert told == File("file", len(data), size, hashlib.sha256(data).hexdigest())
    assert sha256(path) == told.sha256


def test_what_repeats_takes_little_room(tmp_path: Path) -> None:
    assert packed(Box("", "monday"), tmp_path / "file", b"x" * PIECE).bytes < PIECE // 100


def test_nothing_is_written_over(tmp_path: Path) -> None:
    packed(Box("", "monday"), tmp_path / "file", b"first")
    with pytest.raises(FileExistsError):
        packed(Box("", "monday"), tmp_path / "file", b"second")


@pytest.mark.parametrize(
    "where", ["the first byte", "the middle", "the last byte", "cut off", "a whole piece"]
)
def test_a_seal_that_was_touched_does_not_open(tmp_path: Path, where: str) -> None:
    box, path = Box(KEYS[1], "monday"), tmp_path / "file"
    packed(box, path, content_of(3 * PIECE))
    data = bytearray(path.read_bytes())
    match where:
        case "cut off":
            del data[-1:]
        case "a whole piece":
            del data[7 + 2 * (PIECE + 16) :]
        case _:
            data[{"the first byte": 0, "the middle": len(data) // 2, "the last byte": -1}[where]] ^= 1
    path.write_bytes(data)
    assert opens(box, path) is False


@pytest.mark.parametrize(
    ("key", "about", "name"),
    [("other", "monday", "file"), (KEYS[1], "tuesday", "file"), (KEYS[1], "monday", "other")],
)
def test_a_seal_opens_in_its_place_and_with_its_key_alone(
    tmp_path: Path, key: str, about: str, name: str
) -> None:
    packed(Box(KEYS[1], "monday"), tmp_path / "file", content_of(1000))
    (tmp_path / "file").rename(tmp_path / name)
    assert opens(Box(key, about), tmp_path / name) is False
    (tmp_path / name).rename(tmp_path / "file")
    assert opens(Box(KEYS[1], "monday"), tmp_path / "file") is True


def opens(box: Box, path: Path) -> bool:
    try:
        with box.unpacking(path) as source:
            source.read()
    except Damaged:
        return False
    return True
