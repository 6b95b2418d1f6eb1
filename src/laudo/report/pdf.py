"""report.pdf: the page as paper, through WeasyPrint, without any network."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import ImageFile

from laudo.core.atomic import write_bytes
from laudo.core.errors import LaudoError
from laudo.core.messages import _

INSTALL = "pip install 'laudo[pdf]'"
INSTALL_PANGO = "apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
"""What Debian and Ubuntu call the libraries that WeasyPrint draws letters with."""

ALLOWED = ("data",)
"""Kinds of address that may be opened while a page is drawn: what stands in the page itself."""


def need_pdf() -> Any:
    """The module ``weasyprint``.

    Raises:
        LaudoError: it, or a library of the system that it needs, is missing; says what to install.
    """
    instead = _("The browser's own print of report.html gives the same pages.")
    try:
        with _pillow_as_it_was():
            import weasyprint
    except ImportError as error:
        raise LaudoError(
            _("PDF files need the package weasyprint, which is not installed."),
            found=str(error),
            cure=f"{INSTALL}  {instead}",
        ) from error
    except OSError as error:  # the package is there, but pango is not
        raise LaudoError(
            _("PDF files need the library pango, which this system does not have."),
            found=str(error).strip().splitlines()[0],
            cure=f"{INSTALL_PANGO}  {instead}",
        ) from error
    return weasyprint


def write_pdf(page: Path) -> Path:
    """Write the PDF of a page beside it: A4, page numbers, links, text that can be selected, figures as vectors.

    Args:
        page: an HTML file that needs nothing beside it.

    Returns:
        Its path with the ending .pdf.

    Raises:
        LaudoError: what makes the PDF is not installed.
    """
    path = page.with_suffix(".pdf")
    write_bytes(path, pdf_of(page.read_text(encoding="utf-8")))
    return path


def pdf_of(html: str) -> bytes:
    """PDF of a page; whatever it refers to outside itself is not opened, and is missing from the PDF."""
    weasyprint = need_pdf()
    from weasyprint.urls import URLFetcher

    with _quiet(), _pillow_as_it_was():
        document = weasyprint.HTML(string=html, url_fetcher=URLFetcher(allowed_protocols=ALLOWED))
        return bytes(document.write_pdf(optimize_images=False, presentational_hints=False))


@contextmanager
def _pillow_as_it_was() -> Iterator[None]:
    """WeasyPrint tells Pillow, for the whole process, to take images that are cut short for whole ones: readers must not."""
    before = ImageFile.LOAD_TRUNCATED_IMAGES
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


@contextmanager
def _quiet() -> Iterator[None]:
    """Browsers' properties that WeasyPrint does not know are no news for the user."""
    logger = logging.getLogger("weasyprint")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
