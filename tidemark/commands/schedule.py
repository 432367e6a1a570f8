"""`tidemark schedule`: when reports are made, and for whom."""

from argparse import ArgumentParser, Namespace

from tidemark.client import Client
from tidemark.commands.shown import add_format, joined, last_part, show, told, when
from tidemark.editions import FORMATS, word_of
from tidemark.schedules import CATCH_UP, To
from tidemark.terminal.console import Console
from tidemark.v1 import schedule_pb2 as pb

_SCHEDULES = {
    "schedule": lambda each: _short(each.name),
    "title": lambda each: each.display_name,
    "cron": lambda each: each.cron,
    "zone": lambda each: each.time_zone or "the report's",
    "files": lambda each: joined(map(word_of, each.formats)) or "pdf",
    "to": lambda each: joined(last_part(to.destination) for to in each.recipients),
    "next": lambda each: "paused" if each.paused else when(each.next_time),
    "last run": lambda each: last_part(each.last_run),
}
_RECIPIENTS = {
    "to": lambda each: last_part(each.destination),
    "only of": lambda each: "a part of the events" if each.HasField("filter") else "",
    "files": lambda each: joined(map(word_of, each.formats)) or "all",
    "links hold": lambda each: (
        str(each.link_lifetime.ToTimedelta()) if each.HasField("link_lifetime") else ""
    ),
}
_SLOTS = {
    "slot": lambda each: when(each.slot_time),
    "tells of the time from": lambda each: when(each.time_range.start),
    "to": lambda each: when(each.time_range.end),
}


def add_schedule(command: ArgumentParser) -> None:
    """The arguments of `tidemark schedule`."""
    actions = command.add_subparsers(dest="schedule", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="by name")
    listing.add_argument("report", nargs="?", default="-", metavar="REPORT", help="of all if not given")
    add_format(listing)
    _add_create(actions.add_parser("create", help="a new one"))
    add_format(actions.add_parser("show", help="when, what, and for whom"))
    actions.add_parser("pause", help="make nothing; slots that pass are left out")
    actions.add_parser("resume", help="go on with the next slot")
    actions.add_parser("delete", help="delete one; runs that have begun go on")
    for name in ("show", "pause", "resume", "delete"):
        actions.choices[name].add_argument("name", metavar="SCHEDULE", help="REPORT/ID or its name")
    previewing = actions.add_parser("preview", help="when a schedule would run")
    previewing.add_argument("cron", help="five fields, as in '0 7 * * MON-FRI'")
    previewing.add_argument("--zone", default="", help="of its times; the project's if not given")
    previewing.add_argument("--from", dest="begin", metavar="TIME", help="from when; now if not given")
    previewing.add_argument("--count", type=int, default=0, help="how many slots; 5 if not given")
    previewing.add_argument("--last", metavar="SPAN", help="the range of the report, as in 7d")
    previewing.add_argument("--during", metavar="WORDS", help="or in words, as in 'last week'")
    add_format(previewing)
    for each in actions.choices.values():
        each.set_defaults(run=schedule)


def _add_create(create: ArgumentParser) -> None:
    create.add_argument("report", metavar="REPORT", help="its id or name")
    create.add_argument("cron", help="five fields, as in '0 7 * * MON-FRI'")
    create.add_argument("--title", default="", help="the name people read")
    create.add_argument(
        "--id", default="", help="the last part of its name; made from the title if not given"
    )
    create.add_argument("--zone", default="", help="of its times; the report's if not given")
    create.add_argument(
        "--format", dest="formats", action="append", default=[], choices=list(FORMATS),
        help="which files, repeat for more; pdf if not given",
    )  # fmt: skip
    create.add_argument(
        "--to", action="append", default=[], metavar="DESTINATION", help="bring it there; repeat for more"
    )
    create.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="CONDITION",
        help="only of these events, for all of them",
    )
    create.add_argument("--links", metavar="SPAN", help="links instead of files, which hold so long")
    create.add_argument("--catch-up", choices=list(CATCH_UP), default="last", help="which missed slots run")
    create.add_argument(
        "--catch-up-window", metavar="SPAN", help="none that are older than this; 7d if not given"
    )
    create.add_argument("--skip-empty", action="store_true", help="leave a slot out that has nothing to tell")
    create.add_argument("--wait", metavar="SPAN", help="until data are complete, so long at most")


async def schedule(client: Client, arguments: Namespace, console: Console) -> int:
    """Does what is asked about schedules."""
    ours = client.schedules
    match arguments.schedule:
        case "list":
            show([each async for each in ours.all(arguments.report)], _SCHEDULES, arguments, console)
        case "create":
            made = await ours.create(
                arguments.report,
                arguments.cron,
                title=arguments.title,
                to=[To(each, where=arguments.where, links=arguments.links) for each in arguments.to],
                formats=arguments.formats,
                time_zone=arguments.zone,
                catch_up=arguments.catch_up,
                catch_up_window=arguments.catch_up_window,
                skip_empty=arguments.skip_empty,
                wait=arguments.wait,
                schedule_id=arguments.id,
            )
            console.say(f"{made.name}: next at {when(made.next_time)}")
        case "show":
            found = await ours.get(arguments.name)
            show([found], _SCHEDULES, arguments, console)
            if arguments.format == "table":
                console.say(f"missed slots: {_word(found.catch_up)}")
                show(found.recipients, _RECIPIENTS, arguments, console)
        case "pause":
            console.say(f"{(await ours.pause(arguments.name)).name}: paused")
        case "resume":
            found = await ours.resume(arguments.name)
            console.say(f"{found.name}: next at {when(found.next_time)}")
        case "delete":
            await ours.delete(arguments.name)
        case "preview":
            seen = await ours.preview(
                arguments.cron,
                time_zone=arguments.zone,
                begin=arguments.begin,
                count=arguments.count,
                last=arguments.last,
                during=arguments.during,
            )
            if arguments.format == "table":
                console.say(seen.words)
            show(seen.slots, _SLOTS, arguments, console)
    return 0


def _short(name: str) -> str:
    """`REPORT/ID`, by which commands take it."""
    parts = name.split("/")
    return f"{parts[3]}/{parts[5]}"


def _word(catch_up: int) -> str:
    return f"{told(pb.Schedule.CatchUp, catch_up) or 'the last'} of them run"
