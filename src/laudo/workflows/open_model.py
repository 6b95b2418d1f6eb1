"""The model of a run; of a cross-validation, its folds' models together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from laudo.core.errors import RunError
from laudo.core.messages import _
from laudo.core.predictions import Predictions, Threshold
from laudo.core.run import Run
from laudo.evaluate.cases import group_codes
from laudo.evaluate.temperature import fit_temperature, scale
from laudo.evaluate.threshold import choose_threshold, choose_thresholds
from laudo.networks.classifier import Classifier
from laudo.networks.companions import Companions
from laudo.networks.ensemble import Ensemble
from laudo.networks.precision import choose_device
from laudo.predict.model import Model, load_model, temperature_of
from laudo.predict.ood_score import OodScore
from laudo.workflows.calibrated import RAW
from laudo.workflows.judge import wanted_rate


def open_model(run: Run) -> Model:
    """The model of a run folder. That of a cross-validation is the mean of its folds' networks.

    The pooled figures of a cross-validation are of single folds' models; their mean is one more model, that only images from
    elsewhere can judge.

    Raises:
        RunError: there is none, a fold is not finished, or the folds' models can not be averaged.
    """
    folds = run.folds()
    if not folds or run.model_path.is_file():
        return load_model(run, choose_device())
    all_finished(run, folds)
    models = [load_model(fold, choose_device()) for fold in folds]
    first = models[0]
    if any(model.classical is not None or model.text is not None or model.prepare != first.prepare for model in models):
        raise RunError(
            _(
                "The models of these folds can not be averaged: each prepares its images or reads its texts in its own way, or is "
                "no network."
            ),
            file=run.folder,
            cure=_("Name a fold, such as {fold}.").format(fold=folds[0].folder),
        )
    members = [member for model in models for member in _networks(model)]
    companions = Companions.together([model.companions for model in models])
    together = replace(
        first,
        classifier=Ensemble(members).eval(),
        companions=companions,
        ood=OodScore.together([model.ood for model in models]),
        calibration=None if first.calibration is None else _calibration(folds, first),
    )
    return replace(together, threshold=_threshold(run, folds, together))


def all_finished(run: Run, folds: list[Run]) -> None:
    """Refuse a mean of some folds, or of half-trained ones: it is not what the cross-validation was asked for.

    Raises:
        RunError: names a fold that is not finished.
    """
    done = {fold.folder.name for fold in folds if fold.state()["state"] == "finished"}
    for number in range(1, int(run.manifest().table["fold"].max()) + 1):
        if f"fold-{number}" not in done:
            raise run.damaged(run.folder, _("fold {n} is not finished").format(n=number))


def _networks(model: Model) -> list[Classifier]:
    if isinstance(model.classifier, Ensemble):
        return model.classifier.networks
    return [] if model.classifier is None else [model.classifier]


def _calibration(folds: list[Run], model: Model) -> dict[str, Any]:
    """Of the mean of the folds' networks: fitted on the validation answers of all, each of its own fold's networks."""
    answers = _validation(folds, RAW)
    groups, _unknown = group_codes(answers.groups.tolist())
    return fit_temperature(answers.probabilities, answers.truth, groups, model.separator is not None).as_dict()


def _validation(folds: list[Run], kind: str = "") -> Predictions:
    return Predictions.concatenate([fold.predictions(f"val-{kind}" if kind else "val") for fold in folds])


def _threshold(run: Run, folds: list[Run], model: Model) -> Threshold:
    """Chosen on the validation answers of all folds, as the recipe says."""
    if model.threshold is None or run.recipe().evaluation.threshold == "half":
        return model.threshold
    wanted = wanted_rate(run.recipe())
    answers = _validation(folds, "" if model.calibration is None else RAW)
    probabilities = scale(answers.probabilities, temperature_of(model.calibration), model.separator is not None)
    if isinstance(model.threshold, tuple):
        return tuple(one.value for one in choose_thresholds(probabilities, answers.truth, wanted))
    return choose_threshold(probabilities[:, 1], answers.truth, wanted).value
