"""Everything that compare.json says of the figures, whatever the runs did and however often their recipes were trained."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

from laudo.evaluate.compared_table import Cell, ComparedTable
from laudo.evaluate.holm import holm
from laudo.evaluate.judges import Judge, OneTable
from laudo.evaluate.mask_table import COMPARED, MaskTable
from laudo.evaluate.paired_verdict import verdict
from laudo.evaluate.same_cases import SameCases
from laudo.evaluate.sides import Side, single_sides
from laudo.evaluate.signed_rank import smallest_p


def compare_masks(
    cases: SameCases, metrics: Sequence[str] = COMPARED, bootstrap: int = 2000, seed: int = 0
) -> dict[str, Any]:
    """Compare runs that outlined the same structures, each as it is.

    Args:
        cases: aligned scores.
        metrics: of :data:`laudo.evaluate.mask_table.COMPARED`, Dice among them.
        bootstrap: resamples of the groups; 0: no intervals.
        seed: of the resamples.

    Returns:
        See :func:`compare`.
    """
    sides = single_sides(cases.names, [(0, number) for number in range(len(cases.names))])
    return compare(OneTable(MaskTable(cases, metrics, bootstrap, seed), sides), len(cases.names))


def compare(judge: Judge, runs: int) -> dict[str, Any]:
    """Compare the sides of a judge, each with each.

    Args:
        judge: with the runs' results.
        runs: how many there are.

    Returns:
        ``n, groups, structures`` (those judged) or ``classes, multilabel, primary, values`` ({metric: {"mean", "per_structure"
        or "per_class"}}, each a list with ``value, ci95`` of every run), ``sides, pairs, family, families, notes``; where a
        side has several runs, ``spread`` ({metric: as ``values``}, lists with ``mean, sd, lowest, highest`` of every side). A pair
        has ``a, b`` (indices of the sides, which are the runs where no recipe was trained twice), ``metrics`` in the same
        form, each a cell (see :class:`laudo.evaluate.compared_table.ComparedTable` and :mod:`laudo.evaluate.judges`), and
        ``verdict`` (see :func:`laudo.evaluate.paired_verdict.verdict`) of the primary metric; ``verdicts`` of every metric of
        the first family whose whole is tested. Cells that are tested have ``p_holm``.
    """
    table, sides = judge.table, judge.sides
    pairs = [_pair(judge, a, b) for a, b in combinations(range(len(sides)), 2)]
    sizes = [_correct(table, pairs, family) for family in table.families]
    for pair in pairs:
        _same_of_one_structure(table, pair)
        pair["verdicts"] = {
            metric: _verdict(judge, pair, metric, sizes[0]) for metric, place in table.families[0] if place is None
        }
        pair["verdict"] = pair["verdicts"][table.primary]
    n, groups = judge.size
    several = any(side.several for side in sides)
    return {
        "n": n,
        "groups": groups,
        **table.facts(),
        "primary": table.primary,
        "tested": [metric for metric, place in table.families[0] if place is None],
        "values": _of_all(table, lambda metric, place: [judge.estimate(run, metric, place) for run in range(runs)]),
        "sides": [_side(side) for side in sides],
        **({"spread": _of_all(table, lambda m, p: [judge.spread(side, m, p) for side in sides])} if several else {}),
        "pairs": pairs,
        "family": {"metric": table.primary, "tests": sizes[0], "method": "holm"},
        "families": [
            {"tests": size, "claims": [{"metric": metric, "place": place} for metric, place in family]}
            for size, family in zip(sizes, table.families, strict=True)
        ],
        "notes": judge.notes(),
    }


def _of_all(table: ComparedTable, at: Any) -> dict[str, Any]:
    """What a function of metric and place gives, in the form of ``values``."""
    return {
        metric: table.by_place(metric, {place: at(metric, place) for place in table.of_metric(metric)})
        for metric in table.metrics
    }


def _side(side: Side) -> dict[str, Any]:
    return {
        "name": side.name,
        "runs": list(side.runs),
        "seeds": [{"training": training, "split": split} for training, split in side.seeds],
    }


def _pair(judge: Judge, a: int, b: int) -> dict[str, Any]:
    one, other = judge.sides[a], judge.sides[b]
    return {
        "a": a,
        "b": b,
        "metrics": _of_all(judge.table, lambda metric, place: judge.cell(one, other, metric, place)),
    }


def _at(table: ComparedTable, pair: dict[str, Any], metric: str, place: str | None) -> Cell:
    entry = pair["metrics"][metric]
    found: Cell = entry["mean"] if place is None else entry[table.per][place]
    return found


def _correct(table: ComparedTable, pairs: Sequence[dict[str, Any]], family: Sequence[tuple[str, str | None]]) -> int:
    """Put ``p_holm`` into the cells of a family, over all pairs; the number of tests."""
    cells = [_at(table, pair, metric, place) for pair in pairs for metric, place in family]
    cells = [cell for cell in cells if cell["p"] is not None]
    for cell, p in zip(cells, holm([cell["p"] for cell in cells]), strict=True):
        cell["p_holm"] = p
    return len(cells)


def _same_of_one_structure(table: ComparedTable, pair: dict[str, Any]) -> None:
    """Of one structure the mean is the same test."""
    entry = pair["metrics"][table.primary]
    if len(entry[table.per]) == 1:
        (only,) = entry[table.per].values()
        only["p_holm"] = entry["mean"].get("p_holm")


def _verdict(judge: Judge, pair: dict[str, Any], metric: str, tests: int) -> dict[str, Any]:
    a, b = judge.sides[pair["a"]], judge.sides[pair["b"]]
    cell = pair["metrics"][metric]["mean"]
    of_signs = cell.get("method") in {"exact", "normal", "mcnemar", "exchange_exact", "exchange_normal"}
    able = None if cell["value"] is None else judge.detectable(a, b, cell, metric, max(1, tests))
    return verdict(cell, metric, tests, smallest_p(cell["groups"]) if of_signs else 0.0, able)
