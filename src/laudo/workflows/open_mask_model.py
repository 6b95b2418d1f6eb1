"""The model of a run that outlines structures; of a cross-validation, its folds' networks together."""

from __future__ import annotations

from dataclasses import replace

from laudo.core.errors import RunError
from laudo.core.messages import _
from laudo.core.run import Run
from laudo.networks.precision import choose_device
from laudo.predict.mask_model import MaskModel, load_mask_model
from laudo.predict.ood_score import OodScore
from laudo.workflows.open_model import all_finished


def open_mask_model(run: Run) -> MaskModel:
    """The model of a run folder; that of a cross-validation answers by the mean of its folds' probabilities.

    Structures keep the post-processing that every fold has chosen; where the folds disagree, none is done.

    Raises:
        RunError: there is none, a fold is not finished, or the folds' networks can not answer together.
    """
    folds = run.folds()
    if not folds or run.model_path.is_file():
        return load_mask_model(run, choose_device())
    all_finished(run, folds)
    models = [load_mask_model(fold, choose_device()) for fold in folds]
    first = models[0]
    if any(one.prepare != first.prepare or one.structures != first.structures for one in models):
        raise RunError(
            _("The models of these folds can not answer together: each prepares its images in its own way."),
            file=run.folder,
            cure=_("Name a fold, such as {fold}.").format(fold=folds[0].folder),
        )
    rules = [rule for rule in first.post_processing.rules if all(rule in one.post_processing.rules for one in models)]
    return replace(
        first,
        networks=tuple(network for model in models for network in model.networks),
        ood=OodScore.together([model.ood for model in models]),
        post_processing=replace(first.post_processing, rules=tuple(rules)),
    )
