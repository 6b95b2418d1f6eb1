"""The sentences of the methods paragraph on training: loss, rates, phases, averages, ensembles, and which weights were kept."""

from __future__ import annotations

from laudo.core.recipe import Recipe
from laudo.report.citations import AVERAGING, FOCAL, OPTIMISERS, POLYNOMIAL, cite, with_citation
from laudo.report.citations_of_methods import COSINE, SMOOTHING
from laudo.report.context import Evidence
from laudo.report.voice import Voice
from laudo.train.phases import phase_recipes


def training_text(evidence: Evidence, recipe: Recipe, voice: Voice) -> list[str]:
    """How the weights were found; a sentence each. Nothing where a classical classifier was fitted."""
    _ = voice.gettext
    training = recipe.training
    if recipe.network.classifier != "dense":
        return (
            [_("Classes were weighted by the inverse of their frequency.")]
            if training.class_weights == "balanced" and recipe.network.classifier != "knn"
            else []
        )
    optimiser = {"adam": "Adam", "adamw": "AdamW", "sgd": "SGD"}[training.optimizer] + cite(
        OPTIMISERS.get(training.optimizer)
    )
    sentence = (
        _("The network was trained with {optimiser} (batch size {batch}) for at most {epochs} in phases, seed {seed}.")
        if training.phases
        else _(
            "The network was trained with {loss} and {optimiser} (learning rate {rate}, batch size {batch}) for at "
            "most "
            "{epochs}, seed {seed}."
        )
    )
    text = [
        sentence.format(
            loss=_loss(recipe, voice),
            optimiser=optimiser,
            rate=voice.short(training.learning_rate),
            batch=training.batch_size,
            epochs=voice.epochs(training.epochs_in_all),
            seed=training.seed,
        )
    ]
    text += _rates(recipe, voice) + _phases(recipe, voice) + _balance(recipe, voice) + schedule_text(recipe, voice)
    return text + averaging_text(recipe, voice) + kept_text(evidence, recipe, voice) + _ensemble(recipe, voice)


def _loss(recipe: Recipe, voice: Voice) -> str:
    """Name of the loss of a training, or of one phase of it."""
    _ = voice.gettext
    training, output = recipe.training, recipe.network.output
    loss = _("cross-entropy") if output == "softmax" else _("binary cross-entropy")
    if training.loss == "focal":
        loss = _("focal loss (alpha {alpha}, gamma {gamma})").format(
            alpha=voice.short(training.focal_alpha), gamma=voice.short(training.focal_gamma)
        ) + cite(FOCAL)
    return _("{loss} of each label").format(loss=loss) if output == "multilabel" else loss


def _balance(recipe: Recipe, voice: Voice) -> list[str]:
    """What was done about weights, targets and classes."""
    _ = voice.gettext
    training = recipe.training
    text = []
    if training.weight_decay:
        text.append(_("Weight decay was {value}.").format(value=voice.short(training.weight_decay)))
    if training.label_smoothing:
        smoothing = voice.short(training.label_smoothing) + cite(SMOOTHING)
        text.append(_("Labels were smoothed by {value}.").format(value=smoothing))
    if not training.phases and training.class_weights == "balanced":
        text.append(_class_weights(recipe, voice))
    if training.sampling == "balanced":
        text.append(_("Images were drawn so that every class came equally often."))
    return text


def _class_weights(recipe: Recipe, voice: Voice) -> str:
    _ = voice.gettext
    if recipe.network.output == "multilabel":
        return _("Each label was weighted so that the images with it counted as much as those without.")
    return _("Classes were weighted by the inverse of their frequency.")


def schedule_text(recipe: Recipe, voice: Voice) -> list[str]:
    """How the learning rate went."""
    _ = voice.gettext
    training = recipe.training
    text = []
    if training.warmup_epochs:
        text.append(
            _("The learning rate rose to its value over {epochs}.").format(epochs=voice.epochs(training.warmup_epochs))
        )
    if training.schedule == "cosine":
        text.append(with_citation(_("The learning rate followed a cosine."), COSINE))
    elif training.schedule == "poly":
        text.append(_("The learning rate fell with (1 − share of the epochs)^0.9") + cite(POLYNOMIAL) + ".")
    elif training.schedule == "plateau":
        text.append(
            # the patience is what is borne: the next epoch without progress halves the rate
            _("The learning rate was halved after {epochs} without a lower validation loss.").format(
                epochs=voice.epochs(training.plateau_patience + 1)
            )
        )
    return text


