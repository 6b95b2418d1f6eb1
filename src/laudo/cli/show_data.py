"""Answers of the data commands: the JSON object, and the same for a person to read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from laudo.cli.console import Answer
from laudo.cli.show import number
from laudo.core.messages import _

if TYPE_CHECKING:
    from laudo.audit.audit import Audit
    from laudo.sources.source import Source

PARTS = ("train", "val", "test")
"""Order of the columns; other parts follow."""


def sources_answer(sources: Sequence[Source]) -> Answer:
    """The data sets there are."""
    fields = ("name", "what", "size", "licence", "citation", "where", "layout")
    facts = {
        "sources": [
            {
                **{field: getattr(source, field) for field in fields},
                "downloads": [{"url": one.url, "name": one.name, "checksum": one.checksum} for one in source.downloads],
            }
            for source in sources
        ]
    }

    def show(console: Console) -> None:
        labels = {
            "what": "",
            "layout": _("layout"),
            "where": _("where"),
            "licence": _("licence"),
            "citation": _("cite"),
        }
        for source in sources:
            console.print(Text(source.name, style="bold"))
            for field, label in labels.items():
                if text := getattr(source, field):
                    console.print(Text.assemble("  ", (f"{label}: " if label else "", "dim"), _(text)))
            if source.downloads:
                console.print(Text.assemble("  ", (_("fetch") + ": ", "dim"), f"laudo data fetch {source.name} DIR"))

    return facts, show, 0


def import_answer(facts: dict[str, Any]) -> Answer:
    """What a data set holds and what it lacks; the notes were said on the way."""

    def show(console: Console) -> None:
        console.print(
            Text(_("{source}: samples {n}, patients {patients}").format(
                source=facts["source"], n=facts["samples"], patients=facts["patients"] or "–"), style="bold")
        )  # fmt: skip
        if facts["counts"] and facts["counts"] != {"": {"": facts["samples"]}}:
            console.print(count_table(facts["counts"], _("class")))
        if facts["folds"]:
            folds = ", ".join(f"{fold}: {n}" for fold, n in facts["folds"].items())
            console.print(Text.assemble((_("Folds: "), "bold"), folds))
        lacks = _lacks(facts)
        if lacks:
            console.print(Text.assemble((_("Without: "), "bold"), ", ".join(lacks)))
        console.print(Text.assemble((_("Manifest: "), "bold"), facts["manifest"]))

    return facts, show, 0


def _lacks(facts: dict[str, Any]) -> list[str]:
    """What samples do not have, in words."""
    names = {
        "mask": _("mask"),
        "label": _("class"),
        "patient": _("patient identifier"),
        "text": _("text"),
        "file": _("readable file"),
    }
    return [
        _("{what} {n} of {total}").format(what=names[name], n=n, total=facts["samples"])
        for name, n in facts["without"].items()
        # a set without any mask, class or text was never meant to have them
        if n and not (name in ("mask", "label", "text") and n == facts["samples"])
    ]


def count_table(counts: dict[str, dict[str, int]], unit: str) -> Table:
    """Counts a class and part."""
    named = {part for row in counts.values() for part in row}
    parts = [*[part for part in PARTS if part in named], *sorted(named - {*PARTS, ""}), *([""] if "" in named else [])]
    table = Table(box=None, pad_edge=False)
    table.add_column(unit)
    for part in parts:
        table.add_column(part or _("samples"), justify="right")
    for name, row in counts.items():
        table.add_row(name or "–", *[str(row.get(part, 0)) for part in parts])
    return table


def fetch_answer(record: dict[str, Any], folder: Path) -> Answer:
    """What was fetched, and what to do next."""

    def show(console: Console) -> None:
        for one in record["files"]:
            text = _("{name}: {size} bytes, SHA-256 {sha256}")
            console.print(Text(text.format(name=one["name"], size=one["size"], sha256=one["sha256"])))
        console.print(Text.assemble((_("Licence: "), "bold"), _(record["licence"])))
        if record["citation"]:
            console.print(Text.assemble((_("Cite: "), "bold"), record["citation"]))
        console.print(Text.assemble((_("Next: "), "bold"), f"laudo data import {record['source']} {folder} -o DIR"))

    return {**record, "folder": str(folder)}, show, 0


def split_answer(facts: dict[str, Any]) -> Answer:
    """Samples a part or fold and class."""

    def show(console: Console) -> None:
        console.print(
            Text(_("Split by {by}, seed {seed}: samples {n}, groups {groups}").format(
                by=facts["by"], seed=facts["seed"], n=facts["samples"], groups=facts["groups"]), style="bold")
        )  # fmt: skip
        console.print(count_table(_turned(facts["counts"]), _("class")))
        console.print(Text.assemble((_("Manifest: "), "bold"), facts["manifest"]))

    return facts, show, 0


def _turned(counts: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """Class → part from part → class."""
    classes = sorted({name for row in counts.values() for name in row})
    return {name: {part: row.get(name, 0) for part, row in counts.items()} for name in classes}


NAMED = 5
"""Names that are told of one finding."""


def audit_answer(audit: Audit, inflation: dict[str, Any] | None = None, files: dict[str, str] | None = None) -> Answer:
    """Findings; exit code 1 when one of them fails.

    Args:
        audit: what was found.
        inflation: what leakage would be worth, when that was measured.
        files: name → path of what was written.
    """
    from laudo.audit.sentences import sentence, title

    marks = {"pass": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red"), "not_run": ("–", "dim")}
    facts = audit.as_dict()

    def show(console: Console) -> None:
        words = {"pass": _("pass"), "warn": _("warning"), "fail": _("fails"), "not_run": _("not run")}
        width = max(map(len, words.values()))
        for finding in audit.findings:
            mark, style = marks[finding.status]
            # a title states what should be: beside a finding it would contradict it
            name, said = title(finding.check, _), sentence(finding, _, number)
            line = {"pass": name, "not_run": f"{name}: {said}"}.get(finding.status, said)
            console.print(Text.assemble((f"{mark} {words[finding.status]:<{width}}  ", style), line))
            listed = [" = ".join(names[:NAMED]) + (" = …" if len(names) > NAMED else "") for names in finding.samples]
            for names in listed[:NAMED]:
                console.print(Text(" " * (width + 4) + names, style="dim"))
            if len(listed) > NAMED:
                console.print(Text(" " * (width + 4) + _("… and {n} more").format(n=len(listed) - NAMED), style="dim"))
        if audit.skipped:
            console.print(Text(_("Samples that can not be used: {n}").format(n=len(audit.skipped)), style="bold"))
            for sample, what in audit.skipped[:NAMED]:
                console.print(Text(f"{' ' * (width + 4)}{sample}: {what}", style="dim"))
            if len(audit.skipped) > NAMED:
                more = _("… and {n} more").format(n=len(audit.skipped) - NAMED)
                console.print(Text(" " * (width + 4) + more, style="dim"))
        counts = {status: sum(finding.status == status for finding in audit.findings) for status in marks}
        summary = _("Checks run: {n} of {m}; failed: {fails}, warnings: {warns}.").format(
            n=facts["checks_run"], m=facts["checks_total"], fails=counts["fail"], warns=counts["warn"]
        )
        console.print(Text(summary, style="bold"))
        if inflation is not None:
            from laudo.workflows.inflation import inflation_text

            console.print(Text(inflation_text(inflation, _, number)))
        for name, path in (files or {}).items():
            console.print(Text.assemble((f"{name}: ", "bold"), path))

    failed = any(finding.status == "fail" for finding in audit.findings)
    answer = {**facts, **({"inflation": inflation} if inflation is not None else {}), **(files or {})}
    return answer, show, 1 if failed else 0
