"""`python -m services <target>`: the table of targets, and the commands that prepare a database for them."""

# ruff: noqa: T201  (what is printed is the command's answer)

import asyncio
import importlib
import logging
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from services.kit import log
from services.kit.errors import BadSetting
from services.kit.migrate import await_migrated, migrate
from services.kit.server import Builder, serve
from services.kit.settings import Settings, misspelt

TARGETS: dict[str, list[tuple[str, str]]] = {
    "ingest": [("services.ingest.service", "ingest")],
    "writer": [("services.ingest.service", "writer")],
    "query": [("services.query.service", "query"), ("services.admin.service", "admin")],
    "gateway": [("services.gateway.service", "gateway")],
    "mirror": [("services.query.service", "mirror")],
    "insights": [("services.insights.service", "insights")],
    "reports": [("services.reports.service", "reports")],
}
"""A process is a target: the builders whose services it runs. Only what a target needs is imported."""


async def run_target(target: str, settings: Settings) -> None:
    """Serves until told to stop."""
    await serve(target, [_load(module, name) for module, name in TARGETS[target]], settings)


async def run_migrate(settings: Settings) -> None:
    """Brings the database to the form that this code expects."""
    await migrate(settings.database_url, settings.partitions, say=print)


async def run_wait(settings: Settings) -> None:
    """Ends once somebody else has migrated the database: for pods that begin beside the job that does."""
    await await_migrated(settings.database_url, say=print)


async def run_bootstrap(settings: Settings) -> None:
    """Makes the first keys and prints them, once."""
    from services.admin.service import bootstrap

    made = await bootstrap(settings)
    for name, secret in made.items():
        print(f"{name}={secret}")
    if not made:
        print(
            "there are keys already, so none were made; make more with AdminService.CreateKey",
            file=sys.stderr,
        )


async def run_rotate(settings: Settings) -> None:
    """Seals by TIDEMARK_WEBHOOK_KEY what was sealed by the key before, and prints by which secret each webhook is signed from now on."""
    from services.insights.service import webhooks as of_channels
    from services.kit.signature import shown
    from services.reports.service import webhooks as of_destinations

    for name, secret in {**await of_channels(settings), **await of_destinations(settings)}.items():
        print(f"{name} {shown(secret)}")


async def run_targets(_: Settings) -> None:
    """Prints the targets, one a line."""
    print("\n".join(TARGETS))


COMMANDS: dict[str, Callable[[Settings], Coroutine[Any, Any, None]]] = {
    "migrate": run_migrate,
    "wait": run_wait,
    "bootstrap": run_bootstrap,
    "rotate": run_rotate,
    "targets": run_targets,
}


def main(arguments: list[str]) -> int:
    """Runs what the only argument names; gives the exit code."""
    if len(arguments) != 1 or arguments[0] not in (*TARGETS, *COMMANDS):
        print(f"usage: python -m services {' | '.join((*TARGETS, *COMMANDS))}", file=sys.stderr)
        return 2
    name = arguments[0]
    try:
        settings = Settings.read(os.environ)
        log.start(name, settings.log_level)
        for sentence in misspelt(os.environ) if name in TARGETS else ():
            logging.getLogger(__name__).warning(sentence)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(COMMANDS[name](settings) if name in COMMANDS else run_target(name, settings))
    except BadSetting as error:
        print(error, file=sys.stderr)
        return 1
    except Exception:
        logging.getLogger(__name__).exception("%s has failed", name)
        return 1
    return 0


class _NoPandas:
    """Hides pandas, which the image does not have: where clients have it installed, pyarrow would load it with the first array that it makes,
    63 MB in a second of CPU, and no caller is answered meanwhile."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        """Leaves the search to others; raises where they might find it."""
        if name == "pandas":
            raise ModuleNotFoundError(f"servers have no {name}", name=name)


def _load(module: str, name: str) -> Builder:
    builder: Builder = getattr(importlib.import_module(module), name)
    return builder


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # Not on every platform; the standard loop does the same, slower.
        return None
    return uvloop.new_event_loop


if __name__ == "__main__":
    sys.meta_path.insert(0, _NoPandas())
    sys.exit(main(sys.argv[1:]))
