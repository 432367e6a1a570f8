"""A document as one page of HTML that needs nothing else: styles in it, charts as SVG, no script.

Comes in: a `Document` and its proofs. Goes out: text to an open file, section by section. Whatever comes from data is escaped, and the
page allows itself nothing but its own styles. It is light or dark as its reader's device is, and prints. Next: `check` reads its
tables back. Pure.
"""

from collections.abc import Iterator, Sequence
from html import escape
from typing import BinaryIO

from services.reports.document import (
    Chart,
    Document,
    Figure,
    Figures,
    Notice,
    Paragraph,
    Run,
    Section,
    Style,
    Table,
)
from services.reports.formats import prose
from services.reports.formats.chart import draw
from services.reports.formats.drawing.heat import spark
from services.reports.formats.drawing.palette import DARK, LIGHT, of_change, of_mark
from services.reports.formats.drawing.shape import Drawn
from services.reports.formats.svg import svg
from services.reports.formats.typeset.lines import clean
from services.reports.words import Words
from tidemark.v1.report_pb2 import SectionProof

MOST_ROWS = 2_000
"""Rows of a table that are shown."""
CHART_WIDTH = 640.0
LINKS = ("https://", "mailto:")

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
STYLE = """
:root{color-scheme:light dark;%(light)s}
@media (prefers-color-scheme:dark){:root{%(dark)s}}
@media print{:root{%(light)s}body{padding:0;print-color-adjust:exact}h2,h3,h4,h5,h6,figcaption,caption{break-after:avoid;break-inside:avoid}figure,.card,.notice,tr{break-inside:avoid}.scroll{overflow:visible}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:58rem;padding:2rem 1.5rem 4rem;background:var(--surface);color:var(--text);
font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;overflow-wrap:anywhere}
header{border-top:5px solid var(--accent);padding-top:1rem}
header p.project{color:var(--accent);font-weight:600;margin:0}
h1{font-size:2.1rem;line-height:1.2;margin:.3rem 0}
h2{font-size:1.5rem;line-height:1.25;margin:0 0 .6rem}
h2::before{content:"";display:block;width:2rem;height:4px;background:var(--accent);margin-bottom:.5rem}
h3{font-size:1.02rem;margin:1.6rem 0 .4rem}
h4{font-size:1.15rem;margin:1.4rem 0 .4rem}h5{font-size:1.05rem;margin:1.2rem 0 .3rem}h6{font-size:.98rem;margin:1rem 0 .3rem}
section{margin-top:3rem}
a{color:var(--accent)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1.5rem;margin:1rem 0;padding-top:.8rem;border-top:1px solid var(--line);font-size:.9rem}
dt{color:var(--muted)}dd{margin:0}
nav ol{padding:0;margin:.4rem 0;list-style:none;columns:2;column-gap:2rem;font-size:.95rem}
nav li{break-inside:avoid;padding:.12rem 0}
nav a{text-decoration:none}nav a:hover{text-decoration:underline}
p{margin:.6rem 0}ul{margin:.6rem 0;padding-inline-start:1.3rem}li::marker{color:var(--accent)}
.muted,.trust,.cut{color:var(--muted);font-size:.82rem;margin:.6rem 0 0}.trust{margin-top:1.2rem}.trust p{margin:.1rem 0}
.cut{color:var(--warn)}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:.9rem;margin:1.1rem 0}
.card{border:1px solid var(--line);border-radius:.5rem;padding:.8rem 1rem;position:relative;background:var(--surface)}
.card h3{margin:0;font-size:.84rem;font-weight:400;color:var(--muted)}
.card .value{font-size:1.65rem;font-weight:700;line-height:1.3;margin:.15rem 0}
.card.trend h3{padding-inline-end:5rem}
.card .change{margin:0;font-size:.86rem;color:var(--muted)}
.card .change b{margin-inline-end:.45rem}
.card svg{position:absolute;inset-inline-end:1rem;top:.7rem;width:4.2rem;height:1.3rem}
.good{color:var(--good)}.bad{color:var(--bad)}
.notice{border-inline-start:4px solid var(--mark);border-radius:.35rem;background:var(--sunken);padding:.7rem 1rem;margin:.8rem 0}
.notice h3{margin:0;display:flex;gap:1rem;justify-content:space-between;align-items:baseline}
.notice .mark{font-size:.75rem;font-weight:700;color:var(--mark);background:var(--soft);border-radius:1rem;padding:.05rem .6rem;white-space:nowrap}
.notice p{margin:.3rem 0}
.accent{--mark:var(--accent);--soft:var(--accent-soft)}.ok{--mark:var(--good);--soft:var(--good-soft)}
.warn{--mark:var(--warn);--soft:var(--warn-soft)}.alarm{--mark:var(--bad);--soft:var(--bad-soft)}
figure{margin:1.4rem 0}figcaption{font-weight:600;font-size:1.02rem;margin-bottom:.4rem}
figure svg{display:block;width:100%%;height:auto;overflow:visible}
.scroll{overflow-x:auto;margin:1.2rem 0 .3rem}
table{border-collapse:collapse;width:100%%;font-size:.86rem;font-variant-numeric:tabular-nums}
caption{text-align:start;font-weight:600;font-size:1.02rem;padding-bottom:.4rem}
th,td{padding:.28rem .6rem;text-align:left;vertical-align:top}
thead th{color:var(--muted);border-bottom:1px solid var(--axis);vertical-align:bottom;white-space:normal}
tbody tr:nth-child(even){background:var(--sunken)}
tbody tr:last-child td{border-bottom:1px solid var(--line)}
[dir=rtl] th,[dir=rtl] td{text-align:right}
.n{text-align:right;white-space:nowrap}[dir=rtl] .n{text-align:left}.t{white-space:nowrap}
.hash{font:.76rem/1.4 ui-monospace,monospace}
.axis{fill:var(--axis);stroke:var(--axis)}.line{fill:var(--line);stroke:var(--line)}
footer{margin-top:3rem;padding-top:.8rem;border-top:1px solid var(--line);color:var(--muted);font-size:.82rem}
"""
TONES = {"accent": "accent", "good": "ok", "warn": "warn", "bad": "alarm"}


