"""Explanations: where the model looked, and whether the maps say anything about it."""

from __future__ import annotations

from typing import Any

from laudo.report.context import Explained
from laudo.report.figures import sanity as sanity_figure
from laudo.report.figures.sheet import Picture, Words
from laudo.report.names import OUTCOMES
from laudo.report.sanity import HARDLY_CHANGED, blank_sentence, pooled_sanity, sanity_judgement
from laudo.report.sections.draft import AbsentError, Draft

MOST_CASES = 40
SIDE = 320


def build(draft: Draft) -> dict[str, Any]:
    """Overlays with a slider, and the randomisation test."""
    evidence, voice = draft.evidence, draft.voice
    _ = voice.gettext
    if not evidence.explained:
        raise AbsentError(_why_none(draft))
    pairs = [(one, case) for one in evidence.explained for case in one.data.get("cases") or []]
    first = evidence.explained[0].data
    sanity = pooled_sanity(evidence)
    return {
        "method": _("Method: {method}, at layer {layer}.").format(
            method=first.get("method", "?"), layer=first.get("layer", "?")
        ),
        "cases": [_case(one, case, draft) for one, case in pairs[:MOST_CASES]],
        "cases_left": max(0, len(pairs) - MOST_CASES),
        "sanity": sanity_judgement(sanity, voice),
        "blank": blank_sentence(evidence, voice),
        "sanity_figure": _figure(sanity, draft) if sanity and sanity["stages"] else None,
        "sanity_rows": [
            {
                "layer": stage["layer"],
                "spearman": voice.number(stage.get("spearman"), 2),
                "ssim": voice.number(stage.get("ssim"), 2),
            }
            for stage in (sanity or {}).get("stages", [])
        ],
    }


def _why_none(draft: Draft) -> str:
    """A finished run that was asked for maps and has none has a network that they can not be made of."""
    evidence = draft.evidence
    _ = draft.voice.gettext
    if evidence.outlines:
        return _(
            "The masks themselves show where the network saw what: look at them under Errors by case. Class-activation maps are "
            "made of networks that do nothing but name a class."
        )
    asked = evidence.recipe is not None and evidence.recipe.evaluation.explained_cases > 0
    if asked and evidence.is_finished:
        return _(
            "The recipe asks for class-activation maps, but the run holds none. They are made only of convolutional "
            "networks: of any other, nothing is explained."
        )
    return _(
        "No class-activation maps were made for this run. If its network is convolutional, make them with: laudo "
        "explain RUN PATH… -o DIR"
    )


def _case(one: Explained, case: dict[str, Any], draft: Draft) -> dict[str, Any]:
    voice = draft.voice
    _ = voice.gettext
    kind = str(case.get("outcome"))
    shape, word = OUTCOMES.get(kind, ("●", ""))
    sample, label, predicted = (str(case.get(key, "")) for key in ("sample", "label", "predicted"))
    if draft.evidence.multilabel:
        label, predicted = label or _("none"), predicted or _("none")
    confidence = voice.percent(case.get("probability"))
    described = _("image {sample} is “{label}”, the model answered “{predicted}” with {confidence}").format(
        sample=sample, label=label, predicted=predicted, confidence=confidence
    )
    target = str(case.get("target") or predicted)
    return {
        "sample": sample,
        "kind": kind,
        "right": kind in ("TP", "TN", "right"),
        "shape": shape,
        "word": _(word),
        "label": label,
        "predicted": predicted,
        "confidence": confidence,
        "target": target,
        "fold": one.fold,
        "image": draft.album.inside(one.folder, case.get("image"), SIDE),
        "overlay": draft.album.inside(one.folder, case.get("overlay"), SIDE),
        "image_alt": f"{_(word)}: {described}" if word else described,
        "overlay_alt": _("Class-activation map for “{target}” over image {sample}").format(
            target=target, sample=sample
        ),
    }


def _figure(sanity: dict[str, Any], draft: Draft) -> Picture:
    voice = draft.voice
    _ = voice.gettext
    stages = sanity["stages"]
    spoken = [
        f"{one['layer']}: {voice.number(one.get('spearman'), 2)}, {voice.number(one.get('ssim'), 2)}" for one in stages
    ]
    words = Words(
        alt=_("Likeness of the maps (Spearman, SSIM) to those of the trained network while its layers become random:")
        + " "
        + "; ".join(spoken)
        + ".",
        caption=_("Randomisation test of the maps, {images}").format(images=voice.images(int(sanity.get("n") or 0))),
        help=_(
            "From left to right more and more layers, from the last one down, get random weights. A map that explains "
            "the model "
            "must change: both curves should fall towards zero. A map that stays the same shows edges of the image, "
            "not what the "
            "model learned (Adebayo et al., 2018)."
        ),
    )
    width = min(8.0, 4.2 + 0.25 * len(stages))
    return draft.shelf.add("sanity", words, lambda f, v: sanity_figure.draw(f, v, stages, HARDLY_CHANGED), width, 3.6)
