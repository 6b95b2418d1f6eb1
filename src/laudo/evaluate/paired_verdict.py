"""What a comparison of two runs, or of two recipes, shows, and no more than it shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from laudo.evaluate.signed_rank import LEVEL

Kind = Literal["undefined", "identical", "too_few", "shown", "divided", "not_shown"]

FACTS = ("value", "ci95", "p", "p_holm", "n", "groups", "method", "better", "worse", "equal", "of", "df", "p_images")
"""Of a cell, those that its sentence tells."""


def verdict(
    cell: Mapping[str, Any], metric: str, tests: int, least_p: float, detectable: float | None
) -> dict[str, Any]:
    """Judge a mean difference.

    Args:
        cell: of a tested metric of the whole, as :func:`laudo.evaluate.compare.compare` makes it.
        metric: its name.
        tests: number of tests in the family.
        least_p: smallest p that so many groups can give; 0 where there is no such limit.
        detectable: mean difference that would have been found in four of five such samples.

    Returns:
        ``kind`` and the facts of its sentence. Kinds:

        - undefined: no case has a value, or nothing tells how sure the difference is.
        - identical: no case, and no pair of runs, differs.
        - too_few: even if all groups pointed one way, the corrected p would not reach the level.
        - shown: the corrected p is at most 0.05, the interval excludes zero, and both point the same way.
        - divided: only one of the two says so, or they point different ways.
        - not_shown: neither does.
    """
    return {
        "kind": _kind(cell, tests, least_p),
        "metric": metric,
        **{name: cell.get(name) for name in FACTS},
        "tests": tests,
        "smallest_p": min(1.0, least_p * tests),
        "detectable": detectable,
    }


def _kind(cell: Mapping[str, Any], tests: int, least_p: float) -> Kind:
    if cell["value"] is None or cell["p"] is None:
        return "undefined"
    if cell["equal"] == cell.get("of", cell["n"]):
        return "identical"
    if least_p * tests > LEVEL:
        return "too_few"
    low, high = cell["ci95"] or (-1.0, 1.0)
    by_interval = low > 0 or high < 0
    by_test = cell["p_holm"] <= LEVEL
    if by_interval and by_test:
        direction = cell.get("rank_biserial", cell["value"])
        return "shown" if cell["value"] * direction > 0 else "divided"
    return "divided" if by_interval or by_test else "not_shown"
