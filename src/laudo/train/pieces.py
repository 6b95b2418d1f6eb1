"""A training batch as the network is given it: changed at random, mixed, and in pieces where it is too large for the memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from laudo.core.recipe import Recipe
from laudo.prepare.augment import apply_changes, draw_changes
from laudo.prepare.mixing import Mixing, draw_mixing, mix
from laudo.train.inputs import Batch
from laudo.train.losses import Terms, loss_terms, sample_weights


@dataclass(frozen=True)
class Target:
    """What samples should be called; of mixed ones, two targets and the share of the first.

    Attributes:
        own: (B,) targets.
        other: targets of the images that were mixed in; None: nothing was.
        share: (B,) share of the own target.
    """

    own: Tensor
    other: Tensor | None = None
    share: Tensor | None = None

    @property
    def heavier(self) -> Tensor:
        """Of each sample the target with the larger share, by which right and wrong are counted."""
        if self.other is None or self.share is None:
            return self.own
        wider = self.share.view(-1, *[1] * (self.own.ndim - 1))
        return torch.where(wider >= 0.5, self.own, self.other)

    def weights(self, class_weights: Tensor | None) -> Tensor:
        """(B,) what each sample adds to the number that a sum of losses is divided by."""
        own = sample_weights(self.own, class_weights)
        if self.other is None or self.share is None:
            return own
        return self.share * own + (1 - self.share) * sample_weights(self.other, class_weights)

    def terms(self, logits: Tensor, recipe: Recipe, class_weights: Tensor | None) -> Terms:
        """Terms of the loss; of mixed samples the sum of both targets' by their shares."""
        training = recipe.training
        own = loss_terms(logits, self.own, training, class_weights, training.label_smoothing)
        if self.other is None or self.share is None:
            return own
        other = loss_terms(logits, self.other, training, class_weights, training.label_smoothing)
        return (
            self.share * own[0] + (1 - self.share) * other[0],
            self.share * own[1] + (1 - self.share) * other[1],
        )


class Pieces:
    """A batch in pieces of at most ``micro_batch`` samples.

    What is drawn for a sample does not depend on the size of the pieces; mixing is within a piece.

    Args:
        batch: arguments of the network, the first being (B, C, H, W) pixels where anything is drawn, and targets.
        recipe: augmentation, size of the pieces.
        seed: of what is drawn; None: nothing is.
    """

    def __init__(self, batch: Batch, recipe: Recipe, seed: int | None) -> None:
        self.arguments, targets = batch
        self.recipe = recipe
        n = len(targets)
        size = recipe.training.micro_batch or n
        self.places = [slice(start, min(start + size, n)) for start in range(0, n, size)]
        self.changes = None
        mixings: Sequence[Mixing | None] = [None] * len(self.places)
        if seed is not None:
            self.changes = draw_changes(n, recipe.augment, torch.Generator().manual_seed(seed))
            height, width = self.arguments[0].shape[2:]
            mixings = [
                draw_mixing(place.stop - place.start, height, width, recipe.augment, (seed, number))
                for number, place in enumerate(self.places)
            ]
        self.mixings = mixings
        self.targets = [_mixed(targets[place], mixing) for place, mixing in zip(self.places, mixings, strict=True)]

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[tuple[tuple[Tensor, ...], Target]]:
        """Arguments and target of each piece; its pixels are changed when it is asked for."""
        for place, mixing, target in zip(self.places, self.mixings, self.targets, strict=True):
            first, *beside = (argument[place] for argument in self.arguments)
            if self.changes is not None:
                first = apply_changes(first, self.changes.of(place), self.recipe.prepare.planes)
            if mixing is not None and mixing.is_any:
                first = mix(first, mixing)
                share = mixing.share.to(first.device)[:, None]
                beside = [share * other + (1 - share) * other[mixing.partner.to(other.device)] for other in beside]
            yield (first, *beside), target

    def weight(self, class_weights: Tensor | None) -> Tensor:
        """What the sum of the losses of the whole batch is divided by."""
        return torch.stack([target.weights(class_weights).sum() for target in self.targets]).sum()


def _mixed(targets: Tensor, mixing: Mixing | None) -> Target:
    if mixing is None or not mixing.is_any:
        return Target(targets)
    return Target(targets, targets[mixing.partner.to(targets.device)], mixing.share.to(targets.device))
