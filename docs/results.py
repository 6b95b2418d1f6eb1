"""Write docs/results.md: the published figures of the classification systems beside those of finished runs.

    python docs/results.py path/to/runs > docs/results.md

Runs lie anywhere below the folder; each is known by the name in its recipe.yaml. Every figure but the published ones is copied
from a metrics.json. What was not run says so.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finished_runs import GROUPED, FinishedRun, Json, find_runs

from laudo.core.recipe import Recipe
from laudo.core.recipe_file import load_recipe, shipped_recipes

NOT_RUN = "not run here"
METRICS = {"accuracy": "accuracy", "auc_roc": "AUC", "balanced_accuracy": "balanced accuracy", "f1_macro": "macro F1"}
OTHER = {
    "f1": "F1",
    "auc_pr": "area under the precision–recall curve",
    "brier": "Brier score",
    "log_loss": "log-loss",
    "ece": "expected calibration error",
}
CLASS_COLUMNS = ("precision", "sensitivity", "f1")
MANY_CLASSES = 3


@dataclass(frozen=True)
class System:
    """A published system: a row of the table.

    Attributes:
        title: of the row.
        metric: that is compared.
        published: the published value.
        n: images that the published figure is of.
        wrong: what is wrong with the published figure.
        recipe: ours; the published procedure is ``<recipe>-as-published``.
        groups: descriptors of the published variant (texture, image), where one recipe repeats several.
        better: further recipes of ours for the same question.
        beside: further metrics that are quoted of the same procedure here.
    """

    title: str
    metric: str
    published: float
    n: str
    wrong: str
    recipe: str
    groups: frozenset[str] = frozenset()
    better: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()

    @property
    def procedure(self) -> str:
        """Name of the recipe that repeats the published procedure."""
        return f"{self.recipe}-as-published"

    def repeats(self, recipe: Recipe) -> bool:
        """Whether a recipe repeats this published variant."""
        return recipe.name == self.procedure and (not self.groups or _groups(recipe) == self.groups)


def _groups(recipe: Recipe) -> frozenset[str]:
    """Kinds of descriptors as the published table names them: "image" are those of grey levels and colours."""
    return frozenset("texture" if name == "texture" else "image" for name in recipe.network.descriptors)


KNN = "unscaled descriptors, and one class only is ever answered"
BOTH_CLASSES = ("sensitivity", "specificity")
"""One of them is 0 where one class only is ever answered."""
SYSTEMS = (
    System("kaggle-vgg19", "accuracy", 0.903, "about 53", "by image, though a third of the images has a copy; the part that is"
           " quoted is called validation", "kaggle-vgg19"),
    System("figshare-cnn", "accuracy", 0.94, "614", "by slice: slices of one patient stand on both sides; training was stopped by"
           " the part that is quoted", "figshare-cnn"),
    System("medpix modality, KNN on texture", "accuracy", 0.50, "200", KNN, "medpix-modality-knn", frozenset({"texture"}),
           beside=BOTH_CLASSES),
    System("medpix modality, KNN on image", "accuracy", 0.61, "200", "unscaled descriptors", "medpix-modality-knn",
           frozenset({"image"}), beside=BOTH_CLASSES),
    System("medpix modality, KNN on both", "accuracy", 0.50, "200", KNN, "medpix-modality-knn",
           frozenset({"texture", "image"}), beside=BOTH_CLASSES),
    System("medpix modality, network", "accuracy", 0.98, "200", "no part to choose the epochs on", "medpix-modality-resnet50",
           better=("medpix-modality-image-text",)),
    System("medpix location, image only", "accuracy", 0.57, "200", "no part to choose the epochs on; supports do not belong to the"
           " class names beside them", "medpix-location-resnet50"),
    System("medpix location, image and text", "accuracy", 0.78, "1653", "it is the figure of the training part",
           "medpix-location-clip", better=("medpix-location-image-text",), beside=("f1_macro",)),
    System("busuc, AUC", "auc_roc", 0.638, "122", "by image, copies not looked for; everything outside the outline is erased;"
           " validation and test images are changed at random too", "busuc-efficientnet-pdf-se",
           better=("busuc-lesion",)),
    System("busuc, accuracy", "accuracy", 0.582, "122", "as above", "busuc-efficientnet-pdf-se", better=("busuc-lesion",)),
)  # fmt: skip


def estimate(metric: Json | None, n: object) -> str:
    """``0.939 (0.921–0.955), n = 614``; without an interval, without the brackets."""
    value = (metric or {}).get("value")
    if value is None:
        return "not defined"
    ends = (metric or {}).get("ci95")
    interval = f" ({ends[0]:.3f}–{ends[1]:.3f})" if ends and None not in ends else ""
    return f"{value:.3f}{interval}, n = {n}"


def quoted(run: FinishedRun, metric: str) -> str:
    """The quoted figure of a run, and of which part it is."""
    parts = {
        "pooled": f"{len(run.models)} folds",
        "val": "validation part",
        "test": "test part",
        "train": "training part",
    }
    return f"{estimate(run.result['metrics'].get(metric), run.result.get('n'))}; {parts[run.part]}"


def cells(system: System, runs: Sequence[FinishedRun]) -> list[str]:
    """Same procedure, honest split, ours, weights."""
    mine = [run for run in runs if run.is_finished]
    repeated = [run for run in mine if system.repeats(run.recipe)]
    shipped = load_recipe(system.procedure) if system.procedure in shipped_recipes() else None
    official = shipped is not None and shipped.split.by in GROUPED
    same = [run for run in repeated if official or not run.is_grouped]
    honest = [quoted(run, system.metric) for run in repeated if run.is_grouped and not official]
    honest += [text for run in same if (text := _leakage(run, system.metric))]
    best = [run for run in mine if run.recipe.name in (system.recipe, *system.better)]
    honest += [text for run in same if (text := _own_test(run, system.metric))]
    if not honest and same and all(run.recipe.split.by == "official" for run in same):
        honest = ["the same: its split is the authors' own"]
    weights = dict.fromkeys(run.weights for run in (*repeated, *best))
    return [
        _lines([quoted(run, system.metric) + _beside(run, system) + _asked(run) for run in same]),
        _lines(honest),
        _lines(
            [f"`{run.recipe.name}` {quoted(run, system.metric)}{_beside(run, system)}{_asked(run)}" for run in best]
        ),
        "<br>".join(weights) or "–",
    ]


def _beside(run: FinishedRun, system: System) -> str:
    """Further metrics of the quoted part."""
    values = [(name, (run.result["metrics"].get(name) or {}).get("value")) for name in system.beside]
    return "".join(f"; {METRICS.get(name, name)} {value:.3f}" for name, value in values if value is not None)


def _asked(run: FinishedRun) -> str:
    """Settings that differ from the shipped recipe, in brackets, for the narrow table."""
    heads = (
        "network.backbone=",
        "network.text=",
        "network.blocks=",
        "network.descriptors=",
        "network.companions=",
        "network.classical.standardise=",
        "data.label=",
        "split.by=",
        "training.epochs=",
        "training.ensemble=",
    )
    shown = [one for one in run.changed if one.startswith(heads)]
    more = len([one for one in run.changed if not one.startswith(("network.weights=", *heads))])
    if more:
        shown.append(f"{more} more setting{'s' * (more > 1)}, below")
    return f" [{', '.join(shown)}]" if shown else ""


def _own_test(run: FinishedRun, metric: str) -> str:
    """The test figure of a run that quotes its training part."""
    test = run.metrics.get("test") or {}
    found = (test.get("metrics") or {}).get(metric)
    return f"{estimate(found, test.get('n'))}; test part of the same run" if run.part == "train" and found else ""


def _leakage(run: FinishedRun, metric: str) -> str:
    block = run.metrics.get("leakage") or {}
    found = (block.get("grouped") or {}).get(metric)
    return f"{estimate(found, block.get('images'))}; {block.get('folds')} folds" if found else ""


def _lines(texts: Sequence[str]) -> str:
    return "<br>".join(texts) or NOT_RUN


def table(runs: Sequence[FinishedRun]) -> list[str]:
    """The table of all systems."""
    rows = [
        "| system | metric | published | what is wrong with it | same procedure here | honest split here | ours | weights |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in SYSTEMS:
        published = f"{one.published:.3f}".rstrip("0") if one.published != 0.5 else "0.50"
        start = [one.title, METRICS[one.metric], f"{published}, n = {one.n}", one.wrong]
        rows.append("| " + " | ".join([*start, *cells(one, runs)]) + " |")
    return rows


def details(run: FinishedRun) -> list[str]:
    """Everything else that is known of a run, as Markdown."""
    result = run.result
    found = [f"### {run.name}", ""]
    changed = ", ".join(f"`{one}`" for one in run.changed) or "none"
    groups = f" of {result['groups']} groups" if result.get("groups") else ""
    found += [
        f"- {run.recipe.description}",
        f"- recipe `{run.recipe.name}`; settings that differ from the shipped one: {changed}",
        f"- quoted: {run.part}, {result.get('n')} images{groups}",
        f"- weights: {run.weights}",
        *[f"- {text}" for text in chosen(run)],
        *[f"- {text}" for text in on_validation(run)],
        f"- {effort(run)}",
        "",
        "| metric | value (95 % interval) |",
        "|---|---|",
    ]
    for name, metric in result["metrics"].items():
        if metric.get("value") is not None:
            found.append(f"| {(METRICS | OTHER).get(name, name)} | {estimate(metric, result.get('n'))} |")
    return [*found, *per_side(run), *per_fold(run), *per_class(run), *repeats(run), ""]


def chosen(run: FinishedRun) -> list[str]:
    """What validation has decided, from the runs' own records."""
    texts = []
    rules = {str(model["threshold_rule"]) for model in run.models if model.get("threshold_rule")}
    cuts = [f"{model['threshold']:.3f}" for model in run.models if isinstance(model.get("threshold"), float)]
    if cuts:
        texts.append(f"threshold ({', '.join(sorted(rules))}): {', '.join(cuts)}")
    epochs = [str(model["best_epoch"]) for model in run.models if model.get("best_epoch")]
    if epochs:
        texts.append(f"epoch kept, by {run.recipe.training.watch} on validation: {', '.join(epochs)}" if
                     run.recipe.training.keep == "best" else f"last epoch kept: {', '.join(epochs)}")  # fmt: skip
    if run.recipe.training.ensemble > 1:
        texts.append(f"ensemble of {run.recipe.training.ensemble}; its validation figures are out of fold")
    for model in run.models:
        classical = model.get("classical")
        if isinstance(classical, dict) and isinstance(classical.get("tried"), list) and classical["tried"]:
            index = classical.get("chosen")
            one = classical["tried"][index] if isinstance(index, int) else index
            tried = len(classical["tried"])
            texts.append(f"{tried} candidate{'s' * (tried > 1)} tried on validation, chosen: {_plain(one)}")
    asked = [f"{one.classifier} on {one.learns_from}" for one in run.recipe.network.companions]
    if asked:
        texts.append(f"beside each network: {', '.join(asked)}")
    return texts


