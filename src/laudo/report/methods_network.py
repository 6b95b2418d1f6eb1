"""The sentences of the methods paragraph on what decides: network, blocks and head, or measured features and a classical one."""

from __future__ import annotations

from typing import Any

from laudo.core.recipe import Network, Recipe
from laudo.report.citations import CLASSICAL, DESCRIPTORS, SQUEEZE_EXCITATION, backbone_key, cite, with_citation
from laudo.report.citations_of_methods import BATCH_NORM, CLASSIFIERS, DILATION, DROPOUT
from laudo.report.context import Evidence
from laudo.report.voice import Voice

PDF_CHANNELS = 512
"""Channels of the block as published; other numbers are told."""


def network_text(evidence: Evidence, recipe: Recipe, voice: Voice) -> list[str]:
    """What decides, from pixels to the answer; a sentence each."""
    _ = voice.gettext
    network = recipe.network
    if network.backbone == "descriptors":
        return [*_descriptors(network, voice), *_classical(evidence, network, voice)]
    backbone = network.backbone + cite(backbone_key(network.backbone))
    start = _("with random weights") if network.weights == "none" else _("with pretrained weights")
    if recipe.training.phases:
        text = [_("The network {backbone} started {start}.").format(backbone=backbone, start=start)]
    elif network.trainable == 0:
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
    if network.classifier != "dense":
        return [*text, *_descriptors(network, voice), *_classical(evidence, network, voice)]
    if network.batch_norm == "refitted" and not recipe.has_fixed_features:
        sentence = _("Its batch normalisation was measured anew on training images before it was trained.")
        text.append(with_citation(sentence, BATCH_NORM))
    text += _from_map_to_head(network, voice)
    text += _descriptors(network, voice)
    head = network.head
    if head.normalise:
        text.append(_("The pooled features were standardised with their mean and deviation in the training part."))
    if head.dropout:
        text.append(
            _("Dropout of {value} was used in the head.").format(value=voice.short(head.dropout) + cite(DROPOUT))
        )
    if head.l2:
        text.append(_("The head's kernels had an L2 penalty of {value}.").format(value=voice.short(head.l2)))
    text += _companions(evidence, recipe, voice)
    if evidence.model.get("parameters"):
        members = int(evidence.model.get("members") or 1)
        sentence = (
            _("Each of the networks has {all} parameters, of which {trained} were trained.")
            if members > 1
            else _("The network has {all} parameters, of which {trained} were trained.")
        )
        text.append(
            sentence.format(
                all=voice.integer(evidence.model["parameters"] // members),
                trained=voice.integer((evidence.model.get("trainable_parameters") or 0) // members),
            )
        )
    return text


def _from_map_to_head(network: Network, voice: Voice) -> list[str]:
    _ = voice.gettext
    text = []
    if network.blocks:
        names = {
            "pdf": _("a block of parallel dilated convolutions") + cite(DILATION),
            "se": _("a squeeze-and-excitation block") + cite(SQUEEZE_EXCITATION),
        }
        if network.pdf_channels != PDF_CHANNELS:
            wide = _("a block of parallel dilated convolutions of {n} channels").format(n=network.pdf_channels)
            names["pdf"] = wide + cite(DILATION)
        blocks = voice.join([names[name] for name in network.blocks])
        text.append(_("Its feature maps went through {blocks}, trained with the head.").format(blocks=blocks))
    outputs = {
        "sigmoid": _("a sigmoid output"),
        "softmax": _("a softmax output"),
        "multilabel": _("a sigmoid output for each label"),
    }[network.output]
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


def _descriptors(network: Network, voice: Voice) -> list[str]:
    _ = voice.gettext
    if not network.descriptors:
        return []
    names = {
        "texture": _("texture (co-occurrence of grey levels, local binary patterns, wavelet energy)"),
        "intensity": _("the distribution of grey levels"),
        "colour": _("the distribution of colours"),
        "shape": _("the shape of the outlined lesion"),
        "lesion": _("grey levels inside, around and below the outlined lesion"),
    }
    measured = voice.join([names[group] + cite(*DESCRIPTORS.get(group, ())) for group in network.descriptors])
    text = [_("Features were measured in each image: {measured}.").format(measured=measured)]
    if network.classifier == "dense":
        text.append(
            _("They were standardised on the training part and stood beside the pooled features in front of the head.")
        )
    return text


def _classical(evidence: Evidence, network: Network, voice: Voice) -> list[str]:
    _ = voice.gettext
    text = [_("The classifier was {name}.").format(name=classical_name(network.classifier, voice))]
    found: dict[str, Any] = evidence.model.get("classical") or {}
    return text + _fitted(network, len(found.get("tried") or []), voice)


def _fitted(network: Network, tried: int, voice: Voice) -> list[str]:
    """How classical classifiers were given their features, and who chose their settings."""
    _ = voice.gettext
    text = [
        _("Every feature was brought to mean 0 and deviation 1 on the training part.")
        if network.classical.standardise
        else _("The features were left in their own units.")
    ]
    if tried > 1:
        text.append(
            _("{n} settings were tried, and the one that was best on the validation part was kept.").format(
                n=voice.integer(tried)
            )
        )
    return text


def _companions(evidence: Evidence, recipe: Recipe, voice: Voice) -> list[str]:
    _ = voice.gettext
    if not recipe.network.companions:
        return []
    sources = {
        "descriptors": _("{name} on the measured features"),
        "features": _("{name} on features of the network as it was before training, of the image alone"),
    }
    names = [
        sources[one.learns_from].format(name=classical_name(one.classifier, voice)) for one in recipe.network.companions
    ]
    if recipe.training.ensemble > 1:
        text = _(
            "Beside each network, fitted on the same images: {names}. The answer is the mean of the networks' probabilities and "
            "of theirs, each kind with the same weight."
        )
    else:
        text = _(
            "Beside the network, fitted on the same images: {names}. The answer is the mean of its probabilities and of theirs."
        )
    found: list[Any] = evidence.model.get("companions") or []
    ones = found[0] if found and isinstance(found[0], list) else found  # of an ensemble, those of each member
    tried = max((len(one.get("tried") or []) for one in ones), default=0)
    return [text.format(names="; ".join(names)), *_fitted(recipe.network, tried, voice)]


def classical_name(name: str, voice: Voice) -> str:
    """What people call a classifier of scikit-learn."""
    _ = voice.gettext
    names = {
        "knn": _("k nearest neighbours"),
        "logistic_regression": _("logistic regression"),
        "svm": _("a support vector machine with radial basis functions"),
        "random_forest": _("a random forest"),
        "gradient_boosting": _("gradient-boosted trees"),
    }
    return names.get(name, name) + cite(CLASSIFIERS.get(name), CLASSICAL)
