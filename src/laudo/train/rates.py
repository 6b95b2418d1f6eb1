"""Which parameters are trained, and at which rate: head and blocks, the backbone, and within it group by group."""

from __future__ import annotations

import re
from typing import Any

import timm.models
from torch import nn

from laudo.core.recipe import Training
from laudo.networks.backbone import Backbone
from laudo.networks.classifier import Classifier
from laudo.networks.head import ClassifierHead
from laudo.networks.timm_backbone import TimmBackbone


def parameter_groups(network: Classifier | ClassifierHead, training: Training) -> list[dict[str, Any]]:
    """Groups of an optimiser: first head and blocks with their rate, then what is trained of the backbone with its own.

    With ``layer_decay`` the backbone's last group of layers has its rate, the one below it that times the factor, and so on, as
    in BEiT (Bao et al. 2022). Each group holds its rate as ``base_lr`` too.
    """
    head = [parameter for name, parameter in network.named_parameters() if not name.startswith("backbone.")]
    groups: list[dict[str, Any]] = [{"params": head, "lr": training.learning_rate}]
    if isinstance(network, Classifier):
        rate = training.backbone_learning_rate or training.learning_rate
        depth = layer_groups(network.backbone) if training.layer_decay < 1 else {}
        last = max(depth.values(), default=0)
        by_depth: dict[int, list[nn.Parameter]] = {}
        for name, parameter in network.backbone.named_parameters():
            if parameter.requires_grad:
                by_depth.setdefault(last - depth.get(name, last), []).append(parameter)
        for below, parameters in sorted(by_depth.items()):
            groups.append({"params": parameters, "lr": rate * training.layer_decay**below})
    for group in groups:
        group["base_lr"] = group["lr"]
    return groups


def layer_groups(backbone: Backbone) -> dict[str, int]:
    """Group of each of the backbone's parameters by name, 0 the first; those of a network of timm are timm's own.

    Of laudo's own networks every top-level layer with parameters is a group; normalisation belongs to the layer before it.
    """
    if isinstance(backbone, TimmBackbone):
        model: Any = backbone.model
        found = timm.models.group_parameters(model, model.group_matcher(coarse=False), reverse=True)
        numbers = {
            number: place for place, number in enumerate(sorted({found[n] for n, _p in model.named_parameters()}))
        }
        return {f"model.{name}": numbers[found[name]] for name, _parameter in model.named_parameters()}
    groups: dict[str, int] = {}
    seen: list[str] = []
    for name, _parameter in backbone.named_parameters():
        found_layer = re.match(r"[^.]+\.\d+", name)
        layer = found_layer.group() if found_layer else name.rpartition(".")[0]
        is_norm = isinstance(backbone.get_submodule(layer), nn.modules.batchnorm._NormBase)
        if layer not in seen and not (is_norm and seen):
            seen.append(layer)
        groups[name] = len(seen) - 1
    return groups
