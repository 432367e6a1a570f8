"""Brings a backup back, or finds out that it is damaged, before anything is written.

Comes in: the folder of one backup, and its key. Goes out: data folders that PostgreSQL of the same major version and Redis start on; whoever runs
them must own the folders. What was acknowledged is counted by `proof` once a writer has worked off the log.
"""

import os
from pathlib import Path

from deploy.backup import base, manifest, snapshot
from deploy.backup.box import Box, Damaged, sha256
from deploy.backup.manifest import NAME, Manifest


def checked(backup: Path) -> Manifest:
    """The manifest of a backup whose every file is as it was written; raises `Damaged` for any other."""
    try:
        made = manifest.read((backup / NAME).read_text())
    except OSError as error:
        raise Damaged(f"{backup} is no backup: {error}; name the folder that holds {NAME}") from error
    for file in made.files.values():
        path = backup / Path(file.name).name
        if not path.exists():
            raise Damaged(f"{path} is missing: use another backup")
        if (size := path.stat().st_size) != file.bytes:
            raise Damaged(f"{path} has {size} bytes where it had {file.bytes}: use another backup")
        if (found := sha256(path)) != file.sha256:
            raise Damaged(
                f"{path} was changed: its SHA-256 is {found}, and was {file.sha256}; use another backup"
            )
    return made


def restore(backup: Path, key: str, postgres: Path, redis: Path) -> Manifest:
    """Makes the two data folders, which must not be there; raises `Damaged` where something is wrong with the backup."""
    for folder in (postgres, redis):
        if folder.exists():
            raise FileExistsError(
                f"{folder} is there already: name a folder that is not, nothing is overwritten"
            )
    made = checked(backup)
    if made.sealed and not key:
        raise Damaged(f"{backup} is sealed: set TIDEMARK_BACKUP_KEY to the key it was taken with")
    box = Box(key if made.sealed else "", made.name)
    with box.unpacking(backup / made.files["redis"].name) as source:
        snapshot.restored(source, redis)
    with box.unpacking(backup / made.files["postgres_manifest"].name) as source:
        listed = source.read()
    with box.unpacking(backup / made.files["postgres"].name) as source:
        base.restored(source, listed, postgres)
    os.sync()
    return made
