"""A git history: `git log` comes in, an event for each commit and for each file that it changed goes out.

`commit` tells who changed how much, when in their own day and in which languages; `file_changed` tells which files churn. Both
are the author's, of the author's time, and share the commit's hash as their session.
"""

import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path, PurePosixPath
from typing import IO

from tidemark.load.draft import BadRow, Draft
from tidemark.spelling import EPOCH

_HEAD = b"\x01"
_FORMAT = "%x01%H%x1f%aE%x1f%ad%x1f%P%x1f%s"
_LOG = (
    "log",
    "--reverse",
    "--numstat",
    "-z",
    "-M",
    "--no-ext-diff",
    "--no-textconv",
    "--date=raw",
    f"--format={_FORMAT}",
)
_QUIET = ("-c", "log.showSignature=false", "-c", "log.showRoot=true")
_CHUNK = 1 << 16

LANGUAGES = {
    ".c": "C",
    ".cc": "C++",
    ".cpp": "C++",
    ".cs": "C#",
    ".css": "CSS",
    ".go": "Go",
    ".h": "C",
    ".hpp": "C++",
    ".html": "HTML",
    ".java": "Java",
    ".js": "JavaScript",
    ".json": "JSON",
    ".jsx": "JavaScript",
    ".kt": "Kotlin",
    ".lua": "Lua",
    ".md": "Markdown",
    ".php": "PHP",
    ".proto": "Protocol Buffers",
    ".py": "Python",
    ".pyi": "Python",
    ".rb": "Ruby",
    ".rs": "Rust",
    ".rst": "reStructuredText",
    ".scala": "Scala",
    ".sh": "Shell",
    ".sql": "SQL",
    ".swift": "Swift",
    ".toml": "TOML",
    ".ts": "TypeScript",
    ".tsx": "TypeScript",
    ".yaml": "YAML",
    ".yml": "YAML",
}


class NotARepository(Exception):
    """There is no readable git history."""


@dataclass(slots=True)
class Change:
    """One file of a commit; binary files have no lines."""

    path: str
    insertions: int
    deletions: int


@dataclass(slots=True)
class Commit:
    """One commit as `git log` tells it."""

    sha: str
    email: str
    authored: str
    """Seconds since 1970 and the author's zone, as in `1700000000 +0100`."""
    parents: int
    subject: str
    changes: list[Change] = field(default_factory=list)


def drafts(repository: Path) -> Iterator[Draft | BadRow]:
    """Every event of the history behind HEAD, oldest first."""
    with subprocess.Popen(_command(repository, *_LOG), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as git:
        assert git.stdout
        assert git.stderr
        try:
            for commit in commits(_tokens(git.stdout)):
                yield from events(commit)
        finally:
            git.stdout.close()
            fault = git.stderr.read().decode(errors="replace").strip()
            if git.wait() and fault:
                raise NotARepository(f"{repository}: {fault.splitlines()[0]}")


def count(repository: Path) -> int:
    """How many commits the history holds."""
    counted = subprocess.run(
        _command(repository, "rev-list", "--count", "HEAD"), capture_output=True, text=True, check=False
    )
    if counted.returncode and _asked(repository, "rev-list", "--all", "--max-count=1") == "":
        raise NotARepository(f"{repository} has no commits yet")
    if counted.returncode:
        reason = (counted.stderr.strip() or "git failed").splitlines()[0]
        raise NotARepository(f"{repository} has no readable git history: {reason}")
    return int(counted.stdout)


def shallow(repository: Path) -> bool:
    """Whether the clone was cut off, so that the oldest commits have lost their parents."""
    return _asked(repository, "rev-parse", "--is-shallow-repository") == "true"


def commits(tokens: Iterable[bytes]) -> Iterator[Commit]:
    """Commits out of the NUL-separated output of `git log`."""
    commit: Commit | None = None
    rest = iter(tokens)
    for token in rest:
        if token.startswith(_HEAD):
            if commit:
                yield commit
            sha, email, authored, parents, subject = token[1:].decode(errors="replace").split("\x1f", 4)
            commit = Commit(sha, email, authored, len(parents.split()), subject)
        elif commit and token.count(b"\t") >= 2:
            insertions, deletions, path = token.removeprefix(b"\n").split(b"\t", 2)
            if not path:  # A rename: the old and the new path follow.
                next(rest, b"")
                path = next(rest, b"")
            commit.changes.append(
                Change(path.decode(errors="replace"), _lines(insertions), _lines(deletions))
            )
    if commit:
        yield commit


def events(commit: Commit) -> Iterator[Draft | BadRow]:
    """The events of one commit."""
    try:
        authored = _instant(commit.authored)
    except (ValueError, OverflowError):
        yield BadRow(commit.sha, f"the author date {commit.authored!r} is no time")
        return
    churn: Counter[str] = Counter()
    for change in commit.changes:
        churn[_language(change.path)] += change.insertions + change.deletions
    languages = sorted(churn.keys() - {""})
    named = [(language, lines) for language, lines in churn.most_common() if language]
    yield Draft(
        name="commit",
        occurred_at=authored.astimezone(UTC),
        identity=f"commit {commit.sha}".encode(),
        user_id=commit.email[:200],
        session_id=commit.sha,
        properties={
            "author": commit.email,
            "subject_length": len(commit.subject),
            "insertions": sum(change.insertions for change in commit.changes),
            "deletions": sum(change.deletions for change in commit.changes),
            "files_changed": len(commit.changes),
            "language": named[0][0] if named else "",
            "languages": languages,
            "merge": commit.parents > 1,
            "weekday": authored.strftime("%A"),
            "hour": authored.hour,
        },
    )
    for change in commit.changes:
        path = PurePosixPath(change.path)
        yield Draft(
            name="file_changed",
            occurred_at=authored.astimezone(UTC),
            identity=f"file {commit.sha} {change.path}".encode(),
            user_id=commit.email[:200],
            session_id=commit.sha,
            properties={
                "path": change.path,
                "folder": path.parts[0] if len(path.parts) > 1 else "",
                "extension": path.suffix.lower(),
                "language": _language(change.path),
                "insertions": change.insertions,
                "deletions": change.deletions,
                "churn": change.insertions + change.deletions,
            },
        )


def _command(repository: Path, *arguments: str) -> list[str]:
    return ["git", "-C", str(repository), *_QUIET, *arguments]


def _asked(repository: Path, *arguments: str) -> str | None:
    """One answer of git; None when it fails."""
    asked = subprocess.run(_command(repository, *arguments), capture_output=True, text=True, check=False)
    return None if asked.returncode else asked.stdout.strip()


def _tokens(stream: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    while chunk := stream.read(_CHUNK):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole
    if rest.strip():
        yield rest


def _lines(count: bytes) -> int:
    return int(count) if count.isdigit() else 0


def _language(path: str) -> str:
    return LANGUAGES.get(PurePosixPath(path).suffix.lower(), "")


def _instant(authored: str) -> datetime:
    seconds, zone = authored.split()
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5])) * (-1 if zone[0] == "-" else 1)
    return (EPOCH + timedelta(seconds=int(seconds))).astimezone(timezone(offset))
