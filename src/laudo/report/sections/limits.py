"""Limits: what was not done, and what the figures do not show."""

from __future__ import annotations

from typing import Any

from laudo.report.limits import limits
from laudo.report.sections.draft import Draft


def build(draft: Draft) -> dict[str, Any]:
    """Give the sentences of :mod:`laudo.report.limits`."""
    return {"sentences": limits(draft.evidence, draft.voice)}
