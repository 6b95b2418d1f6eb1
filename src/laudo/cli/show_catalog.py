"""Answers of the catalogue's commands: the JSON object, and the same for a person to read."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from laudo.cli.console import PARTLY_DONE, Answer
from laudo.cli.show import number
from laudo.cli.show_data import count_table
from laudo.core.messages import N_, _, ngettext

if TYPE_CHECKING:
    from laudo.catalog.result import Found, Hit, Snippet, Wider

LISTED = 10
"""Skipped rows that are named."""

WIDE = 120
"""Columns of a terminal from which a table is shown; below, a few lines a hit."""

TEXTS: dict[str, str] = {
    "caption": N_("caption"),
    "title": N_("title"),
    "diagnosis": N_("diagnosis"),
    "diagnosis_by": N_("diagnosis by"),
    "history": N_("history"),
    "exam": N_("examination"),
    "findings": N_("findings"),
    "differential": N_("differential diagnosis"),
    "treatment": N_("treatment"),
    "discussion": N_("discussion"),
    "topic": N_("about the disease"),
    "keywords": N_("keywords"),
    "category": N_("category"),
}
"""Name of each text for people, in reading order."""

SEXES = {"female": N_("female"), "male": N_("male"), "other": N_("other")}


def imported_answer(facts: dict[str, Any]) -> Answer:
    """What an import has changed; exit code 3 when rows were skipped."""

    def show(console: Console) -> None:
        counts = Table(box=None, pad_edge=False, title=facts["data_set"], title_justify="left", title_style="bold")
        for head in ("", _("new"), _("changed"), _("same")):
            counts.add_column(head, justify="right" if head else "left")
        for name, title in (("cases", _("cases")), ("images", _("images"))):
            counts.add_row(title, *[str(facts[name][one]) for one in ("new", "changed", "same")])
        console.print(counts)
        for one in facts["predictions"]:
            text = _("Predictions of {part}: {n}, wrong: {wrong}")
            console.print(Text(text.format(part=one["part"], n=one["predictions"], wrong=one["wrong"])))
            if one["unknown"]:
                console.print(
                    Text(_("Predictions of images that are not in the catalogue: {n}").format(n=one["unknown"]))
                )
        if facts["gone"]:
            text = _("Images of the catalogue that are not listed any more: {n}; --prune removes them")
            console.print(Text(text.format(n=facts["gone"])))
        if facts["removed"]:
            console.print(Text(_("Removed: {n}").format(n=facts["removed"])))
        _show_skipped(console, facts["skipped"])
        if facts["vectors"]:
            _show_vectors(console, facts["vectors"])
        console.print(Text.assemble((_("Catalogue: "), "bold"), facts["catalogue"]))

    broken = [*facts["skipped"], *((facts["vectors"] or {}).get("skipped") or ())]
    return facts, show, PARTLY_DONE if broken else 0


def embedded_answer(facts: dict[str, Any]) -> Answer:
    """Vectors that were made."""

    def show(console: Console) -> None:
        _show_vectors(console, facts)
        console.print(Text.assemble((_("Catalogue: "), "bold"), facts["catalogue"]))

    return facts, show, PARTLY_DONE if facts["skipped"] else 0


def exported_answer(facts: dict[str, Any]) -> Answer:
    """What a manifest holds that was written from a catalogue."""

    def show(console: Console) -> None:
        text = _("Images: {n}, cases: {cases}").format(n=facts["samples"], cases=facts["cases"])
        console.print(Text(text, style="bold"))
        console.print(count_table(facts["counts"], _("class")))
        console.print(Text.assemble((_("Manifest: "), "bold"), facts["manifest"]))
        console.print(
            Text.assemble((_("Next: "), "bold"), f"laudo train RECIPE --data {shlex.quote(facts['manifest'])}")
        )

    return facts, show, 0


def found_answer(found: Found, words: str, conditions: Mapping[str, Any], full: bool) -> Answer:
    """The images that answer; exit code 1 when none does."""
    facts = {"words": words, "filters": dict(conditions), **found.as_dict()}

    def show(console: Console) -> None:
        counts = ngettext("{n} image", "{n} images", found.images).format(n=found.images)
        cases = ngettext("of {n} case", "of {n} cases", found.cases).format(n=found.cases)
        shown = "" if len(found.hits) == found.images else _("; shown: {n}").format(n=len(found.hits))
        console.print(Text(f"{counts} {cases}{shown}", style="bold"))
        if found.dropped:
            console.print(
                Text(_("Words that stand everywhere, left out: {words}").format(words=", ".join(found.dropped)))
            )
        for note in found.notes:
            console.print(Text(note))
        if found.wider:
            _show_wider(console, found.wider)
        if console.width >= WIDE and not full:
            console.print(_table(found.hits), soft_wrap=False)
        else:
            for place, hit in enumerate(found.hits, start=1):
                _show_hit(console, place, hit, full)

    return facts, show, 0 if found.images else 1


def _table(hits: Sequence[Hit]) -> Table:
    """A row a hit."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=bool(hits))
    for head, width in (
        (_("image"), 36),
        (_("modality"), None),
        (_("plane"), 12),
        (_("location"), 20),
        (_("patient"), 12),
    ):
        table.add_column(head, max_width=width, overflow="fold")
    table.add_column(_("diagnosis, and where the words stand"), ratio=1, overflow="fold")
    for hit in hits:
        about = hit.about
        lines = [_diagnosis(hit)]
        lines += [_marked(hit.snippet)] if hit.snippet.text and not _said(hit) else []
        lines += [_prediction(hit)] if hit.prediction else []
        table.add_row(
            _name(hit), about["modality"], about["plane"], about["location"], _patient(hit), Text("\n").join(lines)
        )
    return table