def write(
    document: Document, proofs: Sequence[SectionProof], sink: BinaryIO, rows: int = MOST_ROWS
) -> dict[str, int]:
    """Writes the page with so many rows of a table at most; gives the rows held of tables that were cut."""
    page = _Page(document, rows)
    for part in page.parts(proofs):
        sink.write(part.encode("utf-8", "replace"))
    return page.held


def style() -> str:
    """The styles of the page."""

    def colours(palette: dict[str, str]) -> str:
        return ";".join(f"--{name}:{colour}" for name, colour in palette.items())

    return STYLE % {"light": colours(LIGHT), "dark": colours(DARK)}


class _Page:
    def __init__(self, document: Document, rows: int) -> None:
        self.document = document
        self.rows = rows
        self.words = Words(document.locale, document.time_zone)
        self.held: dict[str, int] = {}

    def parts(self, proofs: Sequence[SectionProof]) -> Iterator[str]:
        """The page, part by part."""
        document = self.document
        direction = ' dir="rtl"' if self.words.right_to_left else ""
        yield (
            f'<!DOCTYPE html>\n<html lang="{_said(document.locale or "en")}"{direction}>\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="referrer" content="no-referrer">\n<meta name="generator" content="Tidemark">\n'
            f"<title>{_said(document.title)}</title>\n<style>{style()}</style>\n</head>\n<body>\n"
        )
        yield from self._head()
        yield "<main>\n"
        for place, section in enumerate(document.sections, 1):
            yield from self._section(place, section)
        yield from self._proof(proofs)
        yield "</main>\n"
        yield f"<footer>{_said(self.words.span(document.span))} · {_said(document.time_zone)} · made {_said(self.words.instant(document.made_at))}</footer>\n"
        yield "</body>\n</html>\n"

    def _head(self) -> Iterator[str]:
        document = self.document
        yield f'<header>\n<p class="project" dir="auto">{_said(document.project)}</p>\n<h1 dir="auto">{_said(document.title)}</h1>\n'
        if document.description:
            yield f'<p dir="auto">{_said(document.description)}</p>\n'
        facts = "".join(
            f"<dt>{_said(name)}</dt><dd>{_said(text)}</dd>"
            for name, text in prose.facts(document, self.words)
        )
        yield f"<dl>{facts}</dl>\n"
        yield from (f'<p class="muted">{_said(note)}</p>\n' for note in document.notes)
        yield "</header>\n"
        if len(document.sections) > 1:
            yield '<nav aria-label="Contents"><ol>\n'
            for place, section in enumerate(document.sections, 1):
                yield f'<li><a href="#section-{place}">{_said(section.title or section.section_id)}</a></li>\n'
            yield '<li><a href="#proof">Proof</a></li>\n</ol></nav>\n'

    def _section(self, place: int, section: Section) -> Iterator[str]:
        title = section.title or section.section_id
        yield f'<section id="section-{place}">\n<h2 dir="auto">{_said(title)}</h2>\n'
        titles, listed = {title}, False
        for block in section.blocks:
            item = isinstance(block, Paragraph) and block.item
            if item != listed:
                yield "<ul>\n" if item else "</ul>\n"
                listed = item
            yield from self._block(block, titles)
        if listed:
            yield "</ul>\n"
        told = [prose.trust(section.trust, self.words), *section.trust.notes]
        if any(told):
            yield f'<div class="trust">{"".join(f"<p>{_said(text)}</p>" for text in told if text)}</div>\n'
        yield "</section>\n"

    def _block(self, block: object, titles: set[str]) -> Iterator[str]:
        """One block; a title that was just said is not said again."""
        match block:
            case Paragraph():
                yield _paragraph(block)
            case Notice():
                yield from self._notice(block)
            case Figures():
                yield f'<div class="cards">\n{"".join(map(self._card, block.figures))}</div>\n'
            case Chart():
                caption = "" if block.title in titles else f"<figcaption>{_said(block.title)}</figcaption>"
                titles.add(block.title)
                drawn = draw(block, CHART_WIDTH, self.words)
                yield f"<figure>{caption}{svg(drawn, block.chart_id, block.title, block.summary)}</figure>\n"
            case Table() if block.shown:
                yield from self._table(block, "" if block.title in titles else block.title)
            case _:
                pass

    def _notice(self, notice: Notice) -> Iterator[str]:
        mark = f'<span class="mark">{_said(notice.mark)}</span>' if notice.mark else ""
        yield f'<div class="notice {TONES[of_mark(notice.mark)]}"><h3><span dir="auto">{_said(notice.title)}</span>{mark}</h3>\n'
        for paragraph in notice.paragraphs:
            said = _paragraph(paragraph)
            yield f"<ul>{said}</ul>\n" if paragraph.item else said
        yield "</div>\n"

    def _card(self, figure: Figure) -> str:
        shapes = spark(figure.trend, 52, 22)
        trend = svg(Drawn(52, 22, tuple(shapes))) if shapes else ""
        change, ink = self.words.change(figure), of_change(figure)
        told = ""
        if change:
            arrow = "" if ink == "muted" else "▲ " if (figure.value or 0) > (figure.before or 0) else "▼ "
            told = f'<b class="{ink}">{arrow}{_said(change)}</b>'
        if figure.compared:
            told += f"before: {_said(self.words.value(figure.before, figure.form))}"
        return (
            f'<div class="card{" trend" if shapes else ""}"><h3 dir="auto">{_said(figure.title)}</h3>'
            f'<p class="value">{_said(self.words.value(figure.value, figure.form))}</p>'
            + (f'<p class="change">{told}</p>' if told else "")
            + f"{trend}</div>\n"
        )

    def _table(self, table: Table, title: str) -> Iterator[str]:
        caption = f'<caption dir="auto">{_said(title)}</caption>' if title else ""
        kinds = [
            _kind(column.form.kind in prose.NUMBERS, column.form.kind in prose.TIMES)
            for column in table.columns
        ]
        heads = "".join(
            f'<th scope="col"{kind}>{_said(column.title)}</th>' for column, kind in zip(table.columns, kinds)
        )
        yield f'<div class="scroll"><table id="table-{_said(table.table_id)}">{caption}<thead><tr>{heads}</tr></thead><tbody>\n'
        room = self.rows
        for batch in table.rows.batches():
            columns = [
                [
                    f"<td{kind}>{_said(self.words.value(value, column.form))}</td>"
                    for value in values.to_pylist()
                ]
                for column, kind, values in zip(table.columns, kinds, batch.slice(0, room).columns)
            ]
            yield from (f"<tr>{''.join(row)}</tr>\n" for row in zip(*columns))
            room -= min(room, batch.num_rows)
            if not room:
                break
        yield "</tbody></table></div>\n"
        if table.rows.count > self.rows:
            self.held[table.table_id] = self.rows
            yield f'<p class="cut">{_said(prose.cut(table, self.rows, self.words))}</p>\n'
        elif not table.rows.count:
            yield '<p class="muted">No rows.</p>\n'

    def _proof(self, proofs: Sequence[SectionProof]) -> Iterator[str]:
        yield f'<section id="proof">\n<h2>Proof</h2>\n<p class="muted">{_said(prose.PROOF)}</p>\n'
        told = prose.proven(self.document, proofs)
        if told:
            heads = '<th scope="col">Table</th><th scope="col" class="n">Rows</th><th scope="col">Sums</th><th scope="col">SHA-256</th>'
            yield f'<div class="scroll"><table id="proof-tables"><thead><tr>{heads}</tr></thead><tbody>\n'
            for _, table, counted in told:
                yield (
                    f'<tr><th scope="row">{_said(table.table_id)}</th><td class="n">{counted.row_count}</td>'
                    f'<td>{_said(prose.sums(table, counted))}</td><td class="hash">{_said(counted.sha256)}</td></tr>\n'
                )
            yield "</tbody></table></div>\n"
        sections = [proof for proof in proofs if proof.data_version]
        if sections:
            heads = "".join(
                f'<th scope="col">{head}</th>'
                for head in ("Section", "Data version", "Complete up to", "Completeness")
            )
            yield f'<div class="scroll"><table id="proof-data"><thead><tr>{heads}</tr></thead><tbody>\n'
            for proof in sections:
                share = self.words.value(proof.completeness, prose.SHARE)
                yield (
                    f'<tr><th scope="row">{_said(proof.section_id)}</th><td>{_said(proof.data_version)}</td>'
                    f"<td>{_said(prose.until(proof, self.words))}</td><td>{_said(share)}</td></tr>\n"
                )
            yield "</tbody></table></div>\n"
        yield "</section>\n"


def _kind(number: bool, time: bool) -> str:
    return ' class="n"' if number else ' class="t"' if time else ' dir="auto"'


def _paragraph(paragraph: Paragraph) -> str:
    said = "".join(map(_run, paragraph.runs))
    if paragraph.item:
        return f'<li dir="auto">{said}</li>\n'
    name = f"h{min(paragraph.level, 3) + 3}" if paragraph.level else "p"
    return f'<{name} dir="auto">{said}</{name}>\n'


def _run(run: Run) -> str:
    said = _said(run.text).replace("\n", "<br>")
    if Style.BOLD in run.style:
        said = f"<strong>{said}</strong>"
    if Style.ITALIC in run.style:
        said = f"<em>{said}</em>"
    if run.link.casefold().startswith(LINKS):
        said = f'<a href="{_said(run.link)}" rel="noopener noreferrer">{said}</a>'
    return said


def _said(text: str) -> str:
    """A text as it may stand anywhere in the page."""
    return escape(clean(text))
