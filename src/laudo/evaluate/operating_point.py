"""What was wanted of the threshold, and what it reached on cases that did not choose it."""

from __future__ import annotations

from typing import Any

from laudo.core.recipe_decisions import WantedRate


def operating_point(result: dict[str, Any], wanted: WantedRate) -> dict[str, Any]:
    """``operating_point`` of metrics.json.

    Args:
        result: what :func:`laudo.evaluate.evaluate.evaluate` gave.
        wanted: of the recipe.

    Returns:
        ``wanted`` (its name and value), and ``of``: for the positive class, or for each label, ``n_positive, n_negative``,
        ``sensitivity`` and ``specificity`` as in ``per_class``, and ``reached``: ``yes`` or ``no`` when the whole interval lies
        above or below what was wanted, ``open`` when it holds it; None where it can not be said.
    """
    classes = list(result["per_class"])
    # Of two classes, those of which a sample has one, the second is the positive one.
    judged = classes if "thresholds" in result else classes[1:]
    found = {}
    for name in judged:
        entry = result["per_class"][name]
        found[name] = {
            "n_positive": entry["n"],
            "n_negative": result["n"] - entry["n"],
            "sensitivity": entry["sensitivity"],
            "specificity": entry["specificity"],
            "reached": _reached(entry[wanted.rate], wanted.value),
        }
    return {"wanted": {"rate": wanted.rate, "value": wanted.value}, "n": result["n"], "of": found}


def _reached(rate: dict[str, Any], wanted: float) -> str | None:
    if rate["value"] is None:
        return None
    ends = rate["ci95"]
    if ends is None:
        return "open"
    if ends[0] >= wanted:
        return "yes"
    return "no" if ends[1] < wanted else "open"
