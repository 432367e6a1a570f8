"""`tidemark`: the command line. Arguments come in, one of `tidemark/commands` does the work, an exit code goes out.

Exit codes: 0 all is well, 1 the answer is no (not balanced, not serving, nothing usable), 2 the arguments or the request are wrong.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tidemark import __version__, blocking, errors
from tidemark.admin import ROLES
from tidemark.client import Client
from tidemark.commands import (
    alerts,
    ask,
    capacity,
    dashboards,
    definitions,
    deliver,
    doctor,
    export,
    forecast,
    insights,
    letters,
    load,
    manage,
    models,
    provenance,
    question,
    report,
    schedule,
)
from tidemark.exporting import FORMS
from tidemark.load.git import NotARepository
from tidemark.records import AckMode, EventType
from tidemark.terminal.console import Console

_EXAMPLES = """examples:
  tidemark load git .
  tidemark load csv orders.csv --name order_placed --time created_at --user customer
  tidemark load host --follow
  tidemark query series --name commit --by properties.author --interval day --last 30d
  tidemark query series --source metrics --name system.cpu.utilization --measure avg --where 'tags.mode = user'
  tidemark query events --where 'properties.churn > 100' --last 2w --limit 20
  tidemark query table --by properties.country --measure 'sum properties.amount' --during 'last month'
  tidemark query funnel signup 'order_placed where properties.amount > 10' --window 7d --last 30d
  tidemark query retention --began signup --period week --last 8w
  tidemark export events --last 90d -o events.parquet
  tidemark models create Churn churn --step order_placed --window 30d --within 90d && tidemark models train churn
  tidemark insights list --severity medium && tidemark insights explain 'sum properties.amount of order_placed' --during yesterday
  tidemark alerts create 'Failed payments' '> 20' --name payment_failed --by properties.country --for 3
  tidemark forecast series --name order_placed --interval hour --last 8w --horizon 24
  tidemark report create 'Weekly summary' --template executive-summary --set conversion=order_placed
  tidemark report run weekly-summary --format pdf --format xlsx --out .
  tidemark deliver create Ann --email ann@example.com && tidemark schedule create weekly '0 7 * * MON' --to ann
  tidemark watch series --name request --by properties.status_class --last 15m
  tidemark ledger --verify
  tidemark doctor
  tidemark keys create --role ingest --title 'web servers'
  tidemark readers create grafana
  tidemark dashboards export home -o home.json
  tidemark schemas infer order_placed > order.json && tidemark schemas put order_placed order.json --enforcement dead_letter
  tidemark letters repair --event order_placed
  tidemark lineage 019ab1c4-0000-7000-8000-000000000000

Times are spans (45s, 90m, 12h, 30d, 2w), instants (2026-11-01, 2026-11-01T12:30:00Z) or words (today, 'last 2 weeks').
The key is taken from TIDEMARK_KEY, the addresses from TIDEMARK_INGEST_ADDRESS and TIDEMARK_QUERY_ADDRESS; without a key,
all three from the file .tidemark/client.env that `make run` leaves in its folder.
"""
_NO_KEY = " None was given: set TIDEMARK_KEY, or go to a folder in which `make up` has left one."
NEARBY = Path(".tidemark/client.env")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command."""
    console = Console(sys.stdout, sys.stderr)
    parsed = parser().parse_args(arguments)
    try:
        return _load(parsed, console) if parsed.command == "load" else asyncio.run(_run(parsed, console))
    except KeyboardInterrupt:
        console.warn("")
        return 130
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing may be written there any more, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except errors.Unauthenticated as error:
        console.warn(f"tidemark: {error}{'' if _has_key(parsed) else _NO_KEY}")
        return 2
    except OSError as error:
        console.warn(f"tidemark: {f'{error.filename}: {error.strerror}' if error.filename else error}")
        return 2
    except ImportError as error:
        console.warn(f"tidemark: {error}: install tidemark[load]")
        return 2
    except (errors.Error, NotARepository, ValueError) as error:
        console.warn(f"tidemark: {error}")
        return 2


async def _run(arguments: argparse.Namespace, console: Console) -> int:
    async with Client(arguments.ingest, arguments.query_address, **_options(arguments)) as client:
        return int(await arguments.run(client, arguments, console))


