"""Documents printed with the fonts of the local stack, and pages looked at by PDFium."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np
import pypdfium2
import pytest

from deploy.local import fonts as provided
from deploy.local.accounts import cache_folder, server_account
from services.reports.document import Document
from services.reports.formats import html, pdf
from services.reports.formats.typeset import fonts, source
from services.reports.proof import prove

Rectangle = tuple[float, float, float, float]
"""Left, bottom, right and top, in points from the left lower corner."""


@cache
def install() -> None:
    """Makes the fonts of the local stack those of this process; skips where they cannot be had."""
    folder = provided.provide(cache_folder(server_account()))
    if source.install(str(folder or "")) < 100:
        pytest.skip("no fonts of the world's scripts: `python -m deploy.local provision` says why")


def face_setting() -> fonts.Setting:
    """The fonts, as a document uses them."""
    install()
    return fonts.Setting(fonts.installed())


def printed(document: Document) -> bytes:
    """The PDF."""
    install()
    sink = io.BytesIO()
    pdf.write(document, prove(document), sink)
    return sink.getvalue()


def shown(document: Document) -> str:
    """The page of HTML."""
    sink = io.BytesIO()
    html.write(document, prove(document), sink)
    return sink.getvalue().decode()


@contextmanager
def opened(content: bytes) -> Iterator[pypdfium2.PdfDocument]:
    """A PDF, as readers see it."""
    found = pypdfium2.PdfDocument(content)
    try:
        yield found
    finally:
        found.close()


def texts(content: bytes) -> list[str]:
    """What stands on each page."""
    with opened(content) as found:
        return [page.get_textpage().get_text_range() for page in found]


def ink(page: pypdfium2.PdfPage) -> float:
    """The share of a page that is not white."""
    picture = np.asarray(page.render(scale=0.6, grayscale=True).to_numpy())
    return float((picture < 240).mean())


def rectangles(page: pypdfium2.PdfPage) -> list[Rectangle]:
    """Where pieces of text stand on a page."""
    text = page.get_textpage()
    return [text.get_rect(number) for number in range(text.count_rects())]