def _show_hit(console: Console, place: int, hit: Hit, full: bool) -> None:
    """A few lines of one hit, for narrow terminals and for whole texts."""
    known = [hit.about["modality"], hit.about["plane"], hit.about["location"], _patient(hit)]
    console.print(Text.assemble((f"{place}. ", "dim"), _name(hit), "  ", " · ".join(one for one in known if one)))
    console.print(Text("   ") + _diagnosis(hit))
    if hit.prediction:
        console.print(Padding(_prediction(hit), (0, 0, 0, 3)), soft_wrap=False)
    if not full:
        if hit.snippet.text and not _said(hit):
            console.print(Padding(_marked(hit.snippet), (0, 0, 0, 3)), soft_wrap=False)
        return
    for name, title in TEXTS.items():
        if hit.texts.get(name):
            text = Text.assemble((f"{_(title)}: ", "dim"), hit.texts[name])
            console.print(Padding(text, (0, 0, 0, 3)), soft_wrap=False)


def _name(hit: Hit) -> Text:
    text = Text(hit.image)
    if hit.similarity is not None:
        text.append(f" {number(hit.similarity, 2)}", style="cyan")
    return text


def _said(hit: Hit) -> bool:
    """Whether the words stand in the diagnosis, that is shown anyway."""
    return bool(hit.snippet.marks) and hit.snippet.text == " ".join(hit.texts["diagnosis"].split())


def _diagnosis(hit: Hit) -> Text:
    if _said(hit):
        text = Text(hit.snippet.text, style="bold")
        for start, stop in hit.snippet.marks:
            text.stylize("yellow", start, stop)
        return text
    return Text(hit.texts["diagnosis"] or hit.about["label"] or "–", style="bold")


def _patient(hit: Hit) -> str:
    sex = _(SEXES[hit.about["sex"]]) if hit.about["sex"] in SEXES else ""
    return ", ".join(one for one in (sex, hit.about["age"]) if one)


def _prediction(hit: Hit) -> Text:
    assert hit.prediction is not None
    said = hit.prediction["predicted"] or "–"
    if hit.prediction["probability"] is not None:
        said += f" ({number(hit.prediction['probability'], 2)})"
    text = _("said {predicted}, true is {truth}").format(predicted=said, truth=hit.prediction["truth"] or "–")
    return Text(text, style="red")


def _marked(snippet: Snippet) -> Text:
    text = Text(snippet.text, style="dim")
    for start, stop in snippet.marks:
        text.stylize("bold not dim yellow", start, stop)
    return Text.assemble((f"{_(TEXTS[snippet.field])}: ", "dim italic"), text)


def _show_wider(console: Console, wider: Sequence[Wider]) -> None:
    """What would find something."""
    names = {
        "words": _("beginnings of the words"),
        "all words": _("without the words"),
    }
    console.print(Text(_("With less asked for:")))
    table = Table(box=None, pad_edge=False, show_header=False)
    for one in wider:
        what = names.get(one.without) or _("without --{option}").format(option=one.without)
        table.add_row(Text(str(one.images), justify="right"), what, Text(_command(one), style="dim"))
    console.print(table)


def _command(one: Wider) -> str:
    """How to ask for it."""
    words = [shlex.quote(one.words)] if one.words else []
    if one.words.startswith("-"):
        words = ["--", *words]
    options = []
    for name, value in one.conditions.items():
        for text in [value] if isinstance(value, str) else value:
            options += [f"--{name}", shlex.quote(str(text))]
    return " ".join(["laudo catalog search", *options, *words])


def _show_skipped(console: Console, skipped: Sequence[Mapping[str, str]]) -> None:
    if skipped:
        console.print(Text(_("Rows that can not be used, skipped: {n}").format(n=len(skipped)), style="yellow"))
        for row in skipped[:LISTED]:
            console.print(Text(f"  {row['place']}: {row['why']}"))
        if len(skipped) > LISTED:
            console.print(Text("  " + _("… and {n} more").format(n=len(skipped) - LISTED)))


def _show_vectors(console: Console, facts: Mapping[str, Any]) -> None:
    text = _("Vectors of {encoder}: new {new}, there before {known}")
    console.print(Text(text.format(encoder=facts["encoder"], new=facts["new"], known=facts["known"])))
    _show_skipped(console, facts["skipped"])
