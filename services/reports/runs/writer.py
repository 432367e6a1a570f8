"""Writes the files of an edition into a folder and reads them back: a document and its proofs come in, `Filed` goes out to `store`.

It works in threads of `worker`, which stops it by its `News`: whatever is written next ends it.
"""

import hashlib
import io
import threading
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from services.kit.errors import Refused
from services.kit.operation import Cancelled
from services.reports.document import Document
from services.reports.editions.store import Filed
from services.reports.formats.check import Disagrees, check
from services.reports.formats.form import WRITERS, file_name
from tidemark.v1 import edition_pb2 as pb
from tidemark.v1.report_pb2 import ReportFormat, SectionProof

_PDFIUM = threading.Lock()
"""PDFs are read back one at a time, as PDFium wants it (`formats/readback/paper.py`)."""


@dataclass(slots=True)
class News:
    """How far a run is; written by its threads, told by its job."""

    share: float = 0.0
    step: str = "reading"
    stopped: bool = False

    def tell(self, share: float, step: str) -> None:
        """Takes news, and ends the thread that brings them when it is to stop."""
        self.go_on()
        self.share, self.step = share, step

    def go_on(self) -> None:
        """Raises `Cancelled` when the run is to stop."""
        if self.stopped:
            raise Cancelled


class Sink(io.FileIO):
    """A new file, whose writer ends when the run is to stop."""

    def __init__(self, path: Path, news: News) -> None:
        super().__init__(path, "x+b")
        self._news = news

    def write(self, data: object) -> int:
        """Writes, and looks whether to go on."""
        self._news.go_on()
        return super().write(data)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Turn:
    """One edition of a run with several: its share of the news."""

    news: News
    place: int
    count: int

    def tell(self, share: float, step: str) -> None:
        """Takes news of this edition."""
        which = f"edition {self.place + 1} of {self.count}: " if self.count > 1 else ""
        self.news.tell((self.place + share) / self.count, which + step)


def filed(
    form: ReportFormat,
    document: Document,
    proofs: Sequence[SectionProof],
    folder: Path,
    turn: Turn,
    share: float,
) -> Filed:
    """Writes a file and reads it back; raises where it does not say what the proofs say."""
    writer, noun = WRITERS[form], ReportFormat.Name(form).removeprefix("REPORT_FORMAT_").lower()
    path = folder / noun
    with io.BufferedRandom(Sink(path, turn.news)) as file:  # type: ignore[type-var]
        sink = cast("BinaryIO", file)
        turn.tell(share, noun)
        cut = writer.write(document, proofs, sink)
        turn.tell(share, f"checking {noun}")
        sink.seek(0)
        try:
            with _PDFIUM if form == ReportFormat.REPORT_FORMAT_PDF else nullcontext():
                check(form, sink, document, proofs)
        except Disagrees as error:
            raise Refused(
                f"{noun} does not say what is proven, so nothing is kept: {error}", reason="FILE_DISAGREES"
            ) from error
        sink.seek(0)
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    about = pb.EditionFile(
        format=form,
        file_name=file_name(document, form),
        size_bytes=path.stat().st_size,
        sha256=sha256,
        cut_tables=cut,
    )
    return Filed(path, writer.content_type, about)
