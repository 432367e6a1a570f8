"""`python -m deploy.backup take FOLDER [--keep N] | list FOLDER | check BACKUP | restore BACKUP --postgres FOLDER --redis FOLDER`

Comes in: a verb, and the environment: `TIDEMARK_DATABASE_URL`, `TIDEMARK_REDIS_URL` and `TIDEMARK_BACKUP_KEY`. Goes out: lines for people, and an exit
code that a job can rely on; errors are one sentence.
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import redis

from deploy.backup import shelf
from deploy.backup.base import Uncopied
from deploy.backup.box import Damaged
from deploy.backup.manifest import Manifest
from deploy.backup.restoring import checked, restore
from deploy.backup.taking import take
from services.kit.errors import BadSetting
from services.kit.settings import Settings

KEPT = 7


def say(line: str) -> None:
    print(line, flush=True)


def taken(given: argparse.Namespace) -> None:
    """Takes a backup, reads it once more, and removes what is older than the newest so many."""
    made = take(Settings.read(os.environ), given.folder)
    checked(given.folder / made.name)
    say(told(made))
    for name in shelf.keep(given.folder, given.keep):
        say(f"{name} removed: {given.keep} are kept")


def listed(given: argparse.Namespace) -> None:
    """Says which backups there are, unread."""
    for path in shelf.whole(given.folder):
        say(path.name)


def found_whole(given: argparse.Namespace) -> None:
    """Reads a backup, and fails where it is damaged."""
    say(told(checked(given.backup)))


def brought_back(given: argparse.Namespace) -> None:
    """Makes data folders of a backup."""
    key = Settings.read(os.environ).backup_key
    made = restore(given.backup, key, given.postgres, given.redis)
    say(f"{told(made)}\nrestored; start PostgreSQL, Redis and a writer, in this order, before any ingest")


def told(made: Manifest) -> str:
    """A backup in a line."""
    size = sum(file.bytes for file in made.files.values())
    content = sum(file.content_bytes for file in made.files.values())
    sealed = "sealed" if made.sealed else "not sealed"
    return f"{made.name}: {size / 1e6:.1f} MB of {content / 1e6:.1f} MB, {sealed}, taken in {made.seconds:.1f} s, whole"


def parsed(arguments: list[str]) -> argparse.Namespace:
    """What is asked for; `run` does it."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.backup", description="Backups of PostgreSQL and Redis."
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def verb(name: str, run: Callable[[argparse.Namespace], None], **folders: str) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=run.__doc__)
        made.set_defaults(run=run)
        for folder, help_text in folders.items():
            made.add_argument(folder, type=Path, help=help_text)
        return made

    taking = verb("take", taken, folder="where backups stand")
    taking.add_argument("--keep", type=int, default=KEPT, help=f"how many; 0 for all (default {KEPT})")
    verb("list", listed, folder="where backups stand")
    verb("check", found_whole, backup="the folder of one backup")
    restoring = verb("restore", brought_back, backup="the folder of one backup")
    for name in ("--postgres", "--redis"):
        restoring.add_argument(
            name, type=Path, required=True, help="its data folder, which must not be there"
        )
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Runs a verb; gives the exit code."""
    given = parsed(arguments)
    try:
        given.run(given)
    except (Uncopied, Damaged, BadSetting, OSError, psycopg.Error, redis.RedisError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
