"""`tidemark capacity`: how much machine a load asks for. Asks no server."""

from argparse import ArgumentParser, Namespace

from tidemark.capacity import EVENT_BYTES, Load, plan
from tidemark.client import Client
from tidemark.terminal.console import Console
from tidemark.terminal.table import table


def add_capacity(command: ArgumentParser) -> None:
    """The arguments of `tidemark capacity`."""
    command.add_argument("--events-per-minute", type=float, required=True, metavar="N", help="at the peak")
    command.add_argument("--days", type=float, default=90, metavar="N", help="how long events are kept")
    command.add_argument(
        "--answers-per-second", type=float, default=0, metavar="N", help="questions of dashboards"
    )
    command.add_argument("--event-bytes", type=int, default=EVENT_BYTES, metavar="N", help="size of an event")
    command.add_argument(
        "--outage-minutes",
        type=float,
        default=10,
        metavar="N",
        help="how long writers may be away until producers wait",
    )
    command.add_argument(
        "--spare", type=float, default=0.5, metavar="SHARE", help="share of every core left free"
    )
    command.set_defaults(run=capacity)


async def capacity(_: Client, arguments: Namespace, console: Console) -> int:
    """Shows the plan."""
    load = Load(
        arguments.events_per_minute,
        arguments.days,
        arguments.answers_per_second,
        arguments.event_bytes,
        arguments.outage_minutes,
        arguments.spare,
    )
    found = plan(load)
    rows: list[list[object]] = [
        ["ingest", found.ingest_processes, f"{found.ingest_cores:.1f}", ""],
        [
            "writer",
            found.writer_processes,
            f"{found.writer_cores:.1f}",
            f"{found.writer_processes} partitions at least",
        ],
        ["PostgreSQL", 1, f"{found.postgresql_cores:.1f}", f"{found.disk_gb:,.0f} GB of disk for events"],
        ["Redis", 1, f"{found.redis_cores:.1f}", f"{found.backlog_mib:,.0f} MiB of backlog"],
    ]
    if load.answers_per_second:
        rows.append(["query, and PostgreSQL besides", "", f"{found.answering_cores:.1f}", ""])
    console.say(*table(["what", "processes", "cores", "besides"], rows, console.width))
    return 0
