"""The methods paragraph of a paper, made from the recipe that was run, so that it says what was done."""

from __future__ import annotations

from collections.abc import Callable

from laudo.core.recipe import Network, Recipe
from laudo.report.citations import FOCAL, OPTIMISERS, SOURCES, SQUEEZE_EXCITATION, backbone_key
from laudo.report.context import Evidence
from laudo.report.methods_preparation import preparation_text
from laudo.report.sanity import pooled_sanity
from laudo.report.voice import Voice

Writer = Callable[[Evidence, Recipe, Voice], list[str]]


def methods_text(evidence: Evidence, voice: Voice) -> list[str]:
    """Paragraphs, with citation keys in square brackets; empty when there is no recipe."""
    recipe = evidence.recipe
    if recipe is None:
        return []
    writers: tuple[Writer, ...] = (_data, preparation_text, _network, _training, _evaluation, _explanation)
    paragraphs = (" ".join(write(evidence, recipe, voice)) for write in writers)
    return [text for text in paragraphs if text]


def _cite(key: str | None) -> str:
    return f" [{key}]" if key else ""


def _data(evidence: Evidence, recipe: Recipe, voice: Voice) -> list[str]:
    _ = voice.gettext
    source = recipe.data.source + _cite(SOURCES.get(recipe.data.source))
    manifest = evidence.manifest
    if manifest is None:
        text = [_("The images came from the data set {source}.").format(source=source)]
    else:
        counts = manifest.table["label"].value_counts()
        classes = voice.join([f"{name}: {voice.integer(counts.get(name, 0))}" for name in manifest.classes])
        text = [
            _("We used {images} of the data set {source} ({classes}).").format(
                images=voice.images(len(manifest)), source=source, classes=classes
            )
        ]
    if recipe.split.by in {"group", "duplicates"}:
        text.append(
            _("Identical and near-identical images were found and each cluster of copies was treated as one group.")
        )
    else:
        text.append(_("Copies of images were not taken into account."))
    if recipe.split.by == "official":
        return [*text, *_official_split(evidence, recipe, voice)]
    by = {
        "group": _("by group, so that no group stood in two parts"),
        "patient": _("by patient, so that no patient stood in two parts"),
        "duplicates": _("by cluster of copies, so that no image stood in two parts"),
    }.get(recipe.split.by, _("at random, image by image"))
    stratified = _("stratified by class") if recipe.split.stratified else _("without stratification")
    if evidence.is_cross_validation:
        text.append(
            _(
                "The images were divided into {k} folds {by}, {stratified} (seed {seed}); each fold was judged by a "
                "model trained "
                "and tuned on the others, and the predictions were pooled."
            ).format(k=len(evidence.run.folds()), by=by, stratified=stratified, seed=recipe.split.seed)
        )
        text += _repeats(recipe, voice)
    else:
        text.append(
            _(
                "They were divided {by}, {stratified}, with {test} for testing and {validation} for validation (seed "
                "{seed})."
            ).format(
                by=by,
                stratified=stratified,
                test=voice.percent(recipe.split.test),
                validation=voice.percent(recipe.split.validation),
                seed=recipe.split.seed,
            )
        )
    return text


def _official_split(evidence: Evidence, recipe: Recipe, voice: Voice) -> list[str]:
    _ = voice.gettext
    if evidence.is_cross_validation:
        text = _(
            "The {k} folds are those that the authors of the data set made; each fold was judged by a model trained and "
            "tuned on the others, and the predictions were pooled."
        ).format(k=len(evidence.run.folds()))
    else:
        text = _(
            "The parts are those that the authors of the data set made; where they made no validation part, {validation} "
            "of the images were taken from training for it, by group (seed {seed})."
        ).format(validation=voice.percent(recipe.split.validation), seed=recipe.split.seed)
    return [text, *_repeats(recipe, voice)] if evidence.is_cross_validation else [text]


