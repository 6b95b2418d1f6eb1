"""Methods: a paragraph for a paper, with its citations."""

from __future__ import annotations

from typing import Any

from laudo.report.citations import cited
from laudo.report.methods import methods_text
from laudo.report.references import as_download, bibtex, references, with_links
from laudo.report.sections.draft import AbsentError, Draft


def build(draft: Draft) -> dict[str, Any]:
    """Text, references and BibTeX, all free to copy."""
    evidence = draft.evidence
    if evidence.recipe is None:
        raise AbsentError(draft.voice.gettext("The run has no recipe that can be read, so what was done is not known."))
    paragraphs = methods_text(evidence, draft.voice)
    keys = cited(paragraphs)
    return {
        "paragraphs": [with_links(text) for text in paragraphs],
        "references": references(keys),
        "bibtex": bibtex(keys).rstrip(),
        "download": as_download(bibtex(keys), "application/x-bibtex"),
    }