def kept_text(evidence: Evidence, recipe: Recipe, voice: Voice) -> list[str]:
    """When it stopped, and which weights became the model."""
    _ = voice.gettext
    training = recipe.training
    text = []
    watched = _watched(recipe, voice)
    if training.early_stopping and not training.phases:
        stopped = evidence.status.get("reason") == "early_stopping"
        sentence = (
            _("Training stopped after {epochs} without a better {figure}.")
            if stopped
            else _("Training was to stop after {epochs} without a better {figure}.")
        )
        text.append(sentence.format(epochs=voice.epochs(training.early_stopping), figure=watched))
    if training.keep == "last":
        text.append(_("The weights of the last epoch were kept."))
    elif training.watch == "loss" and len({phase.training.loss for phase in phase_recipes(recipe)}) > 1:
        text.append(_("The weights of the epoch of the last phase with the lowest validation loss were kept."))
    elif training.watch == "loss":
        text.append(_("The weights of the epoch with the lowest validation loss were kept."))
    else:
        text.append(_("The weights of the epoch with the highest {figure} were kept.").format(figure=watched))
    return text


def _watched(recipe: Recipe, voice: Voice) -> str:
    _ = voice.gettext
    return {
        "loss": _("validation loss"),
        "accuracy": _("validation accuracy"),
        "balanced_accuracy": _("balanced accuracy on validation"),
        "auc_roc": _("AUC on validation"),
        "dice": _("Dice on validation"),
    }[recipe.training.watch]


def _rates(recipe: Recipe, voice: Voice) -> list[str]:
    _ = voice.gettext
    training = recipe.training
    text = []
    if training.backbone_learning_rate is not None and not training.phases:
        text.append(
            _("The backbone's layers had a learning rate of {rate}.").format(
                rate=voice.short(training.backbone_learning_rate)
            )
        )
    if training.layer_decay < 1:
        text.append(
            _(
                "From each group of the backbone's layers to the one below it, the rate was multiplied by {factor}."
            ).format(factor=voice.short(training.layer_decay))
        )
    if training.micro_batch is not None and training.micro_batch < training.batch_size:
        text.append(
            _("To save memory each batch was computed in pieces of {n}, their gradients added up.").format(
                n=training.micro_batch
            )
        )
    return text


def _phases(recipe: Recipe, voice: Voice) -> list[str]:
    """What each phase did in its own way; nothing without phases."""
    _ = voice.gettext
    if not recipe.training.phases:
        return []
    text = []
    for number, phase in enumerate(phase_recipes(recipe), start=1):
        share, training = phase.network.trainable, phase.training
        if share == 0:
            what = _("the head and the blocks alone") if recipe.network.blocks else _("the head alone")
        elif share == 1:
            what = _("the whole network")
        else:
            what = _("the head and the last {share} of the backbone's layers").format(share=voice.percent(share))
        text.append(
            _("Phase {n} trained {what} for at most {epochs} at a learning rate of {rate}, with {loss}.").format(
                n=number,
                what=what,
                epochs=voice.epochs(training.epochs),
                rate=voice.short(training.learning_rate),
                loss=_loss(phase, voice),
            )
        )
        if training.backbone_learning_rate is not None and share > 0:
            text.append(
                _("Its rate for the backbone was {rate}.").format(rate=voice.short(training.backbone_learning_rate))
            )
        if training.class_weights == "balanced":
            text.append(_class_weights(recipe, voice))
        if training.early_stopping:
            text.append(
                _("It was to end after {epochs} without a better {figure}.").format(
                    epochs=voice.epochs(training.early_stopping), figure=_watched(recipe, voice)
                )
            )
    if len(recipe.training.phases) > 1:
        text.append(_("Each phase began with the weights that the one before it had kept."))
    return text


def averaging_text(recipe: Recipe, voice: Voice) -> list[str]:
    """Over which steps or epochs the weights are a mean."""
    _ = voice.gettext
    training = recipe.training
    if training.averaging == "ema":
        text = _(
            "The weights that were judged and kept are an exponential moving average over the steps (decay {decay})."
        )
        return [text.format(decay=voice.short(training.averaging_decay))]
    if training.averaging == "swa":
        text = _("The weights that were judged and kept are the mean over the epochs after the first {share} of them")
        return [text.format(share=voice.percent(training.averaging_from)) + cite(AVERAGING) + "."]
    return []


def _ensemble(recipe: Recipe, voice: Voice) -> list[str]:
    _ = voice.gettext
    if recipe.training.ensemble == 1:
        return []
    trained = _(
        "{n} networks were trained so, each with another fold of the training and validation images left out, by which it was "
        "stopped."
    )
    found = [trained.format(n=voice.integer(recipe.training.ensemble))]
    if recipe.network.companions:
        found.append(
            _(
                "The validation figures are out of fold: each image was judged by the network, and the classifiers beside it, "
                "that had not been trained on its group; their settings were chosen on that fold too."
            )
        )
    else:
        found.append(_("The answer is the mean of their probabilities."))
        found.append(
            _(
                "The validation figures are out of fold: each image was judged by the network that had not been trained on its "
                "group."
            )
        )
    return found