def _load(arguments: argparse.Namespace, console: Console) -> int:
    """Loads are acknowledged when committed, so that the ledger holds all of them at the end."""
    faults = load.Faults()
    options = _options(arguments) | {
        "ack_mode": AckMode.COMMITTED,
        "on_rejection": faults.rejection,
        "close_timeout": 1.0,  # A load waits by itself; what an interrupt leaves over is loaded again.
    }
    try:
        with blocking.Client(arguments.ingest, arguments.query_address, **options) as client:
            return int(arguments.run(client, arguments, console, faults))
    finally:
        for fault in faults.shown:
            console.warn(fault)


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    return {
        "key": arguments.key,
        "project": arguments.project,
        "timeout": arguments.timeout,
        "environment": environment(Path.cwd(), os.environ),
    }


def _has_key(arguments: argparse.Namespace) -> bool:
    return bool(arguments.key or environment(Path.cwd(), os.environ).get("TIDEMARK_KEY"))


def environment(folder: Path, given: Mapping[str, str]) -> dict[str, str]:
    """What is `given`, and for the rest what a stack started in `folder` or above it has left for its users."""
    for place in (folder, *folder.parents):
        path = place / NEARBY
        if "TIDEMARK_KEY" not in given and path.is_file() and os.access(path, os.R_OK):
            lines = path.read_text().splitlines()
            return {**dict(line.split("=", 1) for line in lines if "=" in line), **given}
    return dict(given)


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    root = argparse.ArgumentParser(
        prog="tidemark",
        description="Loads events into Tidemark and asks what happened.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    root.add_argument("--version", action="version", version=f"tidemark {__version__}")
    root.add_argument("--key", default="", help="the key's secret; better given as TIDEMARK_KEY")
    root.add_argument(
        "--project", default="", help="the project, needed only with a key of the whole installation"
    )
    root.add_argument("--ingest", default="", metavar="ADDRESS", help="address of the ingest server")
    root.add_argument("--query-address", default="", metavar="ADDRESS", help="address of the query server")
    root.add_argument(
        "--timeout", type=float, default=30.0, metavar="SECONDS", help="how long an answer may take"
    )
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_load(commands.add_parser("load", help="load a git history, a file, or this machine's metrics"))
    for name, run, about in (
        ("query", ask.query, "ask once"),
        ("watch", ask.watch, "ask and keep the answer up to date"),
        ("explain", ask.explain, "tell how a question is answered"),
        ("export", export.export, "write a whole answer to a file"),
    ):
        _add_questions(commands.add_parser(name, help=about), name, run)
    _add_suggest(commands.add_parser("suggest", help="complete a name, a field or a value"))
    ledger = commands.add_parser("ledger", help="account for everything received")
    question.add_span(ledger)
    ledger.add_argument("--producer", default="", help="only this producer")
    ledger.add_argument(
        "--verify", action="store_true", help="say only whether it balances; the exit code says it too"
    )
    ledger.add_argument("--limit", type=int, default=30, help="rows shown")
    _add_format(ledger)
    ledger.set_defaults(run=manage.ledger)
    commands.add_parser("status", help="how the platform is doing").set_defaults(run=manage.status)
    _add_projects(commands.add_parser("projects", help="list, create or change projects"))
    _add_keys(commands.add_parser("keys", help="list, create or revoke keys"))
    _add_readers(
        commands.add_parser("readers", help="list, create or delete readers for tools that speak SQL")
    )
    _add_audit(commands.add_parser("audit", help="list or verify the audit log"))
    _add_dashboards(
        commands.add_parser("dashboards", help="list, show, save to files, load or delete dashboards")
    )
    for name, add, about in (
        ("schemas", definitions.add_schemas, "what the properties of events must look like"),
        ("rules", definitions.add_rules, "what is done to events before they are stored"),
        ("validate", definitions.add_validate, "tell what would become of events"),
        ("letters", letters.add_letters, "list, repair or discard dead letters"),
        ("partitions", letters.add_partitions, "let a partition that paused go on"),
        ("windows", definitions.add_windows, "aggregates kept as events are committed"),
        ("lineage", provenance.add_lineage, "tell where an event or a figure comes from"),
        ("quality", provenance.add_quality, "tell how good events and their properties are"),
        ("producers", provenance.add_producers, "list who sends"),
        ("critical", provenance.add_critical, "follow errors and security events as they come"),
        ("retention", provenance.add_retention, "how long data is kept"),
        ("insights", insights.add_insights, "what has changed, how sure that is, why, and what to do"),
        ("alerts", alerts.add_alerts, "rules that watch series, incidents, and whom to tell"),
        ("models", models.add_models, "learn what people are going to do, and predict it"),
        ("forecast", forecast.add_forecast, "tell how series go on, and how well that can be told"),
        ("report", report.add_report, "what reports are made of, and what is made of them"),
        ("schedule", schedule.add_schedule, "when reports are made, and for whom"),
        ("deliver", deliver.add_deliver, "where editions are brought, and what came of it"),
        ("capacity", capacity.add_capacity, "how much machine a load asks for"),
        ("doctor", doctor.add_doctor, "find what is wrong with the installation, and what to do"),
        ("erase", provenance.add_erase, "remove a person from all that is stored"),
    ):
        add(commands.add_parser(name, help=about))
    return root


def _add_load(command: argparse.ArgumentParser) -> None:
    sources = command.add_subparsers(dest="load", required=True, metavar="SOURCE")
    git = sources.add_parser("git", help="the history of a git repository")
    git.add_argument("path", nargs="?", default=".", help="the repository")
    git.set_defaults(run=load.history)
    for kind in ("ndjson", "csv", "parquet"):
        rows = sources.add_parser(kind, help=f"the rows of a {kind} file")
        rows.add_argument("file")
        rows.add_argument("--name", default="", help="the name of every event")
        for role in ("name-column", "time", "user", "session", "id"):
            rows.add_argument(
                f"--{role}",
                default="",
                metavar="COLUMN",
                help="the column that holds it; guessed if not given",
            )
        rows.add_argument(
            "--type",
            default="USER_ACTION",
            choices=[kind.name for kind in EventType],
            help="type of every event",
        )
        rows.add_argument(
            "--delimiter", default="", help="what separates the cells of a CSV; guessed if not given"
        )
        rows.set_defaults(run=load.rows)
        _add_source(rows)
    log = sources.add_parser("access-log", help="an access log in the common or combined format")
    log.add_argument("file")
    _add_source(log)
    log.set_defaults(run=load.access)
    host = sources.add_parser(
        "host", help="this machine's metrics, and the processes that start and end on it"
    )
    host.add_argument("--follow", action="store_true", help="go on until interrupted")
    host.add_argument("--every", type=float, default=1.0, metavar="SECONDS", help="time between two looks")
    host.set_defaults(run=load.machine)


def _add_source(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--source",
        default="",
        help="what tells rows of this file from equal rows of others; the file's name if not given",
    )


def _add_questions(command: argparse.ArgumentParser, name: str, run: object) -> None:
    abouts = command.add_subparsers(dest="about", required=True, metavar="QUESTION")
    for kind, about in question.KINDS.items():
        asked = abouts.add_parser(kind, help=about)
        question.add(asked, kind)
        match name:
            case "query":
                asked.add_argument("--limit", type=int, default=20, help="events or people shown")
                _add_format(asked)
            case "watch":
                asked.add_argument("--limit", type=int, default=20, help="events or people shown")
                asked.add_argument(
                    "--every", default="0s", metavar="SPAN", help="least time between two updates"
                )
            case "explain":
                asked.add_argument("--analyze", action="store_true", help="answer it as well")
                asked.add_argument("--statements", action="store_true", help="show the statements")
            case "export":
                asked.add_argument(
                    "--output",
                    "-o",
                    required=True,
                    metavar="FILE",
                    help="where to write; - for standard output",
                )
                asked.add_argument(
                    "--format", default="", choices=[*FORMS], help="guessed from the name of the file"
                )
        if name != "watch":
            asked.add_argument(
                "--as-of",
                default="",
                metavar="STATE",
                help="answer from the data as they were; `explain --analyze` names the state, and so does metadata.as_of",
            )
        asked.set_defaults(run=run)


def _add_suggest(command: argparse.ArgumentParser) -> None:
    command.add_argument("kind", choices=["event", "metric", "field", "value"], help="what is completed")
    command.add_argument("text", nargs="?", default="", help="what is typed already")
    command.add_argument("--name", default="", help="for fields and values: of this event or metric")
    command.add_argument("--field", default="", help="for values: of this field")
    command.add_argument("--source", default="events", choices=["events", "metrics"])
    command.add_argument("--limit", type=int, default=20, help="how many at most")
    _add_format(command)
    command.set_defaults(run=ask.suggest)


def _add_format(command: argparse.ArgumentParser) -> None:
    command.add_argument("--format", choices=["table", "json", "csv"], default="table")


def _add_projects(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="projects", required=True, metavar="ACTION")
    for action, about in (
        ("list", "those that the key may see"),
        ("create", "a new one"),
        ("update", "its title or zone"),
    ):
        chosen = actions.add_parser(action, help=about)
        if action != "list":
            chosen.add_argument(
                "id", help="3 to 40 lower-case letters, digits and -, beginning with a letter"
            )
            chosen.add_argument("--title", default="", help="the name people read")
            chosen.add_argument(
                "--time-zone", default="", help="IANA name of the zone in which its days begin"
            )
        _add_format(chosen)
        chosen.set_defaults(run=manage.projects)


def _add_keys(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="keys", required=True, metavar="ACTION")
    actions.add_parser("list", help="without their secrets")
    create = actions.add_parser("create", help="a new one; its secret is shown once")
    create.add_argument("--role", required=True, choices=ROLES)
    create.add_argument("--title", default="", help="the name people read")
    create.add_argument("--expires", metavar="INSTANT", help="when it ends by itself")
    create.add_argument("--events-per-minute", type=int, default=0, help="0 is without limit")
    create.add_argument("--requests-per-minute", type=int, default=0, help="0 is without limit")
    revoke = actions.add_parser("revoke", help="end one for ever")
    revoke.add_argument("key_name", metavar="KEY", help="its name, or the last part of it")
    for chosen in actions.choices.values():
        _add_format(chosen)
        chosen.set_defaults(run=manage.keys)


def _add_readers(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="readers", required=True, metavar="ACTION")
    actions.add_parser("list", help="by name")
    create = actions.add_parser("create", help="a new one; its password is shown once")
    create.add_argument("id", help="3 to 40 lower-case letters, digits and -, beginning with a letter")
    create.add_argument(
        "--connections", type=int, default=0, help="how many at once; 5 if not given, at most 50"
    )
    delete = actions.add_parser("delete", help="end one, and its connections")
    delete.add_argument("reader_name", metavar="READER", help="its name, or the last part of it")
    for chosen in actions.choices.values():
        _add_format(chosen)
        chosen.set_defaults(run=manage.readers)


def _add_audit(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="audit", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="newest first")
    listing.add_argument("--actor", default="", help="only this actor")
    listing.add_argument("--action", default="", help="only this action")
    listing.add_argument("--limit", type=int, default=50)
    _add_format(listing)
    for chosen in (listing, actions.add_parser("verify", help="recompute the hash chain")):
        chosen.set_defaults(run=manage.audit)


def _add_dashboards(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="dashboards", required=True, metavar="ACTION")
    _add_format(actions.add_parser("list", help="those that are built in, then the others by id"))
    for action, about in (
        ("show", "what stands on one"),
        ("export", "write one to a file"),
        ("delete", "delete one"),
        ("clone", "make one like another"),
    ):
        chosen = actions.add_parser(action, help=about)
        chosen.add_argument("dashboard", metavar="DASHBOARD", help="its id, or its name")
        if action == "show":
            _add_format(chosen)
        elif action == "export":
            chosen.add_argument(
                "-o", "--output", default="", metavar="FILE", help="where to; the terminal if not given"
            )
        elif action == "clone":
            chosen.add_argument("--title", default="", help="the name people read")
            chosen.add_argument("--id", default="", help="its id; made from the title if not given")
    load_one = actions.add_parser("import", help="make one of a file")
    load_one.add_argument("file", help="what export has written")
    load_one.add_argument("--id", default="", help="its id; made from its title if not given")
    load_one.add_argument(
        "--replace",
        action="store_true",
        help="put it in the place of the one of this id, or of the file's name",
    )
    for chosen in actions.choices.values():
        chosen.set_defaults(run=dashboards.dashboards)
