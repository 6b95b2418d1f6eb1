"""What a comparison of two runs shows, and no more than it shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from laudo.evaluate.signed_rank import LEVEL

Kind = Literal["undefined", "identical", "too_few", "shown", "divided", "not_shown"]


def verdict(
    cell: Mapping[str, Any], metric: str, tests: int, least_p: float, detectable: float | None
) -> dict[str, Any]:
    """Judge a mean difference.

    Args:
        cell: of the primary metric, mean over the structures, as :func:`laudo.evaluate.paired.compare_masks` makes it.
        metric: its name.
        tests: number of tests in the family.
        least_p: smallest p that so many groups can give.
        detectable: mean difference that would have been found in four of five such samples.

    Returns:
        ``kind`` and the facts of its sentence. Kinds:

        - undefined: no case has a value.
        - identical: no case differs.
        - too_few: even if all groups pointed one way, the corrected p would not reach the level.
        - shown: the corrected p is at most 0.05, the interval excludes zero, and both point the same way.
        - divided: only one of the two says so, or they point different ways.
        - not_shown: neither does.
    """
    facts = {name: cell.get(name) for name in ("value", "ci95", "p", "p_holm", "n", "groups")}
    return {
        "kind": _kind(cell, tests, least_p),
        "metric": metric,
        **facts,
        "tests": tests,
        "smallest_p": min(1.0, least_p * tests),
        "detectable": detectable,
    }


def _kind(cell: Mapping[str, Any], tests: int, least_p: float) -> Kind:
    if cell["value"] is None or cell["p"] is None:
        return "undefined"
    if cell["equal"] == cell["n"]:
        return "identical"
    if least_p * tests > LEVEL:
        return "too_few"
    low, high = cell["ci95"] or (-1.0, 1.0)
    by_interval = low > 0 or high < 0
    by_test = cell["p_holm"] <= LEVEL
    if by_interval and by_test:
        return "shown" if cell["value"] * cell["rank_biserial"] > 0 else "divided"
    return "divided" if by_interval or by_test else "not_shown"
