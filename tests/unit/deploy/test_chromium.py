"""Chromium is the host's own where there is one; else the packages that the host lacks are chosen, and run with what comes with them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.local import chromium
from deploy.local.debian import Unprovided

PLAN = """\
NOTE: This is only a simulation!
Inst libc6 [2.36-9] (2.36-10 Debian:12.11/oldstable [amd64])
Inst libexpat1 (2.5.0-1 Debian:12.11/oldstable [amd64])
Inst libllvm15 (1:15.0.6-4 Debian:12.11/oldstable [amd64])
Inst libfile-find-rule-perl (0.34-3 Debian:12.11/oldstable [all])
Inst libpam-systemd (252.38 Debian:12.11/oldstable [amd64])
Inst fonts-dejavu-core (2.37-6 Debian:12.11/oldstable [all])
Inst fontconfig-config (2.14.1-4 Debian:12.11/oldstable [amd64])
Inst systemd (252.38 Debian:12.11/oldstable [amd64])
Inst chromium-common (150.0 Debian-Security:12/oldstable-security [amd64])
Inst chromium (150.0 Debian-Security:12/oldstable-security [amd64])
Conf libexpat1 (2.5.0-1 Debian:12.11/oldstable [amd64])
"""


def test_libraries_and_fonts_come_with_it_and_nothing_else() -> None:
    assert chromium.needed(PLAN) == [
        "libexpat1",
        "fonts-dejavu-core",
        "fontconfig-config",
        "chromium-common",
        "chromium",
    ]


def test_what_was_unpacked_runs_with_its_own_libraries_and_fonts(tmp_path: Path) -> None:
    for folder in ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib/chromium"):
        (tmp_path / folder).mkdir(parents=True)
    program = tmp_path / "usr/lib/chromium/chromium"
    program.write_text('#!/bin/sh\necho "$LD_LIBRARY_PATH $FONTCONFIG_PATH $XDG_DATA_HOME $1"\n')
    program.chmod(0o755)
    started = tmp_path / "run"
    started.write_text(chromium.script(tmp_path))
    started.chmod(0o755)
    told = subprocess.run([started, "a page"], check=True, capture_output=True, text=True)
    libraries = f"{tmp_path}/usr/lib/x86_64-linux-gnu:{tmp_path}/lib/x86_64-linux-gnu"
    assert told.stdout == f"{libraries} {tmp_path}/etc/fonts {tmp_path}/usr/share a page\n"


def test_the_hosts_own_is_taken_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda tool: f"/usr/bin/{tool}")
    assert chromium.provide(tmp_path) == Path("/usr/bin/chromium")
    assert not list(tmp_path.iterdir())


def test_without_apt_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda tool: None)
    with pytest.raises(Unprovided, match=r"no `chromium` on this host and no `apt-get`.*install it"):
        chromium.provide(tmp_path)


def test_a_program_that_ends_at_once_is_named(tmp_path: Path) -> None:
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    with pytest.raises(Unprovided, match=f"{program} does not start"), chromium.serving(program):
        pass
