"""The audit as a page that can be sent to somebody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from laudo.audit.audit import Audit
from laudo.core.atomic import write_text
from laudo.report.audit_page import render_audit
from laudo.report.voice import Voice
from laudo.workflows.inflation import inflation_text


def write_audit_page(audit: Audit, path: Path, language: str, inflation: dict[str, Any] | None = None) -> Path:
    """Write one self-contained HTML file.

    Args:
        audit: what was found.
        path: of the page.
        language: en, pt or es.
        inflation: what :func:`laudo.workflows.inflation.inflation_worth` gave; None when it was not measured.

    Raises:
        ValueError: laudo does not speak this language.
        OSError: the file can not be written.
    """
    voice = Voice(language)
    told = None
    if inflation is not None:
        told = {"worth": inflation, "sentence": inflation_text(inflation, voice.gettext, voice.number)}
    write_text(path, render_audit(audit.as_dict(), audit.manifest, audit.pictures, voice, told))
    return path
