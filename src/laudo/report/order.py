"""The sections of the report in their fixed order. A section that has nothing to show stays, and says why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from laudo.core.messages import N_
from laudo.report.sections import (
    audit,
    cases,
    checklists,
    data,
    decisions,
    explanations,
    external,
    limits,
    mask_cases,
    mask_data,
    mask_results,
    mask_training,
    methods,
    problems,
    reproduce,
    results,
    subgroups,
    summary,
    training,
    unlike,
)
from laudo.report.sections.draft import AbsentError, Draft

Build = Callable[[Draft], dict[str, Any]]


@dataclass(frozen=True)
class Section:
    """A section of the report.

    Attributes:
        name: anchor, and name of its template.
        title: heading, to be translated.
        build: gives what its template shows.
        of_masks: the same where structures are outlined, for the template ``mask-<name>``; None: as everywhere.
    """

    name: str
    title: str
    build: Build
    of_masks: Build | None = None


SECTIONS: tuple[Section, ...] = (
    Section("summary", N_("Summary"), summary.build),
    Section("data", N_("Data"), data.build, mask_data.build),
    Section("audit", N_("Audit"), audit.build),
    Section("training", N_("Training"), training.build, mask_training.build),
    Section("results", N_("Results"), results.build, mask_results.build),
    Section("decisions", N_("Calibration and decisions"), decisions.build),
    Section("subgroups", N_("Subgroups"), subgroups.build),
    Section("external", N_("External validation"), external.build),
    Section("cases", N_("Errors by case"), cases.build, mask_cases.build),
    Section("unlike", N_("Unlike the training images"), unlike.build),
    Section("explanations", N_("Explanations"), explanations.build),
    Section("limits", N_("Limits"), limits.build),
    Section("methods", N_("Methods"), methods.build),
    Section("reproduce", N_("Reproduce"), reproduce.build),
    Section("checklists", N_("Checklists"), checklists.build),
    Section("problems", N_("Problems"), problems.build),
)


@dataclass(frozen=True)
class Written:
    """A section, ready for its template.

    Attributes:
        name: anchor.
        template: name of its template.
        title: heading.
        content: what the template shows; None when the section is missing.
        missing: why it is missing.
    """

    name: str
    template: str
    title: str
    content: dict[str, Any] | None
    missing: str = ""


def write_sections(draft: Draft) -> list[Written]:
    """Write every section. One that can not be written does not take the report with it."""
    return [_write(section, draft) for section in SECTIONS]


def _write(section: Section, draft: Draft) -> Written:
    title = draft.voice.gettext(section.title)
    build, template = section.build, section.name
    if draft.evidence.outlines and section.of_masks is not None:
        build, template = section.of_masks, f"mask-{section.name}"
    try:
        return Written(section.name, template, title, build(draft))
    except AbsentError as reason:
        return Written(section.name, template, title, None, str(reason))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        # A file of the run has another form than this version of laudo writes.
        text = draft.voice.gettext(
            "This section can not be written, for a file of the run does not have the expected form ({error})."
        )
        return Written(section.name, template, title, None, text.format(error=f"{type(error).__name__}: {error}"))
