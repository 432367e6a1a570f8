"""Chromium, which the tests of the page and `bench-dashboard` drive: the host's own, or else provided.

Comes in: a cache folder. Goes out: a program, and by `serving` a browser under way. Where the host has none, root installs the
package, and everybody else has it unpacked into the cache with the libraries and fonts that the host lacks. It is of the host's
own release, so that it runs with the host's C library and needs no linking anew.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.local.debian import Say, Unprovided, locked
from deploy.local.process import end, identify, wait_until

PACKAGE = "chromium"
# Of what apt would install beside it we need what is loaded, and that is libraries and fonts. The C library is the host's.
NEEDED = re.compile(
    r"chromium(-common)?|fonts-.+|fontconfig-config|lib(?!c6$|llvm|perl|pam-|z3-).+(?<!-perl)"
)
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--mute-audio",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--disable-extensions",
    "--disable-component-update",
    "--disable-background-networking",
    # A page that nobody looks at draws all the same.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
)
START_SECONDS = 60.0


def provide(cache: Path, say: Say = print) -> Path:
    """The program; raises `Unprovided` where it cannot be had."""
    if found := shutil.which(PACKAGE):
        return Path(found)
    for tool in ("apt-get", "dpkg"):
        if not shutil.which(tool):
            raise Unprovided(f"there is no `{PACKAGE}` on this host and no `{tool}` to fetch it: install it")
    if os.geteuid() == 0:
        return _installed(say)
    return unpacked(cache, say)


@contextmanager
def serving(program: Path) -> Iterator[str]:
    """A browser without a window; gives the address at which it is driven."""
    with tempfile.TemporaryDirectory(prefix="tidemark-chromium-", ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [program, *OPTIONS, "--remote-debugging-port=0", f"--user-data-dir={profile}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        told = Path(profile, "DevToolsActivePort")
        try:
            wait_until(lambda: process.poll() is not None or "\n" in _text(told), START_SECONDS)
            if "\n" not in _text(told):
                raise Unprovided(f"{program} does not start; `{program} --headless --no-sandbox` says why")
            yield f"http://127.0.0.1:{_text(told).split()[0]}"
        finally:
            if identity := identify(process.pid):
                end(identity, 5.0)
            process.wait()


def unpacked(cache: Path, say: Say) -> Path:
    """The program in the cache, which is made complete or not at all."""
    folder = cache / PACKAGE
    program = folder / "run"
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / "lock", say):
        if program.exists():
            return program
        say("  Chromium comes from the host's Debian, once; about 180 MB")
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "archives" / "partial").mkdir(parents=True)
        (folder / "lists" / "partial").mkdir(parents=True)
        private = (f"Dir::State::lists={folder / 'lists'}", f"Dir::Cache={folder}", "Acquire::Languages=none")
        _apt("update", options=private)
        wanted = needed(_apt("install", "--simulate", "--no-install-recommends", PACKAGE, options=private))
        _apt("download", *wanted, options=private, folder=folder / "archives")
        for file in sorted((folder / "archives").glob("*.deb")):
            subprocess.run(["dpkg", "-x", file, folder / "root"], check=True)
        for remains in ("archives", "lists"):
            shutil.rmtree(folder / remains)
        part = folder / "run.part"
        part.write_text(script(folder / "root"))
        part.chmod(0o755)
        part.rename(program)
        return program


def needed(plan: str) -> list[str]:
    """Out of the lines `Inst name …` of a simulation, the packages that we need."""
    found = re.findall(r"^Inst (\S+) ", plan, re.MULTILINE)
    return [name for name in found if NEEDED.fullmatch(name)]


def script(root: Path) -> str:
    """A program that runs the one below `root` with the libraries and fonts there."""
    folders = [found for part in ("usr/lib", "lib") for found in sorted((root / part).glob("*-linux-gnu*"))]
    libraries = ":".join(map(str, folders))
    return (
        "#!/bin/sh\n"
        f'export LD_LIBRARY_PATH="{libraries}" FONTCONFIG_PATH="{root}/etc/fonts" XDG_DATA_HOME="{root}/usr/share"\n'
        f'exec "{root}/usr/lib/chromium/chromium" "$@"\n'
    )


def _installed(say: Say) -> Path:
    """Installs the package, as root may."""
    say("  Chromium is installed from the host's Debian, once; about 180 MB")
    _apt("update")
    _apt("install", "-y", "--no-install-recommends", PACKAGE)
    found = shutil.which(PACKAGE)
    if not found:
        raise Unprovided(f"the package `{PACKAGE}` of this host holds no program `{PACKAGE}`: install one")
    return Path(found)


def _apt(*arguments: str, options: Sequence[str] = (), folder: Path | None = None) -> str:
    chosen = [part for option in options for part in ("-o", option)]
    told = subprocess.run(
        ["apt-get", *chosen, *arguments],
        check=False, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL,
        env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
    )  # fmt: skip
    # That one of several mirrors is away need not matter: what cannot be had is told by the next step.
    if told.returncode and arguments[0] != "update":
        raise Unprovided(
            f"`apt-get {arguments[0]}` could not provide `{PACKAGE}`; install it by hand. apt says:\n{told.stderr}".rstrip()
        )
    return told.stdout


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""
