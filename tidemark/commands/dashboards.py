"""`tidemark dashboards`: saved pages in and out of files, and what stands on them."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from tidemark.client import Client
from tidemark.commands.ask import written
from tidemark.dashboards import Dashboard, parsed
from tidemark.terminal.console import Console
from tidemark.terminal.table import table

_GRID = 12


async def dashboards(client: Client, arguments: Namespace, console: Console) -> int:
    """Lists, shows, exports, imports, deletes or clones dashboards."""
    saved = client.dashboards
    match arguments.dashboards:
        case "list":
            _show([_row(each) async for each in saved.all()], arguments, console)
        case "show":
            found = await saved.get(arguments.dashboard)
            if arguments.format == "table":
                console.say(found.display_name or found.name, *filter(None, [found.description]), "")
            _show(_tiles(found), arguments, console)
        case "export":
            text = (await saved.get(arguments.dashboard)).to_json()
            if arguments.output:
                _write(arguments.output, text)
            else:
                console.say(text)
        case "import":
            _say(await _imported(client, arguments), console)
        case "delete":
            await saved.delete(arguments.dashboard)
        case "clone":
            _say(
                await saved.clone(
                    arguments.dashboard, display_name=arguments.title, dashboard_id=arguments.id
                ),
                console,
            )
    return 0


async def _imported(client: Client, arguments: Namespace) -> Dashboard:
    """The dashboard of a file, made anew or put in the place of one that is there."""
    message = parsed(_read(arguments.file))
    if not arguments.replace:
        return await client.dashboards.create(message, dashboard_id=arguments.id)
    message.name = arguments.id or Path(arguments.file).stem
    message.etag = ""
    return await client.dashboards.update(message, ["*"])


def _read(file: str) -> str:
    return Path(file).read_text(encoding="utf-8")


def _write(file: str, text: str) -> None:
    Path(file).write_text(f"{text}\n", encoding="utf-8")


def _say(dashboard: Dashboard, console: Console) -> None:
    console.say(f"{dashboard.name}: {len(dashboard.message.tiles)} tiles")


def _row(dashboard: Dashboard) -> dict[str, Any]:
    changed = dashboard.update_time
    return {
        "id": dashboard.name.rpartition("/")[2],
        "title": dashboard.display_name,
        "built in": dashboard.built_in,
        "changed": changed.isoformat(" ", "minutes") if changed else "",
    }


def _tiles(dashboard: Dashboard) -> list[dict[str, Any]]:
    """A row for each tile, as they stand from top to bottom."""
    placed = sorted(dashboard.message.tiles, key=lambda tile: (tile.layout.y, tile.layout.x))
    return [
        {
            "tile": tile.id,
            "shows": tile.query.WhichOneof("question") or "text",
            "title": tile.title or tile.text.partition("\n")[0],
            "columns": f"{tile.layout.x + 1}-{min(_GRID, tile.layout.x + (tile.layout.width or 6))}",
            "rows": f"{tile.layout.y + 1}-{tile.layout.y + (tile.layout.height or 4)}",
        }
        for tile in placed
    ]


def _show(rows: list[dict[str, Any]], arguments: Namespace, console: Console) -> None:
    if arguments.format != "table":
        console.say(*written(rows, arguments.format))
    elif not rows:
        console.say("none")
    else:
        console.say(*table(list(rows[0]), [list(row.values()) for row in rows], console.width))
