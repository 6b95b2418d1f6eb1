"""The result of a search: a recipe ready for training, tune.json with every trial, and one page."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

import laudo
from laudo.core.atomic import write_json, write_text
from laudo.core.messages import _
from laudo.core.recipe_file import dump_recipe
from laudo.core.run import Run
from laudo.report.tune_page import write_tune_page
from laudo.report.voice import Voice
from laudo.workflows.tune.board import FACTS, Board
from laudo.workflows.tune.optimism import optimism

NAMES = {
    TrialState.COMPLETE: "finished",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "open",
    TrialState.WAITING: "open",
}
FEW_PER_KEY = 4
"""With fewer finished trials a key the importance of keys is not worked out: it would be noise."""


@dataclass(frozen=True)
class Ending:
    """A search as far as it has come.

    Attributes:
        board: of the search.
        out: its folder.
        metric: by which it chooses.
        folds: number of inner folds, or None.
        language: of the page.
    """

    board: Board
    out: Path
    metric: str
    folds: int | None
    language: str


def write_result(ending: Ending) -> dict[str, Any]:
    """Write tune.json, tune.html and, when a trial is finished, recipe.yaml; what tune.json holds."""
    result = gather_result(ending)
    write_json(ending.out / "tune.json", result)
    if result["best"] is not None:
        write_text(ending.out / "recipe.yaml", best_recipe(ending, result))
    write_tune_page(ending.out, result, Voice(ending.language))
    return result


def gather_result(ending: Ending) -> dict[str, Any]:
    """Every trial, the best one, what choosing it is worth, and what mattered."""
    board, search = ending.board, ending.board.search
    frozen = board.trials()
    trials = [_row(ending, one) for one in frozen]
    finished = [row for row in trials if row["state"] == "finished"]
    best = _best(finished, search.higher)
    counts = {name: sum(row["state"] == name for row in trials) for name in ("finished", "pruned", "failed", "open")}
    runs = [Run(ending.out / row["folder"]) for row in finished]
    values = [row["value"] for row in finished]
    tune = search.space.recipe.tune
    return {
        "laudo": laudo.__version__,
        "recipe": search.space.recipe.name,
        "study": search.study,
        "data_base": board.address.shown,
        "state": "stopped" if counts["open"] else "finished",
        "sampler": search.sampler,
        "population": search.population if search.sampler == "genetic" else None,
        "seed": tune.seed,
        "pruning": tune.pruning,
        "metric": ending.metric,
        "higher": search.higher,
        "folds": ending.folds,
        "wanted": search.trials,
        "counts": counts,
        "ranges": search.space.facts(),
        "own": search.sampler != "grid" and search.space.own() is not None,
        "trials": trials,
        "best": None if best is None else best["number"],
        "optimism": optimism(runs, values, ending.metric, search.higher, tune.seed),
        "importance": importance(board.study(), frozen),
    }


def best_recipe(ending: Ending, result: dict[str, Any]) -> str:
    """YAML of the recipe with the best values, and where they come from."""
    space = ending.board.search.space
    best = result["trials"][result["best"] - 1]
    recipe = space.recipe_with(best["values"])
    recipe = recipe.model_copy(update={"name": f"{recipe.name}-tuned"})
    lines = [
        _("Found by laudo tune {recipe} --sampler {sampler}: trial {number} of {n}, seed {seed}.").format(
            recipe=result["recipe"],
            sampler=result["sampler"],
            number=best["number"],
            n=len(result["trials"]),
            seed=result["seed"],
        ),
        _(
            "{metric} of {part}: {value}; as the best of {n} it looks better than it is, so judge it on the test part:"
        ).format(
            metric=result["metric"],
            part=_("the validation part") if result["folds"] is None else _("the inner folds"),
            value=f"{best['value']:.4f}",
            n=result["counts"]["finished"],
        ),
        "  laudo train recipe.yaml",
        _("Values that the search has chosen:"),
        *[f"  {key}: {value}" for key, value in best["values"].items()],
    ]
    return "".join(f"# {line}\n" for line in lines) + dump_recipe(recipe)


def importance(study: optuna.Study, trials: list[FrozenTrial]) -> dict[str, Any]:
    """Share of the differences between trials that each key accounts for, by fANOVA.

    Hutter F, Hoos H, Leyton-Brown K. An efficient approach for assessing hyperparameter importance. ICML 2014.

    Returns:
        ``{"why_not": …}``: `one_key`, `few` (finished trials) or `equal` (they all have the same value); else
        ``{"method": "fanova", "keys": {key: share}}``.
    """
    done = [one for one in trials if one.state == TrialState.COMPLETE]
    keys = {key for one in done for key in one.params}
    if len(keys) == 1:
        return {"why_not": "one_key"}
    if len(done) < max(8, FEW_PER_KEY * len(keys)):
        return {"why_not": "few"}
    if math.isclose(max(one.value or 0.0 for one in done), min(one.value or 0.0 for one in done)):
        return {"why_not": "equal"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {"method": "fanova", "keys": {key: round(float(share), 4) for key, share in found.items()}}


def _row(ending: Ending, trial: FrozenTrial) -> dict[str, Any]:
    space = ending.board.search.space
    facts = dict(trial.user_attrs.get(FACTS, {}))
    folder = f"trial-{trial.number + 1:04d}"
    drawn = set(trial.params) == set(space.ranges)
    return {
        "number": trial.number + 1,
        "state": NAMES[trial.state],
        "value": trial.value if trial.state == TrialState.COMPLETE else None,
        "values": space.values(trial.params) if drawn else {},
        "shown": {key: trial.params[key] for key in space.ranges if key in trial.params},
        "folder": folder,
        "here": (ending.out / folder).is_dir(),
        "curve": [[step, value] for step, value in sorted(trial.intermediate_values.items()) if math.isfinite(value)],
        **{name: facts.get(name) for name in ("ci95", "n", "groups", "folds", "epochs", "best_epoch", "seconds")},
        "why": {name: facts[name] for name in ("error", "what", "found") if facts.get(name)},
    }


def _best(finished: list[dict[str, Any]], higher: bool) -> dict[str, Any] | None:
    """Of equals the earliest."""
    if not finished:
        return None
    return min(finished, key=lambda row: (-row["value"] if higher else row["value"], row["number"]))
