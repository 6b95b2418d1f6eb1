"""External validation: the model's figures on other images, beside those that the run quotes, and what lies between."""

from __future__ import annotations

from typing import Any

from laudo.report.limits import left_out_sentence
from laudo.report.metrics_of_masks import METRICS_OF_MASKS, digits, with_unit
from laudo.report.names import in_order, metric_name, part_name
from laudo.report.sections.draft import Draft


def build(draft: Draft) -> dict[str, Any]:
    """A table of both parts with their difference, and how the classes were matched."""
    evidence, voice = draft.evidence, draft.voice
    _ = voice.gettext
    external = evidence.metrics.get("external")
    if not external:
        return {
            "absent": _(
                "The model was not tried on images of another source: nothing is known of how it does there. With such images: "
                "laudo evaluate RUN --data path/to/other/images"
            )
        }
    compared = external.get("compared") or {}
    return {
        "absent": "",
        "intro": _("Judged on {images} of {groups}: {name}.").format(
            images=(voice.cases if evidence.outlines else voice.images)(int(external.get("n") or 0)),
            groups=voice.groups(int(external.get("groups") or 0)),
            name=external.get("data") or part_name("external", voice),
        ),
        "sentences": [one for one in (_classes(external, draft), left_out_sentence(evidence, voice)) if one],
        "verdict": _verdict(compared.get("differences") or {}, draft),
        "interval_words": _("95 % interval"),
        "quoted": part_name(compared["part"], voice) if compared else "",
        "rows": _rows(external, compared, draft),
    }


def _rows(external: dict[str, Any], compared: dict[str, Any], draft: Draft) -> list[dict[str, Any]]:
    evidence = draft.evidence
    quoted = (evidence.metrics.get(compared.get("part", "")) or {}).get("metrics") or {}
    differences = compared.get("differences") or {}
    names = [name for name in in_order(external["metrics"]) if not evidence.outlines or name in METRICS_OF_MASKS]
    return [
        {
            "name": _name(name, draft),
            "quoted": _cell(quoted.get(name), name, draft),
            "external": _cell(external["metrics"].get(name), name, draft),
            "difference": _cell(differences.get(name), name, draft),
        }
        for name in names
    ]


def _name(name: str, draft: Draft) -> str:
    title = metric_name(name, draft.voice)
    return with_unit(title, name, draft.evidence.length_unit, draft.voice) if draft.evidence.outlines else title


def _cell(estimate: dict[str, Any] | None, name: str, draft: Draft) -> dict[str, str]:
    places = digits(name) if draft.evidence.outlines else 3
    value = (estimate or {}).get("value")
    return {
        "value": draft.voice.number(value, places) if value is not None else "–",
        "interval": draft.voice.interval(estimate, places),
    }


def _verdict(differences: dict[str, Any], draft: Draft) -> str:
    """One sentence on the first figure: has it dropped, risen, or can that not be said?"""
    _ = draft.voice.gettext
    first = "dice" if draft.evidence.outlines else "accuracy"
    difference = differences.get(first)
    if not difference or difference.get("value") is None:
        return ""
    told = {"name": metric_name(first, draft.voice), "difference": draft.voice.estimate(difference)}
    low, high = difference.get("ci95") or (None, None)
    if low is None or high is None:
        return _("{name} here minus the quoted one: {difference}.").format(**told)
    if high < 0:
        return _("On these images the model does worse: {name} here minus the quoted one is {difference}.").format(
            **told
        )
    if low > 0:
        return _("On these images the model does better: {name} here minus the quoted one is {difference}.").format(
            **told
        )
    return _(
        "Whether the model does better or worse on these images can not be said: {name} here minus the quoted one is {difference}."
    ).format(**told)


def _classes(external: dict[str, Any], draft: Draft) -> str:
    """What the user has said of the classes."""
    voice = draft.voice
    _ = voice.gettext
    facts = external.get("classes") or {}
    found = []
    named = [_("“{theirs}” as “{ours}”").format(theirs=a, ours=b) for a, b in (facts.get("named") or {}).items()]
    if named:
        found.append(_("Classes that have another name there: {names}.").format(names=voice.join(named)))
    gone = [f"{name} ({voice.integer(n)})" for name, n in (facts.get("left_out") or {}).items()]
    if gone:
        found.append(_("Classes that the model does not know, left out: {names}.").format(names=voice.join(gone)))
    return " ".join(found)
