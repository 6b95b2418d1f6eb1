"""The report: one HTML file that needs nothing beside it."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

import laudo
from laudo.core.atomic import write_text
from laudo.core.run import Run
from laudo.report.case_picture import PALETTE
from laudo.report.context import gather
from laudo.report.figures.sheet import Shelf
from laudo.report.order import write_sections
from laudo.report.sections.draft import Draft
from laudo.report.thumbnails import Album
from laudo.report.voice import Voice


def write_report(run: Run, language: str) -> Path:
    """Write report.html and figures/*.svg from what the run folder holds.

    A run that failed, was stopped, or lacks files gets its report too: what is missing says why.

    Args:
        run: a run, or the root of a cross-validation.
        language: en, pt or es.

    Returns:
        Path of report.html.

    Raises:
        ValueError: laudo does not speak this language.
        OSError: the run folder can not be written.
    """
    voice = Voice(language)
    evidence = gather(run)
    draft = Draft(evidence, voice, Album(evidence.manifest), Shelf(run.figures, voice))
    write_text(run.report_path, render(draft))
    return run.report_path


def render(draft: Draft) -> str:
    """HTML of the whole report."""
    evidence, voice = draft.evidence, draft.voice
    sections = write_sections(draft)
    template = environment(voice).get_template("report.html.j2")
    return template.render(
        sections=sections,
        titles={section.name: section.title for section in sections},
        voice=voice,
        name=evidence.name,
        recipe=evidence.recipe,
        outlines=evidence.outlines,
        palette=PALETTE,
        quoted=css_text,
        date=voice.date(evidence.environment.get("started")),
        version=evidence.environment.get("laudo") or laudo.__version__,
    )


def css_text(text: str) -> Markup:
    """A text between CSS's quotes: whatever could end the text, the rule or the style element is written by its number."""
    safe = "".join(one if one.isalnum() or one in " -_.,·" else f"\\{ord(one):x} " for one in text)
    return Markup(f'"{safe}"')  # noqa: S704 (no character is left that HTML or CSS would read)


def environment(voice: Voice) -> Environment:
    """Jinja for one language: everything is escaped, and an undefined name is an error."""
    jinja = Environment(
        loader=PackageLoader("laudo.report"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.install_gettext_callables(voice.gettext, voice.ngettext, newstyle=True)  # type: ignore[attr-defined]
    return jinja
