"""One trial: train in its own run folder and judge the validation part, or inner folds; never the test part."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from laudo.core.environment import describe_environment
from laudo.core.errors import RunError
from laudo.core.manifest import Manifest
from laudo.core.mask_scores import MaskScores
from laudo.core.messages import _
from laudo.core.predictions import Predictions
from laudo.core.recipe import Recipe
from laudo.core.run import Run
from laudo.evaluate.evaluate import evaluate
from laudo.evaluate.segmentation import evaluate_masks
from laudo.train.loop import Deadline, Fitted
from laudo.workflows.classifier_learner import ClassifierLearner
from laudo.workflows.finish_masks import chosen_model
from laudo.workflows.judge import predict_part, threshold_of
from laudo.workflows.learner import Learner
from laudo.workflows.mask_learner import MaskLearner
from laudo.workflows.outline_part import outline_part
from laudo.workflows.start_learner import start_learner
from laudo.workflows.tune.material import Material

JUDGED = "val"
"""Part, in the files of a trial, whose figures choose: the validation part, or all inner folds together."""
ENDED_EARLY = ("max_minutes", "given_up")

Scored = Predictions | MaskScores


@dataclass(frozen=True)
class Outcome:
    """How a trial ended.

    Attributes:
        reason: `finished`, `given_up` (pruned) or `max_minutes`.
        value: of the metric; None unless finished.
        facts: n, groups, interval, epochs, seconds, of folds their values.
    """

    reason: str
    value: float | None
    facts: dict[str, Any]


def run_trial(
    recipe: Recipe, material: Material, run: Run, metric: str, folds: int | None, deadline: Deadline
) -> Outcome:
    """Train and judge a trial, or go on where its folder was left.

    Args:
        recipe: of the trial.
        material: what it learns from.
        run: its folder, which this process has locked.
        metric: whose value is wanted.
        folds: number of inner folds; None: the validation part judges.
        deadline: stops or gives up after an epoch.

    Raises:
        LaudoError: these settings can not be trained, or their figure is not defined.
    """
    samples = material.samples(recipe)
    parts = material.parts(samples.manifest)
    run.begin(recipe)
    parts.save(run.manifest_path)
    environment = describe_environment(str(samples.device), samples.precision, manifest=parts.content_hash())
    run.write_json("environment", environment)
    learner = start_learner(recipe, samples)
    if folds is None:
        outcome = _validated(run, learner, parts, metric, deadline)
    else:
        outcome = _cross_validated(run, learner, material.folds(parts, folds), metric, deadline)
    if outcome.reason == "finished":
        run.set_state("finished", reason="trial", **outcome.facts)
        clear_checkpoints(run)
    else:
        run.set_state("stopped", reason=outcome.reason, **outcome.facts)
    return outcome


def _validated(run: Run, learner: Learner[Any], parts: Manifest, metric: str, deadline: Deadline) -> Outcome:
    parts = learner.parts(parts)
    learner = learner.for_split(parts)
    fitted = learner.train(run, parts, deadline)
    facts = {"epochs": len(fitted.epochs), "seconds": _seconds(fitted)}
    if fitted.reason in ENDED_EARLY:
        return Outcome(fitted.reason, None, facts)
    scores = _judge(run, learner, parts, None)
    entry = _entry(scores, metric)
    return Outcome(
        "finished",
        entry["value"],
        {**facts, "best_epoch": fitted.kept_epoch, "ci95": entry["ci95"], "n": scores["n"], "groups": scores["groups"]},
    )


def _cross_validated(
    run: Run, learner: Learner[Any], folds: list[tuple[Manifest, np.ndarray]], metric: str, deadline: Deadline
) -> Outcome:
    """Mean over folds; pruning looks at the first one alone, since only there every trial has its epochs."""
    values: list[float] = []
    scored: list[Scored] = []
    facts: dict[str, Any] = {"epochs": 0, "seconds": 0.0}
    for number, (manifest, rows) in enumerate(folds, start=1):
        place = Run(run.folder / f"fold-{number}")
        place.begin(learner.recipe)
        parts = learner.parts(manifest)
        one = learner.for_split(parts)
        fitted = one.train(place, parts, deadline if number == 1 else Deadline(deadline.at))
        facts["epochs"] += len(fitted.epochs)
        facts["seconds"] = round(facts["seconds"] + _seconds(fitted), 1)
        if fitted.reason in ENDED_EARLY:
            return Outcome(fitted.reason, None, facts)
        scores = _judge(place, one, parts, rows)
        values.append(_entry(scores, metric)["value"])
        scored.append(_scored(place, one))
        place.set_state("finished", reason="trial", epochs=len(fitted.epochs))
    pooled = _pooled(run, scored, learner.recipe)
    facts |= {"folds": values, "n": pooled["n"], "groups": pooled["groups"], "ci95": None}
    return Outcome("finished", fmean(values), facts)


def _judge(run: Run, learner: Learner[Any], parts: Manifest, rows: np.ndarray | None) -> dict[str, Any]:
    """Figures of the validation part, or of the rows of a fold; the predictions are written.

    Rows of a fold were neither trained on nor have they chosen anything. Those of the validation part have chosen the epoch, and
    may have chosen the threshold: alike in every trial.
    """
    evaluation, seed = learner.recipe.evaluation, learner.recipe.split.seed
    if isinstance(learner, MaskLearner):
        model = chosen_model(learner, parts, {})
        judged = parts
        if rows is not None:
            column = np.full(len(parts), "", dtype=object)
            column[rows] = JUDGED
            judged = parts.with_columns(split=column)
        precision = learner.dataset.precision
        masks = outline_part(run, model, judged, JUDGED, evaluation.nsd_tolerance_mm, precision)
        scores = evaluate_masks(masks, evaluation.bootstrap, seed)
    else:
        assert isinstance(learner, ClassifierLearner), "there are two kinds"
        threshold, _rule = threshold_of(learner, parts)
        if rows is None:
            predictions = predict_part(learner, parts, JUDGED, threshold)
        else:
            table = parts.table.iloc[rows]
            answers = learner.predict(rows)
            predictions = Predictions.build(table, answers, parts.classes, threshold, parts.separator)
        predictions.save(run.predictions_path(JUDGED))
        scores = evaluate(predictions, evaluation.bootstrap, seed)
    run.write_json("metrics", {JUDGED: scores})
    return scores


def _pooled(run: Run, scored: list[Scored], recipe: Recipe) -> dict[str, Any]:
    """All folds together, written as the trial's own."""
    evaluation, seed = recipe.evaluation, recipe.split.seed
    masks = [one for one in scored if isinstance(one, MaskScores)]
    labels = [one for one in scored if isinstance(one, Predictions)]
    if masks:
        together = MaskScores.concatenate(masks)
        together.save(run.predictions_path(JUDGED))
        scores = evaluate_masks(together, evaluation.bootstrap, seed)
    else:
        predictions = Predictions.concatenate(labels)
        predictions.save(run.predictions_path(JUDGED))
        scores = evaluate(predictions, evaluation.bootstrap, seed)
    run.write_json("metrics", {JUDGED: scores})
    return scores


