"""Methods: a paragraph for a paper, with its citations."""

from __future__ import annotations

from typing import Any

from laudo.report.citations import BIBTEX, used
from laudo.report.methods import methods_text
from laudo.report.sanity import pooled_sanity
from laudo.report.sections.draft import AbsentError, Draft


def build(draft: Draft) -> dict[str, Any]:
    """Text and BibTeX, both free to copy."""
    evidence = draft.evidence
    if evidence.recipe is None:
        raise AbsentError(draft.voice.gettext("The run has no recipe that can be read, so what was done is not known."))
    keys = used(evidence.recipe, bool(evidence.explained), pooled_sanity(evidence) is not None, evidence.methods_shown)
    return {"paragraphs": methods_text(evidence, draft.voice), "bibtex": "\n\n".join(BIBTEX[key] for key in keys)}
