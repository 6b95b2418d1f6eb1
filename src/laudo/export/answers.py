"""Networks as plain modules that answer as laudo does: views and members inside, probabilities out."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import combinations

import torch
from torch import Tensor, nn

from laudo.core.recipe import View
from laudo.networks.classifier import Classifier, class_probabilities
from laudo.networks.ensemble import Ensemble
from laudo.networks.segmenter import Segmenter, mask_probabilities
from laudo.networks.views import seen


def plain(network: nn.Module) -> nn.Module:
    """A copy in evaluation mode on the processor, its weights in the usual order of memory: what exporters follow."""
    return copy.deepcopy(network).cpu().float().eval().to(memory_format=torch.contiguous_format).requires_grad_(False)


class ClassifierAnswer(nn.Module):
    """(B, C, H, W) prepared pixels to (B, K) probabilities, the mean over the views.

    Args:
        classifier: one network, or several that answer together.
        views: of each image.
    """

    def __init__(self, classifier: Classifier | Ensemble, views: Sequence[View]) -> None:
        super().__init__()
        self.multilabel = classifier.multilabel
        self.classifier = plain(classifier)
        self.views = tuple(views)

    def forward(self, pixels: Tensor) -> Tensor:
        """Probabilities."""
        found = [class_probabilities(self.classifier(seen(pixels, view)), self.multilabel) for view in self.views]
        return torch.stack(found).mean(dim=0)


class WindowLogits(nn.Module):
    """(B, C, *S) prepared pixels or voxels to the logits of each network, the mean over mirror images.

    Args:
        networks: that outline structures.
        mirror_axes: axes of S along which the image is mirrored too.
    """

    def __init__(self, networks: Sequence[Segmenter], mirror_axes: Sequence[int]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(plain(network) for network in networks)
        axes = tuple(dict.fromkeys(mirror_axes))
        self.turns = [
            [axis + 2 for axis in chosen] for count in range(len(axes) + 1) for chosen in combinations(axes, count)
        ]

    def forward(self, x: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Of each network its (B, K, *S) logits, and its (B, C) logits of the class where it has a head for it."""
        masks, labels = [], []
        for network in self.networks:
            found, named = [], []
            for dims in self.turns:
                answer = network(x.flip(dims) if dims else x)
                found.append(answer.mask.flip(dims) if dims else answer.mask)
                if answer.label is not None:
                    named.append(answer.label)
            masks.append(_mean(found))
            if named:
                labels.append(_mean(named))
        return masks, labels


class PatchLogits(nn.Module):
    """(B, C, *S) prepared voxels to (B, N × K, *S) logits, those of each of N networks one after the other."""

    def __init__(self, networks: Sequence[Segmenter], mirror_axes: Sequence[int] = ()) -> None:
        super().__init__()
        self.inner = WindowLogits(networks, mirror_axes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits; those of classes, where there are any, follow as maps of one value each."""
        masks, labels = self.inner(x)
        size = list(masks[0].shape[2:])
        flat = [one[(..., *[None] * len(size))].expand(*one.shape, *size) for one in labels]
        return torch.cat([*masks, *flat], dim=1)


class PictureAnswer(nn.Module):
    """(1, C, H, W) prepared pixels to (K, H, W) probabilities of the outputs and, where there are any, (C,) of the classes.

    Args:
        networks: that outline structures.
        mirror_axes: axes along which the image is mirrored too.
        overlapping: each output is a question of its own.
        by_mask: whether the class is read off the mask, in which each structure is a class.
    """

    def __init__(
        self, networks: Sequence[Segmenter], mirror_axes: Sequence[int], overlapping: bool, by_mask: bool
    ) -> None:
        super().__init__()
        self.inner = WindowLogits(networks, mirror_axes)
        self.overlapping = overlapping
        self.by_mask = by_mask

    def forward(self, pixels: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Probabilities."""
        logits, labels = self.inner(pixels)
        masks = torch.stack([mask_probabilities(one, self.overlapping)[0] for one in logits]).mean(dim=0)
        if labels:
            return masks, torch.stack([torch.softmax(one[0], dim=0) for one in labels]).mean(dim=0)
        return (masks, _votes(masks)) if self.by_mask else masks


def _votes(masks: Tensor) -> Tensor:
    """(C,) probability of each class of (1 + C, H, W); see :func:`laudo.predict.mask_model.class_by_mask`."""
    votes = (masks[1:].double() * (1 - masks[:1].double())).flatten(1).sum(dim=1)
    total = votes.sum()
    even = torch.full_like(votes, 1 / len(votes))
    return torch.where(total == 0, even, votes / torch.where(total == 0, torch.ones_like(total), total)).float()


def _mean(found: Sequence[Tensor]) -> Tensor:
    return found[0] if len(found) == 1 else torch.stack(list(found)).mean(dim=0)
