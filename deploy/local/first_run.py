"""What `make run` does once every target answers: make the first keys, load real input, show what is stored.

Comes in: the root of the checkout and the environment of the targets. Goes out: `.tidemark/keys`, `.tidemark/client.env`
for the command line, this repository's history as events, and on the terminal a chart and a balanced ledger.
Next: `supervisor` starts the collector of this host's metrics, with the same `client.env`.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from deploy.local.accounts import write_private
from deploy.local.stack import folder_of

KEYS, CLIENT = "keys", "client.env"
EDGE = "TIDEMARK_EDGE_ADDRESS"
TRUST = ("TIDEMARK_TLS_ROOTS_FILE", "TIDEMARK_TLS_CLIENT_CERT_FILE", "TIDEMARK_TLS_CLIENT_KEY_FILE")
TIDEMARK = (sys.executable, "-m", "tidemark")
SHOWN: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("commits a day, of the last 30 days", ("query", "series", "--name", "commit", "--interval", "day", "--last", "30d")),
    (
        "lines changed by kind of file, in the same time",
        (
            "query", "series", "--name", "file_changed", "--measure", "sum properties.churn",
            "--by", "properties.extension", "--top", "5", "--interval", "day", "--last", "30d",
        ),
    ),
    ("the account of everything received", ("ledger", "--last", "24h", "--limit", "5")),
)  # fmt: skip

# Git reads no checkout of another user unless told to; whoever runs this one's programs trusts it.
OURS_TO_READ = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory"}

Say = Callable[[str], None]


def first_run(root: Path, environment: Mapping[str, str], say: Say) -> None:
    """All of it; safe to repeat: keys are made once, and loading again stores nothing twice."""
    keys = first_keys(root, environment, say)
    if "TIDEMARK_PROJECT_ADMIN_KEY" not in keys:
        return
    client = client_environment(environment, keys)
    write_private(folder_of(root) / CLIENT, lines_of(client))
    ours = {**environment, **client}
    if (root / ".git").exists():
        try:
            tidemark(
                root, {**ours, **OURS_TO_READ, "GIT_CONFIG_VALUE_0": str(root)}, "load", "git", str(root)
            )
        except subprocess.CalledProcessError:  # No git, or no commits: it has said which.
            say("going on without this repository's history")
    tidemark(root, ours, "load", "host")
    for title, arguments in SHOWN:
        say(f"\n{title}\n  .venv/bin/python -m tidemark {shlex.join(arguments)}")
        tidemark(root, ours, *arguments)


def first_keys(root: Path, environment: Mapping[str, str], say: Say) -> dict[str, str]:
    """The first keys by their variables: made and shown now, or as kept since they were."""
    path = folder_of(root) / KEYS
    made = subprocess.run(
        [sys.executable, "-m", "services", "bootstrap"],
        check=True, cwd=root, env=dict(environment), stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    keys = pairs(made.stdout.splitlines())
    if keys:
        write_private(path, lines_of(keys))
        say(f"\nthe first keys, shown this once and kept in {path} for you alone")
        for name, secret in keys.items():
            say(f"  {name}={secret}")
        return keys
    if not path.exists():
        say(f"the database has keys already and {path} is gone: set TIDEMARK_KEY to one of them to go on")
        return {}
    return pairs(path.read_text().splitlines())


def client_environment(environment: Mapping[str, str], keys: Mapping[str, str]) -> dict[str, str]:
    """What the SDK and the command line read to reach this stack as the administrator of its project."""
    return {
        "TIDEMARK_KEY": keys["TIDEMARK_PROJECT_ADMIN_KEY"],
        "TIDEMARK_INGEST_ADDRESS": f"127.0.0.1:{environment['TIDEMARK_INGEST_PORT']}",
        "TIDEMARK_QUERY_ADDRESS": f"127.0.0.1:{environment['TIDEMARK_QUERY_PORT']}",
        "TIDEMARK_INSIGHTS_ADDRESS": f"127.0.0.1:{environment['TIDEMARK_INSIGHTS_PORT']}",
        "TIDEMARK_REPORTS_ADDRESS": f"127.0.0.1:{environment['TIDEMARK_REPORTS_PORT']}",
        **{name: environment[name] for name in (EDGE, *TRUST) if name in environment},
    }


def collector(root: Path) -> tuple[tuple[str, ...], dict[str, str]] | None:
    """The command that keeps recording this host's metrics, and its environment; None without a key."""
    path = folder_of(root) / CLIENT
    if not path.exists():
        return None
    return (*TIDEMARK, "load", "host", "--follow"), pairs(path.read_text().splitlines())


def pairs(lines: Iterable[str]) -> dict[str, str]:
    """`NAME=value` lines as a dictionary."""
    return dict(line.split("=", 1) for line in lines if "=" in line)


def lines_of(values: Mapping[str, str]) -> str:
    """A dictionary as `NAME=value` lines."""
    return "".join(f"{name}={value}\n" for name, value in values.items())


def tidemark(root: Path, environment: Mapping[str, str], *arguments: str) -> None:
    """One command of the command line, its output shown."""
    subprocess.run([*TIDEMARK, *arguments], check=True, cwd=root, env=dict(environment))


def main() -> int:
    """Called by the supervisor, with the environment of the targets."""
    try:
        first_run(Path.cwd(), os.environ, lambda line: print(line, flush=True))
    except subprocess.CalledProcessError as error:
        print(f"error: `{' '.join(map(str, error.cmd[1:]))}` failed", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
