"""`tidemark deliver`: where editions are brought, and what came of it."""

import sys
from argparse import ArgumentParser, Namespace

from tidemark.client import Client
from tidemark.commands.shown import add_format, first, joined, last_part, read, show, told, when
from tidemark.deliveries import STATES
from tidemark.editions import word_of
from tidemark.terminal.console import Console
from tidemark.v1 import alert_pb2
from tidemark.v1 import delivery_pb2 as pb

_DESTINATIONS = {
    "id": lambda each: last_part(each.name),
    "title": lambda each: each.display_name,
    "kind": lambda each: each.WhichOneof("target"),
    "to": lambda each: _where(each),
    "fault": lambda each: each.fault,
}
_DELIVERIES = {
    "id": lambda each: last_part(each.name),
    "made": lambda each: when(each.create_time),
    "edition": lambda each: _short(each.edition),
    "to": lambda each: last_part(each.destination),
    "files": lambda each: joined(map(word_of, each.formats)) or "all",
    "state": lambda each: told(alert_pb2.Notification.State, each.state),
    "tries": lambda each: each.attempts,
    "outcome": lambda each: each.outcome,
    "next": lambda each: when(each.next_time),
}
_TRIES = {
    "began": lambda each: when(each.start_time),
    "took": lambda each: (
        f"{each.elapsed.ToTimedelta().total_seconds():.2f} s" if each.HasField("elapsed") else ""
    ),
    "outcome": lambda each: each.outcome,
}


def add_deliver(command: ArgumentParser) -> None:
    """The arguments of `tidemark deliver`."""
    actions = command.add_subparsers(dest="deliver", required=True, metavar="ACTION")
    add_format(actions.add_parser("destinations", help="by name"))
    _add_create(actions.add_parser("create", help="a new destination"))
    actions.add_parser("test", help="bring a small test to a destination")
    actions.add_parser("delete", help="delete a destination; what it has not delivered is given up")
    for name in ("test", "delete"):
        actions.choices[name].add_argument("destination", metavar="DESTINATION", help="its id or name")
    log = actions.add_parser("log", help="deliveries, newest first")
    log.add_argument(
        "of", nargs="?", default="", metavar="REPORT", help="its id; or the name of an edition or a run"
    )
    log.add_argument("--to", default="", metavar="DESTINATION", help="only there")
    log.add_argument(
        "--state", action="append", default=[], choices=[*STATES], help="only such; repeat for more"
    )
    log.add_argument("--limit", type=int, default=20, help="how many at most")
    log.add_argument("--tries", action="store_true", help="with every try")
    add_format(log)
    actions.add_parser("replay", help="deliver again, with the same id").add_argument(
        "delivery", metavar="DELIVERY", help="its id or name"
    )
    for each in actions.choices.values():
        each.set_defaults(run=deliver)


def _add_create(create: ArgumentParser) -> None:
    create.add_argument("title", help="the name people read")
    create.add_argument(
        "--id", default="", help="the last part of its name; made from the title if not given"
    )
    kind = create.add_mutually_exclusive_group(required=True)
    kind.add_argument("--webhook", default="", metavar="URL", help="a web server; prints the secret, once")
    kind.add_argument("--email", action="append", default=[], metavar="ADDRESS", help="mail; repeat for more")
    kind.add_argument("--folder", metavar="PATH", help="below the folder that the operator has named")
    kind.add_argument("--chat", action="store_true", help="a room, by the address in --secret-file")
    kind.add_argument(
        "--s3", default="", metavar="ENDPOINT", help="a store, as in https://s3.eu-central-1.amazonaws.com"
    )
    create.add_argument("--bucket", default="", help="s3: the bucket")
    create.add_argument("--prefix", default="", help="s3: what keys begin with, as in reports/")
    create.add_argument("--region", default="", help="s3: us-east-1 if not given")
    create.add_argument("--key-id", default="", help="s3: the id of the access key")
    create.add_argument(
        "--secret-file", default="", metavar="FILE",
        help="s3 and chat: what holds the secret key, or the address of the room; - for standard input",
    )  # fmt: skip


async def deliver(client: Client, arguments: Namespace, console: Console) -> int:
    """Does what is asked about destinations and deliveries; a test that does not arrive ends with 1."""
    ours = client.deliveries
    match arguments.deliver:
        case "destinations":
            show(await ours.destinations(), _DESTINATIONS, arguments, console)
        case "create":
            made = await _created(client, arguments)
            console.say(made.destination.name)
            if made.secret:
                console.say(f"secret: {made.secret}")
        case "test":
            tested = await ours.test(arguments.destination)
            console.say(f"{'delivered' if tested.delivered else 'not delivered'}: {tested.outcome}")
            return 0 if tested.delivered else 1
        case "delete":
            await ours.delete(arguments.destination)
        case "log":
            await _log(client, arguments, console)
        case "replay":
            console.say(f"{(await ours.replay(arguments.delivery)).name}: on its way again")
    return 0


async def _created(client: Client, arguments: Namespace) -> pb.CreateDestinationResponse:
    secret = _secret(arguments.secret_file) if arguments.s3 or arguments.chat else ""
    store = pb.S3Target(
        endpoint=arguments.s3,
        region=arguments.region,
        bucket=arguments.bucket,
        prefix=arguments.prefix,
        access_key_id=arguments.key_id,
        secret_access_key=secret,
    )
    return await client.deliveries.create(
        arguments.title,
        url=arguments.webhook,
        email=arguments.email,
        folder=arguments.folder,
        s3=store if arguments.s3 else None,
        chat=secret if arguments.chat else "",
        destination_id=arguments.id,
    )


async def _log(client: Client, arguments: Namespace, console: Console) -> None:
    found = await first(
        client.deliveries.all(of=arguments.of, destination=arguments.to, states=arguments.state),
        arguments.limit,
    )
    show(found, _DELIVERIES, arguments, console)
    if arguments.tries and arguments.format == "table":
        for each in found:
            console.say("", last_part(each.name))
            show(each.tries, _TRIES, arguments, console)


def _secret(file: str) -> str:
    """What no command line may hold, because everybody on the machine sees it."""
    if not file:
        raise ValueError(
            "secret_file: is missing; name the file that holds the secret, or - for standard input"
        )
    return (sys.stdin.read() if file == "-" else read(file)).strip()


def _where(destination: pb.Destination) -> str:
    match destination.WhichOneof("target"):
        case "webhook":
            return destination.webhook.url
        case "email":
            return joined(destination.email.to)
        case "folder":
            return destination.folder.path or "the folder itself"
        case "s3":
            return f"{destination.s3.endpoint}/{destination.s3.bucket}/{destination.s3.prefix}"
        case _:
            return "a room"


def _short(name: str) -> str:
    """`REPORT/ID`, by which commands take it."""
    parts = name.split("/")
    return f"{parts[3]}/{parts[5]}"
