"""Images that one run has right and another wrong: how many, what McNemar's test makes of them, and how large the effect is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laudo.report.compare_words import p_equals, signed
from laudo.report.voice import Voice


def discordant(result: Mapping[str, Any], number: int, voice: Voice) -> dict[str, Any] | None:
    """Images on which a pair of runs is right and wrong, and what McNemar's test makes of them; None over seeds."""
    pair = result["pairs"][number]
    cell = pair["metrics"]["accuracy"]["mean"]
    if "p_images" not in cell:
        return None
    _ = voice.gettext
    a, b = (result["sides"][pair[side]]["name"] for side in "ab")
    counts = {name: voice.integer(cell[name]) for name in ("both_right", "better", "worse", "both_wrong")}
    lines = [
        _("Difference of the two proportions: {value}.").format(value=signed(cell["value"], voice)),
    ]
    if cell["cohens_g"] is not None:
        ratio = cell["odds_ratio"]
        lines.append(
            _(
                "Of the {n} images that tell the two apart, {b} has {share} right: Cohen's g {g}, odds ratio {ratio}."
            ).format(
                n=voice.integer(cell["better"] + cell["worse"]),
                b=b,
                share=voice.percent(cell["cohens_g"] + 0.5),
                g=signed(cell["cohens_g"], voice, 2),
                ratio="∞" if ratio is None else voice.number(ratio, 2),
            )
        )
    lines.append(
        _("McNemar's exact test, each image counted as independent: {p}.").format(p=p_equals(cell["p_images"], voice))
    )
    if cell["groups"] < cell["n"]:
        lines.append(
            _(
                "Groups hold several images, and images of one group are no independent evidence. By groups, all images of a "
                "group changing places together, it is {p}, over {moved} that tell the runs apart: this is the p that is "
                "quoted."
            ).format(p=p_equals(cell["p"], voice), moved=voice.groups(cell["moved"]))
        )
    return {"a": a, "b": b, "lines": lines, **counts}