def _scored(run: Run, learner: Learner[Any]) -> Scored:
    return run.mask_scores(JUDGED) if isinstance(learner, MaskLearner) else run.predictions(JUDGED)


def _entry(scores: dict[str, Any], metric: str) -> dict[str, Any]:
    """Value and interval of the metric.

    Raises:
        RunError: it is not defined here.
    """
    entry: dict[str, Any] = scores["metrics"].get(metric) or {"value": None}
    if entry["value"] is None:
        raise RunError(
            _("The figure by which the search chooses is not defined here."),
            found=metric,
            cure=_("Choose another one with --set tune.metric=…, or a larger validation part."),
        )
    return entry


def _seconds(fitted: Fitted) -> float:
    return round(sum(float(line.get("seconds") or 0.0) for line in fitted.epochs), 1)


def clear_checkpoints(run: Run) -> None:
    """A trial that is over needs no checkpoints: the best settings are trained anew."""
    for place in (run, *run.folds()):
        shutil.rmtree(place.checkpoints, ignore_errors=True)


def finished_value(run: Run, folds: int | None, metric: str) -> Outcome | None:
    """The outcome of a trial that was finished in its folder but not told to the data base; None when it was not."""
    try:
        status = json.loads((run.folder / "status.json").read_text(encoding="utf-8"))
        scores = run.json("metrics")[JUDGED]
    except (OSError, ValueError, KeyError, RunError):
        return None
    if status.get("state") != "finished" or status.get("reason") != "trial":
        return None
    facts = {name: value for name, value in status.items() if name not in ("state", "reason")}
    if folds is not None:
        return Outcome("finished", fmean(facts["folds"]), facts) if facts.get("folds") else None
    entry = scores["metrics"].get(metric) or {"value": None}
    return None if entry["value"] is None else Outcome("finished", entry["value"], facts)