def _repeats(recipe: Recipe, voice: Voice) -> list[str]:
    _ = voice.gettext
    if recipe.split.repeats == 1:
        return []
    text = _("The whole was repeated {n} times with other seeds; the figures are those of the first.")
    return [text.format(n=voice.integer(recipe.split.repeats))]


def _network(evidence: Evidence, recipe: Recipe, voice: Voice) -> list[str]:
    _ = voice.gettext
    network = recipe.network
    backbone = network.backbone + _cite(backbone_key(network.backbone))
    start = _("with random weights") if network.weights == "none" else _("with pretrained weights")
    if network.trainable == 0:
        text = [
            _("The network {backbone} {start} was used as a fixed feature extractor.").format(
                backbone=backbone, start=start
            )
        ]
    elif network.trainable == 1:
        text = [_("The network {backbone} {start} was trained throughout.").format(backbone=backbone, start=start)]
    else:
        text = [
            _("Of the network {backbone} {start}, the last {share} of the layers were trained.").format(
                backbone=backbone, start=start, share=voice.percent(network.trainable)
            )
        ]
    text += _from_map_to_head(network, voice)
    head = network.head
    if head.normalise:
        text.append(_("The pooled features were standardised with their mean and deviation in the training part."))
    if head.dropout:
        text.append(_("Dropout of {value} was used in the head.").format(value=voice.short(head.dropout)))
    if head.l2:
        text.append(_("The head's kernels had an L2 penalty of {value}.").format(value=voice.short(head.l2)))
    if evidence.model.get("parameters"):
        text.append(
            _("The network has {all} parameters, of which {trained} were trained.").format(
                all=voice.integer(evidence.model["parameters"]),
                trained=voice.integer(evidence.model.get("trainable_parameters") or 0),
            )
        )
    return text


def _from_map_to_head(network: Network, voice: Voice) -> list[str]:
    _ = voice.gettext
    text = []
    if network.blocks:
        names = {
            "pdf": _("a block of parallel dilated convolutions"),
            "se": _("a squeeze-and-excitation block") + _cite(SQUEEZE_EXCITATION),
        }
        blocks = voice.join([names[name] for name in network.blocks])
        text.append(_("Its feature maps went through {blocks}, trained with the head.").format(blocks=blocks))
    outputs = _("a sigmoid output") if network.output == "sigmoid" else _("a softmax output")
    head = network.head
    widths = voice.join([str(width) for width in head.hidden])
    if network.pooling == "flatten":
        if head.hidden:
            passed = _(
                "Its feature maps were flattened and passed to fully connected layers of {widths} units (ReLU) and "
                "{outputs}."
            ).format(widths=widths, outputs=outputs)
        else:
            passed = _("Its feature maps were flattened and passed to {outputs}.").format(outputs=outputs)
    else:
        pooling = {"average": _("average"), "max": _("maximum"), "average+max": _("average and maximum")}[
            network.pooling
        ]
        if head.hidden:
            passed = _(
                "Its feature maps were pooled ({pooling}) and passed to fully connected layers of {widths} units "
                "(ReLU) and {outputs}."
            ).format(pooling=pooling, widths=widths, outputs=outputs)
        else:
            passed = _("Its feature maps were pooled ({pooling}) and passed to {outputs}.").format(
                pooling=pooling, outputs=outputs
            )
    return [*text, passed]


