"""The key figures of a document as people are told them by mail and chat: a `Document` comes in, what its manifest says of them goes out.

`editions` puts them into the manifest, from which `delivery` tells them, and pages show them in lists. Pure.
"""

from itertools import islice

from services.reports.document import Document, Figures
from services.reports.words import Words
from tidemark.v1.edition_pb2 import EditionFigure

MAX_FIGURES = 24


def figures(document: Document, words: Words) -> list[EditionFigure]:
    """The first of them, in the order of the document."""
    found = (
        EditionFigure(
            id=figure.figure_id,
            title=figure.title,
            value=words.value(figure.value, figure.form),
            change=words.change(figure),
        )
        for section in document.sections
        for block in section.blocks
        if isinstance(block, Figures)
        for figure in block.figures
    )
    return list(islice(found, MAX_FIGURES))
