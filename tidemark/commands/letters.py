"""`tidemark letters` and `partitions`: what could not be stored, and its repair, tried before it is done."""

from argparse import ArgumentParser, Namespace
from typing import Any

from tidemark import rules
from tidemark.client import Client
from tidemark.commands.question import add_span
from tidemark.commands.shown import add_format, last_part, read, show, told, when
from tidemark.letters import REASONS, STATES
from tidemark.terminal.console import Console
from tidemark.v1 import letter_pb2 as pb

_LETTERS = {
    "letter": lambda each: last_part(each.name),
    "received": lambda each: when(each.received_at),
    "reason": lambda each: told(pb.DeadLetterReason, each.reason),
    "event": lambda each: each.event_name,
    "field": lambda each: each.field,
    "message": lambda each: each.message,
    "state": lambda each: told(pb.DeadLetterState, each.state),
    "signature": lambda each: each.signature,
}
_CLUSTERS = {
    "signature": lambda each: each.signature,
    "count": lambda each: each.count,
    "reason": lambda each: told(pb.DeadLetterReason, each.reason),
    "event": lambda each: each.event_name,
    "field": lambda each: each.field,
    "message": lambda each: each.message,
    "last": lambda each: when(each.last_received_at),
}
_FIGURES = {
    "event": lambda each: each.event_name,
    "day": lambda each: when(each.day),
    "added": lambda each: each.added_count,
}


def add_letters(command: ArgumentParser) -> None:
    """The arguments of `tidemark letters`."""
    actions = command.add_subparsers(dest="letters", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="newest first")
    listing.add_argument("--limit", type=int, default=50, help="how many")
    actions.add_parser("clusters", help="the kinds of fault that they have")
    repair = actions.add_parser(
        "repair", help="send them through the pipeline again; tells what would happen without --yes"
    )
    repair.add_argument("--patch", metavar="FILE", help="rules to apply first, as a file of `tidemark rules`")
    discard = actions.add_parser("discard", help="give them up; tells how many without --yes")
    for chosen in (repair, discard):
        chosen.add_argument("--yes", action="store_true", help="do it")
    for chosen in actions.choices.values():
        chosen.add_argument("--letter", action="append", default=[], help="only this one; repeat for more")
        chosen.add_argument("--signature", default="", help="only this kind of fault")
        chosen.add_argument("--reason", default="", choices=[*REASONS], help="only this reason")
        chosen.add_argument("--event", default="", metavar="NAME", help="only events of this name")
        chosen.add_argument("--state", default="", choices=[*STATES], help="open ones if not given")
        add_span(chosen, "all")
        add_format(chosen)
        chosen.set_defaults(run=letters)


async def letters(client: Client, arguments: Namespace, console: Console) -> int:
    """Lists, repairs or discards dead letters."""
    which = await _which(client, arguments)
    match arguments.letters:
        case "list":
            found = []
            async for letter in client.dead_letters.all(**which):
                found.append(letter)
                if len(found) == arguments.limit:
                    break
            show(found, _LETTERS, arguments, console)
        case "clusters":
            show(await client.dead_letters.clusters(**which), _CLUSTERS, arguments, console)
        case "repair":
            return await _repair(client, which, arguments, console)
        case "discard" if arguments.yes:
            console.say(f"{await client.dead_letters.discard(**which):,} given up")
        case "discard":
            count = sum(each.count for each in await client.dead_letters.clusters(**which))
            console.say(f"{count:,} would be given up; --yes does it")
    return 0


async def _repair(client: Client, which: dict[str, Any], arguments: Namespace, console: Console) -> int:
    """Repairs, or tells what that would do; the exit code says whether nothing stays at fault."""
    patches = rules.parsed(read(arguments.patch)).rules if arguments.patch else ()

    def progress(told_: pb.RepairDeadLettersResponse) -> None:
        if console.err.isatty():
            console.err.write(f"\r{told_.examined_count:,} of {told_.selected_count:,}  ")

    done = await client.dead_letters.repair(
        patches, validate_only=not arguments.yes, on_progress=progress, **which
    )
    word = "recovered" if arguments.yes else "would be recovered"
    console.say(
        f"{done.recovered_count:,} of {done.selected_count:,} {word}, {done.duplicate_count:,} of them known before; "
        f"{done.failed_count:,} still at fault"
    )
    for messages, columns in ((done.figures, _FIGURES), (done.still_failing, _CLUSTERS)):
        if messages:
            console.say("")
            show(messages, columns, arguments, console)
    if not arguments.yes:
        console.say("", "nothing was changed; --yes repairs")
    return 1 if done.failed_count else 0


async def _which(client: Client, arguments: Namespace) -> dict[str, Any]:
    return {
        "names": [await client.dead_letters.name(each) for each in arguments.letter],
        "signature": arguments.signature,
        "reason": arguments.reason,
        "event_name": arguments.event,
        "state": arguments.state,
        **{name: getattr(arguments, name) for name in ("last", "start", "end", "during")},
    }


def add_partitions(command: ArgumentParser) -> None:
    """The arguments of `tidemark partitions`."""
    actions = command.add_subparsers(dest="partitions", required=True, metavar="ACTION")
    resume = actions.add_parser("resume", help="let the writer go on with one that paused")
    resume.add_argument("partition", type=int, help="its number, as `tidemark status` shows it")
    resume.set_defaults(run=partitions)


async def partitions(client: Client, arguments: Namespace, console: Console) -> int:
    """Lets a partition go on."""
    await client.dead_letters.resume(arguments.partition)
    console.say(f"partition {arguments.partition} goes on")
    return 0