def on_validation(run: FinishedRun) -> list[str]:
    """Figures of the validation part, by which variants of a recipe can be compared without looking at what is quoted."""
    if run.part == "val":
        return []
    texts = []
    for name in ("accuracy", "auc_roc"):
        values = [value for one in run.validation if (value := (one.get(name) or {}).get("value")) is not None]
        if values:
            each = f" ({', '.join(_three(value) for value in values)})" if len(values) > 1 else ""
            texts.append(f"{METRICS[name]} {_three(sum(values) / len(values))}{each}")
    return [f"on validation, by which variants are chosen: {'; '.join(texts)}"] if texts else []


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        names = METRICS | OTHER
        return ", ".join(
            _plain(inner) if isinstance(inner, dict) else f"{names.get(key, key)} {_plain(inner)}"
            for key, inner in value.items()
        )
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def effort(run: FinishedRun) -> str:
    """Minutes, device, cores and precision."""
    seconds, environment = run.status.get("seconds"), run.environment
    minutes = f"{seconds / 60:.1f} minutes" if isinstance(seconds, int | float) else "time not recorded"
    where = f"{environment.get('device', 'device not recorded')}, {environment.get('cores', '?')} cores"
    return f"{minutes} on {where}, {environment.get('precision', 'precision not recorded')}, laudo {environment.get('laudo', '?')}"


