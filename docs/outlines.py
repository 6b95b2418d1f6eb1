"""Write docs/outlines.md: what finished runs of the recipes that outline structures have measured.

    python docs/outlines.py path/to/runs > docs/outlines.md

Every figure is copied from a metrics.json, beside it the recipe's settings that were changed. Runs that are not finished are named.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finished_runs import FinishedRun, find_runs

SHOWN = {"dice": "Dice", "iou": "IoU", "hd95_mm": "HD95", "assd_mm": "mean surface distance", "nsd": "surface Dice"}
SEED_LIST = {
    "dice": "Dice",
    "iou": "IoU",
    "voxel_sensitivity": "sensitivity",
    "voxel_specificity": "specificity",
    "voxel_precision": "precision",
    "voxel_accuracy": "accuracy",
}
PARTS = {"pooled": "folds, pooled", "test": "test part", "val": "validation part", "train": "training part"}


def estimate(metric: dict[str, Any] | None) -> str:
    """``0.888 (0.880–0.896)``."""
    value = (metric or {}).get("value")
    if value is None:
        return "–"
    ends = (metric or {}).get("ci95")
    return f"{value:.3f}" + (f" ({ends[0]:.3f}–{ends[1]:.3f})" if ends and None not in ends else "")


def table(runs: Sequence[FinishedRun]) -> list[str]:
    """A row a run: the mean over its structures."""
    rows = [
        f"| run | recipe | settings that differ | judged on | {' | '.join(SHOWN.values())} | minutes |",
        "|---|---|---|---|" + "---|" * len(SHOWN) + "---|",
    ]
    for run in runs:
        changed = ", ".join(f"`{one}`" for one in run.changed) or "none"
        scores = " | ".join(estimate(run.result["metrics"].get(name)) for name in SHOWN)
        judged = f"{run.result['n']} cases, {PARTS[run.part]}"
        rows.append(f"| {run.name} | `{run.recipe.name}` | {changed} | {judged} | {scores} | {minutes(run)} |")
    return rows


def minutes(run: FinishedRun) -> str:
    """Of the whole run, and of a fold where there are several."""
    seconds = run.status.get("seconds")
    if not isinstance(seconds, int | float):
        return "–"
    folds = len(run.models) if run.part == "pooled" else 1
    return f"{seconds / 60:.0f}" + (f" ({seconds / 60 / folds:.0f} a fold)" if folds > 1 else "")


def details(run: FinishedRun) -> list[str]:
    """Each structure in the published list of metrics, and the class where one is named."""
    lines = [f"### {run.name}", "", run.recipe.description, ""]
    environment = run.environment
    lines += [
        f"{environment.get('device')}, {environment.get('cores')} cores, {environment.get('precision')}, "
        f"laudo {environment.get('laudo')}.",
        "",
    ]
    lines += [f"| structure | n | {' | '.join(SEED_LIST.values())} |", "|---|---|" + "---|" * len(SEED_LIST)]
    for name, one in run.result["per_class"].items():
        values = [(one.get(key) or {}).get("value") for key in SEED_LIST]
        cells = " | ".join("–" if value is None else f"{value:.3f}" for value in values)
        lines.append(f"| {name} | {one['dice'].get('n', one['n'])} | {cells} |")
    named = run.result.get("label")
    if named:
        lines += [
            "",
            f"Class that the network names: accuracy {estimate(named['metrics'].get('accuracy'))}, n = {named['n']}.",
        ]
    return [*lines, ""]


def page(runs: Sequence[FinishedRun]) -> str:
    """The whole of docs/outlines.md."""
    mine = [run for run in runs if run.recipe.outlines]
    finished = [run for run in mine if run.is_finished]
    lines = [
        "# Outlines, measured",
        "",
        "Written by `python docs/outlines.py path/to/runs`; every figure is copied from a run's metrics.json. Means are over"
        " structures and cases, intervals 95 %, by bootstrap over groups. HD95 and the mean surface distance are in mm, of"
        " pictures without a spacing in pixels; surface Dice at the recipe's tolerance.",
        "",
        *table(finished),
        "",
    ]
    left = [run.name for run in mine if not run.is_finished]
    if left:
        lines += [f"Not finished: {', '.join(left)}.", ""]
    for run in finished:
        lines += details(run)
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit(__doc__)
    sys.stdout.write(page(find_runs(Path(sys.argv[1]))))
