"""`tidemark load`: drafts of a reader come in, are tracked, and the ledger says what became of them."""

import time
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO

from tidemark.blocking import Client
from tidemark.errors import BufferFull, Error, Unavailable
from tidemark.load import access_log, files, git, host
from tidemark.load.draft import BadRow, Draft
from tidemark.records import EventType, Rejection
from tidemark.terminal.console import Console
from tidemark.terminal.progress import Progress

_SHOWN_FAULTS = 5
_OFTEN = 500


@dataclass(slots=True)
class Faults:
    """Rows that are no events and events that the server did not take; a few are shown, all are counted."""

    rows: int = 0
    rejected: int = 0
    shown: list[str] = field(default_factory=list)

    def bad_row(self, row: BadRow) -> None:
        self.rows += 1
        self._show(f"{row.place}: {row.fault}")

    def rejection(self, rejection: Rejection) -> None:
        self.rejected += 1
        self._show(f"rejected: {rejection.field}: {rejection.message}")

    def _show(self, text: str) -> None:
        if len(self.shown) < _SHOWN_FAULTS:
            self.shown.append(text)


def history(client: Client, arguments: Namespace, console: Console, faults: Faults) -> int:
    """Loads a git history."""
    path = Path(arguments.path)
    total = git.count(path)
    if git.shallow(path):
        console.warn("the clone is shallow: its oldest commits look as if they had made every file")
    progress = Progress(f"git {path.resolve().name}", console.err, total=total, width=console.width)
    commits = 0

    def counted() -> Iterator[tuple[Draft | BadRow, int]]:
        nonlocal commits
        for draft in git.drafts(path):
            commits += isinstance(draft, BadRow) or draft.name == "commit"
            yield draft, commits

    return _load(client, counted(), progress, console, faults, arguments.timeout)


def rows(client: Client, arguments: Namespace, console: Console, faults: Faults) -> int:
    """Loads a file of rows: NDJSON, CSV or Parquet."""
    path = Path(arguments.file)
    columns = files.Columns(
        name=arguments.name_column,
        time=arguments.time,
        user=arguments.user,
        session=arguments.session,
        id=arguments.id,
        always=arguments.name,
        type=EventType[arguments.type],
    )
    source = arguments.source or path.name
    with path.open("rb") as file:
        if arguments.load == "parquet":
            found: Iterable[tuple[str, files.Row | str]] = files.parquet(path)
        elif arguments.load == "csv":
            found = files.csv_rows(file, arguments.delimiter)
        else:
            found = files.ndjson(file)
        guess = partial(_guess, columns, path.stem, console)
        progress = Progress(path.name, console.err, total=path.stat().st_size, width=console.width)
        drafts = files.drafts(found, guess, source)
        return _load(client, _with_position(drafts, file), progress, console, faults, arguments.timeout)


def access(client: Client, arguments: Namespace, console: Console, faults: Faults) -> int:
    """Loads an access log."""
    path = Path(arguments.file)
    with path.open("rb") as file:
        progress = Progress(path.name, console.err, total=path.stat().st_size, width=console.width)
        drafts = access_log.drafts(file, arguments.source or path.name)
        return _load(client, _with_position(drafts, file), progress, console, faults, arguments.timeout)


def machine(client: Client, arguments: Namespace, console: Console, _: Faults) -> int:
    """Records this machine's metrics, and what starts and ends on it, once or, with --follow, until interrupted."""
    if arguments.every <= 0:
        raise ValueError(f"--every: is {arguments.every:g}; give seconds above 0")
    before, taken, happened = host.look(), 0, 0
    drafts: Iterable[Draft] = host.events(None, before)
    try:
        while True:
            for draft in drafts:
                _track(client, draft, arguments.timeout)
                happened += 1
            time.sleep(arguments.every)
            after = host.look(before)
            for point in host.points(before, after):
                client.record(point.name, point.value, kind=point.kind, unit=point.unit, tags=point.tags)
                taken += 1
            drafts, before = host.events(before, after), after
            if not arguments.follow:
                break
            if console.err.isatty():
                console.err.write(
                    f"\rhost  {taken:,} points, {happened:,} events, {client.unacknowledged:,} on their way   "
                )
    except KeyboardInterrupt:
        console.warn("")
    _wait(client.flush, client, arguments.timeout)
    console.say(f"{taken:,} points and {happened:,} events recorded")
    return 0


def _load(
    client: Client,
    drafts: Iterable[tuple[Draft | BadRow, int]],
    progress: Progress,
    console: Console,
    faults: Faults,
    patience: float,
) -> int:
    count = 0
    for draft, done in drafts:
        if isinstance(draft, BadRow):
            faults.bad_row(draft)
            continue
        _track(client, draft, patience)
        count += 1
        if count % _OFTEN == 0:
            progress.show(count, done)
    _wait(client.flush, client, patience)
    progress.end()
    console.say(_outcome(client, count, faults))
    return 1 if faults.rows + faults.rejected and not count - faults.rejected else 0


def _track(client: Client, draft: Draft, patience: float) -> None:
    while True:
        try:
            client.track(
                draft.name,
                type=draft.type,
                user_id=draft.user_id,
                session_id=draft.session_id,
                properties=draft.properties,
                occurred_at=draft.occurred_at,
                event_id=draft.event_id,
            )
        except BufferFull:
            _wait(client.ready, client, patience)
        else:
            return


def _wait(work: Callable[[float], None], client: Client, patience: float) -> None:
    """Does what waits for acknowledgements; raises when none has come for `patience` seconds."""
    while True:
        left = client.unacknowledged
        try:
            return work(patience)
        except TimeoutError:
            if client.unacknowledged >= left:
                raise Unavailable(
                    f"nothing was acknowledged for {patience:g} s ({client.last_error or 'no answer'}); "
                    "load again, and what has arrived is not counted twice"
                ) from None


def _outcome(client: Client, count: int, faults: Faults) -> str:
    """What the ledger says of this producer. Loads are acknowledged when committed, so it holds all of them."""
    if not count:
        return f"nothing to load{_bad_rows(faults)}"
    try:
        total = (client.ledger(last="2d", producer_id=client.producer_id)).total
    except Error as error:
        return f"{count:,} sent{_bad_rows(faults)}; what was new is not known, for the ledger cannot be read: {error}"
    known = f", {total.duplicate:,} known before" if total.duplicate else ""
    rejected = f", {total.rejected:,} rejected" if total.rejected else ""
    dead = f", {total.dead_lettered:,} dead-lettered" if total.dead_lettered else ""
    return f"{count:,} sent: {total.stored:,} new{known}{rejected}{dead}{_bad_rows(faults)}"


def _bad_rows(faults: Faults) -> str:
    return f"; {faults.rows:,} rows could not be read" if faults.rows else ""


def _guess(columns: files.Columns, stem: str, console: Console, row: files.Row) -> files.Columns:
    settled = columns.guessed(row, stem)
    name = f"every event is {settled.always!r}" if settled.always else f"name = {settled.name}"
    roles = [
        f"{role} = {getattr(settled, role)}"
        for role in ("time", "user", "session", "id")
        if getattr(settled, role)
    ]
    console.warn(f"columns: {', '.join([name, *roles])}")
    return settled


def _with_position(drafts: Iterable[Draft | BadRow], file: BinaryIO) -> Iterator[tuple[Draft | BadRow, int]]:
    """Each draft, and how many bytes of the file were read for it; asked seldom, for it is a system call."""
    position = 0
    for at, draft in enumerate(drafts):
        if at % _OFTEN == 0:
            position = file.seek(0, 1) if not file.closed else position
        yield draft, position
