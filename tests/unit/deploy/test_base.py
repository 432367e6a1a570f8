"""A data folder that is unpacked is held against PostgreSQL's own list of its files."""

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from deploy.backup.base import restored
from deploy.backup.box import Damaged

CONTENT = {"PG_VERSION": b"17\n", "base/1/1259": b"rows" * 1000}


def archive(content: dict[str, bytes]) -> io.BytesIO:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, data in content.items():
            about = tarfile.TarInfo(name)
            about.size = len(data)
            tar.addfile(about, io.BytesIO(data))
    made.seek(0)
    return made


def listed(content: dict[str, bytes], **changes: Any) -> bytes:
    files = [
        {"Path": name, "Size": len(data), "Checksum": hashlib.sha256(data).hexdigest()}
        for name, data in content.items()
    ]
    files[-1] |= changes
    return json.dumps({"Files": files}).encode()


def test_files_that_agree_become_a_data_folder(tmp_path: Path) -> None:
    odd = CONTENT | {"ö": b"odd"}
    named = {"Encoded-Path": "ö".encode().hex()}
    told = json.loads(listed(odd, **named))
    del told["Files"][-1]["Path"]
    assert restored(archive(odd), json.dumps(told).encode(), tmp_path / "data") == 3
    assert (tmp_path / "data" / "base" / "1" / "1259").read_bytes() == CONTENT["base/1/1259"]
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"Checksum": "00"}, "is not what PostgreSQL has sent"),
        ({"Size": 1}, "is not what PostgreSQL has sent"),
        ({"Path": "base/1/1260"}, "1260 of PostgreSQL is missing"),
    ],
)
def test_a_file_that_differs_is_named(tmp_path: Path, changes: dict[str, Any], why: str) -> None:
    with pytest.raises(Damaged, match=why):
        restored(archive(CONTENT), listed(CONTENT, **changes), tmp_path / "data")


def test_nothing_is_written_outside_the_folder(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match="cannot be unpacked"):
        restored(archive({"../outside": b"x"}), listed({"../outside": b"x"}), tmp_path / "data")
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"Files": [{}]}'])
def test_a_list_that_cannot_be_read_is_refused(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(Damaged, match="list of its files cannot be read"):
        restored(archive(CONTENT), text, tmp_path / "data")
