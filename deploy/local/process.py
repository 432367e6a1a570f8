"""Operating system processes, named so that one can never be mistaken for another.

Comes in: process ids and commands. Goes out: an `Identity` (id and start time, since ids are
reused), and commands tied to the life of their parent. Next: `servers` and `supervisor` start and
end their children with it; `stack` writes identities down for the next start.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local.accounts import Account

PROC = Path("/proc")


@dataclass(frozen=True)
class Identity:
    """A process id together with its start time in clock ticks since boot."""

    pid: int
    started: int


def identify(pid: int) -> Identity | None:
    """The identity of a live process; None when it is gone or only a zombie."""
    fields = _stat(pid)
    return None if fields is None or fields[0] == "Z" else Identity(pid, int(fields[19]))


def alive(identity: Identity) -> bool:
    return identify(identity.pid) == identity


def name_of(pid: int) -> str:
    """The name of the program, as the kernel keeps it; empty when the process is gone."""
    try:
        return (PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""


def age_seconds(identity: Identity) -> float:
    up = float((PROC / "uptime").read_text().split()[0])
    return up - identity.started / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[Identity]:
    """The process and all its descendants, parents first."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [pid]
    for parent in found:
        found.extend(children.get(parent, ()))
    return [one for one in map(identify, found) if one]


def memory_bytes(members: Sequence[Identity]) -> int:
    """What these processes use together; memory they share is counted once."""
    private, shared = 0, 0
    for member in members:
        with contextlib.suppress(OSError):
            status = (PROC / str(member.pid) / "status").read_text()
            kilobytes = {
                key: int(value.split()[0])
                for key, _, value in (line.partition(":") for line in status.splitlines())
                if key in ("RssAnon", "RssFile", "RssShmem")
            }
            private += kilobytes.get("RssAnon", 0)
            shared = max(shared, kilobytes.get("RssFile", 0) + kilobytes.get("RssShmem", 0))
    return (private + shared) * 1024


def send(identity: Identity, number: signal.Signals) -> None:
    """Signals exactly this process; nothing happens when it is gone or its id was reused."""
    with contextlib.suppress(ProcessLookupError):
        handle = os.pidfd_open(identity.pid)
        try:
            if alive(identity):
                signal.pidfd_send_signal(handle, number)
        finally:
            os.close(handle)


def end(identity: Identity, grace: float, polite: signal.Signals = signal.SIGTERM) -> None:
    """Asks the process to stop; after the grace, kills it and everything it started."""
    members = family(identity.pid) if alive(identity) else []
    send(identity, polite)
    if not wait_until(lambda: not alive(identity), grace):
        members = kill_family(identity)
    wait_until(lambda: not any(map(alive, members)), 5)


def kill_family(identity: Identity) -> list[Identity]:
    """Kills the process and all its descendants; stopped first, so that it cannot fork more."""
    if not alive(identity):
        return []
    send(identity, signal.SIGSTOP)
    members = family(identity.pid)
    for member in members:
        send(member, signal.SIGKILL)
    return members


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Polls until the condition holds; False when the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True


def tied(
    command: Sequence[str | Path], on_parent_death: signal.Signals, account: Account | None = None
) -> list[str]:
    """The command, signalled by the kernel when its parent dies, and run as `account`.

    `setpriv` is part of every Debian and replaces itself by the command, so the process id stays.
    The kernel means the parent *thread*: start such a process from a thread that lives on.
    """
    wrapper = ["setpriv", "--pdeathsig", on_parent_death.name.removeprefix("SIG")]
    if account:
        wrapper += [f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups"]
    return [*wrapper, "--", *map(str, command)]


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/<pid>/stat after the name: state, parent, …; the start time is number 19."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
