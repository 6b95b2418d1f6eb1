"""Answers of the commands: the JSON object, and the same for a person to read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from laudo.cli.console import PARTLY_DONE, Answer
from laudo.core.messages import LOCALE_OF, _, current_language

if TYPE_CHECKING:
    import pandas as pd

    from laudo.core.run import Run

SHOWN = ("accuracy", "balanced_accuracy", "sensitivity", "specificity", "auc_roc", "brier")
"""Figures on the screen after a training; the report has them all."""
SHOWN_OF_MASKS = ("dice", "iou", "hd95_mm", "nsd", "lesion_sensitivity", "accuracy", "balanced_accuracy")
"""The same of a network that outlines structures; the last two are of the class, where it names one."""


def number(value: float | None, digits: int = 3) -> str:
    """A figure in the reader's form."""
    from babel.numbers import format_decimal

    if value is None:
        return "–"
    return format_decimal(value, format="0." + "0" * digits, locale=LOCALE_OF[current_language()])


def run_answer(run: Run) -> Answer:
    """State of a run and its main figures."""
    state = run.state()
    metrics = run.optional_json("metrics") or {}
    part = "pooled" if "pooled" in metrics else run.recipe().evaluation.headline
    facts: dict[str, Any] = {
        "run": str(run.folder),
        "report": str(run.report_path),
        **state,
        "part": part,
        "n": metrics.get(part, {}).get("n"),
        "metrics": metrics.get(part, {}).get("metrics", {}),
    }
    if "leakage" in metrics:
        facts["leakage"] = metrics["leakage"]

    def show(console: Console) -> None:
        if part in metrics:
            _print_metrics(console, part, metrics[part])
        if "leakage" in metrics:
            _print_leakage(console, metrics["leakage"])
        if state["state"] == "stopped":
            console.print(Text(_("Stopped when the time was over; go on with --resume."), style="bold"))
        console.print(Text.assemble((_("Report: "), "bold"), str(run.report_path)))

    return facts, show, PARTLY_DONE if state["state"] == "stopped" else 0


def metrics_answer(part: str, scores: dict[str, Any]) -> Answer:
    """Figures of one part."""
    return {"part": part, **scores}, lambda console: _print_metrics(console, part, scores), 0


def _print_metrics(console: Console, part: str, scores: dict[str, Any]) -> None:
    from laudo.evaluate.notes import metric_name

    title = _("{part} (images: {n}, groups: {groups})").format(part=part, n=scores["n"], groups=scores["groups"])
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("")
    table.add_column(_("value"), justify="right")
    table.add_column(_("95 % interval"), justify="right")
    for name in SHOWN_OF_MASKS if scores.get("kind") == "segmentation" else SHOWN:
        entry = scores["metrics"].get(name)
        if entry is not None:
            low, high = entry["ci95"] or (None, None)
            interval = "–" if low is None else f"{number(low)}–{number(high)}"
            unit = _unit(scores.get("length_unit", "mm")) if name.endswith("_mm") else ""
            table.add_row(metric_name(name, _) + unit, number(entry["value"]), interval)
    console.print(table)


def _unit(length_unit: str) -> str:
    return f" ({'mm' if length_unit == 'mm' else _('pixels')})"


def _print_leakage(console: Console, leakage: dict[str, Any]) -> None:
    difference = leakage["difference"]["accuracy"]
    low, high = difference["ci95"] or (None, None)
    console.print(
        _(
            "What leakage was worth: accuracy {random} with copies in both parts, {grouped} without; difference {difference} "
            "(95 % interval {low} to {high}), same {n} images."
        ).format(
            random=number(leakage["random"]["accuracy"]["value"]),
            grouped=number(leakage["grouped"]["accuracy"]["value"]),
            difference=number(difference["value"]),
            low=number(low),
            high=number(high),
            n=leakage["images"],
        )
    )


UNLIKE = 99
"""Per cent of the validation images that an image must lie beyond to be told of."""


def predictions_answer(rows: pd.DataFrame, out: Path) -> Answer:
    """How many files were predicted; broken ones are named."""
    broken = rows[rows["error"] != ""]
    counts = _named(rows)
    masks = {"masks": str(out / "masks")} if "mask" in rows else {}
    unlike = rows["file"][rows["ood"] > UNLIKE].tolist() if "ood" in rows else None
    facts = {
        "files": len(rows),
        "predicted": counts,
        "broken": broken["file"].tolist(),
        **({} if unlike is None else {"unlike": unlike}),
        "table": str(out / "predictions.csv"),
        **masks,
    }

    def show(console: Console) -> None:
        for _index, row in broken.iterrows():
            console.print(Text.assemble((_("not read: "), "yellow"), f"{row['file']}: {row['error']}"))
        done = ", ".join(f"{name} {n}" for name, n in counts.items()) or "–"
        console.print(
            _("Files predicted: {n} of {total} ({counts})").format(
                n=len(rows) - len(broken), total=len(rows), counts=done
            )
        )
        if unlike:
            text = _("Unlike the training images (column ood above {limit}): {n} of {total}")
            console.print(Text(text.format(limit=UNLIKE, n=len(unlike), total=len(rows) - len(broken)), "yellow"))
        if masks:
            console.print(Text.assemble((_("Masks: "), "bold"), masks["masks"]))
        console.print(Text.assemble((_("Table: "), "bold"), str(out / "predictions.csv")))

    code = 0 if broken.empty else 2 if len(broken) == len(rows) else PARTLY_DONE
    return facts, show, code


def _named(rows: pd.DataFrame) -> dict[str, int]:
    """Number of images of each class that was predicted; without classes, of images in which each structure was found."""
    if "predicted" in rows:
        return {str(name): int(n) for name, n in rows["predicted"].value_counts().items()}
    start = "voxels:"
    return {str(c).removeprefix(start): int((rows[c] > 0).sum()) for c in rows if str(c).startswith(start)}


def explanations_answer(cases: list[dict[str, Any]], out: Path) -> Answer:
    """What was explained."""
    broken = [case for case in cases if case["error"]]
    facts = {"cases": cases, "folder": str(out)}

    def show(console: Console) -> None:
        for case in cases:
            if case["error"]:
                console.print(Text.assemble((_("not read: "), "yellow"), f"{case['file']}: {case['error']}"))
            else:
                text = _("{file}: {predicted} ({probability}), map of {target} in {overlay}")
                console.print(Text(text.format(**{**case, "probability": number(case["probability"])})))

    return facts, show, 0 if not broken else 2 if len(broken) == len(cases) else PARTLY_DONE


def file_answer(name: str, path: Path) -> Answer:
    """Where something was written."""
    return files_answer({name: path})


def files_answer(paths: dict[str, Path]) -> Answer:
    """Where things were written, by name."""

    def show(console: Console) -> None:
        for path in paths.values():
            console.print(Text(str(path)))

    return {name: str(path) for name, path in paths.items()}, show, 0


def table_answer(rows: dict[str, Any]) -> Answer:
    """Names and values."""

    def show(console: Console) -> None:
        width = max(len(name) for name in rows)
        for name, value in rows.items():
            console.print(Text.assemble((f"{name:<{width}}  ", "dim"), str(value)))

    return rows, show, 0


def plan_answer(plan: dict[str, Any]) -> Answer:
    """What a training would do."""
    return table_answer(plan)
