"""The sentences of the methods paragraph on a network that outlines structures: network, loss, training, inference, metrics."""

from __future__ import annotations

from laudo.core.recipe import MaskLoss, Recipe
from laudo.report.citations import FOCAL, OPTIMISERS, cite, mask_loss_keys, with_citation
from laudo.report.citations_of_masks import DEEP_SUPERVISION, NETWORKS, WINDOWS
from laudo.report.citations_of_methods import CHECKPOINTING, CLIPPING
from laudo.report.context import Evidence
from laudo.report.methods_training import averaging_text, kept_text, schedule_text
from laudo.report.methods_unlike import unlike_text
from laudo.report.metrics_of_masks import size_unit
from laudo.report.voice import Voice


def mask_network_text(evidence: Evidence, recipe: Recipe, voice: Voice) -> list[str]:
    """What outlines, and what its outputs stand for; a sentence each."""
    _ = voice.gettext
    network = recipe.network
    names = {
        "unet2d": _("a two-dimensional U-Net"),
        "unet3d": _("a three-dimensional U-Net"),
        "planned_unet": _("a U-Net planned from the patch as nnU-Net does"),
        "dynunet": _("MONAI's DynUNet"),
        "segresnet": _("MONAI's SegResNet"),
        "swinunetr": _("MONAI's Swin UNETR"),
    }
    name = names.get(network.backbone, network.backbone) + cite(*NETWORKS.get(network.backbone, ()))
    text = [
        _("The structures were outlined by {network}, which started from random weights.").format(network=name)
        if network.weights == "none"
        else _("The structures were outlined by {network}, which started from weights trained before.").format(
            network=name
        )
    ]
    if network.filters:
        widths = voice.join([str(width) for width in network.filters])
        text.append(_("Its levels have {widths} channels, from the finest down.").format(widths=widths))
    text.append(
        _("Each nested region has a sigmoid output of its own.")
        if recipe.data.regions
        else _("Its outputs are background and one for each structure, with softmax.")
    )
    if recipe.data.regions:
        regions = [
            f"{one} ({_('values')} {', '.join(map(str, values))})" for one, values in recipe.data.regions.items()
        ]
        text.append(_("The regions are {names}.").format(names=voice.join(regions)))
    if evidence.names_classes:
        text.append(
            _("A classifier on its deepest features names the class.")
            if network.label_head
            else _(
                "The structures are the classes: the class is read off the mask, each voxel voting with its probability of a "
                "class, weighted by its probability of being marked at all."
            )
        )
    if evidence.model.get("parameters"):
        text.append(
            _("The network has {all} parameters, of which {trained} were trained.").format(
                all=voice.integer(evidence.model["parameters"]),
                trained=voice.integer(evidence.model.get("trainable_parameters") or 0),
            )
        )
    return text


def mask_training_text(evidence: Evidence, recipe: Recipe, voice: Voice) -> list[str]:
    """How the weights were found; a sentence each."""
    _ = voice.gettext
    training = recipe.training
    optimiser = {"adam": "Adam", "adamw": "AdamW", "sgd": "SGD"}[training.optimizer]
    sentence = _(
        "The network was trained with {loss} and {optimiser} (learning rate {rate}, batch size {batch}) for at most {epochs}, "
        "seed {seed}."
    )
    text = [
        sentence.format(
            loss=mask_loss_name(training.mask_loss, voice),
            optimiser=optimiser + cite(OPTIMISERS.get(training.optimizer)),
            rate=voice.short(training.learning_rate),
            batch=training.batch_size,
            epochs=voice.epochs(training.epochs_in_all),
            seed=training.seed,
        ),
        *_loss_details(recipe, voice),
    ]
    if training.weight_decay:
        text.append(_("Weight decay was {value}.").format(value=voice.short(training.weight_decay)))
    if training.clip_gradient:
        text.append(
            _("Gradients were shortened to a norm of at most {value}.").format(
                value=voice.short(training.clip_gradient) + cite(CLIPPING)
            )
        )
    if training.micro_batch is not None and training.micro_batch < training.batch_size:
        text.append(
            _("To save memory each batch was computed in pieces of {n}, their gradients added up.").format(
                n=training.micro_batch
            )
        )
    if recipe.network.gradient_checkpointing:
        sentence = _("To save memory the levels of the network were computed twice (gradient checkpointing).")
        text.append(with_citation(sentence, CHECKPOINTING))
    return text + schedule_text(recipe, voice) + averaging_text(recipe, voice) + kept_text(evidence, recipe, voice)


def mask_loss_name(loss: MaskLoss, voice: Voice) -> str:
    """Name of the loss on masks with its citation."""
    _ = voice.gettext
    first, second = (voice.short(weight) for weight in loss.weights)
    names = {
        "cross_entropy": _("cross-entropy of every voxel"),
        "dice": _("soft Dice"),
        "cross_entropy+dice": _("the sum of cross-entropy and soft Dice")
        if loss.weights == (1.0, 1.0)
        else _("the sum of cross-entropy and soft Dice, weighted {a} to {b},").format(a=first, b=second),
        "focal": _("focal loss (gamma {gamma})").format(gamma=voice.short(loss.gamma)),
        "tversky": _("Tversky loss (alpha {alpha}, beta {beta})").format(
            alpha=voice.short(loss.alpha), beta=voice.short(loss.beta)
        ),
        "generalised_dice": _("generalised Dice"),
    }
    return names[loss.name] + cite(*mask_loss_keys(loss))


