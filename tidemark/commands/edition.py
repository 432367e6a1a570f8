"""The part of `tidemark report` that is about runs and editions: made, proven, saved, made again, shown to others."""

from argparse import ArgumentParser, Namespace
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from tidemark.client import Client
from tidemark.commands.question import add_span
from tidemark.commands.shown import add_format, last_part, show, told, when
from tidemark.editions import FORMATS, STATES, Edition, Run, word_of
from tidemark.operations import Operation
from tidemark.plain import utc
from tidemark.terminal.console import Console
from tidemark.terminal.progress import Progress
from tidemark.terminal.table import size, table
from tidemark.v1 import edition_pb2 as pb

STEPS = 1000
"""In how many steps a share is shown."""

_RUNS = {
    "run": lambda each: _short(each.name),
    "state": lambda each: told(pb.Run.State, each.state),
    "of": lambda each: last_part(each.schedule) or "asked for",
    "at": lambda each: when(each.slot_time) or when(each.create_time),
    "made": lambda each: len(each.editions) or "",
    "reason": lambda each: each.reason,
}
_EDITIONS = {
    "edition": lambda each: _short(each.name),
    "title": lambda each: each.display_name,
    "from": lambda each: _day(each.manifest.time_range.start),
    "until": lambda each: _day(each.manifest.time_range.end),
    "files": lambda each: ", ".join(word_of(file.format) for file in each.manifest.files),
    "made": lambda each: when(each.create_time),
}
_FILES = {
    "form": lambda each: word_of(each.format),
    "file": lambda each: each.file_name,
    "size": lambda each: size(each.size_bytes),
    "sha256": lambda each: each.sha256,
}


def add_runs(actions: Any) -> None:
    """The actions of `tidemark report` that are about runs and editions."""
    running = actions.add_parser("run", help="make an edition")
    running.add_argument("report", metavar="REPORT", help="its id or name")
    _add_formats(running, "pdf if not given")
    add_span(running, "the report's own range")
    running.add_argument(
        "--where", action="append", default=[], metavar="CONDITION", help="only of these events"
    )
    running.add_argument(
        "--to", action="append", default=[], metavar="DESTINATION", help="bring it there; repeat for more"
    )
    _add_waiting(running)
    listing = actions.add_parser("runs", help="what was tried and what came of it, newest first")
    listing.add_argument("report", nargs="?", default="-", metavar="REPORT", help="of all if not given")
    listing.add_argument("--state", action="append", default=[], choices=list(STATES), help="only such")
    listing.add_argument("--schedule", default="", help="only of this one")
    _add_limit(listing)
    retrying = actions.add_parser("retry", help="begin a run that failed anew")
    _add_waiting(retrying)
    for name, chosen in (("retry", retrying), ("cancel", actions.add_parser("cancel", help="stop a run"))):
        chosen.add_argument("run_name", metavar="RUN", help="REPORT/RUN or its name")
        chosen.set_defaults(run={"retry": _retry, "cancel": _cancel}[name])
    made = actions.add_parser("editions", help="what was made, newest first")
    made.add_argument("report", nargs="?", default="-", metavar="REPORT", help="of all if not given")
    _add_limit(made)
    showing = actions.add_parser("edition", help="what an edition holds and proves")
    add_format(showing)
    saving = actions.add_parser("download", help="save files of an edition, checked against its manifest")
    _add_formats(saving, "all if not given")
    saving.add_argument("--out", default=".", metavar="FOLDER", help="where to; here if not given")
    again = actions.add_parser("rerun", help="make an edition again from the data as they were")
    _add_formats(again, "those it had if not given")
    _add_waiting(again)
    linking = actions.add_parser("link", help="make an address that opens a file without a key")
    linking.add_argument("--format", dest="form", default="pdf", choices=list(FORMATS), help="which file")
    linking.add_argument("--for", dest="lifetime", metavar="SPAN", help="how long it holds; 7d if not given")
    linking.add_argument("--revoke", action="store_true", help="end all links of the edition instead")
    for chosen in (showing, saving, again, linking):
        chosen.add_argument("edition", metavar="EDITION", help="REPORT/EDITION or its name")
    for chosen, run in (
        (running, _run), (listing, _runs), (made, _editions), (showing, _edition), (saving, _download),
        (again, _rerun), (linking, _link),
    ):  # fmt: skip
        chosen.set_defaults(run=run)


def _add_formats(command: ArgumentParser, usual: str) -> None:
    command.add_argument(
        "--format", dest="formats", action="append", default=[], choices=list(FORMATS),
        help=f"which files, repeat for more; {usual}",
    )  # fmt: skip


def _add_waiting(command: ArgumentParser) -> None:
    command.add_argument("--out", metavar="FOLDER", help="wait for it, and save its files there")
    command.add_argument("--wait", action="store_true", help="wait for it")


def _add_limit(command: ArgumentParser) -> None:
    command.add_argument("--limit", type=int, default=20, help="how many at most")
    add_format(command)


async def _run(client: Client, arguments: Namespace, console: Console) -> int:
    begun = await client.editions.begin(
        arguments.report,
        formats=arguments.formats,
        last=arguments.last,
        start=arguments.start,
        end=arguments.end,
        during=arguments.during,
        where=arguments.where,
        destinations=arguments.to,
    )
    return await _followed(client, begun, arguments, console)


