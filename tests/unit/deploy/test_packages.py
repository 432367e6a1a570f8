"""Programs of the host are taken when they are new enough, else those of the cache."""

from pathlib import Path

import pytest

from deploy.local import packages


@pytest.mark.parametrize(
    ("told", "version"),
    [
        ("postgres (PostgreSQL) 17.5 (Debian 17.5-1)", (17, 5)),
        ("postgres (PostgreSQL) 18beta1", (18,)),
        ("Redis server v=8.0.2 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", (8, 0, 2)),
        ("", ()),
    ],
)
def test_a_version_is_read_from_what_the_program_says(told: str, version: tuple[int, ...]) -> None:
    assert packages.parse_version(told) == version


def test_a_program_that_cannot_be_run_has_no_version(tmp_path: Path) -> None:
    assert packages.version_of(tmp_path / "missing") == ()


def _redis(folder: Path, version: str) -> None:
    folder.mkdir()
    for name in ("redis-server", "redis-cli"):
        (folder / name).write_text(f"#!/bin/sh\necho Redis server v={version}\n")
        (folder / name).chmod(0o755)


@pytest.mark.parametrize(("version", "taken"), [("7.2.0", True), ("8.0.2", True), ("7.0.15", False)])
def test_redis_of_the_host_is_taken_from_7_2_on(
    version: str, taken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _redis(tmp_path / "host", version)
    cached = tmp_path / "cached"
    monkeypatch.setenv("PATH", f"{tmp_path / 'host'}:/bin")
    monkeypatch.setattr(packages, "unpacked", lambda cache, say: cached)
    monkeypatch.setattr(packages, "_postgres_of_host", lambda: Path("/postgres/bin"))
    expected = tmp_path / "host" if taken else cached / "usr" / "bin"
    assert packages.provision(tmp_path).redis_server == expected / "redis-server"


@pytest.mark.parametrize(("version", "taken"), [("2.19.3", True), ("2.9.0", False)])
def test_postgres_of_the_host_needs_a_new_enough_timescaledb(
    version: str, taken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "pg" / "bin"
    folder.mkdir(parents=True)
    for name in ("postgres", "initdb", "pg_ctl", "psql", "pg_dump"):
        (folder / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 99.1'\n")
        (folder / name).chmod(0o755)
    extension = tmp_path / "pg" / "share" / "extension"
    extension.mkdir(parents=True)
    (extension / "timescaledb.control").write_text(f"default_version = '{version}'\n")
    monkeypatch.setenv("PATH", f"{folder}:/bin")
    found = packages._postgres_of_host()
    assert (found == folder) is taken