def per_side(run: FinishedRun) -> list[str]:
    """Image and text, each alone; nothing where no text is read."""
    part = ((run.metrics.get("sides") or {}).get("parts") or {}).get(run.part)
    if not part:
        return []
    names = ("accuracy", "f1_macro")
    titles = {"image": "image alone", "text": "text alone", "masked": "both, without the words that name a class"}
    sides = [("image and text", run.result), *[(titles[key], one) for key, one in part["of"].items()]]
    rows = [
        f"| {title} | " + " | ".join(estimate(one["metrics"].get(name), one["n"]) for name in names) + " |"
        for title, one in sides
    ]
    named = f"Of {part['n']} texts {part['texts_that_name_a_class']} hold a word that names a class."
    return ["", f"| answer from | {' | '.join(METRICS[name] for name in names)} |", "|---|---|---|", *rows, "", named]


def per_fold(run: FinishedRun) -> list[str]:
    """The figures of each fold; nothing for a single training."""
    folds = run.metrics.get("folds")
    if not isinstance(folds, dict):
        return []
    names = [name for name in METRICS if name in folds]
    k = max((len(folds[name]["values"]) for name in names), default=0)
    head = ["", f"| fold | {' | '.join(METRICS[name] for name in names)} |", "|---|" + "---|" * len(names)]
    rows = [
        f"| {fold + 1} | {' | '.join(_three(folds[name]['values'][fold]) for name in names)} |" for fold in range(k)
    ]
    spread = [f"{_three(folds[name].get('mean'))} ± {_three(folds[name].get('std'))}" for name in names]
    return [*head, *rows, f"| mean ± deviation | {' | '.join(spread)} |"]