def _loss_details(recipe: Recipe, voice: Voice) -> list[str]:
    _ = voice.gettext
    loss, training = recipe.training.mask_loss, recipe.training
    text = []
    if loss.name not in ("cross_entropy", "focal"):
        over = _("the whole batch together") if loss.dice_over == "batch" else _("each sample on its own")
        text.append(
            _("Its sums run over {over}, background included; {smooth} is added above and below.")
            if loss.background and not recipe.data.regions
            else _("Its sums run over {over}, without the background; {smooth} is added above and below.")
        )
        text[-1] = text[-1].format(over=over, smooth=voice.short(loss.smooth))
        if loss.squared:
            text.append(_("Squares stand below the fraction line."))
    if loss.class_weights is not None:
        weights = voice.join([voice.short(weight) for weight in loss.class_weights])
        text.append(_("The outputs were weighted {weights}.").format(weights=weights))
    if recipe.network.deep_supervision:
        text.append(
            _("The loss looked at coarser levels too, each half as much as the one above it{cite}.").format(
                cite=cite(DEEP_SUPERVISION)
            )
        )
    if recipe.network.label_head:
        name = _("focal loss") + cite(FOCAL) if training.loss == "focal" else _("cross-entropy")
        text.append(
            _("The class was learned with {loss}, added with the factor {weight}.").format(
                loss=name, weight=voice.short(training.label_weight)
            )
        )
    return text


def mask_evaluation_text(evidence: Evidence, recipe: Recipe, voice: Voice) -> list[str]:
    """How masks were predicted, chosen and judged."""
    return [
        *_inference(evidence, recipe, voice),
        *_judged(evidence, voice),
        *_metrics(evidence, recipe, voice),
        *unlike_text(evidence, voice),
    ]


def _inference(evidence: Evidence, recipe: Recipe, voice: Voice) -> list[str]:
    _ = voice.gettext
    evaluation = recipe.evaluation
    text = []
    if recipe.prepare.volume is not None:
        text.append(
            _(
                "Volumes were outlined patch by patch, neighbours overlapping by {share} and weighted by a Gaussian around each "
                "patch's middle{cite}."
            ).format(share=voice.percent(evaluation.overlap), cite=cite(WINDOWS))
        )
    if evaluation.mirror_axes:
        text.append(
            _("The answer is the mean over the image and its mirror images ({n} views).").format(
                n=2 ** len(evaluation.mirror_axes)
            )
        )
    text.append(_("Probabilities were brought back to the grid of the file before they became a mask."))
    if evaluation.post_processing == "validation":
        text.append(_post_processing(evidence, voice))
    if evidence.names_classes:
        text.append(_("The class with the largest probability was the answer."))
    return text


def _post_processing(evidence: Evidence, voice: Voice) -> str:
    _ = voice.gettext
    found = evidence.model.get("post_processing")
    rules = found.get("rules") if isinstance(found, dict) and not evidence.is_cross_validation else None
    if rules is None:
        return _("Whether small pieces of a mask were dropped was chosen on the validation part.")
    if not rules:
        return _(
            "Whether small pieces of a mask should be dropped was tried on the validation part; nothing made it better."
        )
    told = [
        _("of {name} the largest piece").format(name=rule["structure"])
        if rule.get("largest")
        else _("of {name} pieces of at least {size} {unit}").format(
            name=rule["structure"],
            size=voice.short(rule["smallest_mm3"]),
            unit=size_unit(evidence, voice),
        )
        for rule in rules
    ]
    return _("Of the masks only these pieces were kept, as chosen on the validation part: {rules}.").format(
        rules=voice.join(told)
    )


def _judged(evidence: Evidence, voice: Voice) -> list[str]:
    _ = voice.gettext
    if evidence.headline == "val":
        return [_("Figures are quoted from the validation part; there was no separate test part.")]
    if evidence.is_cross_validation:
        return []
    if evidence.is_finished:
        return [_("The test part was used once, after all choices had been made.")]
    return [
        _(
            "The run was not finished: the test part was judged with the model as it stood, and may be judged again when the run "
            "goes on."
        )
    ]


def _metrics(evidence: Evidence, recipe: Recipe, voice: Voice) -> list[str]:
    _ = voice.gettext
    evaluation = recipe.evaluation
    unit = evidence.length_unit
    version = evidence.environment.get("laudo", "")
    return [
        _(
            "Masks were judged in the geometry of the input file by Dice [dice1945], IoU, the 95 % Hausdorff distance, the average "
            "surface distance and the surface Dice [nikolov2021] with a tolerance of {tolerance} {unit}, as recommended by "
            "[maierhein2024]; volumes were compared by Bland and Altman's method [bland1986]."
        ).format(tolerance=voice.short(evaluation.nsd_tolerance_mm), unit=unit),
        _(
            "A case in which a structure is marked neither in the truth nor in the prediction is left out of that structure's "
            "means; where it was missed or invented, the overlap counts 0 and the distances count the diagonal of the image."
        ),
        _("95 % intervals were obtained by bootstrap [efron1993] with {n} resamples of the groups.").format(
            n=voice.integer(evaluation.bootstrap)
        ),
        _("Networks were run with PyTorch [paszke2019], through laudo {version}.")
        .format(version=version)
        .replace(" .", "."),
    ]
