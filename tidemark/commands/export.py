"""`tidemark export`: a question in, a file out, with progress."""

import sys
from argparse import Namespace

from tidemark.client import Client
from tidemark.commands.ask import trust
from tidemark.commands.question import question
from tidemark.exporting import Exported
from tidemark.terminal.console import Console
from tidemark.terminal.progress import Progress
from tidemark.terminal.table import size


async def export(client: Client, arguments: Namespace, console: Console) -> int:
    """Writes a whole answer to a file; what is on standard output when this fails is to be thrown away."""
    to = sys.stdout.buffer if arguments.output == "-" else arguments.output
    progress: Progress | None = None

    def show(exported: Exported) -> None:
        nonlocal progress
        if progress is None:
            total = exported.rows_expected or None
            progress = Progress("exporting", console.err, total=total, width=console.width)
        progress.show(exported.rows, exported.rows)

    try:
        done = await client.export(
            question(arguments), to, format=arguments.format, on_progress=show, as_of=arguments.as_of
        )
    finally:
        if progress is not None:
            progress.end()
    console.warn(f"{done.rows:,} rows, {size(done.bytes)}")
    for line in trust(done.metadata):
        console.warn(line)
    return 0
