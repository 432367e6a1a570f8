"""Actions that take apart what browsers send: their identification, and addresses of the web. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from urllib.parse import parse_qsl, urlsplit

import ua_parser

from services.ingest.rules.path import Fault, Json, parent, readable
from services.ingest.rules.table import Table, shown
from tidemark.v1.rule_pb2 import ParseUrl, ParseUserAgent

MAX_USER_AGENT = 500
"""Characters; none of a browser is as long, and each takes time."""
MAX_URL = 8192
MAX_PARAMETERS = 1000
_REMEMBERED = 10_000
"""User agents whose parts are kept: they are few, and taking one apart takes long."""
_CAMPAIGN = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
_BOT = re.compile(
    r"bot\b|bots\b|crawl|spider|slurp|headless|scrap|monitor|\bcurl/|\bwget/|python|\bjava/|go-http-client",
    re.IGNORECASE,
)

Action = Callable[[Table, Sequence[int]], None]
Parts = Mapping[str, Json]


def parse_user_agent(message: ParseUserAgent, at: str, _: bytes) -> Action:
    """Takes a browser's identification apart."""
    _resolver()  # Made when rules are compiled, so that no batch waits for it.
    return _parse(message.field or "context.user_agent", message.to or "context", at, _browser)


def parse_url(message: ParseUrl, at: str, _: bytes) -> Action:
    """Takes an address of the web apart."""
    return _parse(message.field or "properties.url", message.to or "properties", at, _address)


def _parse(field: str, to: str, at: str, parts_of: Callable[[str], Parts]) -> Action:
    source, below = readable(field, f"{at}.field"), parent(to, f"{at}.to")
    targets = {key: below.below(key) for key in _PARTS}

    def parse(table: Table, rows: Sequence[int]) -> None:
        known: dict[str, Parts] = {}
        for row, value in zip(rows, table.values(source, rows)):
            if value is None:
                continue
            try:
                if type(value) is not str:
                    raise Fault(source.text, f"is {shown(value)}; only a text can be taken apart")
                parts = known.get(value)
                if parts is None:
                    try:
                        parts = known[value] = parts_of(value)
                    except ValueError as error:
                        raise Fault(
                            source.text, f"is {shown(value)}, which cannot be taken apart: {error}"
                        ) from error
                table.put_all(row, below.column, ((targets[key], part) for key, part in parts.items()))
            except Fault as fault:
                table.failed[row] = fault

    return parse


_PARTS = (
    "browser",
    "browser_version",
    "os",
    "os_version",
    "device",
    "bot",
    "host",
    "path",
    "query",
    *_CAMPAIGN,
)


@cache
def _resolver() -> Callable[..., ua_parser.PartialResult]:
    return ua_parser.BestAvailableResolver(ua_parser.load_lazy_builtins())


@lru_cache(_REMEMBERED)
def _browser(text: str) -> Parts:
    """The parts of a user agent that are known; raises `ValueError`."""
    if len(text) > MAX_USER_AGENT:
        raise ValueError(f"it has {len(text)} characters, more than {MAX_USER_AGENT}")
    found = _resolver()(text, ua_parser.Domain.ALL).complete()
    browser, system, device = found.user_agent, found.os, found.device
    parts: dict[str, Json] = {}
    if browser is not None:
        parts["browser"] = browser.family
        parts["browser_version"] = _version(browser.major, browser.minor, browser.patch)
    if system is not None:
        parts["os"] = system.family
        parts["os_version"] = _version(system.major, system.minor, system.patch)
    if device is not None:
        parts["device"] = device.family
    known = {key: part for key, part in parts.items() if part}
    return known | {"bot": bool((device is not None and device.brand == "Spider") or _BOT.search(text))}


def _version(*numbers: str | None) -> str:
    return ".".join(number for number in numbers if number)


def _address(text: str) -> Parts:
    """The parts that an address has; raises `ValueError`."""
    if len(text) > MAX_URL:
        raise ValueError(f"it has {len(text)} characters, more than {MAX_URL}")
    split = urlsplit(text)
    parts: dict[str, Json] = {"host": split.hostname, "path": split.path, "query": split.query}
    for key, value in parse_qsl(split.query, max_num_fields=MAX_PARAMETERS):
        if key in _CAMPAIGN:
            parts.setdefault(key, value)
    return {key: part for key, part in parts.items() if part}