async def _retry(client: Client, arguments: Namespace, console: Console) -> int:
    return await _followed(client, await client.editions.retry(arguments.run_name), arguments, console)


async def _rerun(client: Client, arguments: Namespace, console: Console) -> int:
    """Makes an edition again; the exit code says whether it is as it was."""
    run = await _waited(
        console,
        lambda progress: client.editions.rerun(
            arguments.edition, formats=arguments.formats, on_progress=progress
        ),
    )
    (edition,) = await _told(client, run, arguments, console)
    differences = edition.manifest.differences
    console.say(*(differences or ["every figure is as it was"]))
    return 1 if differences else 0


async def _cancel(client: Client, arguments: Namespace, console: Console) -> int:
    await client.editions.cancel(arguments.run_name)
    console.say(f"{arguments.run_name} is asked to stop")
    return 0


async def _runs(client: Client, arguments: Namespace, console: Console) -> int:
    listed = client.editions.runs(arguments.report, states=arguments.state, schedule=arguments.schedule)
    show([each.message async for each in _first(listed, arguments.limit)], _RUNS, arguments, console)
    return 0


async def _editions(client: Client, arguments: Namespace, console: Console) -> int:
    listed = client.editions.list(arguments.report)
    show([each.message async for each in _first(listed, arguments.limit)], _EDITIONS, arguments, console)
    return 0


async def _edition(client: Client, arguments: Namespace, console: Console) -> int:
    found = await client.editions.get(arguments.edition)
    if arguments.format == "json":
        show([found.message], {}, arguments, console)
        return 0
    manifest = found.manifest
    span = f"{when(manifest.time_range.start)} to {when(manifest.time_range.end)}, {manifest.time_zone}"
    console.say(f"{found.name}: {found.title}", span, f"data version {manifest.data_version}", "")
    show(manifest.files, _FILES, arguments, console)
    rows = [
        [
            proof.table_id,
            f"{proof.row_count:,}",
            column.title,
            f"{column.value_count:,}",
            f"{column.sum:,.15g}",
        ]
        for section in manifest.sections
        for proof in section.tables
        for column in proof.columns
    ]
    if rows:
        console.say("", *table(["table", "rows", "column", "values", "sum"], rows, console.width))
    if manifest.rerun_of:
        console.say("", f"repeats {manifest.rerun_of}", *manifest.differences)
    return 0


async def _download(client: Client, arguments: Namespace, console: Console) -> int:
    await _saved(client, await client.editions.get(arguments.edition), arguments, console)
    return 0


async def _link(client: Client, arguments: Namespace, console: Console) -> int:
    if arguments.revoke:
        console.say(f"{await client.editions.revoke_links(arguments.edition)} links are ended")
        return 0
    made = await client.editions.link(arguments.edition, arguments.form, arguments.lifetime)
    console.say(made.url or made.path)
    console.warn(f"holds until {made.expire_time:%Y-%m-%d %H:%M:%S}Z; whoever has it can open the file")
    return 0


async def _followed(client: Client, begun: Operation, arguments: Namespace, console: Console) -> int:
    """Waits for a run where that is wanted."""
    if not (arguments.wait or arguments.out):
        console.say(_short(begun.target))
        return 0
    run = await _waited(console, lambda progress: client.editions.made(begun, progress))
    if not run.editions:
        console.say(f"{_short(run.name)}: {run.state}, {run.reason}")
    await _told(client, run, arguments, console)
    return 0


async def _waited(console: Console, follow: Callable[[Callable[[Operation], None]], Awaitable[Run]]) -> Run:
    bar = Progress("making", console.err, total=STEPS, width=console.width)

    def progress(operation: Operation) -> None:
        bar.show(0, round(operation.progress * STEPS), operation.step or "waiting")

    try:
        return await follow(progress)
    finally:
        bar.end()


async def _told(client: Client, run: Run, arguments: Namespace, console: Console) -> list[Edition]:
    """Says what a run has made, and saves it where that is wanted."""
    found = [await client.editions.get(each) for each in run.editions]
    for each in found:
        console.say(_short(each.name))
        if arguments.out:
            await _saved(client, each, arguments, console)
    return found


async def _saved(client: Client, edition: Edition, arguments: Namespace, console: Console) -> None:
    folder = _folder(arguments.out)
    forms = getattr(arguments, "formats", None) or [file.format for file in edition.files]
    for form in forms:
        file = await client.editions.download(edition.name, form, folder)
        console.say(f"{folder / file.name}  {size(file.size)}")


def _folder(path: str) -> Path:
    """A folder, which is made where there is none."""
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


async def _first(listed: Any, limit: int) -> Any:
    """The first so many."""
    async for each in listed:
        if limit <= 0:
            return
        limit -= 1
        yield each


def _day(message: Timestamp) -> str:
    """The day of an instant, in UTC."""
    return f"{utc(message):%Y-%m-%d}"


def _short(name: str) -> str:
    """`REPORT/ID` of a run or an edition."""
    parts = name.split("/")
    return f"{parts[3]}/{parts[5]}"
