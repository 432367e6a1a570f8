"""Whether a dashboard is well formed: a `Dashboard` of a request comes in; raises `Invalid` naming the field, as in
`dashboard.tiles[3].query.series.measures[0].name`. Pure.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from services.kit import resource
from services.kit.errors import Invalid
from services.kit.period import span
from services.query.dashboards.tiles import Choice, asked, own, substitute
from services.query.fields import field
from services.query.filter import NOBODY, People, condition
from services.query.question import read
from tidemark.v1 import dashboard_pb2 as pb
from tidemark.v1.question_pb2 import SOURCE_EVENTS, SOURCE_METRICS

UPDATABLE = (
    "display_name", "description", "tiles", "time_range", "time_zone", "filter", "variables", "refresh"
)  # fmt: skip
MAX_TILES, MAX_VARIABLES, MAX_VALUES = 50, 10, 100
MAX_DESCRIPTION, MAX_TITLE, MAX_TEXT, MAX_UNIT, MAX_VALUE = 1000, 200, 10_000, 50, 10_000
MAX_BYTES = 3_000_000
"""Of a dashboard, and of a list of them: answers stay below the 4 MiB that gRPC clients take by default."""
COLUMNS, MAX_ROW, MAX_HEIGHT = 12, 999, 20
MAX_REFRESH = 3600.0
_TILE_ID, _VARIABLE_ID = re.compile(r"[A-Za-z0-9_-]{1,40}"), re.compile(r"[A-Za-z0-9_]{1,40}")


def check(dashboard: pb.Dashboard, zone: str, now: datetime, people: People = NOBODY) -> None:
    """Checks all of a dashboard of a project in this zone, at the instant `now`."""
    check_form(dashboard, zone, now)
    values = {each.id: list(each.values) for each in dashboard.variables}
    if dashboard.filter.WhichOneof("node"):
        held = pb.Dashboard(filter=dashboard.filter)
        substitute(held, values)
        if held.HasField("filter"):
            condition(held.filter, SOURCE_EVENTS, "dashboard.filter", people)
    joined = asked(dashboard, Choice())
    for place, query in joined.items():
        alone = own(dashboard, dashboard.tiles[place].query)
        substitute(alone, values)
        # First without the filter of the dashboard, so that what is wrong is found where it was written.
        for each in (alone, query):
            read(each, zone, now, f"dashboard.tiles[{place}].query", people)


def check_form(dashboard: pb.Dashboard, zone: str, now: datetime) -> None:
    """Checks everything but what is asked; a draft whose questions are not yet right can be followed."""
    if dashboard.ByteSize() > MAX_BYTES:
        raise Invalid("dashboard", f"has {dashboard.ByteSize()} bytes; give at most {MAX_BYTES}")
    resource.display_name(dashboard.display_name, "dashboard.display_name")
    _text(dashboard.description, MAX_DESCRIPTION, "dashboard.description")
    try:
        own_zone = ZoneInfo(dashboard.time_zone or zone)
    except (KeyError, ValueError, OSError):
        raise Invalid(
            "dashboard.time_zone", f"is {dashboard.time_zone[:100]!r}; give an IANA name, as in Europe/Berlin"
        ) from None
    if dashboard.HasField("time_range"):
        span(dashboard.time_range, own_zone, now, "dashboard.time_range")
    refresh(dashboard)
    _variables(dashboard)
    if len(dashboard.tiles) > MAX_TILES:
        raise Invalid("dashboard.tiles", f"has {len(dashboard.tiles)}; give at most {MAX_TILES}")
    ids: set[str] = set()
    for place, tile in enumerate(dashboard.tiles):
        at = f"dashboard.tiles[{place}]"
        _tile(tile, at)
        if tile.id in ids:
            raise Invalid(f"{at}.id", f"is {tile.id!r} as of another tile; give each its own")
        ids.add(tile.id)


def check_choice(choice: Choice, zone: str, now: datetime, people: People = NOBODY) -> None:
    """Checks what the reader of a dashboard has chosen."""
    if choice.time_range is not None:
        span(choice.time_range, ZoneInfo(zone), now, "time_range")
    for i, values in enumerate(choice.variables.values()):
        _values(values, f"variables[{i}].values")
    if choice.filter is not None:
        held = pb.Dashboard(filter=choice.filter)
        substitute(held, choice.variables)
        if held.HasField("filter"):
            condition(held.filter, SOURCE_EVENTS, "filter", people)


def refresh(dashboard: pb.Dashboard) -> float:
    """Seconds between two updates of a tile; 0 where the dashboard does not say."""
    seconds = dashboard.refresh.seconds + dashboard.refresh.nanos / 1e9
    if not 0 <= seconds <= MAX_REFRESH:
        raise Invalid("dashboard.refresh", f"is {seconds} s; give 0.25 s to an hour")
    return seconds


def _variables(dashboard: pb.Dashboard) -> None:
    at = "dashboard.variables"
    if len(dashboard.variables) > MAX_VARIABLES:
        raise Invalid(at, f"has {len(dashboard.variables)}; give at most {MAX_VARIABLES}")
    ids: set[str] = set()
    for i, variable in enumerate(dashboard.variables):
        if not _VARIABLE_ID.fullmatch(variable.id):
            raise Invalid(f"{at}[{i}].id", f"is {variable.id[:100]!r}; write 1 to 40 letters, digits and '_'")
        if variable.id in ids:
            raise Invalid(f"{at}[{i}].id", f"is {variable.id!r} as of another variable; give each its own")
        ids.add(variable.id)
        resource.display_name(variable.display_name, f"{at}[{i}].display_name")
        if variable.field:
            source = SOURCE_METRICS if variable.field.startswith("tags.") else SOURCE_EVENTS
            field(variable.field, source, f"{at}[{i}].field")
        _values(variable.values, f"{at}[{i}].values")


def _values(values: Sequence[str], at: str) -> None:
    if len(values) > MAX_VALUES:
        raise Invalid(at, f"has {len(values)}; give at most {MAX_VALUES}")
    for i, value in enumerate(values):
        _text(value, MAX_VALUE, f"{at}[{i}]")


def _tile(tile: pb.Tile, at: str) -> None:
    if not _TILE_ID.fullmatch(tile.id):
        raise Invalid(f"{at}.id", f"is {tile.id[:100]!r}; write 1 to 40 letters, digits, '-' and '_'")
    _text(tile.title, MAX_TITLE, f"{at}.title")
    layout = tile.layout
    for name, most in (("x", COLUMNS - 1), ("y", MAX_ROW), ("width", COLUMNS), ("height", MAX_HEIGHT)):
        value = getattr(layout, name)
        if not 0 <= value <= most:
            raise Invalid(f"{at}.layout.{name}", f"is {value}; give 0 to {most}")
    if layout.x + (layout.width or 6) > COLUMNS:
        raise Invalid(
            f"{at}.layout.width",
            f"is {layout.width or 6}, which reaches beyond column {COLUMNS}; make it narrower",
        )
    if tile.WhichOneof("content") is None:
        raise Invalid(f"{at}.query", "is empty, and so is the text; give one of the two")
    _text(tile.text, MAX_TEXT, f"{at}.text")
    _text(tile.display.unit, MAX_UNIT, f"{at}.display.unit")
    if tile.display.kind not in pb.Display.Kind.values():
        raise Invalid(f"{at}.display.kind", f"is {tile.display.kind}; give one of the kinds, as in KIND_LINE")
    if not 0 <= tile.display.decimals <= 10:
        raise Invalid(f"{at}.display.decimals", f"is {tile.display.decimals}; give 0 to 10")


def _text(text: str, most: int, at: str) -> None:
    if len(text) > most or "\0" in text:
        raise Invalid(at, f"has {len(text)} characters; write at most {most} and no NUL")
