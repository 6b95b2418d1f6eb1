"""Every network of laudo's own, in one place; any other name is timm's. A new one is a file beside this and a line here."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import timm
from torch import Tensor

from laudo.core.environment import file_hash
from laudo.core.errors import RecipeError, UnknownNameError, WeightsError
from laudo.core.messages import _
from laudo.core.recipe import InputScaling, Network
from laudo.networks.backbone import IMAGENET_SCALING, Backbone, BackboneSpec, Scaling
from laudo.networks.classifier import Classifier, set_trainable
from laudo.networks.clip_backbone import CLIP_SCALING, ClipBackbone
from laudo.networks.frozen import FrozenNetwork
from laudo.networks.image_side import READERS, find_image_side
from laudo.networks.open_clip_backbone import OpenClipBackbone
from laudo.networks.small_cnn import SmallCNN
from laudo.networks.squeezenet import SqueezeNet
from laudo.networks.timm_backbone import TimmBackbone
from laudo.networks.tumour_cnn import TumourCNN
from laudo.networks.weights_file import read_weights
from laudo.networks.weights_fit import put_weights
from laudo.networks.weights_search import find_weights

BACKBONES: dict[str, Callable[[], Backbone]] = {
    "squeezenet1_1": SqueezeNet,
    "small_cnn": SmallCNN,
    "tumour_cnn": TumourCNN,
}
"""Networks that are not timm's."""

IMAGE_SIDES: dict[str, Callable[[Mapping[str, Any]], Backbone]] = {
    "clip": ClipBackbone,
    "open_clip": OpenClipBackbone,
}
"""Image sides of networks that were trained on images and texts together. They are built from the options that their checkpoint
states; its other side is in text_table.py."""

CLASSIFIER_PREFIXES = ("classifier.", "fc.", "head.", "head.fc.", "pre_logits.")
"""Tensors of a weights file that a backbone has no place for: its old classifier."""


def build_backbone(spec: BackboneSpec) -> Backbone:
    """A backbone with random weights.

    Raises:
        UnknownNameError: neither laudo nor timm knows the name.
        LaudoError: a package is not installed that the network needs.
    """
    if spec.name in BACKBONES:
        return BACKBONES[spec.name]()
    if spec.name in IMAGE_SIDES:
        return IMAGE_SIDES[spec.name](spec.options)
    if not timm.is_model(spec.name):
        names = [*BACKBONES, *IMAGE_SIDES, *timm.list_models()]
        near = difflib.get_close_matches(spec.name, names, n=3, cutoff=0.6)
        raise UnknownNameError(
            _("There is no network of this name."),
            found=spec.name,
            expected=_("a name of timm, or one of {names}").format(names=", ".join([*BACKBONES, *IMAGE_SIDES])),
            cure=_("Did you mean {name}?").format(name=", ".join(near)) if near else None,
        )
    return TimmBackbone(spec.name, spec.options)


def configured_scaling(name: str) -> InputScaling:
    """Input scaling that the network's own table states for its published weights."""
    if name in IMAGE_SIDES:
        return CLIP_SCALING
    configuration = timm.get_pretrained_cfg(name) if timm.is_model(name) else None
    if configuration is None or configuration.mean is None:
        return IMAGENET_SCALING
    return InputScaling(mean=tuple(configuration.mean), std=tuple(configuration.std))


def pretrained_backbone(network: Network) -> tuple[Backbone, BackboneSpec]:
    """The recipe's backbone with its weights, and the specification that builds it again.

    Raises:
        UnknownNameError, WeightsError: see :func:`build_backbone`, :func:`laudo.networks.weights_search.find_weights`,
            :func:`laudo.networks.image_side.find_image_side`; or the weights do not fit.
    """
    if network.backbone in IMAGE_SIDES and network.weights != "none":
        return _pretrained_image_side(network)
    scaling = network.input_scaling or configured_scaling(network.backbone)
    found = None
    if network.weights != "none":
        build_backbone_name(network.backbone)
        found = find_weights(network.backbone, network.weights)
    if found is None:
        options = READERS[network.backbone].usual() if network.backbone in IMAGE_SIDES else {}
        spec = BackboneSpec(network.backbone, options, scaling)
        return build_backbone(spec), spec
    path, origin = found
    file = read_weights(path)
    if file.architecture and file.architecture.split(".")[0] != network.backbone.split(".")[0]:
        raise WeightsError(
            _("The weights belong to another network."),
            file=path,
            expected=network.backbone,
            found=file.architecture,
            cure=f"--set network.backbone={file.architecture}",
        )
    spec = BackboneSpec(
        network.backbone,
        file.options,
        network.input_scaling or file.scaling or scaling,
        weights_from=origin,
        weights_sha256=file_hash(path),
    )
    backbone = build_backbone(spec)
    load_backbone(backbone, file.tensors, path)
    return backbone, spec


