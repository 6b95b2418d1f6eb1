"""checklist.md and checklist.csv: the filled checklists as files that an author can go on with."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from laudo.core.atomic import write_text
from laudo.core.run import Run
from laudo.report.checklist.answer import STATES
from laudo.report.checklist.table import Filled, fill
from laudo.report.context import gather
from laudo.report.model_card import plain
from laudo.report.order import SECTIONS
from laudo.report.voice import Voice


def write_checklists(run: Run, language: str) -> Path:
    """Write checklist.md and, a line an item, checklist.csv.

    Returns:
        Path of checklist.md.

    Raises:
        ValueError: laudo does not speak this language.
        OSError: the run folder can not be written.
    """
    voice = Voice(language)
    evidence = gather(run)
    filled = fill(evidence, voice)
    path = run.folder / "checklist.md"
    write_text(path, markdown(filled, evidence.name, voice))
    write_text(path.with_suffix(".csv"), table(filled, voice))
    return path


def markdown(filled: list[Filled], name: str, voice: Voice) -> str:
    """All checklists as Markdown tables."""
    _ = voice.gettext
    blocks = [
        f"# {_('Checklists')}: {plain(name)}",
        _("Filled by laudo from the files of the run; the rest is for the author."),
    ]
    for one in filled:
        head = f"| {_('Item')} | {_('Topic')} | {_('State')} | {_('What the run shows, or what to write')} | {_('Where')} |"
        lines = [head, "| --- | --- | --- | --- | --- |"]
        for line in one.lines:
            shape = STATES[line.answer.state][0]
            cells = (
                line.number,
                plain(line.topic),
                f"{shape} {line.word}",
                plain(line.answer.text),
                section_title(line.answer.where, voice),
            )
            lines.append(f"| {' | '.join(cells)} |")
        blocks += [f"## {one.checklist.title}: {_(one.checklist.about)}", "\n".join(lines)]
    return "\n\n".join(blocks) + "\n"


def table(filled: list[Filled], voice: Voice) -> str:
    """All checklists as CSV: ``checklist, item, topic, state, text, section``; states are the program's own words."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["checklist", "item", "topic", "state", "text", "section"])
    for one in filled:
        for line in one.lines:
            answer = line.answer
            writer.writerow([one.checklist.name, line.number, line.topic, answer.state, answer.text, answer.where])
    return buffer.getvalue()


def section_title(name: str, voice: Voice) -> str:
    """Heading of a section of the report; empty for none."""
    return next((voice.gettext(one.title) for one in SECTIONS if one.name == name), "")