def _training(evidence: Evidence, recipe: Recipe, voice: Voice) -> list[str]:
    _ = voice.gettext
    training = recipe.training
    optimiser = {"adam": "Adam", "adamw": "AdamW", "sgd": "SGD"}[training.optimizer] + _cite(
        OPTIMISERS.get(training.optimizer)
    )
    loss = _("binary cross-entropy") if recipe.network.output == "sigmoid" else _("cross-entropy")
    if training.loss == "focal":
        loss = _("focal loss (alpha {alpha}, gamma {gamma})").format(
            alpha=voice.short(training.focal_alpha), gamma=voice.short(training.focal_gamma)
        ) + _cite(FOCAL)
    text = [
        _(
            "The network was trained with {loss} and {optimiser} (learning rate {rate}, batch size {batch}) for at "
            "most "
            "{epochs}, seed {seed}."
        ).format(
            loss=loss,
            optimiser=optimiser,
            rate=voice.short(training.learning_rate),
            batch=training.batch_size,
            epochs=voice.epochs(training.epochs),
            seed=training.seed,
        )
    ]
    if training.weight_decay:
        text.append(_("Weight decay was {value}.").format(value=voice.short(training.weight_decay)))
    if training.label_smoothing:
        text.append(_("Labels were smoothed by {value}.").format(value=voice.short(training.label_smoothing)))
    if training.class_weights == "balanced":
        text.append(_("Classes were weighted by the inverse of their frequency."))
    if training.schedule == "cosine":
        text.append(_("The learning rate followed a cosine."))
    elif training.schedule == "plateau":
        text.append(
            # the patience is what is borne: the next epoch without progress halves the rate
            _("The learning rate was halved after {epochs} without a lower validation loss.").format(
                epochs=voice.epochs(training.plateau_patience + 1)
            )
        )
    if training.early_stopping:
        stopped = evidence.status.get("reason") == "early_stopping"
        sentence = (
            _("Training stopped after {epochs} without a better validation loss.")
            if stopped
            else _("Training was to stop after {epochs} without a better validation loss.")
        )
        text.append(sentence.format(epochs=voice.epochs(training.early_stopping)))
    if training.keep == "best":
        text.append(_("The weights of the epoch with the lowest validation loss were kept."))
    else:
        text.append(_("The weights of the last epoch were kept."))
    return text


def _evaluation(evidence: Evidence, recipe: Recipe, voice: Voice) -> list[str]:
    _ = voice.gettext
    evaluation = recipe.evaluation
    text = []
    threshold = _threshold(evidence, voice)
    if threshold:
        text.append(threshold)
    if evaluation.flip:
        text.append(_("Predictions were averaged over each image and its mirror image."))
    if evidence.headline == "val":
        text.append(_("Figures are quoted from the validation part; there was no separate test part."))
    elif not evidence.is_cross_validation:
        text.append(
            _("The test part was used once, after all choices had been made.")
            if evidence.is_finished
            else _(
                "The run was not finished: the test part was judged with the model as it stood, and may be judged "
                "again when the run goes on."
            )
        )
    text.append(
        _("95 % intervals were obtained by bootstrap [efron1993] with {n} resamples of the groups.").format(
            n=voice.integer(evaluation.bootstrap)
        )
    )
    text.append(
        _("Networks were run with PyTorch [paszke2019] and timm [wightman2019], through laudo {version}.")
        .format(version=evidence.environment.get("laudo", ""))
        .replace(" .", ".")
    )
    return text


def _threshold(evidence: Evidence, voice: Voice) -> str:
    _ = voice.gettext
    if len(evidence.classes) != 2:
        return _("The class with the largest probability was the answer.") if evidence.classes else ""
    sentences = {
        "validation": _("The threshold was chosen on the validation part for the best balanced accuracy."),
        "half": _("The threshold was 0.5."),
        "fallback": _("The threshold was 0.5, because no cut on the validation part was better than chance."),
        "mixed": _(
            "Each fold's threshold was chosen on its validation part for the best balanced accuracy, or was 0.5 where "
            "no cut was better than chance."
        ),
    }
    return sentences.get(evidence.threshold_rule or "", "")


def _explanation(evidence: Evidence, _recipe: Recipe, voice: Voice) -> list[str]:
    _ = voice.gettext
    if not evidence.explained:
        return []
    first = evidence.explained[0].data
    text = [
        _("Class-activation maps were made with {method} [selvaraju2020] at layer {layer}.").format(
            method=first.get("method", "Grad-CAM"), layer=first.get("layer", "?")
        )
    ]
    sanity = pooled_sanity(evidence)
    if sanity:
        text.append(
            _(
                "Whether they depend on the weights was tested by cascading randomisation [adebayo2018] on {images}."
            ).format(images=voice.images(int(sanity.get("n") or 0)))
        )
    return text