def _pretrained_image_side(network: Network) -> tuple[Backbone, BackboneSpec]:
    side = find_image_side(network)
    with side.checkpoint.understood():
        backbone = build_backbone(side.spec)
    load_backbone(backbone, side.tensors(), side.checkpoint.weights[0])
    return backbone, side.spec


def build_backbone_name(name: str) -> None:
    """Refuse an unknown name before its weights are looked for."""
    if name not in BACKBONES and not timm.is_model(name):
        build_backbone(BackboneSpec(name))


def load_backbone(backbone: Backbone, tensors: dict[str, Tensor], path: Path) -> None:
    """Put weights into a backbone; a tensor that is missing, too many or of another shape is an error.

    Raises:
        WeightsError: names the tensors.
    """
    inner = backbone.model if isinstance(backbone, TimmBackbone) else backbone
    wanted = inner.state_dict()
    given = {k: v for k, v in tensors.items() if k in wanted or not k.startswith(CLASSIFIER_PREFIXES)}
    put_weights(
        inner, given, path, _("Check that network.backbone is the network that these weights were trained with.")
    )


def build_classifier(
    network: Network, classes: int, size_px: tuple[int, int] | None = None, descriptors: int = 0
) -> tuple[Classifier, BackboneSpec]:
    """The recipe's classifier, pretrained as it says, with the share of layers that it wants trained.

    Args:
        network: the recipe's section.
        classes: number of classes.
        size_px: height and width of the prepared images; ``pooling: flatten`` needs it.
        descriptors: number of measured features beside the image.
    """
    backbone, spec = pretrained_backbone(network)
    return assemble(backbone, spec, network, classes, size_px, descriptors), spec


def frozen_network(network: Network, plane: int | None) -> FrozenNetwork:
    """The recipe's backbone as its weights file has it; without weights, random.

    Args:
        network: the recipe's section.
        plane: see :class:`laudo.networks.frozen.FrozenNetwork`.
    """
    backbone, spec = pretrained_backbone(network)
    return FrozenNetwork(backbone, Scaling(spec.scaling), plane)


def assemble(
    backbone: Backbone,
    spec: BackboneSpec,
    network: Network,
    classes: int,
    size_px: tuple[int, int] | None = None,
    descriptors: int = 0,
) -> Classifier:
    """Put blocks and a head on a backbone.

    Raises:
        RecipeError: a single sigmoid output was asked for, and there are not two classes; blocks, and the backbone gives no
            feature map of convolutions; images smaller than the backbone can take, or not of the one size that it knows.
    """
    if network.output == "sigmoid" and classes != 2:
        raise RecipeError(
            _("A single sigmoid output tells two classes apart."),
            found=_("classes: {n}").format(n=classes),
            cure="--set network.output=softmax",
        )
    if network.blocks and not backbone.convolutional:
        raise RecipeError(
            _("Blocks need the feature map of a convolutional network."),
            found=f"network.backbone={spec.name}, network.blocks={list(network.blocks)}",
            cure="--set network.blocks=[]",
        )
    if size_px is not None and min(size_px) < backbone.smallest_px:
        raise RecipeError(
            _("The images are too small for the network."),
            found=_("{height} × {width} pixels").format(height=size_px[0], width=size_px[1]),
            expected=_("at least {n} pixels a side").format(n=backbone.smallest_px),
            cure=f"--set prepare.height={backbone.smallest_px} --set prepare.width={backbone.smallest_px}",
        )
    if size_px is not None and backbone.exact_px is not None and size_px != backbone.exact_px:
        height, width = backbone.exact_px
        raise RecipeError(
            _("The images do not have the size that the network was trained with."),
            found=_("{height} × {width} pixels").format(height=size_px[0], width=size_px[1]),
            expected=_("{height} × {width} pixels").format(height=height, width=width),
            cure=f"--set prepare.height={height} --set prepare.width={width}",
        )
    set_trainable(backbone, network.trainable)
    return Classifier(backbone, Scaling(spec.scaling), network, classes, size_px, descriptors)
