"""Which packages are taken, from where, and that the cache is complete or absent."""

import shutil
from pathlib import Path

import pytest

from deploy.local import debian

PLAN = """\
NOTE: This is only a simulation!
Inst libc6 (2.41-12 Debian:13.0/stable [amd64])
Inst libllvm19 (1:19.1.7-3+b1 Debian:13.0/stable [amd64])
Inst perl (5.40.1-6 Debian:13.0/stable [amd64])
Inst libjson-perl (4.10000-1 Debian:13.0/stable [all])
Inst libpq5 [17.4-1] (17.5-1 Debian:13.0/stable, Debian-Security:13/stable-security [amd64])
Inst postgresql-common (278 Debian:13.0/stable [all])
Inst postgresql-client-17 (17.5-1 Debian:13.0/stable [amd64])
Inst postgresql-17 (17.5-1 Debian:13.0/stable [amd64])
Inst postgresql-17-timescaledb (2.19.3+dfsg-1 Debian:13.0/stable [amd64])
Inst redis-tools (5:8.0.2-3 Debian:13.0/stable [amd64])
Conf libc6 (2.41-12 Debian:13.0/stable [amd64])
"""


def test_servers_and_their_libraries_are_taken_and_nothing_else() -> None:
    assert debian.needed(PLAN) == [
        "libc6=2.41-12",
        "libpq5=17.5-1",
        "postgresql-client-17=17.5-1",
        "postgresql-17=17.5-1",
        "postgresql-17-timescaledb=2.19.3+dfsg-1",
        "redis-tools=5:8.0.2-3",
    ]


def test_the_hosts_mirrors_are_turned_to_our_suite_with_security_updates() -> None:
    targets = """\
http://mirror.test/debian/ bookworm main
http://mirror.test/debian/ bookworm contrib
http://mirror.test/debian/ bookworm-updates main
http://mirror.test/security/ bookworm-security main
"""
    assert debian.turned(targets, "bookworm") == [
        "http://mirror.test/debian/ trixie main",
        "http://mirror.test/debian/ trixie-updates main",
        "http://mirror.test/security/ trixie-security main",
    ]


def test_a_mirror_named_by_its_state_of_release_is_known_too() -> None:
    targets = """\
http://mirror.test/debian/ oldstable main
http://mirror.test/security/ oldstable-security main
"""
    assert debian.turned(targets, "bookworm") == [
        "http://mirror.test/debian/ trixie main",
        "http://mirror.test/security/ trixie-security main",
    ]


def test_archives_of_others_are_left_alone() -> None:
    targets = """\
http://vendor.test/apt/ bookworm-pgdg main
http://vendor.test/docker/ bookworm stable
http://vendor.test/flat/ /
"""
    assert debian.turned(targets, "bookworm") == []


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Stands for the download: notes each, and puts one file there."""
    calls: list[Path] = []

    def fetch(target: Path, say: debian.Say) -> None:
        calls.append(target)
        (target / "file").touch()

    monkeypatch.setattr(debian, "_fetch", fetch)
    monkeypatch.setattr(debian, "_relink", lambda part, final, patchelf, say: None)
    monkeypatch.setattr(shutil, "which", lambda tool, path=None: f"/usr/bin/{tool}")
    return calls


def test_a_filled_cache_is_used_again(tmp_path: Path, fetched: list[Path]) -> None:
    first = debian.unpacked(tmp_path, print)
    assert debian.unpacked(tmp_path, print) == first
    assert len(fetched) == 1
    assert (first / "file").exists()


def test_a_failed_download_leaves_nothing_behind(
    tmp_path: Path, fetched: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(part: Path, final: Path, patchelf: str, say: debian.Say) -> None:
        raise debian.Unprovided("no space")

    with monkeypatch.context() as patch:
        patch.setattr(debian, "_relink", fail)
        with pytest.raises(debian.Unprovided):
            debian.unpacked(tmp_path, print)
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
    assert debian.unpacked(tmp_path, print).exists()


def test_what_a_killed_run_left_is_cleared_away(tmp_path: Path, fetched: list[Path]) -> None:
    folder = debian.unpacked(tmp_path, print)
    remains = tmp_path / f"{folder.name}.abc.part"
    folder.rename(remains)
    debian.unpacked(tmp_path, print)
    assert not remains.exists()


def test_without_apt_the_error_says_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda tool, path=None: None)
    with pytest.raises(debian.Unprovided, match=r"apt-get.*TIDEMARK_DATABASE_URL"):
        debian.unpacked(tmp_path, print)
