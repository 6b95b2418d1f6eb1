"""Report and model card of a run, written even when the run fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from laudo.core.disk import disk_told, is_full
from laudo.core.run import Run
from laudo.report.checklist.files import write_checklists
from laudo.report.model_card import write_model_card
from laudo.report.page import write_report
from laudo.report.pdf import need_pdf, write_pdf
from laudo.report.references import write_references


def write_reports(run: Run, language: str) -> Path:
    """Write report.html, MODEL_CARD.md, references.bib and the checklists from what the run folder holds."""
    write_model_card(run, language)
    write_references(run, language)
    write_checklists(run, language)
    return write_report(run, language)


def write_pdf_report(run: Run, language: str) -> Path:
    """Write the same, and report.pdf from report.html.

    Raises:
        LaudoError: what makes the PDF is not installed; the other files are written.
    """
    page = write_reports(run, language)
    need_pdf()
    return write_pdf(page)


@contextmanager
def report_even_if_failed(run: Run, language: str) -> Iterator[None]:
    """Within the block, an error is written down and reported before it goes on its way.

    Raises:
        DiskFullError: the disk is full; there may have been no room for saying so in the folder either.
    """
    try:
        with disk_told(run.folder):
            yield
    except KeyboardInterrupt:
        run.set_state("stopped", reason="interrupted")
        raise
    except Exception as error:
        try:
            run.fail(error)
            write_reports(run, language)
        except Exception as second:
            if not (is_full(error) or is_full(second)):
                raise
        raise
