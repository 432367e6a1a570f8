"""`tidemark doctor`: finds what is wrong with a running installation, and says what to do.

From here it sees addresses, certificates, clocks and the key; the rest the server tells, which alone reaches PostgreSQL and Redis.
"""

import asyncio
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import orjson

from tidemark import errors
from tidemark.admin import BAD, GOOD, UNKNOWN, WARNING, Check
from tidemark.certificate import ends_at
from tidemark.channel import Tls
from tidemark.client import Client
from tidemark.terminal.console import Console
from tidemark.terminal.table import printable

SOON = timedelta(days=14)
SKEW_SECONDS = 1.0
_ORDER = (BAD, UNKNOWN, WARNING, GOOD)


def add_doctor(command: ArgumentParser) -> None:
    """The arguments of `tidemark doctor`."""
    command.add_argument("--all", action="store_true", help="show also what is well")
    command.add_argument("--json", action="store_true", help="everything, as JSON")
    command.set_defaults(run=doctor)


async def doctor(client: Client, arguments: Namespace, console: Console) -> int:
    """Looks at everything; 1 where something is bad, or could not be looked at."""
    found = [*await _reached(client), *await _certificates(client), *await _inside(client)]
    found.sort(key=lambda check: _ORDER.index(check.state))
    if arguments.json:
        console.say(orjson.dumps([asdict(check) for check in found], option=orjson.OPT_INDENT_2).decode())
    else:
        for check in found:
            if arguments.all or check.state != GOOD:
                console.say(*shown(check))
        console.say(summary(found))
    return 1 if any(check.state in (BAD, UNKNOWN) for check in found) else 0


def shown(check: Check) -> list[str]:
    """Its lines: what was found, and what to do."""
    lines = [printable(f"{check.state:<8} {check.subject}: {check.found}")]
    return [*lines, printable(f"{'':<8} -> {check.remedy}")] if check.remedy else lines


def summary(found: list[Check]) -> str:
    """How many are how: `2 bad, 1 warning, 20 good`."""
    counted = {state: sum(check.state == state for check in found) for state in _ORDER}
    return ", ".join(f"{count} {state}" for state, count in counted.items() if count)


async def _reached(client: Client) -> list[Check]:
    """Whether each target answers where it is looked for."""
    states = await client.serving()
    return [
        Check(f"address of {target}", GOOD, f"{client.addresses[target]} serves.", "")
        if serving
        else Check(
            f"address of {target}",
            BAD,
            f"Nobody at {client.addresses[target]} says that it serves.",
            f"Start {target}, or set TIDEMARK_{target.upper()}_ADDRESS; with TLS, TIDEMARK_TLS_ROOTS_FILE too.",
        )
        for target, serving in states.items()
    ]


async def _certificates(client: Client) -> list[Check]:
    """Until when the certificates of the servers are good; nothing without TLS."""
    if client.tls is None:
        return []
    places = client.addresses.items()
    return list(await asyncio.gather(*(_certificate(target, place, client.tls) for target, place in places)))


async def _certificate(target: str, address: str, tls: Tls) -> Check:
    subject, renew = f"certificate of {target}", "Renew it; nothing has to be restarted."
    try:
        ends = await ends_at(address, tls)
    except OSError as error:  # TimeoutError and ssl.SSLError are such
        found = f"{address} cannot be trusted: {' '.join(str(error).split()) or 'no answer'}."
        return Check(subject, BAD, found, "See TIDEMARK_TLS_ROOTS_FILE, and the certificate of the server.")
    left = ends - datetime.now(UTC)
    found = f"It ends on {ends:%Y-%m-%d}, in {left.days} days."
    return Check(subject, WARNING, found, renew) if left < SOON else Check(subject, GOOD, found, "")


async def _inside(client: Client) -> list[Check]:
    """What the server says of the installation, and by how much our clocks differ; why not, where it does not say."""
    began = datetime.now(UTC)
    try:
        diagnosis = await client.admin.diagnose()
    except errors.Unauthenticated as error:
        return [
            Check("key", BAD, f"The key is not taken: {error}.", "Set TIDEMARK_KEY to a key that is valid.")
        ]
    except errors.Denied as error:
        remedy = "Give a key of role admin that belongs to the whole installation, as bootstrap makes one."
        return [Check("key", UNKNOWN, f"The installation tells nothing to this key: {error}.", remedy)]
    except errors.Error as error:
        remedy = "Where query serves and does not answer, PostgreSQL or Redis is away: start them, and see the log of query."
        return [Check("installation", UNKNOWN, f"Query tells nothing: {error}.", remedy)]
    return [
        Check("key", GOOD, "The key is taken.", ""),
        _clock(began, diagnosis.measured_at),
        *diagnosis.checks,
    ]


def _clock(began: datetime, told: datetime) -> Check:
    """The server's clock must have stood between the call and its answer."""
    now = datetime.now(UTC)
    skew = (told - now if told > now else min(timedelta(), told - began)).total_seconds()
    if abs(skew) < SKEW_SECONDS:
        return Check("clock here", GOOD, "The clock of this machine agrees with that of query.", "")
    found = f"The clock of query is {abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} that of this machine."
    return Check(
        "clock here", WARNING, found, "Let chrony or systemd-timesyncd keep the clocks of both machines."
    )