def per_class(run: FinishedRun) -> list[str]:
    """Support and figures of each class, where there are more than two."""
    classes = run.result.get("per_class") or {}
    if len(classes) < MANY_CLASSES:
        return []
    head = ["", f"| class | n | {' | '.join(CLASS_COLUMNS)} |", "|---|---|" + "---|" * len(CLASS_COLUMNS)]
    rows = [
        f"| {name} | {one.get('n')} | {' | '.join(_three((one.get(key) or {}).get('value')) for key in CLASS_COLUMNS)} |"
        for name, one in sorted(classes.items(), key=lambda pair: -int(pair[1].get("n") or 0))
    ]
    absent = [name for name, one in classes.items() if not one.get("n")]
    note = ["", f"No image of {', '.join(absent)} was judged: no mean counts them."] if absent else []
    return [*head, *rows, *note]


def repeats(run: FinishedRun) -> list[str]:
    """Figures of each repeat of a cross-validation."""
    found = run.metrics.get("repeats")
    if not isinstance(found, dict):
        return []
    texts = [
        f"{METRICS[name]} {', '.join(_three(v) for v in found[name]['values'])}" for name in METRICS if name in found
    ]
    return ["", f"Repeats ({found.get('n')}): {'; '.join(texts)}"]


def _three(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def page(runs: Sequence[FinishedRun]) -> str:
    """The whole of docs/results.md."""
    names = {name for one in SYSTEMS for name in (one.recipe, one.procedure, *one.better)}
    mine = [run for run in runs if run.recipe.name in names]
    lines = [
        "# Published figures and ours",
        "",
        "Written by `python docs/results.py path/to/runs`. Published figures are quoted; every other one is copied from a run's"
        " metrics.json. Intervals are 95 %, by bootstrap over groups. Where several runs of one recipe lie in the folder, each is"
        " shown: none is picked by its result.",
        "",
        *table(mine),
        "",
    ]
    left = [run.name for run in mine if not run.is_finished]
    if left:
        lines += [f"Not finished, so not shown: {', '.join(left)}.", ""]
    finished = [run for run in mine if run.is_finished]
    return "\n".join(
        [*lines, *(["## Run by run", ""] if finished else []), *[t for run in finished for t in details(run)]]
    )


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit(__doc__)
    print(page(find_runs(Path(sys.argv[1]))))
