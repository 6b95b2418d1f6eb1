"""Grad-CAM (Selvaraju et al. 2017): where in the image the evidence for a class comes from."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from laudo.core.errors import LaudoError
from laudo.core.messages import _
from laudo.networks.classifier import Classifier, class_score
from laudo.networks.ensemble import Ensemble


def grad_cam(
    classifier: Classifier | Ensemble, pixels: Tensor, target: int, descriptors: Tensor | None = None
) -> Tensor:
    """Maps of the evidence for one class.

    Each channel of the layer is weighted by the mean gradient of the class's logit, and the weighted sum is cut at zero. With a
    single sigmoid output the score of the first class is the negative logit, so that its map shows what speaks against the second.
    What is measured beside the image is held as it is: the map shows the image's share of the evidence alone. The map of several
    networks is the mean of theirs, each from 0 to 1.

    Args:
        classifier: any convolutional one, or several; they are put into evaluation mode.
        pixels: (B, 1 or 3, H, W), 0 to 255.
        target: index of the class.
        descriptors: (B, D) measured features beside the images, where the network is given any.

    Returns:
        (B, H, W) float32 on the CPU, each map from 0 to 1; all zero when nothing speaks for the class.

    Raises:
        LaudoError: the network is no convolutional one.
    """
    if isinstance(classifier, Ensemble):
        members = [grad_cam(member, pixels, target, descriptors) for member in classifier.networks]
        return _to_one(torch.stack(members).mean(dim=0))
    if not classifier.backbone.convolutional:
        raise LaudoError(
            _("Grad-CAM needs a convolutional network."),
            cure=_("Explain a run whose backbone pools a feature map, such as a ResNet, EfficientNet or VGG."),
        )
    classifier.eval()
    with torch.enable_grad():
        features, logits = _features_and_logits(classifier, pixels, descriptors)
        (gradient,) = torch.autograd.grad(class_score(logits, target).sum(), features)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    maps = F.relu((weights * features).sum(dim=1, keepdim=True)).detach().float()
    maps = F.interpolate(maps, size=pixels.shape[2:], mode="bilinear", align_corners=False)[:, 0]
    return _to_one(maps).cpu()


def _to_one(maps: Tensor) -> Tensor:
    """(B, H, W) maps whose largest value is 1; a map of zeros stays."""
    return maps / maps.amax(dim=(1, 2), keepdim=True).clamp(min=torch.finfo(maps.dtype).tiny)


def _features_and_logits(classifier: Classifier, pixels: Tensor, descriptors: Tensor | None) -> tuple[Tensor, Tensor]:
    """Output of the explained layer, part of the graph, and the logits."""
    scaled = classifier.scaling(pixels)

    def logits_of(feature_map: Tensor) -> Tensor:
        logits: Tensor = classifier.head(classifier.join(classifier.pool(feature_map), descriptors))
        return logits

    layer = classifier.backbone.cam_layer
    if not layer or len(classifier.blocks):  # what blocks make of the map is what the head looks at
        features = classifier.feature_map(scaled).requires_grad_()
        return features, logits_of(features)
    caught: list[Tensor] = []

    def catch(_module: object, _inputs: object, output: Tensor) -> Tensor:
        # a frozen backbone builds no graph of its own: the layer's output is where the graph begins
        caught.append(output if output.requires_grad else output.detach().requires_grad_())
        return caught[-1]

    handle = classifier.backbone.get_submodule(layer).register_forward_hook(catch)
    try:
        logits = logits_of(classifier.backbone.feature_map(scaled))
    finally:
        handle.remove()
    return caught[-1], logits


def layer_name(classifier: Classifier | Ensemble) -> str:
    """Name of the explained layer, for the report; of several networks, which have one form, that of each."""
    if isinstance(classifier, Ensemble):
        return layer_name(classifier.networks[0])
    if len(classifier.blocks):
        return f"blocks.{len(classifier.blocks) - 1}"
    return classifier.backbone.cam_layer or "last feature map"
