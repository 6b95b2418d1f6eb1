"""After the training of a classifier: judge it, keep it, explain it."""

from __future__ import annotations

from dataclasses import replace

from laudo.core.manifest import Manifest
from laudo.core.run import Run
from laudo.explain.cases import Pictures, explain_cases
from laudo.train.loop import Deadline, Fitted
from laudo.workflows.calibrated import Calibrated, calibrated
from laudo.workflows.classifier_learner import ClassifierLearner
from laudo.workflows.fused_learner import FusedLearner
from laudo.workflows.judge import judge, milestones, threshold_of
from laudo.workflows.judge_sides import judge_sides
from laudo.workflows.leakage import leakage_worth
from laudo.workflows.ood import fit_ood, record_ood


def finish_classifier(
    run: Run, learner: ClassifierLearner, manifest: Manifest, fitted: Fitted, deadline: Deadline
) -> bool:
    """Write predictions, metrics, model and maps.

    Returns:
        Whether time ran out before everything that the recipe asks for was there.
    """
    recipe = learner.recipe
    answering = calibrated(learner, manifest)
    threshold, rule = threshold_of(answering, manifest)
    metrics = judge(run, answering, manifest, threshold)
    if found := milestones(run, learner, manifest, fitted, recipe):
        metrics["milestones"] = found
    networks = learner.looking(manifest)
    ood = fit_ood(recipe, networks)
    if ood is not None:
        metrics["ood"] = record_ood(run, ood, networks, manifest, recipe)
    run.write_json("metrics", metrics)
    facts = {
        "threshold_rule": rule,
        "best_epoch": fitted.kept_epoch,
        "source": manifest.source,
        "recipe": recipe.name,
        "separator": manifest.separator,
    }
    model = replace(learner.model(manifest.classes, threshold, {**learner.facts, **facts}), ood=ood)
    if isinstance(answering, Calibrated):
        model = replace(model, calibration=answering.temperature.as_dict())
    model.save(run)
    _explain(run, learner, manifest)
    stopped = fitted.reason == "max_minutes"
    if isinstance(learner, FusedLearner) and not stopped:
        sides = judge_sides(run, learner, manifest, deadline)
        stopped = sides is None
        run.write_json("metrics", {**metrics, **({"sides": sides} if sides else {})})
    if recipe.evaluation.leakage_check and not stopped:
        worth = leakage_worth(run, learner, manifest, run.predictions(recipe.evaluation.headline), deadline)
        stopped = worth is None
        run.write_json("metrics", {**metrics, **({"leakage": worth} if worth else {})})
    return stopped


def _explain(run: Run, learner: ClassifierLearner, manifest: Manifest) -> None:
    """Draw class-activation maps of the part that is quoted, where the learner has a network that they can be drawn of."""
    evaluation = learner.recipe.evaluation
    if learner.explained is None or not evaluation.explained_cases:
        return
    position = {name: index for index, name in enumerate(manifest.table["sample"])}
    dataset = learner.dataset
    found = explain_cases(
        run,
        learner.explained,
        run.predictions(evaluation.headline),
        Pictures(dataset.images, position, dataset.prepare, learner.descriptors),
        evaluation.explained_cases,
        evaluation.sanity_cases,
    )
    run.write_json("explanations", found)
