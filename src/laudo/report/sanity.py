"""What the randomisation test says about the maps, in one plain sentence from its numbers."""

from __future__ import annotations

from typing import Any

from laudo.report.context import Evidence
from laudo.report.voice import Voice

HARDLY_CHANGED = 0.7
"""Likeness from which a map counts as hardly changed. A convention of laudo: the literature gives no limit."""

CHANGED = 0.4
"""Rank correlation below which it counts as changed."""


def pooled_sanity(evidence: Evidence) -> dict[str, Any] | None:
    """Take the test of a run, or the mean over folds that tested the same layers; None when it was not made."""
    found = [one.data["sanity"] for one in evidence.explained if one.data.get("sanity")]
    if not found:
        return None
    layers = [stage["layer"] for stage in found[0].get("stages") or []]
    alike = [one for one in found if [stage["layer"] for stage in one.get("stages") or []] == layers]
    stages = [
        {"layer": layer, **{key: _mean([one["stages"][i].get(key) for one in alike]) for key in ("spearman", "ssim")}}
        for i, layer in enumerate(layers)
    ]
    last = stages[-1] if stages else {}
    return {
        "n": sum(int(one.get("n") or 0) for one in alike),
        "stages": stages,
        "spearman": _either(_mean([one.get("spearman") for one in alike]), last.get("spearman")),
        "ssim": _either(_mean([one.get("ssim") for one in alike]), last.get("ssim")),
    }


def blank_sentence(evidence: Evidence, voice: Voice) -> str:
    """Say how many maps were empty, and so could not be tested; empty when there were none."""
    asked = evidence.recipe.evaluation.sanity_cases if evidence.recipe is not None else 0
    blank = 0
    for one in evidence.explained:
        sanity = one.data.get("sanity")
        noted = one.data.get("blank") or (sanity or {}).get("blank")
        # a test that was asked for and is not there had no map to compare
        all_empty = min(asked, len(one.data.get("cases") or [])) if sanity is None else 0
        blank += int(noted or all_empty)
    if not blank:
        return ""
    text = voice.gettext("Left out of the randomisation test, because their map was empty: {images}.")
    return text.format(images=voice.images(blank))


def sanity_judgement(sanity: dict[str, Any] | None, voice: Voice) -> dict[str, str]:
    """``{"status", "shape", "sentence"}``."""
    _ = voice.gettext
    if sanity is None or sanity.get("spearman") is None:
        return {
            "status": "not_run",
            "shape": "○",
            "sentence": _(
                "The randomisation test was not run: nothing shows that these maps depend on what the model learned."
            ),
        }
    spearman, ssim = sanity["spearman"], sanity.get("ssim")
    numbers = _("rank correlation {spearman}, SSIM {ssim}").format(
        spearman=voice.number(spearman, 2), ssim=voice.number(ssim, 2)
    )
    if spearman >= HARDLY_CHANGED:
        text = _(
            "With random weights the maps hardly change ({numbers}): they do not explain this model, and should not "
            "be read as if "
            "they did."
        )
        return {"status": "fail", "shape": "■", "sentence": text.format(numbers=numbers)}
    if spearman >= CHANGED or (ssim is not None and ssim >= HARDLY_CHANGED):
        text = _(
            "With random weights the maps change only in part ({numbers}): some of what they show comes from the "
            "image, not from "
            "what the model learned. Read them with care."
        )
        return {"status": "warn", "shape": "▲", "sentence": text.format(numbers=numbers)}
    text = _(
        "With random weights the maps change ({numbers}): they depend on what the model learned. That does not make "
        "them right "
        "about why it answered so."
    )
    return {"status": "pass", "shape": "✓", "sentence": text.format(numbers=numbers)}


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _either(first: float | None, second: float | None) -> float | None:
    return second if first is None else first
