"""Who the servers run as, and which folders that account can reach.

Comes in: our own user id. Goes out: the unprivileged `Account` for the servers (PostgreSQL refuses
to run as root; None when we are an ordinary user) and folders it can enter. Next: `servers` start
as that account, `packages` and `supervisor` choose their folders by it.
"""

import hashlib
import os
import pwd
from dataclasses import dataclass
from pathlib import Path

SYSTEM_CACHE = Path("/var/cache/tidemark")
SYSTEM_DATA = Path("/var/lib/tidemark")


@dataclass(frozen=True)
class Account:
    """An unprivileged user of this machine."""

    name: str
    uid: int
    gid: int


def server_account() -> Account | None:
    """None for an ordinary user; for root, `postgres` where that user exists, else `nobody`."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise LookupError("no user `postgres` or `nobody` to run the servers as: add one with useradd")


def blocked_by(path: Path, account: Account | None) -> Path | None:
    """The first folder on the way to `path` which the account cannot enter, if any."""
    if account is None:
        return None
    for folder in reversed([path, *path.parents]):
        if not folder.exists():
            return None
        status = folder.stat()
        if status.st_uid == account.uid:
            bit = 0o100
        elif status.st_gid == account.gid:
            bit = 0o010
        else:
            bit = 0o001
        if not status.st_mode & bit:
            return folder
    return None


def write_private(path: Path, text: str, account: Account | None = None) -> None:
    """Replaces a file, all or nothing, by one that only we, or `account`, can read."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if account:
        os.chown(part, account.uid, account.gid)
    part.rename(path)


def cache_folder(account: Account | None) -> Path:
    """Where unpacked programs are kept: TIDEMARK_CACHE, else a folder the servers can reach."""
    chosen = os.environ.get("TIDEMARK_CACHE")
    folder = Path(chosen).expanduser().resolve() if chosen else Path.home() / ".cache" / "tidemark"
    obstacle = blocked_by(folder, account)
    if obstacle is None or account is None:
        return folder
    if chosen:
        raise PermissionError(
            f"TIDEMARK_CACHE={chosen}: the servers run as `{account.name}`, who cannot enter"
            f" {obstacle}; choose another folder, for example {SYSTEM_CACHE}"
        )
    return SYSTEM_CACHE


def data_folder(root: Path, account: Account | None) -> Path:
    """Where the servers of the checkout at `root` keep their data: in it, where they can."""
    inside = root / ".tidemark"
    if blocked_by(root, account) is None:
        return inside
    digest = hashlib.sha256(str(root).encode()).hexdigest()[:8]
    return SYSTEM_DATA / f"{root.name}-{digest}"
