"""Files in a folder of the operator's: whole or not there, and nowhere else."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.kit.folder import Folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def pieces(*texts: bytes) -> AsyncIterator[bytes]:
    for text in texts:
        yield text


async def test_a_file_is_written_below_the_folder_and_again_in_its_place(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    for text in (b"first", b"second"):
        await folder.write(["weekly", "e1"], "report.pdf", pieces(text, b" and more"), "d1")
        assert (tmp_path / "weekly/e1/report.pdf").read_bytes() == text + b" and more"
    assert names(tmp_path / "weekly/e1") == ["report.pdf"]


async def test_a_file_that_is_cut_short_is_not_there(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"the beginning"
        raise OSError("the other side is gone")

    with pytest.raises(OSError, match="is gone"):
        await Folder(str(tmp_path)).write([], "report.pdf", broken(), "d1")
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("parts", "name"),
    [(["..", "x"], "f"), (["a/b"], "f"), ([""], "f"), (["."], "f"), ([], "../f"), ([], ".f")],
)
async def test_no_name_leads_out(tmp_path: Path, parts: list[str], name: str) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    with pytest.raises(OSError, match="is no name of a file"):
        await Folder(str(inner)).write(parts, name, pieces(b""), "d1")
    assert names(inner) == []


async def test_no_link_leads_out(tmp_path: Path) -> None:
    inner, outside = tmp_path / "inner", tmp_path / "outside"
    inner.mkdir()
    outside.mkdir()
    (outside / "kept").write_bytes(b"kept")
    (inner / "weekly").symlink_to(outside)
    (inner / "report.pdf").symlink_to(outside / "kept")
    (inner / ".d1.part").symlink_to(outside / "kept")
    folder = Folder(str(inner))
    with pytest.raises(OSError):
        await folder.write(["weekly"], "report.pdf", pieces(b"x"), "d2")
    with pytest.raises(OSError):
        await folder.write([], "report.pdf", pieces(b"x"), "d1")
    await folder.write([], "report.pdf", pieces(b"x"), "d2")
    assert not (inner / "report.pdf").is_symlink()
    assert (outside / "kept").read_bytes() == b"kept"
    assert names(outside) == ["kept"]


async def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await Folder(str(tmp_path / "missing")).write([], "f", pieces(b""), "d1")
