"""What a backup says of itself: `manifest.json`, written last. Pure.

Comes in: what `taking` has found and written. Goes out: JSON, and back; `restoring` believes nothing that does not agree with it.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from deploy.backup.box import Damaged, File

NAME = "manifest.json"
FORM = 1
"""Of the manifest and the files. A reader knows this one and those before."""
TIME = "%Y-%m-%dT%H%M%SZ"
"""How a backup is called: by the instant at which it began, in UTC. Names sort by age."""


@dataclass(frozen=True)
class Manifest:
    """A backup. Everything acknowledged before `began_at` is in it."""

    name: str
    began_at: str
    ended_at: str
    sealed: bool
    """Whether the files are sealed with `TIDEMARK_BACKUP_KEY`."""
    migration: str
    """The newest of the database: an older release does not start on it."""
    versions: Mapping[str, str]
    """Of PostgreSQL, TimescaleDB and Redis: PostgreSQL restores into the same major version alone."""
    reach: Mapping[str, str]
    """Of the write-ahead log: cluster, timeline, and from where to where."""
    acknowledged: Mapping[str, int]
    """Events and points received of each project (its number) when the backup began, as Redis has counted them."""
    files: Mapping[str, File]
    """By what they hold: redis, postgres, and postgres_manifest, PostgreSQL's own list of its files and their hashes."""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (datetime.fromisoformat(self.ended_at) - datetime.fromisoformat(self.began_at)).total_seconds()

    def text(self) -> str:
        """As it is on disk."""
        return json.dumps({"form": FORM, **asdict(self)}, indent=1) + "\n"


def read(text: str) -> Manifest:
    """A manifest as it was written; raises `Damaged` for one that is not whole, or newer than this release."""
    try:
        told = json.loads(text)
        form = told.pop("form")
        if form > FORM:
            raise Damaged(f"{NAME} is of form {form}, and this release reads {FORM}: use a newer one")
        files = {what: File(**file) for what, file in told.pop("files").items()}
        return Manifest(**told, files=files)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Damaged(f"{NAME} is not whole: {error!r}") from error
