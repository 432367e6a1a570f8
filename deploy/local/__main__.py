"""`python -m deploy.local run | up | down | status | provision`

Comes in: one word from the command line (the Makefile's). Goes out: an exit code; errors are one
sentence, without a traceback. Next: `supervisor` for `run`; `stack` says what the others must know.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from deploy.local import fonts
from deploy.local.accounts import cache_folder, server_account
from deploy.local.debian import Unprovided
from deploy.local.packages import provision
from deploy.local.ports import PortTaken, accepts
from deploy.local.process import age_seconds, alive, end, family, identify, memory_bytes
from deploy.local.servers import ServerFailed
from deploy.local.stack import Stack, folder_of, load
from deploy.local.supervisor import (
    StackFailed,
    Supervisor,
    addresses,
    end_left_overs,
)

ROOT = Path(__file__).resolve().parents[2]


def say(line: str) -> None:
    print(line, flush=True)


def run() -> int:
    """Starts the stack here; Ctrl-C stops all of it."""
    Supervisor(ROOT, dict(os.environ), say).run()
    return 0


def background() -> int:
    """What `up` runs: the same, with the logs of the targets in their files only."""
    Supervisor(ROOT, dict(os.environ), say, quiet=True).run()
    return 0


def up() -> int:
    """Starts the stack in the background, and waits until it answers."""
    stack = load(ROOT)
    if stack and alive(stack.supervisor):
        say("running already")
        return _tell(stack)
    logs = folder_of(ROOT) / "logs"
    logs.mkdir(parents=True, mode=0o700, exist_ok=True)
    folder_of(ROOT).chmod(0o711)
    path = logs / "stack.log"
    with path.open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "deploy.local", "background"],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        with path.open() as log:
            while not _is_running(child.pid):
                ended = child.poll()
                print(log.read(), end="", flush=True)
                if ended is not None:
                    return ended or 1
                time.sleep(0.05)
            print(log.read(), end="", flush=True)
    except KeyboardInterrupt:
        if identity := identify(child.pid):
            end(identity, grace=60)
        raise
    say(f"in the background as process {child.pid}; logs are in {logs}")
    return 0


def _is_running(supervisor: int) -> bool:
    stack = load(ROOT)
    return bool(stack and stack.supervisor.pid == supervisor and stack.state == "running")


def down() -> int:
    """Stops the stack started by `up` or, elsewhere, by `run`."""
    stack = load(ROOT)
    if stack is None or not alive(stack.supervisor):
        end_left_overs(ROOT, say)
        say("not running")
        return 0
    end(stack.supervisor, grace=120)
    end_left_overs(ROOT, say)
    say("stopped")
    return 0


def status() -> int:
    """A table of the processes; exit code 3 when the stack is not running."""
    stack = load(ROOT)
    if stack is None or not alive(stack.supervisor):
        say("not running")
        return 3
    return _tell(stack)


def provide() -> int:
    """Fills the cache with the programs, and starts nothing."""
    programs = provision(cache_folder(server_account()), say)
    folder = fonts.provide(cache_folder(server_account()), say)
    say(
        f"PostgreSQL {programs.postgres}\nRedis      {programs.redis_server}\nfonts      {folder or 'of this host'}"
    )
    return 0


def _tell(stack: Stack) -> int:
    say(f"{'process':<10} {'pid':>8} {'port':>6} {'health':<10} {'uptime':>9} {'memory':>9}")
    for name, identity in {"supervisor": stack.supervisor, **stack.processes}.items():
        port = stack.ports.get(name) or stack.ports.get(f"{name} metrics")
        if identify(identity.pid) != identity:
            say(f"{name:<10} {identity.pid:>8} {port or '':>6} ended")
            continue
        health = "healthy" if port is None or accepts(port) else "silent"
        uptime = timedelta(seconds=int(age_seconds(identity)))
        members = [identity] if name == "supervisor" else family(identity.pid)
        memory = f"{memory_bytes(members) / 1e6:.0f} MB"
        say(f"{name:<10} {identity.pid:>8} {port or '':>6} {health:<10} {uptime!s:>9} {memory:>9}")
    for line in addresses(stack):
        say(line)
    return 0


COMMANDS: dict[str, Callable[[], int]] = {
    "run": run, "up": up, "down": down, "status": status, "provision": provide,
    "background": background,
}  # fmt: skip


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        say("usage: python -m deploy.local run | up | down | status | provision")
        return 2
    try:
        return COMMANDS[arguments[0]]()
    except PermissionError as error:
        remedy = "; does it belong to another user? Run as that one, or remove it; TIDEMARK_CACHE moves the programs"
        print(f"error: {error}{remedy if error.filename else ''}", file=sys.stderr, flush=True)
        return 1
    except (StackFailed, ServerFailed, Unprovided, PortTaken, OSError, LookupError) as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1
    except subprocess.CalledProcessError as error:
        said = (error.stderr or "").strip()
        print(f"error: `{' '.join(map(str, error.cmd))}` failed: {said}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
