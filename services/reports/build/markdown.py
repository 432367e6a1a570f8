"""The marks of texts: `**bold**`, `*italic*`, `# heading`, `- item` and `[link](https://…)`. A text comes in, paragraphs go out.

They are read as the texts of dashboards are; nothing in a text is ever markup of a format.
"""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from services.reports.document import Paragraph, Run, Style

_HEADING = re.compile(r"(#{1,3}) +(.*)")
_ITEM = re.compile(r" *[-*] +(.*)")
_MARKS = re.compile(r"\*\*([^*]+)\*\*|\*([^*\s](?:[^*]*[^*\s])?)\*|\[([^\[\]]+)\]\(([^()\s]+)\)")
"""No part of it runs beyond where another could begin, so that reading takes as long as the text is."""
_SCHEMES = ("https", "http", "mailto")


def paragraphs(text: str) -> list[Paragraph]:
    """The paragraphs of a text."""
    return list(_paragraphs(text))


def _paragraphs(text: str) -> Iterator[Paragraph]:
    lines: list[str] = []
    for line in [*text.splitlines(), ""]:
        heading, item = _HEADING.fullmatch(line), _ITEM.fullmatch(line)
        if not (heading or item) and line.strip():
            lines.append(line.strip())
            continue
        if lines:
            yield Paragraph(tuple(_runs("\n".join(lines))))
            lines = []
        if heading:
            yield Paragraph(tuple(_runs(heading[2])), level=len(heading[1]))
        elif item:
            yield Paragraph(tuple(_runs(item[1])), item=True)


def _runs(text: str, style: Style = Style.PLAIN) -> Iterator[Run]:
    place = 0
    for found in _MARKS.finditer(text):
        if found.start() > place:
            yield Run(text[place : found.start()], style)
        bold, italic, title, target = found.groups()
        if bold is not None:
            yield from _runs(bold, style | Style.BOLD)
        elif italic is not None:
            yield from _runs(italic, style | Style.ITALIC)
        elif _allowed(target):
            yield Run(title, style, target)
        else:
            yield Run(found[0], style)
        place = found.end()
    if place < len(text):
        yield Run(text[place:], style)


def _allowed(target: str) -> bool:
    """Whether a link may be followed; else the text stays as it was written."""
    try:
        parts = urlsplit(target)
    except ValueError:
        return False
    return parts.scheme in _SCHEMES and bool(parts.netloc or parts.scheme == "mailto")
